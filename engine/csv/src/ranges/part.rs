//! One part of a file, from the beginning of a line to the beginning of a line.

use std::io;

use super::read_at::{ReadAt, read_more};
use crate::reader::Start;
use crate::records::{FaultKind, Limits, OnFault, Slab, Splitter, count_line_ends};

/// What was found out about a part.
#[derive(Debug)]
pub struct Part {
    /// Where it ends in the file.
    pub end: u64,
    /// Lines that end in it.
    pub line_ends: u64,
    /// Whether it ends within quotes, when a record may begin where it begins.
    pub plain_ends_in_quotes: bool,
    /// When it begins within quotes.
    pub quoted: Quoted,
}

/// A part that begins within quotes.
#[derive(Debug)]
pub struct Quoted {
    /// Whether it ends within them.
    pub ends_in_quotes: bool,
    /// Where the first record begins, with a line that counts from the beginning of the part. None: the quotes go on.
    pub first_record: Option<Start>,
}

/// Walks the part from `start` up to `end`, or to the end of the file.
pub fn walk(
    file: &(impl ReadAt + ?Sized),
    quote: Option<u8>,
    splitter: &Splitter,
    start: u64,
    end: Option<u64>,
) -> io::Result<Part> {
    let mut part = Part {
        end: start,
        line_ends: 0,
        plain_ends_in_quotes: false,
        quoted: Quoted { ends_in_quotes: true, first_record: None },
    };
    let mut walker = Walker { splitter, quote, slab: Slab::default(), opened: Vec::new() };
    let mut text = Vec::new();
    while end.is_none_or(|end| part.end < end) {
        // Of a line that is longer than what is read at a time, no byte is looked at twice.
        let known = text.len().saturating_sub(1);
        let mut has_ended = read_more(file, part.end, &mut text)?;
        if let Some(rest) =
            end.and_then(|end| usize::try_from(end - part.end).ok()).filter(|&rest| rest <= text.len())
        {
            text.truncate(rest);
            has_ended = true;
        }
        let lines = if has_ended { text.len() } else { last_line_start(&text, known) };
        walker.lines(&text[..lines], &mut part);
        part.end += lines as u64;
        text.drain(..lines);
        if has_ended {
            break;
        }
    }
    Ok(part)
}

/// The last place where a line begins, 0 if no line ends at `from` or behind.
fn last_line_start(text: &[u8], from: usize) -> usize {
    // What follows a CR at the end is not known.
    let known = text.len() - usize::from(text.ends_with(b"\r"));
    let searched = text.get(from..known).unwrap_or_default();
    memchr::memrchr2(b'\n', b'\r', searched).map_or(0, |at| from + at + 1)
}

struct Walker<'a> {
    splitter: &'a Splitter,
    quote: Option<u8>,
    slab: Slab,
    /// The lines behind a quote.
    opened: Vec<u8>,
}

impl Walker<'_> {
    /// Goes on with whole lines.
    fn lines(&mut self, text: &[u8], part: &mut Part) {
        let line_ends = part.line_ends;
        part.line_ends += count_line_ends(text);
        let Some(quote) = self.quote.filter(|&quote| memchr::memchr(quote, text).is_some()) else {
            return;
        };
        let as_plain = self.ends_in_quotes(text);
        // A quote in front of them, and they begin within quotes.
        self.opened.clear();
        self.opened.push(quote);
        self.opened.extend_from_slice(text);
        let opened = std::mem::take(&mut self.opened);
        let (as_quoted, behind) = self.first_record(&opened);
        self.opened = opened;

        part.plain_ends_in_quotes = if part.plain_ends_in_quotes { as_quoted } else { as_plain };
        if part.quoted.ends_in_quotes {
            if let (None, Some(behind)) = (part.quoted.first_record, behind) {
                let line = 1 + line_ends + count_line_ends(&text[..behind]);
                part.quoted.first_record = Some(Start { offset: part.end + behind as u64, line });
            }
            part.quoted.ends_in_quotes = as_quoted;
        } else {
            part.quoted.ends_in_quotes = as_plain;
        }
    }

    /// Whether the text ends within quotes, and where a record begins behind the first.
    fn first_record(&mut self, opened: &[u8]) -> (bool, Option<usize>) {
        self.slab.clear();
        let limits = Limits { is_last: true, rows_max: 1, stop_at: usize::MAX, on_fault: OnFault::Take };
        let next = self.splitter.split(opened, limits, &mut self.slab);
        if self.slab.bounds.is_empty() {
            return (true, None);
        }
        (self.ends_in_quotes(&opened[next..]), Some(next - 1))
    }

    fn ends_in_quotes(&mut self, text: &[u8]) -> bool {
        self.slab.clear();
        let limits =
            Limits { is_last: true, rows_max: usize::MAX, stop_at: usize::MAX, on_fault: OnFault::Take };
        self.splitter.split(text, limits, &mut self.slab);
        matches!(self.slab.faults.last(), Some(fault) if matches!(fault.kind, FaultKind::Unclosed { .. }))
    }
}
