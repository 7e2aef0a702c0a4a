//! Is somebody with a voice written to as they want, and nobody left without a letter?

use std::sync::Arc;

use lastgood_core::recipient::Voice;

use super::*;

fn voice(language: &str) -> Voice {
    Voice { language: language.into(), from: Some("Backup AG <info@reseller.example>".into()), brand: None }
}

fn spoken(entries: Vec<Entry>, language: &str) -> Digest {
    Digest { voice: Some(Arc::new(voice(language))), ..digest(entries) }
}

fn writer() -> Writer {
    Writer::new(Some(links())).with_settings_url(Some("https://selfcare.example/login?uid={uid}".to_owned()))
}

fn sent(writer: &Writer, digest: &Digest) -> channels::Message {
    open(&kept(&writer.write(digest, &called, lastgood_core::testing::noon()))).expect("it was written here")
}

fn of(role: Role) -> Entry {
    Entry { role: Some(role), ..entry("db", Why::First) }
}

#[test]
fn a_voice_decides_language_and_sender_and_nothing_else() {
    let digest = spoken(vec![of(Role::Customer)], "de-CH");
    let message = sent(&writer(), &digest);
    assert_eq!(message.from.as_deref(), Some("Backup AG <info@reseller.example>"));
    assert_eq!(message.details["language"], "de-CH");
    assert_eq!(message.subject, "Problem: Sicherung fehlgeschlagen: Computer db, Konto nas1");
    assert!(message.text.contains("Was zu tun ist: "), "{}", message.text);
    let plain = sent(&writer(), &Digest { voice: None, ..digest.clone() });
    assert_eq!((plain.from, &plain.details["language"]), (None, &Value::from("en-GB")));
    assert_eq!((&plain.key, &plain.thread), (&message.key, &message.thread));
    let mut details = message.details.clone();
    details["language"] = "en-GB".into();
    assert_eq!(details, plain.details);
}

#[test]
fn a_letter_of_before_there_were_voices_is_still_read() {
    let mut old =
        kept(&writer().write(&digest(vec![of(Role::Customer)]), &called, lastgood_core::testing::noon()));
    let content = String::from_utf8(old.content).expect("JSON");
    assert!(!content.contains("\"from\""), "{content}");
    old.content = content.replace("\"language\":\"en-GB\",", "").into_bytes();
    assert_eq!(open(&old).expect("it opens").from, None);
}

#[test]
fn customers_are_shown_where_their_settings_are_and_nobody_else() {
    let url = "https://selfcare.example/login?uid=nas1";
    let has_url = |role| sent(&writer(), &spoken(vec![of(role)], "en-GB")).text.contains(url);
    assert!(has_url(Role::Customer) && !has_url(Role::Reseller) && !has_url(Role::Operator));
    let over = |role| {
        let entry = Entry { role, ..entry("db", Why::Resolved) };
        sent(&writer(), &spoken(vec![entry], "en-GB")).text
    };
    assert!(over(Some(Role::Customer)).contains(url) && !over(None).contains(url));
    assert!(!over(Some(Role::Reseller)).contains(url) && !over(Some(Role::Operator)).contains(url));
    assert!(over(Some(Role::Reseller)).contains("ask the operator of the backups"));
    let without = Writer::new(None);
    let text = |role| sent(&without, &spoken(vec![of(role)], "en-GB")).text;
    assert!(text(Role::Customer).contains("ask whoever provides your backup"));
    assert!(text(Role::Reseller).contains("ask the operator of the backups"));
}

#[test]
fn a_unique_id_that_wants_out_of_the_url_stays_within() {
    let mut entry = of(Role::Customer);
    entry.incident.matter.subject.repository = Some(Name::new("1&admin=1#\r\n<b>"));
    let message = sent(&writer(), &spoken(vec![entry], "de-CH"));
    assert!(message.text.contains("login?uid=1%26admin%3D1%23%0D%0A%3Cb%3E\n"), "{}", message.text);
    assert!(!message.html.expect("HTML").contains("<b>1"));
}

#[test]
fn no_address_of_an_operator_is_shown_to_anybody() {
    let address = |to: &str| Address { channel: "mail".to_owned(), to: to.to_owned() };
    let others = vec![
        (address("anna.other@example.org"), Some(Role::Customer)),
        (address("support@reseller.example"), Some(Role::Reseller)),
        (address("ops@hoster.example"), Some(Role::Operator)),
        (address("once@hoster.example"), None),
    ];
    let text = sent(&writer(), &spoken(vec![Entry { others, ..of(Role::Customer) }], "en-GB")).text;
    let told = "Also told: your other address (anna.other@example.org), the reseller (support@reseller.example), the operator, \
                1 more.";
    assert!(text.contains(told), "{text}");
    assert!(!text.contains("hoster.example"), "{text}");
}

#[test]
fn a_link_says_what_its_reader_may() {
    for (role, allowed) in [
        (Role::Customer, "für einen Tag stummschalten:"),
        (Role::Reseller, "für einen Tag oder eine Woche stummschalten:"),
        (Role::Operator, "dass es so erwartet ist:"),
    ] {
        let message = sent(&writer(), &spoken(vec![of(role)], "de-CH"));
        let url = message.details["act_url"].as_str().expect("a link");
        assert!(message.text.contains(&format!("{allowed}\n{url}\n")), "{}", message.text);
        assert!(message.html.expect("HTML").contains("#1"));
    }
}

#[test]
fn no_name_becomes_html_a_template_or_a_line_of_its_own() {
    let name = "<script>alert(1)</script>\r\nBcc: eve\u{202e} {{ 7 * 7 }} {% raw %}";
    let mut hostile = entry(name, Why::First);
    hostile.role = Some(Role::Customer);
    hostile.others =
        vec![(Address { channel: "mail".to_owned(), to: name.to_owned() }, Some(Role::Reseller))];
    hostile.affected = vec![hostile.incident.matter.clone()];
    let message = sent(&writer(), &spoken(vec![hostile], "de-CH"));
    let html = message.html.expect("HTML");
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    for said in [&message.subject, &message.text, &html] {
        assert!(said.contains("{{ 7 * 7 }} {% raw %}"), "{said}");
        assert!(said.lines().all(|line| !line.starts_with("Bcc")), "{said}");
        assert!(!said.contains(['\r', '\u{202e}']), "{said}");
    }
}

#[test]
fn html_of_a_letter_loads_nothing_from_anywhere() {
    for language in ["de-CH", "en-GB"] {
        let html = sent(&writer(), &spoken(vec![of(Role::Customer)], language)).html.expect("HTML");
        for wrong in ["<link", "<script", "<img", "src=", "url(", "@import", "http://"] {
            assert!(!html.contains(wrong), "{wrong} in {html}");
        }
    }
}

#[test]
fn words_that_fail_are_replaced_and_the_letter_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("de-CH")).expect("it is made");
    let text = "gut{% if letter.settings[0].account == 'nas1' %}{{ letter.settings[0].nothing }}{% endif %}";
    let text = format!("gut {{% if letter.settings %}}{text}{{% endif %}}");
    std::fs::write(folder.path().join("de-CH/mail.txt"), text).expect("it is written");
    let writer = writer().with_templates(folder.path()).expect("good for every sample");
    let message = sent(&writer, &spoken(vec![of(Role::Customer)], "de-CH"));
    assert_eq!(message.details["language"], "en-GB");
    assert!(message.text.contains("What to do: "), "{}", message.text);
    assert_eq!(message.from.as_deref(), Some("Backup AG <info@reseller.example>"));
}

#[test]
fn every_variable_is_documented_and_the_example_works() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/telling.md"));
    let digest = spoken(vec![of(Role::Customer)], "de-CH");
    let items = compose(&digest, &called, lastgood_core::testing::noon()).items;
    let letter =
        Letter { digest: &digest, called: &called, reply: None, now: lastgood_core::testing::noon() };
    let of_entry = variables::entry(&letter, 1, &digest.entries[0], &items[0]);
    let of_letter = variables::letter(&letter, None);
    let named = of_entry.keys().map(|name| format!("`entry.{name}`"));
    for name in named.chain(of_letter.keys().map(|name| format!("`letter.{name}`"))) {
        assert!(page.contains(&name), "docs/telling.md does not list {name}");
    }
    let example = page.split("```\nGuten Tag\n").nth(1).and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("4000080/de-CH");
    std::fs::create_dir_all(&place).expect("it is made");
    let text = format!("Guten Tag\n{}", example.expect("an example"));
    std::fs::write(place.join("mail.txt"), text).expect("it is written");
    let voice = Voice { brand: Some("4000080".into()), ..voice("de-CH") };
    let digest = Digest { voice: Some(Arc::new(voice)), ..digest };
    let said = sent(&writer().with_templates(folder.path()).expect("a good example"), &digest).text;
    let expected =
        "Guten Tag\n\nSicherung fehlgeschlagen: Computer db, Konto nas1\nDie letzten 2 Sicherungen";
    assert!(said.starts_with(expected) && said.ends_with("\n\nIhre Backup AG, 044 000 00 00\n"), "{said}");
}

#[test]
fn a_letter_of_many_entries_is_cut_and_says_how_many_more_there_are() {
    let entries = (0..10_000).map(|number| entry(&format!("agent{number:05}"), Why::First)).collect();
    let written = writer().write(&spoken(entries, "de-CH"), &called, lastgood_core::testing::noon());
    assert!(written.content.len() <= LETTER_MAX_BYTES, "{}", written.content.len());
    let message = open(&kept(&written)).expect("it was written here");
    let shown = message.details["incidents"].as_array().expect("a list").len();
    let omitted = format!("… und {} weitere, die hier nicht gezeigt werden.", 10_000 - shown);
    assert!(message.text.contains(&omitted), "{omitted}");
    assert!(message.subject.starts_with("10000 Probleme mit Sicherungen: "), "{}", message.subject);
}

#[test]
fn names_of_a_megabyte_fit_into_a_letter() {
    let name = "\u{202e}<".repeat(256 * 1024);
    let mut long = entry(&name, Why::First);
    long.others = (0..30)
        .map(|_| (Address { channel: "mail".to_owned(), to: name.clone() }, Some(Role::Customer)))
        .collect();
    let written = writer().write(&spoken(vec![long; 20], "de-CH"), &called, lastgood_core::testing::noon());
    assert!(written.content.len() <= LETTER_MAX_BYTES, "{}", written.content.len());
    assert_eq!(open(&kept(&written)).expect("it was written here").details["language"], "de-CH");
}
