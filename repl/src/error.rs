//! What can go wrong in the program itself, and the exit code that each failure ends with. Errors of queries pass
//! through with the text that DataFusion gives them.

use std::io::{self, Write};
use std::path::PathBuf;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use engine::exec::FellBack;
use engine::rule::Refused;

/// Every way the program can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A query, or the registration of a table, failed.
    #[error("{}", readable(.0))]
    Query(#[from] DataFusionError),
    /// A result could not be turned into the wanted format.
    #[error("the result cannot be printed in this format: {0}")]
    Format(#[from] ArrowError),
    /// Standard output refused the result.
    #[error("standard output: {0}")]
    Output(io::Error),
    #[error("the thread pool did not start: {0}")]
    Runtime(io::Error),
    #[error("the prompt failed: {0}")]
    Prompt(io::Error),

    #[error("cannot read {path}: {source}")]
    ScriptUnreadable { path: String, source: io::Error },
    #[error("cannot read {path}: {source}")]
    PathUnreadable { path: String, source: io::Error },
    #[error("no file matches {pattern}")]
    NoMatch { pattern: String },
    #[error("{pattern} is not a pattern: {source}")]
    BadPattern { pattern: String, source: glob::PatternError },
    #[error("{pattern}: only the last part of a path may hold wildcards")]
    WildcardInFolder { pattern: String },
    #[error("{path} holds no CSV file (*.csv, *.tsv, also as .gz, .bz2, .xz or .zst)")]
    NoCsvFile { path: String },
    #[error("{path} holds both *{one} and *{other} files; name the ones you mean, as in '{path}/*{one}'")]
    MixedFiles { path: String, one: String, other: String },
    #[error("{path} gives no table name")]
    NoTableName { path: String },
    #[error("{one} and {other} would both become table \"{name}\"")]
    DuplicateTable { name: String, one: String, other: String },

    #[error("the cache folder {}: {source}", .path.display())]
    Cache { path: PathBuf, source: io::Error },
    #[error("{query}: THE ANSWERS DIFFER between pushdown off and on: {difference}")]
    AnswersDiffer { query: &'static str, difference: String },
}

impl Error {
    /// 2 when the command line asks for something that is not there or not possible, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::ScriptUnreadable { .. }
            | Error::PathUnreadable { .. }
            | Error::NoMatch { .. }
            | Error::BadPattern { .. }
            | Error::WildcardInFolder { .. }
            | Error::NoCsvFile { .. }
            | Error::MixedFiles { .. }
            | Error::NoTableName { .. }
            | Error::DuplicateTable { .. } => 2,
            Error::Query(_)
            | Error::Format(_)
            | Error::Output(_)
            | Error::Runtime(_)
            | Error::Prompt(_)
            | Error::Cache { .. }
            | Error::AnswersDiffer { .. } => 1,
        }
    }

    /// Whether the reader of standard output went away, as `head` does when it has enough. Rust ignores SIGPIPE, so
    /// it comes as an error of the write.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// DataFusion's own text, except that it shows a syntax error in the form meant for debugging.
fn readable(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Diagnostic(_, inner) => readable(inner),
        DataFusionError::SQL(syntax, _) => match syntax.as_ref() {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                format!("SQL error: {text}")
            }
            other => format!("SQL error: {other}"),
        },
        // What the engine says itself needs no word about which rule or node said it.
        other => match other.find_root() {
            DataFusionError::External(cause)
                if cause.downcast_ref::<Refused>().is_some()
                    || cause.downcast_ref::<FellBack>().is_some() =>
            {
                cause.to_string()
            }
            _ => other.strip_backtrace(),
        },
    }
}

/// Prints `error` to standard error, as far as that is still open.
pub fn report(error: &Error) {
    let _ = writeln!(io::stderr(), "weir: error: {error}");
}
