//! Does the real program answer every command line as it promises: exit code, standard output and standard error?

mod codes;
mod configuring;
mod demo;
mod sample;
mod streams;
mod subjects;
mod usage;

use crate::support::binary::{Ran, run};

/// The instant the documents in `testdata` are judged at: 10:00 in New York.
const AT: &str = "2021-06-14T14:00:00Z";

/// The sample of the facts: an appliance that is well, one that is not, and every trap of the feed.
const SAMPLE: &str = "datto-xml:datto-status.xml";

/// A document in which all is well.
const WELL: &str = "datto-xml:ok.xml";

/// A document in which nothing is bad and one thing is unknown.
const UNKNOWN: &str = "datto-xml:unknown.xml";

/// Runs a command that looks and judges, at [`AT`].
#[track_caller]
fn judge(arguments: &[&str]) -> Ran {
    run(&[arguments, &["--at", AT]].concat())
}

/// Compares a whole answer with its snapshot: what changes from run to run is replaced first.
#[track_caller]
fn compare(name: &str, ran: &Ran) {
    let text = ran.text();
    insta::with_settings!({
        filters => vec![(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT")],
        omit_expression => true,
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!(name, text);
    });
}
