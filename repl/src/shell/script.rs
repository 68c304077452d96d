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
use crate::sql::lex::{Part, parts};

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Next,
    Quit,
}

/// Files that run files that run files: deeper than this it is one that runs itself.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// Counts lines, further down each time.
#[derive(Default)]
struct Lines {
    at: usize,
    lines: usize,
}

impl Lines {
    /// Lines in front of the one that this byte is in.
    fn before(&mut self, text: &str, at: usize) -> usize {
        self.lines += text[self.at..at].matches('\n').count();
        self.at = at;
        self.lines
    }
}

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
        if !parts(text).iter().any(|part| matches!(part, Part::Command(_))) {
            self.run_statements(text, whole, Once::default()).await?;
            return Ok(Flow::Next);
        }
        let flow = self.run_text(text, script).await;
        let rest = std::mem::take(&mut self.pending);
        if flow? == Flow::Quit {
            return Ok(Flow::Quit);
        }
        let lines_before = text[..text.len() - rest.trim_start().len().min(text.len())].matches('\n').count();
        self.run_statements(&rest, script.map(|name| Script { name, lines_before }), Once::default()).await?;
        Ok(Flow::Next)
    }

    /// Runs what is finished in a text, the rest stays pending.
    pub async fn run_text(&mut self, text: &str, script: Option<&str>) -> Result<Flow, Error> {
        let mut pending = std::mem::take(&mut self.pending);
        let interrupts = Interrupts::so_far();
        let mut lines = Lines::default();
        // Of the line in which a statement begins.
        let mut begin = 0;
        for part in parts(text) {
            interrupts.check()?;
            match part {
                Part::Unfinished(range) => {
                    begin = if pending.is_empty() { lines.before(text, range.start) } else { begin };
                    push_line(&mut pending, &text[range]);
                }
                Part::Sql(range) => {
                    begin = if pending.is_empty() { lines.before(text, range.start) } else { begin };
                    push_line(&mut pending, &text[range]);
                    let sql = std::mem::take(&mut pending);
                    let script = script.map(|name| Script { name, lines_before: begin });
                    self.run_statements(&sql, script, Once::default()).await?;
                }
                Part::Command(range) => {
                    // Also when the command fails: a typing error in it must not cost the statement.
                    self.pending = pending;
                    let command = commands::parse(&text[range]).map_err(Error::Command)?;
                    let flow = match self.run_command(command).await? {
                        Then::Next => Flow::Next,
                        Then::Quit => Flow::Quit,
                        Then::Include(path) => Box::pin(self.include(&path)).await?,
                        Then::Text { text, script } => {
                            Box::pin(self.run_text(&text, script.as_deref())).await?
                        }
                    };
                    pending = std::mem::take(&mut self.pending);
                    if flow == Flow::Quit {
                        return Ok(flow);
                    }
                }
            }
        }
        self.pending = pending;
        Ok(Flow::Next)
    }

    /// Runs a file.
    pub async fn include(&mut self, path: &str) -> Result<Flow, Error> {
        if self.include_depth == INCLUDE_DEPTH_MAX {
            return Err(Error::Usage(format!("{path}: files run one another, {INCLUDE_DEPTH_MAX} deep")));
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
}
