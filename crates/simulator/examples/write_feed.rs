//! Writes the status feed of a simulated fleet to standard output, for measurements:
//! `write_feed 10000 10 > fleet.xml` is one document of 10 000 appliances with 10 agents each.

use std::io::{BufWriter, Write};

use lastgood_simulator::Fleet;

/// The instant the fleet lives at: judge it there with `--at`.
const AT: &str = "2026-03-02T12:00:00Z";

fn main() -> std::io::Result<()> {
    let mut counts = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let (Some(Ok(devices)), Some(Ok(agents))) = (counts.next(), counts.next()) else {
        eprintln!("usage: write_feed DEVICES AGENTS_PER_DEVICE");
        std::process::exit(3);
    };
    let fleet = Fleet::seeded(1, devices, agents, AT.parse().expect("a valid instant"));
    let mut out = BufWriter::new(std::io::stdout().lock());
    fleet.write_xml_tree_a(&mut out)?;
    out.flush()
}
