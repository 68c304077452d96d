//! SQL text in, printed results out. A text is parsed as a whole before its first statement runs; then each statement
//! is planned, run to its end and rendered before the first byte of its result is written, so that a statement that
//! fails prints nothing. The first failure ends the text.

use std::collections::VecDeque;
use std::io::Write;

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::dialect_from_str;
use engine::session::Session;

use crate::cli::Format;
use crate::error::Error;
use crate::results::{self, Rows, Style};

/// Runs SQL in a session and prints to standard output.
pub struct Printer<'a> {
    session: &'a Session,
    format: Format,
}

impl<'a> Printer<'a> {
    pub fn new(session: &'a Session, format: Format) -> Self {
        Self { session, format }
    }

    /// Runs the statements of `sql`, which `;` separates.
    pub async fn run(&mut self, sql: &str) -> Result<(), Error> {
        for statement in self.parse(sql)? {
            let text = self.run_statement(statement).await?;
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(&text).and_then(|()| stdout.flush()).map_err(Error::Output)?;
        }
        Ok(())
    }

    fn parse(&self, sql: &str) -> Result<VecDeque<Statement>, Error> {
        let state = self.session.context().state();
        let settings = &state.config_options().sql_parser;
        let dialect = dialect_from_str(settings.dialect).ok_or_else(|| {
            DataFusionError::Configuration(format!("there is no SQL dialect {}", settings.dialect))
        })?;
        let mut parser = DFParserBuilder::new(sql)
            .with_dialect(dialect.as_ref())
            .with_recursion_limit(settings.recursion_limit.into())
            .build()?;
        Ok(parser.parse_statements()?)
    }

    async fn run_statement(&self, statement: Statement) -> Result<Vec<u8>, Error> {
        let context = self.session.context();
        let plan = context.state().statement_to_plan(statement).await?;
        let frame = context.execute_logical_plan(plan).await?;
        let schema = frame.schema().inner().clone();
        let batches = frame.collect().await?;
        let style = Style::for_stdout(self.format);
        let state = context.state();
        Ok(results::render(&style, &state.config_options().format, &schema, &Rows::from(batches))?)
    }
}
