//! Is there a restic to look at? A repository with one snapshot, made by the program itself.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use super::configuration::{REPOSITORY, RESTIC_PASSWORD};
use super::folder::Folder;
use crate::program::{self, Call, End};

/// How long restic may take to make it.
const DEADLINE: Duration = Duration::from_mins(1);

/// The folder that is backed up.
const FILES: &str = "home";

/// The largest output that is read.
const OUTPUT_MAX_BYTES: usize = 1024 * 1024;

/// Makes a repository in the folder. `Err` says why there is none, which does not stop the demonstration.
pub(super) async fn make(folder: &Folder) -> Result<(), String> {
    fill(folder).map_err(|error| format!("its files cannot be written: {error}"))?;
    let [repository, password, files] =
        [REPOSITORY, RESTIC_PASSWORD, FILES].map(|name| folder.path().join(name).display().to_string());
    let to = ["--repo", &repository, "--password-file", &password, "--no-cache", "--quiet"];
    for what in [&["init"][..], &["backup", "--host", "web1", &files]] {
        let arguments: Vec<&str> = what.iter().copied().chain(to).collect();
        run(&arguments).await?;
    }
    Ok(())
}

fn fill(folder: &Folder) -> io::Result<()> {
    std::fs::create_dir(folder.path().join(FILES))?;
    folder.write(&format!("{FILES}/letter.txt"), "Dear reader\n")?;
    folder.write(RESTIC_PASSWORD, "correct horse battery staple\n")
}

async fn run(arguments: &[&str]) -> Result<(), String> {
    let kept = ["PATH", "HOME", "TMPDIR"].map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    let call = Call {
        program: Path::new("restic"),
        arguments,
        environment: kept.into_iter().flatten().collect(),
        input: &[],
        stdout_max_bytes: OUTPUT_MAX_BYTES,
    };
    let spoken = program::run(call, pin!(tokio::time::sleep(DEADLINE))).await;
    let spoken = spoken.map_err(|error| match error.kind() {
        ErrorKind::NotFound => "restic is not installed".to_owned(),
        _ => format!("restic cannot be run: {error}"),
    })?;
    match spoken.end {
        End::Code(0) => Ok(()),
        End::Deadline => Err("restic did not end".to_owned()),
        End::Code(_) | End::Signal(_) | End::TooMuch => {
            let why = spoken.stderr.lines().find(|line| !line.is_empty()).unwrap_or("it said nothing");
            Err(format!("restic failed: {}", lastgood_core::id::Escaped(why)))
        }
    }
}
