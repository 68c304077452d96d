//! What can go wrong in the program itself, and the exit code that each failure ends with. [`crate::report`] prints it;
//! what there is to say of a statement that failed is the matter of [`crate::diagnose`].

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use datafusion::arrow::error::ArrowError;
use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use engine::csv::rejects::{Widening, Wider, type_name};
use engine::csv::sniff::name_in_options;

use crate::diagnose::{Failed, Report};
use crate::signals::{self, Cancelled};

/// Every way the program can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// DataFusion failed outside of a statement of the user.
    #[error("{}", Report::without_statement(.0))]
    Query(#[from] DataFusionError),
    /// A statement, or the registration of a table, failed, and this is what could be found out about it.
    #[error("{0}")]
    Statement(Box<Report>),
    /// A result could not be turned into the wanted format.
    #[error("the result cannot be printed in this format: {0}")]
    Format(#[from] ArrowError),
    /// Standard output refused the result.
    #[error("standard output: {0}")]
    Output(io::Error),
    /// A guess does not hold, and rows that it was made for are out already.
    #[error("{}", written_before(.0))]
    WrittenBefore(Vec<Widening>),
    #[error("the thread pool did not start: {0}")]
    Runtime(io::Error),
    #[error("Ctrl-C cannot be taken: {0}")]
    Signal(io::Error),
    #[error("the prompt failed: {0}")]
    Editor(#[from] rustyline::error::ReadlineError),
    /// A task panicked, and has said so.
    #[error("{0}")]
    Task(tokio::task::JoinError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// What a part of the program says of its own text: a command, an option, a copy. It stands above this file, so that
    /// it is told here without its type.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Sniff(#[from] engine::csv::sniff::SniffError),
    /// Of a CSV file.
    #[error(transparent)]
    CsvOption(#[from] engine::csv::sniff::OptionError),
    /// A backslash command that cannot be carried out.
    #[error("no statement was run yet")]
    NothingRan,
    #[error("the last statement failed, nothing ran to its end")]
    LastFailed,
    #[error("the last statement had no program, \\explain says why")]
    NoProgram,
    #[error("{table} has no columns")]
    NoColumns { table: TableReference },
    #[error("{path}: files run one another, {depth} deep")]
    IncludedTooDeep { path: String, depth: usize },
    #[error("there is no home folder")]
    NoHomeFolder,
    #[error("$EDITOR is empty")]
    NoEditor,
    #[error("{program} ended with {status}: nothing is run")]
    EditorFailed { program: String, status: ExitStatus },
    #[error("cannot run {program}: {source}")]
    Program { program: String, source: io::Error },
    #[error("cannot write {path}: {source}")]
    FileUnwritable { path: String, source: io::Error },
    #[error("cannot write {path}: it is a file of the table {table}; write to another one")]
    FileOfTable { path: String, table: String },
    #[error("cannot write {path}: the statement reads this file; write to another one")]
    WrittenWhileRead { path: String },

    #[error("cannot read {path}: {source}")]
    ScriptUnreadable { path: String, source: io::Error },
    #[error("cannot read {path}: {source}")]
    PathUnreadable { path: String, source: io::Error },
    #[error("{path} is a pipe or a device; a table wants a file, which can be read more than once")]
    NoFile { path: String },
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
}

impl Error {
    /// Of a part of the program that stands above this file.
    pub fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::Other(Box::new(error))
    }

    /// An error of DataFusion becomes a report; what else can fail has nothing to do with the text of the statement.
    pub async fn explained(self, failed: Failed<'_>) -> Error {
        match self {
            Error::Query(error) => Error::Statement(Box::new(Report::of(&error, failed).await)),
            other => other,
        }
    }

    /// 2 when the command line asks for something that is not there or not possible, 130 after Ctrl-C as a shell has it,
    /// 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::ScriptUnreadable { .. }
            | Error::PathUnreadable { .. }
            | Error::NoFile { .. }
            | Error::NoMatch { .. }
            | Error::BadPattern { .. }
            | Error::WildcardInFolder { .. }
            | Error::NoCsvFile { .. }
            | Error::MixedFiles { .. }
            | Error::NoTableName { .. }
            | Error::CsvOption(_)
            | Error::DuplicateTable { .. } => 2,
            Error::Cancelled(_) => signals::EXIT_CODE,
            Error::Query(_)
            | Error::Statement(_)
            | Error::Format(_)
            | Error::Output(_)
            | Error::WrittenBefore(_)
            | Error::Runtime(_)
            | Error::Signal(_)
            | Error::Task(_)
            | Error::Editor(_)
            | Error::Other(_)
            | Error::Sniff(_)
            | Error::NothingRan
            | Error::LastFailed
            | Error::NoProgram
            | Error::NoColumns { .. }
            | Error::IncludedTooDeep { .. }
            | Error::NoHomeFolder
            | Error::NoEditor
            | Error::EditorFailed { .. }
            | Error::Program { .. }
            | Error::FileUnwritable { .. }
            | Error::FileOfTable { .. }
            | Error::WrittenWhileRead { .. }
            | Error::Cache { .. } => 1,
        }
    }

    /// Whether the reader of standard output went away, as `head` does when it has enough. Rust ignores SIGPIPE, so
    /// it comes as an error of the write.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What does not hold, and how to read the file.
fn written_before(widenings: &[Widening]) -> String {
    let Some(first) = widenings.first() else { return "a guess does not hold".to_owned() };
    let (mut types, mut nulls) = (Vec::new(), Vec::<&str>::new());
    for widening in widenings {
        match &widening.to {
            Wider::Type(ty) => types.push(format!(
                "{}={}",
                name_in_options(&widening.column.name),
                type_name(ty).to_lowercase()
            )),
            // What is declared takes the place of what is known already.
            Wider::Null(known) => {
                let texts = known.iter().chain([&widening.value]).map(String::as_str);
                let new = texts.filter(|text| !nulls.contains(text)).collect::<Vec<_>>();
                nulls.extend(new);
            }
        }
    }
    let declared = [("--types", types.join(",")), ("--null", nulls.join(","))];
    let declared = declared.iter().filter(|(_, what)| !what.is_empty());
    let declared: Vec<String> = declared.map(|(option, what)| format!("{option} '{what}'")).collect();
    format!(
        "{first}; rows were written before it was read, so that they cannot be read again: run it with {}, or write to a file",
        declared.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use engine::csv::rejects::ColumnRef;
    use engine::csv::spec::ColumnType;

    use super::*;

    #[test]
    fn what_was_guessed_stays_when_more_is_declared() {
        let widening = |name: &str, value: &str, to| Widening {
            column: ColumnRef { index: 0, name: name.to_owned() },
            from: ColumnType::Integer,
            to,
            value: value.to_owned(),
            line: 7,
            offset: 70,
        };
        let known = || vec!["-".to_owned(), "n/a".to_owned()];
        let widenings = [
            widening("a", "NA", Wider::Null(known())),
            widening("b", "null", Wider::Null(known())),
            widening("c, d", "x", Wider::Type(ColumnType::Text)),
        ];
        let text = written_before(&widenings);
        assert!(text.contains("--types '\"c, d\"=text' --null '-,n/a,NA,null',"), "{text}");
    }
}
