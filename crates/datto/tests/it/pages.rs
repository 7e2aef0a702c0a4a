//! Is a list read to its end where a portal cuts pages as small as it likes, and does not say how many there are?

use lastgood_core::observation::Extent;
use lastgood_datto::client::RestClient;
use lastgood_datto::key::KeyPair;
use lastgood_datto::look::Look;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{install_tls, now, rest_limits};

const DEVICES: &str = r#"{"pagination":{"page":1,"totalPages":1,"count":1},"items":[{"serialNumber":"A"}]}"#;

/// Which page of its assets a portal gives.
#[derive(Clone, Copy)]
enum Pages {
    /// The one that was asked for, of so many items.
    Of(usize),
    /// All of them, whatever was asked for.
    Whole,
}

fn page_of(list: &[String], pages: Pages, asked: usize) -> &[String] {
    match pages {
        Pages::Of(size) => list.chunks(size).nth(asked - 1).unwrap_or_default(),
        Pages::Whole => list,
    }
}

/// Answers one request; `None` if it was none of ours.
async fn answer(stream: &mut TcpStream, list: &[String], pages: Pages, is_indexed: bool) -> Option<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(stream.read_u8().await.ok()?);
    }
    let asked = String::from_utf8(asked).ok()?;
    let number = asked.split_once("_page=")?.1.split('&').next()?.parse().ok()?;
    let items = page_of(list, pages, number);
    let indexed = || items.iter().enumerate().map(|(index, item)| format!("\"{index}\":{item}"));
    let body = match (asked.contains("/asset"), is_indexed) {
        (false, _) => DEVICES.to_owned(),
        (true, false) => format!("[{}]", items.join(",")),
        (true, true) => format!("{{{}}}", indexed().collect::<Vec<_>>().join(",")),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).await.ok()
}

/// A client for a portal with one device of so many assets, which does not state their number.
async fn portal_of(count: usize, pages: Pages, is_indexed: bool) -> RestClient {
    install_tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let item = |id| format!(r#"{{"assetId":{id},"name":"a{id}","type":"agent"}}"#);
    let list: Vec<String> = (0..count).map(item).collect();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            answer(&mut stream, &list, pages, is_indexed).await;
        }
    });
    let keys = KeyPair::new("public", "secret").unwrap();
    RestClient::new(&base, &keys, rest_limits()).unwrap()
}

#[rstest]
#[case::none(0, Pages::Of(25), 1)]
#[case::fewer_than_a_small_page(24, Pages::Of(25), 1)]
#[case::one_small_page(25, Pages::Of(25), 2)]
#[case::small_pages(60, Pages::Of(25), 3)]
#[case::full_small_pages(75, Pages::Of(25), 4)]
#[case::pages_of_another_size(99, Pages::Of(33), 4)]
#[case::large_pages(130, Pages::Of(100), 3)]
#[case::larger_pages_than_asked_for(251, Pages::Of(250), 2)]
#[case::no_pages(60, Pages::Whole, 2)]
#[tokio::test]
async fn a_list_that_does_not_say_how_long_it_is_is_read_to_its_end(
    #[case] count: usize,
    #[case] pages: Pages,
    #[case] pages_asked: usize,
) {
    for is_indexed in [false, true] {
        let client = portal_of(count, pages, is_indexed).await;
        let collection = client.look(&Look::new_rest(now())).await;
        assert_eq!(collection.failures, []);
        assert_eq!(collection.repositories[0].listing, Extent::Complete);
        assert_eq!(collection.repositories[0].assets.len(), count);
        let mut raw = Vec::new();
        client.raw(&mut raw).await.unwrap();
        let raw = String::from_utf8(raw).unwrap();
        assert_eq!(raw.matches("/asset?").count(), pages_asked, "{raw}");
    }
}
