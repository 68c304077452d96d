//! Which bytes give a file its structure.
//!
//! In: the head of a file as UTF-8 and what a person declared. Out: a dialect, and how many fields its records have.
//!
//! Each dialect that could be is tried on the head and gets a score, as CleverCSV does ("Wrangling Messy CSV Files by Detecting
//! Row and Type Patterns", 2018): do most records have the same count of fields, and do the fields of a column look alike? Most,
//! not all: real files have short and long records, lines above the header and footers. A file of one column is a dialect
//! too; another must be better than it.

use crate::spec::Dialect;

use super::Overrides;
use super::blanks::{blanks, doubled};
use super::candidate::{Candidate, DELIMITERS};
use super::reason::Why;
use super::score::score;
use super::split::split;

/// Delimiters of a file of one column: the first that is nowhere in it, so that no record can be split.
const ONE_COLUMN: [&[u8]; 6] = [b",", b";", b"\t", b"|", b"\x1f", b"\x01"];

/// What the head of a file was found to be.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub dialect: Dialect,
    /// Fields of most records, a trailing delimiter counted as one more.
    pub count: usize,
    /// Records that end early are normal: the first one has the most fields.
    pub short: bool,
    pub why: Why,
}

/// The dialect of a text, which is cut at its end unless `is_whole`.
pub(super) fn find(text: &[u8], is_whole: bool, declared: &Overrides) -> Found {
    let mut best: Option<Candidate> = None;
    for dialect in candidates(text, declared) {
        let candidate = score(text, is_whole, dialect, declared.delimiter.is_some());
        // The earlier of two equals is the commoner dialect.
        if best.as_ref().is_none_or(|best| candidate.score > best.score * 1.0001) {
            best = Some(candidate);
        }
    }
    let Some(mut best) = best else {
        return Found { dialect: Dialect::default(), count: 0, short: false, why: Why::Nothing };
    };
    if best.count <= 1 && declared.delimiter.is_none() {
        one_column(text, &mut best);
    } else if declared.delimiter.is_none() {
        doubled(text, is_whole, &mut best);
    }
    blanks(text, is_whole, declared, &mut best);
    let why = match best.count {
        _ if declared.delimiter.is_some() => Why::Declared,
        0 | 1 => Why::OneColumn,
        columns => {
            Why::Consistent { records: best.modal as u64, of: best.records as u64, columns: columns as u64 }
        }
    };
    Found { dialect: best.dialect, count: best.count, short: best.short, why }
}

/// All dialects that the text gives a reason to try. The commoner ones first.
fn candidates(text: &[u8], declared: &Overrides) -> Vec<Dialect> {
    let has = |piece: &[u8]| memchr::memmem::find(text, piece).is_some();
    let delimiters: Vec<Vec<u8>> = match &declared.delimiter {
        Some(delimiter) => vec![delimiter.clone()],
        None => {
            let found: Vec<Vec<u8>> =
                DELIMITERS.iter().filter(|(piece, _)| has(piece)).map(|(piece, _)| piece.to_vec()).collect();
            // One that splits nothing is a file of one column.
            let absent = ONE_COLUMN.iter().find(|piece| !has(piece)).map(|piece| piece.to_vec());
            found.into_iter().chain(absent).collect()
        }
    };
    let mut quotes = match declared.quote {
        Some(quote) => vec![quote],
        None => vec![Some(b'"')],
    };
    if declared.quote.is_none() {
        if apostrophes_enclose(text) {
            quotes.push(Some(b'\''));
        }
        if has(b"\"") && quotes_are_text(text) {
            quotes.push(None);
        }
    }
    let mut dialects = Vec::new();
    for delimiter in &delimiters {
        for quote in &quotes {
            // A quote behind a blank encloses nothing unless the blank belongs to the delimiter or is trimmed.
            let blank =
                quote.map(|quote| [&delimiter[..], b" ", &[quote]].concat()).is_some_and(|piece| has(&piece));
            let is_free = declared.delimiter.is_none() && declared.trim.is_none() && delimiter[..] != *b" ";
            let mut shapes = vec![(delimiter.clone(), declared.trim.unwrap_or(false))];
            if blank && is_free {
                shapes.push(([delimiter, &b" "[..]].concat(), false));
            }
            if blank && declared.trim.is_none() && delimiter[..] != *b" " {
                shapes.push((delimiter.clone(), true));
            }
            let mut escapes = vec![declared.escape.flatten()];
            if declared.escape.is_none()
                && !delimiter.contains(&b'\\')
                && quote.is_some_and(|quote| has(&[b'\\', quote]))
            {
                escapes.push(Some(b'\\'));
            }
            for (delimiter, trim) in shapes {
                dialects.extend(escapes.iter().map(|escape| Dialect {
                    delimiter: delimiter.clone(),
                    quote: *quote,
                    escape: *escape,
                    comment: declared.comment.flatten(),
                    trim,
                    trailing_delimiter: false,
                }));
            }
        }
    }
    dialects
}

/// Places where a field could begin with the quote, and those where one could end with it.
fn enclosings(text: &[u8], quote: u8) -> (usize, usize) {
    let outer = |byte: Option<&u8>| byte.is_none_or(|byte| b",;\t|:^~ \r\n\x01\x1f@".contains(byte));
    let (mut opening, mut closing) = (0, 0);
    for at in memchr::memchr_iter(quote, text) {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        match (outer(before), outer(text.get(at + 1))) {
            (true, false) => opening += 1,
            (false, true) => closing += 1,
            _ => {}
        }
    }
    (opening, closing)
}

fn apostrophes_enclose(text: &[u8]) -> bool {
    let (opening, closing) = enclosings(text, b'\'');
    opening >= 2 && closing >= 2 && opening.abs_diff(closing) * 2 <= opening
}

/// Inches and the like: quotes stand at the end of fields without one at their beginning, or the other way round. One such
/// place alone is rather a quote that somebody forgot to close, which is an error to be told.
fn quotes_are_text(text: &[u8]) -> bool {
    let (opening, closing) = enclosings(text, b'"');
    opening.max(closing) >= 2 && opening.min(closing) * 2 <= opening.max(closing)
}

/// A delimiter that is nowhere in the text, so that a line stays one field.
fn one_column(text: &[u8], best: &mut Candidate) {
    let absent = |delimiter: &&&[u8]| {
        let dialect = Dialect { delimiter: delimiter.to_vec(), ..best.dialect.clone() };
        split(text, &dialect, usize::MAX).records.iter().all(|record| record.count == 1)
    };
    if let Some(delimiter) = ONE_COLUMN.iter().find(absent) {
        best.dialect.delimiter = delimiter.to_vec();
    }
}
