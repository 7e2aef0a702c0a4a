//! Does any document make a parser panic, or say two things on two readings? Samples, mutated at random.

use lastgood_core::observation::{Collection, Extent};
use lastgood_datto::look::Look;
use lastgood_datto::reading::{date, number};
use lastgood_datto::rest::{DeviceAnswer, collect, read_page};
use lastgood_datto::xml;
use proptest::prelude::*;
use proptest::sample::Index;

const SAMPLE: &[u8] = include_bytes!("../../testdata/datto-status.xml");
const DEVICES: &[u8] = include_bytes!("../../testdata/datto-rest-devices.json");
const ASSETS: &[u8] = include_bytes!("../../testdata/datto-rest-assets.json");

/// One change to a document.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, &'static str),
    Repeat(Index, usize),
}

const INSERTED: [&str; 24] = [
    "<Device>",
    "</Device>",
    "<BackupVolume>",
    "</BackupVolume>",
    "<BackupVolumes>",
    "</BackupVolumes>",
    "<content>",
    "</Devices>",
    "<Device/>",
    "<Uptime x='",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?x",
    "&#x10ffff;",
    "&#0;",
    "&a;",
    "<!DOCTYPE a>",
    "\u{feff}",
    "\u{0}\u{c}",
    "\"",
    "{",
    "],",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        any::<Index>().prop_map(Mutation::Cut),
        (any::<Index>(), 1..200_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (any::<Index>(), prop::sample::select(&INSERTED[..]))
            .prop_map(|(at, text)| Mutation::Insert(at, text)),
        (any::<Index>(), 1..400_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

fn mutated(document: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        match *mutation {
            Mutation::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Mutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Mutation::Remove(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Mutation::Insert(at, text) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, text.bytes());
            }
            Mutation::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

fn look() -> Look {
    Look { keep_details: true, ..Look::new("2021-06-14T14:00:00Z".parse().unwrap()) }
}

/// What is not complete says why, and what is complete has nothing to say.
fn check_shape(collection: &Collection) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        collection.failures.is_empty(),
        collection.extent() == Extent::Complete,
        "{:?}",
        collection.failures
    );
    prop_assert!(collection.listing != Extent::Failed || collection.repositories.is_empty());
    let mut keys: Vec<_> = collection.repositories.iter().map(|repository| &repository.key).collect();
    keys.sort();
    let count = keys.len();
    keys.dedup();
    prop_assert_eq!(keys.len(), count, "two repositories with one key");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_status_document_never_panics_and_reads_the_same_twice(
        mutations in prop::collection::vec(mutation(), 1..12),
    ) {
        let document = mutated(SAMPLE, &mutations);
        let collection = xml::parse(&*document, &look());
        check_shape(&collection)?;
        // In other blocks it is the same document.
        let in_pieces = std::io::BufReader::with_capacity(7, &*document);
        prop_assert_eq!(xml::parse(in_pieces, &look()), collection);
    }

    #[test]
    fn any_bytes_are_read_without_panic(document in prop::collection::vec(any::<u8>(), 0..400)) {
        check_shape(&xml::parse(&*document, &look()))?;
        let _ = read_page(&document);
    }

    #[test]
    fn mutated_answers_never_panic_and_read_the_same_twice(
        of_devices in prop::collection::vec(mutation(), 0..3),
        of_assets in prop::collection::vec(mutation(), 0..3),
    ) {
        let page = |bytes: &[u8], mutations: &[Mutation]| read_page(&mutated(bytes, mutations)).unwrap_or_default().items;
        let (devices, assets) = (page(DEVICES, &of_devices), page(ASSETS, &of_assets));
        let look = Look { keep_details: true, ..Look::new_rest(look().at) };
        let answers = || {
            let answer = |device| DeviceAnswer::new(device, &assets, None, &look);
            devices.clone().into_iter().map(answer).collect()
        };
        let collection = collect(answers(), None, &look);
        check_shape(&collection)?;
        prop_assert_eq!(collect(answers(), None, &look), collection);
    }

    #[test]
    fn any_text_is_a_date_and_a_number_or_none(text in "\\PC{0,40}|[-0-9:TZ/., +eE]{0,30}") {
        let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let _ = date::parse(&text).resolve(&zone, look().at);
        let _ = date::parse_day(&text).resolve(&zone, look().at);
        if let Some(number) = number::parse(&text) {
            prop_assert!(number.as_f64().is_finite());
            let _ = number.scaled(1024);
        }
    }
}
