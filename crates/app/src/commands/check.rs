//! `lastgood check`: every verdict about every subject.

use lastgood_core::judge::judge;

use super::looking::Looking;
use super::output::print;
use crate::exit::Exit;
use crate::report::{self, Format, Only};
use crate::sources::Keep;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    looking: Looking,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Print only these verdicts; the exit code counts all
    #[arg(long, value_enum, default_value_t)]
    only: Only,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let exit = look(arguments).unwrap_or_else(|exit| exit);
    arguments.format.exit_code(exit)
}

fn look(arguments: &Arguments) -> Result<Exit, Exit> {
    let seen = arguments.looking.see(Keep::Judged).map_err(|trouble| trouble.say_as(arguments.format))?;
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    let format = arguments.format;
    print(format.is_styled(), |out| report::check(&judgement, arguments.only, format, out))?;
    Ok(report::exit(judgement.worst(), &seen.facts))
}
