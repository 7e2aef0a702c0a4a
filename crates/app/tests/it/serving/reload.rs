//! SIGHUP takes a configuration that is right as a whole, and none that is not.

use super::inbox::Inbox;
use super::{Daemon, PATIENCE, PAUSE, jobs, mail_to};

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_is_shown_and_a_right_one_is_taken() {
    let inbox = Inbox::start().await;
    let mut daemon = Daemon::new();
    daemon.write("", &(jobs(1) + &mail_to(inbox.port())));
    daemon.start().await;
    daemon.wait_for("lastgood_config_reload_successful", |value| value > 0.5).await;
    assert_eq!(daemon.ping_once("job001", "").await, Some(404));

    // One mistake is enough, whatever else is right.
    daemon.write("keep = 'for ever'", &(jobs(2) + &mail_to(inbox.port())));
    daemon.signal("HUP");
    daemon.wait_for("lastgood_config_reload_successful", |value| value == 0.0).await;
    let page = daemon.text("/").await;
    assert!(page.contains("keep"), "the mistake is shown: {page}");
    assert_eq!(daemon.ping_once("job001", "").await, Some(404));
    daemon.ping("job000", "/fail").await;
    inbox.wait_for("BAD jobs/pings/job000").await;

    daemon.write("", &(jobs(2) + &mail_to(inbox.port())));
    daemon.signal("HUP");
    daemon.wait_for("lastgood_config_reload_successful", |value| value > 0.5).await;
    assert!(!daemon.text("/").await.contains("for ever"));
    daemon.ping("job001", "/fail").await;
    inbox.wait_for("BAD jobs/pings/job001").await;
}

#[tokio::test]
async fn a_channel_that_cannot_be_opened_keeps_the_old_one() {
    let inbox = Inbox::start().await;
    let mut daemon = Daemon::new();
    daemon.write("", &(jobs(1) + &mail_to(inbox.port())));
    daemon.start().await;
    let broken = mail_to(inbox.port()).replace("[[owner]]", "user = 'a'\npassword_file = 'gone'\n[[owner]]");
    daemon.write("", &(jobs(2) + &broken));
    daemon.signal("HUP");
    daemon.wait_for("lastgood_config_reload_successful", |value| value == 0.0).await;
    assert_eq!(daemon.ping_once("job001", "").await, Some(404), "nothing of it is taken");
    daemon.ping("job000", "/fail").await;
    inbox.wait_for("BAD jobs/pings/job000").await;
}

#[tokio::test]
async fn what_is_under_way_is_sent_and_the_next_goes_through_the_new_channel() {
    let (old, new) = (Inbox::start().await, Inbox::start().await);
    let mut daemon = Daemon::new();
    daemon.write("", &(jobs(2) + &mail_to(old.port())));
    daemon.start().await;
    daemon.ping("job000", "/fail").await;
    old.wait_for("BAD jobs/pings/job000").await;
    daemon.write("", &(jobs(2) + &mail_to(new.port())));
    let read_at = daemon.number("lastgood_config_timestamp_seconds").await.expect("a number");
    daemon.signal("HUP");
    daemon.wait_for("lastgood_config_timestamp_seconds", |value| value > read_at).await;
    daemon.ping("job001", "/fail").await;
    new.wait_for("BAD jobs/pings/job001").await;
    assert_eq!((old.subjects().len(), new.subjects().len()), (1, 1));
}

#[tokio::test]
async fn reloading_again_and_again_stops_no_ping() {
    let mut daemon = Daemon::new();
    daemon.write("", &jobs(1));
    daemon.start().await;
    for _ in 0..20 {
        daemon.signal("HUP");
        assert_eq!(daemon.ping_once("job000", "").await, Some(200));
    }
    let alive = async {
        while daemon.status("/healthz").await != Some(200) {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(PATIENCE, alive).await.expect("it is well");
}
