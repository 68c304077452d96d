//! The prompt, at a terminal.

mod commands;
mod editing;
mod running;
mod session;
