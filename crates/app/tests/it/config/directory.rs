//! Does `[directory.ldap]` come out as it was written, and do sources hold the same one?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lastgood::config::Config;
use lastgood::ldap::{Bind, Field, Layout, Tls};
use lastgood::secret::SecretFrom;

use super::parse;

const LEAST: &str =
    "[directory.ldap]\nservers = [\"ldap://ldap.example.org\"]\nbase = \"dc=example,dc=org\"\n";

const FULL: &str = r#"
[[channel]]
name = "hook"
kind = "webhook"

[[channel]]
name = "post"
kind = "mail"

[directory.ldap]
servers = ["ldaps://a.example.org", "ldaps://b.example.org:6360"]
base = " dc=example,dc=org "
tls = "ldaps"
ca_file = "ca.pem"
bind_dn = "cn=lastgood,dc=example,dc=org"
password_file = "password"
page_size = 500
deadline = "5s"
accounts_base = "ou=accounts,dc=example,dc=org"
accounts_filter = "(objectClass=inetOrgPerson)"
people_base = "ou=users,dc=example,dc=org"
person_key = "sAMAccountName"
resellers_base = "ou=resellers,dc=example,dc=org"
attributes = { home = "unixHomeDirectory" }
absent = { active = "TRUE" }
sms_channel = "hook"
settings_url = "https://selfcare.example.org/{uid}"
language = "de-CH"
templates = "templates"
from = "Backup <backup@example.org>"

[[source]]
kind = "registry"
directory = "ldap"
root = "/mnt"
write_back = true
least_clients = { "Online Backup Perl Script" = "2.0.11", "Other" = "1" }
interval = "1h"

[[source]]
kind = "registry"
directory = "ldap"
"#;

fn valid(text: &str) -> Config {
    parse("etc/config.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_directory_comes_out_as_it_was_written() {
    let config = valid(FULL);
    let directory = config.directory.expect("a directory");
    let ldap = &directory.ldap;
    assert_eq!(ldap.servers, ["ldaps://a.example.org", "ldaps://b.example.org:6360"]);
    assert_eq!((ldap.base.as_str(), ldap.tls), ("dc=example,dc=org", Tls::Ldaps));
    assert_eq!(ldap.ca_file.as_deref(), Some(Path::new("etc/ca.pem")));
    let password = SecretFrom::File("etc/password".into());
    assert_eq!(ldap.bind, Some(Bind { dn: "cn=lastgood,dc=example,dc=org".to_owned(), password }));
    assert_eq!((ldap.page_size, ldap.deadline), (500, Duration::from_secs(5)));
    let layout = &directory.layout;
    assert_eq!(layout.accounts_base, "ou=accounts,dc=example,dc=org");
    assert_eq!(layout.accounts_filter, "(objectClass=inetOrgPerson)");
    assert_eq!(layout.people_base, "ou=users,dc=example,dc=org");
    assert_eq!(layout.person_key, "sAMAccountName");
    assert_eq!(layout.resellers_base, "ou=resellers,dc=example,dc=org");
    assert_eq!(layout.attribute(Field::Home), "unixHomeDirectory");
    assert_eq!(layout.absent, BTreeMap::from([(Field::Active, "TRUE".to_owned())]));
    assert_eq!(directory.mail_channel, "post", "the first of the kind mail");
    assert_eq!(directory.sms_channel.as_deref(), Some("hook"));
    assert_eq!(directory.settings_url.as_deref(), Some("https://selfcare.example.org/{uid}"));
    assert_eq!(directory.language, "de-CH");
    assert_eq!(directory.templates, Some(PathBuf::from("etc/templates")));
    assert_eq!(directory.from.as_deref(), Some("Backup <backup@example.org>"));
}

#[test]
fn what_a_directory_does_not_say_has_its_default() {
    let directory = valid(LEAST).directory.expect("a directory");
    assert_eq!(directory.layout, Layout::new("dc=example,dc=org"));
    assert_eq!((directory.ldap.tls, directory.ldap.bind.is_none()), (Tls::StartTls, true));
    assert_eq!((directory.ldap.page_size, directory.ldap.deadline), (1000, Duration::from_secs(30)));
    assert_eq!((directory.mail_channel.as_str(), directory.language.as_str()), ("mail", "en-GB"));
    assert!(valid("").directory.is_none());
}

#[test]
fn sources_hold_the_directory_they_name() {
    let config = valid(FULL);
    let directory = config.directory.expect("a directory");
    let [first, second] = config.sources.as_slice() else { panic!("two sources") };
    for source in [first, second] {
        assert!(source.directory.as_ref().is_some_and(|held| Arc::ptr_eq(held, &directory)));
        assert_eq!(source.location, "");
    }
    assert_eq!((first.root.as_deref(), first.write_back), (Some(Path::new("/mnt")), true));
    assert_eq!((second.root.as_deref(), second.write_back), (None, false));
    assert_eq!((first.interval, second.interval), (Duration::from_hours(1), Duration::from_mins(15)));
    let clients = |versions: &[(&str, &str)]| {
        versions.iter().map(|(client, version)| ((*client).to_owned(), (*version).to_owned())).collect()
    };
    let defaults = [("Online Backup Perl Script", "2.0.9"), ("Sepiola Online Backup Client", "2.7.0")];
    assert_eq!(second.least_clients, clients(&defaults));
    let set = [defaults[1], ("Online Backup Perl Script", "2.0.11"), ("Other", "1")];
    assert_eq!(first.least_clients, clients(&set), "what is set stands above the defaults");
}

#[test]
fn a_kind_whose_directory_says_what_to_look_at_is_no_source_of_the_command_line() {
    for source in ["registry:/srv", "registry"] {
        let told = super::message(super::Said::sources(&[source]).with_file().load());
        assert!(told.contains("is looked up in a directory"), "{told}");
    }
}
