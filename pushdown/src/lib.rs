//! The compiler: a [`fragment::Fragment`] in, eBPF instructions out.
//!
//! Pure: it knows bytes and instructions, not files, system calls, query engines or column formats.

pub mod aggregates;
pub mod bpf;
pub mod contract;
mod emit;
pub mod fragment;
mod lower;
pub mod ops;
pub mod reference;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use lower::{CompileError, Target, compile};

use contract::index::Indexing;
use contract::layout::Layout;

/// A compiled fragment.
#[derive(Debug, Clone)]
pub struct Program {
    /// What is loaded.
    pub insns: Vec<bpf::Insn>,
    /// Where its inputs and outputs lie.
    pub layout: Layout,
    /// The same as text, for people.
    pub listing: String,
    /// Where it gets its bytes from.
    pub target: Target,
    /// What whoever fills its index array must know.
    pub indexing: Indexing,
}
