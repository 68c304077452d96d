//! The machine without a kernel: plain memory and pushdown's checked interpreter.
//!
//! It needs no privilege and refuses at run time what the verifier refuses at load time. It is the reference that
//! the other machines are compared with, never chosen for speed.

use std::fmt;
use std::time::Instant;

use pushdown::Program;
use pushdown::bpf::interpret::{Limits, Memory, Prepared};
use pushdown::layout::Map;

use super::{KernelError, LoadStatistics};

/// A program in user space.
pub(super) struct Interpreter {
    program: Prepared,
    memory: Memory,
}

impl Interpreter {
    pub(super) fn load(program: &Program) -> (Interpreter, LoadStatistics) {
        let start = Instant::now();
        let machine =
            Interpreter { program: Prepared::new(&program.insns), memory: Memory::new(&program.layout) };
        let statistics = LoadStatistics {
            program_instructions: program.insns.len(),
            verified_instructions: None,
            load_time: start.elapsed(),
        };
        (machine, statistics)
    }

    pub(super) fn map(&self, map: Map) -> &[u8] {
        self.memory.map(map)
    }

    pub(super) fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.memory.map_mut(map)
    }

    /// The return value as the kernel hands it out: its low 32 bits.
    pub(super) fn run(&mut self) -> Result<u32, KernelError> {
        Ok(self.program.run(&mut self.memory, Limits::default())?.value as u32)
    }
}

impl fmt::Debug for Interpreter {
    /// Without the megabytes of the maps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreter").finish_non_exhaustive()
    }
}
