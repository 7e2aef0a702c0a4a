//! Does a real mail server, Postfix from Debian's packages, take our mails over TLS and with a login, and refuse what it
//! should?
//!
//! It runs from a folder of its own on free loopback ports, with a certificate and an authority made for the test, and
//! delivers into Maildirs there. Postfix has to be started by root.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lastgood::channels::{Channel, FailureKind, Message};
use tempfile::TempDir;

use super::{instant, message, opened};
use crate::support::packages::program;

const PASSWORD: &str = "geheimnis-0123456789";

/// A running Postfix; dropping it ends it.
pub(crate) struct Postfix {
    pub(crate) folder: TempDir,
    master: Child,
    pub(crate) starttls_port: u16,
    tls_port: u16,
}

impl Postfix {
    /// Starts one that knows the mailbox anna@example.org, one for everybody at many.example.org, and the user lastgood.
    pub(crate) async fn start() -> Self {
        // Another program may take a free port before Postfix does: then it ends, and others are tried.
        for _ in 0..5 {
            if let Some(postfix) = Self::try_start().await {
                return postfix;
            }
        }
        panic!("Postfix did not start five times; it has to be started by root");
    }

    async fn try_start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (starttls_port, tls_port) = (free_port(), free_port());
        lay_out(folder.path(), starttls_port, tls_port);
        let config = folder.path().join("etc");
        run(Command::new(program("postfix")).arg("-c").arg(&config).arg("check"));
        let mut master = Command::new("/usr/lib/postfix/sbin/master");
        master
            .arg("-c")
            .arg(&config)
            .arg("-d")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let master = std::os::unix::process::CommandExt::process_group(&mut master, 0);
        let mut postfix =
            Self { master: master.spawn().expect("Postfix starts"), folder, starttls_port, tls_port };
        for _ in 0..1500 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if postfix.master.try_wait().expect("our own child").is_some() {
                return None;
            }
            let answers = |port| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            if answers(starttls_port) && answers(tls_port) {
                return Some(postfix);
            }
        }
        None
    }

    /// Opens our channel to it, with more settings.
    fn channel(&self, port: u16, more: &str) -> Box<dyn Channel> {
        let settings =
            format!("host = 'localhost'\nport = {port}\nfrom = 'Backups <backups@example.org>'\n{more}");
        opened("mail", self.folder.path(), &settings)
    }

    /// Every mail that was delivered to anna, once there are as many as that.
    async fn delivered(&self, count: usize) -> Vec<String> {
        let place = self.folder.path().join("mail/anna/new");
        for _ in 0..1500 {
            let files: Vec<PathBuf> = fs::read_dir(&place)
                .map(|files| files.map(|file| file.expect("a file").path()).collect())
                .unwrap_or_default();
            if files.len() >= count {
                return files.iter().map(|file| fs::read_to_string(file).expect("a mail is text")).collect();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "{count} mails were not delivered: {}",
            fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
        );
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // Its group: the daemons it started are in it.
        let group = format!("-{}", self.master.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.master.wait();
    }
}

const LOGIN: &str = "ca_file = 'ca.pem'\nuser = 'lastgood@example.org'\npassword_file = 'password'";

#[tokio::test]
async fn mails_arrive_whole_and_once_and_can_be_known_again() {
    let postfix = Postfix::start().await;
    let channel = postfix.channel(postfix.starttls_port, LOGIN);
    let text = "Größe: 3 TB\n.\n..\nFrom here on, nothing.\n";
    let html = "<p>Größe: 3 TB &lt;b&gt;</p>\n".to_owned();
    let first = Message {
        subject: "BAD: Größe".to_owned(),
        text: text.to_owned(),
        html: Some(html),
        ..message("m-1")
    };
    let second = Message { thread: Some(first.key.clone()), html: None, ..message("m-2") };
    for message in [&first, &first, &second] {
        let receipt = channel.send(message, instant()).await.expect("it is taken");
        assert!(receipt.answer.starts_with("250 2.0.0 Ok: queued as "), "{receipt:?}");
    }
    let wrapped = postfix.channel(postfix.tls_port, &format!("{LOGIN}\ntls = 'tls'"));
    wrapped.send(&message("m-3"), instant()).await.expect("it is taken");

    let mails = postfix.delivered(4).await;
    let with_id = |key: &str| -> Vec<&String> {
        mails.iter().filter(|mail| mail.contains(&format!("\nMessage-ID: <{key}@example.org>\n"))).collect()
    };
    assert_eq!((mails.len(), with_id("m-1").len(), with_id("m-2").len(), with_id("m-3").len()), (4, 2, 1, 1));
    let mail = with_id("m-1")[0];
    for expected in [
        "Return-Path: <backups@example.org>\n",
        "\nTo: anna@example.org\n",
        "\nSubject: BAD: =?utf-8?b?R3LDtsOfZQ==?=\n",
        "\nAuto-Submitted: auto-generated\n",
        "\nContent-Type: multipart/alternative;",
        "\nGr=C3=B6=C3=9Fe: 3 TB\n.\n..\nFrom here on, nothing.\n",
        "<p>Gr=C3=B6=C3=9Fe: 3 TB &lt;b&gt;</p>",
    ] {
        assert!(mail.contains(expected), "{expected:?} in {mail}");
    }
    assert!(with_id("m-2")[0].contains("\nIn-Reply-To: <m-1@example.org>\nReferences: <m-1@example.org>\n"));
    for mail in &mails {
        assert!(mail.contains("using TLSv1.3"), "{mail}");
    }
}

#[tokio::test]
async fn what_postfix_refuses_is_told_by_its_kind() {
    let postfix = Postfix::start().await;
    let mut nobody = message("m-1");
    nobody.address.to = "nobody@example.org".to_owned();
    let wrong = LOGIN.replace("password_file = 'password'", "password_file = 'wrong'");
    let stranger = LOGIN.replace("ca_file = 'ca.pem'", "ca_file = 'other.pem'");
    let (starttls, tls) = (postfix.starttls_port, postfix.tls_port);
    let wrapped = |settings: &str| format!("{settings}\ntls = 'tls'");
    for (why, port, settings, message, kind) in [
        ("no such mailbox", starttls, LOGIN.to_owned(), &nobody, FailureKind::Refused),
        ("a wrong password", starttls, wrong, &message("m-1"), FailureKind::Denied),
        ("no login", starttls, "ca_file = 'ca.pem'".to_owned(), &message("m-1"), FailureKind::Denied),
        (
            "an authority of somebody else",
            starttls,
            stranger.clone(),
            &message("m-1"),
            FailureKind::Unsupported,
        ),
        ("the same on the other port", tls, wrapped(&stranger), &message("m-1"), FailureKind::Unsupported),
        ("TLS where nobody expects it", starttls, wrapped(LOGIN), &message("m-1"), FailureKind::Unsupported),
    ] {
        let channel = postfix.channel(port, &settings);
        let error = channel.send(message, instant()).await.expect_err(why);
        assert_eq!(error.kind, kind, "{why}: {error}");
        assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
    }
    // The certificate is good, but for another name.
    let settings = format!("host = '127.0.0.1'\nport = {starttls}\nfrom = 'backups@example.org'\n{LOGIN}");
    let channel = opened("mail", postfix.folder.path(), &settings);
    let error = channel.send(&message("m-1"), instant()).await.expect_err("a certificate for another name");
    assert_eq!(error.kind, FailureKind::Unsupported, "{error}");
    assert!(!postfix.folder.path().join("mail/anna").exists(), "nothing was delivered");
}

/// Writes everything one Postfix needs.
fn lay_out(folder: &Path, starttls_port: u16, tls_port: u16) {
    for name in ["etc/sasl", "queue", "lib", "mail"] {
        fs::create_dir_all(folder.join(name)).expect("a writable folder");
    }
    let shown = folder.display();
    write(folder, "password", PASSWORD);
    write(folder, "wrong", "wrong-password");
    write(folder, "etc/main.cf", &format!("{MAIN}\n{}", MAIN_PATHS.replace("FOLDER", &shown.to_string())));
    let ports = format!(
        "127.0.0.1:{starttls_port} inet n - n - - smtpd -o smtpd_tls_security_level=may\n\
         127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
    );
    write(folder, "etc/master.cf", &(ports + SERVICES));
    let database = folder.join("etc/sasl/users");
    let sasl = format!(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN\n",
        database.display()
    );
    write(folder, "etc/sasl/smtpd.conf", &sasl);
    let saslpasswd = format!(
        "printf %s '{PASSWORD}' | {} -p -c -f {} -u example.org lastgood",
        program("saslpasswd2").display(),
        database.display()
    );
    run(Command::new("sh").args(["-c", &saslpasswd]));
    certificates(folder);
    run(Command::new("chmod").arg("755").arg(folder));
    run(Command::new("chown").arg("postfix").arg(folder.join("lib")).arg(&database));
    run(Command::new("chown").arg("nobody").arg(folder.join("mail")));
}

/// Makes an authority, a certificate for `localhost` from it, and an authority of somebody else.
pub(super) fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let mut command = Command::new(program("openssl"));
        run(command.args(arguments.split(' ')).current_dir(folder));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 30 -keyout other.key -out other.pem -subj /CN=other"));
    openssl(&format!("req -x509 {key} -days 30 -keyout ca.key -out ca.pem -subj /CN=authority"));
    openssl(&format!(
        "req {key} -keyout key.pem -out request.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    ));
    openssl(
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days 30 -out certificate.pem -copy_extensions copy",
    );
}

const MAIN: &str = "compatibility_level = 3.6
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydestination =
mynetworks =
alias_maps =
alias_database =
virtual_mailbox_domains = example.org, many.example.org
virtual_mailbox_maps = inline:{anna@example.org=anna/, @many.example.org=many/}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = example.org
smtpd_tls_auth_only = yes
smtpd_tls_received_header = yes
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject";

const MAIN_PATHS: &str = "queue_directory = FOLDER/queue
data_directory = FOLDER/lib
maillog_file = FOLDER/log
maillog_file_prefixes = FOLDER
virtual_mailbox_base = FOLDER/mail
cyrus_sasl_config_path = FOLDER/etc/sasl
smtpd_tls_cert_file = FOLDER/certificate.pem
smtpd_tls_key_file = FOLDER/key.pem
";

const SERVICES: &str = "cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
anvil unix - - n - 1 anvil
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
";

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a writable folder");
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
