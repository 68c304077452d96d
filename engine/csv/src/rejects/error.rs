//! Why reading ended before the end of the file.

use std::fmt;
use std::io;
use std::sync::Arc;

use arrow_schema::{ArrowError, DataType};

use super::{ColumnRef, Reason, Reject, shown, type_name};
use crate::spec::ColumnType;

/// Reading ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// A record that does not fit, and bad records end the query.
    #[error("{file}: {reject}. {}", Cure::of(&reject.reason))]
    Record {
        /// Its file.
        file: Arc<str>,
        /// The first one of the bytes that were read.
        reject: Box<Reject>,
    },
    /// Guesses that do not hold. Read again with the wider types, nothing is lost.
    #[error("{file}: {}", widenings.first().map(ToString::to_string).unwrap_or_default())]
    Wider {
        /// The file.
        file: Arc<str>,
        /// At most one for a column. The first one is the first in the file.
        widenings: Vec<Widening>,
    },
    /// A record longer than the limit.
    #[error(
        "{file}: line {line}: the record has more than {bytes_max} bytes{}. {}",
        quote_line.map(|line| format!(", and a quote is open since line {line}")).unwrap_or_default(),
        Cure::Quote
    )]
    TooLong {
        /// The file.
        file: Arc<str>,
        /// The line in which it begins.
        line: u64,
        /// The byte at which it begins.
        offset: u64,
        /// The limit.
        bytes_max: usize,
        /// Where a quote opens that is not closed up to the limit.
        quote_line: Option<u64>,
    },
    /// The bytes could not be read or unpacked.
    #[error("{file}: reading failed behind byte {offset}: {source}. {}", Cure::File)]
    Read {
        /// The file.
        file: Arc<str>,
        /// Bytes of text that were read before.
        offset: u64,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// The file ended before it should have.
    #[error(
        "{file}: it changed while it was read: it had {expected} bytes, and now ends at byte {found}. {}",
        Cure::File
    )]
    Changed {
        /// The file.
        file: Arc<str>,
        /// Bytes that it had when reading began, or a part of it.
        expected: u64,
        /// Bytes that there were.
        found: u64,
    },
    /// Arrow refuses the columns: a NULL where the schema allows none.
    #[error("{file}: {source}")]
    Arrow {
        /// The file.
        file: Arc<str>,
        /// What it says.
        source: Arc<ArrowError>,
    },
    /// The specification or the schema cannot be used.
    #[error("{file}: {source}")]
    Spec {
        /// The file.
        file: Arc<str>,
        /// What is wrong with it.
        source: SpecError,
    },
}

impl ReadError {
    /// The byte of the text to which it belongs. Of several errors in a file the one with the least is reported.
    pub fn offset(&self) -> u64 {
        match self {
            ReadError::Record { reject, .. } => reject.offset,
            ReadError::Wider { widenings, .. } => widenings.first().map_or(0, |widening| widening.offset),
            ReadError::TooLong { offset, .. } | ReadError::Read { offset, .. } => *offset,
            ReadError::Changed { found, .. } => *found,
            ReadError::Spec { .. } | ReadError::Arrow { .. } => 0,
        }
    }
}

/// A guess that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widening {
    /// The column.
    pub column: ColumnRef,
    /// What was guessed.
    pub from: ColumnType,
    /// What holds this value too, and all that was read before.
    pub to: Wider,
    /// The value that does not fit.
    pub value: String,
    /// The line in which its record begins.
    pub line: u64,
    /// The byte at which its record begins.
    pub offset: u64,
}

/// What a guess becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wider {
    /// Another type.
    Type(ColumnType),
    /// The same, and the value stands for NULL, as these texts do already.
    Null(Vec<String>),
}

impl fmt::Display for Widening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "column {} was guessed {}, and the record in line {} has {}: ",
            shown(&self.column.name),
            type_name(&self.from),
            self.line,
            shown(&self.value),
        )?;
        match &self.to {
            Wider::Type(ty) => write!(formatter, "{} holds it", type_name(ty)),
            Wider::Null(_) => formatter.write_str("it is taken for NULL"),
        }
    }
}

/// What a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// Leave records out, or let fields be NULL.
    OnError,
    /// Declare another type.
    Types,
    /// Declare another encoding.
    Encoding,
    /// Declare another quote, or none.
    Quote,
    /// The file is damaged.
    File,
}

impl Cure {
    /// Of a bad record.
    pub fn of(reason: &Reason) -> Cure {
        match reason {
            Reason::Short { .. } | Reason::Long { .. } => Cure::OnError,
            Reason::Value { .. } => Cure::Types,
            Reason::Bytes => Cure::Encoding,
            Reason::StrayQuote | Reason::UnclosedQuote { .. } => Cure::Quote,
        }
    }
}

impl fmt::Display for Cure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Cure::OnError => {
                "Read the others with --on-error skip, or with --on-error null for what there is of it"
            }
            Cure::Types => "Declare another type with --types, or leave the record out with --on-error skip",
            Cure::Encoding => {
                "Declare what it is with --encoding, or leave the record out with --on-error skip"
            }
            Cure::Quote => "Declare another quote with --quote, or leave the record out with --on-error skip",
            Cure::File => "Look whether the file is complete, and not written to",
        })
    }
}

/// Why a file cannot be read with a specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no delimiter.
    #[error("the delimiter is empty")]
    NoDelimiter,
    /// A byte would mean two things.
    #[error("the byte {byte:#04x} cannot be the {first} and the {second}")]
    Ambiguous {
        /// The byte.
        byte: u8,
        /// One meaning.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A projection names a column that is not there.
    #[error("there is no column {index}: the file has {columns}")]
    NoColumn {
        /// From 0.
        index: usize,
        /// Columns.
        columns: usize,
    },
    /// An Arrow type that the column's type cannot become.
    #[error("column '{name}' is {from} in the file, which cannot be read as {to}")]
    Type {
        /// Of the column.
        name: String,
        /// What its fields are.
        from: String,
        /// What was asked for.
        to: DataType,
    },
    /// Digits of a decimal or a fraction that no type has.
    #[error("column '{name}' has a type that does not exist: {ty}")]
    Digits {
        /// Of the column.
        name: String,
        /// Its type.
        ty: String,
    },
    /// A range of a file that can only be read from its beginning.
    #[error("the file is packed or not UTF-8, so it is read from its beginning")]
    Range,
}
