//! How do many rows become few statements?
//!
//! What a statement costs beside its work, going to the thread of its connection and back, is shared by its rows. Their
//! numbers are always the same few, so that statements are prepared once.

/// Few enough for SQLite, which takes 32 766 values. Fewer than the smallest number are one statement.
const ROWS_PER_STATEMENT: [usize; 4] = [128, 64, 32, 16];

/// Cuts rows into pieces, one statement each, in order.
pub(super) fn pieces<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let fitting = ROWS_PER_STATEMENT.into_iter().find(|count| *count <= rest.len());
        let (now, later) = rest.split_at(fitting.unwrap_or(rest.len()));
        rest = later;
        (!now.is_empty()).then_some(now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_all_rows_in_order() {
        for (count, expected) in
            [(0, 0), (1, 1), (15, 1), (16, 1), (17, 2), (64, 1), (127, 4), (128, 1), (150, 3)]
        {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(pieces(&rows).collect::<Vec<_>>().concat(), rows, "{count}");
            assert_eq!(pieces(&rows).count(), expected, "{count}");
        }
    }
}
