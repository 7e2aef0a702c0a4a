//! How do many rows become few statements?
//!
//! What a statement costs beside its work, going to the thread of its connection and back, is shared by its rows. Their
//! numbers are always the same few, so that statements are prepared once.

/// Few enough for SQLite, which takes 32 766 values.
const ROWS_PER_STATEMENT: [usize; 4] = [128, 16, 4, 1];

/// Cuts rows into pieces, one statement each, in order.
pub(super) fn pieces<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let fitting = ROWS_PER_STATEMENT.into_iter().find(|count| *count <= rest.len())?;
        let (now, later) = rest.split_at(fitting);
        rest = later;
        Some(now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_all_rows_in_order() {
        for count in [0, 1, 3, 4, 5, 127, 128, 150, 1_000] {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(pieces(&rows).collect::<Vec<_>>().concat(), rows, "{count}");
            assert!(pieces(&rows).all(|piece| ROWS_PER_STATEMENT.contains(&piece.len())), "{count}");
        }
    }
}
