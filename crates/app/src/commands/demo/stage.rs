//! What stands around lastgood while the story is told? A portal, a job, a mail server, maybe a repository and a stoney
//! backup server, and the folder with the configuration.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use lastgood_simulator::smtp::{Mail, MailServer};
use lastgood_simulator::{Faults, Portal};
use tokio::sync::mpsc;

use super::configuration::{self, LINKS_KEY, PORTAL_KEY, Places};
use super::folder::Folder;
use super::hoster::Hoster;
use super::{fleet, repository, xml_location};
use crate::clock;
use crate::push::key::{self, KeyHash};

/// The name of the configuration file.
pub(super) const CONFIGURATION: &str = "lastgood.toml";

/// How many mails may wait to be shown.
const MAILS_MAX: usize = 1000;

/// The simulated outside world.
pub(super) struct Stage<'a> {
    /// The portal.
    pub(super) portal: Portal,
    /// How many appliances its fleet has.
    pub(super) devices: u16,
    /// The customer's appliance.
    pub(super) serial: String,
    /// Its name.
    pub(super) hostname: String,
    /// Where lastgood answers.
    pub(super) url: String,
    /// The stoney backup server; `None` where there is none.
    pub(super) hoster: Option<Hoster>,
    key: String,
    client: reqwest::Client,
    places: Places,
    folder: &'a Folder,
    _mail_server: MailServer,
}

impl<'a> Stage<'a> {
    /// Builds it in a folder, and returns it with the mails as they come in.
    pub(super) async fn build(
        devices: u16,
        folder: &'a Folder,
    ) -> Result<(Self, mpsc::Receiver<Mail>), Box<dyn Error>> {
        let fleet = fleet::well(devices, clock::now());
        let (serial, hostname) = {
            let silent = fleet::silent_one(&fleet);
            (silent.serial.clone(), silent.hostname.clone())
        };
        let portal = Portal::start(fleet, Faults::none()).await?;
        let (sender, mails) = mpsc::channel(MAILS_MAX);
        // Where nobody shows them any more they are only taken.
        let mail_server = MailServer::start(move |mail| drop(sender.try_send(mail))).await?;
        let key = key::generate()?;
        folder.write(PORTAL_KEY, &portal.keys().xml)?;
        folder.write(LINKS_KEY, &key::generate()?)?;
        let port = free_port()?;
        let places = Places {
            port,
            feed: xml_location(&portal),
            mail_port: mail_server.port(),
            serial: serial.clone(),
            key_hash: KeyHash::of(&key),
            has_repository: false,
            directory: None,
        };
        let stage = Self {
            url: format!("http://127.0.0.1:{port}"),
            client: reqwest::Client::builder().no_proxy().build()?,
            portal,
            devices,
            serial,
            hostname,
            hoster: None,
            key,
            places,
            folder,
            _mail_server: mail_server,
        };
        stage.configure()?;
        Ok((stage, mails))
    }

    /// Makes a repository for restic; `Err` says why there is none.
    pub(super) async fn make_repository(&self) -> Result<(), String> {
        repository::make(self.folder).await
    }

    /// Puts a repository and a stoney backup server into the configuration file, where they are there.
    pub(super) fn add(&mut self, has_repository: bool, hoster: Option<Hoster>) -> io::Result<()> {
        self.places.has_repository = has_repository;
        self.places.directory = hoster.as_ref().map(Hoster::url);
        self.hoster = hoster;
        self.configure()
    }

    /// Writes the configuration file.
    fn configure(&self) -> io::Result<()> {
        self.folder.write(CONFIGURATION, &configuration::text(&self.places))
    }

    /// The configuration file.
    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.path().join(CONFIGURATION)
    }

    /// Pings as the job would: `""` for a success, else `/start` or `/fail`. Returns the status of the answer.
    pub(super) async fn ping(&self, word: &str, body: &'static str) -> reqwest::Result<reqwest::StatusCode> {
        let url = format!("{}/ping/{}{word}", self.url, self.key);
        Ok(self.client.post(url).body(body).send().await?.status())
    }
}

/// A port nobody listens on at the moment: links in mails name it, so it is known before it is listened on.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
