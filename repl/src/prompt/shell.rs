//! What texts of statements and commands do: the state that they share, and where results go.
//!
//! In: text, from the command line, a file or the editor. Out: results on standard output, through a pager if they do
//! not fit on the screen, or in the file of `\o`. The first failure ends a text. A text without commands is parsed as
//! a whole before its first statement runs, and a result is rendered before its first byte is written: a statement
//! that fails prints nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;
use engine::session::Session;

use super::commands;
use super::variables::substitute;
use crate::diagnose::{Extent, Failed, Script};
use crate::error::Error;
use crate::lex::{Part, parts};
use crate::pager;
use crate::query::{Executed, execute};
use crate::results::{self, Rows, Style, TerminalSize, summary};
use crate::signals::{Interrupts, cancellable};
use crate::statements::{Parsed, explained, parse};

/// Where results go.
pub enum Sink {
    Terminal,
    File { path: PathBuf, file: File },
}

/// The last statement that was run.
pub struct Last {
    pub sql: String,
    /// With its counters, if it ran to its end.
    pub plan: Option<Arc<dyn ExecutionPlan>>,
}

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Next,
    Quit,
}

/// Files that run files that run files: deeper than this it is one that runs itself.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// Header, lines, the lines below a result and the next prompt.
const LINES_AROUND_ROWS: usize = 10;
/// A smaller screen scrolls.
const ROWS_SHOWN_MIN: usize = 6;

/// What a terminal shows in an instant.
const PIECE_BYTES: usize = 64 << 10;

/// The state of a prompt or of a script.
pub struct Shell {
    pub session: Session,
    pub style: Style,
    pub pager: pager::Setting,
    /// Those of vi, else those of emacs, in the line editor.
    pub vi_keys: bool,
    /// Whether the line about rows, time and kernel follows each result.
    pub timing: bool,
    pub sink: Sink,
    pub last: Option<Last>,
    /// Of `\set`, for `:name` in statements.
    pub variables: BTreeMap<String, String>,
    pub include_depth: usize,
    /// A result that is too long is cut to what the screen holds; else `style.rows_max` says where.
    pub rows_by_screen: bool,
    /// A statement without its end, which the next text goes on with.
    pub pending: String,
}

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

/// How a single result is shown, where that differs from the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Once {
    pub expanded: bool,
}

impl Shell {
    /// Prints to standard output, as its being a terminal allows.
    pub fn new(session: Session, style: Style) -> Shell {
        Shell {
            timing: style.terminal.is_some(),
            session,
            style,
            pager: pager::Setting::default(),
            vi_keys: false,
            sink: Sink::Terminal,
            last: None,
            variables: BTreeMap::new(),
            include_depth: 0,
            rows_by_screen: true,
            pending: String::new(),
        }
    }

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
                    let flow = Box::pin(self.run_command(command)).await?;
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

    /// Runs the statements of a text without commands, all of which are parsed before the first one runs.
    pub async fn run_statements(
        &mut self,
        sql: &str,
        script: Option<Script<'_>>,
        once: Once,
    ) -> Result<(), Error> {
        let sql = substitute(sql, &self.variables).into_owned();
        let context = self.session.context().clone();
        let failed = Failed { context: &context, text: &sql, extent: Extent::default(), script };
        let statements = match parse(&context, &sql) {
            Ok(statements) => statements,
            Err(error) => return Err(explained(error.into(), failed).await),
        };
        let interrupts = Interrupts::so_far();
        for Parsed { statement, extent } in statements {
            interrupts.check()?;
            self.last = Some(Last { sql: extent.text_in(&sql).to_owned(), plan: None });
            if let Err(error) = self.run_statement(statement, once).await {
                return Err(explained(error, Failed { extent, ..failed }).await);
            }
        }
        Ok(())
    }

    async fn run_statement(&mut self, statement: Statement, once: Once) -> Result<(), Error> {
        let mut style = self.style_now();
        style.expanded |= once.expanded;
        let kept = style.clone();
        let keep = move |schema: &SchemaRef| kept.keep(schema);
        let executed = execute(self.session.context(), statement, keep).await?;
        if let Some(last) = &mut self.last {
            last.plan = Some(Arc::clone(&executed.plan));
        }
        let Executed { schema, rows, plan, elapsed } = executed;
        let total = rows.total();
        let mut text = self.render(style.clone(), Arc::clone(&schema), rows).await?;
        // SET, CREATE and the like have no columns, and did nothing that has to be told.
        if let Some(size) = self.style.terminal.and_then(|_| TerminalSize::of_stdout())
            && self.timing
            && !schema.fields().is_empty()
        {
            let line = summary::line(total, elapsed, &plan);
            let line = format!("{}\n\n", summary::folded(&line, size.columns));
            match self.sink {
                Sink::Terminal => text.extend_from_slice(line.as_bytes()),
                // It is no part of the result.
                Sink::File { .. } => {
                    self.write(&text)?;
                    return self.say(&line);
                }
            }
        }
        self.write(&text)
    }

    /// The style of the next result. The screen may have another size since the last one.
    fn style_now(&self) -> Style {
        let mut style = match &self.sink {
            Sink::Terminal => self.style.clone(),
            Sink::File { .. } => self.style.for_file(),
        };
        style.terminal = style.terminal.and_then(|_| TerminalSize::of_stdout());
        if let (Some(size), true) = (style.terminal, self.rows_by_screen) {
            let room = size.rows.saturating_sub(LINES_AROUND_ROWS).max(ROWS_SHOWN_MIN);
            style.rows_max = style.rows_max.map(|rows_max| rows_max.min(room));
        }
        style
    }

    /// Apart from the task that Ctrl-C is noticed in: a large result takes its time.
    async fn render(&self, style: Style, schema: SchemaRef, rows: Rows) -> Result<Vec<u8>, Error> {
        let config = self.session.context().copied_config();
        let render =
            move || results::render(&style, &config.options().format, &schema, &rows).map_err(Error::from);
        let rendered = tokio::task::spawn_blocking(render);
        cancellable(async { rendered.await.map_err(Error::Task)? }).await
    }

    /// Shows a result that was made here and not by a query.
    pub async fn show(&self, batch: RecordBatch) -> Result<(), Error> {
        let schema = batch.schema();
        // Long lists are for the pager, and the types of names and descriptions tell nothing.
        let style = Style { types: false, rows_max: None, ..self.style_now() };
        let text = self.render(style, schema, Rows::from(vec![batch])).await?;
        self.write(&text)
    }

    /// Shows a text where results go.
    pub fn show_text(&self, text: &str) -> Result<(), Error> {
        self.write(text.as_bytes())
    }

    /// Tells something on the screen, also while results go to a file.
    pub fn say(&self, text: &str) -> Result<(), Error> {
        self.print(text.as_bytes())
    }

    /// To the screen, or to the file of `\o`.
    fn write(&self, text: &[u8]) -> Result<(), Error> {
        match &self.sink {
            Sink::Terminal => self.print(text),
            Sink::File { path, file } => write_all(&mut &*file, text, |source| Error::FileUnwritable {
                path: path.display().to_string(),
                source,
            }),
        }
    }

    /// To the screen, through the pager if it does not fit.
    fn print(&self, text: &[u8]) -> Result<(), Error> {
        let size = self.style.terminal.and_then(|_| TerminalSize::of_stdout());
        if let Some(size) = size
            && pager::show(text, size, &self.pager)
        {
            return Ok(());
        }
        write_all(&mut std::io::stdout().lock(), text, Error::Output)
    }
}

/// In pieces, between which Ctrl-C is noticed.
fn write_all(to: &mut dyn Write, text: &[u8], failed: impl Fn(io::Error) -> Error) -> Result<(), Error> {
    let interrupts = Interrupts::so_far();
    for piece in text.chunks(PIECE_BYTES) {
        interrupts.check()?;
        to.write_all(piece).map_err(&failed)?;
    }
    to.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use engine::session::SessionOptions;

    use super::*;
    use crate::cli::Format;

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
