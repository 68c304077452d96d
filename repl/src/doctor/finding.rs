//! What the checks say, and how it is printed.

use crate::visible::visible;

/// What a line says about its matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Ok,
    /// Queries run slower, or not in the kernel, for want of it.
    Missing,
    /// Good to know.
    Note,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub mark: Mark,
    pub text: String,
    /// What to type, one command a line.
    pub fix: Option<String>,
}

impl Finding {
    pub fn ok(text: impl Into<String>) -> Finding {
        Finding { mark: Mark::Ok, text: text.into(), fix: None }
    }

    pub fn missing(text: impl Into<String>) -> Finding {
        Finding { mark: Mark::Missing, ..Finding::ok(text) }
    }

    pub fn note(text: impl Into<String>) -> Finding {
        Finding { mark: Mark::Note, ..Finding::ok(text) }
    }

    pub fn fix(self, command: impl Into<String>) -> Finding {
        Finding { fix: Some(command.into()), ..self }
    }
}

/// The lines of a report.
pub fn text(findings: &[Finding], colour: bool) -> String {
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
