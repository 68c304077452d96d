//! `\copy source TO file`: the text of the command in, a COPY statement out.

use std::io;
use std::path::Path;

use crate::error::Error;
use crate::paths::with_home;
use crate::sql;
use crate::sql::lex::{TokenKind, tokenize};

/// Endings of files, and what is written into them. JSON is one object per line, as COPY of duckdb writes it too.
const FORMATS: [(&str, &str); 7] = [
    ("csv", "CSV"),
    ("tsv", "CSV OPTIONS ('format.delimiter' '\t')"),
    ("parquet", "PARQUET"),
    ("json", "JSON"),
    ("ndjson", "JSON"),
    ("jsonl", "JSON"),
    ("arrow", "ARROW"),
];

/// What is to be run, and the file that it writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Copy {
    pub sql: String,
    /// None: it is standard output.
    pub file: Option<String>,
}

/// Why a text is no copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    #[error("\\copy {{(QUERY)|TABLE}} TO {{'FILE'|STDOUT}}")]
    Form,
    #[error("a quote is not closed")]
    OpenQuote,
    #[error("{0}: the ending says what to write: {known} are known", known = endings())]
    Ending(String),
}

impl From<CopyError> for Error {
    fn from(error: CopyError) -> Error {
        Error::other(error)
    }
}

fn endings() -> String {
    FORMATS.map(|(ending, _)| format!(".{ending}")).join(", ")
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
    let ending = Path::new(file).extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let format = FORMATS.iter().find(|(known, _)| Some(*known) == ending.as_deref());
    let Some((_, format)) = format else {
        return Err(CopyError::Ending(file.clone()));
    };
    let sql = format!("COPY {source} TO {} STORED AS {format}", sql::string(file));
    Ok(Copy { sql, file: Some(file.clone()) })
}

/// Whether a file can be made here. DataFusion would make missing folders, and does not say why it could not write.
pub fn check_target(file: &str) -> io::Result<()> {
    let path = Path::new(file);
    if file.contains("://") {
        return Ok(());
    }
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements() {
        for (text, expected) in [
            ("t TO 'a.csv'", "COPY t TO 'a.csv' STORED AS CSV"),
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
        assert_eq!(check("none/a.csv").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(check("").unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert!(check_target("a.csv").is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
