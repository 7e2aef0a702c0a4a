//! Which pages are there for people? One file and one template each.

pub(super) mod status;
