//! The prompt, at a terminal.

mod commands;
mod editing;
mod results;
mod running;
mod session;
