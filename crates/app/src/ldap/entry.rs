//! What does one entry of a directory hold?
//!
//! Reads what a server sent without trusting its shape; does not know what an attribute means.

use ldap3::asn1::{PL, StructureTag};

/// An entry with the attributes that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as the server wrote it.
    pub dn: String,
    /// Each attribute with its values, in the order of the server.
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: &str) -> Self {
        Self { dn: dn.to_owned(), attributes: Vec::new() }
    }

    /// Adds an attribute with its values.
    #[must_use]
    pub fn with(mut self, attribute: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        self.attributes.push((attribute.to_owned(), values));
        self
    }

    /// Returns the values of an attribute, whose name is taken without case; empty where the entry lacks it.
    pub fn values(&self, attribute: &str) -> &[Vec<u8>] {
        let found = self.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    /// True if the entry has the attribute.
    pub fn has(&self, attribute: &str) -> bool {
        !self.values(attribute).is_empty()
    }

    /// Returns how many bytes its name, its attributes and their values hold.
    pub(super) fn size_bytes(&self) -> usize {
        let attribute =
            |(name, values): &(String, Vec<Vec<u8>>)| name.len() + values.iter().map(Vec::len).sum::<usize>();
        self.dn.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }

    /// Reads a `SearchResultEntry` (RFC 4511, 4.5.2); `None` where it has another shape.
    pub(super) fn read(tag: StructureTag) -> Option<Self> {
        let mut parts = constructed(tag)?.into_iter();
        let dn = String::from_utf8(primitive(parts.next()?)?).ok()?;
        let mut attributes = Vec::new();
        for attribute in constructed(parts.next()?)? {
            let mut parts = constructed(attribute)?.into_iter();
            let name = String::from_utf8(primitive(parts.next()?)?).ok()?;
            let values = constructed(parts.next()?)?.into_iter().map(primitive);
            attributes.push((name, values.collect::<Option<Vec<_>>>()?));
        }
        Some(Self { dn, attributes })
    }
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::TagClass;

    use super::*;

    fn tag(payload: PL) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload }
    }

    fn text(text: &str) -> StructureTag {
        tag(PL::P(text.as_bytes().to_vec()))
    }

    fn list(parts: Vec<StructureTag>) -> StructureTag {
        tag(PL::C(parts))
    }

    #[test]
    fn an_entry_is_read_and_its_attributes_are_found_without_case() {
        let odd = tag(PL::P(vec![0xff, 0]));
        let attribute = list(vec![text("Mail"), list(vec![text("a@b.example"), odd])]);
        let read = Entry::read(list(vec![text("uid=1"), list(vec![attribute])])).expect("a good entry");
        assert_eq!(read.dn, "uid=1");
        assert_eq!(read.values("mAIL"), [b"a@b.example".to_vec(), vec![0xff, 0]]);
        assert!(!read.has("uid"));
        assert_eq!(read.size_bytes(), 5 + 4 + 11 + 2);
    }

    #[test]
    fn an_entry_of_another_shape_is_none() {
        let attribute = |parts| list(vec![text("uid=1"), list(vec![list(parts)])]);
        for broken in [
            text("uid=1"),
            list(vec![]),
            list(vec![text("uid=1")]),
            list(vec![tag(PL::P(vec![0xff])), list(vec![])]),
            list(vec![list(vec![]), list(vec![])]),
            attribute(vec![]),
            attribute(vec![text("mail")]),
            attribute(vec![text("mail"), text("a")]),
            attribute(vec![text("mail"), list(vec![list(vec![])])]),
        ] {
            assert_eq!(Entry::read(broken.clone()), None, "{broken:?}");
        }
    }
}
