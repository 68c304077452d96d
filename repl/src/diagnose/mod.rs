//! What a person needs to see of a statement that failed.
//!
//! ```text
//! error --sentence--> what is wrong          statement --place, excerpt--> where, underlined
//!       --hints--> what to do                error --bad_record--> the record that is not as it should be
//! ```
//!
//! A [`Report`] goes out. Its first line depends on the error alone, and so not on what ran where.

mod excerpt;
mod hints;
mod place;
#[cfg(test)]
mod tests;
mod text_values;

use std::fmt;
use std::path::Path;

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::dialect::{Dialect as SqlDialect, GenericDialect, dialect_from_str};
use engine::csv::rejects::{Cure, ReadError, Reason, Reject};

use crate::sentence::Sentence;
use crate::sql::statements::Extent;
use crate::visible::visible;
pub use excerpt::Look;
use excerpt::{CYAN, Excerpt, RED};
pub use hints::file_hint;
use place::Source;

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
    if let Some(no_value) =
        text_values::advise(error, failed.context, failed.extent.text_in(failed.text)).await
    {
        problem.sentence = visible(&no_value.sentence);
        problem.hints.push(no_value.hint);
    }
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
    if let Some((path, reject)) = bad_record(error) {
        let here = std::env::current_dir().ok();
        let path = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
        problem.sentence = visible(&format!("{}: {reject}", path.display()));
        problem.excerpts.push(record_excerpt(path, reject));
        problem.hints = vec![format!("{}.", Cure::of(&reject.reason))];
    }
    problem
}

/// A record that was not as it should be, and the file that it is in.
fn bad_record(error: &DataFusionError) -> Option<(&Path, &Reject)> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    loop {
        let error = cause?;
        if let Some(ReadError::Record { file, reject }) = error.downcast_ref::<ReadError>() {
            return Some((Path::new(file.as_ref()), reject));
        }
        cause = error.source();
    }
}

/// The record as it stands in the file, with its bad field underlined if that stands there once.
fn record_excerpt(path: &Path, reject: &Reject) -> Excerpt {
    let text = String::from_utf8_lossy(&reject.raw).into_owned();
    let value = match &reject.reason {
        Reason::Value { value, .. } => value.as_str(),
        _ => "",
    };
    let first = text.find(value).filter(|_| !value.is_empty());
    let part = first.filter(|_| text.rfind(value) == first).map(|at| at..at + value.len());
    let note = reject.column.as_ref().map(|column| format!("column {}", column.name)).unwrap_or_default();
    Excerpt::of_line(format!("{}:{}: ", path.display(), reject.line), text, part, note)
}
