//! Which trouble of which account is told to whom? A row for every task and every way to a recipient, with the entries and
//! files that make it so.

use jiff::SignedDuration;
use lastgood_simulator::stoney::{Client, Directory, End, Entry, Plan, Run, Upload};

use super::world::{World, ago, run_of};

/// What becomes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Quota,
    Schedule,
    Stuck,
    Unsuccessful,
    Upgrade,
    NoBackup,
}

/// Who there is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Two mailboxes of the account, although a person and a reseller are there.
    OwnMail,
    /// Two mailboxes of the person.
    Person,
    /// The customer wants no warnings: two mailboxes of one reseller of two.
    WarningsOff,
    /// The customer wants other tasks.
    ResellerOnly,
    /// The reseller is not there, or none is named: the customer, and the default reseller.
    DefaultReseller,
    /// Nobody: the operators.
    Nobody,
}

const TROUBLES: [Trouble; 6] = [
    Trouble::Quota,
    Trouble::Schedule,
    Trouble::Stuck,
    Trouble::Unsuccessful,
    Trouble::Upgrade,
    Trouble::NoBackup,
];

const WAYS: [Way; 6] =
    [Way::OwnMail, Way::Person, Way::WarningsOff, Way::ResellerOnly, Way::DefaultReseller, Way::Nobody];

const TASKS: [&str; 5] = ["quota", "schedule", "unsuccessful", "upgrade", "nobackup"];

/// The operator, whose pattern names something else.
pub(super) const OPERATOR: &str = "operator@many.example.org";

/// Whom the leaf of the default reseller names.
pub(super) const DEFAULT: &str = "default@many.example.org";

/// Somebody who is to be told, or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Recipient {
    pub(super) role: &'static str,
    pub(super) address: String,
    pub(super) told: bool,
    /// Who the mail is from, and its language.
    pub(super) from: String,
    pub(super) is_german: bool,
    /// The attribute that decides, and the uid of its entry.
    pub(super) because: [String; 2],
}

/// One account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) trouble: Trouble,
    pub(super) way: Way,
}

/// Every trouble, every way.
pub(super) fn rows() -> Vec<Row> {
    TROUBLES.into_iter().flat_map(|trouble| WAYS.map(|way| Row { trouble, way })).collect()
}

/// All entries: the accounts, each with a person and resellers of its own, and the default reseller.
pub(super) fn directory() -> Directory {
    let mut directory = Directory::default();
    directory.put(directory.reseller("4000000").set("sstIsDefault", &["TRUE"]));
    let settings = directory.settings("4000000").set("sstMailFrom", &["Default <from-default@example.org>"]);
    directory.put(settings.set("preferredLanguage", &["de-CH"]));
    directory.put(directory.notifications("4000000", &["The default <default@MANY.example.org>"], &TASKS));
    for row in rows() {
        row.put(&mut directory);
    }
    directory
}

impl Row {
    fn number(self) -> usize {
        self.trouble as usize * 10 + self.way as usize
    }

    pub(super) fn uid(self) -> String {
        format!("{}", 3_700_100 + self.number())
    }

    fn person(self) -> String {
        format!("{}", 5_700_100 + self.number())
    }

    /// The reseller that wants everything but this.
    pub(super) fn quiet(self) -> String {
        format!("{}", 4_700_100 + self.number())
    }

    /// The reseller that wants this and nothing else.
    fn loud(self) -> String {
        format!("{}", 4_800_100 + self.number())
    }

    fn address(self, word: &str) -> String {
        format!("{word}-{}@many.example.org", self.uid())
    }

    pub(super) fn task(self) -> &'static str {
        match self.trouble {
            Trouble::Quota => "quota",
            Trouble::Schedule | Trouble::Stuck => "schedule",
            Trouble::Unsuccessful => "unsuccessful",
            Trouble::Upgrade => "upgrade",
            Trouble::NoBackup => "nobackup",
        }
    }

    pub(super) fn check(self) -> &'static str {
        match self.trouble {
            Trouble::Quota => "quota",
            Trouble::Schedule => "schedule",
            Trouble::Stuck => "stuck",
            Trouble::Unsuccessful => "unsuccessful",
            Trouble::Upgrade => "outdated_client",
            Trouble::NoBackup => "never_used",
        }
    }

    /// What the matter is about.
    pub(super) fn subject(self) -> String {
        match self.trouble {
            Trouble::Quota | Trouble::NoBackup => format!("stoney/{}", self.uid()),
            Trouble::Schedule | Trouble::Stuck | Trouble::Unsuccessful | Trouble::Upgrade => {
                format!("stoney/{}/server.example.org", self.uid())
            }
        }
    }

    /// Whether the language is German, where the account, its person or its reseller says which: every other row.
    fn is_german(self) -> bool {
        self.number() % 2 == 1
    }

    fn language(is_german: bool) -> &'static str {
        if is_german { "de-CH" } else { "en-GB" }
    }

    fn others(self) -> Vec<&'static str> {
        TASKS.into_iter().filter(|task| *task != self.task()).collect()
    }

    fn put(self, directory: &mut Directory) {
        let own = [self.address("own"), format!("Two <{}>", self.address("own2"))];
        let own = [own[0].as_str(), own[1].as_str()];
        let (quiet, loud, person) = (self.quiet(), self.loud(), self.person());
        let account = self.account(directory);
        let account = match self.way {
            Way::OwnMail => account
                .set("mail", &own)
                .set("preferredLanguage", &[Self::language(self.is_german())])
                .set("sstBelongsToPersonUID", &[&person])
                .set("sstBelongsToResellerUID", &[&quiet]),
            Way::Person => {
                account.set("sstBelongsToPersonUID", &[&person]).set("sstBelongsToResellerUID", &[&quiet])
            }
            Way::WarningsOff => account
                .set("mail", &own)
                .set("sstBackupWarningOn", &["FALSE"])
                .set("preferredLanguage", &[Self::language(!self.is_german())])
                .set("sstBelongsToResellerUID", &[&quiet, &loud]),
            Way::ResellerOnly => account
                .set("mail", &own)
                .set("sstNotificationWarning", &self.others())
                .set("sstBelongsToResellerUID", &[&loud]),
            Way::DefaultReseller if self.is_german() => {
                account.set("mail", &own).set("sstBelongsToResellerUID", &["4999999"])
            }
            Way::DefaultReseller => account.set("mail", &own),
            Way::Nobody => self.without_anybody(account.set("sstBelongsToResellerUID", &[&quiet])),
        };
        directory.put(account);
        let people = [self.address("person"), self.address("person2")];
        let of_person = directory.person(&person, &people[0]).with("mail", &people[1]);
        directory.put(of_person.set("preferredLanguage", &[Self::language(self.is_german())]));
        for (reseller, tasks, word) in [(&quiet, self.others(), "quiet"), (&loud, vec![self.task()], "loud")]
        {
            directory.put(directory.reseller(reseller));
            let settings = directory.settings(reseller);
            directory.put(settings.set("preferredLanguage", &[Self::language(self.is_german())]));
            let (to, second) = (self.address(word), format!("Desk <{}>", self.address(&format!("{word}2"))));
            directory.put(directory.notifications(reseller, &[&to, &second], &tasks));
        }
    }

    /// Warnings on, by mail, of this task, at once where there is a patience; of nobody yet.
    fn account(self, directory: &Directory) -> Entry {
        let account = directory
            .account(&self.uid())
            .set("sstQuota", &["2097152"])
            .set("sstNotificationWarning", &[self.task()]);
        // By the number of runs, or by the two days since the last success.
        let account = if self.is_german() {
            account.set("sstBackupWarningDays", &["0"]).set("sstBackupWarningNumbers", &["1"])
        } else {
            account
        };
        match self.trouble {
            // Not provisioned yet, so not live: what is told of the others is an upload, of this one that.
            Trouble::NoBackup => account.set("sstProvisioningState", &["0"]),
            Trouble::Quota
            | Trouble::Schedule
            | Trouble::Stuck
            | Trouble::Unsuccessful
            | Trouble::Upgrade => account,
        }
    }

    /// Six ways in which a customer cannot be told, or does not want to be.
    fn without_anybody(self, account: Entry) -> Entry {
        let own = self.address("own");
        match self.trouble {
            Trouble::Quota => {
                account.set("mail", &["no mailbox"]).set("sstBelongsToPersonUID", &[&self.person()])
            }
            Trouble::Schedule => account.set("mail", &[&own]).set("sstBackupWarningOn", &["FALSE"]),
            Trouble::Stuck => account.set("sstBelongsToPersonUID", &["5999999"]),
            Trouble::Unsuccessful => account
                .set("mail", &[&own])
                .set("sstBackupWarningDays", &["0"])
                .set("sstBackupWarningNumbers", &["0"]),
            Trouble::Upgrade => account.set("mail", &[&own]).set("sstNotificationWarningMedium", &["sms"]),
            Trouble::NoBackup => account,
        }
    }

    /// The attribute that keeps the customer of [`Way::Nobody`] from being told; `None` where there is no address.
    fn kept_by(self) -> Option<&'static str> {
        match self.trouble {
            Trouble::Schedule => Some("sstBackupWarningOn"),
            Trouble::Unsuccessful => Some("sstBackupWarning"),
            Trouble::Upgrade => Some("sstNotificationWarningMedium"),
            Trouble::Quota | Trouble::Stuck | Trouble::NoBackup => None,
        }
    }

    /// Everybody who is named for this, told or not.
    pub(super) fn recipients(self) -> Vec<Recipient> {
        let (uid, quiet, loud) = (self.uid(), self.quiet(), self.loud());
        let quietly = || self.of_reseller(["quiet", "quiet2"], &quiet, false);
        let loudly = || self.of_reseller(["loud", "loud2"], &loud, true);
        let own = |reseller: &str, decides: Option<&str>| {
            let because = [decides.unwrap_or("mail"), &uid];
            ["own", "own2"].map(|word| self.customer(word, decides.is_none(), support(reseller), because))
        };
        match self.way {
            Way::OwnMail => [own(&quiet, None), quietly()].concat(),
            Way::Person => {
                let because = ["sstBelongsToPersonUID", &self.person()];
                let told = |word| self.customer(word, true, support(&quiet), because);
                [["person", "person2"].map(told), quietly()].concat()
            }
            Way::WarningsOff => [own(&quiet, Some("sstBackupWarningOn")), quietly(), loudly()].concat(),
            Way::ResellerOnly => [own(&loud, Some("sstNotificationWarning")), loudly()].concat(),
            Way::DefaultReseller => {
                let from = "Default <from-default@example.org>";
                let told = |word| self.customer(word, true, from.to_owned(), ["mail", &uid]);
                let told = ["own", "own2"].map(|word| Recipient { is_german: true, ..told(word) });
                let because = ["sstIsDefault".to_owned(), "4000000".to_owned()];
                let default =
                    Recipient { role: "reseller", address: DEFAULT.to_owned(), because, ..told[0].clone() };
                [&told[..], &[default]].concat()
            }
            Way::Nobody => {
                let because = |attribute| [attribute, uid.as_str()];
                let kept = self.kept_by();
                let kept =
                    kept.map(|attribute| self.customer("own", false, support(&quiet), because(attribute)));
                let operator = Recipient {
                    role: "operator",
                    address: OPERATOR.to_owned(),
                    told: true,
                    from: "Backups <backups@example.org>".to_owned(),
                    is_german: false,
                    because: ["no customer and no reseller is left to tell".to_owned(), quiet.clone()],
                };
                kept.into_iter().chain(quietly()).chain([operator]).collect()
            }
        }
    }

    fn customer(self, word: &str, told: bool, from: String, because: [&str; 2]) -> Recipient {
        Recipient {
            role: "customer",
            address: self.address(word),
            told,
            from,
            is_german: self.is_german(),
            because: because.map(str::to_owned),
        }
    }

    fn of_reseller(self, words: [&str; 2], reseller: &str, told: bool) -> [Recipient; 2] {
        words.map(|word| Recipient {
            role: "reseller",
            ..self.customer(word, told, support(reseller), ["sstNotificationWarning", reseller])
        })
    }
}

/// Who the mails of a reseller are from.
fn support(reseller: &str) -> String {
    format!("Support {reseller} <support-{reseller}@example.org>")
}

/// What an account looks like before anything is wrong with it.
pub(super) fn prepare(world: &World, row: Row) {
    let run = match row.trouble {
        Trouble::NoBackup => return drop(world.home(&row.uid())),
        Trouble::Quota | Trouble::Upgrade => run_of(Client::sepiola("2.7.1"), 60, End::Clean),
        Trouble::Schedule | Trouble::Stuck | Trouble::Unsuccessful => {
            unplanned("2.7.1", 2 * 24 * 60, End::Clean)
        }
    };
    world.computer(&row.uid(), "server.example.org").back_up(&run).expect("a writable folder");
}

/// What goes wrong: an upload, but where the account is only now provisioned.
pub(super) fn upload(world: &World, row: Row) {
    let computer = || world.computer(&row.uid(), "server.example.org");
    let done = match row.trouble {
        Trouble::Quota => computer().file("backup/film.mkv", 2 << 20).map(drop),
        Trouble::Schedule => {
            let run = run_of(Client::sepiola("2.7.1"), 2 * 24 * 60, End::Clean);
            let planned = run.client.scheduler(run.started, &run.plan);
            computer().put(Upload::Scheduler, planned.as_bytes(), run.started.timestamp())
        }
        Trouble::Stuck => computer().begin(&unplanned("2.7.1", 26 * 60, End::Killed)),
        Trouble::Unsuccessful => computer().back_up(&unplanned("2.7.1", 6, End::Failed)),
        Trouble::Upgrade => computer().back_up(&unplanned("2.6.9", 6, End::Clean)),
        Trouble::NoBackup => {
            let since = ago(0) - SignedDuration::from_hours(8 * 24);
            let since = since.strftime("%Y%m%dT%H%M%SZ").to_string();
            world.slapd.set(&world.directory.account_dn(&row.uid()), "sstProvisioningState", &[&since])
        }
    };
    done.expect("a writable folder and directory");
}

/// A run by hand: the next one is not planned.
fn unplanned(version: &str, minutes_ago: i64, end: End) -> Run {
    Run { plan: Plan::Never, ..run_of(Client::sepiola(version), minutes_ago, end) }
}
