//! SQL text in, statements out, each with its place in the text; and of one that failed, what there is to say.

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::dialect_from_str;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::diagnose::{Extent, Failed, Report};
use crate::error::Error;

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
