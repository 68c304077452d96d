//! The guess at what a CSV file is.
//!
//! ```text
//! path ----[ sample ]--> head, places between, end --[ unpack, encoding ]--> the same in UTF-8
//! bytes --'                                                                     |
//!          dialect and count of fields <--[ dialect: the head ]-----------------+
//!                 |                                                             |
//!          header, lines above, comments <--[ layout: records of the head ]-----+
//!                 |                                                             |
//!          types of columns <--[ types: the records of all places ]-------------'
//! ```
//!
//! In: a file, and what a person declared ([`Overrides`]). Out: a [`CsvSpec`] that reads it, and why it is so. What is declared wins
//! and informs the rest. A guess never hides data: where the evidence is weak a file is one column, a column is text, and a line is
//! a record. What was not looked at may not fit: then the reader says so.

mod blanks;
mod candidate;
mod cells;
mod columns;
mod dates;
mod dialect;
mod encoding;
mod guess;
mod layout;
mod line;
mod names;
mod numbers;
mod overrides;
mod places;
mod quality;
mod reason;
mod sample;
mod score;
mod split;
mod statement;
mod types;
mod unpack;
mod written;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;

use crate::spec::{Column, ColumnType, Compression, CsvSpec, DateFormat, Encoding, NumberFormat, OnError};

use columns::{by_name, evidence, header_names, trailing};
use dialect::Found;
use layout::{Layout, Table};
use sample::Sample;
use split::{SplitText, split};
use types::{Evidence, Guess, Hints};

pub use guess::{SniffError, Sniffed};
pub use names::from_header as column_names;
pub use overrides::{OPTIONS, OptionError, OptionInfo, Overrides};
pub use reason::{Aspect, Decision, Ragged, TextReason, Why};
pub use statement::{create_external_table, options};
pub(crate) use types::NULLS;
pub use unpack::{Other, not_csv};
pub use written::{Format, of_name as name_in_options};

/// Bytes on which dialects are tried.
const DIALECT_BYTES: usize = 64 << 10;
/// Lines that they must have, or more bytes are taken.
const DIALECT_LINES: usize = 16;
/// And then at most so many.
const DIALECT_BYTES_MAX: usize = 4 << 20;

/// Guesses what the file at `path` is.
pub fn sniff_path(path: &Path, declared: &Overrides) -> Result<Sniffed, SniffError> {
    Sniffer::new(Sample::of_path(path, declared)?, declared).run(path)
}

/// Guesses what bytes are, which are the first of a file or a pipe; all of it if `is_whole`.
pub fn sniff_bytes(bytes: &[u8], is_whole: bool, declared: &Overrides) -> Result<Sniffed, SniffError> {
    Sniffer::new(Sample::of_bytes(bytes, is_whole, declared)?, declared).run(Path::new("-"))
}

struct Sniffer<'d> {
    sample: Sample,
    declared: &'d Overrides,
    spec: CsvSpec,
    decisions: Vec<Decision>,
}

impl Sniffer<'_> {
    fn new(sample: Sample, declared: &Overrides) -> Sniffer<'_> {
        Sniffer { sample, declared, spec: CsvSpec::default(), decisions: Vec::new() }
    }

    fn decide(&mut self, part: Aspect, what: impl Into<String>, why: Why, is_declared: bool) {
        let why = if is_declared { Why::Declared } else { why };
        self.decisions.push(Decision { part, what: what.into(), why });
    }

    fn run(mut self, path: &Path) -> Result<Sniffed, SniffError> {
        self.packing(path)?;
        let sample = std::mem::replace(
            &mut self.sample,
            Sample { compression: Compression::None, head: Vec::new(), is_whole: true, places: Vec::new() },
        );
        let is_whole = sample.is_whole;
        self.spec.on_error = self.declared.on_error.unwrap_or_default();
        let text = encoding::to_utf8(&sample.head, self.spec.encoding);
        let text = without_lines(&text, self.declared.skip_lines.unwrap_or(0));
        let told = told_delimiter(text, self.declared);
        let (mut text, declared) = match &told {
            Some(declared) => (without_lines(text, 1), declared),
            None => (text, self.declared),
        };
        let part = dialect_part(text);
        let mut found = dialect::find(part, is_whole && part.len() == text.len(), declared);
        if told.is_some() {
            found.why = Why::SeparatorLine;
        }
        let mut records = split(text, &found.dialect, usize::MAX);
        if !is_whole && records.records.len() > 1 {
            records.drop_last();
        }
        let torn = columns::torn_header(&records, &found).filter(|_| self.declared.header.is_none());
        if torn.is_some() {
            text = without_lines(text, 1);
            records = split(text, &found.dialect, usize::MAX);
            if !is_whole && records.records.len() > 1 {
                records.drop_last();
            }
        }
        let kept = self.comments(&records, &mut found, is_whole);
        let hints = self.hints(&found);
        let table = Table {
            records: &records,
            kept,
            dialect: &found.dialect,
            count: found.count,
            short: found.short,
            above: self.declared.skip_lines.unwrap_or(0)
                + u64::from(told.is_some())
                + u64::from(torn.is_some()),
        };
        let mut layout = layout::find(&table, self.declared, torn.is_some(), &hints);
        if torn.is_some() {
            layout.why = Why::TornHeader;
        }
        let columns = self.table(&table, &layout, &found);
        self.padding(&table, &layout, is_whole);
        let names = torn.map_or_else(
            || header_names(&table, &layout, columns),
            |torn| names::from_header(torn.iter(), columns),
        );
        let places: Vec<(Cow<'_, [u8]>, bool)> = sample
            .places
            .iter()
            .map(|place| (encoding::to_utf8(&place.bytes, self.spec.encoding), place.is_end))
            .collect();
        let is_padded = self.spec.on_error == OnError::Pad;
        let (evidence, ragged) = evidence(&table, &layout, columns, &places, &hints, is_padded);
        self.columns(path, &names, &evidence, hints)?;
        if ragged.short + ragged.long > 0 {
            let why = Why::Ragged(ragged);
            self.decide(Aspect::Ragged, (ragged.short + ragged.long).to_string(), why, false);
        }
        self.decisions.sort_by_key(|decision| matches!(decision.part, Aspect::Column(_)));
        Ok(Sniffed { spec: self.spec, is_whole, ragged, decisions: self.decisions })
    }

    /// Compression and encoding.
    fn packing(&mut self, path: &Path) -> Result<(), SniffError> {
        self.spec.compression = self.sample.compression;
        if self.spec.compression != Compression::None {
            let what = written::of_compression(self.spec.compression);
            self.decide(Aspect::Compression, what, Why::FirstBytes, self.declared.compression.is_some());
        }
        if encoding::is_utf32(&self.sample.head) {
            return Err(SniffError::Other { path: path.to_owned(), other: Other::Utf32 });
        }
        let places = self.sample.places.iter().map(|place| &place.bytes[..]);
        let (guessed, why) = encoding::guess(&self.sample.head, places);
        self.spec.encoding = self.declared.encoding.unwrap_or(guessed);
        let is_wide = matches!(self.spec.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
        let zeros = memchr::memchr_iter(0, &self.sample.head[..self.sample.head.len().min(4096)]).count();
        // Text has no zero bytes; a few are damage.
        if !is_wide && zeros * 10 > self.sample.head.len().min(4096) {
            return Err(SniffError::Other { path: path.to_owned(), other: Other::Binary });
        }
        let text =
            encoding::to_utf8(&self.sample.head[..self.sample.head.len().min(4096)], self.spec.encoding);
        if self.declared.delimiter.is_none() && unpack::is_json(&text) {
            return Err(SniffError::Other { path: path.to_owned(), other: Other::Json });
        }
        let what = written::of_encoding(self.spec.encoding);
        self.decide(Aspect::Encoding, what, why, self.declared.encoding.is_some());
        Ok(())
    }

    /// Decides on comments, and gives the records that are none.
    fn comments(&mut self, records: &SplitText<'_>, found: &mut Found, is_whole: bool) -> Vec<split::Record> {
        if let Some(comment) = self.declared.comment {
            if let Some(comment) = comment {
                self.decide(Aspect::Comment, char::from(comment), Why::Declared, true);
            }
            return records.records.clone();
        }
        let Some(comments) = layout::comments(records, found.count) else {
            return records.records.clone();
        };
        // A value that begins so may come where nobody looked: then lines above are only skipped.
        if is_whole || !comments.only_above {
            found.dialect.comment = Some(comments.byte);
            let why = Why::CommentLines { lines: comments.lines };
            self.decide(Aspect::Comment, char::from(comments.byte), why, false);
        } else {
            return records.records.clone();
        }
        let is_comment = |record: &&split::Record| records.text[record.start as usize] == comments.byte;
        records.records.iter().filter(|record| !is_comment(record)).copied().collect()
    }

    fn hints(&self, found: &Found) -> Hints {
        Hints {
            nulls: self.declared.nulls.clone(),
            decimal: self.declared.decimal_comma.map(|comma| if comma { b',' } else { b'.' }),
            decimal_declared: self.declared.decimal_comma.is_some(),
            dates: self.declared.date.into_iter().collect(),
            comma_delimited: found.dialect.delimiter.starts_with(b","),
        }
    }

    /// Writes down the structure. Returns the count of columns.
    fn table(&mut self, table: &Table<'_>, layout: &Layout, found: &Found) -> usize {
        let dialect = &found.dialect;
        let mut what = format!("delimiter {}", String::from_utf8_lossy(&dialect.delimiter).escape_debug());
        if dialect.quote != Some(b'"') {
            let quote = dialect.quote.map_or("none".to_owned(), |quote| char::from(quote).to_string());
            what = format!("{what} quote {quote}");
        }
        if let Some(escape) = dialect.escape {
            what = format!("{what} escape {}", char::from(escape));
        }
        self.decide(Aspect::Dialect, what, found.why.clone(), false);
        self.spec.dialect = dialect.clone();
        self.spec.header = layout.header.is_some();
        let what = if self.spec.header { "yes" } else { "no" };
        self.decide(Aspect::Header, what, layout.why.clone(), self.declared.header.is_some());
        let first = layout.header.unwrap_or(layout.first);
        self.spec.skip_lines = match self.declared.skip_lines {
            Some(lines) => lines,
            // Blank lines above are skipped by themselves, but not where a blank line is a record of one column.
            None if first == 0 && found.count > 1 => table.above,
            None => table.above + table.kept.get(first).map_or(0, |record| record.line),
        };
        if self.spec.skip_lines > 0 {
            let (lines, is_declared) = (self.spec.skip_lines, self.declared.skip_lines.is_some());
            self.decide(Aspect::SkipLines, lines.to_string(), Why::OtherAbove { lines }, is_declared);
        }
        let trailing = self.declared.trailing_delimiter.unwrap_or_else(|| trailing(table, layout));
        if trailing {
            let is_declared = self.declared.trailing_delimiter.is_some();
            self.decide(Aspect::TrailingDelimiter, "yes", Why::LastEmpty, is_declared);
        }
        self.spec.dialect.trailing_delimiter = trailing;
        found.count - usize::from(trailing && found.count > 1)
    }

    /// If all records are known, and some of them have fewer or more fields than most, those are padded.
    fn padding(&mut self, table: &Table<'_>, layout: &Layout, is_whole: bool) {
        if !is_whole || self.declared.on_error.is_some() || table.count < 2 {
            return;
        }
        let records = table.kept.get(layout.first..).unwrap_or_default();
        let ragged = records.iter().filter(|record| record.count as usize != table.count).count();
        if ragged > 0 && (ragged * 2 <= records.len() || table.short) {
            self.spec.on_error = OnError::Pad;
        }
    }

    /// Decides on each column's type.
    fn columns(
        &mut self,
        path: &Path,
        names: &[String],
        evidence: &[Evidence],
        mut hints: Hints,
    ) -> Result<(), SniffError> {
        hints.learn(evidence);
        let types = by_name(path, names, &self.declared.types)?;
        let formats = by_name(path, names, &self.declared.formats)?;
        let mut nulls = 0;
        for (at, (name, seen)) in names.iter().zip(evidence).enumerate() {
            let guess = seen.guess(&hints);
            let declared = types[at].clone();
            let is_declared = declared.is_some() || self.declared.all_text;
            let why = if is_declared { Why::Declared } else { guess.why.clone() };
            let ty = match declared {
                Some(ty) => ty,
                None if self.declared.all_text => ColumnType::Text,
                None => guess.ty.clone(),
            };
            if ty != ColumnType::Text {
                nulls |= seen.nulls;
            }
            self.decisions.push(Decision {
                part: Aspect::Column(name.clone()),
                what: written::of_column_type(&ty).into_owned(),
                why,
            });
            let (date, number) = self.formats(&guess, formats[at]);
            self.spec.columns.push(Column { name: name.clone(), ty, declared: is_declared, date, number });
        }
        self.spec.nulls_declared = self.declared.nulls.is_some();
        self.spec.nulls = match &self.declared.nulls {
            Some(nulls) => nulls.clone(),
            None => types::spellings(nulls),
        };
        Ok(())
    }

    /// How a column is written: as declared for it, as guessed, or as declared for all.
    fn formats(&self, guess: &Guess, declared: Option<Format>) -> (DateFormat, NumberFormat) {
        let (mut date, mut number) = (guess.date, guess.number);
        let is_date = matches!(guess.ty, ColumnType::Date | ColumnType::Timestamp { .. });
        let is_number =
            matches!(guess.ty, ColumnType::Integer | ColumnType::Decimal { .. } | ColumnType::Double);
        if !is_date && let Some(all) = self.declared.date {
            date = all;
        }
        if !is_number && self.declared.decimal_comma == Some(true) {
            number.decimal = b',';
        }
        match declared {
            Some(Format::Date(format)) => date = format,
            Some(Format::Number(format)) => number = format,
            None => {}
        }
        (date, number)
    }
}

/// Spreadsheets read the delimiter from a first line `sep=;`.
fn told_delimiter(text: &[u8], declared: &Overrides) -> Option<Overrides> {
    let line = &text[..memchr::memchr2(b'\r', b'\n', text)?];
    let delimiter = line
        .strip_prefix(b"sep=")
        .or(line.strip_prefix(b"\"sep=").and_then(|rest| rest.strip_suffix(b"\"")))?;
    let is_told = delimiter.len() == 1 && declared.delimiter.is_none() && declared.skip_lines.is_none();
    is_told.then(|| Overrides { delimiter: Some(delimiter.to_vec()), ..declared.clone() })
}

/// The text behind some lines. Quotes mean nothing in them.
fn without_lines(text: &[u8], lines: u64) -> &[u8] {
    let mut rest = text;
    for _ in 0..lines {
        let Some(at) = memchr::memchr2(b'\r', b'\n', rest) else { return &[] };
        let is_pair = rest[at] == b'\r' && rest.get(at + 1) == Some(&b'\n');
        rest = &rest[at + 1 + usize::from(is_pair)..];
    }
    rest
}

/// The part of the head on which dialects are tried.
fn dialect_part(text: &[u8]) -> &[u8] {
    let mut bytes = DIALECT_BYTES.min(text.len());
    let lines = |bytes: usize| memchr::memchr2_iter(b'\n', b'\r', &text[..bytes]).take(DIALECT_LINES).count();
    while bytes < text.len().min(DIALECT_BYTES_MAX) && lines(bytes) < DIALECT_LINES {
        bytes = (bytes * 2).min(text.len());
    }
    &text[..bytes]
}
