//! The machine of an unpatched kernel: memory-mapped array maps and a `syscall` program.

use pushdown::Program;
use pushdown::contract::layout::Map;
use pushdown::contract::steps::{Maps, RunWindow};

use crate::KernelError;
use crate::error::check_return_value;
use crate::load::{Instance, LoadStatistics, load};
use crate::sys::ProgramKind;

/// A program in the kernel.
#[derive(Debug)]
pub(crate) struct Stock(Instance);

impl Stock {
    pub(crate) fn load(program: &Program) -> Result<(Stock, LoadStatistics), KernelError> {
        let (instance, statistics) = load(program, ProgramKind::Syscall)?;
        Ok((Stock(instance), statistics))
    }
}

impl Maps for Stock {
    fn map(&self, map: Map) -> &[u8] {
        self.0.map(map as usize)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.0.map_mut(map as usize)
    }
}

impl RunWindow for Stock {
    type Error = KernelError;

    fn run(&mut self) -> Result<(), KernelError> {
        check_return_value(self.0.run().map_err(|source| KernelError::Run { source })?)
    }
}
