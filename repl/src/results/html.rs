//! A table in HTML, to be pasted into a page.

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::FormatOptions;

use super::cells::{formatters, write_value};
use super::sql_types::is_number;
use crate::visible::{is_visible, push_escape};

/// Renders a table.
pub fn html(
    options: &FormatOptions,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<String, ArrowError> {
    let mut text = String::from("<table>\n<thead>\n<tr>");
    for field in schema.fields() {
        text.push_str(if is_number(field.data_type()) { "<th align=\"right\">" } else { "<th>" });
        push_escaped(&mut text, field.name());
        text.push_str("</th>");
    }
    text.push_str("</tr>\n</thead>\n<tbody>\n");
    let mut value = String::new();
    for batch in batches {
        let formatters = formatters(batch, options)?;
        let nulls: Vec<_> = batch.columns().iter().map(|column| column.logical_nulls()).collect();
        for row in 0..batch.num_rows() {
            text.push_str("<tr>");
            for (column, formatter) in formatters.iter().enumerate() {
                value.clear();
                write_value(&mut value, formatter, row, options)?;
                let is_right = is_number(batch.column(column).data_type());
                text.push_str(if is_right { "<td align=\"right\">" } else { "<td>" });
                let is_null = nulls[column].as_ref().is_some_and(|nulls| nulls.is_null(row));
                // A string that reads NULL is not slanted.
                text.push_str(if is_null { "<i>" } else { "" });
                push_escaped(&mut text, &value);
                text.push_str(if is_null { "</i></td>" } else { "</td>" });
            }
            text.push_str("</tr>\n");
        }
    }
    text.push_str("</tbody>\n</table>\n");
    Ok(text)
}

/// HTML forbids control characters also in the form of references, so they are shown as escapes.
fn push_escaped(to: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\n' => to.push_str("<br>"),
            '\r' => {}
            '\t' => to.push('\t'),
            other if is_visible(other) => to.push(other),
            other => push_escape(to, other),
        }
    }
}
