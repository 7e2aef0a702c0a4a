//! Is a document that is anything but well-formed refused, and never misread?

use proptest::prelude::*;
use rstest::rstest;

use super::document::DOCUMENT_MAX_BYTES;
use super::*;

const LAUGHS: &[u8] = include_bytes!("../testdata/hostile-laughs.xml");
const HARMLESS_DTD: &[u8] = include_bytes!("../testdata/hostile-harmless-dtd.xml");
const OUTER_DTD: &[u8] = include_bytes!("../testdata/hostile-outer-dtd.xml");

fn reason(bytes: &[u8]) -> String {
    ended(bytes).expect_err("not to be trusted").to_string()
}

#[test]
fn a_file_cut_anywhere_is_refused_or_says_the_same() {
    fn check<T: PartialEq + std::fmt::Debug>(document: &str, parse: fn(&[u8]) -> Result<T, Untrusted>) {
        let whole = parse(document.as_bytes()).expect("a file to be trusted");
        for end in 0..document.len() {
            if let Ok(read) = parse(&document.as_bytes()[..end]) {
                assert_eq!(read, whole, "cut at {end}");
            }
        }
    }
    for document in [PERL_STARTED, SEPIOLA_STARTED] {
        check(document, started);
    }
    for document in [PERL_ENDED, SEPIOLA_ENDED] {
        check(document, ended);
    }
    for document in [PERL_SCHEDULER, SEPIOLA_SCHEDULER] {
        check(document, scheduler);
    }
}

#[test]
fn a_dtd_is_refused_whatever_it_says() {
    for document in [LAUGHS, HARMLESS_DTD, OUTER_DTD] {
        assert!(reason(document).contains("DTD"), "{}", reason(document));
    }
    assert!(ended(b"<!doctype backup_ended><backup_ended/>").is_err());
    // What only looks like one is none.
    let text = PERL_ENDED.replace("<id>", "<!-- <!DOCTYPE a> --><id>");
    assert_eq!(ended(text.as_bytes()), ended(PERL_ENDED.as_bytes()));
}

#[test]
fn a_document_of_1_mib_is_read_and_one_byte_more_is_not() {
    let mut bytes = PERL_ENDED.as_bytes().to_vec();
    bytes.resize(DOCUMENT_MAX_BYTES, b' ');
    assert_eq!(ended(&bytes), ended(PERL_ENDED.as_bytes()));
    bytes.push(b' ');
    assert!(reason(&bytes).contains("larger than 1 MiB"));
}

#[test]
fn other_encodings_are_refused_and_a_byte_order_mark_is_not() {
    let marked = format!("\u{feff}{SEPIOLA_ENDED}");
    assert_eq!(ended(marked.as_bytes()), ended(SEPIOLA_ENDED.as_bytes()));
    assert!(ended(format!("\u{feff}{marked}").as_bytes()).is_err());
    for (name, to_bytes) in [("LE", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("BE", u16::to_be_bytes)] {
        for text in [SEPIOLA_ENDED, &marked] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(to_bytes).collect();
            assert!(ended(&bytes).is_err(), "{name}");
        }
    }
    let latin = SEPIOLA_ENDED.replace("UTF-8", "ISO-8859-1");
    assert!(reason(latin.as_bytes()).contains("not UTF-8"));
    let mut bytes = SEPIOLA_ENDED.replace("Windows", "Wind\u{1}ws").into_bytes();
    let place = bytes.iter().position(|byte| *byte == 1).expect("a mark");
    for byte in [0, 1, 0x80, 0xc3, 0xff] {
        bytes[place] = byte;
        assert!(reason(&bytes).starts_with("line 9: "), "{byte}: {}", reason(&bytes));
    }
}

/// A document around this text in its root.
fn inside(content: &str) -> String {
    format!("<backup_ended><success>1</success>{content}</backup_ended>")
}

#[rstest]
#[case::empty("")]
#[case::blank(" \n ")]
#[case::only_a_declaration("<?xml version=\"1.0\"?>")]
#[case::only_a_comment("<!-- -->")]
#[case::no_xml("1")]
#[case::json("{\"success\": 1}")]
#[case::another_root("<backup_started/>")]
#[case::root_in_another_case("<Backup_Ended/>")]
#[case::root_not_closed("<backup_ended>")]
#[case::only_an_end("</backup_ended>")]
#[case::two_roots("<backup_ended/><backup_ended/>")]
#[case::text_before("x<backup_ended/>")]
#[case::text_behind("<backup_ended/>x")]
#[case::nul_behind("<backup_ended/>\0")]
#[case::no_break_space_behind("<backup_ended/>\u{a0}")]
#[case::reference_behind("<backup_ended/>&#32;")]
#[case::cdata_behind("<backup_ended/><![CDATA[ ]]>")]
#[case::end_behind("<backup_ended/></backup_ended>")]
#[case::half_a_comment_behind("<backup_ended/><!-- ")]
#[case::declaration_behind("<backup_ended/><?xml version='1.0'?>")]
#[case::blank_before_the_declaration(" <?xml version='1.0'?><backup_ended/>")]
#[case::declaration_without_version("<?xml encoding='UTF-8'?><backup_ended/>")]
#[case::declaration_out_of_order("<?xml encoding='UTF-8' version='1.0'?><backup_ended/>")]
#[case::declaration_of_version_2("<?xml version='2.0'?><backup_ended/>")]
#[case::declaration_of_half_a_version("<?xml version='1.'?><backup_ended/>")]
#[case::declaration_with_more("<?xml version='1.0' more='1'?><backup_ended/>")]
#[case::declaration_in_doubt("<?xml version='1.0' standalone='maybe'?><backup_ended/>")]
#[case::empty_declaration("<?xml?><backup_ended/>")]
#[case::declaration_in_capitals("<?XML version='1.0'?><backup_ended/>")]
#[case::instruction_without_name("<? x?><backup_ended/>")]
fn what_is_no_document_of_ours_is_refused(#[case] text: &str) {
    assert!(ended(text.as_bytes()).is_err());
}

#[rstest]
#[case::crossed("<id><a></id></a>")]
#[case::end_in_another_case("<id></ID>")]
#[case::end_of_another_prefix("<a:id></b:id>")]
#[case::end_with_an_attribute("<id></id a='1'>")]
#[case::blank_before_a_name("< id/>")]
#[case::blank_before_the_name_of_an_end("<id></ id>")]
#[case::name_of_digits("<1/>")]
#[case::name_with_a_sign("<i$d/>")]
#[case::slash_apart("<id / >")]
#[case::no_name("<>x</>")]
#[case::tag_in_a_tag("<id <a/>>")]
#[case::lone_ampersand("<id>a & b</id>")]
#[case::open_reference("<id>&lt</id>")]
#[case::unknown_entity("<id>&nbsp;</id>")]
#[case::entity_of_a_dtd("<success>&xxe;</success>")]
#[case::reference_to_nul("<id>&#0;</id>")]
#[case::reference_to_a_control("<id>&#x1b;</id>")]
#[case::reference_to_a_surrogate("<id>&#xD800;</id>")]
#[case::reference_beyond_unicode("<id>&#x110000;</id>")]
#[case::reference_with_a_sign("<id>&#+49;</id>")]
#[case::reference_in_capitals("<id>&#X31;</id>")]
#[case::reference_without_digits("<id>&#;</id>")]
#[case::attribute_twice("<id a='1' a='1'/>")]
#[case::attribute_without_quotes("<id a=1/>")]
#[case::attribute_without_value("<id a/>")]
#[case::attribute_without_name("<id ='1'/>")]
#[case::attributes_that_touch("<id a='1'b='2'/>")]
#[case::attribute_with_a_tag("<id a='<'/>")]
#[case::attribute_with_an_entity("<id a='&xxe;'/>")]
#[case::attribute_with_an_ampersand("<id a='a & b'/>")]
#[case::attribute_not_closed("<id a='1/>")]
#[case::end_of_cdata_in_text("<id>]]></id>")]
#[case::cdata_not_closed("<id><![CDATA[ </id>")]
#[case::cdata_in_small_letters("<id><![cdata[ ]]></id>")]
#[case::comment_with_two_dashes("<!-- a -- b -->")]
#[case::comment_with_three_dashes("<!-- a --->")]
#[case::comment_not_closed("<!-- a ->")]
#[case::instruction_not_closed("<?a b>")]
#[case::instruction_of_xml("<?xml version='1.0'?>")]
#[case::other_declaration("<!ENTITY a 'b'>")]
#[case::dtd_within("<!DOCTYPE a>")]
#[case::control_character("<id>\u{1b}[2J</id>")]
#[case::no_character("<id>\u{ffff}</id>")]
#[case::nul("<id>\0</id>")]
fn what_is_not_well_formed_is_refused(#[case] content: &str) {
    assert!(ended(inside(content).as_bytes()).is_err());
    // Also where it stands in an element that is passed over.
    assert!(ended(inside(&format!("<other>{content}</other>")).as_bytes()).is_err());
}

#[rstest]
#[case::attributes("<id a = '1' b:c=\"&lt;&#x26;>'\" é='2' />")]
#[case::declaration_of_all("<?y version='1.0'?>")]
#[case::entities("<id>&lt;&gt;&amp;&quot;&apos;&#13;&#x1F600;</id>")]
#[case::cdata("<id><![CDATA[<a>&b;]]]]><![CDATA[>]]></id>")]
#[case::comment("<!----><!-- - -->")]
#[case::blank_in_an_end("<id></id \n>")]
fn what_is_well_formed_is_read(#[case] content: &str) {
    let read = ended(inside(content).as_bytes()).map(|ended| ended.success);
    assert_eq!(read, Ok(Some(true)));
}

#[test]
fn deep_nesting_is_refused() {
    let nested = |depth: usize| inside(&format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)));
    assert!(ended(nested(63).as_bytes()).is_ok());
    assert!(reason(nested(64).as_bytes()).contains("deeper than 64"));
    assert!(reason(nested(140_000).as_bytes()).contains("deeper than 64"));
}

#[test]
fn a_flood_of_elements_is_refused_only_if_it_were_kept() {
    // Two more are the root and its outcome.
    assert!(ended(inside(&"<id/>".repeat(9_998)).as_bytes()).is_ok());
    assert!(reason(inside(&"<id/>".repeat(9_999)).as_bytes()).contains("more than 10000 elements"));
    assert!(ended(inside(&"<x/>".repeat(200_000)).as_bytes()).is_ok());
    let attributes = (0..80_000).map(|number| format!(" a{number}='1'")).collect::<Vec<_>>().concat();
    assert!(ended(inside(&format!("<id{attributes}/>")).as_bytes()).is_ok());
}

#[test]
fn a_reason_names_the_line_and_cannot_move_a_cursor() {
    let untrusted =
        ended("<backup_ended>\n\n<id>\u{202e}&evil\u{202e};</id>".as_bytes()).expect_err("no entity");
    assert_eq!(untrusted.line, 3);
    assert!(untrusted.reason.contains("\\u{202e}") && !untrusted.reason.contains('\u{202e}'));
    let long = format!("<{}/>", "x".repeat(100_000));
    assert!(reason(long.as_bytes()).len() < 300);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (started(&bytes), ended(&bytes), scheduler(&bytes));
    }

    #[test]
    fn no_text_of_marks_makes_it_panic(text in "[<>/!?&;#x='\"a-c\\[\\]\\-: \n0-9é]{0,120}") {
        let text = format!("<backup_ended>{text}</backup_ended>");
        let _ = ended(text.as_bytes());
    }

    #[test]
    fn no_value_makes_it_panic(text in "[ -~é\u{a0}]{0,40}") {
        let text = text.replace(['<', '&'], "+");
        for document in [PERL_STARTED, SEPIOLA_STARTED] {
            let read = started(with(document, "startdate", &text).as_bytes());
            prop_assert!(read.is_ok() || text.contains("]]>"));
        }
        for field in ["minute_selected", "hour_selected", "every_day_of_week", "timezone"] {
            let _ = scheduler(with(PERL_SCHEDULER, field, &text).as_bytes());
        }
    }

    #[test]
    fn no_digits_make_an_offset_panic(hours in "[0-9]{1,12}", minutes in "[0-9]{1,12}", sign in "[+-]") {
        let text = format!("2022-03-22T16:37:40{sign}{hours}:{minutes}");
        prop_assert!(started(with(PERL_STARTED, "startdate", &text).as_bytes()).is_ok());
    }

    #[test]
    fn a_changed_byte_gives_no_other_instant_but_in_the_date(at in 0..PERL_STARTED.len(), byte in any::<u8>()) {
        let date = PERL_STARTED.find("2022").expect("a date");
        prop_assume!(!(date..date + 25).contains(&at));
        let mut bytes = PERL_STARTED.as_bytes().to_vec();
        bytes[at] = byte;
        if let Ok(read) = started(&bytes) {
            let whole = started(PERL_STARTED.as_bytes()).expect("a file to be trusted");
            prop_assert!(read.startdate == whole.startdate || read.startdate == Dates::Missing);
        }
    }
}
