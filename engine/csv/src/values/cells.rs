//! The fields of a slab, as texts.

use std::ops::ControlFlow;

use crate::records::{Field, Form};

/// How quoted fields are written.
#[derive(Debug, Clone, Copy)]
pub struct Quoting {
    /// Two of it are one.
    pub quote: Option<u8>,
    /// Is left out, and the next byte stays. None where it is the quote.
    pub escape: Option<u8>,
}

impl Quoting {
    /// Appends what the bytes between two quotes mean.
    pub fn unescape(self, raw: &str, text: &mut String) {
        let bytes = raw.as_bytes();
        // Text from here on is not appended yet.
        let mut from = 0;
        let mut at = 0;
        while at < bytes.len() {
            let byte = Some(bytes[at]);
            let next = bytes.get(at + 1).copied();
            // All that is quoted is ASCII, so that these places are between characters.
            if next.is_some() && (byte == self.escape || byte == self.quote && next == self.quote) {
                text.push_str(&raw[from..at]);
                from = at + 1;
                at += 1;
            }
            at += 1;
        }
        text.push_str(&raw[from..]);
    }
}

/// Fields of whole records, each with `stride` fields.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    /// Where the places are.
    pub text: &'a str,
    /// Record by record.
    pub fields: &'a [Field],
    /// Fields of a record.
    pub stride: usize,
    /// How they are written.
    pub quoting: Quoting,
    /// Unquoted texts that are NULL in a column that is not text.
    pub nulls: &'a [String],
    /// The same in a column whose type was guessed.
    pub late_nulls: &'a [String],
}

/// Which texts stand for NULL in a column, beside the empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// None: it is text.
    Text,
    /// Those that the table has.
    Declared,
    /// Those, and what was found in it.
    Guess,
}

impl<'a> Cells<'a> {
    /// Records.
    pub fn rows(&self) -> usize {
        self.fields.len().checked_div(self.stride).unwrap_or(0)
    }

    /// Visits the fields of a column until there is enough. None is NULL. `scratch` holds what had to be written anew.
    #[inline]
    pub fn each(
        &self,
        column: usize,
        nulls: Nulls,
        scratch: &mut String,
        mut visit: impl FnMut(usize, Option<&str>) -> ControlFlow<()>,
    ) {
        let (nulls, late_nulls): (&[String], &[String]) = match nulls {
            Nulls::Text => (&[], &[]),
            Nulls::Declared => (self.nulls, &[]),
            Nulls::Guess => (self.nulls, self.late_nulls),
        };
        let looks_at_nulls = !nulls.is_empty() || !late_nulls.is_empty();
        for (row, record) in self.fields.chunks_exact(self.stride.max(1)).enumerate() {
            let field = record[column];
            let raw = &self.text[field.start()..field.end()];
            let flow = match field.form() {
                _ if raw.is_empty() => visit(row, None),
                Form::Escaped => {
                    scratch.clear();
                    self.quoting.unescape(raw, scratch);
                    visit(row, Some(scratch.as_str()).filter(|text| !text.is_empty()))
                }
                Form::Plain if looks_at_nulls && nulls.iter().chain(late_nulls).any(|null| null == raw) => {
                    visit(row, None)
                }
                _ => visit(row, Some(raw)),
            };
            if flow.is_break() {
                return;
            }
        }
    }

    /// Whether a field is not quoted.
    pub fn is_plain(&self, row: usize, column: usize) -> bool {
        self.fields[row * self.stride + column].form() == Form::Plain
    }

    /// The text of one field.
    pub fn text_of(&self, row: usize, column: usize) -> String {
        let field = self.fields[row * self.stride + column];
        let raw = &self.text[field.start()..field.end()];
        if field.form() != Form::Escaped {
            return raw.to_owned();
        }
        let mut text = String::new();
        self.quoting.unescape(raw, &mut text);
        text
    }
}
