//! What stands in an answer that is no list and no feed? Error bodies, the login page, hostile documents. Texts only; knows
//! neither fleet nor faults.
//!
//! Follows the facts "Transport" (an error body is `{"code", "message"}`) and "Addresses" (nothing but a status outside 2xx
//! tells an error of an XML feed; an error page may be HTML with status 200).

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

/// Which of the two interfaces is asked: they refuse in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interface {
    Feed,
    Rest,
}

impl Interface {
    pub(super) fn of(path: &str) -> Self {
        if path.starts_with("/v1/") { Self::Rest } else { Self::Feed }
    }
}

/// A refusal as that interface gives it.
pub(super) fn refusal(interface: Interface, status: StatusCode, message: &str) -> Response {
    match interface {
        Interface::Rest => {
            let code = status.canonical_reason().unwrap_or("Error").to_uppercase().replace(' ', "_");
            (status, Json(json!({ "code": code, "message": message }))).into_response()
        }
        Interface::Feed => {
            let page =
                format!("<html><head><title>{status}</title></head><body><h1>{message}</h1></body></html>\n");
            (status, Html(page)).into_response()
        }
    }
}

/// An error that calls itself a success.
pub(super) fn error_object(interface: Interface) -> Response {
    match interface {
        Interface::Rest => {
            refusal(interface, StatusCode::OK, "The request could not be processed").into_response()
        }
        Interface::Feed => {
            xml("<?xml version=\"1.0\"?>\n<Error><code>500</code><message>Internal error</message></Error>\n")
        }
    }
}

/// A portal's login page, with status 200.
pub(super) fn login() -> Response {
    let page = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Partner Portal - Log in</title></head>\n\
        <body><form method=\"post\" action=\"/login\"><label>Email <input name=\"email\"></label>\n\
        <label>Password <input type=\"password\" name=\"password\"></label><button>Log in</button></form></body></html>\n";
    Html(page).into_response()
}

/// A document whose DTD wants a local file and the address `call_url` read.
pub(super) fn dtd(call_url: &str) -> Response {
    xml(format!(
        "<?xml version=\"1.0\"?>\n\
         <!DOCTYPE Devices SYSTEM \"{call_url}\" [\n\
         <!ENTITY file SYSTEM \"file:///etc/hostname\">\n\
         <!ENTITY call SYSTEM \"{call_url}\">\n\
         ]>\n\
         <Devices total=\"1\"><Device><SerialNumber>D05099000001</SerialNumber>\
         <Hostname>&file;&call;</Hostname><Uptime>1</Uptime></Device></Devices>\n"
    ))
}

/// Ten entities, each ten times the one before: 10^10 letters in about 1 KB.
pub(super) fn nested_entities() -> Response {
    use std::fmt::Write as _;

    let mut document =
        String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE Devices [\n<!ENTITY e0 \"aaaaaaaaaa\">\n");
    for level in 1..10 {
        let below = format!("&e{};", level - 1).repeat(10);
        writeln!(document, "<!ENTITY e{level} \"{below}\">").expect("a string takes all text");
    }
    document.push_str("]>\n<Devices total=\"1\"><Device><SerialNumber>D05099000001</SerialNumber>");
    document.push_str("<Hostname>&e9;</Hostname><Uptime>1</Uptime></Device></Devices>\n");
    xml(document)
}

/// An XML answer.
pub(super) fn xml(document: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document.into()).into_response()
}
