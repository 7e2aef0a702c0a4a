//! Are the right words chosen, and are wrong ones found before anybody is written to?

use std::fs;

use rstest::rstest;

use super::*;
use crate::letter::Said;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, text).expect("it is written");
    }
    folder
}

fn opened(files: &[(&str, &str)]) -> Templates {
    Templates::open(folder(files).path()).unwrap_or_else(|error| panic!("{error}"))
}

/// What is wrong with a folder, its own path left out.
fn wrong(folder: &tempfile::TempDir) -> String {
    let error = Templates::open(folder.path()).expect_err("something is wrong");
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

fn voice(language: &str, brand: Option<&str>) -> Voice {
    Voice { language: language.into(), from: None, brand: brand.map(Into::into) }
}

/// The first sample, with every check and every state, said to a customer.
fn said(templates: &Templates, voice: &Voice) -> Said {
    let sample = &sample::letters()[0];
    sample::said(templates, templates.choose(voice), sample, None).expect("good words")
}

#[test]
fn every_language_that_is_built_in_holds_for_every_sample() {
    assert_eq!(Templates::built_in().tried(), []);
}

#[rstest]
#[case("de-CH")]
#[case("en-GB")]
fn a_letter_of_every_check_and_state_reads_well(#[case] language: &str) {
    let Said { subject, text, html, .. } = said(&Templates::built_in(), &voice(language, None));
    insta::assert_snapshot!(format!("{language}-text"), format!("Subject: {subject}\n\n{text}"));
    insta::assert_snapshot!(format!("{language}-html"), html);
}

#[test]
fn the_language_of_switzerland_knows_no_sharp_s_and_says_sie() {
    let Said { subject, text, html, .. } = said(&Templates::built_in(), &voice("de-CH", None));
    for said in [subject, text, html] {
        assert!(!said.contains('ß') && !said.contains(" du "), "{said}");
    }
}

#[rstest]
#[case("de-CH", "de-CH")]
#[case("de-AT", "de-CH")]
#[case("de", "de-CH")]
#[case("en-US", "en-GB")]
#[case("fr-CH", "en-GB")]
#[case("", "en-GB")]
#[case("it, de;q=0.3", "de-CH")]
fn a_language_falls_back_to_its_base_and_then_to_english(#[case] wished: &str, #[case] spoken: &str) {
    let templates = Templates::built_in();
    assert_eq!(&*templates.choose(&voice(wished, None)).language, spoken);
}

#[test]
fn of_one_base_that_which_is_built_in_comes_before_another() {
    let all = |language: &str| File::ALL.map(|file| (format!("{language}/{}", file.name()), ours(file)));
    let files = all("de-AT");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let templates = opened(&files);
    assert_eq!(&*templates.choose(&voice("de-AT", None)).language, "de-AT");
    assert_eq!(&*templates.choose(&voice("de-DE", None)).language, "de-CH");
}

/// An English file of ours.
fn ours(file: File) -> &'static str {
    let english = |(language, known, _): &&(&str, File, &str)| *language == "en-GB" && *known == file;
    BUILT_IN.iter().find(english).map(|(_, _, text)| *text).expect("all are built in")
}

#[test]
fn each_file_comes_from_the_reseller_else_from_everybody_else_from_us() {
    let templates = opened(&[
        ("de-CH/subject.txt", "everybody's subject"),
        ("de-CH/mail.txt", "everybody's text"),
        ("4000080/de-CH/mail.txt", "the reseller's text"),
        ("4000081/en-GB/mail.txt", "another reseller's text"),
    ]);
    let of = |language: &str, brand: Option<&str>| {
        let Said { subject, text, html, .. } = said(&templates, &voice(language, brand));
        (subject, text, html.contains("Was zu tun ist"))
    };
    let all = |subject: &str, text: &str| (subject.to_owned(), format!("{text}\n"), true);
    assert_eq!(of("de-CH", Some("4000080")), all("everybody's subject", "the reseller's text"));
    assert_eq!(of("de-CH", None), all("everybody's subject", "everybody's text"));
    assert_eq!(of("de-CH", Some("4000081")), all("everybody's subject", "everybody's text"));
    assert_eq!(of("de-CH", Some("nobody")), all("everybody's subject", "everybody's text"));
    assert_eq!(of("en-GB", Some("4000081")).1, "another reseller's text\n");
    assert_ne!(of("en-GB", None).1, "another reseller's text\n");
}

#[test]
fn a_reseller_is_found_whatever_the_case_of_its_name() {
    let templates = opened(&[("Backup-AG/en-GB/mail.txt", "theirs")]);
    assert_eq!(said(&templates, &voice("en-GB", Some("backup-ag"))).text, "theirs\n");
}

#[test]
fn what_is_wrong_is_told_with_file_and_line() {
    let broken = folder(&[
        ("de-CH/mail.txt", "gut\n{% for entry in letter.entries %}\n{{ entry.headlin }}\n{% endfor %}"),
        ("en-GB/mail.html", "<p>\n{% if %}"),
    ]);
    insta::assert_snapshot!(wrong(&broken), @"en-GB/mail.html:2: syntax error: unexpected end of block, at `%}`");
    let failing = folder(&[(
        "de-CH/mail.txt",
        "gut\n{% for entry in letter.entries %}\n{{ entry.headlin }}\n{% endfor %}",
    )]);
    let told = "de-CH/mail.txt:3: undefined value: `entry.headlin` is undefined, at `entry.headlin`";
    assert_eq!(wrong(&failing), told);
    let filter = folder(&[("en-GB/subject.txt", "{{ letter.entry_count | shout }}")]);
    assert_eq!(wrong(&filter), "en-GB/subject.txt:1: unknown filter: filter shout is unknown, at `shout`");
    let nothing = folder(&[("en-GB/words.txt", "\n\n\n{{ entry.computer }}")]);
    let told = "en-GB/words.txt:4: invalid operation: there is nothing to write here; ask first with `if`";
    assert!(wrong(&nothing).starts_with(told), "{}", wrong(&nothing));
}

#[test]
fn what_is_no_template_is_told() {
    let strange = folder(&[
        ("README.md", "hello"),
        ("de-CH/letter.txt", "hello"),
        ("4000080/de-CH/deeper/mail.txt", "hello"),
        ("4000080/4711/mail.txt", "hello"),
        (".git/config", "hello"),
        ("de-CH/.mail.txt.swp", "hello"),
    ]);
    let told = wrong(&strange);
    let named: Vec<&str> = told.lines().filter_map(|line| line.split(": is no template; ").next()).collect();
    assert_eq!(
        named,
        ["4000080/4711/mail.txt", "4000080/de-CH/deeper", "README.md", "de-CH/letter.txt"],
        "{told}"
    );
    let absent = tempfile::tempdir().expect("a temporary folder").path().join("nowhere");
    let error = Templates::open(&absent).expect_err("it is not there").to_string();
    assert!(error.contains("nowhere: the folder of templates cannot be read: "), "{error}");
}

#[test]
fn a_new_language_needs_all_of_its_files() {
    insta::assert_snapshot!(wrong(&folder(&[("fr-CH/mail.txt", "bonjour")])), @r"
    fr-CH/mail.txt: the language fr-CH has no mail.html; add it: nothing of this language is built in
    fr-CH/mail.txt: the language fr-CH has no subject.txt; add it: nothing of this language is built in
    fr-CH/mail.txt: the language fr-CH has no words.txt; add it: nothing of this language is built in
    ");
    let whole = File::ALL.map(|file| (format!("fr-CH/{}", file.name()), ours(file)));
    let files: Vec<(&str, &str)> = whole.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    assert_eq!(&*opened(&files).choose(&voice("fr", None)).language, "fr-CH");
}

#[rstest]
#[case::another_file("{% include 'en-GB/mail.html' %}")]
#[case::built_in("{% include 'built in: en-GB/mail.txt' %}")]
#[case::of_the_system("{% include '/etc/passwd' %}")]
#[case::imported("{% import '../secret' as secret %}")]
#[case::extended("{% extends 'built in: en-GB/mail.html' %}")]
#[case::unescaped(
    "{% autoescape false %}{{ letter.entries | map(attribute='place') | join }}{% endautoescape %}"
)]
#[case::safe("{{ letter.subject | safe }}")]
#[case::endless(
    "{% set x = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}{% for a in x %}{% for b in x %}{% for c in x %}{% for d in x %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}"
)]
#[case::without_end("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}")]
fn a_template_reaches_nothing_beyond_itself_and_ends(#[case] text: &str) {
    assert!(Templates::open(folder(&[("en-GB/mail.html", text)]).path()).is_err(), "{text}");
}

/// A text of so many bytes.
fn long(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// A thousand variables, each with such a value.
fn numbered(value: &str) -> String {
    (0..1000).map(|number| format!("{{% set a{number} {value} %}}")).collect::<Vec<_>>().concat()
}

#[rstest]
#[case::namespace(
    "{% set ns = namespace(a='xxxxxxxx') %}{% for i in range(60) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
    "`~` is not for templates"
)]
#[case::namespace_without_operators(
    "{% set ns = namespace(a='x') %}",
    "unknown function: namespace is unknown"
)]
#[case::format("{{ ('%999999999s')|format('a') }}", "unknown filter")]
#[case::multiplied("{{ 'x' * 10**9 }}", "`*` is not for templates")]
#[case::a_large_range("{% for i in range(1000000000) %}{% endfor %}", "range is unknown")]
#[case::indented("{{ 'x' | indent(1000000000) }}", "filter indent is unknown")]
#[case::centered("{{ 'x' | center(1000000000) }}", "filter center is unknown")]
#[case::replaced("{{ 'xx' | replace('x', 'yyyy') }}", "filter replace is unknown")]
#[case::added("{% set a = letter.entries + letter.entries %}", "`+` is not for templates")]
#[case::nested("{% set a = 'x' %}{% set a = [a, a] %}", "within [ ] only")]
#[case::a_list("{{ letter.entries }}", "is no text; write its parts")]
#[case::a_list_in_a_filter("{{ letter.entries | upper }}", "is no text; write its parts")]
fn what_could_use_up_memory_is_refused_with_file_and_line(#[case] text: &str, #[case] told: &str) {
    let told_of = wrong(&folder(&[("en-GB/subject.txt", &format!("\n{text}"))]));
    assert!(told_of.starts_with("en-GB/subject.txt:2: ") && told_of.contains(told), "{told_of}");
}

#[rstest]
#[case::sets(format!("{{% set a %}}xxxxxxxx{{% endset %}}{}", "{% set a %}{{ a }}{{ a }}{% endset %}".repeat(60)))]
#[case::joined(format!("{{% set a = 'xx' %}}{}", "{% set a = a | join(a) %}".repeat(60)))]
#[case::text_in_a_loop(format!(
    "{{% set a %}}{{% for b in 'aaaaaaaaa' %}}{{% for c in 'aaaaaaaaa' %}}{}{{% endfor %}}{{% endfor %}}{{% endset %}}",
    long(250_000)
))]
#[case::retained(format!(
    "{{% macro m() %}}{}{{% endmacro %}}{}",
    long(100_000),
    numbered("= m()")
))]
#[case::given_to_itself(
    "{% macro m(a, n) %}{% set b %}{{ a }}{{ a }}{% endset %}{% if n %}{{ m(b, n - 1) }}{% endif %}{% endmacro %}\
     {{ m('xxxxxxxx', 400) }}".to_owned()
)]
#[case::copied(format!(
    "{{% set a %}}{}{{% endset %}}{}",
    long(200_000),
    numbered("= a | upper")
))]
fn what_a_template_puts_together_is_bounded(#[case] text: String) {
    let told = wrong(&folder(&[("en-GB/subject.txt", &format!("\n{text}"))]));
    let limit = format!("it puts together more than {} bytes", spent::SPENT_MAX_BYTES);
    assert!(told.starts_with("en-GB/subject.txt:2: ") && told.contains(&limit), "{told}");
}

#[test]
fn a_template_that_writes_too_much_is_told_the_limit() {
    let text = format!(
        "{{% for a in 'aaaaaa' %}}{{% for b in 'aaaaaaa' %}}{}{{% endfor %}}{{% endfor %}}",
        long(200_000)
    );
    let told = wrong(&folder(&[("en-GB/subject.txt", &text)]));
    let limit = format!("it writes more than {WRITTEN_MAX_BYTES} bytes; shorten it");
    assert!(
        told.starts_with("en-GB/subject.txt: failed to write output: ") && told.contains(&limit),
        "{told}"
    );
}

#[test]
fn a_long_form_of_a_date_is_refused() {
    let text = format!("{{{{ letter.written_at | date('{}') }}}}", long(257));
    let told = wrong(&folder(&[("en-GB/subject.txt", &text)]));
    assert!(told.contains("date: its form is longer than 256 bytes"), "{told}");
}

#[test]
fn a_link_that_leads_out_is_not_followed_and_one_that_stays_is() {
    let outside = folder(&[("secret.txt", "geheimnis")]);
    let inside = folder(&[("en-GB/mail.txt", "ours"), ("4000080/en-GB/subject.txt", "theirs")]);
    let link = |to: &std::path::Path, from: &str| {
        std::os::unix::fs::symlink(to, inside.path().join(from)).expect("it is made");
    };
    link(&inside.path().join("en-GB/mail.txt"), "4000080/en-GB/mail.txt");
    assert!(Templates::open(inside.path()).is_ok());
    for from in ["en-GB/subject.txt", "4000080/en-GB/words.txt", "fr-CH"] {
        link(&outside.path().join("secret.txt"), from);
        let error = wrong(&inside);
        assert!(
            error.starts_with(&format!("{from}: is a link that leads out")) && !error.contains("geheimnis"),
            "{error}"
        );
        fs::remove_file(inside.path().join(from)).expect("it is removed");
    }
}

#[test]
fn a_template_that_is_too_large_or_no_text_is_refused() {
    let large = "x".repeat(256 * 1024 + 1);
    assert!(wrong(&folder(&[("en-GB/mail.txt", &large)])).contains("en-GB/mail.txt: has 262145 bytes"));
    assert!(Templates::open(folder(&[("en-GB/mail.txt", &large[1..])]).path()).is_ok());
    let binary = folder(&[("en-GB/mail.txt", "")]);
    fs::write(binary.path().join("en-GB/mail.txt"), [0xff, 0xfe]).expect("it is written");
    assert!(wrong(&binary).contains("en-GB/mail.txt: cannot be read: "));
}

#[rstest]
#[case("mail.txt")]
#[case("subject.txt")]
#[case("mail.html")]
fn a_file_that_says_nothing_is_refused(#[case] file: &str) {
    for blank in ["", " \n{# nothing yet #}\n"] {
        let path = format!("de-CH/{file}");
        let wrong = wrong(&folder(&[(&path, blank)]));
        assert!(
            wrong.starts_with(&format!("{path}: says nothing: ")),
            "customers would get a blank mail: {wrong}"
        );
    }
}

#[test]
fn words_that_leave_a_part_out_are_refused() {
    let words = folder(&[("en-GB/words.txt", "{% set label %}x{% endset %}")]);
    assert!(wrong(&words).starts_with("en-GB/words.txt: does not say `place`; add "));
}
