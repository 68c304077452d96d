//! CSV files as people really have them.
//!
//! ```text
//! bytes of a file --[ sniff ]--> CsvSpec --[ reader ]--> Arrow batches + rejects
//!                                   ^
//!                     what a person declared, which always wins
//! ```
//!
//! A [`spec::CsvSpec`] says everything that is needed to read a file. It is guessed, declared, or both. What is read by it is
//! the same whoever reads. A guess must never lose data: what does not fit it is an error, a reject that is counted, or a
//! wider guess, and never a changed value.
//!
//! The reader is one line of stages:
//!
//! ```text
//! file --[ bytes ]--> UTF-8 text --[ records ]--> places of fields --[ values ]--> Arrow arrays
//!        unpacked,                 one slab of                       one batch of
//!        transcoded                whole records                     rows
//! ```
//!
//! This crate knows bytes, files and Arrow arrays. It knows no query, no plan and no program.

pub mod bytes;
pub mod ranges;
pub mod reader;
mod records;
pub mod rejects;
pub mod sniff;
pub mod spec;
#[cfg(test)]
mod testing;
mod values;

pub use values::is_value;
pub use values::number::POWERS_OF_TEN;
