//! How is an instant written where very many are: as one number.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, in nanoseconds since 1970 where it is written. Those that a ping can have lie between 2000 and our own
/// clock; others are brought into what 64 bits can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At(pub(super) Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanoseconds = self.0.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
        serializer.serialize_i64(i64::try_from(nanoseconds).expect("it was brought into 64 bits"))
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nanoseconds = i64::deserialize(deserializer)?;
        let at = Timestamp::from_nanosecond(nanoseconds.into());
        Ok(Self(at.expect("64 bits of nanoseconds lie within the calendar")))
    }
}
