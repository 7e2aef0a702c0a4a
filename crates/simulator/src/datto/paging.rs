//! How does the REST API cut a list into pages, and in which of its shapes does it give one? Pure; knows neither HTTP
//! nor what the items are. Follows the fact "Paging and shapes".

use serde_json::{Map, Value, json};

/// Page size where `_perPage` is not sent, and the largest one given.
pub const PAGE_SIZE_MAX: usize = 100;

/// The three shapes in which a list of assets is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListShape {
    /// `[…]`: met where `_page` is not sent. Pages asked for all the same are cut, but nothing says how many there are.
    Array,
    /// `{"pagination": {…}, "items": […]}`: met where `_page` is sent.
    Envelope,
    /// `{"0": {…}, "1": {…}}`, `{}` when empty: met since 2026.
    IndexedObject,
}

/// What the query asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    /// `_page`, from 1.
    pub(crate) page: Option<usize>,
    /// `_perPage`.
    pub(crate) per_page: Option<usize>,
}

/// How this portal departs from the contract.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Paging {
    /// The shape of asset lists, whatever was asked; `None` chooses as the API does.
    pub(crate) shape: Option<ListShape>,
    /// The largest page given, if smaller than [`PAGE_SIZE_MAX`].
    pub(crate) page_cap: Option<usize>,
    /// What `totalPages` claims; `None` tells the truth.
    pub(crate) claimed_pages: Option<usize>,
    /// Is `count` left out?
    pub(crate) is_uncounted: bool,
    /// How many items have moved from the end of the list to its beginning since its first page was read.
    pub(crate) moved: usize,
}

/// A list whose items are made one by one: a page of a large fleet costs what the page costs.
pub(crate) struct List<'a> {
    /// How many items there are on all pages.
    pub(crate) count: usize,
    /// Makes the item at an index below `count`.
    pub(crate) item: &'a dyn Fn(usize) -> Value,
}

/// Cuts the page out of a list that always comes in an envelope, such as that of the devices.
pub(crate) fn envelope(list: &List<'_>, asked: Asked, paging: Paging) -> Value {
    let per_page = per_page(asked, paging);
    let page = asked.page.unwrap_or(1).max(1);
    let total_pages = paging.claimed_pages.unwrap_or(list.count.div_ceil(per_page));
    let mut pagination = json!({ "page": page, "perPage": per_page, "totalPages": total_pages });
    if !paging.is_uncounted {
        pagination["count"] = json!(list.count);
    }
    json!({
        "pagination": pagination,
        "items": cut(list, page, per_page, paging.moved),
    })
}

/// Cuts the page out of a list of assets, in whichever shape applies. Without `_page` an array is the whole list.
pub(crate) fn asset_list(list: &List<'_>, asked: Asked, paging: Paging) -> Value {
    let met = if asked.page.is_some() { ListShape::Envelope } else { ListShape::Array };
    let cut_if_asked = || match asked.page {
        Some(page) => cut(list, page.max(1), per_page(asked, paging), paging.moved),
        None => cut(list, 1, list.count, 0),
    };
    match paging.shape.unwrap_or(met) {
        ListShape::Array => Value::Array(cut_if_asked()),
        ListShape::Envelope => envelope(list, asked, paging),
        ListShape::IndexedObject => {
            let numbered = cut_if_asked().into_iter().enumerate();
            Value::Object(numbered.map(|(index, item)| (index.to_string(), item)).collect::<Map<_, _>>())
        }
    }
}

fn per_page(asked: Asked, paging: Paging) -> usize {
    let cap = paging.page_cap.unwrap_or(PAGE_SIZE_MAX).clamp(1, PAGE_SIZE_MAX);
    asked.per_page.unwrap_or(PAGE_SIZE_MAX).clamp(1, cap)
}

/// The first page is cut before anything moves, every other one after it.
fn cut(list: &List<'_>, page: usize, per_page: usize, moved: usize) -> Vec<Value> {
    let start = (page - 1).saturating_mul(per_page).min(list.count);
    let end = start.saturating_add(per_page).min(list.count);
    let moved = if page > 1 { moved.min(list.count) } else { 0 };
    (start..end).map(|index| (list.item)((index + list.count - moved) % list.count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: usize) -> List<'static> {
        List { count, item: &|index| json!(index) }
    }

    fn asked(page: usize, per_page: usize) -> Asked {
        Asked { page: Some(page), per_page: Some(per_page) }
    }

    #[test]
    fn pages_together_are_the_list() {
        for count in [0, 1, 4, 5, 6, 10, 11] {
            let mut all = Vec::new();
            let mut page = 1;
            loop {
                let answer = envelope(&items(count), asked(page, 5), Paging::default());
                all.extend(answer["items"].as_array().unwrap().clone());
                if answer["pagination"]["totalPages"].as_u64().unwrap() <= page as u64 {
                    break;
                }
                page += 1;
            }
            assert_eq!(all, (0..count).map(|index| json!(index)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_empty_list_has_no_pages() {
        let answer = envelope(&items(0), Asked::default(), Paging::default());
        let expected = json!({ "page": 1, "perPage": 100, "totalPages": 0, "count": 0 });
        assert_eq!(answer["pagination"], expected);
    }

    #[test]
    fn no_page_is_larger_than_a_hundred_or_the_cap() {
        let length = |asked, paging| envelope(&items(300), asked, paging)["items"].as_array().unwrap().len();
        assert_eq!(length(asked(1, 250), Paging::default()), 100);
        assert_eq!(length(Asked::default(), Paging::default()), 100);
        assert_eq!(length(asked(1, 250), Paging { page_cap: Some(3), ..Paging::default() }), 3);
        assert_eq!(length(asked(99, 100), Paging::default()), 0);
    }

    #[test]
    fn the_shape_of_an_asset_list_follows_the_question_unless_it_is_set() {
        let whole = asset_list(&items(150), Asked::default(), Paging::default());
        assert_eq!(whole.as_array().unwrap().len(), 150);
        assert_eq!(asset_list(&items(3), asked(1, 2), Paging::default())["items"], json!([0, 1]));
        let indexed = Paging { shape: Some(ListShape::IndexedObject), ..Paging::default() };
        assert_eq!(asset_list(&items(3), asked(2, 2), indexed), json!({ "0": 2 }));
        assert_eq!(asset_list(&items(0), asked(1, 2), indexed), json!({}));
        let array = Paging { shape: Some(ListShape::Array), ..Paging::default() };
        assert_eq!(asset_list(&items(3), asked(2, 2), array), json!([2]));
    }

    #[test]
    fn a_list_that_moves_repeats_one_item_and_loses_another_and_its_count_agrees() {
        let paging = Paging { moved: 1, ..Paging::default() };
        let pages = [1, 2, 3].map(|page| envelope(&items(5), asked(page, 2), paging));
        assert_eq!(
            pages.each_ref().map(|page| &page["items"]),
            [&json!([0, 1]), &json!([1, 2]), &json!([3])]
        );
        assert!(pages.iter().all(|page| page["pagination"]["count"] == 5));
        let array = Paging { shape: Some(ListShape::Array), ..paging };
        assert_eq!(asset_list(&items(5), asked(2, 2), array), json!([1, 2]));
        assert_eq!(asset_list(&items(0), asked(2, 2), array), json!([]));
    }

    #[test]
    fn the_count_can_be_left_out() {
        let answer = envelope(&items(3), asked(1, 2), Paging { is_uncounted: true, ..Paging::default() });
        assert_eq!(answer["pagination"], json!({ "page": 1, "perPage": 2, "totalPages": 2 }));
    }

    #[test]
    fn total_pages_can_claim_more_than_there_are() {
        let paging = Paging { claimed_pages: Some(1_000_000), ..Paging::default() };
        let answer = envelope(&items(3), asked(2, 100), paging);
        assert_eq!(answer["pagination"]["totalPages"], 1_000_000);
        assert_eq!(answer["items"], json!([]));
    }
}
