//! Does the whole program keep its promises, from the outside?

mod borg;
mod bot;
mod channels;
mod cli;
mod collector;
mod config;
mod directory;
mod grafolean;
mod hand;
mod ldap;
mod portal;
mod push;
mod report;
mod restic;
mod stoney;
mod store;
mod serving;
mod stories;
mod story;
mod support;
mod telling;
mod tidy;
mod tree;
