//! Why a partition was not finished by its program.
//!
//! A refusal is not what the user sees: the original scan of the partition runs instead and its rows or its error
//! are the answer. Only `require` makes an error of a refusal.

use std::io;

use datafusion::common::DataFusionError;
use datafusion::object_store;

use super::ranges::RangeError;
use crate::prepare::NoProgram;
use machine::KernelError;
use pushdown::contract::steps::{ContractError, StepError};

/// Why a partition was not finished by its program.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nothing could be loaded: this host has no program for any partition.
    #[error("{0}")]
    NoProgram(#[from] NoProgram),
    /// A file could not be opened.
    #[error("{path} cannot be opened: {source}")]
    Open {
        /// Its location in the object store.
        path: String,
        /// What the object store said.
        source: object_store::Error,
    },
    /// A program reads local files.
    #[error("{path} is not a local file")]
    NotLocal {
        /// Its location in the object store.
        path: String,
    },
    /// The bytes that the partition owns could not be told.
    #[error("{path}: {source}")]
    Range {
        /// Location of the file.
        path: String,
        /// What is wrong with them.
        source: RangeError,
    },
    /// A file could not be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// Its location in the object store.
        path: String,
        /// The errno.
        source: io::Error,
    },
    /// A file ended before it should have.
    #[error("{path} became shorter while it was read")]
    CutOff {
        /// Its location in the object store.
        path: String,
    },
    /// DataFusion checks whole batches, and whether it finds this depends on what stands around it.
    #[error("a record is not valid UTF-8")]
    InvalidUtf8,
    /// A record does not fit into memory that is set apart for it.
    #[error("a record is longer than {record_bytes_max} bytes")]
    LongRecord {
        /// The limit.
        record_bytes_max: usize,
    },
    /// The program was not loaded or not run.
    #[error("{0}")]
    Kernel(#[from] KernelError),
    /// The program broke its contract: a bug of the compiler.
    #[error("the program broke its contract: {0}")]
    Contract(#[from] ContractError),
    /// The raw records, or the original expressions on them, give an error.
    #[error("a record is refused by DataFusion: {0}")]
    Record(DataFusionError),
    /// The program's state could not be turned into batches.
    #[error("the state cannot be decoded: {0}")]
    State(DataFusionError),
    /// Nobody wants the result any more.
    #[error("the query was cancelled")]
    Cancelled,
}

impl Refusal {
    /// Whether it says something about weir or the host that it runs on, not about the data.
    pub fn is_failure(&self) -> bool {
        matches!(self, Refusal::NoProgram(_) | Refusal::Kernel(_) | Refusal::Contract(_))
    }
}

impl From<StepError<KernelError>> for Refusal {
    fn from(error: StepError<KernelError>) -> Self {
        match error {
            StepError::Machine(error) => Refusal::Kernel(error),
            StepError::Contract(error) => Refusal::Contract(error),
        }
    }
}
