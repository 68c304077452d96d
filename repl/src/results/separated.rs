//! CSV and TSV: a header, then a record for each row, quoted where it has to be.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

/// Renders records with fields that `delimiter` separates, below the names of the columns if there is to be a `header`.
pub fn separated(batch: &RecordBatch, delimiter: u8, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut text = Vec::new();
    let mut writer = csv::WriterBuilder::new().with_header(header).with_delimiter(delimiter).build(&mut text);
    writer.write(&nested_as_text(batch)?)?;
    drop(writer);
    Ok(text)
}

/// CSV has no nested values: lists, structs and maps are written as a table shows them.
fn nested_as_text(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    if !batch.columns().iter().any(|column| column.data_type().is_nested()) {
        return Ok(batch.clone());
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
