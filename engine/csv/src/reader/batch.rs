//! The rows that are not handed out yet.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, FieldRef, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use crate::rejects::ReadError;
use crate::values::{Cells, ColumnBuilder, Problems};

/// Values of a batch: rows times columns. A file of 9,000 columns gets batches of some hundred rows.
const BATCH_VALUES_MAX: usize = 4 << 20;
/// Bytes of text behind a batch, beyond which it is handed out. It bounds what texts need, and keeps 32-bit offsets safe.
pub const BATCH_BYTES_MAX: usize = 32 << 20;

/// Rows that are being collected.
#[derive(Debug)]
pub struct Batch {
    schema: SchemaRef,
    builders: Vec<Box<dyn ColumnBuilder>>,
    /// Of columns that are not handed out, and decide all the same whether a record is a bad one.
    checks: Vec<Box<dyn ColumnBuilder>>,
    rows_max: usize,
    /// Rows that the builders hold.
    built: usize,
    /// Rows, from the first, that are handed out: all, but where reading ended at a bad one.
    rows: usize,
    /// Those of them that are left out, ascending.
    dropped: Vec<usize>,
    /// Of the text behind the rows.
    bytes: usize,
}

impl Batch {
    pub fn new(
        fields: Vec<FieldRef>,
        metadata: HashMap<String, String>,
        builders: Vec<Box<dyn ColumnBuilder>>,
        rows_max: usize,
    ) -> Self {
        let rows_max = rows_max.min(BATCH_VALUES_MAX / builders.len().max(1)).max(1);
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let checks = Vec::new();
        Batch { schema, builders, checks, rows_max, built: 0, rows: 0, dropped: Vec::new(), bytes: 0 }
    }

    /// The same with columns that are looked at for problems only.
    pub fn checking(self, checks: Vec<Box<dyn ColumnBuilder>>) -> Self {
        Batch { checks, ..self }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether it is to be handed out.
    pub fn is_full(&self) -> bool {
        self.built >= self.rows_max || self.bytes >= BATCH_BYTES_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.built == 0
    }

    /// Rows that it still takes.
    pub fn room(&self) -> usize {
        self.rows_max - self.built.min(self.rows_max)
    }

    /// Adds the rows of a slab.
    pub fn append(&mut self, cells: &Cells<'_>, rows: usize, bytes: usize, problems: &mut Problems) {
        for builder in self.builders.iter_mut().chain(&mut self.checks) {
            builder.append(cells, problems);
        }
        self.built += rows;
        self.rows = self.built;
        self.bytes += bytes;
    }

    /// Leaves out rows of the last slab, which has `slab_rows`. They are ascending.
    pub fn leave_out(&mut self, slab_rows: usize, rows: impl Iterator<Item = usize>) {
        let base = self.built - slab_rows;
        self.dropped.extend(rows.map(|row| base + row));
    }

    /// Leaves out all rows of the last slab from `row` on.
    pub fn cut(&mut self, slab_rows: usize, row: usize) {
        self.rows = self.built - slab_rows + row;
    }

    /// The rows as a batch. None: all were left out.
    pub fn finish(&mut self, file: &Arc<str>) -> Result<Option<RecordBatch>, ReadError> {
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(|builder| builder.finish()).collect();
        self.checks.iter_mut().for_each(|check| drop(check.finish()));
        let rows = std::mem::take(&mut self.rows);
        self.built = 0;
        self.bytes = 0;
        let mut dropped = std::mem::take(&mut self.dropped);
        dropped.retain(|&row| row < rows);
        if rows == dropped.len() {
            return Ok(None);
        }
        let batch = self.batch(arrays, rows, &dropped);
        batch.map(Some).map_err(|error| ReadError::Arrow { file: Arc::clone(file), source: Arc::new(error) })
    }

    fn batch(
        &self,
        arrays: Vec<ArrayRef>,
        rows: usize,
        dropped: &[usize],
    ) -> Result<RecordBatch, ArrowError> {
        let count = |rows| RecordBatchOptions::new().with_row_count(Some(rows));
        if arrays.is_empty() {
            let rows = rows - dropped.len();
            return RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &count(rows));
        }
        let arrays =
            arrays.into_iter().map(|array| if array.len() == rows { array } else { array.slice(0, rows) });
        let arrays = arrays.collect();
        if dropped.is_empty() {
            return RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &count(rows));
        }
        // What is left out may be NULL where the schema allows none, so the types are checked behind it.
        let mut keep = vec![true; rows];
        for &row in dropped {
            keep[row] = false;
        }
        let nullable: Vec<_> =
            self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let all = RecordBatch::try_new_with_options(Arc::new(Schema::new(nullable)), arrays, &count(rows))?;
        let kept = filter_record_batch(&all, &BooleanArray::from(keep))?;
        let rows = kept.num_rows();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), kept.columns().to_vec(), &count(rows))
    }
}
