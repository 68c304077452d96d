//! The slow, readable splitter that the fast one is tested against. It looks at one byte at a time and shares no code with it.

use crate::spec::Dialect;

/// A field as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it holds.
    pub text: Vec<u8>,
    /// Whether it stood in quotes, well placed.
    pub is_quoted: bool,
    /// Whether there was text behind a closing quote.
    pub is_stray: bool,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The first byte, and the one behind the last.
    pub start: usize,
    pub end: usize,
    /// Lines before it.
    pub lines_before: usize,
    pub cells: Vec<Cell>,
    /// Where a quote opens that is never closed. Then the record is the rest of that line.
    pub unclosed: Option<usize>,
}

/// All records of a text, blank lines among them where there is one column.
pub fn rows(text: &[u8], dialect: &Dialect, columns: usize) -> Vec<Row> {
    let machine = Automaton { text, dialect };
    let mut rows = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let is_comment = Some(text[at]) == dialect.comment;
        if is_comment || columns > 1 && machine.is_blank_line(at) {
            at = machine.behind_line(at);
        } else {
            let (row, next) = machine.row(at);
            rows.push(row);
            at = next;
        }
    }
    rows
}

struct Automaton<'a> {
    text: &'a [u8],
    dialect: &'a Dialect,
}

impl Automaton<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    fn is_blank(&self, at: usize) -> bool {
        self.dialect.trim
            && matches!(self.byte(at), Some(b' ' | b'\t'))
            && self.byte(at) != Some(self.dialect.delimiter[0])
    }

    fn is_line_end(&self, at: usize) -> bool {
        matches!(self.byte(at), Some(b'\n' | b'\r'))
    }

    fn is_delimiter(&self, at: usize) -> bool {
        at < self.text.len() && self.text[at..].starts_with(&self.dialect.delimiter)
    }

    fn behind_line_end(&self, at: usize) -> usize {
        if self.byte(at) == Some(b'\r') && self.byte(at + 1) == Some(b'\n') { at + 2 } else { at + 1 }
    }

    fn behind_line(&self, mut at: usize) -> usize {
        while at < self.text.len() {
            if self.is_line_end(at) {
                return self.behind_line_end(at);
            }
            at += 1;
        }
        at
    }

    fn is_blank_line(&self, mut at: usize) -> bool {
        while self.is_blank(at) {
            at += 1;
        }
        at == self.text.len() || self.is_line_end(at)
    }

    fn lines_before(&self, end: usize) -> usize {
        let mut count = 0;
        let mut at = 0;
        while at < end {
            if self.is_line_end(at) {
                count += 1;
                at = self.behind_line_end(at);
            } else {
                at += 1;
            }
        }
        count
    }

    fn row(&self, start: usize) -> (Row, usize) {
        let mut row = Row {
            start,
            end: start,
            lines_before: self.lines_before(start),
            cells: Vec::new(),
            unclosed: None,
        };
        let mut at = start;
        loop {
            match self.cell(at) {
                Err(quote) => {
                    let mut end = quote;
                    while end < self.text.len() && !self.is_line_end(end) {
                        end += 1;
                    }
                    (row.end, row.unclosed) = (end, Some(quote));
                    return (row, self.behind_line(quote));
                }
                Ok((cell, behind)) => {
                    row.cells.push(cell);
                    if self.is_delimiter(behind) {
                        at = behind + self.dialect.delimiter.len();
                        continue;
                    }
                    row.end = behind;
                    let next = if behind < self.text.len() { self.behind_line_end(behind) } else { behind };
                    let last = row.cells.len() - 1;
                    let is_nothing = row.cells[last].text.is_empty() && !row.cells[last].is_quoted;
                    if self.dialect.trailing_delimiter && last > 0 && is_nothing {
                        row.cells.pop();
                    }
                    return (row, next);
                }
            }
        }
    }

    /// The field that begins at `start`, and the delimiter or line end behind it. Err: its quote is not closed.
    fn cell(&self, start: usize) -> Result<(Cell, usize), usize> {
        let mut open = start;
        while self.is_blank(open) {
            open += 1;
        }
        let mut is_stray = false;
        if self.dialect.quote.is_some() && self.byte(open) == self.dialect.quote {
            let (text, behind) = self.quoted(open)?;
            let mut at = behind;
            while self.is_blank(at) {
                at += 1;
            }
            if at == self.text.len() || self.is_line_end(at) || self.is_delimiter(at) {
                return Ok((Cell { text, is_quoted: true, is_stray: false }, at));
            }
            is_stray = true;
            open = behind;
        }
        let mut end = open;
        while end < self.text.len() && !self.is_line_end(end) && !self.is_delimiter(end) {
            end += 1;
        }
        let (mut from, mut to) = (start, end);
        while from < to && self.is_blank(from) {
            from += 1;
        }
        while from < to && self.is_blank(to - 1) {
            to -= 1;
        }
        Ok((Cell { text: self.text[from..to].to_vec(), is_quoted: false, is_stray }, end))
    }

    /// What is between the quote at `open` and the one that closes it, and the place behind that.
    fn quoted(&self, open: usize) -> Result<(Vec<u8>, usize), usize> {
        let mut text = Vec::new();
        let mut at = open + 1;
        loop {
            let Some(byte) = self.byte(at) else { return Err(open) };
            let next = self.byte(at + 1);
            if Some(byte) == self.dialect.escape && self.dialect.escape != self.dialect.quote {
                let Some(next) = next else { return Err(open) };
                text.push(next);
                at += 2;
            } else if Some(byte) == self.dialect.quote && next == self.dialect.quote {
                text.push(byte);
                at += 2;
            } else if Some(byte) == self.dialect.quote {
                return Ok((text, at + 1));
            } else {
                text.push(byte);
                at += 1;
            }
        }
    }
}
