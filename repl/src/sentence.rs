//! An error of DataFusion as a plain sentence.
//!
//! In: an error in its wrappers, each of which may put words in front ("Error during planning: Arrow error: ...").
//! Out: what the innermost one says, on one line, and what else it says, as further lines. Nothing depends on where or
//! how the statement ran, so that pushdown does not change a message.

use std::error::Error as StdError;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::object_store;
use datafusion::sql::sqlparser::parser::ParserError;

use crate::visible::visible;

/// A longer message holds data; what it is about stands at its beginning.
const CHARACTERS_MAX: usize = 600;
/// Lines that follow the first.
const DETAILS_MAX: usize = 24;

/// Words that DataFusion and Arrow put in front of the text of an error, also inside of other texts.
const PREFIXES: [&str; 15] = [
    "Arrow error: ",
    "Cast error: ",
    "Compute error: ",
    "Csv error: ",
    "Error during planning: ",
    "Execution error: ",
    "External error: ",
    "Internal error: ",
    "Invalid argument error: ",
    "Invalid or Unsupported Configuration: ",
    "IO error: ",
    "Object Store error: ",
    "Optimizer rule error: ",
    "Parser error: ",
    "Schema error: ",
];

const BUG: &str = "\nThis issue was likely caused by a bug in DataFusion's code.";
const BUG_END: &str = "https://github.com/apache/datafusion/issues";

/// What an error says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    pub first: String,
    pub details: Vec<String>,
}

impl Sentence {
    pub fn of(error: &DataFusionError) -> Sentence {
        let text = text(error);
        let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
        let mut lines = text.lines().map(str::trim_end).filter(|line| !is_frame(line));
        let first = lines.next().unwrap_or("an error without a text");
        // The crate regex prints its error as a structure, and draws a frame around the message.
        let first = plain(first.strip_suffix(": Syntax(").unwrap_or(first));
        let details: Vec<String> = lines.map(|line| plain(&line.replace('\t', "    "))).collect();
        let more = details.len().saturating_sub(DETAILS_MAX);
        let mut details: Vec<String> = details.into_iter().take(DETAILS_MAX).collect();
        if more > 0 {
            details.push(format!("... and {more} lines more"));
        }
        Sentence { first, details }
    }
}

fn is_frame(line: &str) -> bool {
    line == ")" || line.trim_matches('~').is_empty()
}

fn plain(line: &str) -> String {
    let line = visible(line);
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn text(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => match inner.as_ref() {
            // The error repeats how the plan was made; the diagnostic speaks of the statement.
            DataFusionError::Plan(text) if text.contains("must appear in the GROUP BY clause") => {
                diagnostic.message.clone()
            }
            inner => text(inner),
        },
        DataFusionError::Shared(inner) => text(inner),
        DataFusionError::Collection(errors) => errors.first().map(text).unwrap_or_default(),
        DataFusionError::Context(context, inner) => in_context(context, inner),
        DataFusionError::ArrowError(error, _) => arrow(error),
        DataFusionError::External(error) => external(error.as_ref()),
        DataFusionError::SchemaError(error, _) => schema(error),
        DataFusionError::SQL(error, _) => syntax(error),
        DataFusionError::ObjectStore(error) => stored(error),
        DataFusionError::IoError(error) => error.to_string(),
        DataFusionError::Internal(text) => format!("internal error: {}", peeled(text)),
        DataFusionError::NotImplemented(text) => format!("not implemented: {}", peeled(text)),
        DataFusionError::ResourcesExhausted(text) => format!("resources exhausted: {}", peeled(text)),
        DataFusionError::ExecutionJoin(error) => format!("a part of the query failed: {error}"),
        DataFusionError::Plan(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Substrait(text)
        | DataFusionError::Ffi(text) => peeled(text),
        other => peeled(&other.to_string()),
    }
}

fn in_context(context: &str, inner: &DataFusionError) -> String {
    let text = text(inner);
    // Which part of DataFusion met an error says something only if it is the one to blame.
    let is_rule = context.starts_with("Optimizer rule ") || !context.contains(' ');
    if is_rule && !matches!(inner.find_root(), DataFusionError::Internal(_)) {
        return text;
    }
    match context.strip_prefix("Error when processing CSV file ") {
        // Locations in an object store have no slash in front.
        Some(location) => format!("cannot read /{location}: {text}"),
        None => format!("{}: {text}", peeled(context)),
    }
}

fn external(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        text(error)
    } else if let Some(error) = error.downcast_ref::<Arc<DataFusionError>>() {
        text(error)
    } else if let Some(error) = error.downcast_ref::<ArrowError>() {
        arrow(error)
    } else {
        peeled(&error.to_string())
    }
}

fn arrow(error: &ArrowError) -> String {
    match error {
        ArrowError::ExternalError(error) => external(error.as_ref()),
        ArrowError::CsvError(text)
        | ArrowError::ParseError(text)
        | ArrowError::ComputeError(text)
        | ArrowError::CastError(text)
        | ArrowError::SchemaError(text)
        | ArrowError::InvalidArgumentError(text) => unequal_lengths(&peeled(text)),
        ArrowError::NotYetImplemented(text) => format!("not implemented: {}", peeled(text)),
        ArrowError::DivideByZero => "Divide by zero".to_owned(),
        ArrowError::IoError(text, _) => peeled(text),
        other => peeled(&other.to_string()),
    }
}

/// The reader of schemas calls fields records.
fn unequal_lengths(text: &str) -> String {
    let found = text
        .strip_prefix("Encountered unequal lengths between records on CSV file. Expected ")
        .and_then(|rest| rest.split_once(" records, found "))
        .and_then(|(expected, rest)| Some((expected, rest.split_once(" records")?)));
    match found {
        Some((expected, (found, place))) => {
            format!("the records are not of equal length: expected {expected} fields, found {found}{place}")
        }
        None => text.to_owned(),
    }
}

/// DataFusion's text adds a guess and all valid names; both are made better as hints.
fn schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, .. } => format!("No field named {}", field.quoted_flat_name()),
        other => other.to_string(),
    }
}

fn syntax(error: &ParserError) -> String {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => {
            return "syntax error: the statement is nested too deeply: write it with fewer brackets and \
                    operators inside each other"
                .to_owned();
        }
    };
    let (what, place) = split_place(text);
    let what = match what.split_once(", found: ") {
        Some((expected, found)) => {
            let expected = expected.strip_prefix("Expected: ").unwrap_or(expected);
            let found = if found == "EOF" { "the end of the text" } else { found };
            format!("expected {expected}, found {found}")
        }
        None => peeled(what),
    };
    match place {
        Some((line, column)) => format!("syntax error at line {line}, column {column}: {what}"),
        None => format!("syntax error: {what}"),
    }
}

/// Text of the parser without the place at its end, "... at Line: 1, Column: 5", and the place.
pub fn split_place(text: &str) -> (&str, Option<(u64, u64)>) {
    let place = || {
        let (what, place) = text.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        Some((what, (line.parse().ok()?, column.trim_end_matches('.').parse().ok()?)))
    };
    match place() {
        Some((what, place)) => (what, Some(place)),
        None => (text, None),
    }
}

fn stored(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { path, .. } => format!("there is no file {path}"),
        object_store::Error::PermissionDenied { path, .. } => format!("no permission to read {path}"),
        object_store::Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

/// A text without the wrappers that were printed into it.
fn peeled(text: &str) -> String {
    let mut text = without_bug_report(text);
    // Why none of a function's signatures fits is told once for each of them, in front of this sentence.
    if let Some(at) = text.find("No function matches the given name and argument types") {
        text.drain(..at);
    }
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest.to_owned();
    }
    if let Some(at) = text.find(".\nDid you mean '") {
        text.truncate(at);
    }
    // One of ours, which is a good sentence already: the file is known to nobody else.
    text = text.replace("'datafusion.public.", "'");
    without_structures(&text)
}

fn without_bug_report(text: &str) -> String {
    match text.split_once(BUG) {
        Some((before, rest)) => {
            let behind = rest.split_once(BUG_END).map_or("", |(_, behind)| behind);
            format!("{}{behind}", before.trim_end_matches('.'))
        }
        None => text.to_owned(),
    }
}

/// Cuts out structures as `#[derive(Debug)]` prints them: `Substring { expr: ... }` becomes `Substring`.
fn without_structures(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(" { ") {
        let (before, structure) = rest.split_at(at);
        let is_name = before.rsplit(|c: char| !c.is_alphanumeric()).next().is_some_and(|word| {
            word.starts_with(|first: char| first.is_ascii_uppercase()) && word.contains(char::is_lowercase)
        });
        let is_field = structure[" { ".len()..].split_once(": ").is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        });
        kept.push_str(before);
        if is_name && is_field {
            rest = &structure[end_of_structure(structure)..];
        } else {
            kept.push_str(" { ");
            rest = &structure[" { ".len()..];
        }
    }
    kept.push_str(rest);
    kept
}

fn end_of_structure(text: &str) -> usize {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(error: DataFusionError) -> String {
        let sentence = Sentence::of(&error);
        assert_eq!(sentence.details, [""; 0]);
        sentence.first
    }

    #[test]
    fn wrappers_are_peeled() {
        let plan = |text: &str| DataFusionError::Plan(text.into());
        assert_eq!(first(plan("table 'datafusion.public.t' not found")), "table 't' not found");
        assert_eq!(first(plan("Invalid function 'f'.\nDid you mean 'g'?")), "Invalid function 'f'");
        assert_eq!(first(plan("Internal error: Arrow error: x")), "x");
        let inner = ArrowError::CastError("Cannot cast string 'a' to value of Int32 type".into());
        let inner = DataFusionError::ArrowError(Box::new(inner), None);
        let rule =
            DataFusionError::Context("Optimizer rule 'simplify_expressions' failed".into(), Box::new(inner));
        assert_eq!(first(rule), "Cannot cast string 'a' to value of Int32 type");
        let shared = DataFusionError::Shared(Arc::new(DataFusionError::External(Box::new(
            DataFusionError::Execution("Execution error: y".into()),
        ))));
        assert_eq!(first(shared), "y");
        let file =
            DataFusionError::Context("Error when processing CSV file a/b.csv".into(), Box::new(plan("z")));
        assert_eq!(first(file), "cannot read /a/b.csv: z");
    }

    #[test]
    fn a_bug_of_datafusion_keeps_what_it_says() {
        let bug = DataFusionError::Internal("no columns".into());
        assert_eq!(first(bug), "internal error: no columns");
        let printed = DataFusionError::Plan(DataFusionError::Internal("no columns".into()).to_string());
        assert_eq!(first(printed), "no columns");
    }

    #[test]
    fn structures_are_no_sentences() {
        let text =
            "not valid Substring { expr: Value(X { value: Number(\"1\", false) }), special: false } here";
        assert_eq!(peeled(text), "not valid Substring here");
        for kept in ["a { b: c }", "Json { \"a\": 1 }", "{ x", "SELECT { fn: 1 }"] {
            assert_eq!(peeled(kept), kept);
        }
    }

    #[test]
    fn functions_without_a_fitting_signature() {
        let text = "Internal error: Function 'round' failed to match any signature, errors: Error during planning: \
                    x.\nThis issue was likely caused by a bug in DataFusion's code. Please help us to resolve this \
                    by filing a bug report in our issue tracker: https://github.com/apache/datafusion/issues. No \
                    function matches the given name and argument types 'round(Utf8)'. You might need to add \
                    explicit type casts.\n\tCandidate functions:\n\tround(Decimal)";
        let sentence = Sentence::of(&DataFusionError::Plan(text.into()));
        assert_eq!(
            sentence.first,
            "No function matches the given name and argument types 'round(Utf8)'. You might need to add explicit \
             type casts."
        );
        assert_eq!(sentence.details, ["    Candidate functions:", "    round(Decimal)"]);
    }

    #[test]
    fn regular_expressions() {
        let frame = "~".repeat(79);
        let text = format!(
            "Regular expression did not compile: Syntax(\n{frame}\nregex parse error:\n    (\n    ^\nerror: unclosed \
             group\n{frame}\n)"
        );
        let error = ArrowError::ComputeError(text);
        let sentence = Sentence::of(&DataFusionError::ArrowError(Box::new(error), None));
        assert_eq!(sentence.first, "Regular expression did not compile");
        assert_eq!(sentence.details, ["regex parse error:", "    (", "    ^", "error: unclosed group"]);
    }

    #[test]
    fn syntax_errors() {
        let syntax =
            |text: &str| first(DataFusionError::SQL(Box::new(ParserError::ParserError(text.into())), None));
        assert_eq!(
            syntax("Expected: an expression, found: ) at Line: 2, Column: 34"),
            "syntax error at line 2, column 34: expected an expression, found )"
        );
        assert_eq!(syntax("Expected: ), found: EOF"), "syntax error: expected ), found the end of the text");
        assert_eq!(syntax("sql parser error: x"), "syntax error: sql parser error: x");
    }

    #[test]
    fn control_characters_and_long_texts() {
        assert_eq!(first(DataFusionError::Execution("a\u{1b}[2Jb\u{7}".into())), "a\\x1b[2Jb\\x07");
        let long = first(DataFusionError::Execution("ä".repeat(10_000)));
        assert_eq!(long.chars().count(), CHARACTERS_MAX + 1);
        let many = Sentence::of(&DataFusionError::Execution("line\n".repeat(100)));
        assert_eq!(many.details.len(), DETAILS_MAX + 1);
        assert_eq!(many.details[DETAILS_MAX], "... and 75 lines more");
    }
}
