//! What -c, -f and the prompt share: texts of statements and backslash commands in, results and answers out.
//!
//! ```text
//! script: text -> statements -> state: query -> results -> pager, file or screen
//!              -> commands -> run ----^ what a command does, with functions, describe, copy, proof and options
//! ```
//!
//! A command that runs a text, as `\i` does, hands it back to [`script`], which is the only one that runs texts.

mod arguments;
pub mod commands;
pub mod copy;
mod describe;
pub mod functions;
pub mod options;
mod output;
mod pager;
mod progress;
mod proof;
mod query;
mod rejects;
mod run;
pub mod script;
mod settings;
mod staged;
pub mod state;
mod stdout;
mod take;
