//! Reads the status of a whole fleet of Datto appliances.

pub mod kinds;
pub mod look;
pub mod rest;
pub mod reading;
pub mod screenshot;
mod unique;
pub mod xml;
