//! What does a file say to `lastgood serve`?

use std::time::Duration;

use jiff::Timestamp;
use lastgood::sources::PingPlan;
use lastgood_core::recipient::{Patience, Role};
use lastgood_core::time::Seconds;

use super::*;

fn served() -> Config {
    Config::from_file(&fixtures().join("serve.toml"), ENTRIES).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_the_daemon_needs_comes_out_as_it_was_written() {
    let serve = served().serve;
    assert_eq!(serve.database, fixtures().join("lastgood.db"));
    assert_eq!(serve.listen, "0.0.0.0:8080".parse().expect("an address"));
    assert_eq!(serve.public_url.as_deref(), Some("https://backups.example.org/lastgood"));
    assert_eq!(serve.link_key_file, Some(fixtures().join("links.key")));
    assert_eq!(serve.tick, Duration::from_secs(5));
    assert_eq!((serve.damping.open_after, serve.damping.close_after), (2, 3));
    assert_eq!(serve.repeat_after, None);
    assert_eq!(serve.keep, Seconds::days(30));
    assert_eq!(serve.metrics_assets_max, 0);
    assert_eq!(serve.watchdog_url.as_deref(), Some("https://watchdog.example/ping?id=1"));
}

#[test]
fn what_is_not_written_has_its_default() {
    let serve = |text: &str| parse("etc/config.toml", text).expect("a valid file").serve;
    assert_eq!(serve(""), config::Serve::default());
    assert_eq!(serve("[serve]\n[watchdog]\n"), config::Serve::default());
    let limits = |text: &str| serve(&format!("[serve]\n{text}\n"));
    assert_eq!(limits("tick = '1s'").tick, Duration::from_secs(1));
    assert_eq!(limits("tick = '5min'").tick, Duration::from_mins(5));
    assert_eq!(limits("repeat_after = '1s'").repeat_after, Some(Seconds(1)));
    assert_eq!(limits("database = '/srv/x.db'").database, Path::new("/srv/x.db"));
    assert_eq!(limits("listen = '[::1]:0'").listen, "[::1]:0".parse().expect("an address"));
}

#[test]
fn the_reference_tells_the_defaults_that_hold() {
    let unset = config::Serve::default();
    let told = [
        unset.database.display().to_string(),
        unset.listen.to_string(),
        format!("Unset: {}s", unset.tick.as_secs()),
        format!("Unset: {}h", unset.repeat_after.map_or(0, |length| length.0 / 3600)),
        format!("Unset: {}d", unset.keep.0 / 86_400),
        format!("Unset: {}.", unset.metrics_assets_max),
        format!("Unset: {}min", sources::INTERVAL.as_secs() / 60),
    ];
    let reference = config::reference();
    for told in told {
        assert!(reference.contains(&told), "docs/config.md does not say {told:?}");
    }
}

#[test]
fn a_source_has_an_interval_and_one_that_pushes_only_if_it_says_so() {
    let intervals: Vec<_> =
        served().sources.iter().map(|source| (source.interval, source.pushed_every)).collect();
    let month = Duration::from_hours(30 * 24);
    let expected = [
        (sources::INTERVAL, None),
        (Duration::from_secs(10), None),
        (month, Some(month)),
        (sources::INTERVAL, None),
    ];
    assert_eq!(intervals, expected);
    assert_eq!(served().sources[2].location, "");
}

#[test]
fn a_daemon_is_blind_after_three_intervals_unless_somebody_says_otherwise() {
    let shown = |config: Config| {
        let values = |layer: &lastgood_core::expectation::Layer| {
            let Scope::Source(id) = &layer.scope else { return format!("{:?}", layer.values) };
            let (name, value, origin) = &layer.values[0];
            format!("{id}: {name} {value:?} {origin}")
        };
        config.layers.iter().map(values).collect::<Vec<_>>()
    };
    assert!(shown(served()).is_empty(), "whoever looks once knows no interval");
    let expected = [
        "portal: blind_after Some(2700) thresholds of the source, 3 times its interval of 15 min",
        "disk: blind_after Some(30) thresholds of the source, 3 times its interval of 10 s",
        "scripts: blind_after Some(7776000) thresholds of the source, 3 times its interval of 30 d",
    ];
    assert_eq!(shown(served().for_daemon()), expected);
    let text = "[[source]]\nkind = 'disk'\nlocation = 'x'\nthresholds = { blind_after = '9h' }\n";
    let layers = shown(parse("config.toml", text).expect("a valid file").for_daemon());
    assert!(layers[0].contains("3 times its interval"), "{layers:?}");
    assert!(layers[1].contains("blind_after Some(32400)"), "what is written stands above: {layers:?}");
}

#[test]
fn pings_come_out_as_they_were_written() {
    let jobs = &served().sources[3];
    assert_eq!(jobs.ping_key_hash, Some([1; 32]));
    let [nightly, mail] = jobs.pings.as_slice() else { panic!("two pings: {:?}", jobs.pings) };
    assert_eq!((nightly.name.to_string(), nightly.slug.as_str()), ("Nightly DB".to_owned(), "nightly-db"));
    assert_eq!((nightly.key_hash, nightly.grace), (Some([2; 32]), Seconds::hours(2)));
    assert_eq!(nightly.repository.to_string(), "db1");
    let PingPlan::Cron { schedule, text } = &nightly.plan else { panic!("{:?}", nightly.plan) };
    assert_eq!(text, "30 2 * * * Europe/Zurich");
    let noon: Timestamp = "2026-03-02T12:00:00Z".parse().expect("an instant");
    assert_eq!(schedule.next_after(noon), "2026-03-03T01:30:00Z".parse().ok());
    assert_eq!((mail.slug.as_str(), mail.key_hash, mail.grace), ("post", None, Seconds::hours(1)));
    assert_eq!(
        (&mail.plan, mail.repository.to_string()),
        (&PingPlan::Period(Seconds::hours(25)), "pings".to_owned())
    );
}

#[test]
fn an_impossible_schedule_is_refused_with_its_line_and_names_no_other() {
    let result = parse("config.toml", &invalid()["invalid-ping-schedule"]);
    let Err(ConfigError::Invalid { mistakes, .. }) = result else { panic!("the file is invalid") };
    assert_eq!((mistakes[0].line, mistakes[0].text.contains("never happens")), (7, true), "{mistakes:?}");
    assert!(mistakes.iter().all(|mistake| mistake.line < 35), "the last ping is right: {mistakes:?}");
}

#[test]
fn channels_come_out_with_the_settings_of_their_kind() {
    let channels = served().channels;
    let named: Vec<_> =
        channels.iter().map(|channel| (channel.config.name.as_str(), channel.kind.kind)).collect();
    assert_eq!(named, [("mail", "mail"), ("page.1", "command")]);
    assert_eq!(channels[0].config.folder, fixtures());
    let settings: Vec<_> = channels[0].config.settings.keys().map(String::as_str).collect();
    assert_eq!(settings, ["from", "host", "port"], "name and kind are no settings");
    assert_eq!(channels[0].config.settings["port"].as_integer(), Some(2525));
    let opened = (channels[1].kind.open)(channels[1].config.clone());
    assert!(opened.is_ok(), "{opened:?}");
}

#[test]
fn owners_come_out_with_their_place() {
    let owners = served().owners;
    let [anna, ops] = owners.as_slice() else { panic!("two owners: {owners:?}") };
    assert!(anna.subjects.matches("acme/nas1/db") && !anna.subjects.matches("initech/nas1/db"));
    assert_eq!((anna.role, ops.role), (Role::Customer, Role::Operator));
    let to: Vec<_> = anna.to.iter().map(ToString::to_string).collect();
    assert_eq!(to, ["mail:anna@example.org", "page.1:a:b"]);
    assert_eq!(anna.patience, Patience::Until { count: Some(2), length: Some(Seconds::days(3)) });
    assert_eq!((ops.patience, ops.escalation), (Patience::None, Some(Seconds::hours(4))));
    assert!(ops.subjects.matches("initech"), "unset is everything");
    assert!(anna.place.ends_with("serve.toml:63"), "{}", anna.place);
}

#[test]
fn a_file_for_the_daemon_is_read_with_its_text() {
    let path = fixtures().join("serve.toml");
    let nothing = |_: &str| None;
    let real = |default_file| Surroundings { entries: ENTRIES, environment: &nothing, default_file };
    let named = Request { file: Some(&path), ..Request::default() };
    let (found, text, config) =
        config::serve_file(&named, &real(Path::new("/nowhere"))).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found, path);
    assert_eq!(text, fs::read_to_string(&path).expect("a fixture"));
    assert_eq!(config.layers.len(), 3, "three sources have an interval");
    let (found, ..) = config::serve_file(&Request::default(), &real(&path)).expect("the default file");
    assert_eq!(found, path);
    let refused = |request: &Request<'_>, default_file| {
        config::serve_file(request, &real(default_file)).err().expect("a refusal").to_string()
    };
    insta::assert_snapshot!(refused(&Request::default(), Path::new("/nowhere")), @"the configuration file /nowhere could not be read; give its path with --config and let this user read it");
    let set = ["local_after=1h".to_owned()];
    insta::assert_snapshot!(refused(&Request { set: &set, ..named }, &path), @"`lastgood serve` takes neither SOURCE nor --set; write them into the configuration file");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = folder.path().join("config.toml");
    fs::write(&empty, "[serve]\n").expect("a writable folder");
    assert!(
        refused(&Request { file: Some(&empty), ..Request::default() }, &path).contains("has no [[source]]")
    );
}

#[test]
fn a_source_that_pushes_is_no_argument() {
    let told = message(Said::sources(&["bell:x", "post"]).with_file().load());
    insta::assert_snapshot!(told, @r"
    SOURCE `bell:…` tells of its own accord, and only `lastgood serve` hears it; write it into the configuration file as a [[source]]
    SOURCE `post` tells of its own accord, and only `lastgood serve` hears it; write it into the configuration file as a [[source]]
    ");
}

#[test]
fn the_example_of_serve_has_one_of_everything() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/serve.toml");
    let config = Config::from_file(&path, &sources::ALL).unwrap_or_else(|error| panic!("{error}"));
    let kinds: Vec<_> = config.sources.iter().map(|source| source.entry.kind.id).collect();
    assert_eq!(kinds, ["datto-xml", "restic", "ping"]);
    assert_eq!(config.sources[2].pings.len(), 1);
    assert_eq!(config.channels.len(), 1);
    let roles: Vec<_> = config.owners.iter().map(|owner| owner.role).collect();
    assert_eq!(roles, [Role::Customer, Role::Operator, Role::Operator]);
    assert!(config.serve.link_key_file.is_some() && config.serve.watchdog_url.is_some());
}

#[test]
fn the_example_of_a_hoster_asks_a_directory_and_tells_us_what_nobody_else_is_told() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/stoney.toml");
    let config = Config::from_file(&path, &sources::ALL).unwrap_or_else(|error| panic!("{error}"));
    let [source] = config.sources.as_slice() else { panic!("one source") };
    assert_eq!((source.entry.kind.id, source.write_back), ("stoney", true));
    let directory = config.directory.as_ref().expect("a directory");
    assert_eq!((directory.ldap.servers.len(), directory.ldap.tls), (2, lastgood::ldap::Tls::StartTls));
    assert!(directory.ldap.bind.is_some() && directory.settings_url.is_some());
    assert_eq!((directory.mail_channel.as_str(), directory.language.as_str()), ("mail", "de-CH"));
    let roles: Vec<_> = config.owners.iter().map(|owner| owner.role).collect();
    assert_eq!(roles, [Role::Operator]);
    assert!(config.serve.link_key_file.is_some());
}

#[test]
fn a_mailbox_is_the_same_however_it_is_spelt() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    let text = "[[channel]]\nname = 'post'\nkind = 'mail'\nhost = 'mail.example'\nfrom = 'a@x.example'\n\
                [[channel]]\nname = 'page'\nkind = 'command'\ncommand = ['/bin/true']\n\
                [[owner]]\nrole = 'operator'\nto = ['post:Anna <anna@msp.example>', 'post:anna@MSP.example', \
                'post:not a mailbox', 'page:Anna@MSP.example']\n";
    std::fs::write(&path, text).expect("it is written");
    let config = Config::from_file(&path, &sources::ALL).unwrap_or_else(|error| panic!("{error}"));
    let spelt: Vec<_> = config.owners[0].to.iter().map(ToString::to_string).collect();
    let expected = ["post:anna@msp.example", "post:anna@msp.example", "post:not a mailbox"];
    assert_eq!((&spelt[..3], spelt[3].as_str()), (&expected.map(str::to_owned)[..], "page:Anna@MSP.example"));
}
