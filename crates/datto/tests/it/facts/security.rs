//! Section 7.2, security: what a hostile document must not be able to do.
//!
//! That the key is escaped and never sent in the clear is tested with the clients. Answers cannot depend on which parser
//! is installed: there is one, compiled in.

use std::fmt::Write;
use std::net::TcpListener;

use super::{HEALTHY, NOW, UNKNOWN, ages, document, healthy_device, refusal, seen, with};

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/datto-status.xml");

#[test]
fn an_external_entity_reads_no_file() {
    let devices =
        document(&healthy_device().replace("BDR01", "&file;")).replace("<?xml version=\"1.0\"?>", "");
    let hostile = format!("<!DOCTYPE Devices [<!ENTITY file SYSTEM \"file://{TESTDATA}\">]>{devices}");
    let refusal = refusal(hostile);
    assert!(refusal.contains("DTD") && !refusal.contains("D05099A1B2C3"), "{refusal}");
}

#[test]
fn an_external_entity_sends_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    for dtd in [
        format!("<!DOCTYPE Devices SYSTEM \"http://{address}/a.dtd\">"),
        format!("<!DOCTYPE Devices [<!ENTITY call SYSTEM \"http://{address}/b\">]>"),
        format!("<!DOCTYPE Devices [<!ENTITY % call SYSTEM \"http://{address}/c\"> %call;]>"),
    ] {
        let devices = healthy_device().replace("BDR01", "&call;");
        assert!(refusal(format!("{dtd}<Devices>{devices}</Devices>")).contains("DTD"));
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn an_entity_nobody_declared_stays_as_it_is_written() {
    let fleet = super::fleet(with("Hostname", "a&secret;b"), NOW);
    assert_eq!(fleet.used_space()[0].hostname, "a&secret;b");
}

#[test]
fn a_body_without_markup_is_not_opened_as_a_file_name() {
    for name in [TESTDATA, "/etc/passwd", "datto-status.xml", "-", "|id", "http://127.0.0.1/"] {
        assert!(refusal(name).contains("no status document"), "{name}");
    }
}

#[test]
fn nested_entities_cost_nothing() {
    let mut hostile = String::from("<!DOCTYPE Devices [<!ENTITY e0 \"aaaaaaaaaa\">");
    for level in 1..30 {
        write!(hostile, "<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10)).unwrap();
    }
    hostile += "]>";
    hostile += &healthy_device().replace("BDR01", "&e29;");
    assert!(refusal(hostile).contains("DTD"));
}

#[test]
fn dates_in_the_year_9999_cost_nothing() {
    assert_eq!(ages("9999-12-31 23:59:59", NOW), [UNKNOWN; 3]);
    let devices = healthy_device().replace("2021-", "9999-");
    let many: String = (0..2_000).map(|index| devices.replace("S1", &format!("S{index}"))).collect();
    let seen = seen(document(&many));
    assert_eq!(
        (seen.devices, seen.offline, seen.local, seen.offsite),
        (2_000, (0, 2_000), (0, 2_000), (0, 2_000))
    );
}

#[test]
fn hostile_nesting_and_sizes_end_in_a_failure_and_not_in_memory() {
    let deep = format!("<Devices>{}{}", "<a>".repeat(100_000), healthy_device());
    assert!(super::refusal_or_part(&deep));
    let long_name = document(&healthy_device().replace("BDR01", &"A".repeat(3 << 20)));
    assert!(super::refusal_or_part(&long_name));
    let long_tag = document(&format!("<{} x=\"1\"/>{}", "a".repeat(3 << 20), healthy_device()));
    assert!(super::refusal_or_part(&long_tag));
}

#[test]
fn text_of_a_boot_screen_is_only_text() {
    let hostile = document(&healthy_device().replace(
        "<LatestOffsite>",
        "<ScreenshotError>\u{c}\u{1}&lt;/BackupVolume&gt;<![CDATA[</Device><Device>]]>\u{1b}[2J</ScreenshotError><LatestOffsite>",
    ));
    assert_eq!(seen(hostile), HEALTHY);
}
