//! One part of a file, from the beginning of a line to the beginning of a line.

use std::io;

use super::read_at::{READ_BYTES, ReadAt, read_more};
use crate::records::{FaultKind, Limits, OnFault, Slab, Splitter, end_of_line};
use crate::spec::Dialect;

/// What was found out about a part.
#[derive(Debug)]
pub struct Walked {
    /// Where it ends in the file.
    pub end: u64,
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
    /// Where the first record begins. None: the quotes go on.
    pub first_record: Option<u64>,
}

/// Walks the part from `start` up to `end`, or to the end of the file.
pub fn walk(
    file: &(impl ReadAt + ?Sized),
    dialect: &Dialect,
    splitter: &Splitter,
    start: u64,
    end: Option<u64>,
) -> io::Result<Walked> {
    let quote = dialect.quote;
    let mut part = Walked {
        end: start,
        plain_ends_in_quotes: false,
        quoted: Quoted { ends_in_quotes: true, first_record: None },
    };
    let plain = Plain::of(dialect);
    let mut walker = Walker { splitter, quote, plain, slab: Slab::default(), opened: Vec::new() };
    // Up to the first quote both go on as they were.
    part.end = without_quotes(file, quote, start, end)?;
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

/// A place where a line begins, from `start`, in front of which there is no quote; the end, or that of the file, if there is none.
fn without_quotes(
    file: &(impl ReadAt + ?Sized),
    quote: Option<u8>,
    start: u64,
    end: Option<u64>,
) -> io::Result<u64> {
    let mut block = vec![0; READ_BYTES];
    let (mut position, mut line) = (start, start);
    loop {
        let rest = end.map_or(u64::MAX, |end| end.saturating_sub(position));
        let wanted = usize::try_from(rest).unwrap_or(usize::MAX).min(block.len());
        let count = match file.read_at(&mut block[..wanted], position) {
            Ok(0) => return Ok(position),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let text = &block[..count];
        let found = quote.and_then(|quote| memchr::memchr(quote, text));
        match last_line_start(&text[..found.unwrap_or(count)], 0) {
            0 => {}
            at => line = position + at as u64,
        }
        if found.is_some() {
            return Ok(line);
        }
        position += count as u64;
    }
}

/// The last place where a line begins, 0 if no line ends at `from` or behind.
fn last_line_start(text: &[u8], from: usize) -> usize {
    // What follows a CR at the end is not known.
    let known = text.len() - usize::from(text.ends_with(b"\r"));
    let searched = text.get(from..known).unwrap_or_default();
    memchr::memrchr2(b'\n', b'\r', searched).map_or(0, |at| from + at + 1)
}

/// A dialect in which the quotes alone, and what stands beside them, tell where quoted fields begin and end.
#[derive(Debug, Clone, Copy)]
struct Plain {
    quote: u8,
    delimiter: u8,
}

impl Plain {
    /// None: there are other bytes that must be looked at.
    fn of(dialect: &Dialect) -> Option<Plain> {
        let &[delimiter] = dialect.delimiter.as_slice() else { return None };
        let quote = dialect.quote?;
        let has_escape = dialect.escape.is_some_and(|escape| escape != quote);
        let is_plain = !has_escape && dialect.comment.is_none() && !dialect.trim;
        is_plain.then_some(Plain { quote, delimiter })
    }

    /// Whether a text that begins with a line, within quotes or not, ends within quotes; and where the first record begins in
    /// it whose line begins outside of them.
    fn walk(self, text: &[u8], begins_quoted: bool) -> (bool, Option<usize>) {
        let mut is_quoted = begins_quoted;
        let mut first_record = None;
        // Behind the last quote that was looked at.
        let mut behind = 0;
        for at in memchr::memchr_iter(self.quote, text) {
            if at < behind {
                continue;
            }
            if is_quoted {
                // Two are one that belongs to the field.
                let is_pair = text.get(at + 1) == Some(&self.quote);
                is_quoted = is_pair;
                behind = at + 1 + usize::from(is_pair);
                continue;
            }
            first_record = first_record.or_else(|| self.record(text, behind, at));
            let before = at.checked_sub(1).map(|before| text[before]);
            is_quoted = before.is_none_or(|byte| byte == self.delimiter || matches!(byte, b'\n' | b'\r'));
            behind = at + 1;
        }
        if !is_quoted {
            first_record = first_record.or_else(|| self.record(text, behind, text.len()));
        }
        (is_quoted, first_record)
    }

    /// The place behind the first line end from `from`, outside of quotes up to `to`.
    fn record(self, text: &[u8], from: usize, to: usize) -> Option<usize> {
        let at = from + memchr::memchr2(b'\n', b'\r', text.get(from..to)?)?;
        end_of_line(text, at, true)
    }
}

struct Walker<'a> {
    splitter: &'a Splitter,
    quote: Option<u8>,
    plain: Option<Plain>,
    slab: Slab,
    /// The lines behind a quote.
    opened: Vec<u8>,
}

impl Walker<'_> {
    /// Goes on with whole lines.
    fn lines(&mut self, text: &[u8], part: &mut Walked) {
        let Some(quote) = self.quote.filter(|&quote| memchr::memchr(quote, text).is_some()) else {
            return;
        };
        let (as_plain, (as_quoted, behind)) = match self.plain {
            Some(plain) => (plain.walk(text, false).0, plain.walk(text, true)),
            None => {
                let as_plain = self.ends_in_quotes(text);
                // A quote in front of them, and they begin within quotes.
                self.opened.clear();
                self.opened.push(quote);
                self.opened.extend_from_slice(text);
                let opened = std::mem::take(&mut self.opened);
                let as_quoted = self.first_record(&opened);
                self.opened = opened;
                (as_plain, as_quoted)
            }
        };
        part.plain_ends_in_quotes = if part.plain_ends_in_quotes { as_quoted } else { as_plain };
        if part.quoted.ends_in_quotes {
            if let (None, Some(behind)) = (part.quoted.first_record, behind) {
                part.quoted.first_record = Some(part.end + behind as u64);
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
