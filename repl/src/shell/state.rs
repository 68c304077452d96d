//! The state that statements and commands share, how a statement runs, and where its result goes.
//!
//! In: statements. Out: results on standard output, through a pager if they do not fit on the screen, or in the file of
//! `\o`. All statements of a text are parsed before the first one runs. A result that is to be read is rendered before its first
//! byte is written: a statement that fails prints nothing. In formats for machines rows are written as they come.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;
use engine::session::Session;

use super::copy::with_format;
use super::output::{OutputFile, is_read_by};
use super::pager;
use super::query::{Executed, execute};
use super::rejects;
use super::settings::Settings;
use super::stdout;
use super::take::{Kept, Take, Target, Written};
use crate::diagnose::{Failed, Script};
use crate::error::Error;
use crate::report::note;
use crate::results::{self, Form, Rows, Style, TerminalSize, summary};
use crate::signals::{Interrupts, cancellable};
use crate::sql::statements::{Extent, Parsed, parse};
use crate::sql::variables::substitute;

/// Where results go.
pub enum Sink {
    Terminal,
    File(OutputFile),
}

/// The last statement that was run.
pub struct Last {
    pub sql: String,
    /// With its counters, if it ran to its end.
    pub plan: Option<Arc<dyn ExecutionPlan>>,
}

/// Header, lines, the lines below a result and the next prompt.
const LINES_AROUND_ROWS: usize = 10;
/// A smaller screen scrolls.
const ROWS_SHOWN_MIN: usize = 6;

/// What a terminal shows in an instant.
const PIECE_BYTES: usize = 64 << 10;

/// The state of a prompt or of a script.
pub struct Shell {
    pub session: Session,
    pub settings: Settings,
    pub sink: Sink,
    pub last: Option<Last>,
    /// Of `\set`, for `:name` in statements.
    pub variables: BTreeMap<String, String>,
    pub include_depth: usize,
    /// A statement without its end, which the next text goes on with.
    pub pending: String,
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
            session,
            settings: Settings::new(style),
            sink: Sink::Terminal,
            last: None,
            variables: BTreeMap::new(),
            include_depth: 0,
            pending: String::new(),
        }
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
        let failed = Failed { context: &context, text: &sql, extent: Extent::whole(&sql), script };
        let statements = match parse(&context, &sql) {
            Ok(statements) => statements,
            Err(error) => return Err(Error::from(error).explained(failed).await),
        };
        let interrupts = Interrupts::so_far();
        for Parsed { statement, extent } in statements {
            interrupts.check()?;
            self.last = Some(Last { sql: extent.text_in(&sql).to_owned(), plan: None });
            if let Err(error) = self.run_statement(statement, once).await {
                return Err(error.explained(Failed { extent, ..failed }).await);
            }
        }
        Ok(())
    }

    async fn run_statement(&mut self, statement: Statement, once: Once) -> Result<(), Error> {
        if let Statement::CopyTo(copy) = &statement
            && let Some((query, form)) = stdout::query(self.session.context(), copy)?
        {
            return self.write_result(query, form).await;
        }
        let statement = match statement {
            Statement::CopyTo(copy) => Statement::CopyTo(with_format(copy)?),
            statement => statement,
        };
        let mut style = self.style_now();
        style.expanded |= once.expanded;
        if let Some(form) = Form::of(&style).filter(|_| style.terminal.is_none()) {
            return self.write_result(statement, form).await;
        }
        let kept = style.clone();
        let keep = move |schema: &SchemaRef| kept.keep(schema);
        let executed = execute(self.session.context(), statement, Kept::new(keep)).await?;
        // All of it was read: nothing is lost, unless it is written now.
        if let Sink::File(output) = &self.sink
            && is_read_by(output.file(), &executed.plan).map_err(unwritable(output))?
        {
            return Err(Error::WrittenWhileRead { path: output.path() });
        }
        let rejected = self.note_executed(&executed)?;
        let Executed { schema, taken, plan, elapsed, .. } = executed;
        let total = taken.total();
        let mut text = self.render(style.clone(), Arc::clone(&schema), taken.into_rows()).await?;
        // SET, CREATE and the like have no columns, and did nothing that has to be told.
        if let Some(line) = self.line_below(total, elapsed, &plan, &schema) {
            match self.sink {
                Sink::Terminal => text.extend_from_slice(line.as_bytes()),
                // It is no part of the result.
                Sink::File(_) => {
                    self.write(&text)?;
                    self.say(&line)?;
                    text.clear();
                }
            }
        }
        self.write(&text)?;
        rejected.iter().for_each(|line| note(line));
        Ok(())
    }

    /// Runs a statement and writes its rows as they come.
    pub async fn write_result(&mut self, statement: Statement, form: Form) -> Result<(), Error> {
        let target = match &self.sink {
            Sink::Terminal => Target::stdout().map_err(Error::Output)?,
            Sink::File(output) => Target::file(output).map_err(unwritable(output))?,
        };
        let executed = execute(self.session.context(), statement, Written::new(form, target)).await?;
        let rejected = self.note_executed(&executed)?;
        let Executed { schema, taken, plan, elapsed, .. } = executed;
        if let Some(line) = self.line_below(taken.total(), elapsed, &plan, &schema) {
            self.say(&line)?;
        }
        rejected.iter().for_each(|line| note(line));
        Ok(())
    }

    /// Remembers what ran, and tells of wider guesses. Returns what there is to say of rejects, below the result.
    fn note_executed<T>(&mut self, executed: &Executed<T>) -> Result<Option<String>, Error> {
        if let Some(last) = &mut self.last {
            last.plan = Some(Arc::clone(&executed.plan));
        }
        executed.widened.iter().for_each(|widening| note(&widening.to_string()));
        Ok(rejects::keep(self.session.context(), &executed.plan)?)
    }

    /// What stands below a result on a terminal.
    fn line_below(
        &self,
        total: u64,
        elapsed: Duration,
        plan: &Arc<dyn ExecutionPlan>,
        schema: &SchemaRef,
    ) -> Option<String> {
        let size = self.settings.style.terminal.and_then(|_| TerminalSize::of_stdout())?;
        let is_told = self.settings.timing && !schema.fields().is_empty();
        let line = is_told.then(|| summary::line(total, elapsed, plan))?;
        Some(format!("{}\n\n", summary::folded(&line, size.columns)))
    }

    /// The style of the next result. The screen may have another size since the last one.
    fn style_now(&self) -> Style {
        let mut style = match &self.sink {
            Sink::Terminal => self.settings.style.clone(),
            Sink::File(_) => self.settings.style.for_file(),
        };
        style.terminal = style.terminal.and_then(|_| TerminalSize::of_stdout());
        if let (Some(size), true) = (style.terminal, self.settings.rows_by_screen) {
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
        cancellable(rendered).await?.map_err(Error::Task)?
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
            Sink::File(output) => write_all(|piece| output.write_all(piece), text, unwritable(output)),
        }
    }

    /// To the screen, through the pager if it does not fit.
    fn print(&self, text: &[u8]) -> Result<(), Error> {
        let size = self.settings.style.terminal.and_then(|_| TerminalSize::of_stdout());
        if let Some(size) = size
            && pager::show(text, size, &self.settings.pager)
        {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        write_all(|piece| stdout.write_all(piece), text, Error::Output)?;
        stdout.flush().map_err(Error::Output)
    }
}

/// In pieces, between which Ctrl-C is noticed.
fn write_all(
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
    text: &[u8],
    failed: impl Fn(io::Error) -> Error,
) -> Result<(), Error> {
    let interrupts = Interrupts::so_far();
    for piece in text.chunks(PIECE_BYTES) {
        interrupts.check()?;
        write(piece).map_err(&failed)?;
    }
    Ok(())
}

fn unwritable(output: &OutputFile) -> impl Fn(io::Error) -> Error {
    let path = output.path();
    move |source| Error::FileUnwritable { path: path.clone(), source }
}
