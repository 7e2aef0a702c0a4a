//! Does slapd start, answer, hang, crash and come back?

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lastgood_simulator::stoney::{Reading, SizeLimit, Slapd, SlapdOptions, Tls};

const BASE: &str = "dn: dc=stoney-cloud,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: stoney-cloud\no: x\n\n";

fn started(options: SlapdOptions) -> Slapd {
    Slapd::start(SlapdOptions { entries: BASE.to_owned() + &options.entries, ..options }).unwrap()
}

/// The exit code of ldapsearch, and what it found.
fn searched(slapd: &Slapd, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new("ldapsearch");
    command.env("LDAPNOINIT", "1").args(["-x", "-LLL", "-H", &slapd.url(), "-b", slapd.base()]);
    let output = command.args(arguments).output().expect("install the Debian package ldap-utils");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn units(count: usize) -> String {
    use std::fmt::Write as _;
    let mut ldif = String::new();
    for number in 0..count {
        let dn = format!("ou=u{number},dc=stoney-cloud,dc=org");
        write!(ldif, "dn: {dn}\nobjectClass: organizationalUnit\nou: u{number}\n\n").unwrap();
    }
    ldif
}

#[test]
fn entries_survive_a_crash_and_are_served_on_the_same_port() {
    let slapd = started(SlapdOptions { entries: units(3), ..SlapdOptions::default() });
    let before = slapd.url();
    assert_eq!(searched(&slapd, &["(ou=u2)", "dn"]).1.trim(), "dn: ou=u2,dc=stoney-cloud,dc=org");
    slapd.set("ou=u2,dc=stoney-cloud,dc=org", "description", &["written before", "the crash"]).unwrap();
    slapd.kill().unwrap();
    assert_eq!(searched(&slapd, &["(ou=u2)"]).0, 255);
    slapd.restart().unwrap();
    assert_eq!(slapd.url(), before);
    let entry = slapd.entry("ou=u2,dc=stoney-cloud,dc=org").unwrap().unwrap();
    assert_eq!(entry.values("description"), ["written before", "the crash"]);
    assert_eq!(slapd.entry("ou=u9,dc=stoney-cloud,dc=org").unwrap(), None);
    assert_eq!(slapd.search(slapd.base(), "(objectClass=organizationalUnit)").unwrap().len(), 3);
}

#[test]
fn a_hanging_server_answers_once_it_goes_on() {
    let slapd = started(SlapdOptions::default());
    slapd.stop_answering().unwrap();
    let url = slapd.url();
    let mut search = Command::new("ldapsearch");
    search.env("LDAPNOINIT", "1").args(["-x", "-LLL", "-H", &url, "-s", "base", "-b", slapd.base()]);
    let mut search = search.stdout(Stdio::null()).spawn().expect("install the Debian package ldap-utils");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(search.try_wait().unwrap(), None);
    slapd.go_on().unwrap();
    assert!(search.wait().unwrap().success());
}

#[test]
fn anybody_reads_unless_only_who_is_bound_may() {
    let open = started(SlapdOptions::default());
    assert_eq!(searched(&open, &["-s", "base", "dn"]).1.trim(), "dn: dc=stoney-cloud,dc=org");
    for (reading, code) in [(Reading::Bound, 50), (Reading::BoundElseEmpty, 0)] {
        let closed = started(SlapdOptions { reading, ..SlapdOptions::default() });
        assert_eq!(searched(&closed, &["-s", "base", "dn"]), (code, String::new()));
        let admin = closed.admin_dn();
        let known =
            [(admin.as_str(), closed.admin_password()), (closed.service_dn(), closed.service_password())];
        for (dn, password) in known {
            let found = searched(&closed, &["-D", dn, "-w", password, "-s", "base", "dn"]);
            assert_eq!(found, (0, "dn: dc=stoney-cloud,dc=org\n\n".to_owned()), "{dn}");
        }
        assert_eq!(searched(&closed, &["-D", &admin, "-w", "wrong"]).0, 49);
    }
}

#[test]
fn the_size_limit_holds_for_everybody_but_the_administrator() {
    let table = [
        (SizeLimit::Default, (4, 4)),
        (SizeLimit::Entries(600), (0, 0)),
        (SizeLimit::Entries(30), (4, 4)),
        (SizeLimit::PerPage(100), (4, 0)),
        (SizeLimit::Unlimited, (0, 0)),
    ];
    for (size_limit, (whole, paged)) in table {
        let slapd = started(SlapdOptions { entries: units(501), size_limit, ..SlapdOptions::default() });
        assert_eq!(searched(&slapd, &["dn"]).0, whole, "{size_limit:?}");
        let service = ["-D", slapd.service_dn(), "-w", slapd.service_password()];
        let pages = [service.as_slice(), &["-E", "pr=100/noprompt", "dn"]].concat();
        let before = slapd.operation_count();
        assert_eq!(searched(&slapd, &pages).0, paged, "{size_limit:?}");
        if paged == 0 {
            assert_eq!(slapd.operation_count() - before, 1 + 6, "{}", slapd.log());
        }
        assert_eq!(slapd.search(slapd.base(), "(objectClass=*)").unwrap().len(), 502);
    }
}

#[test]
fn what_the_schema_forbids_is_refused_unless_loaded_leniently() {
    let entry = "dn: uid=1,dc=stoney-cloud,dc=org\nobjectClass: sstCustomer\nuid: 1\n\n";
    let refused = Slapd::start(SlapdOptions { entries: BASE.to_owned() + entry, ..SlapdOptions::default() });
    let said = refused.err().unwrap().to_string();
    assert!(said.contains("sstIsCompany"), "{said}");
    let slapd = started(SlapdOptions { entries: entry.to_owned(), lenient: true, ..SlapdOptions::default() });
    assert!(slapd.entry("uid=1,dc=stoney-cloud,dc=org").unwrap().is_some());
    assert!(slapd.ldif(&entry.replace("uid=1", "uid=2")).is_err());
}

#[test]
fn starttls_and_ldaps_are_offered_with_the_certificate_given() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"]).arg(&key);
    let made = openssl.arg("-out").arg(&certificate).output().expect("install the Debian package openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let tls = Some(Tls { certificate: certificate.clone(), key });
    let slapd = started(SlapdOptions { tls, ..SlapdOptions::default() });
    let authority = certificate.to_str().unwrap();
    let search = |arguments: &[&str], authority: &str| {
        let mut search = Command::new("ldapsearch");
        search.args(["-x", "-s", "base", "-b", slapd.base()]).args(arguments);
        search.env("LDAPTLS_CACERT", authority).output().unwrap().status.success()
    };
    let (plain, encrypted) = (slapd.url(), slapd.tls_url().unwrap());
    for arguments in [&["-ZZ", "-H", &plain], &["-x", "-H", encrypted.as_str()]] {
        assert!(search(arguments, authority), "{arguments:?}: {}", slapd.log());
        assert!(!search(arguments, "/dev/null"), "{arguments:?}");
    }
}
