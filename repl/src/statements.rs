//! SQL text in, printed results out. A text is parsed as a whole before its first statement runs; then each statement
//! is planned, run to its end and rendered before the first byte of its result is written, so that a statement that
//! fails prints nothing. The first failure ends the text.

use std::io::Write;

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::dialect_from_str;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use engine::session::Session;

use crate::cli::Format;
use crate::diagnose::{Extent, Failed, Report};
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

    /// Runs the statements of `sql`, which `;` separates. Errors name the script, if it comes from one.
    pub async fn run(&mut self, sql: &str, script: Option<&str>) -> Result<(), Error> {
        let failed = Failed { context: self.session.context(), text: sql, extent: Extent::default(), script };
        let statements = match parse(self.session.context(), sql) {
            Ok(statements) => statements,
            Err(error) => return Err(explained(error.into(), failed).await),
        };
        for Parsed { statement, extent } in statements {
            let text = match self.run_statement(statement).await {
                Ok(text) => text,
                Err(error) => return Err(explained(error, Failed { extent, ..failed }).await),
            };
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(&text).and_then(|()| stdout.flush()).map_err(Error::Output)?;
        }
        Ok(())
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

/// An error of DataFusion becomes a report; what else can fail has nothing to do with the text of the statement.
pub async fn explained(error: Error, failed: Failed<'_>) -> Error {
    match error {
        Error::Query(error) => Error::Statement(Box::new(Report::of(&error, failed).await)),
        other => other,
    }
}

/// A statement, and where in its text it stands.
pub struct Parsed {
    pub statement: Statement,
    pub extent: Extent,
}

/// The statements of a text, in the dialect of the session.
pub fn parse(context: &SessionContext, sql: &str) -> Result<Vec<Parsed>, DataFusionError> {
    let state = context.state();
    let settings = &state.config_options().sql_parser;
    let dialect = dialect_from_str(settings.dialect).ok_or_else(|| {
        DataFusionError::Configuration(format!("there is no SQL dialect {}", settings.dialect))
    })?;
    let mut parser = DFParserBuilder::new(sql)
        .with_dialect(dialect.as_ref())
        .with_recursion_limit(settings.recursion_limit.into())
        .build()?;
    // As `DFParser::parse_statements`, which does not tell where each one begins.
    let mut parsed: Vec<Parsed> = Vec::new();
    let mut is_separated = true;
    loop {
        while parser.parser.consume_token(&Token::SemiColon) {
            is_separated = true;
        }
        let TokenWithSpan { token, span } = parser.parser.peek_token_ref().clone();
        if token == Token::EOF {
            return Ok(parsed);
        }
        if let Some(last) = parsed.last_mut() {
            last.extent.end = Some(span.start);
        }
        if !is_separated {
            let message = format!("Expected: end of statement, found: {token}{}", span.start);
            return Err(ParserError::ParserError(message).into());
        }
        let statement = parser.parse_statement()?;
        parsed.push(Parsed { statement, extent: Extent { begin: Some(span.start), end: None } });
        is_separated = false;
    }
}
