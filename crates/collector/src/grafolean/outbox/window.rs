//! Which of the waiting values go together into a request, and up to where have they been sent?
//!
//! Pure. It keeps two promises: no request holds a path twice, and of a path no value goes before an earlier one.

use std::collections::HashMap;

use crate::grafolean::client::{Client, REQUEST_MAX_BYTES, size_of};
use crate::grafolean::spool::{Batch, Position};
use crate::grafolean::value::Value;

/// How many values are looked at ahead, to fill requests though paths repeat.
pub(super) const WINDOW_MAX: usize = 4 * Client::VALUES_MAX;

/// The first values of an account, and which of them are finished with.
pub(super) struct Window {
    batch: Batch,
    is_finished: Vec<bool>,
    /// How many at the beginning are finished and spent.
    spent_count: usize,
}

impl Window {
    pub(super) fn new(batch: Batch) -> Self {
        Self { is_finished: vec![false; batch.values.len()], batch, spent_count: 0 }
    }

    /// Its values of these indexes.
    pub(super) fn values(&self, indexes: &[usize]) -> Vec<Value> {
        indexes.iter().map(|index| self.batch.values[*index].1.clone()).collect()
    }

    /// Divides it into requests, to be sent in this order: each value into the first one with room behind the last that
    /// holds its path.
    pub(super) fn requests(&self) -> Vec<Vec<usize>> {
        let mut requests: Vec<(Vec<usize>, usize)> = Vec::new();
        let mut earliest: HashMap<&str, usize> = HashMap::new();
        for (index, (_, value)) in self.batch.values.iter().enumerate() {
            let size = size_of(value);
            let earliest = earliest.entry(value.path()).or_insert(0);
            while requests.get(*earliest).is_some_and(|(indexes, bytes)| {
                indexes.len() == Client::VALUES_MAX || bytes + size > REQUEST_MAX_BYTES
            }) {
                *earliest += 1;
            }
            if *earliest == requests.len() {
                requests.push((Vec::new(), 0));
            }
            let (indexes, bytes) = &mut requests[*earliest];
            indexes.push(index);
            *bytes += size;
            *earliest += 1;
        }
        requests.into_iter().map(|(indexes, _)| indexes).collect()
    }

    /// Finishes values, and returns what of the account can be spent now, if anything: the ends, and up to where.
    pub(super) fn finish(&mut self, indexes: &[usize]) -> Option<(Vec<Position>, Position)> {
        for index in indexes {
            self.is_finished[*index] = true;
        }
        let finished =
            self.is_finished[self.spent_count..].iter().take_while(|is_finished| **is_finished).count();
        if finished == 0 {
            return None;
        }
        let spent = &self.batch.values[self.spent_count..self.spent_count + finished];
        let ends: Vec<_> = spent.iter().map(|(end, _)| *end).collect();
        self.spent_count += finished;
        let is_all = self.spent_count == self.is_finished.len();
        let until = if is_all { self.batch.end } else { *ends.last()? };
        Some((ends, until))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Second;

    fn window(paths: &[String]) -> Window {
        let values = paths.iter().zip(0..).map(|(path, at)| {
            (Position::test(at), Value::new(path.as_str(), 1.0, Second(at.cast_signed())).unwrap())
        });
        let end = Position::test(paths.len() as u64);
        Window::new(Batch { values: values.collect(), end })
    }

    #[test]
    fn repeated_paths_fill_as_few_requests_as_possible() {
        let paths: Vec<_> = ["a", "a", "b", "b", "c", "a"].map(String::from).into();
        assert_eq!(window(&paths).requests(), [vec![0, 2, 4], vec![1, 3], vec![5]]);
    }

    #[test]
    fn a_request_holds_at_most_1000_values() {
        let paths: Vec<_> = (0..2_001).map(|number| format!("p{number}")).collect();
        let lengths: Vec<_> = window(&paths).requests().iter().map(Vec::len).collect();
        assert_eq!(lengths, [1_000, 1_000, 1]);
    }

    #[test]
    fn only_what_is_finished_from_the_beginning_on_is_spent() {
        let mut window = window(&["a", "b", "c"].map(String::from));
        assert!(window.finish(&[1]).is_none());
        let (ends, until) = window.finish(&[0]).unwrap();
        assert_eq!((ends.len(), until), (2, Position::test(1)));
        let (ends, until) = window.finish(&[2]).unwrap();
        assert_eq!((ends.len(), until), (1, Position::test(3)));
    }

    proptest! {
        #[test]
        fn every_value_goes_once_no_path_twice_and_in_order(paths in proptest::collection::vec("[a-f]", 0..200)) {
            let mut sent: HashMap<&str, usize> = HashMap::new();
            let mut count = 0;
            for request in window(&paths).requests() {
                let mut held = std::collections::HashSet::new();
                for index in request {
                    let path = paths[index].as_str();
                    prop_assert!(held.insert(path), "twice in one request");
                    prop_assert!(sent.insert(path, index).is_none_or(|before| before < index), "out of order");
                    count += 1;
                }
            }
            prop_assert_eq!(count, paths.len());
        }
    }
}
