//! Are the files of both families of clients, of all versions, read for what they mean?

use super::*;
use jiff::Timestamp;

mod dates;
mod duplicates;
mod hostile;
mod plans;
mod states;
mod turns;

const PERL_STARTED: &str = include_str!("../testdata/perl-started.xml");
const PERL_ENDED: &str = include_str!("../testdata/perl-ended.xml");
const PERL_SCHEDULER: &str = include_str!("../testdata/perl-scheduler.xml");
const SEPIOLA_STARTED: &str = include_str!("../testdata/sepiola-started.xml");
const SEPIOLA_ENDED: &str = include_str!("../testdata/sepiola-ended.xml");
const SEPIOLA_SCHEDULER: &str = include_str!("../testdata/sepiola-scheduler.xml");

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

/// A document of the family, with this in the place of what stands in the sample.
fn with(document: &str, field: &str, value: &str) -> String {
    let (before, rest) = document.split_once(&format!("<{field}>")).expect("a field of the sample");
    let (_, after) = rest.split_once(&format!("</{field}>")).expect("a field of the sample");
    format!("{before}<{field}>{value}</{field}>{after}")
}

fn without(document: &str, field: &str) -> String {
    let (before, rest) = document.split_once(&format!("<{field}>")).expect("a field of the sample");
    let (_, after) = rest.split_once(&format!("</{field}>")).expect("a field of the sample");
    format!("{before}{after}")
}

fn perl(version: &str) -> Stated<Client> {
    Stated::Value(Client {
        identifier: PERL_IDENTIFIER.to_owned(),
        version: version.to_owned(),
        operating_system: "linux".to_owned(),
    })
}

fn sepiola() -> Stated<Client> {
    Stated::Value(Client {
        identifier: "Sepiola Online Backup Client".to_owned(),
        version: "2.7.1".to_owned(),
        operating_system: "Windows".to_owned(),
    })
}

#[test]
fn the_files_of_both_families_are_read() {
    let start = Dates::One(at("2022-03-22T15:37:40Z"));
    let end = Dates::One(at("2022-03-22T16:02:11Z"));
    for (started_file, ended_file, id, client) in [
        (PERL_STARTED, PERL_ENDED, "987654321", perl("2.0.9")),
        (SEPIOLA_STARTED, SEPIOLA_ENDED, "123456789", sepiola()),
    ] {
        let id = Some(id.to_owned());
        let expected =
            Started { startdate: start, id: id.clone(), client: client.clone(), evidence: Vec::new() };
        assert_eq!(started(started_file.as_bytes()), Ok(expected));
        let expected = Ended { enddate: end, id, success: Some(true), client, evidence: Vec::new() };
        assert_eq!(ended(ended_file.as_bytes()), Ok(expected));
    }
}

#[rstest::rstest]
#[case::good("1", Some(true))]
#[case::bad("0", Some(false))]
#[case::with_blanks("\n\t 0 ", Some(false))]
#[case::another_number("2", None)]
#[case::padded("01", None)]
#[case::a_word("true", None)]
#[case::empty("", None)]
fn success_is_1_or_0_and_nothing_else(#[case] text: &str, #[case] success: Option<bool>) {
    let ended = ended(with(PERL_ENDED, "success", text).as_bytes()).expect("a file to be trusted");
    assert_eq!(ended.success, success);
    assert_eq!(ended.evidence.len(), usize::from(success.is_none()));
}

#[test]
fn a_missing_field_leaves_the_others_alone() {
    let ended = ended(without(PERL_ENDED, "enddate").as_bytes()).expect("a file to be trusted");
    assert_eq!((ended.enddate, ended.success), (Dates::Missing, Some(true)));
    assert_eq!((ended.evidence[0].field, ended.evidence[0].note), ("enddate", "not stated"));
    let started = started(without(PERL_STARTED, "client").as_bytes()).expect("a file to be trusted");
    assert_eq!((started.client, started.evidence), (Stated::Missing, Vec::new()));
}

#[test]
fn blanks_comments_prefixes_and_unknown_elements_mean_nothing() {
    let text = "<?xml version='1.0'?>\n<!-- of today --><?pi x?>\n\
        <b:backup_ended xmlns:b='urn:b'><new><success>0</success><deep/></new>\
        <b:enddate>\n 2022-03-22<!-- at --><![CDATA[T17:02:]]>&#x31;1&#43;01:00\t</b:enddate>\
        <id>1</id><success> 1 <!-- well --></success>more text</b:backup_ended>\n<!-- end --> ";
    let ended = ended(text.as_bytes()).expect("a file to be trusted");
    assert_eq!((ended.enddate, ended.success), (Dates::One(at("2022-03-22T16:02:11Z")), Some(true)));
    assert_eq!(ended.evidence, []);
}

#[test]
fn what_was_repaired_or_not_read_is_evidence_with_its_line() {
    let text = with(PERL_STARTED, "startdate", "2022-03-22T00:30:00-23:00");
    let evidence = &started(text.as_bytes()).expect("a file to be trusted").evidence[0];
    assert_eq!((evidence.field, evidence.line), ("startdate", Some(6)));
    assert_eq!(&*evidence.raw, "2022-03-22T00:30:00-23:00");
    let text = with(PERL_STARTED, "startdate", "yesterday");
    let started = started(text.as_bytes()).expect("a file to be trusted");
    assert_eq!((started.startdate, started.evidence.len()), (Dates::Unreadable, 1));
    assert_eq!((started.evidence[0].line, &*started.evidence[0].raw), (Some(6), "yesterday"));
}
