//! Does each recorded request get its recorded answer? The record holds 99 requests of a real backend, with names in the
//! place of ids that were its own; answers are cut after 400 characters.

use std::sync::Arc;

use lastgood_simulator::grafolean::{
    Backend, Bot, Credential, Entity, Faults, Permission, Polling, Sensor, World,
};

use crate::support::{ACCOUNT, BOT, CREDENTIAL, ENTITY, SENSOR, TOKEN, client, credential, sensor};

const RECORD: &str = include_str!("../../testdata/grafolean-replay.tsv");

/// From here on an answer was cut.
const ANSWER_MAX_CHARACTERS: usize = 400;

/// From here on a body was cut.
const BODY_MAX_CHARACTERS: usize = 120;

struct Row<'a> {
    case: &'a str,
    method: &'a str,
    address: String,
    body: String,
    status: u16,
    content_type: &'a str,
    answer: String,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Self {
        let columns: Vec<&str> = line.split('\t').collect();
        let [case, method, address, body, status, content_type, answer] = columns[..] else {
            panic!("a row of other than seven columns: {line}");
        };
        Self {
            case,
            method,
            address: named(address),
            body: whole_body(body),
            status: status.parse().unwrap(),
            content_type,
            answer: named(answer),
        }
    }
}

/// Puts our ids in the place of the names.
fn named(text: &str) -> String {
    let ids = [("ACC", ACCOUNT), ("BOT", BOT), ("ENT", ENTITY), ("CRED", CREDENTIAL), ("SENS", SENSOR)];
    let mut text = text.replace("TOKEN", TOKEN);
    for (name, id) in ids {
        text = text.replace(name, &id.to_string());
    }
    text
}

/// One body was cut in the record: that of a path of many letters.
fn whole_body(recorded: &str) -> String {
    if recorded.chars().count() < BODY_MAX_CHARACTERS {
        return recorded.to_owned();
    }
    format!(r#"[{{"p":"{}","v":1}}]"#, "a".repeat(300))
}

/// The world the record was made in.
fn recorded_world() -> Arc<World> {
    let world = World::new();
    world.put_account(ACCOUNT, "seed-2");
    let row = |id, part: &str, methods: &[&str]| {
        Permission::new(id, Some(&format!("accounts/{ACCOUNT}/{part}")), Some(methods))
    };
    let permissions = vec![
        row(2_080_973_790, "credentials", &["GET"]),
        row(1_935_201_643, "entities", &["GET"]),
        row(2_063_538_537, "sensors", &["GET"]),
        row(1_709_815_262, "values", &["POST", "PUT"]),
    ];
    let bot = Bot::of_account(BOT, TOKEN, "myprotocol", ACCOUNT).with_permissions(permissions);
    world.put_bot(Bot { name: "bot seed-2".to_owned(), ..bot });
    for (id, name) in [(ENTITY, "device 0"), (1_926_634_974, "device 1")] {
        let sensors = [SENSOR, 1_003_600_683, 1_459_349_246].map(|sensor| (sensor, None)).to_vec();
        let polling = Polling { credential: CREDENTIAL, sensors, bot: Some(BOT) };
        world.put_entity(ACCOUNT, Entity::device(id, name).polled("myprotocol", polling));
    }
    put_credentials(&world);
    put_sensors(&world);
    world
}

fn put_credentials(world: &World) {
    world.put_credential(ACCOUNT, credential(CREDENTIAL));
    let given = [
        (566_611_866, "Default SNMP credential (SNMPv2c, 'public')", "snmp", credential(0).details),
        (1_394_527_929, "Default NetFlow credential", "netflow", "{}".to_owned()),
        (1_543_255_425, "Default ICMP ping credential", "ping", "{}".to_owned()),
    ];
    for (id, name, protocol, details) in given {
        let (name, protocol) = (name.to_owned(), protocol.to_owned());
        world.put_credential(ACCOUNT, Credential { id, name, protocol, details });
    }
}

fn put_sensors(world: &World) {
    let given = [
        (237_361_820, "Default NetFlow sensor", "netflow", None, "{}"),
        (1_003_600_683, "sensor 1", "myprotocol", Some(60), r#"{"n":1}"#),
        (1_345_106_250, "Default ICMP ping sensor", "ping", Some(60), "{}"),
        (1_459_349_246, "sensor 2", "myprotocol", Some(60), r#"{"n":2}"#),
    ];
    for (id, name, protocol, default_interval, details) in given {
        let (name, protocol) = (name.to_owned(), protocol.to_owned());
        let details = details.to_owned();
        world.put_sensor(ACCOUNT, Sensor { id, name, protocol, default_interval, details });
    }
    world.put_sensor(ACCOUNT, sensor(SENSOR));
}

/// What stands in columns of the record by name only: headers that a case is about.
async fn ask(url: &str, row: &Row<'_>) -> (u16, String, String) {
    let method = row.method.parse().unwrap();
    let mut request = client().request(method, format!("{url}{}", row.address));
    request = match row.case {
        "bearer bot token" => request.header("authorization", format!("Bearer {TOKEN}")),
        "Authorization: Token" => request.header("authorization", format!("Token {TOKEN}")),
        "b= and a foreign Authorization" => request.header("authorization", "Basic dXNlcjpwYXNz"),
        "POST values, no content type" => request,
        _ => request.header("content-type", "application/json"),
    };
    let response = request.body(row.body.clone()).send().await.unwrap();
    let header = response.headers().get("content-type");
    let content_type = header.map_or_else(String::new, |header| header.to_str().unwrap().to_owned());
    (response.status().as_u16(), content_type, response.text().await.unwrap())
}

/// Instants are compared by their shape: digits become one `0`.
fn without_instants(answer: &str) -> String {
    let mut text = answer.to_owned();
    for name in ["\"insert_time\":", "\"last_login\":"] {
        if let Some(at) = text.find(name).map(|at| at + name.len()) {
            let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
            assert!(digits > 0, "{name} is no instant in {answer}");
            text.replace_range(at..at + digits, "0");
        }
    }
    text
}

fn is_same(answer: &str, recorded: &str, was_cut: bool) -> bool {
    if was_cut {
        answer.starts_with(recorded)
    } else {
        without_instants(answer) == without_instants(recorded)
    }
}

#[tokio::test]
async fn every_recorded_request_gets_its_recorded_answer() {
    let backend = Backend::start(recorded_world(), Faults::none()).unwrap();
    let mut row_count = 0;
    for line in RECORD.lines() {
        let was_cut = line.rsplit('\t').next().unwrap().chars().count() >= ANSWER_MAX_CHARACTERS;
        let row = Row::read(line);
        let (status, content_type, answer) = ask(&backend.url(), &row).await;
        let told = format!("{}: {} {} {}", row.case, row.method, row.address, row.body);
        assert_eq!((status, content_type.as_str()), (row.status, row.content_type), "{told}: {answer}");
        assert!(is_same(&answer, &row.answer, was_cut), "{told}:\n{answer}\ninstead of\n{}", row.answer);
        row_count += 1;
    }
    assert_eq!(row_count, 99);
}
