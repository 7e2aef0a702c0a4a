//! A real directory: slapd from Debian's packages, on loopback, in a temporary folder, with the schema of stoney cloud.
//!
//! Nothing of the machine's own slapd is touched. It holds its ports even while it is down, so that nobody else is met
//! there. What is deliberately absent: replication, passwords of persons, and every overlay.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::{NamedTempFile, TempDir};
use tokio::net::TcpSocket;

use super::ldif::{self, Entry};

/// The server, which is also slapadd when told so.
const PROGRAM: &str = "/usr/sbin/slapd";
const SCHEMA_FOLDER: &str = "/etc/ldap/schema";
const SCHEMA: &str = include_str!("sst.schema");

/// Who may read and write, but is no administrator: limits and rules hold for it.
const SERVICE_DN: &str = "cn=lastgood,cn=services";

/// The most bytes the entries may take. The file is sparse: it takes what is used.
const ENTRIES_MAX_BYTES: u64 = 2 << 30;

/// How long a start may take: 2000 looks with this pause between them, about 20 s, and longer where a look itself waits.
const START_LOOKS_MAX: usize = 2000;
const START_PAUSE: Duration = Duration::from_millis(10);
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// The request "who am I" (RFC 4532): any answer to it shows that the server serves.
const WHO_AM_I: &[u8] = b"\x30\x1e\x02\x01\x01\x77\x19\x80\x171.3.6.1.4.1.4203.1.11.3";

/// What a directory is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlapdOptions {
    /// The name everything lies below.
    pub base: String,
    /// Entries in LDIF, the base first, loaded before the start.
    pub entries: String,
    /// Load entries even where an attribute is absent that their class must have.
    pub lenient: bool,
    /// Certificate and key, for `StartTLS` and ldaps; `None`: neither is offered.
    pub tls: Option<Tls>,
    /// How many entries a search gives to anyone but the administrator.
    pub size_limit: SizeLimit,
    /// Who may read.
    pub reading: Reading,
}

impl Default for SlapdOptions {
    /// An empty directory below `dc=stoney-cloud,dc=org` that anybody may read, with slapd's own limit and without TLS.
    fn default() -> Self {
        Self {
            base: "dc=stoney-cloud,dc=org".to_owned(),
            entries: String::new(),
            lenient: false,
            tls: None,
            size_limit: SizeLimit::Default,
            reading: Reading::Anyone,
        }
    }
}

/// Files in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, and those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How many entries a search gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeLimit {
    /// What slapd does unless told otherwise: 500, all pages of a paged search together.
    Default,
    /// No limit.
    Unlimited,
    /// So many, all pages of a paged search together.
    Entries(u32),
    /// So many at once; a paged search gives all, page by page.
    PerPage(u32),
}

/// Who may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Anybody.
    Anyone,
    /// Whoever has bound; all others are refused (insufficientAccessRights).
    Bound,
    /// Whoever has bound; all others find no entry, and are told that this was all.
    BoundElseEmpty,
}

/// A directory that runs until this is dropped: then it is killed, and its folder removed.
#[derive(Debug)]
pub struct Slapd {
    options: SlapdOptions,
    folder: TempDir,
    program: PathBuf,
    port: Port,
    tls_port: Option<Port>,
    admin_password: String,
    service_password: String,
    running: Mutex<Option<Running>>,
}

/// The server, and a shell that kills it where this program ends without having done so, however it ends.
#[derive(Debug)]
struct Running {
    server: Child,
    watcher: Child,
}

impl Running {
    fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut server = command.spawn().map_err(|error| missing(command, &error))?;
        // The shell waits for a line that never comes; its input ends with us.
        let script = format!("read -r line || kill -KILL {}", server.id());
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match shell.spawn() {
            Ok(watcher) => Ok(Self { server, watcher }),
            Err(error) => {
                end(&mut server)?;
                Err(error)
            }
        }
    }
}

/// Kills and reaps.
fn end(child: &mut Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

/// A port that is held by a socket which does not listen: others are not given it, and a client is refused.
#[derive(Debug)]
struct Port {
    number: u16,
    _held: TcpSocket,
}

impl Port {
    fn free() -> io::Result<Self> {
        let held = TcpSocket::new_v4()?;
        // slapd sets the same, and only then may both have the port.
        held.set_reuseaddr(true)?;
        held.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self { number: held.local_addr()?.port(), _held: held })
    }
}

impl Slapd {
    /// Loads the entries, starts the server and waits until it answers. `Err` says which package is missing, what
    /// slapadd did not like about the entries, or what slapd said when it ended.
    pub fn start(options: SlapdOptions) -> io::Result<Self> {
        let folder = TempDir::with_prefix("lastgood-slapd-")?;
        let slapd = Self {
            program: program(folder.path())?,
            port: Port::free()?,
            tls_port: options.tls.as_ref().map(|_| Port::free()).transpose()?,
            admin_password: secret()?,
            service_password: secret()?,
            running: Mutex::new(None),
            folder,
            options,
        };
        slapd.configure()?;
        slapd.load()?;
        slapd.run()?;
        Ok(slapd)
    }

    /// `ldap://127.0.0.1:port`; `StartTLS` where a certificate was given.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port())
    }

    /// `ldaps://127.0.0.1:port`; `None` where no certificate was given.
    pub fn tls_url(&self) -> Option<String> {
        self.tls_port.as_ref().map(|port| format!("ldaps://127.0.0.1:{}", port.number))
    }

    /// The port of [`url`](Self::url).
    pub fn port(&self) -> u16 {
        self.port.number
    }

    /// The port of [`tls_url`](Self::tls_url).
    pub fn tls_port(&self) -> Option<u16> {
        self.tls_port.as_ref().map(|port| port.number)
    }

    /// The name everything lies below.
    pub fn base(&self) -> &str {
        &self.options.base
    }

    /// The administrator, for whom no limit and no rule holds.
    pub fn admin_dn(&self) -> String {
        format!("cn=admin,{}", self.base())
    }

    /// The administrator's password, made anew with every directory.
    pub fn admin_password(&self) -> &str {
        &self.admin_password
    }

    /// Somebody who may read and write everything but is held to the limits, as a monitor is that writes back.
    pub fn service_dn(&self) -> &'static str {
        SERVICE_DN
    }

    /// The password of [`service_dn`](Self::service_dn).
    pub fn service_password(&self) -> &str {
        &self.service_password
    }

    /// Everything slapd has said since the first start: connections, operations, results.
    pub fn log(&self) -> String {
        fs::read(self.log_path()).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// How many searches (each page is one), binds and changes it was asked for since the first start, those of
    /// [`ldif`](Self::ldif) and [`search`](Self::search) included.
    pub fn operation_count(&self) -> usize {
        let is_operation = |line: &&str| match line.split_once(" op=") {
            None => false,
            Some((_, rest)) => {
                let said = rest.split_once(' ').map_or("", |(_, said)| said);
                let begins = ["SRCH base=", "MOD dn=", "ADD dn=", "DEL dn=", "MODRDN dn=", "CMP dn="];
                begins.iter().any(|begin| said.starts_with(begin))
                    || (said.starts_with("BIND dn=") && said.contains(" method="))
            }
        };
        self.log().lines().filter(is_operation).count()
    }

    /// Ends it at once, as a crash does. Does nothing where it is down.
    pub fn kill(&self) -> io::Result<()> {
        let Some(mut running) = self.running().take() else { return Ok(()) };
        // The watcher first: the number of a server that is gone may belong to somebody else.
        end(&mut running.watcher)?;
        end(&mut running.server)
    }

    /// Lets it hang: connections are accepted, and nothing is answered, until it [goes on](Self::go_on).
    pub fn stop_answering(&self) -> io::Result<()> {
        self.signal("STOP")
    }

    /// Ends what [`stop_answering`](Self::stop_answering) began; what was asked meanwhile is answered.
    pub fn go_on(&self) -> io::Result<()> {
        self.signal("CONT")
    }

    /// Kills it unless it is down, and starts it again on the same ports with the entries it had.
    pub fn restart(&self) -> io::Result<()> {
        self.kill()?;
        self.run()
    }

    /// Adds entries or carries out change records (`changetype: modify` …), as the administrator, over the wire.
    pub fn ldif(&self, ldif: &str) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(self.folder.path())?;
        file.write_all(ldif.as_bytes())?;
        self.client("ldapmodify").args(["-a", "-f"]).arg(file.path()).checked().map(drop)
    }

    /// Puts values in the place of all that an attribute of an entry has; none takes the attribute away.
    pub fn set(&self, dn: &str, attribute: &str, values: &[&str]) -> io::Result<()> {
        let change = Entry::new(dn).with("changetype", "modify").with("replace", attribute);
        self.ldif(&ldif::write([&change.with_all(attribute, values)]))
    }

    /// Searches the whole tree below `base`, as the administrator; every attribute of each entry.
    pub fn search(&self, base: &str, filter: &str) -> io::Result<Vec<Entry>> {
        let said =
            self.client("ldapsearch").args(["-LLL", "-o", "ldif-wrap=no", "-b", base, filter]).checked()?;
        Ok(ldif::read(&said))
    }

    /// One entry, or `None` where there is none.
    pub fn entry(&self, dn: &str) -> io::Result<Option<Entry>> {
        let mut search = self.client("ldapsearch");
        search.args(["-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn]);
        let output = search.output().map_err(|error| missing(&search, &error))?;
        // 32 is noSuchObject, whose text stands on standard error.
        let is_known = output.status.success() || output.status.code() == Some(32);
        let said = String::from_utf8_lossy(&output.stdout);
        if !is_known {
            return Err(failed(&search, output.status, &output.stderr));
        }
        Ok(ldif::read(&said).into_iter().next())
    }

    /// A program of the package ldap-utils, bound as the administrator.
    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-x", "-H", &self.url(), "-D", &self.admin_dn(), "-y"]).arg(self.password_path());
        // The machine's own settings for clients count for nothing here.
        command.env("LDAPNOINIT", "1").stdin(Stdio::null());
        command
    }

    fn configure(&self) -> io::Result<()> {
        for folder in ["entries", "services"] {
            fs::create_dir(self.folder.path().join(folder))?;
        }
        fs::write(self.folder.path().join("sst.schema"), SCHEMA)?;
        fs::write(self.password_path(), &self.admin_password)?;
        fs::write(self.settings_path(), self.settings())
    }

    /// What stands in slapd.conf.
    fn settings(&self) -> String {
        let mut text = "modulepath /usr/lib/ldap\nmoduleload back_mdb\n".to_owned();
        let mut say =
            |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("a string takes all text");
        let folder = self.folder.path().display();
        for schema in ["core", "cosine", "nis", "inetorgperson"] {
            say(format_args!("include {SCHEMA_FOLDER}/{schema}.schema"));
        }
        say(format_args!("include {folder}/sst.schema"));
        if let Some(tls) = &self.options.tls {
            say(format_args!("TLSCertificateFile \"{}\"", tls.certificate.display()));
            say(format_args!("TLSCertificateKeyFile \"{}\"", tls.key.display()));
        }
        match self.options.size_limit {
            SizeLimit::Default => {}
            SizeLimit::Unlimited => say(format_args!("sizelimit unlimited")),
            SizeLimit::Entries(count) => say(format_args!("sizelimit {count}")),
            SizeLimit::PerPage(count) => {
                say(format_args!("sizelimit size.soft={count} size.hard={count} size.prtotal=unlimited"));
            }
        }
        // A database of its own for the service: an administrator of this one is an ordinary user of the other.
        say(format_args!("database ldif\nsuffix cn=services\ndirectory {folder}/services"));
        say(format_args!("rootdn {SERVICE_DN}\nrootpw {}", self.service_password));
        say(format_args!("database mdb\nsuffix \"{}\"\ndirectory {folder}/entries", self.base()));
        say(format_args!("rootdn \"{}\"\nrootpw {}", self.admin_dn(), self.admin_password));
        // A crash of slapd loses nothing by `dbnosync`, only one of the machine does.
        say(format_args!("maxsize {ENTRIES_MAX_BYTES}\ndbnosync\nindex objectClass,uid eq"));
        let anybody = match self.options.reading {
            Reading::Anyone => "by * read",
            Reading::Bound => "by users read by anonymous auth",
            Reading::BoundElseEmpty => "by users read by anonymous search",
        };
        say(format_args!("access to * by dn.exact=\"{SERVICE_DN}\" write {anybody}"));
        text
    }

    fn load(&self) -> io::Result<()> {
        if self.options.entries.is_empty() {
            return Ok(());
        }
        let entries = self.folder.path().join("entries.ldif");
        fs::write(&entries, &self.options.entries)?;
        let mut command = Command::new(&self.program);
        command.args(["-T", "add", "-q", "-f"]).arg(self.settings_path()).arg("-l").arg(&entries);
        command.args(["-b", self.base()]).stdin(Stdio::null());
        if self.options.lenient {
            command.arg("-s");
        }
        command.checked()?;
        fs::remove_file(entries)
    }

    fn run(&self) -> io::Result<()> {
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let urls = [Some(self.url()), self.tls_url()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let mut command = Command::new(&self.program);
        // With a level of debugging it stays in the foreground; this level says which operations there were.
        command.args(["-d", "stats", "-h", &urls, "-f"]).arg(self.settings_path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        *self.running() = Some(Running::spawn(&mut command)?);
        self.wait_until_it_answers().inspect_err(|_| drop(self.kill()))
    }

    fn wait_until_it_answers(&self) -> io::Result<()> {
        for _ in 0..START_LOOKS_MAX {
            if self.answers() {
                return Ok(());
            }
            if let Some(running) = self.running().as_mut()
                && let Some(status) = running.server.try_wait()?
            {
                return Err(io::Error::other(format!("slapd ended with {status}: {}", self.log())));
            }
            thread::sleep(START_PAUSE);
        }
        Err(io::Error::other(format!("slapd does not answer: {}", self.log())))
    }

    fn answers(&self) -> bool {
        let ask = || -> io::Result<u8> {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()));
            let mut stream = TcpStream::connect_timeout(&address, ANSWER_PATIENCE)?;
            stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
            stream.write_all(WHO_AM_I)?;
            let mut begin = [0];
            stream.read_exact(&mut begin)?;
            Ok(begin[0])
        };
        // Every message of LDAP begins with this byte.
        ask().is_ok_and(|begin| begin == 0x30)
    }

    fn signal(&self, name: &str) -> io::Result<()> {
        let running = self.running();
        let id = running.as_ref().ok_or_else(|| io::Error::other("slapd is down"))?.server.id();
        Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).checked().map(drop)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings_path(&self) -> PathBuf {
        self.folder.path().join("slapd.conf")
    }

    fn password_path(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        // Whoever cannot be killed has ended already.
        let _ = self.kill();
    }
}

/// The server's program; where `AppArmor` may bind it to the machine's own folders, a copy, to which its profile does not
/// apply.
fn program(folder: &Path) -> io::Result<PathBuf> {
    let program = PathBuf::from(PROGRAM);
    if !program.exists() {
        return Err(missing(&Command::new(PROGRAM), &io::ErrorKind::NotFound.into()));
    }
    let confined = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    if !confined.is_ok_and(|enabled| enabled.starts_with('Y')) {
        return Ok(program);
    }
    let copy = folder.join("slapd");
    fs::copy(program, &copy)?;
    Ok(copy)
}

/// 32 hexadecimal digits that nobody knows beforehand.
fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

trait Checked {
    /// Runs the command; its standard output, or what it said on standard error where it failed.
    fn checked(&mut self) -> io::Result<String>;
}

impl Checked for Command {
    fn checked(&mut self) -> io::Result<String> {
        let output = self.output().map_err(|error| missing(self, &error))?;
        if !output.status.success() {
            return Err(failed(self, output.status, &output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn failed(command: &Command, status: ExitStatus, said: &[u8]) -> io::Error {
    let name = command.get_program().display();
    io::Error::other(format!("{name} ended with {status}: {}", String::from_utf8_lossy(said).trim_end()))
}

fn missing(command: &Command, error: &io::Error) -> io::Error {
    let name = command.get_program().display();
    if error.kind() != io::ErrorKind::NotFound {
        return io::Error::other(format!("{name}: {error}"));
    }
    let package = if name.to_string().contains("slapd") { "slapd" } else { "ldap-utils" };
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("{name} is missing: install the Debian package {package}"),
    )
}
