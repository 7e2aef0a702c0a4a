//! Where does each column begin?

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::HEAD;

/// The widest that a column makes its neighbours move, in terminal cells: one very long name must not push the answers
/// of all others off the screen. A longer text is written whole and moves its own row only.
const WIDTH_MAX: usize = 60;

/// A text with its style; every third-party part of it is escaped already.
pub(in crate::report) type Cell = (String, Style);

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Columns that grow with what they are shown before they are written.
pub(in crate::report) struct Columns<const N: usize> {
    heads: [(&'static str, Side); N],
    widths: [usize; N],
}

impl<const N: usize> Columns<N> {
    /// Columns as wide as their headings.
    pub(in crate::report) fn new(heads: [(&'static str, Side); N]) -> Self {
        Self { heads, widths: heads.map(|(head, _)| head.width()) }
    }

    /// Widens the columns so that the row fits.
    pub(in crate::report) fn fit(&mut self, row: &[Cell; N]) {
        for (width, (text, _)) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(text.width().min(WIDTH_MAX));
        }
    }

    /// Writes the headings.
    pub(in crate::report) fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        self.row(&self.heads.map(|(head, _)| (head.to_owned(), HEAD)), out)
    }

    /// Writes a row, without blanks at its end.
    pub(in crate::report) fn row(&self, row: &[Cell; N], out: &mut dyn Write) -> io::Result<()> {
        let mut gap = 0;
        for (index, (text, style)) in row.iter().enumerate() {
            let padding = self.widths[index].saturating_sub(text.width());
            let (before, after) = match self.heads[index].1 {
                Side::Left => (0, padding),
                Side::Right => (padding, 0),
            };
            gap += before;
            if !text.is_empty() {
                write!(out, "{:gap$}{style}{text}{style:#}", "")?;
                gap = 0;
            }
            gap += after + 2;
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::PLAIN;
    use super::*;

    #[test]
    fn wide_characters_take_two_cells_and_nothing_ends_in_blanks() {
        let mut columns = Columns::new([("A", Side::Left), ("N", Side::Right), ("B", Side::Left)]);
        let cell = |text: &str| (text.to_owned(), PLAIN);
        let rows = [
            [cell("漢字"), cell("5"), cell("x")],
            [cell("abcd"), cell("10"), cell("")],
            [cell(""), cell(""), cell("y")],
            [cell(&"l".repeat(70)), cell("7"), cell("y")],
        ];
        let mut out = Vec::new();
        for row in &rows[..3] {
            columns.fit(row);
        }
        for row in &rows {
            columns.row(row, &mut out).expect("a vector takes all");
        }
        let text = String::from_utf8(out).expect("only text was written");
        let long = format!("{}   7  y", "l".repeat(70));
        assert_eq!(text, format!("漢字   5  x\nabcd  10\n          y\n{long}\n"));
    }
}
