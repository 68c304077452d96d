//! Failures and remarks on standard error, as far as that is still open.

use std::io::{self, Write};

use crate::diagnose::{self, Look, Report, headline};
use crate::error::Error;
use crate::visible::visible;

/// Prints what went wrong, with all that is known about it.
pub fn failure(error: &Error) {
    let look = look();
    let text = match error {
        Error::Statement(report) => report.render(look),
        Error::Query(error) => Report::without_statement(error).render(look),
        Error::PathUnreadable { path, source } if source.kind() == io::ErrorKind::NotFound => {
            let hint = diagnose::file_hint(path).map(|hint| format!("HINT: {}\n", visible(&hint)));
            headline(&printable(error), look) + &hint.unwrap_or_default()
        }
        other => headline(&printable(other), look),
    };
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Some messages have several lines; nothing else may move the cursor.
fn printable(error: &Error) -> String {
    error.to_string().lines().map(visible).collect::<Vec<_>>().join("\n")
}

/// Colour only on a terminal, and for who wants it (<https://no-color.org>).
fn look() -> Look {
    let terminal = console::Term::stderr();
    if !terminal.is_term() {
        return Look::PLAIN;
    }
    Look { colour: console::colors_enabled_stderr(), width: terminal.size().1.max(1).into() }
}

/// Prints a remark.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "weir: {}", visible(text));
}
