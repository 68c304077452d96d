//! A sample of a file as records and fields, under one dialect.
//!
//! It is small and plain, for samples only: positions, no copies. It keeps to the rules of [`Dialect`], with a mark on what does
//! not fit: text behind a closing quote, and a quote that is never closed.

use std::borrow::Cow;

use crate::spec::Dialect;

/// A field, as places in the text. Quotes around it are outside unless it is `stray`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub start: u32,
    pub end: u32,
    pub quoted: bool,
    /// Has an escape or a doubled quote.
    pub escaped: bool,
    /// Has text behind its closing quote: the field is then its own bytes, quotes and all.
    pub stray: bool,
}

/// A record that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Of its fields.
    pub first: u32,
    pub count: u32,
    /// Physical line of the text where it begins, from 0.
    pub line: u64,
    /// Its first byte.
    pub start: u32,
    /// Behind its last byte, its terminator not counted.
    pub end: u32,
}

/// The records of a text.
#[derive(Debug)]
pub(super) struct SplitText<'a> {
    pub text: &'a [u8],
    pub fields: Vec<Field>,
    pub records: Vec<Record>,
    /// The last record has a quote that is not closed.
    pub unclosed: bool,
}

impl<'a> SplitText<'a> {
    pub fn fields(&self, record: &Record) -> &[Field] {
        &self.fields[record.first as usize..(record.first + record.count) as usize]
    }

    /// The bytes between the quotes, or all.
    pub fn bytes(&self, field: &Field) -> &'a [u8] {
        &self.text[field.start as usize..field.end as usize]
    }

    /// The value of a field.
    pub fn value(&self, field: &Field, dialect: &Dialect) -> Cow<'a, str> {
        let bytes = self.bytes(field);
        let (true, Some(quote)) = (field.escaped && !field.stray, dialect.quote) else {
            return String::from_utf8_lossy(bytes);
        };
        let escape = dialect.escape.unwrap_or(quote);
        let mut value = Vec::with_capacity(bytes.len());
        let mut rest = bytes.iter().copied();
        while let Some(byte) = rest.next() {
            value.push(if byte == escape || byte == quote { rest.next().unwrap_or(byte) } else { byte });
        }
        Cow::Owned(String::from_utf8_lossy(&value).into_owned())
    }

    /// Leaves out the last record, which the end of a sample may cut.
    pub fn drop_last(&mut self) {
        if let Some(last) = self.records.pop() {
            self.fields.truncate(last.first as usize);
        }
        self.unclosed = false;
    }
}

/// Splits at most `records_max` records. A text of four gigabytes or more is no sample: what is behind is left out.
pub(super) fn split<'a>(text: &'a [u8], dialect: &Dialect, records_max: usize) -> SplitText<'a> {
    let text = &text[..text.len().min(u32::MAX as usize - 1)];
    let mut special = [false; 256];
    for byte in [b'\r', b'\n', dialect.delimiter[0]] {
        special[usize::from(byte)] = true;
    }
    let records = SplitText { text, fields: Vec::new(), records: Vec::new(), unclosed: false };
    let mut splitter = Splitter { dialect, special, at: 0, line: 0, out: records };
    while splitter.at < text.len() && splitter.out.records.len() < records_max {
        splitter.record();
    }
    splitter.out
}

struct Splitter<'a, 'd> {
    dialect: &'d Dialect,
    /// Bytes that may end a field without quotes.
    special: [bool; 256],
    at: usize,
    line: u64,
    out: SplitText<'a>,
}

impl Splitter<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.out.text.get(self.at).copied()
    }

    /// Steps over CR, LF or CRLF.
    fn terminator(&mut self) -> bool {
        match self.peek() {
            Some(b'\r') => self.at += 1 + usize::from(self.out.text.get(self.at + 1) == Some(&b'\n')),
            Some(b'\n') => self.at += 1,
            _ => return false,
        }
        self.line += 1;
        true
    }

    fn at_delimiter(&self) -> bool {
        self.out.text[self.at..].starts_with(&self.dialect.delimiter)
    }

    fn record(&mut self) {
        if self.terminator() {
            return;
        }
        if self.dialect.comment.is_some() && self.peek() == self.dialect.comment {
            let rest = &self.out.text[self.at..];
            self.at += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            self.terminator();
            return;
        }
        let (first, line, start) = (self.out.fields.len(), self.line, self.at);
        loop {
            self.field();
            if self.at < self.out.text.len() && self.at_delimiter() {
                self.at += self.dialect.delimiter.len();
                continue;
            }
            break;
        }
        let end = self.at as u32;
        self.terminator();
        let count = (self.out.fields.len() - first) as u32;
        self.out.records.push(Record { first: first as u32, count, line, start: start as u32, end });
    }

    /// Steps over blanks that do not belong to a field.
    fn trim(&mut self) {
        while self.dialect.trim && matches!(self.peek(), Some(b' ' | b'\t')) && !self.at_delimiter() {
            self.at += 1;
        }
    }

    fn field(&mut self) {
        self.trim();
        let start = self.at;
        let mut field =
            Field { start: start as u32, end: start as u32, quoted: false, escaped: false, stray: false };
        if self.dialect.quote.is_some() && self.peek() == self.dialect.quote {
            self.at += 1;
            field.quoted = true;
            field.start = self.at as u32;
            let closed = self.quoted(&mut field.escaped);
            field.end = if closed { self.at - 1 } else { self.at } as u32;
            self.trim();
            if !closed {
                self.out.unclosed = true;
            } else if self.at < self.out.text.len() && !self.at_end() {
                field.stray = true;
                field.start = start as u32;
            }
        }
        if !field.quoted || field.stray {
            self.plain();
            field.end = self.at as u32;
            while self.dialect.trim
                && field.end > field.start
                && b" \t".contains(&self.out.text[field.end as usize - 1])
            {
                field.end -= 1;
            }
        }
        self.out.fields.push(field);
    }

    fn at_end(&self) -> bool {
        matches!(self.peek(), Some(b'\r' | b'\n')) || self.at_delimiter()
    }

    /// To the delimiter, the terminator or the end.
    fn plain(&mut self) {
        while let Some(byte) = self.peek() {
            if self.special[usize::from(byte)] && self.at_end() {
                return;
            }
            self.at += 1;
        }
    }

    /// To behind the closing quote; false at the text's end.
    fn quoted(&mut self, escaped: &mut bool) -> bool {
        let (quote, escape) = (self.dialect.quote, self.dialect.escape);
        while let Some(byte) = self.peek() {
            if escape.is_some() && escape != quote && Some(byte) == escape {
                *escaped = true;
                self.at = (self.at + 2).min(self.out.text.len());
            } else if Some(byte) == quote {
                self.at += 1;
                if self.peek() != quote {
                    return true;
                }
                *escaped = true;
                self.at += 1;
            } else if !self.terminator() {
                self.at += 1;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, dialect: &Dialect, expected: &[&[&str]]) {
        let records = split(text.as_bytes(), dialect, usize::MAX);
        let values: Vec<Vec<Cow<str>>> = records
            .records
            .iter()
            .map(|record| records.fields(record).iter().map(|field| records.value(field, dialect)).collect())
            .collect();
        assert_eq!(values, expected, "{text:?}");
    }

    #[test]
    fn records_and_fields() {
        let rfc = Dialect::default();
        check("a,b\r\n1,\"x,\"\"y\"\"\n\"\r\n\n,", &rfc, &[&["a", "b"], &["1", "x,\"y\"\n"], &["", ""]]);
        check("a\rb\r\rc", &rfc, &[&["a"], &["b"], &["c"]]);
        check("1,\"x\"y\n\"the \"big\" one\",2", &rfc, &[&["1", "\"x\"y"], &["\"the \"big\" one\"", "2"]]);
        check("1,\"open\n2,c", &rfc, &[&["1", "open\n2,c"]]);
        let dialect = Dialect { escape: Some(b'\\'), ..rfc.clone() };
        check("\"a\\\"b\",\"c\"\"d\"", &dialect, &[&["a\"b", "c\"d"]]);
        let dialect = Dialect { trim: true, comment: Some(b'#'), ..rfc.clone() };
        check("# x, y\n a , \"b, c\" ,d \n#", &dialect, &[&["a", "b, c", "d"]]);
        let dialect = Dialect { delimiter: b"||".to_vec(), ..rfc.clone() };
        check("a||b|c||\"d||e\"", &dialect, &[&["a", "b|c", "d||e"]]);
        let dialect = Dialect { delimiter: b"\t".to_vec(), trim: true, ..rfc };
        check("a\t\t b\t", &dialect, &[&["a", "", "b", ""]]);
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let records = split(b"a\r\n\r\n\"b\nc\"\nd\re", &Dialect::default(), usize::MAX);
        let lines: Vec<u64> = records.records.iter().map(|record| record.line).collect();
        assert_eq!(lines, [0, 2, 4, 5]);
    }
}
