//! What do the three files of a computer say?
//!
//! Both families of backup clients leave `backupStarted.xml`, `backupEnded.xml` and `scheduler.xml` in the folder
//! `.sepiola_backup` of a computer. Bytes in, values out: nothing here opens a file, knows a clock, or judges.
//!
//! A file is untrusted as a whole (no document of XML we accept) or trusted; what cannot be read in a trusted one is said
//! for the field and leaves the others alone.

use lastgood_core::observation::{Evidence, Stated};

use self::date::{Family, Repaired};
use self::document::{Element, Wanted};

pub use self::date::{Dates, Offsets};
pub use self::document::{DOCUMENT_MAX_BYTES, Untrusted};
pub use self::plan::Plan;

mod date;
mod document;
mod plan;
pub mod state;

/// Which program wrote a file, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name: `Online Backup Perl Script`, or the name of another client or brand. Empty if not stated.
    pub identifier: String,
    /// Its version, such as `2.0.5_pre` or `2.7.1-3-gabc`. Empty if not stated.
    pub version: String,
    /// What it runs on: `Windows`, `linux`. Empty if not stated.
    pub operating_system: String,
}

/// What the Perl client calls itself.
pub const PERL_IDENTIFIER: &str = "Online Backup Perl Script";

/// What `backupStarted.xml` says: a run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// When it began.
    pub startdate: Dates,
    /// Its id, as it stands there. Ids repeat: they prove nothing.
    pub id: Option<String>,
    /// Which client began it.
    pub client: Stated<Client>,
    /// Values that were not read plainly.
    pub evidence: Vec<Evidence>,
}

/// What `backupEnded.xml` says: a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// When it ended.
    pub enddate: Dates,
    /// Its id, as it stands there. Ids repeat: they prove nothing.
    pub id: Option<String>,
    /// True if it ended well; `None` if that cannot be read.
    pub success: Option<bool>,
    /// Which client ended it.
    pub client: Stated<Client>,
    /// Values that were not read plainly.
    pub evidence: Vec<Evidence>,
}

/// What `scheduler.xml` says: when runs are planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// When.
    pub plan: Plan,
    /// Which client planned them.
    pub client: Stated<Client>,
    /// Values that were not read plainly.
    pub evidence: Vec<Evidence>,
}

static STARTED: Wanted = Wanted {
    root: "backup_started",
    names: &["startdate", "id", "client", "identifier", "version", "operatingsystem"],
};

static ENDED: Wanted = Wanted {
    root: "backup_ended",
    names: &["enddate", "id", "success", "client", "identifier", "version", "operatingsystem"],
};

/// Reads `backupStarted.xml`.
pub fn started(bytes: &[u8]) -> Result<Started, Untrusted> {
    let root = document::parse(bytes, &STARTED)?;
    let mut reading = Reading::new(&root);
    let startdate = reading.dates(&root, "startdate");
    let id = id(&root);
    Ok(Started { startdate, id, client: reading.client, evidence: reading.evidence })
}

/// Reads `backupEnded.xml`.
pub fn ended(bytes: &[u8]) -> Result<Ended, Untrusted> {
    let root = document::parse(bytes, &ENDED)?;
    let mut reading = Reading::new(&root);
    let enddate = reading.dates(&root, "enddate");
    let id = id(&root);
    let success = reading.success(&root);
    Ok(Ended { enddate, id, success, client: reading.client, evidence: reading.evidence })
}

/// Reads `scheduler.xml`.
pub fn scheduler(bytes: &[u8]) -> Result<Scheduled, Untrusted> {
    let root = document::parse(bytes, &plan::WANTED)?;
    let mut reading = Reading::new(&root);
    let plan = plan::read(&root, &mut reading);
    Ok(Scheduled { plan, client: reading.client, evidence: reading.evidence })
}

/// For people only, who are not told where it is missing.
fn id(root: &Element) -> Option<String> {
    root.only("id").ok().flatten().map(|id| id.text().to_owned()).filter(|id| !id.is_empty())
}

/// What was read of a file so far.
struct Reading {
    client: Stated<Client>,
    evidence: Vec<Evidence>,
}

/// Why a field with duplicates that differ is not read.
const DIFFERS: &str = "stated twice, and not the same";

impl Reading {
    /// Reads the client first: what an offset may mean depends on it. Version 2.0.3 of the Perl client states it within
    /// the schedule.
    fn new(root: &Element) -> Self {
        let mut reading = Self { client: Stated::Missing, evidence: Vec::new() };
        let places = std::iter::once(root).chain(root.all("custom_online_backup"));
        let clients: Vec<&Element> = places.flat_map(|place| place.all("client")).collect();
        let mut found: Option<Client> = None;
        for element in clients {
            let client = reading.client_of(element);
            match (&found, client) {
                (_, None) => {
                    reading.client = Stated::Unreadable;
                    return reading;
                }
                (Some(first), Some(client)) if *first != client => {
                    reading.note("client", element, DIFFERS);
                    reading.client = Stated::Unreadable;
                    return reading;
                }
                (_, Some(client)) => found = Some(client),
            }
        }
        reading.client = found.map_or(Stated::Missing, Stated::Value);
        reading
    }

    /// `None` if any of its three fields is stated twice and differs.
    fn client_of(&mut self, element: &Element) -> Option<Client> {
        let mut text = |name: &'static str| match element.only(name) {
            Ok(field) => Some(field.map_or_else(String::new, |field| field.text().to_owned())),
            Err(other) => {
                self.note(name, other, DIFFERS);
                None
            }
        };
        let identifier = text("identifier")?;
        let version = text("version")?;
        Some(Client { identifier, version, operating_system: text("operatingsystem")? })
    }

    /// Which mistakes an offset may hold. A client that cannot be read may be either: that leaves the most open.
    fn family(&self) -> Family {
        match &self.client {
            Stated::Value(client) if client.identifier != PERL_IDENTIFIER => Family::Other,
            Stated::Value(_) | Stated::Missing | Stated::Never | Stated::Unreadable => Family::Perl,
        }
    }

    fn note(&mut self, field: &'static str, element: &Element, note: &'static str) {
        self.evidence.push(Evidence::new(field, Some(element.line), element.text(), note));
    }

    /// Finds the one element of that name that holds a text; if there is none, that is said.
    fn field<'a>(&mut self, parent: &'a Element, name: &'static str) -> Result<Option<&'a Element>, ()> {
        match parent.only(name) {
            Ok(Some(field)) if !field.text().is_empty() => Ok(Some(field)),
            Ok(field) => {
                self.note(name, field.unwrap_or(parent), "not stated");
                Ok(None)
            }
            Err(other) => {
                self.note(name, other, DIFFERS);
                Err(())
            }
        }
    }

    fn dates(&mut self, parent: &Element, name: &'static str) -> Dates {
        let field = match self.field(parent, name) {
            Ok(Some(field)) => field,
            Ok(None) => return Dates::Missing,
            Err(()) => return Dates::Unreadable,
        };
        if let Some(repaired) = date::dates(field.text(), self.family()) {
            return self.repaired(repaired, name, field);
        }
        self.note(name, field, "no date, or its offset cannot have been meant");
        Dates::Unreadable
    }

    fn repaired<T>(&mut self, repaired: Repaired<T>, name: &'static str, field: &Element) -> T {
        if let Some(note) = repaired.note {
            self.note(name, field, note);
        }
        repaired.value
    }

    fn success(&mut self, parent: &Element) -> Option<bool> {
        let field = self.field(parent, "success").ok().flatten()?;
        match field.text() {
            "1" => Some(true),
            "0" => Some(false),
            _ => {
                self.note("success", field, "neither 1 nor 0");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
