//! `lastgood completions`: what a shell needs to complete our command line.

use super::output::print;
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut clap::Command) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "lastgood", &mut script);
    print(false, |out| out.write_all(&script)).map_or_else(|exit| exit, |()| Exit::AllOk).code()
}
