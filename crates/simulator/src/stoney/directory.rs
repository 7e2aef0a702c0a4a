//! What stands in the directory of a stoney host? The tree of a fresh installation, and entries for resellers, accounts
//! and people that a test alters as it likes. Knows the schema's least demands, and nothing of servers.

use super::ldif::{self, Entry, dn_value};

/// 1 GiB, in which quotas start and step.
const GIB: &str = "1073741824";

/// The entries of one directory, parents before children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    base: String,
    entries: Vec<Entry>,
}

impl Default for Directory {
    /// The tree of a fresh installation below `dc=stoney-cloud,dc=org`.
    fn default() -> Self {
        Self::below("dc=stoney-cloud,dc=org")
    }
}

impl Directory {
    /// The tree of a fresh installation below a base of `dc`, `o` or `ou`: no reseller, no account, nobody.
    pub fn below(base: &str) -> Self {
        let mut directory = Self { base: base.to_owned(), entries: vec![root(base)] };
        let services = format!("ou=services,{base}");
        let backup = directory.backup_base();
        let configuration = format!("ou=configuration,{backup}");
        let provisioning = unit(&format!("ou=prov-backup-rsnapshot,{configuration}"))
            .with("objectClass", "sstServiceConfigurationObjectClass")
            .with("sstIsActive", "TRUE");
        directory.put(unit(&directory.people_base()));
        directory.put(unit(&services));
        directory.put(unit(&backup));
        directory.put(unit(&configuration).with("description", "Settings of the backup service"));
        directory.put(provisioning);
        directory.put(unit(&directory.resellers_base()));
        directory.put(unit(&directory.accounts_base()));
        directory
    }

    /// The name everything lies below.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where the backup service lies; the first accounts lay directly below it.
    pub fn backup_base(&self) -> String {
        format!("ou=backup,ou=services,{}", self.base)
    }

    /// Where accounts lie.
    pub fn accounts_base(&self) -> String {
        format!("ou=accounts,{}", self.backup_base())
    }

    /// Where people lie.
    pub fn people_base(&self) -> String {
        format!("ou=people,{}", self.base)
    }

    /// Where resellers lie.
    pub fn resellers_base(&self) -> String {
        format!("ou=reseller,ou=configuration,{}", self.backup_base())
    }

    /// The name of an account.
    pub fn account_dn(&self, uid: &str) -> String {
        format!("uid={},{}", dn_value(uid), self.accounts_base())
    }

    /// The name of a person.
    pub fn person_dn(&self, uid: &str) -> String {
        format!("uid={},{}", dn_value(uid), self.people_base())
    }

    /// The name of a reseller.
    pub fn reseller_dn(&self, uid: &str) -> String {
        format!("uid={},{}", dn_value(uid), self.resellers_base())
    }

    /// Puts an entry behind all others.
    pub fn put(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// [`put`](Self::put), to be chained.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.put(entry);
        self
    }

    /// Everything as LDIF.
    pub fn ldif(&self) -> String {
        ldif::write(&self.entries)
    }

    /// An account that is provisioned and live: warnings on, by mail, after one day, from 85 percent of 1 GiB on; all
    /// three tasks of the scripts wanted; no mail of its own, no person, no reseller, no success yet.
    pub fn account(&self, uid: &str) -> Entry {
        let classes = ["top", "account", "posixAccount", "shadowAccount", "sstBackup", "sstProvisioning"];
        Entry::new(self.account_dn(uid))
            .with_all("objectClass", &classes)
            .with("objectClass", "sstRelationship")
            .with("uid", uid)
            .with("cn", uid)
            .with("uidNumber", if is_number(uid) { uid } else { "3723707" })
            .with("gidNumber", if is_number(uid) { uid } else { "3723707" })
            .with("gecos", format!("Customer {uid}"))
            .with("homeDirectory", home(uid))
            .with("loginShell", "/bin/sh")
            .with("shadowLastChange", "11108")
            .with("shadowMax", "99999")
            .with("shadowWarning", "7")
            .with("shadowFlag", "134539460")
            .with("sstIsActive", "TRUE")
            .with("sstUseSelfcare", "TRUE")
            .with("sstUseSSH", "FALSE")
            .with("sstBackupWarningOn", "TRUE")
            .with("sstBackupWarningDays", "1")
            .with("sstBackupWarningNumbers", "0")
            .with("sstNotificationWarningLevel", "85")
            .with("sstNotificationWarningMedium", "mail")
            .with_all("sstNotificationWarning", &["quota", "schedule", "unsuccessful"])
            .with("sstQuota", GIB)
            .with("sstBackupIntervalHourly", "0")
            .with("sstBackupIntervalDaily", "7")
            .with("sstBackupIntervalWeekly", "4")
            .with("sstBackupIntervalMonthly", "3")
            .with("sstBackupIntervalYearly", "0")
            .with("sstBackupLastSuccessfulBackup", "0")
            .with("sstProvisioningMode", "added")
            .with("sstProvisioningState", "20130923T063554Z")
            .with("sstProvisioningExecutionDate", "0")
    }

    /// A person with one address.
    pub fn person(&self, uid: &str, mail: &str) -> Entry {
        Entry::new(self.person_dn(uid))
            .with_all("objectClass", &["top", "sstPerson", "sstRelationship"])
            .with("uid", uid)
            .with("givenName", "Petra")
            .with("sn", format!("Person {uid}"))
            .with("mail", mail)
            .with("preferredLanguage", "en-GB")
            .with("sstTimeZoneOffset", "+01:00")
            .with("sstIsActive", "TRUE")
            .with("userPassword", "{CRYPT}*")
    }

    /// A reseller that is not the default. Its leaves are entries of their own.
    pub fn reseller(&self, uid: &str) -> Entry {
        Entry::new(self.reseller_dn(uid))
            .with_all("objectClass", &["top", "sstReseller", "sstServiceConfigurationObjectClass"])
            .with("uid", uid)
            .with("o", format!("Reseller {uid} Ltd."))
            .with("description", "Sells backups")
            .with("sstBelongsToResellerUID", uid)
            .with("sstIsCompany", "TRUE")
            .with("sstIsActive", "TRUE")
            .with("sstIsDefault", "FALSE")
    }

    /// The leaf of a reseller's settings: quotas from 1 to 500 GiB, mails from its support, English.
    pub fn settings(&self, reseller_uid: &str) -> Entry {
        unit(&format!("ou=settings,{}", self.reseller_dn(reseller_uid)))
            .with("objectClass", "sstServiceSettingsObjectClass")
            .with("sstMailFrom", format!("Support {reseller_uid} <support-{reseller_uid}@example.org>"))
            .with("preferredLanguage", "en-GB")
            .with("sstVolumeCapacityDefault", GIB)
            .with("sstVolumeCapacityMin", GIB)
            .with("sstVolumeCapacityMax", "536870912000")
            .with("sstVolumeCapacityStep", GIB)
            .with("sstQuotaChange", "TRUE")
            .with("sstNotificationWarningMediumChange", "TRUE")
            .with("sstNotificationWarningMediumAdd", "TRUE")
            .with("sstSendCredentialsTo", "owner")
    }

    /// The leaf that says whom at a reseller to tell of which tasks.
    pub fn notifications(&self, reseller_uid: &str, to: &[&str], tasks: &[&str]) -> Entry {
        unit(&format!("ou=notifications,{}", self.reseller_dn(reseller_uid)))
            .with("objectClass", "sstNotificationObjectClass")
            .with_all("sstMailTo", to)
            .with_all("sstNotificationWarning", tasks)
    }
}

/// Where an account's home lies: hashed by the last digit, the last three, and the three before them, inside its jail.
/// An uid of fewer than seven characters or of other than ASCII is not hashed.
pub fn home(uid: &str) -> String {
    if !uid.is_ascii() || uid.len() < 7 {
        return format!("/var/backup/{uid}/chroot/./home/{uid}");
    }
    let (before, last) = uid.split_at(uid.len() - 3);
    format!("/var/backup/{}/{last}/{}/{uid}/chroot/./home/{uid}", &last[2..], &before[before.len() - 3..])
}

fn root(base: &str) -> Entry {
    let first = base.split(',').next().unwrap_or(base);
    let (kind, value) = first.split_once('=').unwrap_or(("o", first));
    let entry = Entry::new(base).with("objectClass", "top");
    match kind.trim() {
        "dc" => entry
            .with_all("objectClass", &["dcObject", "organization"])
            .with("dc", value)
            .with("o", "stoney cloud"),
        "ou" => entry.with("objectClass", "organizationalUnit").with("ou", value),
        _ => entry.with("objectClass", "organization").with("o", value),
    }
}

/// An `organizationalUnit` whose name begins with `ou=`.
fn unit(dn: &str) -> Entry {
    let name = dn.trim_start_matches("ou=").split(',').next().unwrap_or_default();
    Entry::new(dn).with_all("objectClass", &["top", "organizationalUnit"]).with("ou", name)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_hashed_as_those_that_were_seen() {
        assert_eq!(home("3723707"), "/var/backup/7/707/723/3723707/chroot/./home/3723707");
        assert_eq!(home("13734242"), "/var/backup/2/242/734/13734242/chroot/./home/13734242");
        assert_eq!(home("7"), "/var/backup/7/chroot/./home/7");
    }

    #[test]
    fn parents_stand_before_their_children() {
        let directory = Directory::default();
        let names: Vec<&str> = directory.entries.iter().map(|entry| entry.dn.as_str()).collect();
        for (index, name) in names.iter().enumerate().skip(1) {
            let (_, parent) = name.split_once(',').unwrap();
            assert!(names[..index].contains(&parent), "{name}");
        }
    }
}
