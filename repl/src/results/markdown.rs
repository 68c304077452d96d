//! A table in GitHub's Markdown, numbers on the right.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::FormatOptions;

use super::cells::{formatters, write_value};
use super::sql_types::is_number;
use crate::visible::{is_visible, push_escape};

/// Renders a table.
pub fn markdown(
    options: &FormatOptions,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<String, ArrowError> {
    let mut text = String::new();
    for field in schema.fields() {
        push_cell(&mut text, field.name());
    }
    text.push_str("|\n");
    for field in schema.fields() {
        text.push_str(if is_number(field.data_type()) { "| ---: " } else { "| --- " });
    }
    text.push_str("|\n");
    let mut value = String::new();
    for batch in batches {
        let formatters = formatters(batch, options)?;
        for row in 0..batch.num_rows() {
            for formatter in &formatters {
                value.clear();
                write_value(&mut value, formatter, row, options)?;
                push_cell(&mut text, &value);
            }
            text.push_str("|\n");
        }
    }
    Ok(text)
}

/// A cell cannot hold a bar or a line end as such.
fn push_cell(text: &mut String, cell: &str) {
    text.push_str("| ");
    for character in cell.chars() {
        match character {
            '|' => text.push_str("\\|"),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("<br>"),
            '\r' => {}
            other if is_visible(other) => text.push(other),
            other => push_escape(text, other),
        }
    }
    text.push(' ');
}
