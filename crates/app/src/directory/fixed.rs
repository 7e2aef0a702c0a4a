//! Whom does the configuration name?

use std::collections::{BTreeSet, HashMap};

use lastgood_core::checks::{behind_local, behind_offsite, schedule, stuck, unsuccessful};
use lastgood_core::id::CheckId;
use lastgood_core::incident::Matter;
use lastgood_core::recipient::{Address, Patience, Recipient, Role};

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

/// Owners in the order of the configuration, found by what their patterns begin with: of ten thousand customers only those
/// are asked who can be meant, not each of them for each of ten thousand incidents.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    all: Vec<Owner>,
    /// Where owners stand in `all`, by the beginning of their patterns.
    by_beginning: HashMap<String, Vec<usize>>,
    /// How many bytes these beginnings have.
    lengths: BTreeSet<usize>,
}

impl Owners {
    /// Takes the owners of a configuration.
    pub fn new(all: Vec<Owner>) -> Self {
        let mut by_beginning: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, owner) in all.iter().enumerate() {
            by_beginning.entry(owner.subjects.beginning()).or_default().push(place);
        }
        let lengths = by_beginning.keys().map(String::len).collect();
        Self { all, by_beginning, lengths }
    }

    /// Everybody whom the owners' patterns name for a matter, each address once. Who is named more than once is told as
    /// soon as any of that says so: nobody loses an alarm by being named twice.
    pub fn recipients(&self, matter: &Matter) -> Vec<Recipient> {
        let mut recipients: Vec<Recipient> = Vec::new();
        for owner in self.of(&matter.subject.path()) {
            for address in &owner.to {
                let named = Recipient {
                    address: address.clone(),
                    role: owner.role,
                    patience: patience(owner, matter.check),
                    escalation: owner.escalation,
                    voice: None,
                    because: vec![because(owner)],
                };
                match recipients.iter_mut().find(|known| known.address == *address) {
                    Some(known) => join(known, named),
                    None => recipients.push(named),
                }
            }
        }
        recipients
    }

    /// Every operator, whatever their patterns, each address once: for what nobody else is left to tell of. They are told
    /// at once.
    pub fn operators(&self) -> Vec<Recipient> {
        let mut operators: Vec<Recipient> = Vec::new();
        for owner in self.all.iter().filter(|owner| owner.role == Role::Operator) {
            for address in &owner.to {
                if !operators.iter().any(|known| known.address == *address) {
                    operators.push(Recipient {
                        address: address.clone(),
                        role: Role::Operator,
                        patience: Patience::None,
                        escalation: None,
                        voice: None,
                        because: vec![because(owner)],
                    });
                }
            }
        }
        operators
    }

    /// True if there is no owner.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// True if anybody is to be told at this address.
    pub fn have(&self, address: &Address) -> bool {
        self.all.iter().any(|owner| owner.to.contains(address))
    }

    /// The owners of the subject with this path, in their order.
    fn of(&self, path: &str) -> impl Iterator<Item = &Owner> {
        let beginnings = self.lengths.iter().filter_map(|length| path.get(..*length));
        let found = beginnings.filter_map(|beginning| self.by_beginning.get(beginning));
        let mut places: Vec<usize> = found.flatten().copied().collect();
        places.sort_unstable();
        let owners = places.into_iter().map(|place| &self.all[place]);
        owners.filter(move |owner| owner.subjects.matches(path))
    }
}

/// Makes one of two ways in which somebody is named: the sooner of both, with all reasons. The role stays that of the first.
pub(super) fn join(known: &mut Recipient, other: Recipient) {
    known.patience = match (known.patience, other.patience) {
        (Patience::Until { count: a, length: b }, Patience::Until { count: c, length: d }) => {
            Patience::Until { count: sooner(a, c), length: sooner(b, d) }
        }
        (Patience::None, _) | (_, Patience::None) => Patience::None,
    };
    known.escalation = known.escalation.zip(other.escalation).map(|(a, b)| a.min(b));
    known.voice = known.voice.take().or(other.voice);
    say_also(&mut known.because, other.because);
}

/// Adds steps that are not among them yet.
pub(super) fn say_also(steps: &mut Vec<String>, others: Vec<String>) {
    for step in others {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
}

/// The smaller of two limits; none is no limit that is ever reached.
fn sooner<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (limit, None) | (None, limit) => limit,
    }
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

    fn recipients(owners: &[Owner], matter: &Matter) -> Vec<Recipient> {
        Owners::new(owners.to_vec()).recipients(matter)
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
    fn who_is_named_twice_is_told_as_soon_as_either_says_so() {
        let mut patient = owner("acme/nas1/*", Role::Customer, &["ops@msp.example"]);
        (patient.patience, patient.escalation) =
            (Patience::Until { count: Some(50), length: None }, Some(Seconds::days(4)));
        let mut at_once = owner("*", Role::Operator, &["ops@msp.example"]);
        let of = |owners: &[Owner]| recipients(owners, &matter(unsuccessful::ID)).remove(0);
        let both = of(&[patient.clone(), at_once.clone()]);
        let least = Patience::Until { count: Some(3), length: None };
        assert_eq!((both.role, both.patience, both.escalation), (Role::Customer, least, None));
        assert_eq!(both.because.len(), 2);
        at_once.patience = Patience::None;
        assert_eq!(of(&[patient, at_once]).patience, Patience::None);
    }

    #[test]
    fn every_operator_stands_by_whatever_their_pattern_and_patience() {
        let mut night = owner("beta/*", Role::Operator, &["night@msp.example", "ops@msp.example"]);
        night.escalation = Some(Seconds::hours(4));
        let owners = [
            night,
            owner("*", Role::Customer, &["it@acme.example"]),
            owner("*", Role::Operator, &["ops@msp.example"]),
        ];
        let operators = Owners::new(owners.to_vec()).operators();
        let told: Vec<_> = operators.iter().map(|one| (one.address.to.as_str(), one.escalation)).collect();
        assert_eq!(told, [("night@msp.example", None), ("ops@msp.example", None)]);
        assert!(operators.iter().all(|one| one.patience == Patience::None));
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
    fn whatever_a_pattern_begins_with_its_owner_is_found() {
        let patterns = [
            "*",
            "acme/nas1/db",
            "acme/*",
            "*/db",
            "a?me/*",
            "[ab]cme/nas1/db",
            "{acme,beta}/*",
            r"\acme/nas\1/d*",
        ];
        for pattern in patterns {
            let owners = [owner(pattern, Role::Customer, &["it@acme.example"])];
            assert_eq!(recipients(&owners, &matter(offline::ID)).len(), 1, "{pattern}");
        }
        for pattern in ["acme/nas1", "acme/nas1/db1", "acme/nas1/?", r"acme/nas1/\*", "é*", r"acme/nas1/db\\"]
        {
            let owners = [owner(pattern, Role::Customer, &["it@acme.example"])];
            assert_eq!(recipients(&owners, &matter(offline::ID)), [], "{pattern}");
        }
    }
}
