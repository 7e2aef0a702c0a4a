//! Does any text make the reader of numbers panic, or give a number that is none?

#![no_main]

use lastgood_datto::reading::number;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(number) = number::parse(text) {
        assert!(number.as_f64().is_finite());
        let _ = number.scaled(1024);
        let _ = number.scaled(u64::MAX);
    }
});
