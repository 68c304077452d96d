//! Machines: loaded programs with their maps, and what this host can run.
//!
//! A [`pushdown::Program`] goes in; a [`Machine`] comes out: the loaded program and its maps as plain bytes, laid out by
//! the program's [`Layout`](pushdown::contract::layout::Layout). It is driven by what it is: a [`WindowMachine`] over a
//! window that the caller fills, a [`ReadMachine`] where the kernel would have copied a file's bytes. How, and what the
//! words in the maps mean, is the matter of [`pushdown::contract`]. All machines answer alike, and a dropped one leaves
//! nothing behind in the kernel, unless it was leased: then it waits in this process for its next use.
//!
//! | file | what is in it |
//! |---|---|
//! | `backend` | the names of the backends, and what their programs are compiled for |
//! | `machine` | machines by what drives them |
//! | `stock`, `hook`, `interpret` | one backend each |
//! | `pool` | machines that wait for their next use |
//! | `load` | creates maps and loads a program, for each backend in the kernel |
//! | `sys` | the system calls, and the only `unsafe` |
//! | `probe` | finds out what this process can run, by doing it |
//! | `capabilities`, `release`, `file_systems`, `unavailable` | why not, in words for a person |
//!
//! Of aya it uses what there is: map creation, and through aya-obj the kernel's constants and structures. aya 0.14 cannot
//! load a `syscall` program or run one, hand an array of map descriptors to the loader, give out the verifier's log of a
//! program that was accepted, create links of types that it does not know, or map a map's value into memory: `sys` does
//! that. Its probe of program types (`is_program_supported`) would not do: it says nothing of `may_goto`, of mapped maps
//! and of capabilities beyond its own trivial program. Its `KernelVersion` is that of the running kernel alone, and here a
//! release is text that a person is shown.

mod backend;
mod capabilities;
mod error;
mod file_systems;
mod hook;
mod interpret;
mod load;
mod machine;
mod pool;
mod probe;
mod release;
mod stock;
mod sys;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod unavailable;

pub use backend::BackendKind;
pub use capabilities::Capabilities;
pub use error::{KernelError, VerifierLog};
pub use file_systems::{hook_file_systems, may_have_hook};
pub use load::LoadStatistics;
pub use machine::{Machine, ReadMachine, WindowMachine};
pub use pool::unload_idle;
pub use probe::{HookProbe, probe, probe_hook};
pub use release::{KERNEL_MIN, is_older, kernel_release};
pub use sys::READ_BYTES_MAX;
pub use unavailable::Unavailable;
pub use weir_index::UnknownStage;
