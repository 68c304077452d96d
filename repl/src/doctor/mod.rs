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
mod machine;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::cli::Doctor;
use crate::error::Error;
use crate::visible::visible;
use machine::Machine;

/// What a line says about its matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Ok,
    /// Queries run slower, or not in the kernel, for want of it.
    Missing,
    /// Good to know.
    Note,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    mark: Mark,
    text: String,
    /// What to type, one command a line.
    fix: Option<String>,
}

impl Finding {
    fn ok(text: impl Into<String>) -> Finding {
        Finding { mark: Mark::Ok, text: text.into(), fix: None }
    }

    fn missing(text: impl Into<String>) -> Finding {
        Finding { mark: Mark::Missing, ..Finding::ok(text) }
    }

    fn note(text: impl Into<String>) -> Finding {
        Finding { mark: Mark::Note, ..Finding::ok(text) }
    }

    fn fix(self, command: impl Into<String>) -> Finding {
        Finding { fix: Some(command.into()), ..self }
    }
}

/// Prints the report. Success if programs can run in the kernel, else 1.
pub fn run(arguments: &Doctor) -> Result<ExitCode, Error> {
    let machine = Machine::look();
    let mut findings = checks::all(&machine);
    findings.extend(files::all(&arguments.paths, machine.stock.is_ok(), machine.hook.is_ok())?);
    let mut stdout = std::io::stdout().lock();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = text(&findings, colour);
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)?;
    Ok(ExitCode::from(u8::from(machine.stock.is_err())))
}

fn text(findings: &[Finding], colour: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let (word, code) = match finding.mark {
            Mark::Ok => ("ok", "32"),
            Mark::Missing => ("missing", "31"),
            Mark::Note => ("note", "36"),
        };
        let padded = format!("{word:<8}");
        let mark = if colour { format!("\x1b[{code}m{padded}\x1b[0m") } else { padded };
        text.push_str(&format!("{mark}{}\n", visible(&finding.text)));
        for command in finding.fix.iter().flat_map(|fix| fix.lines()) {
            text.push_str(&format!("{:8}  {}\n", "", visible(command)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_commands() {
        let findings =
            [Finding::ok("good"), Finding::missing("bad\u{1b}").fix("one\ntwo"), Finding::note("known")];
        insta::assert_snapshot!(text(&findings, false), @r"
        ok      good
        missing bad\x1b
                  one
                  two
        note    known
        ");
        assert_eq!(console::strip_ansi_codes(&text(&findings, true)), text(&findings, false));
    }
}
