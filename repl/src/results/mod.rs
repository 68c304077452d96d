//! A finished result in, its printed form out, as bytes: the caller writes them in one piece, or not at all when the
//! rendering fails half-way.
//!
//! Tables, and rows one below the other ([`table`], [`vertical`]), are for reading: they fit the terminal, leave out what does not, say
//! so, and show control characters as escapes. The other formats hold every row and every byte.
//!
//! NULL is `NULL` where people read, an empty field in CSV and TSV, `null` in JSON.

mod cells;
mod encode;
mod fit;
mod format;
mod html;
mod insert;
mod json;
mod lines;
mod markdown;
mod plan;
mod rows;
mod separated;
pub mod sql_types;
mod style;
pub mod summary;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod vertical;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::config::FormatOptions as FormatConfig;

pub use encode::{Encoder, Form};
pub use format::Format;
pub use lines::Border;
pub use rows::{Keep, Rows};
pub use style::{ROWS_SHOWN, Style};
pub use terminal::TerminalSize;

/// Renders one result. `config` is the `datafusion.format` settings of the session; they apply where people read. A
/// result without columns, that of a statement which only does something, gives nothing.
pub fn render(
    style: &Style,
    config: &FormatConfig,
    schema: &SchemaRef,
    rows: &Rows,
) -> Result<Vec<u8>, ArrowError> {
    if schema.fields().is_empty() {
        return Ok(Vec::new());
    }
    let options = style.display_options(config)?;
    if style.is_for_reading() && plan::is_plan(schema) {
        return Ok(plan::plan(rows, style.color)?.into_bytes());
    }
    if let Some(form) = Form::of(style) {
        let mut encoder = Encoder::new(form, schema.clone());
        let mut text = Vec::new();
        for batch in whole(rows, schema)? {
            text.extend(encoder.batch(&batch)?);
        }
        return Ok(text);
    }
    let text = match style.format {
        Format::Automatic | Format::Table if !style.expanded => table::table(style, &options, schema, rows)?,
        Format::Automatic | Format::Table | Format::Vertical => {
            vertical::vertical(style, &options, schema, rows)?
        }
        Format::Markdown => markdown::markdown(&options, schema, &whole(rows, schema)?)?,
        Format::Html => html::html(&options, schema, &whole(rows, schema)?)?,
        Format::Json | Format::Csv | Format::Tsv | Format::Ndjson | Format::Insert => {
            return json::array(&whole(rows, schema)?);
        }
    };
    Ok(text.into_bytes())
}

/// All rows, in at least one batch, since a result without rows still has a header.
fn whole(rows: &Rows, schema: &SchemaRef) -> Result<Vec<RecordBatch>, ArrowError> {
    let shown = rows.shown(None);
    if shown.hidden > 0 {
        let message = format!("{} rows of the result were not kept", shown.hidden);
        return Err(ArrowError::InvalidArgumentError(message));
    }
    match shown.head.is_empty() {
        true => Ok(vec![RecordBatch::new_empty(schema.clone())]),
        false => Ok(shown.head),
    }
}
