//! Which objects does an answer hold, whatever shape its list has?
//!
//! Lists come bare, in an envelope with `pagination`, or as an object keyed by index; and an error may come with any
//! status, also where a list was expected.

use lastgood_core::observation::cut;
use serde_json::Value;

use super::{Object, value};

/// The longest message of the portal that is repeated, in bytes.
const MESSAGE_MAX_BYTES: usize = 300;

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The objects of the page, in order.
    pub items: Vec<Object>,
    /// How many pages there are, where the answer says so; 0 for an empty list.
    pub total_pages: Option<u64>,
    /// How many items all pages hold together, where the answer says so.
    pub total_items: Option<u64>,
    /// How many entries of the list were no objects, and so could not be read.
    pub unreadable_count: usize,
}

/// Why an answer is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Nothing came.
    #[error("an empty body came instead of a list; check the address")]
    Empty,
    /// A page for people came, most likely a login page.
    #[error("a web page came instead of JSON, perhaps a login page; check the address")]
    WebPage,
    /// It is no JSON, or it was cut.
    #[error("the answer is no JSON or was cut ({0}); look again, and check the address if it stays so")]
    NotJson(String),
    /// The portal answered with an error of its own.
    #[error("the portal answered {code}: {message}; look again, and ask its support if it stays so")]
    Portal {
        /// The code as it stands.
        code: String,
        /// The message as it stands, cut.
        message: String,
    },
    /// It is JSON, but no list of any known shape.
    #[error("the answer is JSON but no list; the API may have changed")]
    NotAList,
}

/// Reads one page of a list from an answer's body.
pub fn read_page(body: &[u8]) -> Result<Page, AnswerError> {
    let text = body.trim_ascii();
    if text.is_empty() {
        return Err(AnswerError::Empty);
    }
    if text.starts_with(b"<") {
        return Err(AnswerError::WebPage);
    }
    let value: Value =
        serde_json::from_slice(text).map_err(|error| AnswerError::NotJson(error.to_string()))?;
    page_of(value)
}

/// Tells the shapes apart: an array is the list; an object with `items` has it there; one with `code` is an error; one
/// whose keys are all numbers (or that has none) is keyed by index.
fn page_of(answer: Value) -> Result<Page, AnswerError> {
    let mut object = match answer {
        Value::Array(items) => return Ok(page(items, None, None)),
        Value::Object(object) => object,
        _ => return Err(AnswerError::NotAList),
    };
    let pagination = object.get("pagination").and_then(Value::as_object);
    let stated = |field| pagination.and_then(|pagination| value::count(pagination, field));
    let (total_pages, total_items) = (stated("totalPages"), stated("count"));
    let page = |items, total_pages| page(items, total_pages, total_items);
    if let Some(items) = object.remove("items") {
        return match items {
            Value::Array(items) => Ok(page(items, total_pages)),
            Value::Object(items) => by_index(items).map(|items| page(items, total_pages)),
            Value::Null if total_pages == Some(0) => Ok(page(Vec::new(), total_pages)),
            _ => Err(AnswerError::NotAList),
        };
    }
    if object.contains_key("code") {
        let shown = |field| cut(&value::text(&object, field).unwrap_or_default(), MESSAGE_MAX_BYTES);
        return Err(AnswerError::Portal { code: shown("code"), message: shown("message") });
    }
    by_index(object).map(|items| page(items, None))
}

fn by_index(object: Object) -> Result<Vec<Value>, AnswerError> {
    let mut indexed = Vec::with_capacity(object.len());
    for (key, item) in object {
        let index = key.parse::<u64>().map_err(|_| AnswerError::NotAList)?;
        indexed.push((index, item));
    }
    indexed.sort_by_key(|(index, _)| *index);
    Ok(indexed.into_iter().map(|(_, item)| item).collect())
}

fn page(items: Vec<Value>, total_pages: Option<u64>, total_items: Option<u64>) -> Page {
    let mut page = Page { total_pages, total_items, ..Page::default() };
    for item in items {
        match item {
            Value::Object(object) => page.items.push(object),
            _ => page.unreadable_count += 1,
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn names(body: &str) -> Result<Vec<String>, AnswerError> {
        let page = read_page(body.as_bytes())?;
        Ok(page.items.iter().map(|item| value::text(item, "name").unwrap_or_default().into_owned()).collect())
    }

    #[rstest]
    #[case(r#"[{"name":"a"},{"name":"b"}]"#)]
    #[case(r#"{"pagination":{"page":1,"totalPages":1},"items":[{"name":"a"},{"name":"b"}]}"#)]
    #[case(r#"{"items":[{"name":"a"},{"name":"b"}]}"#)]
    #[case(r#"{"1":{"name":"b"},"0":{"name":"a"}}"#)]
    #[case(r#"{"10":{"name":"b"},"9":{"name":"a"}}"#)]
    #[case(r#"{"pagination":{"totalPages":1},"items":{"0":{"name":"a"},"1":{"name":"b"}}}"#)]
    fn every_shape_gives_the_same_list(#[case] body: &str) {
        assert_eq!(names(body), Ok(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[rstest]
    #[case("[]")]
    #[case("{}")]
    #[case(r#"{"pagination":{"totalPages":0},"items":[]}"#)]
    #[case(r#"{"pagination":{"totalPages":0},"items":null}"#)]
    fn an_empty_list_is_no_error(#[case] body: &str) {
        assert_eq!(names(body), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_list_is_said() {
        assert_eq!(names("  "), Err(AnswerError::Empty));
        assert_eq!(names("<!DOCTYPE html>"), Err(AnswerError::WebPage));
        assert!(matches!(names(r#"[{"name":"a"}"#), Err(AnswerError::NotJson(_))));
        assert_eq!(names("3"), Err(AnswerError::NotAList));
        assert_eq!(names(r#"{"name":"a"}"#), Err(AnswerError::NotAList));
        assert_eq!(names(r#"{"items":"x"}"#), Err(AnswerError::NotAList));
        let portal = AnswerError::Portal { code: "E1".to_owned(), message: "no".to_owned() };
        assert_eq!(names(r#"{"code":"E1","message":"no"}"#), Err(portal));
    }

    #[test]
    fn an_entry_that_is_no_object_is_counted() {
        assert_eq!(
            read_page(b"[1,{},null]").map(|page| (page.items.len(), page.unreadable_count)),
            Ok((1, 2))
        );
    }
}
