//! `weir doctor`: what this host can do, and what to change.
//!
//! ```text
//! host.rs: /proc, /sys, bpf(2) -> Host --checks.rs--> findings
//! files.rs:   PATHs, mounts, the hook ---------------------> findings -> text
//! ```
//!
//! A finding is one line and, if something can be done, the command that does it. Nothing is changed here.

mod checks;
mod files;
mod finding;
mod host;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::cli::Doctor;
use crate::error::Error;
use host::Host;

/// Prints the report. Success if programs can run in the kernel, else 1.
pub fn run(arguments: &Doctor) -> Result<ExitCode, Error> {
    let host = Host::look();
    let mut findings = checks::all(&host);
    findings.extend(files::all(&arguments.paths, host.stock.is_ok(), host.hook.is_ok())?);
    let mut stdout = std::io::stdout().lock();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = finding::text(&findings, colour);
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)?;
    Ok(ExitCode::from(u8::from(host.stock.is_err())))
}
