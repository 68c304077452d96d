//! `\copy source TO file`: the text of the command in, a COPY statement out. And of a COPY statement, what it writes by the
//! ending of its file.

use std::io;
use std::path::{Path, PathBuf};

use datafusion::sql::parser::CopyToStatement;
use datafusion::sql::sqlparser::ast::Value;

use crate::error::Error;
use crate::paths::with_home;
use crate::sql;
use crate::sql::lex::{TokenKind, tokenize};

/// Their names and values.
type FormatOptions = &'static [(&'static str, &'static str)];

/// Endings of files, what is written into them, and options of it. JSON is one object per line, as COPY of duckdb writes it too.
const FORMATS: [(&str, &str, FormatOptions); 7] = [
    ("csv", "CSV", &[]),
    ("tsv", "CSV", &[("format.delimiter", "\t")]),
    ("parquet", "PARQUET", &[]),
    ("json", "JSON", &[]),
    ("ndjson", "JSON", &[]),
    ("jsonl", "JSON", &[]),
    ("arrow", "ARROW", &[]),
];

/// What is to be run, and the file that it writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Copy {
    pub sql: String,
    /// None: it is standard output.
    pub file: Option<String>,
}

/// Why a text is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("\\copy {{(QUERY)|TABLE}} TO {{'FILE'|STDOUT}}")]
    Form,
    #[error("a quote is not closed")]
    OpenQuote,
    #[error(
        "{0}: the ending says what to write: {known} are known; of another file say it in COPY ... STORED AS CSV",
        known = endings()
    )]
    Ending(String),
    #[error("cannot write {file}: there is no folder {}; make it first, or write elsewhere", .folder.display())]
    NoFolder { file: String, folder: PathBuf },
    #[error("cannot write {file}: {source}")]
    Unwritable { file: String, source: io::Error },
}

impl From<CopyError> for Error {
    fn from(error: CopyError) -> Error {
        Error::other(error)
    }
}

fn endings() -> String {
    FORMATS.map(|(ending, ..)| format!(".{ending}")).join(", ")
}

/// The statement, or what is wrong with the text.
pub fn copy_statement(text: &str) -> Result<Copy, CopyError> {
    let tokens = tokenize(text);
    let mut depth = 0;
    let mut to = None;
    for (at, piece) in tokens.pieces.iter().enumerate() {
        match piece.kind {
            TokenKind::BracketOpen => depth += 1,
            TokenKind::BracketClose => depth -= 1,
            // Between blanks: the name of a file may be to.csv.
            TokenKind::Word if depth == 0 && text[piece.range.clone()].eq_ignore_ascii_case("to") => {
                let is_space = |place: Option<usize>| {
                    place
                        .and_then(|place| tokens.pieces.get(place))
                        .is_some_and(|other| other.kind == TokenKind::Space)
                };
                if is_space(at.checked_sub(1)) && is_space(Some(at + 1)) {
                    to = Some(piece.range.clone());
                }
            }
            _ => {}
        }
    }
    let to = to.ok_or(CopyError::Form)?;
    let (source, target) = (text[..to.start].trim(), text[to.end..].trim());
    if source.is_empty() || target.is_empty() {
        return Err(CopyError::Form);
    }
    // A query without brackets is understood as well.
    let is_query = tokens
        .pieces
        .iter()
        .find(|piece| !matches!(piece.kind, TokenKind::Space | TokenKind::Comment))
        .is_some_and(|first| {
            let word = text[first.range.clone()].to_ascii_uppercase();
            matches!(word.as_str(), "SELECT" | "VALUES" | "WITH")
        });
    let source = if is_query { format!("({source})") } else { source.to_owned() };
    let words = shell_words::split(target).map_err(|_| CopyError::OpenQuote)?;
    let [file] = words.as_slice() else { return Err(CopyError::Form) };
    if target.eq_ignore_ascii_case("stdout") {
        return Ok(Copy { sql: format!("COPY {source} TO STDOUT"), file: None });
    }
    let file = &with_home(file);
    let (format, options) = format_of(file).ok_or_else(|| CopyError::Ending(file.clone()))?;
    let options: Vec<String> = options.iter().map(|(name, value)| format!("'{name}' '{value}'")).collect();
    let options =
        if options.is_empty() { String::new() } else { format!(" OPTIONS ({})", options.join(", ")) };
    let sql = format!("COPY {source} TO {} STORED AS {format}{options}", sql::string(file));
    Ok(Copy { sql, file: Some(file.clone()) })
}

/// What is written into a file of this name.
fn format_of(file: &str) -> Option<(&'static str, FormatOptions)> {
    let ending = Path::new(file).extension()?.to_string_lossy().to_ascii_lowercase();
    FORMATS.into_iter().find(|(known, ..)| *known == ending).map(|(_, format, options)| (format, options))
}

/// A COPY that does not say what it writes, with what its ending says.
pub fn with_format(copy: CopyToStatement) -> Result<CopyToStatement, CopyError> {
    if copy.stored_as.is_some() || Path::new(&copy.target).extension().is_none() {
        return Ok(copy);
    }
    let (format, of_format) =
        format_of(&copy.target).ok_or_else(|| CopyError::Ending(copy.target.clone()))?;
    let mut options = copy.options;
    for (name, value) in of_format {
        let is_it = |given: &str| {
            given.to_ascii_lowercase().trim_start_matches("format.") == &name["format.".len()..]
        };
        if !options.iter().any(|(given, _)| is_it(given)) {
            options.push(((*name).to_owned(), Value::SingleQuotedString((*value).to_owned())));
        }
    }
    Ok(CopyToStatement { stored_as: Some(format.to_owned()), options, ..copy })
}

/// Whether a file, or a folder, can be made here. DataFusion would make missing folders, and does not say why it could not write.
pub fn check_target(file: &str) -> Result<(), CopyError> {
    let path = Path::new(file);
    if file.contains("://") {
        return Ok(());
    }
    let unwritable = |source| CopyError::Unwritable { file: file.to_owned(), source };
    if path.is_dir() && !file.ends_with('/') {
        return Err(unwritable(io::ErrorKind::IsADirectory.into()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        return Err(CopyError::NoFolder { file: file.to_owned(), folder: folder.to_owned() });
    }
    // What is there already, such as a device, may be in a folder of others.
    if path.exists() { Ok(()) } else { tempfile::tempfile_in(folder).map(|_| ()).map_err(unwritable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements() {
        for (text, expected) in [
            ("t TO 'a.csv'", "COPY t TO 'a.csv' STORED AS CSV"),
            ("t TO a.TSV", "COPY t TO 'a.TSV' STORED AS CSV OPTIONS ('format.delimiter' '\t')"),
            (
                "(SELECT 'to' FROM t) to a.parquet",
                "COPY (SELECT 'to' FROM t) TO 'a.parquet' STORED AS PARQUET",
            ),
            ("SELECT 1 TO \"it's.ndjson\"", "COPY (SELECT 1) TO 'it''s.ndjson' STORED AS JSON"),
            ("t TO stdout", "COPY t TO STDOUT"),
            ("selections TO to.csv", "COPY selections TO 'to.csv' STORED AS CSV"),
            (
                "WITH a AS (SELECT 1) SELECT * FROM a TO x.csv",
                "COPY (WITH a AS (SELECT 1) SELECT * FROM a) TO 'x.csv' STORED AS CSV",
            ),
        ] {
            assert_eq!(copy_statement(text).unwrap().sql, expected);
        }
        for text in ["", "t", "t TO", "TO x.csv", "t TO a.xls", "t TO a", "t TO 'a", "t TO a.csv b"] {
            assert!(copy_statement(text).is_err(), "{text}");
        }
    }

    #[test]
    fn targets() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str| check_target(&folder.path().join(name).display().to_string());
        assert!(check("a.csv").is_ok());
        assert!(check("").is_ok(), "a folder, by its slash");
        assert!(matches!(check("none/a.csv"), Err(CopyError::NoFolder { .. })));
        assert!(matches!(check_target(folder.path().to_str().unwrap()), Err(CopyError::Unwritable { .. })));
        assert!(check_target("a.csv").is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
