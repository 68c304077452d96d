//! What comes out of a guess.

use std::io;
use std::path::PathBuf;

use crate::spec::CsvSpec;

use super::reason::{Decision, Ragged};
use super::unpack::Other;

/// A file that could not be looked at, or that is no CSV file.
#[derive(Debug, thiserror::Error)]
pub enum SniffError {
    /// The operating system, or the unpacker.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is read from it to guess is lost.
    #[error("{}: is no regular file; read its first bytes and guess from those", path.display())]
    NotAFile {
        /// The pipe, terminal or folder.
        path: PathBuf,
    },
    /// A format of its own.
    #[error("{}: is {other}, no CSV file. {}", path.display(), other.cure())]
    Other {
        /// The file.
        path: PathBuf,
        /// What it is.
        other: Other,
    },
    /// A type or a format was declared for a column that is not there.
    #[error("{}: there is no column \"{column}\"; there are {}", path.display(), columns.join(", "))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// As it was declared.
        column: String,
        /// Those that are there; of many the first.
        columns: Vec<String>,
    },
}

/// The guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// How to read the file.
    pub spec: CsvSpec,
    /// Whether all of the file was looked at.
    pub is_whole: bool,
    /// Records that are padded, or will be errors or rejects.
    pub ragged: Ragged,
    /// What was decided and why: parts of the file first, then a decision a column.
    pub decisions: Vec<Decision>,
}
