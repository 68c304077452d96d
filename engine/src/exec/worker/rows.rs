//! The rows of a step, from the output area to the channel.
//!
//! Rows collect in a builder until there are as many as DataFusion has in a batch, until their windows have as many
//! bytes as the reader of the scan has in one, until the worker says how far it is, or until an exception record comes
//! between two of them. Where many exception records stand between rows, each of which would be decoded alone, all of a
//! step goes out raw.

use std::ops::Range;

use datafusion::arrow::array::RecordBatch;
use pushdown::contract::layout::Map;
use pushdown::contract::steps::{ContractError, Maps};

use weir_csv::reader::BATCH_BYTES_MAX;

use super::Worker;
use crate::exec::records::Scanned;
use crate::exec::refusal::Refusal;
use crate::rows::{Entries, RowBuilder};

/// Most runs of exception records in a step that are decoded apart. Opening a decoder costs as much as some ten records.
const EXCEPTION_RUNS_MAX: usize = 16;

/// What is sent on before the rows that follow.
enum Piece {
    /// Rows in front of an exception record.
    Rows(RecordBatch),
    /// Whole records, each with its end.
    Raw(Vec<u8>),
}

impl<M: Maps> Worker<M> {
    /// Takes the rows of a step out of the output area. `chunk_end`: behind the last byte of the chunk.
    pub(super) fn take_rows(&mut self, rows_bytes: usize, chunk_end: usize) -> Result<(), Refusal> {
        let Some(builder) = self.rows.as_mut().filter(|_| rows_bytes > 0) else { return Ok(()) };
        let compute = self.context.metrics.baseline.elapsed_compute().clone();
        let timer = compute.timer();
        self.context.metrics.bytes_returned.add(rows_bytes);
        let output = &self.machine.map(Map::Output)[..rows_bytes];
        let entries = builder.entries(output, &self.machine.map(Map::Window)[..chunk_end]);
        let rows_max = usize::try_from(self.context.batch_records).unwrap_or(usize::MAX);
        let pieces = take_apart(builder, &entries, rows_max)?;
        timer.done();
        for piece in pieces {
            match piece {
                Piece::Rows(rows) => self.send(Scanned::Rows(rows))?,
                Piece::Raw(records) => self.send_raw(records)?,
            }
        }
        Ok(())
    }

    /// Sends the rows that were collected.
    pub(super) fn send_rows(&mut self) -> Result<(), Refusal> {
        let Some(builder) = self.rows.as_mut().filter(|builder| builder.row_count() > 0) else {
            return Ok(());
        };
        let rows = builder.take().map_err(Refusal::State)?;
        self.send(Scanned::Rows(rows))
    }
}

/// Puts rows into the builder, and takes them out where it is full. Where exception records come between, first out of it
/// what is in front of them.
fn take_apart(
    builder: &mut RowBuilder,
    entries: &Entries<'_>,
    rows_max: usize,
) -> Result<Vec<Piece>, Refusal> {
    let mut pieces = Vec::new();
    for (is_raw, range) in runs(entries) {
        if !is_raw {
            fill(builder, entries, range, rows_max, &mut pieces)?;
            continue;
        }
        let run = entries.slice(range);
        if builder.row_count() > 0 {
            pieces.push(Piece::Rows(builder.take().map_err(Refusal::State)?));
        }
        pieces.push(Piece::Raw(records(&run)?));
    }
    Ok(pieces)
}

/// Puts rows into the builder. Whole batches come out of it.
fn fill(
    builder: &mut RowBuilder,
    entries: &Entries<'_>,
    mut range: Range<usize>,
    rows_max: usize,
    pieces: &mut Vec<Piece>,
) -> Result<(), Refusal> {
    while !range.is_empty() {
        let room = rows_max.saturating_sub(builder.row_count()).max(1);
        let end = range.end.min(range.start.saturating_add(room));
        builder.push(&entries.slice(range.start..end))?;
        range.start = end;
        if builder.row_count() >= rows_max || builder.text_bytes() >= BATCH_BYTES_MAX {
            pieces.push(Piece::Rows(builder.take().map_err(Refusal::State)?));
        }
    }
    Ok(())
}

/// Cuts the entries where rows and exception records meet: whether what lies between is sent raw, and which entries.
fn runs(entries: &Entries<'_>) -> Vec<(bool, Range<usize>)> {
    let mut runs: Vec<(bool, Range<usize>)> = Vec::new();
    for (index, place) in entries.places().enumerate() {
        match runs.last_mut() {
            Some((is_raw, range)) if *is_raw == place.is_flagged() => range.end = index + 1,
            _ => runs.push((place.is_flagged(), index..index + 1)),
        }
    }
    if runs.len() > 2 * EXCEPTION_RUNS_MAX {
        runs = vec![(true, 0..entries.count())];
    }
    runs
}

/// The records of some entries, as they are.
fn records(entries: &Entries<'_>) -> Result<Vec<u8>, ContractError> {
    let mut records = Vec::new();
    for place in entries.places() {
        records.extend_from_slice(entries.bytes(place)?);
        records.push(b'\n');
    }
    Ok(records)
}
