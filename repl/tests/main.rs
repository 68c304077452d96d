//! The program as a user meets it: over pipes.

mod cli;
