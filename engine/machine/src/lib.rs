//! The machines that run compiled programs.
//!
//! A [`pushdown::Program`] goes in; a [`Machine`] comes out: the loaded program and its maps as plain bytes, laid
//! out by the program's [`Layout`](pushdown::contract::layout::Layout). The caller fills the window and the header words,
//! calls [`Machine::run`], and reads the results from the maps; what the words mean is the matter of
//! [`pushdown::contract`]. A program for a read hook has no window: it is attached to a file ([`Machine::attach`]), and
//! [`Machine::read`] runs it where the kernel would have copied the file's bytes. All machines answer alike, and a
//! dropped one leaves nothing behind in the kernel.
//!
//! [`probe`] and [`probe_hook`] say whether this process can use the kernel, and if not what to do about it.

mod hook;
mod interpret;
mod probe;
mod stock;
mod sys;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io;
use std::time::Duration;

use pushdown::bpf::interpret::Fault;
use pushdown::contract::layout::Map;
use pushdown::{Program, Target};
use thiserror::Error;

pub use probe::{
    Capabilities, HookProbe, KERNEL_MIN, Unavailable, is_older, kernel_release, probe, probe_hook,
};
pub use sys::READ_BYTES_MAX;

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackendKind {
    /// In the read path of a patched kernel, over the page cache in place.
    Hook,
    /// In an unpatched kernel, over a window of memory-mapped bytes.
    Stock,
    /// In user space, slowly and without privilege.
    Interpret,
    /// The same with programs for the hook.
    InterpretHook,
}

impl BackendKind {
    /// Its name in options and EXPLAIN.
    pub fn name(self) -> &'static str {
        match self {
            BackendKind::Hook => "hook",
            BackendKind::Stock => "stock",
            BackendKind::Interpret => "interpret",
            BackendKind::InterpretHook => "interpret-hook",
        }
    }

    /// What its programs are compiled for.
    pub fn target(self) -> Target {
        match self {
            BackendKind::Hook | BackendKind::InterpretHook => Target::Packet,
            BackendKind::Stock | BackendKind::Interpret => Target::Window,
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
    /// The program was not attached to the file.
    #[error("{}", attach_message(source))]
    Attach {
        /// The errno.
        source: io::Error,
    },
    /// Programs for a read hook are attached and read through, all others are run.
    #[error("this machine does not work in this way")]
    WrongMachine,
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

/// The file systems of disks and memory that the kernel patch gives the read hook.
pub const HOOK_FILE_SYSTEMS: &str = "ext4, XFS or tmpfs";

/// Whether the kernel patch gives it to a file system, by the name that mountinfo has for it. In a guest, 9p has it too.
pub fn may_have_hook(file_system: &str) -> bool {
    matches!(file_system, "ext4" | "xfs" | "tmpfs" | "9p")
}

fn attach_message(source: &io::Error) -> String {
    match source.raw_os_error() {
        Some(libc::EOPNOTSUPP) => {
            format!("the file system does not have the read hook; copy the file to {HOOK_FILE_SYSTEMS}")
        }
        _ => format!("the kernel refuses to attach the program to the file: {source}"),
    }
}

impl KernelError {
    /// The errno behind it, if the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            KernelError::Map { source, .. }
            | KernelError::Load { source, .. }
            | KernelError::Attach { source }
            | KernelError::Run { source } => source.raw_os_error(),
            KernelError::ProgramFailed { .. } | KernelError::Fault(_) | KernelError::WrongMachine => None,
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
    Hook(hook::Hook),
    Stock(stock::Stock),
    Interpret(interpret::Interpreter),
}

impl Machine {
    /// Creates the maps, zeroed, and loads the program.
    pub fn load(backend: BackendKind, program: &Program) -> Result<Machine, KernelError> {
        let (backend, statistics) = match backend {
            BackendKind::Hook => {
                let (machine, statistics) = hook::Hook::load(program)?;
                (Backend::Hook(machine), statistics)
            }
            BackendKind::Stock => {
                let (machine, statistics) = stock::Stock::load(program)?;
                (Backend::Stock(machine), statistics)
            }
            BackendKind::Interpret | BackendKind::InterpretHook => {
                let (machine, statistics) = interpret::Interpreter::load(program);
                (Backend::Interpret(machine), statistics)
            }
        };
        Ok(Machine { backend, statistics })
    }

    /// The bytes of a map: as many as the program's layout says, none for a map that it does not use.
    pub fn map(&self, map: Map) -> &[u8] {
        match &self.backend {
            Backend::Hook(machine) => machine.map(map),
            Backend::Stock(machine) => machine.map(map),
            Backend::Interpret(machine) => machine.map(map),
        }
    }

    /// The same, to write.
    pub fn map_mut(&mut self, map: Map) -> &mut [u8] {
        match &mut self.backend {
            Backend::Hook(machine) => machine.map_mut(map),
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
            Backend::Hook(_) => return Err(KernelError::WrongMachine),
            Backend::Stock(machine) => machine.run()?,
            Backend::Interpret(machine) => machine.run()?,
        };
        if retval == 0 { Ok(()) } else { Err(KernelError::ProgramFailed { retval }) }
    }

    /// Attaches a program for the hook to a file, through another open file of its own. `cookie` is what lists of links
    /// show.
    pub fn attach(&mut self, file: &File, cookie: u64) -> Result<(), KernelError> {
        match &mut self.backend {
            Backend::Hook(machine) => machine.attach(file, cookie),
            Backend::Interpret(machine) => machine.attach(file),
            Backend::Stock(_) => Err(KernelError::WrongMachine),
        }
    }

    /// Runs the attached program over up to `bytes` bytes of the file from `position` on, at most [`READ_BYTES_MAX`].
    /// How many it took: 0 if it stopped at once, and at the end of the file, where it does not run.
    pub fn read(&mut self, position: u64, bytes: usize) -> Result<usize, KernelError> {
        match &mut self.backend {
            Backend::Hook(machine) => machine.read(position, bytes),
            Backend::Interpret(machine) => machine.read(position, bytes),
            Backend::Stock(_) => Err(KernelError::WrongMachine),
        }
    }

    /// Takes the program off the file.
    pub fn detach(&mut self) {
        match &mut self.backend {
            Backend::Hook(machine) => machine.detach(),
            Backend::Interpret(machine) => machine.detach(),
            Backend::Stock(_) => {}
        }
    }

    /// What loading it took.
    pub fn statistics(&self) -> LoadStatistics {
        self.statistics
    }
}
