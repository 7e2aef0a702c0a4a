//! Does any status document make the parser panic, or claim to be complete without being so?

#![no_main]

use lastgood_datto::lastgood_core::observation::Extent;
use lastgood_datto::look::Look;
use lastgood_datto::xml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    let at = "2021-06-14T14:00:00Z".parse().expect("a valid instant");
    let look = Look { keep_details: true, ..Look::new(at) };
    let collection = xml::parse(document, &look);
    assert_eq!(collection.failures.is_empty(), collection.extent() == Extent::Complete);
});
