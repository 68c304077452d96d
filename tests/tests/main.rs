//! The tests that need more than one crate, from cheap to dear.

mod backends;
mod cleanup;
mod differential;
mod instructions;
mod reject;
mod semantics;
mod slt;
mod tidy;
mod tpch;
