//! The program as a user meets it: over pipes, and at a terminal.

mod cli;
mod prompt;
mod screens;
mod terminal;
