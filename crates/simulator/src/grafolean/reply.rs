//! What does an answer consist of? Status, content type, body, and the words the backend has for its refusals. Knows
//! nothing of connections.

use hyper::body::Bytes;

/// Content type of a crash, and of what stands behind a fault.
const PLAIN: &str = "text/plain; charset=utf-8";

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status, such as 200.
    pub status: u16,
    /// `Content-Type`; no such header if `None`, as the real backend's plain refusals have none.
    pub content_type: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// An answer without a body and a content type.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: None, headers: Vec::new(), body: Bytes::new() }
    }

    /// An answer in JSON, its body as it stands.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let content_type = Some("application/json".to_owned());
        Self { content_type, body: body.into(), ..Self::empty(status) }
    }

    /// `{"detail": …}`, the shape of refusals of the framework.
    pub fn detail(status: u16, detail: &str) -> Self {
        let detail = serde_json::Value::from(detail);
        Self::json(status, format!(r#"{{"detail":{detail}}}"#))
    }

    /// Plain text without a content type, the shape of refusals of access and of values.
    pub fn plain(status: u16, text: &str) -> Self {
        Self { body: text.to_owned().into(), ..Self::empty(status) }
    }

    /// 500 in plain text: an exception nobody caught.
    pub fn crash() -> Self {
        let content_type = Some(PLAIN.to_owned());
        Self { content_type, ..Self::plain(500, "Internal Server Error") }
    }

    /// 400 for a value, path or instant of a wrong form.
    pub(super) fn validation(message: &str) -> Self {
        Self::plain(400, &format!("Input validation failed: {message}"))
    }

    /// An HTML page, as a proxy in front of the backend gives it.
    pub fn html(status: u16, title: &str) -> Self {
        let body = format!(
            "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1>\
             </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self { content_type: Some("text/html".to_owned()), body: body.into(), ..Self::empty(status) }
    }

    /// The same answer with one header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
