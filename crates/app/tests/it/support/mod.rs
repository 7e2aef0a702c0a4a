//! What do several tests need around the program?

pub(crate) mod binary;
pub(crate) mod http;
pub(crate) mod looking;
pub(crate) mod packages;
