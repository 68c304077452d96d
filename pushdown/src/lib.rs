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
mod program;
pub mod reference;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use lower::{CompileError, compile};
pub use program::{Program, Target};
