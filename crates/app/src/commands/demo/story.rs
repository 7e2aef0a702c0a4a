//! What happens to the fleet? A minute in which a job fails, a portal refuses and an appliance falls silent, and each is
//! well again. The story only makes things happen and waits for what lastgood says: it says nothing in its place.

use std::time::Duration;

use lastgood_simulator::smtp::Mail;
use lastgood_simulator::{Fault, Faults, Scope};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::configuration::{BLIND_AFTER, CUSTOMER, INTERVAL, OPERATOR};
use super::narrator::{Narrator, Sight};
use super::stage::Stage;
use super::{fleet, print_bad, say};
use crate::clock;
use crate::commands::looking::{Trouble, complain, runtime};
use crate::commands::serve::Watching;
use crate::config::{self, Request, Surroundings};
use crate::exit::Exit;
use crate::pipeline;
use crate::sources::Keep;

/// Whoever is told of the customer's appliance.
const BOTH: [&str; 2] = [OPERATOR, CUSTOMER];

/// How often the fleet of a demonstration that stays is made anew, as appliances that say nothing more are offline.
const FLEET_LASTS: Duration = Duration::from_mins(1);

/// How long the runtime is waited for at the end, after everything else ended.
const LAST_END: Duration = Duration::from_millis(500);

/// Tells the story, and ends with it or at SIGINT or SIGTERM; with `stay` only at one of these. The folder and all that
/// runs is gone when this returns.
pub(super) fn show(devices: u16, stay: bool) -> Result<(), Exit> {
    let runtime = runtime().map_err(Trouble::say)?;
    let ended = runtime.block_on(async {
        let mut ends = [SignalKind::terminate(), SignalKind::interrupt()]
            .map(|kind| signal(kind).expect("these signals can be listened to"));
        tokio::select! {
            built = set_up(devices) => {
                let (stage, mails) = built?;
                watch(&stage, mails, stay, &mut ends).await
            }
            () = first(&mut ends) => Ok(()),
        }
    });
    runtime.shutdown_timeout(LAST_END);
    ended
}

async fn first(ends: &mut [Signal; 2]) {
    let [terminate, interrupt] = ends;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Builds the world and looks at it once, so that there is something to see at once; restic takes its time meanwhile.
async fn set_up(devices: u16) -> Result<(Stage, mpsc::Receiver<Mail>), Exit> {
    say(&format!(
        "A simulated Datto portal with {devices} appliances, a mail server and a job stand on this machine.\n\n$ lastgood \
         check --only bad portal"
    ))?;
    let built = Stage::build(devices).await;
    let (mut stage, mails) = built.map_err(|error| complain(&*error, Exit::OwnFailure))?;
    let (has_repository, seen) = tokio::join!(stage.make_repository(), look(&stage));
    seen?;
    say(&match &has_repository {
        Ok(()) => "\nA restic repository with one snapshot is there, too.".to_owned(),
        Err(why) => format!("\nThere is no restic repository in this demonstration: {why}."),
    })?;
    stage.configure(has_repository.is_ok()).map_err(|error| complain(&error, Exit::OwnFailure))?;
    Ok((stage, mails))
}

async fn look(stage: &Stage) -> Result<(), Exit> {
    let file = stage.configuration();
    let request = Request { sources: &["portal".to_owned()], file: Some(&file), set: &[] };
    let config =
        config::load(&request, &Surroundings::real()).map_err(|error| complain(&error, Exit::OwnFailure))?;
    let seen = pipeline::see(config, None, Keep::Judged)
        .await
        .map_err(|error| complain(&error, Exit::OwnFailure))?;
    print_bad(&seen)
}

/// Runs the daemon beside the story.
async fn watch(
    stage: &Stage,
    mails: mpsc::Receiver<Mail>,
    stay: bool,
    ends: &mut [Signal; 2],
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
        () = first(ends) => narrator.chapter("It ends."),
    };
    watching.stop().await;
    told
}

async fn tell(stage: &Stage, narrator: &mut Narrator, stay: bool) -> Result<(), Exit> {
    first_look(stage, narrator).await?;
    job(stage, narrator).await?;
    portal(stage, narrator).await?;
    appliance(stage, narrator).await?;
    if !stay {
        narrator.chapter(&format!("That is all: {} mails were sent.", narrator.mail_count()))?;
        return say(
            "\nNext: lastgood demo --stay, to open the status page and the links in the mails;\nlastgood config example, \
             and examples/serve.toml, for a configuration of your own.",
        );
    }
    narrator.chapter(&format!("It stays, until Ctrl-C: {}/", stage.url))?;
    loop {
        narrator.go_on(FLEET_LASTS).await?;
        stage.portal.replace_fleet(fleet::well(stage.devices, clock::now()));
    }
}

/// The job runs, and the first look finds the one agent that was forgotten.
async fn first_look(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    ping(stage, narrator, ("/start", "")).await?;
    ping(stage, narrator, ("", "42 tables dumped")).await?;
    told(narrator, ("BAD", "behind_local"), &[OPERATOR]).await
}

async fn job(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    narrator.chapter("The nightly job fails, and says so.")?;
    ping(stage, narrator, ("/start", "")).await?;
    ping(stage, narrator, ("/fail", "pg_dump: error: no space left on device")).await?;
    told(narrator, ("BAD", "nightly-db"), &[OPERATOR]).await?;
    narrator.chapter("Somebody makes room, and it runs again.")?;
    ping(stage, narrator, ("", "42 tables dumped")).await?;
    told(narrator, ("OVER", "nightly-db"), &[OPERATOR]).await
}

/// Nobody can say how the backups are: the operator hears it of the portal, the customer of their own appliance.
async fn portal(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    narrator.chapter(&format!(
        "The portal refuses every request. It is looked at every {INTERVAL} s, and may be unseen for {BLIND_AFTER} s."
    ))?;
    stage.portal.replace_faults(Faults::none().with(Scope::Everything, Fault::Unavailable));
    told(narrator, ("BAD", " portal"), &BOTH).await?;
    narrator.chapter("The portal answers again.")?;
    stage.portal.replace_faults(Faults::none());
    told(narrator, ("OVER", " portal"), &BOTH).await
}

/// Operator and customer hear of it, and of its agents in one line.
async fn appliance(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    let Stage { hostname, serial, devices, .. } = stage;
    narrator.chapter(&format!(
        "The customer's appliance {hostname} ({serial}) falls silent, and in the simulated world a day passes."
    ))?;
    stage.portal.replace_fleet(fleet::with_a_silent_one(*devices, clock::now()));
    told(narrator, ("BAD", serial), &BOTH).await?;
    narrator.chapter("The customer plugs it in again, and it catches up.")?;
    stage.portal.replace_fleet(fleet::well(*devices, clock::now()));
    told(narrator, ("OVER", serial), &BOTH).await
}

/// Waits until each of these was told, by a mail that comes from now on.
async fn told(narrator: &mut Narrator, (state, about): (&str, &str), whom: &[&str]) -> Result<(), Exit> {
    let before = narrator.mail_count();
    let what = format!("the mail `{state}` about {}", about.trim());
    let is_told = |sight: &Sight| whom.iter().all(|to| sight.was_told(before, (to, state, about)));
    narrator.until(&what, is_told).await
}

async fn ping(stage: &Stage, narrator: &Narrator, (word, body): (&str, &'static str)) -> Result<(), Exit> {
    let answered = stage.ping(word, body).await.map_err(|error| complain(&error, Exit::OwnFailure))?;
    let with = if body.is_empty() { String::new() } else { format!(" --data-raw '{body}'") };
    narrator.tell(&format!("curl{with} {}/ping/KEY{word} -> {}", stage.url, answered.as_u16()))
}
