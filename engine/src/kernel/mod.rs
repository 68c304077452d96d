//! The machines that run compiled programs.
//!
//! A [`pushdown::Program`] goes in; a [`Machine`] comes out: the loaded program and its maps as plain bytes, laid
//! out by the program's [`Layout`](pushdown::layout::Layout). The caller fills the window and the header words,
//! calls [`Machine::run`], and reads the results from the maps; what the words mean is the matter of
//! [`pushdown::layout`]. All machines answer alike, and a dropped one leaves nothing behind in the kernel.
//!
//! [`probe`] says whether this process can use the kernel at all, and if not what to do about it.

mod interpret;
mod probe;
mod stock;
mod sys;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::time::Duration;

use pushdown::Program;
use pushdown::bpf::interpret::Fault;
use pushdown::layout::Map;
use thiserror::Error;

pub use probe::{Unavailable, kernel_available_or_skip, probe};

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackendKind {
    /// In an unpatched kernel, over a window of memory-mapped bytes.
    Stock,
    /// In user space, slowly and without privilege.
    Interpret,
}

impl BackendKind {
    /// Its name in options and EXPLAIN.
    pub fn name(self) -> &'static str {
        match self {
            BackendKind::Stock => "stock",
            BackendKind::Interpret => "interpret",
        }
    }
}

/// What went wrong between a program and the kernel.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A map could not be created or mapped into this process.
    #[error("cannot create the {} map of {bytes} bytes: {source}", map.name())]
    Map {
        /// Which one.
        map: Map,
        /// Size of its value.
        bytes: usize,
        /// The errno.
        source: io::Error,
    },
    /// The kernel did not take the program. With a log it was the verifier, which is a bug of the compiler.
    #[error("the kernel refuses to load the program: {source}{log}")]
    Load {
        /// The errno.
        source: io::Error,
        /// What the verifier said; empty if it was not asked.
        log: VerifierLog,
    },
    /// The loaded program could not be run.
    #[error("cannot run the program: {source}")]
    Run {
        /// The errno.
        source: io::Error,
    },
    /// The program returned something else than 0, a bug of the compiler.
    #[error("the program failed with {retval}")]
    ProgramFailed {
        /// What it returned.
        retval: u32,
    },
    /// The interpreter stopped the program, a bug of the compiler.
    #[error("the program was stopped: {0}")]
    Fault(#[from] Fault),
}

impl KernelError {
    /// The errno behind it, if the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            KernelError::Map { source, .. }
            | KernelError::Load { source, .. }
            | KernelError::Run { source } => source.raw_os_error(),
            KernelError::ProgramFailed { .. } | KernelError::Fault(_) => None,
        }
    }

    /// The verifier's log, if it refused the program.
    pub fn verifier_log(&self) -> Option<&str> {
        match self {
            KernelError::Load { log, .. } if !log.0.is_empty() => Some(&log.0),
            _ => None,
        }
    }
}

/// The verifier's log, or the end of it when it is long. Shown, it is cut down to the reason: the lines before the
/// statistics, each on a line of its own behind the error that it belongs to. [`KernelError::verifier_log`] has it all.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierLog(String);

impl fmt::Display for VerifierLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LINES: usize = 6;
        let is_statistics = |line: &&str| {
            ["processed ", "verification time ", "stack depth "].iter().any(|word| line.starts_with(word))
        };
        let lines: Vec<&str> =
            self.0.lines().filter(|line| !line.is_empty() && !is_statistics(line)).collect();
        lines[lines.len().saturating_sub(LINES)..].iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl fmt::Debug for VerifierLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes: {self}", self.0.len())
    }
}

/// What loading a program took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadStatistics {
    /// Length of the program in 8-byte slots.
    pub program_instructions: usize,
    /// Instructions that the verifier walked through, each as often as it met it; none where it was not asked.
    pub verified_instructions: Option<u64>,
    /// From the creation of the maps to the loaded program.
    pub load_time: Duration,
}

/// One loaded program with its maps. Frees both when dropped.
#[derive(Debug)]
pub struct Machine {
    backend: Backend,
    statistics: LoadStatistics,
}

#[derive(Debug)]
enum Backend {
    Stock(stock::Stock),
    Interpret(interpret::Interpreter),
}

impl Machine {
    /// Creates the maps, zeroed, and loads the program.
    pub fn load(backend: BackendKind, program: &Program) -> Result<Machine, KernelError> {
        let (backend, statistics) = match backend {
            BackendKind::Stock => {
                let (machine, statistics) = stock::Stock::load(program)?;
                (Backend::Stock(machine), statistics)
            }
            BackendKind::Interpret => {
                let (machine, statistics) = interpret::Interpreter::load(program);
                (Backend::Interpret(machine), statistics)
            }
        };
        Ok(Machine { backend, statistics })
    }

    /// The bytes of a map: as many as the program's layout says, none for a map that it does not use.
    pub fn map(&self, map: Map) -> &[u8] {
        match &self.backend {
            Backend::Stock(machine) => machine.map(map),
            Backend::Interpret(machine) => machine.map(map),
        }
    }

    /// The same, to write.
    pub fn map_mut(&mut self, map: Map) -> &mut [u8] {
        match &mut self.backend {
            Backend::Stock(machine) => machine.map_mut(map),
            Backend::Interpret(machine) => machine.map_mut(map),
        }
    }

    /// A word of the state map, by its byte offset.
    ///
    /// # Panics
    ///
    /// If the state map ends before it.
    pub fn word(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.map(Map::State)[offset..offset + 8]);
        u64::from_le_bytes(word)
    }

    /// Sets a word of the state map, by its byte offset.
    ///
    /// # Panics
    ///
    /// If the state map ends before it.
    pub fn set_word(&mut self, offset: usize, value: u64) {
        self.map_mut(Map::State)[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }

    /// One invocation, on the calling thread.
    pub fn run(&mut self) -> Result<(), KernelError> {
        let retval = match &mut self.backend {
            Backend::Stock(machine) => machine.run()?,
            Backend::Interpret(machine) => machine.run()?,
        };
        if retval == 0 { Ok(()) } else { Err(KernelError::ProgramFailed { retval }) }
    }

    /// What loading it took.
    pub fn statistics(&self) -> LoadStatistics {
        self.statistics
    }
}
