//! Do the three XML feeds answer at their addresses, with their key only?

use lastgood_simulator::{ClosedPort, Faults, Keys, Portal};

use crate::support::{client, get, portal, small_fleet};

#[tokio::test]
async fn each_feed_gives_its_tree() {
    let portal = portal(Faults::none()).await;
    let fleet = small_fleet();
    for (url, expected) in [
        (portal.xml_url(), fleet.xml_tree_a()),
        (portal.old_xml_url(), fleet.xml_tree_a()),
        (portal.xmlstatus_url(), fleet.xml_tree_b()),
    ] {
        let answer = get(&url).await;
        assert_eq!(answer.status(), 200, "{url}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/xml"));
        assert_eq!(answer.text().await.unwrap(), expected, "{url}");
    }
}

#[tokio::test]
async fn the_addresses_are_those_of_the_real_feeds() {
    let portal = portal(Faults::none()).await;
    let key = &portal.keys().xml;
    assert_eq!(key.len(), 32);
    assert!(key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    assert!(portal.xml_url().ends_with(&format!("/external/api/xml/status/{key}")));
    assert!(portal.old_xml_url().ends_with(&format!("/xml2.php?type=status&apiKey={key}")));
    assert!(portal.xmlstatus_url().ends_with(&format!("/integrateXML.php?feed=xmlstatus&apiKey={key}")));
}

#[tokio::test]
async fn a_wrong_key_or_question_is_refused_outside_2xx() {
    let portal = portal(Faults::none()).await;
    let key = portal.keys().xml.clone();
    for url in [
        portal.xml_url().replace(&key, "wrong"),
        portal.old_xml_url().replace(&key, "wrong"),
        portal.xmlstatus_url().replace(&key, "wrong"),
        portal.old_xml_url().replace("type=status", "type=other"),
        portal.xmlstatus_url().replace("feed=xmlstatus", "feed=other"),
    ] {
        let answer = get(&url).await;
        assert_eq!(answer.status(), 403, "{url}");
        assert!(!answer.text().await.unwrap().contains("<Device>"));
    }
}

#[tokio::test]
async fn a_portal_has_the_keys_it_was_given() {
    let keys = Keys { xml: "another".into(), ..Keys::default() };
    let portal = Portal::start_with_keys(small_fleet(), Faults::none(), keys).await.unwrap();
    assert_eq!(get(&portal.xml_url()).await.status(), 200);
    let default_url = portal.xml_url().replace("another", &Keys::default().xml);
    assert_eq!(get(&default_url).await.status(), 403);
}

#[tokio::test]
async fn a_portal_remembers_what_it_was_asked() {
    let portal = portal(Faults::none()).await;
    get(&portal.old_xml_url()).await;
    client().post(portal.xml_url()).send().await.unwrap();
    let requests = portal.requests();
    assert_eq!(requests[0].path, "/xml2.php");
    assert!(requests[0].query.starts_with("type=status&"));
    assert_eq!(portal.request_count(), 2);
    assert_eq!(portal.request_count_below("/external/"), 1);
    assert_eq!(portal.requests_by_path()["/xml2.php"], 1);
    assert_eq!(portal.methods().into_iter().collect::<Vec<_>>(), ["GET", "POST"]);
    portal.forget_requests();
    assert_eq!((portal.request_count(), portal.requests().len()), (0, 0));
}

#[tokio::test]
async fn another_fleet_is_served_from_the_next_request_on() {
    let portal = portal(Faults::none()).await;
    let before = get(&portal.xml_url()).await.text().await.unwrap();
    let mut fleet = small_fleet();
    fleet.devices.truncate(1);
    portal.replace_fleet(fleet.clone());
    let after = get(&portal.xml_url()).await.text().await.unwrap();
    assert_ne!(before, after);
    assert_eq!(after, fleet.xml_tree_a());
}

#[tokio::test]
async fn a_stopped_or_dropped_portal_is_gone() {
    let stopped = portal(Faults::none()).await;
    let url = stopped.xml_url();
    assert_eq!(get(&url).await.status(), 200);
    stopped.stop().await.unwrap();
    assert!(client().get(&url).send().await.unwrap_err().is_connect());

    let dropped = portal(Faults::none()).await;
    let url = dropped.xml_url();
    drop(dropped);
    let mut answers = true;
    for _ in 0..1000 {
        answers = client().get(&url).send().await.is_ok();
        if !answers {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!answers, "a dropped portal still answers");
}

#[tokio::test]
async fn a_closed_port_refuses_connections() {
    let port = ClosedPort::reserve().unwrap();
    let error = client().get(port.url()).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}
