//! Where does a directory keep accounts, people and resellers, and under which attribute names?
//!
//! The defaults are those of stoney backup (facts/stoney.md 1); everything else reads logical fields, so that other
//! directories need configuration only. It knows no server and no meaning of a value.

use std::collections::BTreeMap;

use super::entry::Entry;

/// What an entry can say, whatever the directory calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The key of an account, a person or a reseller.
    Uid,
    /// The folder of an account.
    Home,
    /// What an account is called by people.
    Name,
    /// Whether an account is in use.
    Active,
    /// When an account was provisioned; `0` before that.
    State,
    /// What provisioning is to do next with an account.
    Mode,
    /// How much an account may hold, in bytes.
    Quota,
    /// From which share of the quota on is warned, in percent.
    Level,
    /// When each host was backed up last, `HOST:YYYYMMDDThhmmssZ`.
    LastSuccess,
    /// How much the current backup holds, in bytes.
    BackupSize,
    /// How much the increments hold, in bytes.
    IncrementSize,
    /// Whether the customer wants warnings.
    WarningOn,
    /// After how many missed or failed runs the customer wants to hear of them.
    WarningNumbers,
    /// After how many days without a success the customer wants to hear of it.
    WarningDays,
    /// How the customer wants to hear.
    Medium,
    /// Of which tasks somebody wants to hear.
    Tasks,
    /// Where mail goes.
    Mail,
    /// Where short messages go.
    Mobile,
    /// Which language somebody reads.
    Language,
    /// Whose account it is.
    Person,
    /// Which resellers it belongs to.
    Reseller,
    /// Whether a reseller stands in for those who have no settings of their own.
    IsDefault,
    /// Where a reseller is told.
    To,
    /// Whom a message comes from.
    From,
}

impl Field {
    /// Every field, in the order of the documentation.
    pub const ALL: [Self; 24] = [
        Self::Uid,
        Self::Home,
        Self::Name,
        Self::Active,
        Self::State,
        Self::Mode,
        Self::Quota,
        Self::Level,
        Self::LastSuccess,
        Self::BackupSize,
        Self::IncrementSize,
        Self::WarningOn,
        Self::WarningNumbers,
        Self::WarningDays,
        Self::Medium,
        Self::Tasks,
        Self::Mail,
        Self::Mobile,
        Self::Language,
        Self::Person,
        Self::Reseller,
        Self::IsDefault,
        Self::To,
        Self::From,
    ];

    /// Returns its word in the configuration and in what is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uid => "uid",
            Self::Home => "home",
            Self::Name => "name",
            Self::Active => "active",
            Self::State => "state",
            Self::Mode => "mode",
            Self::Quota => "quota",
            Self::Level => "level",
            Self::LastSuccess => "last_success",
            Self::BackupSize => "backup_size",
            Self::IncrementSize => "increment_size",
            Self::WarningOn => "warning_on",
            Self::WarningNumbers => "warning_numbers",
            Self::WarningDays => "warning_days",
            Self::Medium => "medium",
            Self::Tasks => "tasks",
            Self::Mail => "mail",
            Self::Mobile => "mobile",
            Self::Language => "language",
            Self::Person => "person",
            Self::Reseller => "reseller",
            Self::IsDefault => "is_default",
            Self::To => "to",
            Self::From => "from",
        }
    }

    /// Finds a field by its word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == word)
    }

    /// Returns the attribute that holds it at stoney backup.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Uid => "uid",
            Self::Home => "homeDirectory",
            Self::Name => "gecos",
            Self::Active => "sstIsActive",
            Self::State => "sstProvisioningState",
            Self::Mode => "sstProvisioningMode",
            Self::Quota => "sstQuota",
            Self::Level => "sstNotificationWarningLevel",
            Self::LastSuccess => "sstBackupLastSuccessfulBackup",
            Self::BackupSize => "sstBackupSize",
            Self::IncrementSize => "sstIncrementSize",
            Self::WarningOn => "sstBackupWarningOn",
            Self::WarningNumbers => "sstBackupWarningNumbers",
            Self::WarningDays => "sstBackupWarningDays",
            Self::Medium => "sstNotificationWarningMedium",
            Self::Tasks => "sstNotificationWarning",
            Self::Mail => "mail",
            Self::Mobile => "mobileTelephoneNumber",
            Self::Language => "preferredLanguage",
            Self::Person => "sstBelongsToPersonUID",
            Self::Reseller => "sstBelongsToResellerUID",
            Self::IsDefault => "sstIsDefault",
            Self::To => "sstMailTo",
            Self::From => "sstMailFrom",
        }
    }
}

/// Where a directory keeps what, and what it calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The entry that all accounts stand below.
    pub accounts_base: String,
    /// Which entries below it are accounts, as an LDAP filter.
    pub accounts_filter: String,
    /// The entry that all people stand below.
    pub people_base: String,
    /// The attribute of a person that an account names.
    pub person_key: String,
    /// The entry that all resellers stand below.
    pub resellers_base: String,
    /// Attributes that are called otherwise than at stoney backup.
    pub names: BTreeMap<Field, String>,
    /// The value that counts where an entry lacks the attribute.
    pub absent: BTreeMap<Field, String>,
}

impl Layout {
    /// The filter that finds accounts unless said.
    pub const ACCOUNTS_FILTER: &str = "(objectClass=sstBackup)";

    /// The attribute of a person that an account names unless said.
    pub const PERSON_KEY: &str = "uid";

    /// Returns the layout of stoney backup below a base.
    pub fn new(base: &str) -> Self {
        let services = format!("ou=backup,ou=services,{base}");
        Self {
            accounts_base: services.clone(),
            accounts_filter: Self::ACCOUNTS_FILTER.to_owned(),
            people_base: format!("ou=people,{base}"),
            person_key: Self::PERSON_KEY.to_owned(),
            resellers_base: format!("ou=reseller,ou=configuration,{services}"),
            names: BTreeMap::new(),
            absent: BTreeMap::new(),
        }
    }

    /// Returns the attribute that holds a field.
    pub fn attribute(&self, field: Field) -> &str {
        self.names.get(&field).map_or(field.attribute(), String::as_str)
    }

    /// Returns the attributes that hold these fields, to be asked for.
    pub fn attributes(&self, fields: &[Field]) -> Vec<&str> {
        fields.iter().map(|&field| self.attribute(field)).collect()
    }

    /// Returns the values of a field: those of the entry, else the one that counts where there is none.
    pub fn values<'a>(&'a self, entry: &'a Entry, field: Field) -> Vec<&'a [u8]> {
        let values = entry.values(self.attribute(field));
        if values.is_empty() {
            return self.absent.get(&field).map(String::as_bytes).into_iter().collect();
        }
        values.iter().map(Vec::as_slice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_word_and_only_by_that() {
        for field in Field::ALL {
            assert_eq!(Field::find(field.as_str()), Some(field));
        }
        assert_eq!(Field::find("UID"), None);
        let words: std::collections::BTreeSet<&str> = Field::ALL.map(Field::as_str).into();
        assert_eq!(words.len(), Field::ALL.len());
    }

    #[test]
    fn the_bases_stand_below_that_of_the_directory() {
        let layout = Layout::new("dc=stoney-cloud,dc=org");
        assert_eq!(layout.accounts_base, "ou=backup,ou=services,dc=stoney-cloud,dc=org");
        assert_eq!(layout.people_base, "ou=people,dc=stoney-cloud,dc=org");
        assert_eq!(
            layout.resellers_base,
            "ou=reseller,ou=configuration,ou=backup,ou=services,dc=stoney-cloud,dc=org"
        );
    }

    #[test]
    fn an_attribute_goes_by_its_own_name_and_by_a_default_where_it_is_absent() {
        let mut layout = Layout::new("dc=x");
        layout.names.insert(Field::Mail, "email".to_owned());
        layout.absent.insert(Field::WarningOn, "TRUE".to_owned());
        assert_eq!(layout.attributes(&[Field::Mail, Field::Quota]), ["email", "sstQuota"]);
        let entry = Entry::new("uid=1,dc=x").with("EMAIL", &["a@b.example"]);
        assert_eq!(layout.values(&entry, Field::Mail), [b"a@b.example"]);
        assert_eq!(layout.values(&entry, Field::WarningOn), [b"TRUE"]);
        assert!(layout.values(&entry, Field::Quota).is_empty());
        let off = entry.with("sstBackupWarningOn", &["FALSE"]);
        assert_eq!(layout.values(&off, Field::WarningOn), [b"FALSE"]);
    }
}
