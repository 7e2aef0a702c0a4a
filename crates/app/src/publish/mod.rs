//! Where do the numbers of a look go, and what are they called there?
//!
//! One module per place. It gets facts and verdicts and makes numbers of them; it judges nothing, looks at nothing, and
//! sends nothing itself.

pub mod grafolean;
