//! The machine of an unpatched kernel: memory-mapped array maps and a `syscall` program.
//!
//! The index array of a program that has no index stage is filled here, in user space, just before it runs.

use pushdown::contract::index::{Entry, INDEX_FRONT_BYTES};
use pushdown::contract::layout::{BEGIN, CONSUMED, END, INDEX_END, Map};
use pushdown::contract::steps::{Maps, RunWindow};
use pushdown::{Program, Target};
use weir_index::{Indexer, Stage};

use crate::KernelError;
use crate::error::check_return_value;
use crate::load::{Instance, LoadStatistics, load};
use crate::sys::ProgramKind;

/// A program in the kernel.
#[derive(Debug)]
pub(crate) struct Stock {
    instance: Instance,
    /// None: the program has a stage of its own.
    indexer: Option<Indexer>,
}

impl Stock {
    pub(crate) fn load(program: &Program) -> Result<(Stock, LoadStatistics), KernelError> {
        let (instance, statistics) = load(program, ProgramKind::Syscall)?;
        let indexer = match program.target {
            Target::Indexed => Some(Indexer::new(program.indexing, Stage::for_indexed()?)),
            Target::Window | Target::Packet => None,
        };
        Ok((Stock { instance, indexer }, statistics))
    }

    /// The field boundaries of the chunk.
    fn index(&mut self) {
        let (begin, end) = (self.word(BEGIN) as usize, self.word(END) as usize);
        let maps = self.instance.map_and_words_mut(Map::Window as usize, Map::Index as usize);
        let (Some(indexer), Some((window, index))) = (&self.indexer, maps) else { return };
        let indexed = indexer.run(window, begin, end, &mut index[INDEX_FRONT_BYTES / Entry::BYTES..]);
        self.set_word(CONSUMED, indexed.consumed as u64);
        self.set_word(INDEX_END, indexed.entries_bytes as u64);
    }
}

impl Maps for Stock {
    fn map(&self, map: Map) -> &[u8] {
        self.instance.map(map as usize)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.instance.map_mut(map as usize)
    }
}

impl RunWindow for Stock {
    type Error = KernelError;

    fn run(&mut self) -> Result<(), KernelError> {
        self.index();
        check_return_value(self.instance.run().map_err(|source| KernelError::Run { source })?)
    }
}
