//! Is everybody whom a stoney host's troubles concern told of them, and nobody else, from an uploaded file to a mail?
//!
//! The real program on a real slapd and the customers' folders, driven by nothing but what a hoster has: configuration,
//! commands, mails.

mod asked;
mod entries;
mod gate;
mod links;
mod outage;
mod post;
mod rows;
mod service;
mod sizes;
mod told;
mod world;
mod writing;
