//! Arrow batches in, a grid of texts out, as they may stand on a terminal: each is one line, and no character of it
//! is one that a terminal would obey.

use std::fmt::Write;

use console::measure_text_width;
use datafusion::arrow::array::Array;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use unicode_segmentation::UnicodeSegmentation;

use crate::visible::push_visible;

/// A text and the columns that it takes on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    pub text: &'a str,
    pub width: usize,
    pub is_null: bool,
}

impl<'a> Cell<'a> {
    /// A text that is visible as it is.
    pub fn of(text: &'a str) -> Cell<'a> {
        Cell { text, width: measure_text_width(text), is_null: false }
    }
}

/// Rows of cells. They lie in one text, since there may be millions.
#[derive(Debug, Default)]
pub struct Cells {
    text: String,
    /// Row by row.
    ends: Vec<End>,
    column_count: usize,
}

#[derive(Debug)]
struct End {
    text_end: usize,
    width: usize,
    is_null: bool,
}

impl Cells {
    pub fn of(
        batches: &[RecordBatch],
        column_count: usize,
        options: &FormatOptions,
    ) -> Result<Cells, ArrowError> {
        let mut cells = Cells { column_count, ..Cells::default() };
        let mut value = String::new();
        for batch in batches {
            let formatters = formatters(batch, options)?;
            let nulls: Vec<_> = batch.columns().iter().map(|column| column.logical_nulls()).collect();
            for row in 0..batch.num_rows() {
                for (formatter, nulls) in formatters.iter().zip(&nulls) {
                    value.clear();
                    write_value(&mut value, formatter, row, options)?;
                    cells.push(&value, nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)));
                }
            }
        }
        Ok(cells)
    }

    fn push(&mut self, value: &str, is_null: bool) {
        let begin = self.text.len();
        // Most cells are of this kind, and take no search.
        let width = if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            self.text.push_str(value);
            value.len()
        } else {
            push_visible(&mut self.text, value);
            measure_text_width(&self.text[begin..])
        };
        self.ends.push(End { text_end: self.text.len(), width, is_null });
    }

    pub fn row_count(&self) -> usize {
        self.ends.len().checked_div(self.column_count).unwrap_or_default()
    }

    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let at = row * self.column_count + column;
        let begin = if at == 0 { 0 } else { self.ends[at - 1].text_end };
        let End { text_end, width, is_null } = self.ends[at];
        Cell { text: &self.text[begin..text_end], width, is_null }
    }

    /// Of the widest cell of a column.
    pub fn width(&self, column: usize) -> usize {
        let widths = self.ends.iter().skip(column).step_by(self.column_count.max(1)).map(|end| end.width);
        widths.max().unwrap_or_default()
    }
}

/// One for each column.
pub fn formatters<'a>(
    batch: &'a RecordBatch,
    options: &FormatOptions<'a>,
) -> Result<Vec<ArrayFormatter<'a>>, ArrowError> {
    batch.columns().iter().map(|column| ArrayFormatter::try_new(column, options)).collect()
}

/// Appends a value. One that has no text, as a date in the year 300,000, is an error or a text that says so, whichever
/// the options want.
pub fn write_value(
    to: &mut String,
    formatter: &ArrayFormatter,
    row: usize,
    options: &FormatOptions,
) -> Result<(), ArrowError> {
    let value = formatter.value(row);
    match options.safe() && write!(to, "{value}").is_ok() {
        true => Ok(()),
        false => value.write(to),
    }
}

/// The longest beginning of a text that is not wider than `width`, and its width. What a reader takes for one
/// character, as a flag or a letter with its accents, is not cut.
pub fn prefix(text: &str, width: usize) -> (&str, usize) {
    // No character has more columns than bytes.
    if text.len() <= width {
        return (text, measure_text_width(text));
    }
    let mut sum = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let grapheme_width = measure_text_width(grapheme);
        if sum + grapheme_width > width {
            // Less than the sum if letters are joined into a narrower one.
            return (&text[..at], measure_text_width(&text[..at]));
        }
        sum += grapheme_width;
    }
    (text, measure_text_width(text))
}

/// Cuts a text that is wider than `width`, and puts `mark`, of one column, where it was cut. Gives the width of what it
/// appended.
pub fn push_cut(to: &mut String, text: &str, width: usize, mark: char) -> usize {
    let (begin, begin_width) = prefix(text, width.saturating_sub(1));
    to.push_str(begin);
    if width == 0 {
        return 0;
    }
    to.push(mark);
    begin_width + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(text: &str) -> String {
        let mut to = String::new();
        push_visible(&mut to, text);
        to
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(visible("plain, Ünï, 日本, 👩‍👩‍👧, e\u{301}"), "plain, Ünï, 日本, 👩‍👩‍👧, e\u{301}");
        assert_eq!(visible("a\nb\r\n\tc\0"), "a\\nb\\r\\n\\tc\\x00");
        assert_eq!(visible("\x1b[31mred\x1b]0;title\x07\x7f"), "\\x1b[31mred\\x1b]0;title\\x07\\x7f");
        assert_eq!(visible("\u{9b}31m\u{85}"), "\\u{9b}31m\\u{85}");
        assert_eq!(visible("a\u{202e}b\u{2069}c\u{2028}"), "a\\u{202e}b\\u{2069}c\\u{2028}");
    }

    #[test]
    fn cuts() {
        let cut = |text: &str, width| {
            let mut to = String::new();
            let appended = push_cut(&mut to, text, width, '…');
            assert_eq!(measure_text_width(&to), appended, "{to:?}");
            assert!(appended <= width, "{to:?}");
            to
        };
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcdef", 1), "…");
        assert_eq!(cut("abcdef", 0), "");
        // A wide character that would be cut in half is left out.
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        let text = "a❤️b👍🏽c👩‍👩‍👧d🇩🇪e";
        for width in 0..measure_text_width(text) {
            cut(text, width);
        }
    }
}
