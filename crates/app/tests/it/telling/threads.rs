//! Is one incident one conversation, and a repeat known again?

use std::sync::Arc;

use jiff::SignedDuration;
use lastgood_core::incident::{Change, Closing};
use lastgood_core::notify::Why;
use lastgood_core::recipient::Voice;
use lastgood_simulator::smtp::Fault;

use super::{Post, World, digest, entry, incident, message_id};

#[tokio::test]
async fn an_incident_is_one_thread_from_its_first_mail_to_its_last() {
    let (world, post) = (World::new().await, Post::start().await);
    let deliverer = world.deliverer(post.channels());
    let running = world.run(&deliverer);
    let (db, web) = (incident("db", world.now()), incident("web", world.now()));
    let mut keys = Vec::new();
    let steps = [
        (vec![Change::Opened(db.clone())], vec![entry(&db, Why::First)]),
        (vec![], vec![entry(&db, Why::Reminder(1))]),
        (vec![Change::Opened(web.clone())], vec![entry(&web, Why::First)]),
        (vec![], vec![entry(&db, Why::Reminder(2)), entry(&web, Why::Reminder(1))]),
        (vec![Change::Closed(db.clone(), Closing::Recovered)], vec![entry(&db, Why::Resolved)]),
    ];
    for (changes, entries) in steps {
        keys.extend(world.decide(changes, &[digest("mail:ada@example.org", entries)]).await);
        world.settled(&deliverer).await;
        world.pass(SignedDuration::from_hours(24));
    }
    running.stop().await;
    let ids: Vec<_> = keys.iter().map(|key| message_id(key)).collect();
    assert_eq!(post.headers("Message-ID"), ids);
    let threads = post.headers("References");
    assert!(!threads[0].is_empty() && threads[0] == threads[1] && threads[1] == threads[4], "{threads:?}");
    assert!(threads[2] != threads[0] && threads[3] != threads[0] && threads[2] != threads[3], "{threads:?}");
    assert_eq!(post.headers("In-Reply-To"), threads);
}

#[tokio::test]
async fn a_letter_comes_from_the_reseller_and_in_the_language_of_its_reader() {
    let (world, post) = (World::new().await, Post::start().await);
    let deliverer = world.deliverer(post.channels());
    let running = world.run(&deliverer);
    let db = incident("db", world.now());
    let voice = Voice {
        language: "de-AT".into(),
        from: Some("Backup AG <info@reseller.example>".into()),
        brand: Some("4000080".into()),
    };
    let mut digest = digest("mail:ada@example.org", vec![entry(&db, Why::First)]);
    digest.voice = Some(Arc::new(voice));
    world.decide(vec![Change::Opened(db.clone())], &[digest]).await;
    world.settled(&deliverer).await;
    running.stop().await;
    assert_eq!(post.headers("From"), ["\"Backup AG\" <info@reseller.example>"]);
    assert_eq!(post.headers("Sender"), ["a@example.org"]);
    assert_eq!(post.headers("Subject"), ["Problem: Sicherung fehlgeschlagen: Computer db, Konto nas1 (db)"]);
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_comes_again_as_the_same_mail() {
    let (world, post) = (World::new().await, Post::start().await);
    post.server.replace_fault(Some(Fault::TakeUnanswered));
    let deliverer = world.deliverer(post.channels());
    let running = world.run(&deliverer);
    let keys = world.tell_all("mail", &["db".to_owned()]).await;
    world.settled(&deliverer).await;
    let first_count = post.count();
    assert!(first_count >= 1);
    post.server.replace_fault(None);
    world.pass(SignedDuration::from_secs(10));
    world.settled(&deliverer).await;
    running.stop().await;
    let ids = post.headers("Message-ID");
    assert!(ids.len() > first_count, "it came again");
    assert!(ids.iter().all(|id| *id == message_id(&keys[0])), "{ids:?}");
    assert_eq!(world.notified("db").await[0].deliveries.len(), 2);
}
