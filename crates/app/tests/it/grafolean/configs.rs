//! Is exactly what a bot is to poll fetched, with few requests, and does one account fail alone?

use lastgood_collector::FailureKind;
use lastgood_collector::grafolean::{AccountFailed, Client, JobConfig};
use lastgood_simulator::grafolean::{Bot, Entity, Fault, Faults, Permission, Polling, Reply, Scope, World};

use super::{backend, client, systemwide};

/// All that is fetched, the devices by account and id.
async fn fetch(client: &Client) -> (Vec<JobConfig>, Vec<AccountFailed>) {
    let mut fetching = client.fetch_job_configs("snmp").await.expect("profile and accounts");
    let (mut configs, mut failed) = (Vec::new(), Vec::new());
    while let Some(next) = fetching.next().await {
        match next {
            Ok(config) => configs.push(config),
            Err(account) => failed.push(account),
        }
    }
    configs.sort_by_key(|config| (config.account_id, config.entity_id));
    (configs, failed)
}

#[tokio::test]
async fn everything_is_fetched_with_2_and_3_requests_for_every_account() {
    let seeded = World::seeded(20, 10, 3, "snmp");
    let backend = backend(&seeded, Faults::none());
    let (configs, failed) = fetch(&systemwide(&backend, &seeded)).await;
    assert_eq!((configs.len(), failed), (200, vec![]));
    assert_eq!(seeded.world.request_count(), 2 + 3 * 20);
    let first = &configs[0];
    assert_eq!((first.account_id, first.entity_id, first.name.as_str()), (1, 1, "device 1"));
    assert_eq!((first.entity_type.as_str(), first.parent), ("device", None));
    assert_eq!(first.credential_details["snmpv12_community"], "public");
    let sensors: Vec<_> = first.sensors.iter().map(|sensor| (sensor.sensor_id, sensor.interval)).collect();
    assert_eq!(sensors, [(1, Some(60)), (2, Some(60)), (3, Some(60))]);
    assert_eq!(first.sensors[1].sensor_details, serde_json::json!({"n": 2}));
}

#[tokio::test]
async fn an_account_bot_is_content_with_what_the_ui_grants_it() {
    let seeded = World::seeded(3, 2, 1, "snmp");
    let backend = backend(&seeded, Faults::none());
    let (account, token) = &seeded.accounts[1];
    let (configs, failed) = fetch(&client(&format!("{}//", backend.url()), token)).await;
    assert_eq!((configs.len(), failed.len()), (2, 0));
    assert!(configs.iter().all(|config| config.account_id == *account));
}

#[tokio::test]
async fn an_account_that_fails_costs_that_account_alone() {
    for fault in [
        Fault::internal_error(),
        Fault::unauthorized(),
        Fault::Drop,
        Fault::html(),
        Fault::garbage(),
        Fault::CutShort(20),
        Fault::EndlessBody,
        Fault::Answer(Reply::empty(307)),
    ] {
        for list in ["entities", "credentials", "sensors"] {
            let seeded = World::seeded(3, 2, 1, "snmp");
            let scope = Scope::path(&format!("/accounts/2/{list}"));
            let backend = backend(&seeded, Faults::none().with(scope, fault.clone()));
            let (configs, failed) = fetch(&systemwide(&backend, &seeded)).await;
            let accounts: Vec<_> = configs.iter().map(|config| config.account_id).collect();
            assert_eq!(accounts, [1, 1, 3, 3], "{fault:?} {list}");
            assert_eq!(failed.len(), 1, "{fault:?} {list}");
            assert_eq!(failed[0].account_id, 2, "{fault:?} {list}");
            assert!(failed[0].to_string().contains(&format!("the {list} of account 2")), "{}", failed[0]);
        }
    }
}

#[tokio::test]
async fn an_account_in_which_the_bot_may_only_send_fails_alone() {
    let seeded = World::seeded(2, 2, 1, "snmp");
    let mut bot = Bot::of_account(77, "24b10e42-37e6-41bb-b18b-abd2fd7a7a36", "snmp", 1);
    bot.permissions.push(Permission::new(9, Some("accounts/2/values"), Some(&["POST", "PUT"])));
    let token = bot.token.clone();
    seeded.world.put_bot(bot);
    let backend = backend(&seeded, Faults::none());
    let (configs, failed) = fetch(&client(&backend.url(), &token)).await;
    assert_eq!((configs.len(), failed.len(), failed[0].account_id), (2, 1, 2));
    assert_eq!((failed[0].error.kind(), failed[0].error.status()), (FailureKind::Denied, Some(403)));
}

#[tokio::test]
async fn a_refused_list_is_asked_for_one_by_one() {
    for status in [403, 404, 405] {
        for lists in [&["credentials"][..], &["sensors"], &["credentials", "sensors"]] {
            let seeded = World::seeded(2, 10, 3, "snmp");
            let whole = backend(&seeded, Faults::none());
            let (expected, _) = fetch(&systemwide(&whole, &seeded)).await;
            let refusal = Fault::Answer(Reply::plain(status, "no"));
            let faults = lists.iter().fold(Faults::none(), |faults, list| {
                faults.with(Scope::path(&format!("/accounts/*/{list}")), refusal.clone())
            });
            whole.replace_faults(faults);
            seeded.world.clear();
            let (configs, failed) = fetch(&systemwide(&whole, &seeded)).await;
            assert_eq!((configs, failed), (expected, vec![]), "{status} {lists:?}");
            // Each credential and each sensor once, however many entities name it.
            assert!(seeded.world.request_count() <= 2 + 2 * (3 + 1 + 3), "{status} {lists:?}");
        }
    }
}

#[tokio::test]
async fn what_is_deleted_meanwhile_is_left_out_and_nothing_else() {
    let seeded = World::seeded(2, 2, 3, "snmp");
    let gone = |path: &str| (Scope::path(path), Fault::Answer(Reply::detail(404, "No such sensor")));
    let refused = |path: &str| (Scope::path(path), Fault::forbidden());
    let faults = [
        refused("/accounts/*/sensors"),
        refused("/accounts/*/credentials"),
        gone("/accounts/1/sensors/2"),
        gone("/accounts/2/credentials/2"),
    ];
    let faults = faults.into_iter().fold(Faults::none(), |faults, (scope, fault)| faults.with(scope, fault));
    let backend = backend(&seeded, faults);
    let (configs, failed) = fetch(&systemwide(&backend, &seeded)).await;
    assert_eq!((configs.len(), failed), (2, vec![]));
    for config in configs {
        let sensors: Vec<_> = config.sensors.iter().map(|sensor| sensor.sensor_id).collect();
        assert_eq!((config.account_id, sensors), (1, vec![1, 3]));
    }
}

#[tokio::test]
async fn a_sensor_that_no_list_knows_is_left_out() {
    let seeded = World::seeded(1, 1, 1, "snmp");
    let polled = |id, sensors| Polling { credential: id, sensors, bot: None };
    let both = Entity::device(50, "both").polled("snmp", polled(1, vec![(1, Some(0)), (999, None)]));
    let none = Entity::device(51, "none").polled("snmp", polled(1, vec![(999, None)]));
    let locked = Entity::device(52, "locked").polled("snmp", polled(999, vec![(1, None)]));
    for entity in [both, none, locked] {
        seeded.world.put_entity(1, entity);
    }
    let backend = backend(&seeded, Faults::none());
    let (configs, failed) = fetch(&systemwide(&backend, &seeded)).await;
    let ids: Vec<_> = configs.iter().map(|config| config.entity_id).collect();
    assert_eq!((ids, failed), (vec![1, 50], vec![]));
    assert_eq!(configs[1].sensors.len(), 1);
    assert_eq!(configs[1].sensors[0].interval, Some(0), "the interval of the entity wins also if it is 0");
}

#[tokio::test]
async fn only_devices_of_this_bot_or_of_none_are_polled() {
    let seeded = World::seeded(1, 0, 1, "snmp");
    let polled = |bot| Polling { credential: 1, sensors: vec![(1, None)], bot };
    // The bot of account 1 has the id 2.
    for (id, bot) in [(1, Some(2)), (2, None), (3, Some(1)), (4, Some(99))] {
        seeded.world.put_entity(1, Entity::device(id, "d").polled("snmp", polled(bot)));
    }
    let interface = Entity { entity_type: "interface".to_owned(), ..Entity::device(5, "i") };
    seeded.world.put_entity(1, interface.polled("snmp", polled(None)));
    seeded.world.put_entity(1, Entity::device(6, "p").polled("ping", polled(None)));
    let backend = backend(&seeded, Faults::none());
    let (configs, _) = fetch(&client(&backend.url(), &seeded.accounts[0].1)).await;
    let ids: Vec<_> = configs.iter().map(|config| config.entity_id).collect();
    assert_eq!(ids, [1, 2]);
}

#[tokio::test]
async fn without_profile_or_accounts_nothing_is_known() {
    for path in ["/profile", "/accounts"] {
        for (fault, kind) in [
            (Fault::unauthorized(), FailureKind::Denied),
            (Fault::bad_gateway(), FailureKind::Refused),
            (Fault::html(), FailureKind::Malformed),
            (Fault::Drop, FailureKind::Unreachable),
            (Fault::too_many_requests(Some("7")), FailureKind::RateLimited),
        ] {
            let seeded = World::seeded(1, 1, 1, "snmp");
            let backend = backend(&seeded, Faults::none().with(Scope::path(path), fault));
            let error = systemwide(&backend, &seeded).fetch_job_configs("snmp").await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().starts_with(&format!("the {}", &path[1..])), "{error}");
            let asked = error.retry_after().map(|pause| pause.as_secs());
            assert_eq!(asked, (kind == FailureKind::RateLimited).then_some(7));
        }
    }
}

#[tokio::test]
async fn the_single_questions_are_answered_as_the_lists() {
    let seeded = World::seeded(1, 2, 2, "snmp");
    let backend = backend(&seeded, Faults::none());
    let client = systemwide(&backend, &seeded);
    assert_eq!(client.profile().await.unwrap().user_id, 1);
    let accounts = client.accounts().await.unwrap();
    assert_eq!((accounts.len(), accounts[0].id), (1, 1));
    assert_eq!(client.entity(1, 2).await.unwrap(), client.entities(1).await.unwrap()[1]);
    assert_eq!(client.sensor(1, 2).await.unwrap(), client.sensors(1).await.unwrap()[1]);
    assert_eq!(client.credential(1, 1).await.unwrap(), client.credentials(1).await.unwrap()[0]);
    assert_eq!(client.entity(1, 99).await.unwrap_err().status(), Some(404));
    assert!(
        client.entities(99).await.unwrap().is_empty(),
        "an unknown account looks empty to a systemwide bot"
    );
}
