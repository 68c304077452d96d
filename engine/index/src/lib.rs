//! The index stage in user space: the structural bytes of a chunk become field boundaries, as the template `index.bpf` makes them.
//!
//! ```text
//! window [ chunk ] --[ Indexer::run ]--> entries of all complete records, and where the last of them ends
//! ```
//!
//! In: the bytes of a window with zero bytes behind the chunk. Out: the entries that [`pushdown::contract::index`] describes, those of
//! the template bit for bit where a fold looks at them: of an exception record the first and the last, of another one all.
//!
//! | file | what is in it |
//! |---|---|
//! | `scalar` | the specification: one byte after the other |
//! | `blocks` | 64 bytes at a time: what needs no look at single bytes is stored at once, the rest goes to `walker` |
//! | `walker` | one structural byte after the other, and the end of each record |
//! | `swar`, `avx2`, `avx512` | the structural bytes of a block as bits, by what the processor has |
//! | `stage` | which of them is used |
//!
//! The instructions of a processor stand in `avx2` and `avx512`, with the only `unsafe`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocks;
mod scalar;
mod stage;
mod swar;
#[cfg(test)]
mod tests;
mod utf8;
mod walker;

use pushdown::contract::index::Indexing;

pub use stage::{Stage, UnknownStage};
pub use walker::Indexed;

/// The index stage for one program.
#[derive(Debug, Clone)]
pub struct Indexer {
    indexing: Indexing,
    stage: Stage,
}

impl Indexer {
    /// By a stage that this processor has.
    pub fn new(indexing: Indexing, stage: Stage) -> Indexer {
        Indexer { indexing, stage }
    }

    /// Indexes the chunk `[begin, end)` of a window, which begins with a record. `entries` is the array without what is in front of
    /// it. Stops when all complete records are in it, or there is no room for the longest.
    ///
    /// # Panics
    ///
    /// If the window has not 64 bytes behind `end`, or the array is smaller than the program's.
    pub fn run(&self, window: &[u8], begin: usize, end: usize, entries: &mut [u32]) -> Indexed {
        let walker = walker::Walker::new(&self.indexing, window, begin, end, entries);
        match self.stage {
            Stage::Scalar => scalar::run(walker),
            Stage::Swar => blocks::run::<swar::Swar>(walker),
            #[cfg(target_arch = "x86_64")]
            Stage::Avx2 => avx2::run(walker),
            #[cfg(target_arch = "x86_64")]
            Stage::Avx512 => avx512::run(walker),
        }
    }
}
