//! The contract between a compiled program, the machines that run it and the engine that reads its results: words and
//! bytes, no files and no system calls. All numbers are little-endian; all offsets are in bytes.
//!
//! | module | what it says |
//! |---|---|
//! | [`structure`] | the bytes that separate, enclose and escape |
//! | [`layout`] | the maps of a program, the words of its state, its sizes |
//! | [`index`] | the entries that the index stage leaves to the fold |
//! | [`groups`] | the entries of the group table |
//! | [`rows`] | rows as values, in the output area |
//! | [`hook`] | what a read hook shows to a program, and what it may answer |
//! | [`steps`] | how a program is driven, whatever machine it runs on |
//!
//! The words of it:
//!
//! ```text
//!        chunk_bytes_max                     64
//! window [ unfinished | more of the file   | 0 0 0 ]      all addresses that a program may look at
//!          `------------ chunk ----------'   slack        a power of two: a mask bounds their offsets
//! ```
//!
//! A *chunk* is the bytes of one invocation over a window, a *packet* those of one in a read hook: a piece of page cache,
//! with nothing behind it that could be looked at. *Unfinished* is the record that the end of either cuts.
//!
//! One invocation over a window is `run(chunk) -> bytes consumed`. Before it the caller puts bytes into the window, sets
//! [`BEGIN`](layout::BEGIN) and [`END`](layout::END), and writes zero bytes behind the end. After it
//! [`CONSUMED`](layout::CONSUMED) is the window offset of the first byte that was not processed, always the beginning of
//! a record (or `END`), and [`STOP`](layout::STOP) says why it is not further on. The unfinished record behind it must be
//! presented again, complete.
//!
//! A program for a read hook gets the file packet by packet and answers how far it got ([`hook::Answer`]). It takes all of
//! a packet unless [`STOP`](layout::STOP) says why not; nothing is presented again. The unfinished record goes to the
//! output area in pieces, raw, and counts as an exception record. Between two reads the caller may drain the output area:
//! its bytes from [`CARRY_BEGIN`](layout::CARRY_BEGIN) on are the beginning of that record while
//! [`CARRY_STATE`](layout::CARRY_STATE) is not 0.

pub mod groups;
pub mod hook;
pub mod index;
pub mod layout;
pub mod rows;
pub mod steps;
pub mod structure;
#[cfg(test)]
mod tests;
