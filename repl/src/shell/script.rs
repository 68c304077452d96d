//! Texts of statements and commands, run one after the other.
//!
//! In: text, from the command line, a file or the editor. Out: what its statements and commands print. The first failure
//! ends a text. A text without commands is parsed as a whole before its first statement runs.

use super::commands;
use super::run::{Then, read_text};
use super::state::{Once, Shell};
use crate::diagnose::Script;
use crate::error::Error;
use crate::signals::Interrupts;
use crate::sql::parts::{ScriptPart, ScriptPartKind, parts};

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Next,
    Quit,
}

/// What came of the parts of a text.
struct Ran {
    flow: Flow,
    /// Lines of the text in front of the statement that is pending.
    lines_before: usize,
}

/// Files that run files that run files: deeper than this it is one that runs itself.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// Goes on with a statement on a line of its own.
fn push_line(pending: &mut String, part: &str) {
    if !pending.is_empty() && !pending.ends_with('\n') {
        pending.push('\n');
    }
    pending.push_str(part);
}

impl Shell {
    /// Runs a whole text, that of a script if it has a name; a last statement needs no `;`.
    pub async fn run_script(&mut self, text: &str, script: Option<&str>) -> Result<Flow, Error> {
        let whole = script.map(|name| Script { name, lines_before: 0 });
        // Editors on Windows begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parts = parts(text);
        if !parts.iter().any(|part| part.kind == ScriptPartKind::Command) {
            self.run_statements(text, whole, Once::default()).await?;
            return Ok(Flow::Next);
        }
        let ran = self.run_parts(text, parts, script).await;
        let rest = std::mem::take(&mut self.pending);
        let Ran { flow, lines_before } = ran?;
        if flow == Flow::Quit {
            return Ok(Flow::Quit);
        }
        self.run_statements(&rest, script.map(|name| Script { name, lines_before }), Once::default()).await?;
        Ok(Flow::Next)
    }

    /// Runs what is finished in a text, the rest stays pending.
    pub async fn run_text(&mut self, text: &str, script: Option<&str>) -> Result<Flow, Error> {
        self.run_parts(text, parts(text), script).await.map(|ran| ran.flow)
    }

    async fn run_parts(
        &mut self,
        text: &str,
        parts: Vec<ScriptPart>,
        script: Option<&str>,
    ) -> Result<Ran, Error> {
        let interrupts = Interrupts::so_far();
        let mut lines_before = 0;
        for ScriptPart { kind, range, lines_before: lines } in parts {
            interrupts.check()?;
            if kind == ScriptPartKind::Command {
                if self.run_command_line(&text[range]).await? == Flow::Quit {
                    return Ok(Ran { flow: Flow::Quit, lines_before });
                }
                continue;
            }
            if self.pending.is_empty() {
                lines_before = lines;
            }
            push_line(&mut self.pending, &text[range]);
            if kind == ScriptPartKind::Statement {
                let sql = std::mem::take(&mut self.pending);
                let script = script.map(|name| Script { name, lines_before });
                self.run_statements(&sql, script, Once::default()).await?;
            }
        }
        Ok(Ran { flow: Flow::Next, lines_before })
    }

    /// The statement in front of it stays pending when it fails: a typing error in a command must not cost it.
    async fn run_command_line(&mut self, line: &str) -> Result<Flow, Error> {
        match self.run_command(commands::parse(line)?).await? {
            Then::Next => Ok(Flow::Next),
            Then::Quit => Ok(Flow::Quit),
            Then::Include(path) => Box::pin(self.include(&path)).await,
            Then::Text { text, script } => Box::pin(self.run_text(&text, script.as_deref())).await,
        }
    }

    /// Runs a file.
    pub async fn include(&mut self, path: &str) -> Result<Flow, Error> {
        if self.include_depth == INCLUDE_DEPTH_MAX {
            return Err(Error::IncludedTooDeep { path: path.to_owned(), depth: INCLUDE_DEPTH_MAX });
        }
        let text = read_text(path)?;
        self.include_depth += 1;
        let result = self.run_script(&text, Some(path)).await;
        self.include_depth -= 1;
        result
    }
}

#[cfg(test)]
mod tests {
    use engine::session::{Session, SessionOptions};

    use super::*;
    use crate::diagnose::Look;
    use crate::results::{Format, Style};

    #[tokio::test]
    async fn a_command_that_fails_leaves_the_statement_in_front_of_it() {
        let session = Session::new(SessionOptions::default()).unwrap();
        let mut shell = Shell::new(session, Style::plain(Format::Csv));
        for command in ["\\nope", "\\d nope", "\\watch soon", "\\i nope.sql", "\\"] {
            shell.run_text("SELECT 1\n", None).await.unwrap();
            assert!(shell.run_text(command, None).await.is_err(), "{command}");
            assert_eq!(std::mem::take(&mut shell.pending).trim(), "SELECT 1", "{command}");
        }
        assert!(shell.run_text("SELECT nope; SELECT 1", None).await.is_err());
        assert_eq!(shell.pending, "");
    }

    #[tokio::test]
    async fn the_line_of_a_statement_counts_from_the_beginning_of_its_file() {
        let session = Session::new(SessionOptions::default()).unwrap();
        let mut shell = Shell::new(session, Style::plain(Format::Csv));
        for text in
            ["SELECT 1;\n\nSELECT nope;\n", "\\p\nSELECT 1;\nSELECT nope;", "\\p\nSELECT 1;\nSELECT nope"]
        {
            let text = text.replace("\\p", "\\set a b");
            let error = shell.run_script(&text, Some("a.sql")).await.unwrap_err();
            let Error::Statement(report) = error else { panic!("{error}") };
            assert!(report.render(Look::PLAIN).contains("a.sql:3: SELECT nope"), "{text:?}");
        }
    }
}
