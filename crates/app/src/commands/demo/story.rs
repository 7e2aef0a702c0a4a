//! What happens to the fleet? A minute in which a job fails, a portal refuses and an appliance falls silent, and each is
//! well again. The story only makes things happen and waits for what lastgood says: it says nothing in its place.

use std::time::Duration;

use lastgood_core::summary::summarize;
use lastgood_simulator::smtp::Mail;
use lastgood_simulator::{Fault, Faults, Scope};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::configuration::{BLIND_AFTER, CUSTOMER, INTERVAL, OPERATOR};
use super::narrator::Narrator;
use super::stage::Stage;
use super::{fleet, print_summary, say};
use crate::clock;
use crate::commands::looking::{Trouble, complain, runtime};
use crate::commands::serve::Watching;
use crate::config::{self, Request, Surroundings};
use crate::exit::Exit;
use crate::pipeline;
use crate::sources::Keep;

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
         summary portal"
    ))?;
    let built = Stage::build(devices).await;
    let (mut stage, mails) = built.map_err(|error| complain(&*error, Exit::OwnFailure))?;
    let (has_repository, seen) = tokio::join!(stage.make_repository(), look(&stage));
    seen?;
    if let Err(why) = &has_repository {
        say(&format!("\nThere is no restic repository in this demonstration: {why}."))?;
    }
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
    print_summary(&summarize(&seen.facts, &seen.expectations, seen.now))
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
        "It watches now. Its configuration: lastgood demo --show-config. Its status page: {}/\nCtrl-C ends it; by itself \
         it ends {}",
        stage.url,
        if stay { "never." } else { "in about a minute." }
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
        narrator.chapter(&format!("That was lastgood: {} mails, no cron script.", narrator.mail_count()))?;
        return say(
            "\nNext: lastgood demo --stay, to open its page and the links in its mails; lastgood config example; docs/ and \
             examples/.",
        );
    }
    narrator.chapter(&format!("It stays, until Ctrl-C: {}/", stage.url))?;
    loop {
        narrator.go_on(FLEET_LASTS).await?;
        stage.portal.replace_fleet(fleet::well(stage.devices, clock::now()));
    }
}

/// One agent was forgotten, which the first look finds.
async fn first_look(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    ping(stage, narrator, ("/start", "")).await?;
    ping(stage, narrator, ("", "42 tables dumped")).await?;
    narrator
        .until("the mail about the first look", |sight| sight.was_told(OPERATOR, "BAD", "behind_local"))
        .await
}

async fn job(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    narrator.chapter("The nightly job fails, and says so.")?;
    ping(stage, narrator, ("/start", "")).await?;
    ping(stage, narrator, ("/fail", "pg_dump: error: no space left on device")).await?;
    narrator.until("the mail about the job", |sight| sight.was_told(OPERATOR, "BAD", "nightly-db")).await?;
    narrator.chapter("Somebody makes room, and it runs again.")?;
    ping(stage, narrator, ("", "42 tables dumped")).await?;
    narrator
        .until("the mail that the job is well", |sight| sight.was_told(OPERATOR, "OVER", "nightly-db"))
        .await
}

async fn ping(stage: &Stage, narrator: &Narrator, (word, body): (&str, &'static str)) -> Result<(), Exit> {
    let answered = stage.ping(word, body).await.map_err(|error| complain(&error, Exit::OwnFailure))?;
    let with = if body.is_empty() { String::new() } else { format!(" --data-raw '{body}'") };
    narrator.tell(&format!("curl{with} {}/ping/KEY{word}   answered {}", stage.url, answered.as_u16()))
}

async fn portal(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    narrator.chapter(&format!(
        "The portal refuses every request. It is looked at every {INTERVAL} s, and may be unseen for {BLIND_AFTER} s."
    ))?;
    stage.portal.replace_faults(Faults::none().with(Scope::Everything, Fault::Unavailable));
    narrator.until("the mail about the portal", |sight| sight.was_told(OPERATOR, "BAD", " portal:")).await?;
    narrator.chapter("The portal answers again.")?;
    stage.portal.replace_faults(Faults::none());
    narrator
        .until("the mail that the portal is back", |sight| sight.was_told(OPERATOR, "OVER", " portal:"))
        .await
}

/// The customer hears of this one, too, and everybody of its agents in one line.
async fn appliance(stage: &Stage, narrator: &mut Narrator) -> Result<(), Exit> {
    let Stage { hostname, serial, devices, .. } = stage;
    narrator.chapter(&format!(
        "A day passes in a moment in which the appliance {hostname} ({serial}) of a customer was silent."
    ))?;
    stage.portal.replace_fleet(fleet::with_a_silent_one(*devices, clock::now()));
    let both = [OPERATOR, CUSTOMER];
    let were_told = |state: &'static str| {
        move |sight: &super::narrator::Sight| both.iter().all(|to| sight.was_told(to, state, serial))
    };
    narrator.until("the mails about the appliance", were_told("BAD")).await?;
    narrator.chapter("The customer plugs it in again, and it catches up.")?;
    stage.portal.replace_fleet(fleet::well(*devices, clock::now()));
    narrator.until("the mails that the appliance is back", were_told("OVER")).await
}
