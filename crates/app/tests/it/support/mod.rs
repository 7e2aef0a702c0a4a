//! What do several tests need around the program?

pub(crate) mod packages;
