//! What a caller wants of a file, beside what the file is.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::bytes::is_plain;
use crate::rejects::SpecError;
use crate::spec::{ColumnType, CsvSpec, OnError};
use crate::values::arrow_type;

/// Rows of a batch, as DataFusion has them.
const BATCH_ROWS: usize = 8192;
/// Bytes of a record. One that is longer is taken for a quote that is not closed.
const RECORD_BYTES_MAX: usize = 128 << 20;

/// What becomes of a field whose closing quote is followed by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StrayQuotes {
    /// It is its own bytes, quotes and all. Nothing is lost, and nothing is refused.
    #[default]
    Keep,
    /// Its record is a bad one.
    Refuse,
}

/// Where in the file the text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The byte. Above 0 a record begins here, and what is above the records was passed.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
}

impl Default for Start {
    /// The beginning of the file.
    fn default() -> Self {
        Start { offset: 0, line: 1 }
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// What messages call the file.
    pub file: Arc<str>,
    /// The columns that become arrays, in this order. None: all.
    pub projection: Option<Vec<usize>>,
    /// The Arrow types of all columns of the file. None: those of the specification.
    pub schema: Option<SchemaRef>,
    /// The type of texts, where there is no schema: Utf8View, Utf8 or LargeUtf8.
    pub text: DataType,
    /// Rows of a batch, at most. Wide or long records make smaller batches.
    pub batch_rows: usize,
    /// Whether a line without a byte is a record, where there is one column. Where there are more it is none.
    pub blank_lines: bool,
    /// What becomes of text behind closing quotes.
    pub stray_quotes: StrayQuotes,
    /// Bytes of a record, at most.
    pub record_bytes_max: usize,
    /// Where the text begins.
    pub start: Start,
    /// Records that begin at this byte of the file or behind are another reader's. The text goes on where one crosses it.
    pub end: Option<u64>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            file: Arc::from("file"),
            projection: None,
            schema: None,
            text: DataType::Utf8View,
            batch_rows: BATCH_ROWS,
            blank_lines: true,
            stray_quotes: StrayQuotes::default(),
            record_bytes_max: RECORD_BYTES_MAX,
            start: Start::default(),
            end: None,
        }
    }
}

impl ReadOptions {
    /// The Arrow schema of all columns of the file.
    pub fn file_schema(&self, spec: &CsvSpec) -> SchemaRef {
        self.schema.clone().unwrap_or_else(|| {
            let field = |column: &crate::spec::Column| {
                Field::new(&column.name, arrow_type(&column.ty, &self.text), true)
            };
            Arc::new(Schema::new(spec.columns.iter().map(field).collect::<Vec<_>>()))
        })
    }

    /// The columns that become arrays.
    pub fn wanted(&self, spec: &CsvSpec) -> Vec<usize> {
        self.projection.clone().unwrap_or_else(|| (0..spec.columns.len()).collect())
    }

    /// The columns that are looked at beside those that are wanted. Which records are left out must not depend on which columns a
    /// query asks for, so all that were declared are checked. A guess makes no record bad: it is widened.
    pub(super) fn checked_beside(&self, spec: &CsvSpec) -> Vec<usize> {
        if spec.on_error != OnError::Skip {
            return Vec::new();
        }
        let wanted = self.wanted(spec);
        let columns = spec.columns.iter().enumerate();
        let checked = columns.filter(|(_, column)| column.declared && column.ty != ColumnType::Text);
        checked.map(|(index, _)| index).filter(|index| !wanted.contains(index)).collect()
    }

    /// Whether a file can be read so.
    pub fn check(&self, spec: &CsvSpec) -> Result<(), SpecError> {
        check_dialect(spec)?;
        let columns = spec.columns.len();
        let outside = self.wanted(spec).into_iter().find(|&index| index >= columns);
        if let Some(index) = outside {
            return Err(SpecError::NoColumn { index, columns });
        }
        if let Some(schema) = self.schema.as_ref().filter(|schema| schema.fields().len() != columns) {
            return Err(SpecError::NoColumn { index: schema.fields().len().max(columns) - 1, columns });
        }
        let is_part = self.start.offset > 0 || self.end.is_some();
        if is_part && !is_plain(spec) { Err(SpecError::Range) } else { Ok(()) }
    }
}

/// Each byte means one thing at most, and all of them are ASCII, so that they are found in UTF-8 without reading characters.
/// A delimiter may have other characters.
fn check_dialect(spec: &CsvSpec) -> Result<(), SpecError> {
    let dialect = &spec.dialect;
    if dialect.delimiter.is_empty() {
        return Err(SpecError::NoDelimiter);
    }
    let line_ends = [b'\n', b'\r'];
    let mut meanings: Vec<(u8, &'static str)> = line_ends.map(|byte| (byte, "line end")).to_vec();
    meanings.extend(dialect.delimiter.iter().map(|&byte| (byte, "delimiter")));
    meanings.extend(dialect.quote.map(|byte| (byte, "quote")));
    meanings.extend(dialect.escape.filter(|_| dialect.escape != dialect.quote).map(|byte| (byte, "escape")));
    meanings.extend(dialect.comment.map(|byte| (byte, "comment")));
    for (at, &(byte, first)) in meanings.iter().enumerate() {
        for &(other, second) in &meanings[at + 1..] {
            if other == byte && first != second {
                return Err(SpecError::Ambiguous { byte, first, second });
            }
        }
        if !byte.is_ascii() && first != "delimiter" {
            return Err(SpecError::Ambiguous { byte, first, second: "part of a character" });
        }
    }
    match str::from_utf8(&dialect.delimiter) {
        Ok(_) => Ok(()),
        Err(_) => Err(SpecError::Ambiguous {
            byte: dialect.delimiter[0],
            first: "delimiter",
            second: "part of a character",
        }),
    }
}
