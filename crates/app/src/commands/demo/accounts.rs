//! What is there to see of the stoney backup server at once? What is bad in its accounts, and who would be told.

use std::path::Path;

use jiff::Timestamp;
use lastgood_core::judge::judge;

use super::hoster::{Coming, Hoster};
use super::{look, print_bad, say};
use crate::commands::recipients;
use crate::commands::telling::Telling;
use crate::exit::Exit;
use crate::report::RecipientsFormat;

/// Waits for the server, and says that it is there, or in one line why there is none.
pub(super) async fn come(coming: &mut Coming) -> Result<Option<Hoster>, Exit> {
    let came = (&mut coming.server).await.unwrap_or_else(|_| Err("it cannot be set up".to_owned()));
    match came {
        Ok(hoster) => {
            let url = hoster.url();
            say(&format!(
                "\nA stoney backup server with 4 accounts is there, too: its directory at {url}, and the customers' folders."
            ))?;
            Ok(Some(hoster))
        }
        Err(why) => {
            say(&format!("\nThere is no stoney backup server in this demonstration: {why}."))?;
            Ok(None)
        }
    }
}

/// Looks once with this configuration, as of now or at an instant.
pub(super) async fn show(file: &Path, at: Option<Timestamp>) -> Result<(), Exit> {
    say("\n$ lastgood check --only bad stoney")?;
    let (seen, directories) = look(file, "stoney", at).await?;
    print_bad(&seen)?;
    say("\n$ lastgood recipients 'stoney/*' --format table")?;
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    let telling = Telling::new(&directories, &seen.facts, seen.now);
    recipients::show(&telling, &judgement.subjects().collect::<Vec<_>>(), RecipientsFormat::Table)
}
