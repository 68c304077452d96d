//! The backends: where a program can run, and which kind of program each of them takes.

use pushdown::Target;
use weir_index::{Stage, UnknownStage};

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
            BackendKind::Stock => Target::Indexed,
            BackendKind::Interpret => Target::Window,
        }
    }

    /// The same, but where the index stage in eBPF is faster, or WEIR_INDEX asks for it.
    pub fn chosen_target(self) -> Result<Target, UnknownStage> {
        match self {
            BackendKind::Stock if Stage::chosen()?.is_none() => Ok(Target::Window),
            _ => Ok(self.target()),
        }
    }
}
