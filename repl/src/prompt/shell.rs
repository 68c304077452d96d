//! What texts of statements and commands do: the state that they share, and where results go.
//!
//! In: text, from the command line, a file or the editor. Out: results on standard output, through a pager if they do
//! not fit on the screen, or in the file of `\o`. The first failure ends a text. A text without commands is parsed as
//! a whole before its first statement runs, and a result is rendered before its first byte is written: a statement
//! that fails prints nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;
use engine::session::Session;

use super::commands;
use super::variables::substitute;
use crate::diagnose::{Extent, Failed};
use crate::error::Error;
use crate::lex::{Part, parts};
use crate::pager;
use crate::query::execute;
use crate::results::{self, Rows, Style, TerminalSize, summary};
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

/// A part of a script, so far down that its lines have the numbers that they have there.
fn in_place(text: &str, range: Range<usize>, script: Option<&str>) -> String {
    let part = &text[range.clone()];
    match script {
        Some(_) => "\n".repeat(text[..range.start].matches('\n').count()) + part,
        None => part.trim_start().to_owned(),
    }
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
        if !parts(text).iter().any(|part| matches!(part, Part::Command(_))) {
            self.run_statements(text, script, Once::default()).await?;
            return Ok(Flow::Next);
        }
        let flow = self.run_text(text, script).await;
        let rest = std::mem::take(&mut self.pending);
        if flow? == Flow::Quit {
            return Ok(Flow::Quit);
        }
        self.run_statements(&rest, script, Once::default()).await?;
        Ok(Flow::Next)
    }

    /// Runs what is finished in a text, the rest stays pending.
    pub async fn run_text(&mut self, text: &str, script: Option<&str>) -> Result<Flow, Error> {
        let mut pending = std::mem::take(&mut self.pending);
        for part in parts(text) {
            match part {
                Part::Unfinished(range) => pending.push_str(&in_place(text, range, script)),
                Part::Sql(range) => {
                    pending.push_str(&in_place(text, range, script));
                    let sql = std::mem::take(&mut pending);
                    self.run_statements(&sql, script, Once::default()).await?;
                }
                Part::Command(range) => {
                    let command = commands::parse(&text[range]).map_err(Error::Command)?;
                    self.pending = pending;
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
    pub async fn run_statements(&mut self, sql: &str, script: Option<&str>, once: Once) -> Result<(), Error> {
        let sql = substitute(sql, &self.variables).into_owned();
        let context = self.session.context().clone();
        let failed = Failed { context: &context, text: &sql, extent: Extent::default(), script };
        let statements = match parse(&context, &sql) {
            Ok(statements) => statements,
            Err(error) => return Err(explained(error.into(), failed).await),
        };
        for Parsed { statement, extent } in statements {
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
        let mut text = self.render(&style, &executed.schema, &executed.rows)?;
        // SET, CREATE and the like have no columns, and did nothing that has to be told.
        if self.timing && self.style.terminal.is_some() && !executed.schema.fields().is_empty() {
            let line = summary::line(executed.rows.total(), executed.elapsed, &executed.plan);
            text.extend_from_slice(format!("{line}\n\n").as_bytes());
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

    fn render(&self, style: &Style, schema: &SchemaRef, rows: &Rows) -> Result<Vec<u8>, Error> {
        let state = self.session.context().state();
        Ok(results::render(style, &state.config_options().format, schema, rows)?)
    }

    /// Shows a result that was made here and not by a query.
    pub fn show(&self, batch: RecordBatch) -> Result<(), Error> {
        let schema = batch.schema();
        // Long lists are for the pager, and the types of names and descriptions tell nothing.
        let style = Style { types: false, rows_max: None, ..self.style_now() };
        let text = self.render(&style, &schema, &Rows::from(vec![batch]))?;
        self.write(&text)
    }

    /// Shows a text.
    pub fn say(&self, text: &str) -> Result<(), Error> {
        self.write(text.as_bytes())
    }

    /// To the screen, through the pager if it does not fit, or to the file.
    fn write(&self, text: &[u8]) -> Result<(), Error> {
        match (&self.sink, self.style.terminal.and_then(|_| TerminalSize::of_stdout())) {
            (Sink::Terminal, Some(size)) => pager::show(text, size, &self.pager).map_err(Error::Output),
            (Sink::Terminal, None) => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(text).and_then(|()| stdout.flush()).map_err(Error::Output)
            }
            (Sink::File { path, file }, _) => (&*file)
                .write_all(text)
                .map_err(|source| Error::FileUnwritable { path: path.display().to_string(), source }),
        }
    }
}
