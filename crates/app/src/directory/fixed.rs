//! Whom does the configuration name?

use lastgood_core::checks::{behind_local, behind_offsite, schedule, stuck, unsuccessful};
use lastgood_core::id::CheckId;
use lastgood_core::incident::Matter;
use lastgood_core::recipient::{Patience, Recipient, Role};

use super::Owner;

/// How long an owner waits to hear of a check. Runs that fail, do not start or do not end can be counted; that nothing good
/// happened for long cannot, so who waits only for a count hears of that at once.
fn patience(owner: &Owner, check: CheckId) -> Patience {
    if [unsuccessful::ID, schedule::ID, stuck::ID].contains(&check) {
        return owner.patience;
    }
    match owner.patience {
        Patience::Until { length: Some(length), .. }
            if [behind_local::ID, behind_offsite::ID].contains(&check) =>
        {
            Patience::Until { count: None, length: Some(length) }
        }
        Patience::None | Patience::Until { .. } => Patience::None,
    }
}

/// Everybody whom the owners' patterns name for a matter, each address once: of several the one that stands first in the
/// configuration.
pub fn recipients(owners: &[Owner], matter: &Matter) -> Vec<Recipient> {
    let path = matter.subject.path();
    let mut recipients: Vec<Recipient> = Vec::new();
    for owner in owners.iter().filter(|owner| owner.subjects.matches(&path)) {
        for address in &owner.to {
            if recipients.iter().any(|known| known.address == *address) {
                continue;
            }
            recipients.push(Recipient {
                address: address.clone(),
                role: owner.role,
                patience: patience(owner, matter.check),
                escalation: owner.escalation,
                because: vec![because(owner)],
            });
        }
    }
    recipients
}

/// Where the configuration says so is a matter of those who keep it.
fn because(owner: &Owner) -> String {
    let why = format!("{} of `{}`", owner.role.as_str(), owner.subjects.text());
    match owner.role {
        Role::Operator => format!("{why} ({})", owner.place),
        Role::Customer | Role::Reseller => why,
    }
}

#[cfg(test)]
mod tests {
    use lastgood_core::checks::offline;
    use lastgood_core::id::{Name, SourceId, SubjectId};
    use lastgood_core::recipient::Address;
    use lastgood_core::time::Seconds;

    use super::*;
    use crate::directory::Pattern;

    fn owner(pattern: &str, role: Role, to: &[&str]) -> Owner {
        let address = |to: &&str| Address { channel: "mail".to_owned(), to: (*to).to_owned() };
        let patience = Patience::Until { count: Some(3), length: None };
        Owner {
            subjects: Pattern::new(pattern).expect("a pattern"),
            role,
            to: to.iter().map(address).collect(),
            patience,
            escalation: None,
            place: "config.toml:1".to_owned(),
        }
    }

    fn matter(check: CheckId) -> Matter {
        let source = SourceId::new("acme").expect("a name");
        let subject = SubjectId { source, repository: Some(Name::new("nas1")), asset: Some(Name::new("db")) };
        Matter { subject, check }
    }

    #[test]
    fn everybody_whose_pattern_matches_is_named_once_with_the_reason() {
        let owners = [
            owner("acme/nas1/*", Role::Customer, &["it@acme.example", "ops@msp.example"]),
            owner("other/*", Role::Customer, &["it@other.example"]),
            owner("*", Role::Operator, &["ops@msp.example", "night@msp.example"]),
        ];
        let found = recipients(&owners, &matter(unsuccessful::ID));
        let named: Vec<_> = found.iter().map(|one| (one.address.to.as_str(), one.role)).collect();
        let expected = [
            ("it@acme.example", Role::Customer),
            ("ops@msp.example", Role::Customer),
            ("night@msp.example", Role::Operator),
        ];
        assert_eq!(named, expected);
        assert_eq!(found[0].because, ["customer of `acme/nas1/*`"]);
        assert_eq!(found[2].because, ["operator of `*` (config.toml:1)"]);
    }

    #[test]
    fn patience_speaks_of_runs_only() {
        let owners = [owner("*", Role::Customer, &["it@acme.example"])];
        assert_ne!(recipients(&owners, &matter(unsuccessful::ID))[0].patience, Patience::None);
        assert_eq!(recipients(&owners, &matter(offline::ID))[0].patience, Patience::None);
    }

    #[test]
    fn who_waits_for_a_count_hears_at_once_that_nothing_good_happened_for_long() {
        let mut owners = [owner("*", Role::Customer, &["it@acme.example"])];
        let of = |owners: &[Owner]| recipients(owners, &matter(behind_local::ID))[0].patience;
        assert_eq!(of(&owners), Patience::None);
        let length = Some(Seconds::days(2));
        owners[0].patience = Patience::Until { count: Some(3), length };
        assert_eq!(of(&owners), Patience::Until { count: None, length });
    }

    #[test]
    fn an_exact_pattern_matches_a_path_whatever_stands_in_it() {
        let path = "acme/[nas]*{1}?\\/db";
        assert!(Pattern::exactly(path).matches(path));
        assert!(!Pattern::exactly(path).matches("acme/nas1/db"));
        assert!(Pattern::new(" ").is_err() && Pattern::new("a[").is_err());
    }
}
