//! `\copy source TO file`: the text of the command in, a COPY statement out.

use std::path::Path;

use crate::lex::{Kind, scan};

/// Endings of files, and what is written into them.
const FORMATS: [(&str, &str); 7] = [
    ("csv", "CSV"),
    ("tsv", "CSV OPTIONS ('format.delimiter' '\t')"),
    ("parquet", "PARQUET"),
    ("json", "JSON"),
    ("ndjson", "JSON"),
    ("jsonl", "JSON"),
    ("arrow", "ARROW"),
];

/// The statement, or what is wrong with the text.
pub fn copy_statement(text: &str) -> Result<String, String> {
    let form = || "\\copy {(QUERY)|TABLE} TO 'FILE'".to_owned();
    let scan = scan(text);
    let mut depth = 0;
    let mut to = None;
    for piece in &scan.pieces {
        match piece.kind {
            Kind::BracketOpen => depth += 1,
            Kind::BracketClose => depth -= 1,
            Kind::Word if depth == 0 && text[piece.range.clone()].eq_ignore_ascii_case("to") => {
                to = Some(piece.range.clone());
            }
            _ => {}
        }
    }
    let to = to.ok_or_else(form)?;
    let (source, target) = (text[..to.start].trim(), text[to.end..].trim());
    if source.is_empty() || target.is_empty() {
        return Err(form());
    }
    // A query without brackets is understood as well.
    let source = match source.get(..6).map(str::to_ascii_uppercase).as_deref() {
        Some("SELECT" | "VALUES") => format!("({source})"),
        _ => source.to_owned(),
    };
    let words = shell_words::split(target).map_err(|_| "a quote is not closed".to_owned())?;
    let [file] = words.as_slice() else { return Err(form()) };
    let ending = Path::new(file).extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let format = FORMATS.iter().find(|(known, _)| Some(*known) == ending.as_deref());
    let Some((_, format)) = format else {
        let known: Vec<String> = FORMATS.iter().map(|(ending, _)| format!(".{ending}")).collect();
        return Err(format!("{file}: the ending says what to write: {} are known", known.join(", ")));
    };
    Ok(format!("COPY {source} TO '{}' STORED AS {format}", file.replace('\'', "''")))
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
            ("SELECT 1 TO \"it's.json\"", "COPY (SELECT 1) TO 'it''s.json' STORED AS JSON"),
        ] {
            assert_eq!(copy_statement(text).as_deref(), Ok(expected));
        }
        for text in ["", "t", "t TO", "TO x.csv", "t TO a.xls", "t TO a", "t TO 'a", "t TO a.csv b"] {
            assert!(copy_statement(text).is_err(), "{text}");
        }
    }
}
