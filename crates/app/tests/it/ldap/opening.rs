//! Is a directory that cannot be used said to be so before anybody connects to it?

use std::fs;

use crate::support::binary::run;

use super::*;

#[test]
fn what_a_directory_needs_is_read_when_it_is_opened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("empty"), "").unwrap();
    fs::write(path("broken.pem"), "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let least = LdapConfig::new(vec!["ldap://ldap.example.org".to_owned()], BASE);
    let with_password = |name: &str| {
        let bind = Bind { dn: "cn=x".to_owned(), password: SecretFrom::File(path(name)) };
        LdapConfig { bind: Some(bind), ..least.clone() }
    };
    let with_authorities = |name: &str| LdapConfig { ca_file: Some(path(name)), ..least.clone() };
    let with_server = |server: &str| LdapConfig { servers: vec![server.to_owned()], ..least.clone() };
    assert!(Ldap::open(least.clone()).is_ok());
    for (config, words) in [
        (with_password("none"), "password"),
        (with_password("empty"), "password"),
        (with_authorities("none"), "PEM"),
        (with_authorities("empty"), "PEM"),
        (with_authorities("broken.pem"), "PEM"),
        (with_server("ldaps://ldap.example.org"), "tls = \"ldaps\""),
        (with_server("ldap.example.org"), "no LDAP URL"),
        (LdapConfig { servers: Vec::new(), ..least.clone() }, "no server"),
    ] {
        let error = Ldap::open(config).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn config_check_opens_the_directory_and_connects_to_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    let hash = "8f689487d43ae2eee287237a78b1f67e97847c35cf8dcc441c3b586f44e01eca";
    let ping = format!("[[source.ping]]\nname = \"job\"\nperiod = \"1d\"\nkey_hash = \"sha256:{hash}\"\n");
    let source = format!("[[source]]\nkind = \"ping\"\n{ping}");
    let ldap = "[directory.ldap]\nservers = [\"ldap://127.0.0.1:1\"]\nbase = \"dc=x\"\ntls = \"none\"\n";
    let bind = "bind_dn = \"cn=x\"\npassword_file = \"password\"\n";
    fs::write(&file, format!("{source}{ldap}{bind}")).unwrap();
    let arguments = ["config", "check", "--config", file.to_str().unwrap()];
    let ran = run(&arguments);
    assert_eq!(ran.code, 3, "{}", ran.text());
    assert!(ran.stderr.contains("the password of the directory `ldap`"), "{}", ran.text());
    fs::write(folder.path().join("password"), "hunter2\n").unwrap();
    let ran = run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(!ran.text().contains("hunter2"), "{}", ran.text());
}
