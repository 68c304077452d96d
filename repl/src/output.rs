//! A finished result in, its printed form out, as bytes: the caller writes them in one piece, or not at all when the
//! rendering fails half-way.
//!
//! NULL is `NULL` in a table and in markdown, an empty field in CSV and TSV, `null` in JSON.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::arrow::util::pretty::pretty_format_batches_with_options;
use datafusion::common::config::FormatOptions as FormatConfig;

use crate::cli::Format;

/// Renders one result. `config` is the `datafusion.format` settings of the session; they apply to table and markdown.
pub fn render(
    format: Format,
    schema: SchemaRef,
    mut batches: Vec<RecordBatch>,
    config: &FormatConfig,
) -> Result<Vec<u8>, ArrowError> {
    // A result without rows still has a header.
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    match format {
        Format::Automatic | Format::Table => {
            let table = pretty_format_batches_with_options(&batches, &display_options(config)?)?;
            Ok(format!("{table}\n").into_bytes())
        }
        Format::Csv => separated(batches, b','),
        Format::Tsv => separated(batches, b'\t'),
        Format::Json => json_array(batches),
        Format::Ndjson => json_lines(batches),
        Format::Markdown => markdown(&batches, &display_options(config)?),
    }
}

fn display_options(config: &FormatConfig) -> Result<FormatOptions<'_>, ArrowError> {
    let options: FormatOptions = config.try_into().map_err(ArrowError::from)?;
    // DataFusion's default is the empty text, which cannot be told from an empty string.
    Ok(if config.null.is_empty() { options.with_null("NULL") } else { options })
}

fn separated(batches: Vec<RecordBatch>, delimiter: u8) -> Result<Vec<u8>, ArrowError> {
    let mut text = Vec::new();
    let mut writer = csv::WriterBuilder::new().with_header(true).with_delimiter(delimiter).build(&mut text);
    for batch in batches {
        writer.write(&nested_as_text(batch)?)?;
    }
    drop(writer);
    Ok(text)
}

/// CSV has no nested values: lists, structs and maps are written as a table shows them.
fn nested_as_text(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    if !batch.columns().iter().any(|column| column.data_type().is_nested()) {
        return Ok(batch);
    }
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !column.data_type().is_nested() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let options = FormatOptions::new().with_null("NULL");
        let formatter = ArrayFormatter::try_new(column, &options)?;
        let mut texts = Vec::with_capacity(column.len());
        for row in 0..column.len() {
            texts.push(if column.is_null(row) { None } else { Some(formatter.value(row).try_to_string()?) });
        }
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(StringArray::from(texts)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn json_array(batches: Vec<RecordBatch>) -> Result<Vec<u8>, ArrowError> {
    let mut writer =
        json::WriterBuilder::new().with_explicit_nulls(true).build::<_, json::writer::JsonArray>(Vec::new());
    for batch in batches {
        writer.write(&batch)?;
    }
    writer.finish()?;
    let mut text = writer.into_inner();
    text.push(b'\n');
    Ok(text)
}

fn json_lines(batches: Vec<RecordBatch>) -> Result<Vec<u8>, ArrowError> {
    let mut writer = json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, json::writer::LineDelimited>(Vec::new());
    for batch in batches {
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok(writer.into_inner())
}

fn markdown(batches: &[RecordBatch], options: &FormatOptions) -> Result<Vec<u8>, ArrowError> {
    let mut text = String::new();
    let schema = batches[0].schema();
    for field in schema.fields() {
        text.push_str("| ");
        push_cell(&mut text, field.name());
        text.push(' ');
    }
    text.push_str("|\n");
    for field in schema.fields() {
        text.push_str(if field.data_type().is_numeric() { "| ---: " } else { "| --- " });
    }
    text.push_str("|\n");
    for batch in batches {
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            for formatter in &formatters {
                text.push_str("| ");
                push_cell(&mut text, &formatter.value(row).try_to_string()?);
                text.push(' ');
            }
            text.push_str("|\n");
        }
    }
    Ok(text.into_bytes())
}

/// A cell cannot hold a bar or a line end as such.
fn push_cell(text: &mut String, cell: &str) {
    for character in cell.chars() {
        match character {
            '|' => text.push_str("\\|"),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("<br>"),
            '\r' => {}
            other => text.push(other),
        }
    }
}
