//! Does a real directory take everything that is built for it, and give it back?

use lastgood_simulator::stoney::{Directory, Slapd, SlapdOptions};

fn whole(mut directory: Directory) -> Directory {
    for uid in ["4000000", "4000010"] {
        directory.put(directory.reseller(uid).set("sstIsDefault", &["TRUE"]));
        directory.put(directory.settings(uid));
        let to = ["Support stepping stone GmbH <support@example.org>", "second@example.org"];
        directory.put(directory.notifications(uid, &to, &["quota", "schedule", "unsuccessful", "upgrade"]));
    }
    directory.put(directory.person("4000002", "owner@example.org").set("sn", &["Müller, Zoë"]));
    let account = directory.account("3723707").set("mail", &["one@example.org", "two@example.org"]);
    let account = account.set("sstBelongsToPersonUID", &["4000002"]).set("preferredLanguage", &["de-CH"]);
    let last = ["computer.example.com:20130923T063554Z", " odd name:20130923T063554Z"];
    let account = account.set("sstBackupLastSuccessfulBackup", &last);
    let account = account.set("sstBelongsToResellerUID", &["4000000", "4000010"]).set("sstQuota", &["-5"]);
    let account = account.set("gecos", &["x"]).set("homeDirectory", &["/tmp/a b/./c"]);
    let account = account.set("mobileTelephoneNumber", &["+41 79 000 00 00"]);
    directory.put(account.set("sstProvisioningState", &["nonsense"]).without("sstNotificationWarning"));
    let old = directory.account("3723708");
    let dn = format!("uid=3723708,{}", directory.backup_base());
    directory.put(lastgood_simulator::stoney::Entry { dn, ..old });
    directory
}

#[test]
fn everything_that_is_built_is_taken_and_given_back() {
    for base in ["dc=stoney-cloud,dc=org", "o=stepping-stone,c=ch", "ou=inside,o=else"] {
        let directory = whole(Directory::below(base));
        let options =
            SlapdOptions { base: base.to_owned(), entries: directory.ldif(), ..SlapdOptions::default() };
        let slapd = Slapd::start(options).unwrap();
        let accounts = slapd.search(&directory.backup_base(), "(objectClass=sstBackup)").unwrap();
        assert_eq!(accounts.len(), 2, "{base}");
        let account = slapd.entry(&directory.account_dn("3723707")).unwrap().unwrap();
        assert_eq!(account.values("mail"), ["one@example.org", "two@example.org"]);
        assert_eq!(account.values("sstBackupLastSuccessfulBackup")[1], " odd name:20130923T063554Z");
        let person = slapd.entry(&directory.person_dn("4000002")).unwrap().unwrap();
        assert_eq!(person.value("sn"), Some("Müller, Zoë"));
        let leaf = format!("ou=notifications,{}", directory.reseller_dn("4000010"));
        assert_eq!(slapd.entry(&leaf).unwrap().unwrap().values("sstMailTo").len(), 2);
        assert_eq!(slapd.search(base, "(sstIsDefault=TRUE)").unwrap().len(), 2);
    }
}

#[test]
fn what_the_schema_declares_single_or_typed_is_held() {
    let directory = Directory::default();
    let dn = directory.account_dn("3723707");
    let entries = directory.clone().with(directory.account("3723707")).ldif();
    let slapd = Slapd::start(SlapdOptions { entries, ..SlapdOptions::default() }).unwrap();
    let table: [(&str, &[&str], bool); 8] = [
        ("sstBackupSize", &["5368709120"], true),
        ("sstBackupSize", &["1", "2"], false),
        ("sstBackupSize", &["5 MB"], false),
        ("sstBackupLastSuccessfulBackup", &["a:20130923T063554Z", "b:20130923T063554Z"], true),
        ("sstBackupWarningOn", &["FALSE"], true),
        ("sstBackupWarningOn", &["false"], false),
        ("sstBackupWarningOn", &[], false),
        ("sstIncrementalSize", &["1"], false),
    ];
    for (attribute, values, is_taken) in table {
        assert_eq!(slapd.set(&dn, attribute, values).is_ok(), is_taken, "{attribute} {values:?}");
    }
    // No ordering is declared: nothing is found by it.
    assert_eq!(slapd.search(directory.base(), "(sstBackupSize>=1)").unwrap(), []);
}
