//! `lastgood summary`: the fleet on one screen.

use lastgood_core::summary::summarize;

use super::looking::Looking;
use super::output::print;
use crate::exit::Exit;
use crate::report::{self, Format};
use crate::sources::Keep;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    looking: Looking,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let exit = look(arguments).unwrap_or_else(|exit| exit);
    arguments.format.exit_code(exit)
}

fn look(arguments: &Arguments) -> Result<Exit, Exit> {
    let seen = arguments.looking.see(Keep::Judged).map_err(|trouble| trouble.say_as(arguments.format))?;
    let summary = summarize(&seen.facts, &seen.expectations, seen.now);
    let format = arguments.format;
    print(format.is_styled(), |out| report::summary(&summary, format, out))?;
    Ok(report::exit(summary.worst, &seen.facts))
}
