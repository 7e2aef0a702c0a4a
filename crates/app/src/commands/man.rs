//! `lastgood man`: the manual pages.

use std::path::PathBuf;

use super::looking::complain;
use super::output::print;
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write the pages of all commands to this folder, which is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, command: clap::Command) -> u8 {
    let written = match &arguments.folder {
        Some(folder) => {
            let made =
                std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
            made.map_err(|error| {
                let error = std::io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
                complain(&error, Exit::OwnFailure)
            })
        }
        None => print(false, |out| clap_mangen::Man::new(command).render(&mut &mut *out)),
    };
    written.map_or_else(|exit| exit, |()| Exit::AllOk).code()
}
