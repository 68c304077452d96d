//! What can go wrong between a program and the kernel, with the verifier's words.

use std::fmt;
use std::io;

use pushdown::bpf::interpret::Fault;
use pushdown::contract::layout::Map;
use thiserror::Error;
use weir_index::UnknownStage;

use crate::file_systems::hook_file_systems;

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
    /// The program returned something else than 0, a bug of the compiler.
    #[error("the program failed with {retval}")]
    ProgramFailed {
        /// What it returned.
        retval: u32,
    },
    /// The interpreter stopped the program, a bug of the compiler.
    #[error("the program was stopped: {0}")]
    Fault(#[from] Fault),
    /// The index stage that was asked for is not here.
    #[error(transparent)]
    Index(#[from] UnknownStage),
}

fn attach_message(source: &io::Error) -> String {
    match source.raw_os_error() {
        Some(libc::EOPNOTSUPP) => {
            format!("the file system does not have the read hook; copy the file to {}", hook_file_systems())
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
            KernelError::ProgramFailed { .. } | KernelError::Fault(_) | KernelError::Index(_) => None,
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
pub struct VerifierLog(pub(crate) String);

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

/// A program returns 0.
pub(crate) fn check_return_value(retval: u32) -> Result<(), KernelError> {
    if retval == 0 { Ok(()) } else { Err(KernelError::ProgramFailed { retval }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_shown_by_its_end() {
        let shown = |log: &str| VerifierLog(log.to_owned()).to_string();
        assert_eq!(shown(""), "");
        let log = "0: (b7) r0 = 0\nR1 bad\nverification time 1 usec\nstack depth 0\nprocessed 1 insns\n\n";
        assert_eq!(shown(log), "\n  0: (b7) r0 = 0\n  R1 bad");
        assert_eq!(shown(&"line\n".repeat(100)).lines().count(), 7);
    }
}
