//! The guess in one line.

use std::fmt::Write;

use crate::spec::{Compression, Encoding};

use super::guess::Sniffed;
use super::reason::{Ragged, Why};
use super::written;

impl Sniffed {
    /// One line for people: `trips.csv: ';' delimited, header, 12 columns, latin-1`.
    pub fn line(&self, name: &str) -> String {
        let spec = &self.spec;
        let mut line = format!("{name}: ");
        match (&spec.dialect.delimiter[..], spec.columns.len()) {
            (_, 0) => line.push_str("empty"),
            (_, 1) => line.push_str("one column"),
            (b"\t", _) => line.push_str("tab delimited"),
            (b" ", _) => line.push_str("blank delimited"),
            (delimiter, _) => {
                let _ = write!(line, "'{}' delimited", delimiter.escape_ascii());
            }
        }
        let mut add = |text: &str| {
            line.push_str(", ");
            line.push_str(text);
        };
        if !spec.columns.is_empty() {
            add(if spec.header { "header" } else { "no header" });
        }
        if spec.columns.len() > 1 {
            add(&format!("{} columns", spec.columns.len()));
        }
        match spec.dialect.quote {
            Some(b'"') => {}
            Some(quote) => add(&format!("{} quoted", char::from(quote))),
            None => add("no quotes"),
        }
        if spec.skip_lines > 0 {
            add(&format!("{} lines above skipped", spec.skip_lines));
        }
        if let Some(comment) = spec.dialect.comment {
            add(&format!("comments with {}", char::from(comment)));
        }
        if spec.encoding != Encoding::Utf8 {
            add(written::of_encoding(spec.encoding));
        }
        if spec.compression != Compression::None {
            add(written::of_compression(spec.compression));
        }
        if spec.dialect.escape.is_some_and(|escape| spec.dialect.quote != Some(escape)) {
            add("with escapes");
        }
        if self.ragged != Ragged::default() {
            add(&Why::Ragged(self.ragged).to_string());
        }
        line
    }
}
