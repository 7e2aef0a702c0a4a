//! Does the REST API list devices and assets in pages and shapes, for its key pair only?

use lastgood_simulator::{AssetKind, DeviceTrait, Fault, Faults, Fleet, ListShape, Portal, Scope};
use serde_json::Value;

use crate::support::{client, get, json, now, portal, rest, small_fleet};

#[tokio::test]
async fn without_the_right_pair_everything_is_401_with_code_and_message() {
    let portal = portal(Faults::none()).await;
    let url = format!("{}/bcdr/device", portal.rest_url());
    let keys = portal.keys().clone();
    let asks = [
        client().get(&url),
        client().get(&url).basic_auth(&keys.rest_public, Some("wrong")),
        client().get(&url).basic_auth("wrong", Some(&keys.rest_secret)),
        client().get(&url).bearer_auth(&keys.rest_secret),
        client().get(format!("{}/no/such/route", portal.rest_url())),
    ];
    for ask in asks {
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let body = json(answer).await;
        assert!(body["code"].is_string() && body["message"].is_string(), "{body}");
    }
    assert_eq!(rest(&portal, "/bcdr/device").await.status(), 200);
}

#[tokio::test]
async fn the_device_list_comes_in_pages_that_together_are_the_fleet() {
    let fleet = Fleet::seeded(2, 230, 1, now());
    let portal = Portal::start(fleet.clone(), Faults::none()).await.unwrap();
    let mut all = Vec::new();
    for page in 1..=3 {
        let body = json(rest(&portal, &format!("/bcdr/device?_page={page}&_perPage=250")).await).await;
        assert_eq!(body["pagination"]["perPage"], 100);
        assert_eq!(body["pagination"]["totalPages"], 3);
        assert_eq!(body["pagination"]["count"], 230);
        all.extend(body["items"].as_array().unwrap().clone());
    }
    assert_eq!(all, fleet.device_items());
}

#[tokio::test]
async fn hidden_devices_are_left_out_only_where_that_is_asked() {
    let fleet = small_fleet();
    let portal = portal(Faults::none()).await;
    let shown = json(rest(&portal, "/bcdr/device?showHiddenDevices=1").await).await;
    let left_out = json(rest(&portal, "/bcdr/device?showHiddenDevices=0").await).await;
    let hidden = fleet.devices_with(DeviceTrait::Hidden).count();
    assert_eq!(shown["items"].as_array().unwrap().len(), 12);
    assert_eq!(left_out["items"].as_array().unwrap().len(), 12 - hidden);
    assert_eq!(left_out["pagination"]["count"], 12 - hidden);
}

#[tokio::test]
async fn the_asset_list_is_an_array_without_page_and_an_envelope_with_it() {
    let fleet = small_fleet();
    let portal = portal(Faults::none()).await;
    for device in &fleet.devices {
        let path = format!("/bcdr/device/{}/asset", device.serial);
        let items = fleet.asset_items(&device.serial).unwrap();
        assert_eq!(json(rest(&portal, &path).await).await, Value::Array(items.clone()));
        let body = json(rest(&portal, &format!("{path}?_page=1&_perPage=100")).await).await;
        assert_eq!(body["items"], Value::Array(items.clone()));
        assert_eq!(body["pagination"]["totalPages"], usize::from(!items.is_empty()));
    }
}

#[tokio::test]
async fn all_three_shapes_can_be_had_whatever_is_asked() {
    let fleet = small_fleet();
    let device = fleet.devices.iter().find(|device| device.assets.len() >= 3).unwrap();
    let items = fleet.asset_items(&device.serial).unwrap();
    for query in ["", "?_page=1&_perPage=100"] {
        let path = format!("/bcdr/device/{}/asset{query}", device.serial);
        for shape in [ListShape::Array, ListShape::Envelope, ListShape::IndexedObject] {
            let portal = portal(Faults::none().with(Scope::Rest, Fault::Shape(shape))).await;
            let body = json(rest(&portal, &path).await).await;
            let found: Vec<Value> = match shape {
                ListShape::Array => body.as_array().unwrap().clone(),
                ListShape::Envelope => body["items"].as_array().unwrap().clone(),
                ListShape::IndexedObject => {
                    (0..items.len()).map(|index| body[index.to_string()].clone()).collect()
                }
            };
            assert_eq!(found, items, "{shape:?}");
        }
    }
}

#[tokio::test]
async fn lists_of_one_kind_state_no_type_and_one_asset_is_an_array_of_one() {
    let fleet = small_fleet();
    let portal = portal(Faults::none()).await;
    let device = fleet.devices.iter().find(|device| device.asset_count(AssetKind::Share) == 1).unwrap();
    let base = format!("/bcdr/device/{}/asset", device.serial);
    for (kind, path) in [(AssetKind::Agent, "agent"), (AssetKind::Share, "share")] {
        let items = json(rest(&portal, &format!("{base}/{path}")).await).await;
        let items = items.as_array().unwrap();
        assert_eq!(items.len(), device.asset_count(kind));
        assert!(items.iter().all(|item| item.get("type").is_none()));
    }
    let volume = &device.assets[0].volume;
    let one = json(rest(&portal, &format!("{base}/{volume}")).await).await;
    assert_eq!(one[0]["name"], device.assets[0].name.as_str());
    assert_eq!(json(rest(&portal, &format!("{base}/0000")).await).await, Value::Array(vec![]));
}

#[tokio::test]
async fn single_devices_alerts_and_empty_lists_have_their_own_pages() {
    let fleet = small_fleet();
    let portal = portal(Faults::none()).await;
    let device = fleet.devices_with(DeviceTrait::Offline).next().unwrap();
    let base = format!("/bcdr/device/{}", device.serial);
    let item = json(rest(&portal, &base).await).await;
    assert_eq!(item["serialNumber"], device.serial.as_str());
    assert_eq!(item["alertCount"], 1);
    let alerts = json(rest(&portal, &format!("{base}/alert?_perPage=1")).await).await;
    assert_eq!(alerts["items"][0]["type"], "Device Not Seen Alert");
    assert_eq!(alerts["pagination"]["perPage"], 100);
    let restores = json(rest(&portal, &format!("{base}/vm-restores?_page=1")).await).await;
    assert_eq!(restores["items"], Value::Array(vec![]));
    assert!(json(rest(&portal, "/bcdr/agent").await).await["clients"].is_array());
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_what_is_no_get_is_405() {
    let portal = portal(Faults::none()).await;
    for path in ["/bcdr/device/NONE", "/bcdr/device/NONE/asset", "/bcdr/device/NONE/alert", "/report/alert"] {
        let answer = rest(&portal, path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert!(json(answer).await["code"].is_string());
    }
    assert_eq!(get(&format!("{}/v2/bcdr/device", portal.url())).await.status(), 404);
    let keys = portal.keys();
    let put = client().put(format!("{}/bcdr/device", portal.rest_url()));
    let answer = put.basic_auth(&keys.rest_public, Some(&keys.rest_secret)).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert!(portal.methods().contains("PUT"));
}

#[tokio::test]
async fn a_request_id_comes_back() {
    let portal = portal(Faults::none()).await;
    let ask = client().get(portal.xml_url()).header("X-Request-Id", "look-7");
    assert_eq!(ask.send().await.unwrap().headers()["x-request-id"], "look-7");
}

#[tokio::test]
async fn page_caps_and_claimed_pages_change_what_pagination_says() {
    let capped = portal(Faults::none().with(Scope::Rest, Fault::PageCap(5))).await;
    let body = json(rest(&capped, "/bcdr/device?_page=3&_perPage=100").await).await;
    assert_eq!(body["items"].as_array().unwrap().len(), 2);
    assert_eq!(body["pagination"]["totalPages"], 3);

    let claimed = portal(Faults::none().with(Scope::Rest, Fault::ClaimedPages(1_000_000))).await;
    let body = json(rest(&claimed, "/bcdr/device?_page=2&_perPage=100").await).await;
    assert_eq!(body["pagination"]["totalPages"], 1_000_000);
    assert_eq!(body["items"], Value::Array(vec![]));
}

#[tokio::test]
async fn the_year_9999_stands_in_feeds_and_lists_alike() {
    let portal = portal(Faults::none().with(Scope::Everything, Fault::Year9999)).await;
    let document = get(&portal.xml_url()).await.text().await.unwrap();
    assert!(document.contains("<LastBackup tz=\"EST\">9999-12-31 23:59:59</LastBackup>"));
    assert!(get(&portal.xmlstatus_url()).await.text().await.unwrap().contains("9999-12-31"));
    let devices = json(rest(&portal, "/bcdr/device").await).await.to_string();
    assert!(devices.contains("9999-12-31T23:59:59+00:00"));
}
