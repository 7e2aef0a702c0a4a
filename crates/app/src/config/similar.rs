//! Which known word did somebody mean?
//!
//! Knows nothing of what the words stand for.

/// Longer words are no slips of the finger; comparing them would only cost time.
const MAX_LENGTH: usize = 64;

/// Finds the known word that differs least from `word`: by at most one letter in three, capitals not counted.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters: Vec<char> = word.to_lowercase().chars().collect();
    if letters.len() > MAX_LENGTH {
        return None;
    }
    let limit = (letters.len() / 3).max(1);
    let distances = known.into_iter().map(|candidate| (distance(&letters, candidate), candidate));
    let close = distances.filter(|&(distance, _)| distance <= limit);
    close.min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

/// Says what may have been meant, else lists what there is.
pub(super) fn hint(word: &str, many: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("there are no {many}"),
        None => format!("the {many} are {}", known.join(", ")),
    }
}

/// Counts the letters to insert, remove, replace or swap with their neighbour that make one word the other.
fn distance(letters: &[char], candidate: &str) -> usize {
    let other: Vec<char> = candidate.to_lowercase().chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (above, &letter) in letters.iter().enumerate() {
        let mut row = vec![above + 1];
        for (left, &wanted) in other.iter().enumerate() {
            let replaced = rows[above][left] + usize::from(letter != wanted);
            let mut best = replaced.min(rows[above][left + 1] + 1).min(row[left] + 1);
            let swapped = above > 0 && left > 0 && letter == other[left - 1] && letters[above - 1] == wanted;
            if swapped {
                best = best.min(rows[above - 1][left - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[letters.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = ["local_after", "offsite_after", "quota_level"];
        assert_eq!(nearest("local_atfer", known), Some("local_after"));
        assert_eq!(nearest("Local-After", known), Some("local_after"));
        assert_eq!(nearest("ofsite_after", known), Some("offsite_after"));
        assert_eq!(nearest("quota", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"a".repeat(65), known), None);
    }
}
