//! Formats for machines, written as rows come: batches in, their text out.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

use super::format::Format;
use super::style::Style;
use super::{insert, json, separated};

/// Writes the batches of one result one by one.
#[derive(Debug)]
pub struct Encoder {
    form: Form,
    schema: SchemaRef,
    /// The first line is still to be written.
    begins: bool,
}

/// How rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    Separated { delimiter: u8, header: bool },
    Ndjson,
    Insert { table: String },
}

impl Form {
    /// Of a style. None: the format needs the whole result, or is for reading.
    pub fn of(style: &Style) -> Option<Form> {
        match style.format {
            Format::Csv => Some(Form::Separated { delimiter: b',', header: true }),
            Format::Tsv => Some(Form::Separated { delimiter: b'\t', header: true }),
            Format::Ndjson => Some(Form::Ndjson),
            Format::Insert => Some(Form::Insert { table: style.insert_table.clone() }),
            Format::Automatic
            | Format::Table
            | Format::Vertical
            | Format::Markdown
            | Format::Html
            | Format::Json => None,
        }
    }
}

impl Encoder {
    pub fn new(form: Form, schema: SchemaRef) -> Encoder {
        Encoder { form, schema, begins: true }
    }

    /// The text of the next rows.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let begins = std::mem::replace(&mut self.begins, false);
        match &self.form {
            Form::Separated { delimiter, header } => {
                separated::separated(batch, *delimiter, *header && begins)
            }
            Form::Ndjson => json::lines(batch),
            Form::Insert { table } => Ok(insert::insert(table, &self.schema, batch)?.into_bytes()),
        }
    }

    /// What follows the last rows: of a result without rows, the line with the names.
    pub fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        match self.begins {
            true => self.batch(&RecordBatch::new_empty(self.schema.clone())),
            false => Ok(Vec::new()),
        }
    }
}
