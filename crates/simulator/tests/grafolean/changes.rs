//! What becomes of the configuration when a part of it changes?

use lastgood_simulator::grafolean::{Backend, Entity, Faults, Polling, World};
use serde_json::{Value, json};

use crate::support::{
    ACCOUNT, BOT, CREDENTIAL, ENTITY, SENSOR, TOKEN, credential, get, request, see, sensor, small_world, told,
};

async fn protocols(url: &str) -> Value {
    see(url, "entities/").await["list"][0]["protocols"].clone()
}

#[tokio::test]
async fn a_deleted_sensor_is_lost_to_its_entities() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    backend.world().put_sensor(ACCOUNT, sensor(1));
    backend.world().delete_sensor(ACCOUNT, SENSOR);
    let expected = json!({ "myprotocol": { "credential": CREDENTIAL, "sensors": [], "bot": BOT } });
    assert_eq!(protocols(&backend.url()).await, expected);
    assert_eq!(see(&backend.url(), "sensors").await["list"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_credential_takes_the_protocol_with_it() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let world = backend.world();
    world.put_credential(ACCOUNT, credential(1));
    world.alter_entity(ACCOUNT, ENTITY, |entity| {
        entity.protocols.insert("ping".to_owned(), Polling { credential: 1, sensors: vec![], bot: None });
    });
    world.delete_credential(ACCOUNT, CREDENTIAL);
    let expected = json!({ "ping": { "credential": 1, "sensors": [], "bot": null } });
    assert_eq!(protocols(&backend.url()).await, expected);
    assert_eq!(see(&backend.url(), "credentials").await["list"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_bot_is_unknown_and_its_entities_are_polled_by_null() {
    let world = small_world();
    let other = Polling { credential: CREDENTIAL, sensors: vec![], bot: Some(3) };
    world.put_entity(ACCOUNT, Entity::device(ENTITY + 1, "device 1").polled("myprotocol", other));
    let backend = Backend::start(world, Faults::none()).unwrap();
    let list = format!("/accounts/{ACCOUNT}/entities");
    let see = async || told(request(&backend.url(), "GET", &list, crate::support::SYSTEMWIDE_TOKEN)).await.1;
    assert!(see().await.contains(&format!(r#""bot":{BOT}"#)));
    backend.world().delete_bot(BOT);
    assert_eq!(get(&backend.url(), "/profile").await.0, 401);
    let listed: Value = serde_json::from_str(&see().await).unwrap();
    let bot = |index: usize| listed["list"][index]["protocols"]["myprotocol"]["bot"].clone();
    assert_eq!([bot(0), bot(1)], [Value::Null, json!(3)]);
}

#[tokio::test]
async fn an_entity_that_is_deleted_or_changed_is_so_in_the_list_and_alone() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let (url, world) = (backend.url(), backend.world());
    let entity = format!("entities/{ENTITY}");
    let interval = |entity: &Value| entity["protocols"]["myprotocol"]["sensors"][0]["interval"].clone();
    for set in [Some(-5), Some(0), Some(30), None] {
        assert!(world.set_interval(ACCOUNT, ENTITY, SENSOR, set));
        assert_eq!(interval(&see(&url, &entity).await), json!(set));
        assert_eq!(interval(&see(&url, "entities").await["list"][0]), json!(set));
    }
    assert!(world.alter_sensor(ACCOUNT, SENSOR, |sensor| sensor.default_interval = None));
    assert_eq!(see(&url, "sensors").await["list"][0]["default_interval"], Value::Null);
    assert!(!world.set_interval(ACCOUNT, 1, SENSOR, None) && !world.alter_sensor(ACCOUNT, 1, |_| ()));
    world.delete_entity(ACCOUNT, ENTITY);
    assert_eq!(get(&url, &format!("/accounts/{ACCOUNT}/{entity}")).await.0, 404);
    assert_eq!(see(&url, "entities").await, json!({ "list": [] }));
}

#[tokio::test]
async fn lists_are_in_the_order_of_ids_and_texts_are_escaped() {
    let world = small_world();
    for id in [9_999, 3] {
        let name = format!("\"quoted\"\n{id}");
        let plain =
            Entity { entity_type: "interface".to_owned(), parent: Some(ENTITY), ..Entity::device(id, &name) };
        world.put_entity(ACCOUNT, Entity { details: r#"{"z":1,"a":[]}"#.to_owned(), ..plain });
    }
    let backend = Backend::start(world, Faults::none()).unwrap();
    let (_, body) = get(&backend.url(), &format!("/accounts/{ACCOUNT}/entities")).await;
    let expected = concat!(
        r#"{"id":3,"name":"\"quoted\"\n3","entity_type":"interface","parent":5001,"#,
        r#""details":{"z":1,"a":[]},"protocols":{}}"#
    );
    assert!(body.starts_with(&format!(r#"{{"list":[{expected},"#)), "{body}");
    let listed: Value = serde_json::from_str(&body).unwrap();
    let ids: Vec<_> = listed["list"].as_array().unwrap().iter().map(|entity| entity["id"].clone()).collect();
    assert_eq!(ids, [3, 5_001, 9_999]);
}

#[tokio::test]
async fn a_seeded_world_holds_together() {
    let seeded = World::seeded(2, 3, 2, "snmp");
    seeded.world.set_default_intervals(Some(5));
    let backend = Backend::start(seeded.world.clone(), Faults::none()).unwrap();
    let see = async |token: &str, path: &str| -> Value {
        serde_json::from_str(&told(request(&backend.url(), "GET", path, token)).await.1).unwrap()
    };
    assert_eq!(see(&seeded.systemwide_token, "/accounts").await["list"].as_array().unwrap().len(), 2);
    let mut entity_ids = std::collections::BTreeSet::new();
    for (account, token) in &seeded.accounts {
        assert_eq!(see(token, "/profile").await["record"]["tied_to_account"], json!(account));
        assert_eq!(
            see(token, "/accounts").await["list"],
            json!([{ "id": account, "name": format!("account {account}") }])
        );
        let list =
            async |kind: &str| see(token, &format!("/accounts/{account}/{kind}")).await["list"].clone();
        let (entities, sensors, credentials) =
            (list("entities").await, list("sensors").await, list("credentials").await);
        let sensors = sensors.as_array().unwrap();
        assert!(sensors.len() == 2 && sensors.iter().all(|sensor| sensor["default_interval"] == 5));
        let used: Vec<Value> =
            sensors.iter().map(|own| json!({ "sensor": own["id"], "interval": null })).collect();
        let polling = json!({ "credential": credentials[0]["id"], "sensors": used, "bot": null });
        for entity in entities.as_array().unwrap() {
            assert_eq!(entity["protocols"], json!({ "snmp": polling }));
            assert!(entity_ids.insert(entity["id"].as_i64().unwrap()));
        }
    }
    assert_eq!(entity_ids.len(), 6);
}

#[tokio::test]
async fn a_client_of_one_bot_is_not_shown_the_other_account() {
    let seeded = World::seeded(2, 1, 1, "snmp");
    let backend = Backend::start(seeded.world, Faults::none()).unwrap();
    let (own, token) = &seeded.accounts[0];
    let (other, _) = &seeded.accounts[1];
    assert_ne!(token, TOKEN);
    let status = async |account: &i64| {
        told(request(&backend.url(), "GET", &format!("/accounts/{account}/entities"), token)).await.0
    };
    assert_eq!([status(own).await, status(other).await], [200, 403]);
}
