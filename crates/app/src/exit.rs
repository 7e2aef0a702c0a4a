//! What does an exit code say?

use std::process::ExitCode;

use lastgood_core::verdict::Outcome;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that is judged is ok.
    AllOk,
    /// Something is bad.
    SomethingBad,
    /// Nothing is bad, but something is unknown or could not be read.
    SomethingUnknown,
    /// The configuration or the command line is wrong; nothing was looked at.
    Usage,
    /// We failed ourselves.
    OwnFailure,
}

/// The Nagios plugin convention says "critical" with this.
const NAGIOS_CRITICAL: u8 = 2;
/// The Nagios plugin convention says "unknown" with this.
const NAGIOS_UNKNOWN: u8 = 3;

impl Exit {
    /// Every way to end, in the order of the codes.
    pub const ALL: [Self; 5] =
        [Self::AllOk, Self::SomethingBad, Self::SomethingUnknown, Self::Usage, Self::OwnFailure];

    /// Returns the code of every command.
    pub const fn code(self) -> u8 {
        match self {
            Self::AllOk => 0,
            Self::SomethingBad => 1,
            Self::SomethingUnknown => 2,
            Self::Usage => 3,
            Self::OwnFailure => 4,
        }
    }

    /// Returns the code where the Nagios plugin conventions hold: 0 ok, 2 critical, 3 unknown. 1 (warning) is not used.
    pub const fn nagios_code(self) -> u8 {
        match self {
            Self::AllOk => 0,
            Self::SomethingBad => NAGIOS_CRITICAL,
            Self::SomethingUnknown | Self::Usage | Self::OwnFailure => NAGIOS_UNKNOWN,
        }
    }

    /// Says what the code means, for `--help` and the docs.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::AllOk => "all ok",
            Self::SomethingBad => "something is bad",
            Self::SomethingUnknown => "nothing is bad, but something is unknown or could not be read",
            Self::Usage => "the configuration or the command line is wrong",
            Self::OwnFailure => "lastgood itself failed",
        }
    }
}

impl From<Outcome> for Exit {
    fn from(worst: Outcome) -> Self {
        match worst {
            Outcome::Ok => Self::AllOk,
            Outcome::Bad => Self::SomethingBad,
            Outcome::Unknown => Self::SomethingUnknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_stable() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4]);
        assert_eq!(Exit::ALL.map(Exit::nagios_code), [0, 2, 3, 3, 3]);
    }

    #[test]
    fn only_ok_is_all_ok() {
        assert_eq!(Exit::from(Outcome::Ok), Exit::AllOk);
        assert_eq!(Exit::from(Outcome::Bad), Exit::SomethingBad);
        assert_eq!(Exit::from(Outcome::Unknown), Exit::SomethingUnknown);
    }
}
