//! What a person needs to see of a statement that failed.
//!
//! ```text
//! error --sentence--> what is wrong          statement --place, excerpt--> where, underlined
//!       --hints--> what to do                files --scans, complaint--> the record that is not as it should be
//! ```
//!
//! A [`Report`] goes out. Its first line depends on the error alone, and so not on what ran where.

mod complaint;
mod excerpt;
mod hints;
mod place;
mod records;
mod scans;
mod sentence;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::dialect::{Dialect as SqlDialect, GenericDialect, dialect_from_str};

use crate::paths::compression_of;
use crate::sql::statements::Extent;
use crate::visible::visible;
use complaint::{Complaint, Found};
pub use excerpt::Look;
use excerpt::{CYAN, Excerpt, RED};
pub use hints::file_hint;
use place::Source;
use records::Candidate;
pub use records::FileDialect;
use sentence::Sentence;

/// A statement may be wrong in several places at once; so many are shown.
const PROBLEMS_MAX: usize = 3;

/// A failed statement, where it stands, and the session in which it failed.
#[derive(Clone, Copy)]
pub struct Failed<'a> {
    pub context: &'a SessionContext,
    /// The whole text that was parsed; places count from its beginning.
    pub text: &'a str,
    /// The statement in it.
    pub extent: Extent,
    /// The script that the text comes from.
    pub script: Option<Script<'a>>,
}

/// A file of statements.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// As the user named it.
    pub name: &'a str,
    /// Its lines in front of the text.
    pub lines_before: usize,
}

impl Script<'_> {
    fn place(self, line: usize) -> String {
        format!("{}:{}: ", self.name, self.lines_before + line)
    }
}

/// An error as it is shown.
#[derive(Debug)]
pub struct Report {
    problems: Vec<Problem>,
    more: usize,
}

/// One thing that is wrong.
#[derive(Debug, Default)]
struct Problem {
    sentence: String,
    details: Vec<String>,
    excerpts: Vec<Excerpt>,
    hints: Vec<String>,
}

impl Report {
    /// All that can be found out about a failed statement. Reads the files of the statement if the error is about a
    /// record.
    pub async fn of(error: &DataFusionError, failed: Failed<'_>) -> Report {
        let mut report = Report { problems: Vec::new(), more: 0 };
        for error in errors(error) {
            if report.problems.len() == PROBLEMS_MAX {
                report.more += 1;
                continue;
            }
            report.problems.push(problem(error, failed).await);
        }
        report
    }

    /// An error that belongs to no statement.
    pub fn without_statement(error: &DataFusionError) -> Report {
        let Sentence { first, details } = Sentence::of(error);
        Report { problems: vec![Problem { sentence: first, details, ..Problem::default() }], more: 0 }
    }

    /// A file that could not be made a table.
    pub fn of_file(
        error: &DataFusionError,
        dialect: FileDialect,
        compression: FileCompressionType,
    ) -> Report {
        let mut report = Report::without_statement(error);
        let found = unread_file(error).and_then(|path| {
            let candidate = Candidate { path, range: None, dialect, compression, columns: Arc::default() };
            unequal_record(error, &candidate)
        });
        report.problems[0].excerpts.extend(found.map(|found| record_excerpt(&found)));
        report
    }

    /// What is wrong, without the rest.
    pub fn sentence(&self) -> &str {
        self.problems.first().map_or("", |problem| &problem.sentence)
    }

    /// The text for the terminal, with its line ends.
    pub fn render(&self, look: Look) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            text.push_str(&headline(&problem.sentence, look));
            for detail in &problem.details {
                text.push_str(&format!("{detail}\n"));
            }
            for excerpt in &problem.excerpts {
                text.push_str(&excerpt.render(look));
            }
            for hint in &problem.hints {
                text.push_str(&format!("{} {}\n", look.paint(CYAN, "HINT:"), visible(hint)));
            }
        }
        if self.more > 0 {
            text.push_str(&format!("... and {} more errors\n", self.more));
        }
        text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// `weir: error: ...`, with its line end.
pub fn headline(sentence: &str, look: Look) -> String {
    format!("weir: {} {sentence}\n", look.paint(RED, "error:"))
}

/// The errors of a collection.
fn errors(error: &DataFusionError) -> Vec<&DataFusionError> {
    match error {
        DataFusionError::Collection(errors) => errors.iter().collect(),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner)
            if matches!(inner.as_ref(), DataFusionError::Collection(_)) =>
        {
            errors(inner)
        }
        one => vec![one],
    }
}

async fn problem(error: &DataFusionError, failed: Failed<'_>) -> Problem {
    let Sentence { first, details } = Sentence::of(error);
    let state = failed.context.state();
    let name = state.config_options().sql_parser.dialect;
    let dialect: Box<dyn SqlDialect> = dialect_from_str(name).unwrap_or_else(|| Box::new(GenericDialect {}));
    let (advice, place, statement) = {
        let source = Source::new(failed.text, dialect.as_ref(), failed.extent);
        let advice = hints::advise(error, &source, &state);
        (advice, source.place(error), source.statement())
    };
    let mut problem = Problem {
        sentence: advice.sentence.map_or(first, |sentence| visible(&sentence)),
        details,
        excerpts: Vec::new(),
        hints: advice.hints,
    };
    let found = record(error, failed, statement.clone()).await;
    match (place.or(advice.place), failed.script) {
        (Some(place), None) => {
            problem.excerpts.push(Excerpt::of_text(failed.text, place, |line| format!("LINE {line}: ")));
        }
        (Some(place), Some(script)) => {
            problem.excerpts.push(Excerpt::of_text(failed.text, place, |line| script.place(line)));
        }
        // A script has many statements: say at least which one it is.
        (None, Some(script)) => {
            problem.excerpts.push(Excerpt::beginning(failed.text, statement, |line| script.place(line)));
        }
        (None, None) => {}
    }
    problem.excerpts.extend(found.map(|found| record_excerpt(&found)));
    problem
}

/// The record that an error of arrow-csv is about.
async fn record(error: &DataFusionError, failed: Failed<'_>, statement: Range<usize>) -> Option<Found> {
    if let Some(path) = unread_file(error) {
        // Of a file that has no table yet, the way it is written is not known: the numbers in the error must fit.
        let dialect =
            FileDialect { delimiter: b',', quote: b'"', escape: None, terminator: None, comment: None };
        let compression = compression_of(&path);
        return unequal_record(
            error,
            &Candidate { path, range: None, dialect, compression, columns: Arc::default() },
        );
    }
    let complaint = Complaint::of(csv_message(error)?)?;
    let candidates = scans::candidates(failed.context, failed.text, statement).await?;
    complaint::find(&complaint, &candidates)
}

fn csv_message(error: &DataFusionError) -> Option<&str> {
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::CsvError(text) | ArrowError::ParseError(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The file whose schema could not be told.
fn unread_file(error: &DataFusionError) -> Option<PathBuf> {
    match error {
        DataFusionError::Context(context, inner) => {
            match context.strip_prefix("Error when processing CSV file ") {
                Some(location) => Some(Path::new("/").join(location)),
                None => unread_file(inner),
            }
        }
        DataFusionError::Diagnostic(_, inner) => unread_file(inner),
        DataFusionError::Shared(inner) => unread_file(inner),
        _ => None,
    }
}

fn unequal_record(error: &DataFusionError, candidate: &Candidate) -> Option<Found> {
    let (_, rest) = csv_message(error)?
        .split_once("Encountered unequal lengths between records on CSV file. Expected ")?;
    let (expected, rest) = rest.split_once(" records, found ")?;
    let (found, _) = rest.split_once(" records")?;
    complaint::first_unequal(candidate, expected.parse().ok()?, found.parse().ok()?)
}

/// `data/trips.csv:5002: 7,x,1.5`, with the value underlined if it stands there once.
fn record_excerpt(found: &Found) -> Excerpt {
    let here = std::env::current_dir().ok();
    let path = here.as_deref().and_then(|here| found.path.strip_prefix(here).ok()).unwrap_or(&found.path);
    let label = match found.line {
        Some(line) => format!("{}:{line}: ", path.display()),
        None => format!("{}: ", path.display()),
    };
    let (value, column) = found.value.clone().unwrap_or_default();
    let first = found.text.find(&value).filter(|_| !value.is_empty());
    let part = first.filter(|_| found.text.rfind(&value) == first).map(|at| at..at + value.len());
    let note = column.map(|name| format!("column {name}")).unwrap_or_default();
    Excerpt::of_line(label, found.text.clone(), part, note)
}
