//! Does nobody hear what is said to a directory but the directory itself?

use super::*;
use crate::support::packages::program;

/// Makes an authority, a certificate from it for `127.0.0.1` and no name, and an authority of somebody else.
fn certificates(folder: &Path) -> Certificate {
    let openssl = |arguments: &str| {
        let mut command = std::process::Command::new(program("openssl"));
        let output = command.args(arguments.split(' ')).current_dir(folder).output().expect("openssl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 30 -keyout other.key -out other.pem -subj /CN=other"));
    openssl(&format!("req -x509 {key} -days 30 -keyout ca.key -out ca.pem -subj /CN=authority"));
    openssl(&format!(
        "req {key} -keyout key.pem -out request.pem -subj /CN=slapd -addext subjectAltName=IP:127.0.0.1"
    ));
    openssl(
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days 30 -out certificate.pem -copy_extensions copy",
    );
    Certificate { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
}

#[tokio::test]
async fn encrypted_connections_are_verified_before_anything_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tls = Some(certificates(folder.path()));
    let slapd = slapd(3, SlapdOptions { tls, ..SlapdOptions::default() });
    let tls_url = slapd.tls_url().expect("a certificate was given");
    for (tls, url, name) in [
        (Tls::StartTls, slapd.url(), slapd.url().replace("127.0.0.1", "localhost")),
        (Tls::Ldaps, tls_url.clone(), tls_url.replace("127.0.0.1", "localhost")),
    ] {
        let with = |url: &str, file: Option<&str>| LdapConfig {
            tls,
            servers: vec![url.to_owned()],
            ca_file: file.map(|file| folder.path().join(file)),
            ..config(&slapd)
        };
        let said = slapd.operation_count();
        for (url, file) in [(&url, Some("other.pem")), (&url, None), (&name, Some("ca.pem"))] {
            let error = open(with(url, file)).connect().await.expect_err("nobody to be trusted");
            assert_eq!(error.kind, FailureKind::Denied, "{error}");
            assert!(error.reason.contains("ca_file") && error.reason.contains("ertificate"), "{error}");
        }
        assert_eq!(slapd.operation_count(), said, "no password was sent");
        let session = connect(with(&url, Some("ca.pem"))).await;
        assert_eq!(found(&session, FILTER).await.len(), 3);
        assert!(slapd.log().contains("TLS established"), "{}", slapd.log());
    }
}

#[tokio::test]
async fn a_server_without_starttls_is_told_nothing() {
    let slapd = slapd(1, SlapdOptions::default());
    let error = open(LdapConfig { tls: Tls::StartTls, ..config(&slapd) }).connect().await;
    let error = error.expect_err("nothing is encrypted");
    assert_eq!(slapd.operation_count(), 0, "no password was sent");
    assert!(error.reason.contains("StartTLS"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_said_and_never_shown() {
    let slapd = slapd(1, SlapdOptions::default());
    for dn in [slapd.service_dn(), "cn=nobody,dc=stoney-cloud,dc=org", "no name"] {
        let bind = Bind { dn: dn.to_owned(), password: SecretFrom::Given(Secret::new("hunter2")) };
        let ldap = open(LdapConfig { bind: Some(bind), ..config(&slapd) });
        assert!(!format!("{ldap:?}").contains("hunter2"));
        let error = ldap.connect().await.expect_err("nobody of that name");
        assert!(error.reason.contains(dn) && !error.reason.contains("hunter2"), "{error}");
        if dn != "no name" {
            assert_eq!((error.kind, error.code), (FailureKind::Denied, Some(49)), "{error}");
            assert!(error.reason.contains("bind_dn"), "{error}");
        }
    }
}
