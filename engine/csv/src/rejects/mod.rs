//! Records that a specification does not fit, and why reading ended.
//!
//! A [`Reject`] is one record that was left out or mended, with its place and its reason. With [`OnError::Fail`] the first one
//! in the file is the error. A [`ReadError`] ends with its cure. What people read is made here, and nowhere else; everything
//! else decides by the types.
//!
//! [`OnError::Fail`]: crate::spec::OnError::Fail

mod error;
mod types;

pub use error::{Cure, ReadError, SpecError, Widening, Wider};
pub use types::{declared_type_name, sql_type_name, type_name};

use std::fmt;

/// Bytes of a record that a reject keeps.
pub const RAW_BYTES_MAX: usize = 64 << 10;
/// Bytes of a value that a message shows.
const SHOWN_BYTES_MAX: usize = 60;

/// A record that the specification does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub reason: Reason,
    /// The line of the file in which the record begins, from 1.
    pub line: u64,
    /// The byte at which it begins, of the file, or of the unpacked and transcoded text where it is not plain UTF-8.
    pub offset: u64,
    /// Where in the record, when it is one column.
    pub column: Option<ColumnRef>,
    /// The record as it stands there, without its line end, cut after [`RAW_BYTES_MAX`].
    pub raw: Vec<u8>,
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRef {
    /// From 0.
    pub index: usize,
    /// Its name.
    pub name: String,
}

/// Why a record does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Fewer fields than columns.
    Short {
        /// Columns.
        expected: usize,
        /// Fields.
        found: usize,
    },
    /// More fields than columns.
    Long {
        /// Columns.
        expected: usize,
        /// Fields.
        found: usize,
    },
    /// A field that is no value of its column's declared type.
    Value {
        /// The field.
        value: String,
        /// The type, as SQL writes it.
        type_name: String,
    },
    /// Text behind a closing quote.
    StrayQuote,
    /// Bytes that are no UTF-8.
    Bytes,
    /// A quote that is never closed.
    UnclosedQuote {
        /// The line in which it opens.
        line: u64,
    },
}

impl Reason {
    /// One word for tables of rejects.
    pub fn kind(&self) -> &'static str {
        match self {
            Reason::Short { .. } => "short",
            Reason::Long { .. } => "long",
            Reason::Value { .. } => "value",
            Reason::StrayQuote => "stray quote",
            Reason::Bytes => "bytes",
            Reason::UnclosedQuote { .. } => "unclosed quote",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Short { expected, found } | Reason::Long { expected, found } => {
                write!(
                    formatter,
                    "{} where the file has {}",
                    counted(*found, "field"),
                    counted(*expected, "column")
                )
            }
            Reason::Value { value, type_name } => {
                write!(formatter, "{} is not {type_name}", shown(value))
            }
            Reason::StrayQuote => formatter.write_str("there is text behind a closing quote"),
            Reason::Bytes => formatter.write_str("these bytes are not UTF-8"),
            Reason::UnclosedQuote { line } => {
                write!(formatter, "the quote that opens in line {line} is never closed")
            }
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(formatter, ", column {}", shown(&column.name))?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

/// `1 field`, `2 fields`.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A text of the file within a message: on one line, not too long, without control characters.
fn shown(text: &str) -> String {
    let mut shown = String::from("'");
    for (at, character) in text.char_indices() {
        if at >= SHOWN_BYTES_MAX {
            shown.push_str("...");
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('\'');
    shown
}
