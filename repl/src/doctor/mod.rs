//! `weir doctor`: what this machine can do, and what to change.
//!
//! ```text
//! machine.rs: /proc, /sys, bpf(2) -> Machine --checks.rs--> findings
//! files.rs:   PATHs, mounts, the hook ---------------------> findings -> text
//! ```
//!
//! A finding is one line and, if something can be done, the command that does it. Nothing is changed here.

mod checks;
mod files;
mod finding;
mod machine;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::cli::Doctor;
use crate::error::Error;
use machine::Machine;

/// Prints the report. Success if programs can run in the kernel, else 1.
pub fn run(arguments: &Doctor) -> Result<ExitCode, Error> {
    let machine = Machine::look();
    let mut findings = checks::all(&machine);
    findings.extend(files::all(&arguments.paths, machine.stock.is_ok(), machine.hook.is_ok())?);
    let mut stdout = std::io::stdout().lock();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = finding::text(&findings, colour);
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)?;
    Ok(ExitCode::from(u8::from(machine.stock.is_err())))
}
