//! Reads an XML file with quick-xml and does nothing with it but count: the limit that our own reading is measured
//! against. `bare_pass fleet.xml` prints the number of events.

use std::fs::File;
use std::io::BufReader;

use quick_xml::events::Event;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: bare_pass FILE")?;
    let mut reader = quick_xml::Reader::from_reader(BufReader::with_capacity(64 * 1024, File::open(path)?));
    let mut buffer = Vec::new();
    let mut count = 0_u64;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer)? {
            Event::Eof => break,
            _ => count += 1,
        }
    }
    println!("{count} events");
    Ok(())
}
