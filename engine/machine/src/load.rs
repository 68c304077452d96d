//! Loads a program into the kernel, whatever runs it there.
//!
//! In: a program. Out: an [`Instance`], whose maps are zeroed, and what loading took; or the kernel's reason.
//! Loading always collects the verifier's words. The first attempt asks only for messages and statistics, which is
//! cheap and yields the number of instructions processed; a refused program is loaded once more with its path
//! logged, for the person who has to find out why.

use std::io;
use std::time::{Duration, Instant};

use pushdown::Program;
use pushdown::contract::layout::Map;

use crate::error::{KernelError, VerifierLog};
use crate::sys::{self, LOG_PATH, LOG_STATISTICS, ProgramKind};

/// The maps of a program in the kernel, and the program.
pub(crate) type Instance = sys::Instance<{ Map::ALL.len() }>;

/// Of the log of a refused program the end is kept: that is where the reason stands.
const LOG_BYTES_MAX: usize = 64 << 10;

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

/// Creates the maps of a program and loads it.
pub(crate) fn load(program: &Program, kind: ProgramKind) -> Result<(Instance, LoadStatistics), KernelError> {
    let start = Instant::now();
    let mut instance = Instance::new(kind);
    for map in Map::ALL {
        let bytes = program.layout.bytes(map);
        if bytes > 0 {
            instance
                .create_map(map as usize, object_name(map), bytes)
                .map_err(|source| KernelError::Map { map, bytes, source })?;
        }
    }
    let insns: Vec<u64> = program.insns.iter().map(|insn| insn.to_u64()).collect();
    let log = load_with_log(&mut instance, &insns)?;
    let statistics = LoadStatistics {
        program_instructions: insns.len(),
        verified_instructions: processed_instructions(&log),
        load_time: start.elapsed(),
    };
    Ok((instance, statistics))
}

/// Loads the program; the log of the load.
fn load_with_log(instance: &mut Instance, insns: &[u64]) -> Result<String, KernelError> {
    let mut log = vec![0; LOG_BYTES_MAX];
    let Err(source) = instance.load(insns, LOG_STATISTICS, &mut log) else {
        return Ok(log_text(&log));
    };
    let messages = log_text(&log);
    if messages.is_empty() {
        // Refused before the verifier: permission, memory, an unknown program type.
        return Err(KernelError::Load { source, log: VerifierLog(messages) });
    }
    log.fill(0);
    match instance.load(insns, LOG_PATH | LOG_STATISTICS, &mut log) {
        // Only if the first refusal was a passing one, such as a lack of memory.
        Ok(()) => Ok(log_text(&log)),
        // The errno of the first: this one is ENOSPC when the log was cut.
        Err(second) => Err(load_error(source, second, messages, log_text(&log))),
    }
}

fn load_error(first: io::Error, second: io::Error, messages: String, path: String) -> KernelError {
    let is_cut = |error: &io::Error| error.raw_os_error() == Some(libc::ENOSPC);
    let source = if is_cut(&first) && !is_cut(&second) { second } else { first };
    KernelError::Load { source, log: VerifierLog(if path.is_empty() { messages } else { path }) }
}

/// The zero-terminated log as text; the verifier may quote bytes that are none.
fn log_text(log: &[u8]) -> String {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    String::from_utf8_lossy(&log[..end]).into_owned()
}

/// From "processed 12 insns (limit 1000000) ..." (`print_verification_stats`, kernel/bpf/verifier.c).
fn processed_instructions(log: &str) -> Option<u64> {
    let line = log.lines().rev().find_map(|line| line.strip_prefix("processed "))?;
    line.split(' ').next()?.parse().ok()
}

/// Shown by `bpftool map`.
fn object_name(map: Map) -> &'static str {
    match map {
        Map::Window => "weir_window",
        Map::Index => "weir_index",
        Map::State => "weir_state",
        Map::Groups => "weir_groups",
        Map::Output => "weir_output",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_found_in_a_log() {
        let log =
            "verification time 66 usec\nstack depth 0\nprocessed 1234 insns (limit 1000000) max_states\n";
        assert_eq!(processed_instructions(log), Some(1234));
        assert_eq!(processed_instructions("processed many insns"), None);
        assert_eq!(processed_instructions(""), None);
    }

    #[test]
    fn a_log_is_decoded_whatever_it_holds() {
        assert_eq!(log_text(b"R1 !read_ok\0rest"), "R1 !read_ok");
        assert_eq!(log_text(b"\xff without end"), "\u{fffd} without end");
        assert_eq!(log_text(b""), "");
    }

    #[test]
    fn a_cut_log_does_not_hide_the_errno() {
        let error = |errno| io::Error::from_raw_os_error(errno);
        let errno = |first, second| match load_error(error(first), error(second), "a".into(), "b".into()) {
            KernelError::Load { source, log } => {
                assert_eq!(log.0, "b");
                source.raw_os_error()
            }
            other => panic!("{other}"),
        };
        assert_eq!(errno(libc::E2BIG, libc::ENOSPC), Some(libc::E2BIG));
        assert_eq!(errno(libc::ENOSPC, libc::EACCES), Some(libc::EACCES));
    }
}
