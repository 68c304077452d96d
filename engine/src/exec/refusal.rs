//! Why a partition was not finished by its program.
//!
//! A refusal is not what the user sees: the original scan of the partition runs instead and its rows or its error
//! are the answer. Only `require` makes an error of a refusal.

use std::io;

use datafusion::common::DataFusionError;
use datafusion::object_store;

use super::ranges::RangeError;
use machine::KernelError;

/// Why a partition was not finished by its program.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
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
    Records(DataFusionError),
    /// The program's state could not be turned into batches.
    #[error("the state cannot be decoded: {0}")]
    State(DataFusionError),
    /// Nobody wants the result any more.
    #[error("the query was cancelled")]
    Cancelled,
}

impl Refusal {
    /// Whether it says something about weir or the machine that it runs on, not about the data.
    pub fn is_failure(&self) -> bool {
        matches!(self, Refusal::Kernel(_) | Refusal::Contract(_))
    }
}

/// How a program broke the contract of one invocation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// The first byte not processed lies outside the chunk.
    #[error("it consumed up to {consumed}, outside of the chunk [{begin}, {end}]")]
    Consumed {
        /// Beginning of the chunk.
        begin: usize,
        /// Its end.
        end: usize,
        /// What the program said.
        consumed: u64,
    },
    /// There is no such reason to stop.
    #[error("it stopped for the unknown reason {0}")]
    Stop(u64),
    /// It did nothing although there was room for its results.
    #[error("it stopped for reason {stop} without progress")]
    Stuck {
        /// The reason it gave.
        stop: u64,
    },
    /// A complete record was left over.
    #[error("it left a complete record of {bytes} bytes")]
    Unfinished {
        /// Length of the record.
        bytes: usize,
    },
    /// A guard of a packet failed.
    #[error("it read outside of its packet")]
    Outside,
    /// The kernel says that more was read than was asked for.
    #[error("it took {taken} of {wanted} bytes")]
    Overread {
        /// What the kernel said.
        taken: usize,
        /// What was asked for.
        wanted: usize,
    },
    /// An output area is smaller than what is said to be in it.
    #[error("it wrote {used} bytes into an area of {size}")]
    Overrun {
        /// What the program said.
        used: u64,
        /// Size of the area.
        size: usize,
    },
}
