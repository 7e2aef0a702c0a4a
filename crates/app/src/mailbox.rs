//! Is a text exactly one mailbox, and which address is it?
//!
//! RFC 5322 section 3.4 `mailbox`, with the characters of RFC 6532, dots in display names, and comments wherever blanks
//! may stand. A list, a group and a route are none. It sends nothing and knows nobody.

use lettre::Address;
use lettre::message::Mailbox;

/// The longest text that is read, in bytes: that of the longest address, and a name with it.
const TEXT_MAX_BYTES: usize = 1000;

/// How deep comments may stand in one another.
const COMMENT_DEPTH_MAX: u32 = 16;

/// Reads exactly one mailbox, such as `anna@example.org` or `"Meier, Anna" <anna@example.org>`; `None` for everything
/// else, any control character included.
///
/// The address has quotes only where its local part needs them, and its domain in lower case: two texts that mean the
/// same address give the same.
pub fn read(text: &str) -> Option<Mailbox> {
    if text.len() > TEXT_MAX_BYTES || text.chars().any(char::is_control) {
        return None;
    }
    bare(text).or_else(|| named(text))
}

/// `addr-spec`.
fn bare(text: &str) -> Option<Mailbox> {
    let mut reading = Reading { rest: text };
    let address = reading.address()?;
    reading.rest.is_empty().then(|| Mailbox::new(None, address))
}

/// `name-addr`.
fn named(text: &str) -> Option<Mailbox> {
    let mut reading = Reading { rest: text };
    let name = reading.name()?;
    reading.take('<')?;
    let address = reading.address()?;
    reading.take('>')?;
    reading.blanks()?;
    reading.rest.is_empty().then(|| Mailbox::new((!name.is_empty()).then_some(name), address))
}

/// What is not read yet.
struct Reading<'a> {
    rest: &'a str,
}

impl<'a> Reading<'a> {
    fn take(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn while_is(&mut self, is_wanted: fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !is_wanted(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Blanks and comments, if there are any; `None` for a comment that does not end.
    fn blanks(&mut self) -> Option<()> {
        loop {
            self.while_is(|character| character == ' ');
            if !self.rest.starts_with('(') {
                return Some(());
            }
            self.comment()?;
        }
    }

    fn comment(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match self.next()? {
                '(' if depth == COMMENT_DEPTH_MAX => return None,
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => {
                    self.next()?;
                }
                _ => {}
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// What stands between quotes, as it is meant; the first of them is next.
    fn quoted(&mut self) -> Option<String> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.next()?),
                plain => text.push(plain),
            }
        }
    }

    /// Words up to a `<`, each of them with one blank before the next; nothing where there is none.
    fn name(&mut self) -> Option<String> {
        let mut words: Vec<String> = Vec::new();
        loop {
            self.blanks()?;
            let word = match self.rest.chars().next()? {
                '<' => return Some(words.join(" ")),
                '"' => self.quoted()?,
                _ => self.while_is(|character| is_atom(character) || character == '.').to_owned(),
            };
            if word.is_empty() {
                return None;
            }
            words.push(word);
        }
    }

    /// `local@domain`, as a server takes it.
    fn address(&mut self) -> Option<Address> {
        self.blanks()?;
        let local = self.local()?;
        self.blanks()?;
        self.take('@')?;
        self.blanks()?;
        let domain = self.domain()?.to_lowercase();
        self.blanks()?;
        Address::new(local, domain).ok()
    }

    /// Words with dots between them, each between quotes or not.
    fn local(&mut self) -> Option<String> {
        let mut local = String::new();
        loop {
            if self.rest.starts_with('"') {
                local.push_str(&self.quoted()?);
            } else {
                let word = self.while_is(is_atom);
                if word.is_empty() {
                    return None;
                }
                local.push_str(word);
            }
            if !self.rest.starts_with('.') {
                return Some(if is_dotted(&local) { local } else { between_quotes(&local) });
            }
            local.extend(self.next());
        }
    }

    /// Words with dots between them, or an address of a machine in brackets; whether it is one is seen later.
    fn domain(&mut self) -> Option<&'a str> {
        if !self.rest.starts_with('[') {
            return Some(self.while_is(|character| is_atom(character) || character == '.'));
        }
        let (domain, rest) = self.rest.split_at(self.rest.find(']')? + 1);
        self.rest = rest;
        Some(domain)
    }
}

/// `atext`.
fn is_atom(character: char) -> bool {
    character.is_ascii_alphanumeric() || !character.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(character)
}

/// True if a local part needs no quotes.
fn is_dotted(local: &str) -> bool {
    local.split('.').all(|word| !word.is_empty() && word.chars().all(is_atom))
}

fn between_quotes(local: &str) -> String {
    let mut quoted = String::from("\"");
    for character in local.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::bare("anna@example.org", "anna@example.org")]
    #[case::blanks_around("  anna@example.org ", "anna@example.org")]
    #[case::domain_in_capitals("Anna.Meier@EXAMPLE.Org", "Anna.Meier@example.org")]
    #[case::only_brackets("<anna@example.org>", "anna@example.org")]
    #[case::a_name("Support stepping stone GmbH <support@stepping-stone.ch>", "support@stepping-stone.ch")]
    #[case::a_name_with_dots("Dr. A. Meier <anna@example.org>", "anna@example.org")]
    #[case::a_name_in_quotes(r#""Meier, Anna <x>" <anna@example.org>"#, "anna@example.org")]
    #[case::a_quote_within_quotes(r#""Anna \"A\" Meier" <anna@example.org>"#, "anna@example.org")]
    #[case::a_name_beyond_ascii("Änne Müller <anna@example.org>", "anna@example.org")]
    #[case::a_name_of_an_address(r#""boss@example.net" <anna@example.org>"#, "anna@example.org")]
    #[case::no_blank_before_brackets("Anna<anna@example.org>", "anna@example.org")]
    #[case::a_comment_behind("anna@example.org (Anna (at work))", "anna@example.org")]
    #[case::a_comment_before(r"(\) x) anna@example.org", "anna@example.org")]
    #[case::a_comment_within("Anna <anna@example.org (x)> (y)", "anna@example.org")]
    #[case::blanks_around_the_at("anna @ example.org", "anna@example.org")]
    #[case::a_quoted_local_part(r#""anna meier"@example.org"#, r#""anna meier"@example.org"#)]
    #[case::quotes_that_are_not_needed(r#""anna"@example.org"#, "anna@example.org")]
    #[case::an_at_in_quotes(r#""a@b"@example.org"#, r#""a@b"@example.org"#)]
    #[case::a_comma_in_quotes(r#""a,b@x.example"@example.org"#, r#""a,b@x.example"@example.org"#)]
    #[case::a_quote_in_quotes(r#""a\"b\c"@example.org"#, r#""a\"bc"@example.org"#)]
    #[case::all_that_may_stand_there("a!#$%&'*+-/=?^_`{|}~@example.org", "a!#$%&'*+-/=?^_`{|}~@example.org")]
    #[case::beyond_ascii("änne@BÜCHER.example", "änne@bücher.example")]
    #[case::punycode("anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example")]
    #[case::no_dot_in_the_domain("root@localhost", "root@localhost")]
    #[case::a_machine("anna@[192.0.2.1]", "anna@[192.0.2.1]")]
    fn a_mailbox_gives_its_address(#[case] text: &str, #[case] address: &str) {
        let mailbox = read(text).expect("a mailbox");
        assert_eq!(mailbox.email.to_string(), address);
        assert_eq!(read(address), Some(Mailbox::new(None, mailbox.email)), "an address is one itself");
    }

    #[rstest]
    #[case::nothing("")]
    #[case::blanks("  ")]
    #[case::no_at("anna")]
    #[case::no_local_part("@example.org")]
    #[case::an_empty_local_part(r#"""@example.org"#)]
    #[case::no_domain("anna@")]
    #[case::two("anna@example.org, ben@example.org")]
    #[case::two_with_a_semicolon("anna@example.org; ben@example.org")]
    #[case::two_with_a_blank("anna@example.org ben@example.org")]
    #[case::two_with_names("Anna <anna@example.org>, Ben <ben@example.org>")]
    #[case::one_and_a_comma("anna@example.org,")]
    #[case::two_at("anna@ben@example.org")]
    #[case::a_group("Team: anna@example.org;")]
    #[case::an_empty_group("undisclosed-recipients:;")]
    #[case::a_route("<@relay.example:anna@example.org>")]
    #[case::text_behind("<anna@example.org> x")]
    #[case::an_address_as_a_name("anna@example.org <ben@example.org>")]
    #[case::no_closing_bracket("Anna <anna@example.org")]
    #[case::no_opening_bracket("anna@example.org>")]
    #[case::brackets_twice("<<anna@example.org>>")]
    #[case::nothing_in_brackets("Anna <>")]
    #[case::an_open_quote(r#""anna@example.org"#)]
    #[case::an_open_comment("anna@example.org (x")]
    #[case::a_dot_first(".anna@example.org")]
    #[case::a_dot_last("anna.@example.org")]
    #[case::two_dots("anna..meier@example.org")]
    #[case::a_dot_last_in_the_domain("anna@example.org.")]
    #[case::two_dots_in_the_domain("anna@example..org")]
    #[case::a_blank_in_the_domain("anna@exam ple.org")]
    #[case::a_url("mailto:anna@example.org")]
    #[case::a_line_break("anna@example.org\nBcc: ben@example.org")]
    #[case::a_header_behind_a_name("Anna\r\nBcc: ben@example.org <anna@example.org>")]
    #[case::a_tab("anna\t@example.org")]
    #[case::a_zero("anna@example.org\0")]
    #[case::a_control_character_of_the_second_row("anna\u{85}@example.org")]
    #[case::a_bracket_that_does_not_end("anna@[192.0.2.1")]
    #[case::a_blank_in_brackets("anna@[192.0.2.1 ]")]
    fn anything_else_is_none(#[case] text: &str) {
        assert_eq!(read(text), None);
    }

    #[test]
    fn names_are_read_as_they_are_meant() {
        let name = |text| read(text).expect("a mailbox").name;
        assert_eq!(name(r#""Meier,  Anna" (x) A. <a@example.org>"#).as_deref(), Some("Meier,  Anna A."));
        assert_eq!(name("a@example.org"), None);
        assert_eq!(name("<a@example.org>"), None);
    }

    #[test]
    fn long_and_deep_texts_are_refused_at_once() {
        let long = "a".repeat(TEXT_MAX_BYTES);
        let deep = "(".repeat(900);
        for text in [format!("{long}@example.org"), format!("{deep}a@example.org")] {
            assert_eq!(read(&text), None);
        }
    }
}
