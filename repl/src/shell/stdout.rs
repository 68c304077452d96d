//! `COPY ... TO STDOUT`, as in psql: a statement in, the query and how its rows are written out.

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{CopyToSource, CopyToStatement, Statement};
use datafusion::sql::sqlparser::ast::{Statement as SqlStatement, Value};

use crate::results::Form;
use crate::sql::stdout::STDOUT;

/// Why a result cannot be written to standard output.
#[derive(Debug, thiserror::Error)]
enum StdoutError {
    #[error("standard output takes CSV and JSON, not {0}: write it to a file")]
    Format(String),
    #[error(
        "COPY to standard output does not know the option {0}: format.delimiter and format.has_header are known"
    )]
    Option(String),
    #[error("{value} is no value of {option}")]
    Value { option: String, value: String },
    #[error("PARTITIONED BY makes a folder, and standard output is none")]
    Partitions,
}

/// The query whose rows a COPY writes to standard output, and how. None: it writes to a file.
pub fn query(
    context: &SessionContext,
    copy: &CopyToStatement,
) -> Result<Option<(Statement, Form)>, DataFusionError> {
    if copy.target != STDOUT && copy.target != "-" {
        return Ok(None);
    }
    let form = form(copy).map_err(|error| DataFusionError::External(Box::new(error)))?;
    let query = match &copy.source {
        CopyToSource::Query(query) => Statement::Statement(Box::new(SqlStatement::Query(query.clone()))),
        CopyToSource::Relation(name) => {
            let state = context.state();
            let dialect = state.config_options().sql_parser.dialect;
            state.sql_to_statement(&format!("SELECT * FROM {name}"), &dialect)?
        }
    };
    Ok(Some((query, form)))
}

fn form(copy: &CopyToStatement) -> Result<Form, StdoutError> {
    if !copy.partitioned_by.is_empty() {
        return Err(StdoutError::Partitions);
    }
    let format = copy.stored_as.as_deref().unwrap_or("CSV").to_ascii_uppercase();
    let (mut delimiter, mut header) = (b',', true);
    for (name, value) in &copy.options {
        let text = match value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        };
        let wrong = || StdoutError::Value { option: name.clone(), value: value.to_string() };
        match name.to_ascii_lowercase().trim_start_matches("format.") {
            "delimiter" => match text.as_bytes() {
                [byte] if byte.is_ascii() => delimiter = *byte,
                _ => return Err(wrong()),
            },
            "has_header" | "header" => header = text.to_ascii_lowercase().parse().map_err(|_| wrong())?,
            _ => return Err(StdoutError::Option(name.clone())),
        }
    }
    match format.as_str() {
        "CSV" => Ok(Form::Separated { delimiter, header }),
        "JSON" | "NDJSON" => Ok(Form::Ndjson),
        _ => Err(StdoutError::Format(format)),
    }
}
