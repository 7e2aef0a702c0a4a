//! How is the body of a request made of a message, where the receiver wants it in a shape of its own?
//!
//! A template is a tree of JSON with `{placeholders}` in its texts, so what is put in stays within its text whatever it
//! holds: there is no JSON to escape. It does not know where the body goes.

use serde_json::{Map, Value};

use crate::channels::Message;

/// A template whose placeholders all exist.
#[derive(Clone, Debug)]
pub(super) struct Template(Node);

#[derive(Clone, Debug)]
enum Node {
    /// Copied as it is.
    Fixed(Value),
    /// One placeholder and nothing else: becomes its value, of whatever type that is.
    Whole(Placeholder),
    /// Text with placeholders: becomes a text.
    Mixed(Vec<Piece>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Filled(Placeholder),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Key,
    Thread,
    To,
    Subject,
    Text,
    Html,
    WrittenAt,
    Details,
}

impl Placeholder {
    const ALL: [(&'static str, Self); 8] = [
        ("key", Self::Key),
        ("thread", Self::Thread),
        ("to", Self::To),
        ("subject", Self::Subject),
        ("text", Self::Text),
        ("html", Self::Html),
        ("written_at", Self::WrittenAt),
        ("details", Self::Details),
    ];

    /// The value, `null` where the message has none.
    fn value(self, message: &Message) -> Value {
        match self {
            Self::Key => message.key.as_str().into(),
            Self::Thread => message.thread.as_ref().map_or(Value::Null, |thread| thread.as_str().into()),
            Self::To => message.address.to.as_str().into(),
            Self::Subject => message.subject_line().into(),
            Self::Text => message.text.as_str().into(),
            Self::Html => message.html.as_deref().map_or(Value::Null, Value::from),
            Self::WrittenAt => message.written_at.to_string().into(),
            Self::Details => message.details.clone(),
        }
    }
}

impl Template {
    /// Reads a template; `Err` says everything that is wrong with it.
    pub(super) fn new(written: toml::Table) -> Result<Self, String> {
        let mut mistakes = Vec::new();
        let node = node(toml::Value::Table(written), &mut mistakes);
        if mistakes.is_empty() { Ok(Self(node)) } else { Err(mistakes.join("; ")) }
    }

    /// Fills it.
    pub(super) fn fill(&self, message: &Message) -> Value {
        filled(&self.0, message)
    }
}

fn node(written: toml::Value, mistakes: &mut Vec<String>) -> Node {
    match written {
        toml::Value::String(text) => text_node(&text, mistakes),
        toml::Value::Array(values) => {
            Node::List(values.into_iter().map(|value| node(value, mistakes)).collect())
        }
        toml::Value::Table(table) => {
            Node::Object(table.into_iter().map(|(key, value)| (key, node(value, mistakes))).collect())
        }
        toml::Value::Integer(number) => Node::Fixed(number.into()),
        toml::Value::Boolean(truth) => Node::Fixed(truth.into()),
        toml::Value::Float(number) => {
            if !number.is_finite() {
                mistakes.push(format!("{number} is no number of JSON"));
            }
            Node::Fixed(number.into())
        }
        toml::Value::Datetime(time) => {
            mistakes.push(format!("JSON has no type for {time}; write it as a text in quotes"));
            Node::Fixed(Value::Null)
        }
    }
}

fn text_node(text: &str, mistakes: &mut Vec<String>) -> Node {
    let pieces = pieces(text, mistakes);
    match pieces.as_slice() {
        [Piece::Filled(placeholder)] => return Node::Whole(*placeholder),
        pieces => {
            let is_details = |piece: &Piece| matches!(piece, Piece::Filled(Placeholder::Details));
            if pieces.iter().any(is_details) {
                mistakes.push("{details} is no text; it must stand alone in its quotes".to_owned());
            }
        }
    }
    Node::Mixed(pieces)
}

/// Cuts a text at its placeholders; `{{` and `}}` stand for one brace.
fn pieces(text: &str, mistakes: &mut Vec<String>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        let name = if brace == "{" { after.split_once('}') } else { None };
        let Some((name, after)) = name else {
            mistakes
                .push(format!("{text:?} has a lone {brace}; write {brace}{brace} for the character itself"));
            return pieces;
        };
        match Placeholder::ALL.iter().find(|(known, _)| *known == name) {
            Some((_, placeholder)) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Filled(*placeholder));
            }
            None => mistakes.push(unknown(name)),
        }
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

fn unknown(name: &str) -> String {
    let names: Vec<String> = Placeholder::ALL.iter().map(|(name, _)| format!("{{{name}}}")).collect();
    format!(
        "there is no placeholder {{{}}}; there are {}",
        lastgood_core::id::Escaped(name),
        names.join(", ")
    )
}

fn filled(node: &Node, message: &Message) -> Value {
    match node {
        Node::Fixed(value) => value.clone(),
        Node::Whole(placeholder) => placeholder.value(message),
        Node::Mixed(pieces) => pieces.iter().map(|piece| shown(piece, message)).collect::<String>().into(),
        Node::List(nodes) => nodes.iter().map(|node| filled(node, message)).collect(),
        Node::Object(nodes) => Value::Object(
            nodes.iter().map(|(key, node)| (key.clone(), filled(node, message))).collect::<Map<_, _>>(),
        ),
    }
}

/// A piece as text; what the message has not is empty.
fn shown(piece: &Piece, message: &Message) -> String {
    match piece {
        Piece::Text(text) => text.clone(),
        Piece::Filled(placeholder) => placeholder.value(message).as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::channels::tests::hostile;

    fn template(toml: &str) -> Result<Template, String> {
        Template::new(toml.parse().expect("TOML"))
    }

    #[test]
    fn what_is_put_in_stays_within_its_text() {
        let message =
            Message { text: "\"}, \"admin\": true, {\"a\": \"{subject}\u{0}".to_owned(), ..hostile() };
        let written =
            "a = 'x {text} y {{text}}'\nb = [1, 2.5, true, '{thread}', { c = '{details}' }]\nd = '{html}!'";
        let body =
            template(written).expect("a good template").fill(&Message { html: None, ..message.clone() });
        let expected = json!({
            "a": format!("x {} y {{text}}", message.text),
            "b": [1, 2.5, true, message.thread.as_ref().map(crate::channels::Key::as_str), { "c": message.details }],
            "d": "!",
        });
        assert_eq!(body, expected);
        assert_eq!(serde_json::from_str::<Value>(&body.to_string()).expect("JSON"), expected);
    }

    #[rstest]
    #[case::unknown(
        "a = '{subjct}'",
        "there is no placeholder {subjct}; there are {key}, {thread}, {to}, {subject}"
    )]
    #[case::lone("a = 'x } y'", "\"x } y\" has a lone }; write }} for the character itself")]
    #[case::open("a = 'x { y'", "\"x { y\" has a lone {; write {{ for the character itself")]
    #[case::details("a = 'x {details}'", "{details} is no text; it must stand alone in its quotes")]
    #[case::time("a = 2026-01-01", "JSON has no type for 2026-01-01; write it as a text in quotes")]
    #[case::infinite("a = inf", "inf is no number of JSON")]
    #[case::two("a = '{x}'\nb = 'y}'", "there is no placeholder {x};")]
    fn a_mistake_is_told_when_the_template_is_read(#[case] written: &str, #[case] expected: &str) {
        let mistake = template(written).expect_err("a mistake");
        assert!(mistake.starts_with(expected), "{mistake}");
    }
}
