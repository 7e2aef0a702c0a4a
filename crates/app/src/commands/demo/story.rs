//! What happens to the fleet? A minute in which a job fails, a portal refuses, an account fills, a backup fails and an
//! appliance falls silent, and each is well again. The story only makes things happen and waits for what lastgood says: it says nothing in its place.

use std::time::Duration;

use lastgood_simulator::smtp::Mail;
use lastgood_simulator::stoney::End;
use lastgood_simulator::{Fault, Faults, Scope};
use tokio::sync::mpsc;

use super::configuration::{BLIND_AFTER, CUSTOMER, INTERVAL, OPERATOR};
use super::ending::Ending;
use super::folder::Folder;
use super::hoster::{Coming, FAILING, FAILING_TO, FULL, FULL_TO, Hoster, RESELLER_TO};
use super::narrator::{Narrator, Sight};
use super::stage::Stage;
use super::{accounts, fleet, look, print_bad, say};
use crate::clock;
use crate::commands::looking::{Trouble, complain, runtime};
use crate::commands::serve::Watching;
use crate::exit::Exit;

/// How often the fleet of a demonstration that stays is made anew, as appliances that say nothing more are offline.
const FLEET_LASTS: Duration = Duration::from_mins(1);

/// How long the runtime is waited for at the end, after everything else ended.
const LAST_END: Duration = Duration::from_millis(500);

/// Tells the story, and ends with it or at SIGINT or SIGTERM; with `stay` only at one of these. The folder and all that
/// runs is gone when this returns.
pub(super) fn show(devices: u16, stay: bool) -> Result<(), Exit> {
    let runtime = runtime().map_err(Trouble::say)?;
    let mut ending = runtime.block_on(async { Ending::listen() });
    let folder = Folder::new().map_err(|error| complain(&error, Exit::OwnFailure))?;
    let mut coming = Hoster::begin(folder.path().to_owned(), clock::now());
    let ended = runtime.block_on(async {
        tokio::select! {
            built = set_up(devices, &folder, &mut coming) => {
                let (stage, mails) = built?;
                watch(&stage, mails, stay, &mut ending).await
            }
            () = ending.wanted() => Ok(()),
        }
    });
    runtime.shutdown_timeout(LAST_END);
    coming.end();
    ended
}

/// Builds the world and looks at it once, so that there is something to see at once; restic and slapd take their time
/// meanwhile.
async fn set_up<'a>(
    devices: u16,
    folder: &'a Folder,
    coming: &mut Coming,
) -> Result<(Stage<'a>, mpsc::Receiver<Mail>), Exit> {
    say(&format!(
        "A simulated Datto portal with {devices} appliances, a mail server and a job stand on this machine.\n\n$ lastgood \
         check --only bad portal"
    ))?;
    let built = Stage::build(devices, folder).await;
    let (mut stage, mails) = built.map_err(|error| complain(&*error, Exit::OwnFailure))?;
    let file = stage.configuration();
    let (has_repository, seen) = tokio::join!(stage.make_repository(), look(&file, "portal", None));
    let (seen, _) = seen?;
    print_bad(&seen)?;
    say(&match &has_repository {
        Ok(()) => "\nA restic repository with one snapshot is there, too.".to_owned(),
        Err(why) => format!("\nThere is no restic repository in this demonstration: {why}."),
    })?;
    let hoster = accounts::come(coming).await?;
    stage.add(has_repository.is_ok(), hoster).map_err(|error| complain(&error, Exit::OwnFailure))?;
    if stage.hoster.is_some() {
        accounts::show(&file, None).await?;
    }
    Ok((stage, mails))
}

/// Runs the daemon beside the story.
async fn watch(
    stage: &Stage<'_>,
    mails: mpsc::Receiver<Mail>,
    stay: bool,
    ending: &mut Ending,
) -> Result<(), Exit> {
    say("\n$ lastgood serve")?;
    let watching = Watching::start(&stage.configuration()).await?;
    say(&format!(
        "It watches now. {}\nIts configuration: lastgood demo --show-config. Its status page: {}/\n",
        if stay { "Ctrl-C ends it." } else { "It ends by itself in about a minute, or with Ctrl-C." },
        stage.url,
    ))?;
    let mut narrator = Narrator::new(mails, watching.follow());
    let told = tokio::select! {
        told = tell(stage, &mut narrator, stay) => told,
        () = ending.wanted() => narrator.chapter("It ends."),
    };
    watching.stop().await;
    told
}

async fn tell(stage: &Stage<'_>, narrator: &mut Narrator, stay: bool) -> Result<(), Exit> {
    first_look(stage, narrator).await?;
    job(stage, narrator).await?;
    portal_and_accounts(stage, narrator).await?;
    appliance(stage, narrator).await?;
    if !stay {
        narrator.chapter(&format!("That is all: {} mails were sent.", narrator.mail_count()))?;
        return say(
            "\nNext: lastgood demo --stay, to open the status page and the links in the mails;\nlastgood config example, \
             examples/serve.toml and examples/stoney.toml, for a configuration of your own.",
        );
    }
    narrator.chapter(&format!("It stays, until Ctrl-C: {}/", stage.url))?;
    loop {
        narrator.go_on(FLEET_LASTS).await?;
        stage.portal.replace_fleet(fleet::well(stage.devices, clock::now()));
    }
}

/// The job runs. The first look finds the one agent that was forgotten, an account that was never used, and an old client.
async fn first_look(stage: &Stage<'_>, narrator: &mut Narrator) -> Result<(), Exit> {
    ping(stage, narrator, ("/start", "")).await?;
    ping(stage, narrator, ("", "42 tables dumped")).await?;
    let mut mails = vec![(OPERATOR, "BAD", "behind_local")];
    if stage.hoster.is_some() {
        let of_reseller = ["Backup never used", "Backup program out of date"];
        mails.extend(of_reseller.map(|matter| (RESELLER_TO, "PROBLEM", matter)));
    }
    told(narrator, &mails).await
}

async fn job(stage: &Stage<'_>, narrator: &mut Narrator) -> Result<(), Exit> {
    narrator.chapter("The nightly job fails, and says so.")?;
    ping(stage, narrator, ("/start", "")).await?;
    ping(stage, narrator, ("/fail", "pg_dump: error: no space left on device")).await?;
    told(narrator, &[(OPERATOR, "BAD", "nightly-db")]).await?;
    narrator.chapter("Somebody makes room, and it runs again.")?;
    ping(stage, narrator, ("", "42 tables dumped")).await?;
    told(narrator, &[(OPERATOR, "OVER", "nightly-db")]).await
}

/// Nobody can say how the backups of the portal are: the operator hears it of the portal, the customer of their own
/// appliance. Meanwhile customers, and the reseller, hear of their accounts.
async fn portal_and_accounts(stage: &Stage<'_>, narrator: &mut Narrator) -> Result<(), Exit> {
    narrator.chapter(&format!(
        "The portal refuses every request. It is looked at every {INTERVAL} s, and may be unseen for {BLIND_AFTER} s."
    ))?;
    stage.portal.replace_faults(Faults::none().with(Scope::Everything, Fault::Unavailable));
    let mut mails = to_both("BAD", " portal").to_vec();
    if let Some(hoster) = &stage.hoster {
        mails.extend(trouble(hoster, narrator)?);
    }
    told(narrator, &mails).await?;
    narrator.chapter("The portal answers again.")?;
    stage.portal.replace_faults(Faults::none());
    let mut mails = to_both("OVER", " portal").to_vec();
    if let Some(hoster) = &stage.hoster {
        mails.extend(recovery(hoster, narrator)?);
    }
    told(narrator, &mails).await
}

/// An account fills, and a backup into another one fails.
fn trouble(hoster: &Hoster, narrator: &Narrator) -> Result<[Awaited<'static>; 3], Exit> {
    narrator.chapter(&format!(
        "Meanwhile the customer of the account {FULL} fills it to 90 % of its quota, and a backup into the account \
         {FAILING} fails."
    ))?;
    let changed = hoster.fill().and_then(|()| hoster.back_up(End::Failed, clock::now()));
    changed.map_err(|error| complain(&error, Exit::OwnFailure))?;
    Ok([
        (FULL_TO, "PROBLEM", "Speicherplatz fast voll"),
        (FAILING_TO, "PROBLEM", "Backup failed"),
        (RESELLER_TO, "PROBLEM", "Backup failed"),
    ])
}

fn recovery(hoster: &Hoster, narrator: &Narrator) -> Result<[Awaited<'static>; 3], Exit> {
    narrator.chapter(&format!(
        "The customer of {FULL} makes room, and the next backup into {FAILING} is good."
    ))?;
    let changed = hoster.make_room().and_then(|()| hoster.back_up(End::Clean, clock::now()));
    changed.map_err(|error| complain(&error, Exit::OwnFailure))?;
    Ok([
        (FULL_TO, "VORBEI", "Speicherplatz fast voll"),
        (FAILING_TO, "OVER", "Backup failed"),
        (RESELLER_TO, "OVER", "Backup failed"),
    ])
}

/// Operator and customer hear of it, and of its agents in one line.
async fn appliance(stage: &Stage<'_>, narrator: &mut Narrator) -> Result<(), Exit> {
    let Stage { hostname, serial, devices, .. } = stage;
    narrator.chapter(&format!(
        "The customer's appliance {hostname} ({serial}) falls silent, and in the simulated world a day passes."
    ))?;
    stage.portal.replace_fleet(fleet::with_a_silent_one(*devices, clock::now()));
    told(narrator, &to_both("BAD", serial)).await?;
    narrator.chapter("The customer plugs it in again, and it catches up.")?;
    stage.portal.replace_fleet(fleet::well(*devices, clock::now()));
    told(narrator, &to_both("OVER", serial)).await
}

/// A mail that is waited for: to whom, how one of its lines begins, and what that line holds.
type Awaited<'a> = (&'a str, &'a str, &'a str);

/// Whoever is told of the customer's appliance.
fn to_both<'a>(state: &'a str, about: &'a str) -> [Awaited<'a>; 2] {
    [OPERATOR, CUSTOMER].map(|to| (to, state, about))
}

/// Waits until each of these has come, from now on.
async fn told(narrator: &mut Narrator, mails: &[Awaited<'_>]) -> Result<(), Exit> {
    let before = narrator.mail_count();
    let what: Vec<String> =
        mails.iter().map(|(to, state, about)| format!("`{state}` about {} to {to}", about.trim())).collect();
    let is_told = |sight: &Sight| mails.iter().all(|mail| sight.was_told(before, *mail));
    narrator.until(&format!("a mail of {}", what.join(", ")), is_told).await
}

async fn ping(
    stage: &Stage<'_>,
    narrator: &Narrator,
    (word, body): (&str, &'static str),
) -> Result<(), Exit> {
    let answered = stage.ping(word, body).await.map_err(|error| complain(&error, Exit::OwnFailure))?;
    let with = if body.is_empty() { String::new() } else { format!(" --data-raw '{body}'") };
    narrator.tell(&format!("curl{with} {}/ping/KEY{word} -> {}", stage.url, answered.as_u16()))
}
