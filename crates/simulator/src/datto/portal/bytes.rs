//! How do the bytes of an answer reach the client? Whole, compressed, cut, in drips, without end. Knows nothing of what the
//! bytes say.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{self, Stream, StreamExt as _};

use super::journal::InFlight;
use super::pages::Interface;
use crate::datto::faults::{Fault, Filler};

/// Length of a piece of an endless body.
const PIECE_BYTES: usize = 64 * 1024;

/// How long a body that will be cut waits before the cut, so that what was written is on its way.
const BEFORE_CUT: Duration = Duration::from_millis(20);

/// Damages and marks an answer as the faults say, in their order. A body of unknown length is left as it is.
pub(super) async fn mark(response: Response, marks: &[Fault]) -> Response {
    let (mut parts, body) = response.into_parts();
    if body.size_hint().exact().is_none() {
        for fault in marks {
            mark_headers(&mut parts.headers, fault);
        }
        return Response::from_parts(parts, body);
    }
    let whole = axum::body::to_bytes(body, usize::MAX).await.expect("a body held in memory");
    let mut delivery = Delivery { announced: whole.len(), bytes: whole, drip: None };
    for fault in marks {
        mark_headers(&mut parts.headers, fault);
        delivery.suffer(fault);
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(delivery.announced));
    Response::from_parts(parts, delivery.into_body())
}

fn mark_headers(headers: &mut HeaderMap, fault: &Fault) {
    match fault {
        Fault::Gzip => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Fault::LimitHeaders { remaining, resets_at } => {
            let mut insert = |name, value| headers.insert(HeaderName::from_static(name), value);
            insert("x-api-limit-remaining", HeaderValue::from(*remaining));
            insert("x-api-limit-resets", HeaderValue::from(resets_at.as_second()));
            insert("x-api-limit-cost", HeaderValue::from(1));
        }
        // All others leave the headers alone.
        _ => {}
    }
}

/// A body on its way out.
struct Delivery {
    bytes: Bytes,
    /// What `Content-Length` says: more than there is, if the body is cut short.
    announced: usize,
    drip: Option<(usize, Duration)>,
}

impl Delivery {
    fn suffer(&mut self, fault: &Fault) {
        match fault {
            Fault::Gzip | Fault::GzipUnannounced => {
                self.bytes = compressed(&self.bytes);
                self.announced = self.bytes.len();
            }
            Fault::CutShort { at } => self.bytes.truncate(*at),
            Fault::CutCleanly { at } => {
                self.bytes.truncate(*at);
                self.announced = self.bytes.len();
            }
            Fault::Drip { bytes, pause } => self.drip = Some(((*bytes).max(1), *pause)),
            // What replaces an answer or changes a list is no damage; `Fault::replaces` sorts them.
            _ => {}
        }
    }

    fn into_body(self) -> Body {
        let is_cut = self.bytes.len() < self.announced;
        if !is_cut && self.drip.is_none() {
            return Body::from(self.bytes);
        }
        let (piece_bytes, pause) = self.drip.unwrap_or((usize::MAX, Duration::ZERO));
        let pieces = stream::unfold(self.bytes, move |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            tokio::time::sleep(pause).await;
            let piece = rest.split_to(piece_bytes.min(rest.len()));
            Some((Ok(piece), rest))
        });
        let end = stream::once(async move {
            tokio::time::sleep(BEFORE_CUT).await;
            Err(io::Error::from(io::ErrorKind::ConnectionAborted))
        });
        if is_cut { Body::from_stream(pieces.chain(end)) } else { Body::from_stream(pieces) }
    }
}

fn compressed(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a vector takes all bytes").into()
}

/// Pieces of an endless body.
pub(super) type Endless = Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>> + Send>>;

/// A body that is made on the fly and takes no more memory than one piece; ends, cut, after `length` bytes if given.
pub(super) fn endless(interface: Interface, filler: Filler, length: Option<u64>) -> Endless {
    let (head, unit) = match (interface, filler) {
        (Interface::Feed, Filler::OneValue) => (
            "<?xml version=\"1.0\"?>\n<Devices total=\"1\">\n<Device><SerialNumber>D05099000001</SerialNumber><Hostname>",
            "A",
        ),
        (Interface::Feed, Filler::ManyDevices) => (
            "<?xml version=\"1.0\"?>\n<Devices total=\"1\">\n",
            "<Device><SerialNumber>D05099000001</SerialNumber><Hostname>BDR01</Hostname></Device>\n",
        ),
        (Interface::Rest, Filler::OneValue) => ("{\"items\": [{\"name\": \"", "A"),
        (Interface::Rest, Filler::ManyDevices) => (
            "{\"pagination\": {\"page\": 1, \"perPage\": 100, \"totalPages\": 1, \"count\": 1}, \"items\": [",
            "{\"serialNumber\": \"D05099000001\", \"name\": \"BDR01\"},\n",
        ),
    };
    let piece = Bytes::from(unit.repeat(PIECE_BYTES.div_ceil(unit.len())));
    let start = (Bytes::from_static(head.as_bytes()), length.unwrap_or(u64::MAX));
    Box::pin(stream::unfold(start, move |(mut next, left)| {
        let following = piece.clone();
        async move {
            next.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            if next.is_empty() {
                return None;
            }
            let left = if length.is_some() { left - next.len() as u64 } else { left };
            Some((Ok(next), (following, left)))
        }
    }))
}

/// Keeps a request counted as running until the last piece of its answer is handed out: not longer, as a client may ask
/// again the moment it has that piece.
pub(super) fn hold(response: Response, running: InFlight) -> Response {
    let (mut parts, body) = response.into_parts();
    let exact = body.size_hint().exact();
    if let Some(length) = exact {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    let start = (body.into_data_stream(), Some(running), exact);
    let held = stream::unfold(start, |(mut pieces, mut running, mut left)| async move {
        let piece = pieces.next().await?;
        if let (Ok(piece), Some(left)) = (&piece, &mut left) {
            *left = left.saturating_sub(piece.len() as u64);
        }
        if left == Some(0) {
            running = None;
        }
        Some((piece, (pieces, running, left)))
    });
    Response::from_parts(parts, Body::from_stream(held))
}
