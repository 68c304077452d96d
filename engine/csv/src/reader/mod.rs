//! A file to Arrow batches and rejects.
//!
//! In: text, pushed in as it comes ([`Decoder`]) or pulled from anything that can be read ([`Reader`]); a [`CsvSpec`]; what is
//! wanted of it ([`ReadOptions`]). Out: batches in the order of the file, rejects, or one error.
//!
//! The decoder takes a *slab* at a time: whole records that stay in the cache while they are split, checked to be UTF-8 and
//! parsed column by column. However the text is cut, the batches hold the same rows, and the error is the same: rows before a
//! bad record come out first, then the error of the first bad record.

mod batch;
mod input;
mod options;
mod prologue;
mod pull;
mod settle;
#[cfg(test)]
mod tests;

pub use batch::BATCH_BYTES_MAX;
pub use options::{ReadOptions, Start, StrayQuotes};
pub use prologue::header_names;
pub use pull::Reader;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::records::{FaultKind, Limits, OnFault, Slab, Splitter, TEXT_BYTES_MAX};
use crate::rejects::{ReadError, Reject};
use crate::spec::{CsvSpec, OnError};
use crate::values::{Quoting, builder};
use batch::Batch;
pub(crate) use input::Input;
pub(crate) use prologue::Prologue;

/// Bytes of text that are split and then parsed.
const SLAB_BYTES: usize = 256 << 10;
/// A record with more bytes is looked at again only when there are twice as many.
const RETRY_BYTES: usize = 64 << 10;

/// What the decoder has made of the text.
#[derive(Debug)]
pub enum Decoded {
    /// Rows.
    Batch(RecordBatch),
    /// More text is needed, or to know that there is none.
    More,
    /// All records were read.
    End,
}

/// Text to batches.
#[derive(Debug)]
pub struct Decoder {
    spec: CsvSpec,
    file: Arc<str>,
    end: Option<u64>,
    stray_quotes: StrayQuotes,
    record_bytes_max: usize,
    quoting: Quoting,
    splitter: Splitter,
    input: Input,
    prologue: Prologue,
    /// The text is not looked at before it has as many bytes.
    retry_bytes: usize,
    slab: Slab,
    batch: Batch,
    /// All columns of the file.
    file_schema: SchemaRef,
    rejects: Vec<Reject>,
    rejected: u64,
    /// Comes behind the rows that are in the batch.
    failure: Option<ReadError>,
    /// Comes where more text would be needed.
    input_failure: Option<ReadError>,
    has_ended: bool,
}

/// How far a step came.
enum Step {
    /// On.
    On,
    /// There is no whole record in the text.
    More,
    /// Nothing is left to read.
    End,
}

impl Decoder {
    /// A decoder of a file's text.
    pub fn new(spec: &CsvSpec, options: &ReadOptions) -> Result<Self, ReadError> {
        let failed = |source| ReadError::Spec { file: Arc::clone(&options.file), source };
        options.check(spec).map_err(failed)?;
        let schema = options.file_schema(spec);
        let wanted = options.wanted(spec);
        let mut builders = Vec::with_capacity(wanted.len());
        for &index in &wanted {
            let to = schema.field(index).data_type();
            builders.push(builder(&spec.columns[index], index, to).map_err(failed)?);
        }
        let mut checks = Vec::new();
        for index in options.checked_beside(spec) {
            let to = schema.field(index).data_type();
            checks.push(builder(&spec.columns[index], index, to).map_err(failed)?);
        }
        let fields: Vec<_> = wanted.iter().map(|&index| Arc::clone(&schema.fields()[index])).collect();
        let dialect = &spec.dialect;
        let mut splitter = Splitter::new(dialect, spec.columns.len());
        if !options.blank_lines {
            splitter = splitter.without_blank_lines();
        }
        Ok(Decoder {
            spec: spec.clone(),
            file: Arc::clone(&options.file),
            end: options.end,
            stray_quotes: options.stray_quotes,
            record_bytes_max: options.record_bytes_max.min(TEXT_BYTES_MAX / 2),
            quoting: Quoting {
                quote: dialect.quote,
                escape: dialect.escape.filter(|_| dialect.escape != dialect.quote),
            },
            splitter,
            input: Input::new(options.start),
            prologue: Prologue::new(options.start),
            retry_bytes: 0,
            slab: Slab::default(),
            batch: Batch::new(fields, schema.metadata().clone(), builders, options.batch_rows)
                .checking(checks),
            file_schema: schema,
            rejects: Vec::new(),
            rejected: 0,
            failure: None,
            input_failure: None,
            has_ended: false,
        })
    }

    /// Of the batches.
    pub fn schema(&self) -> &SchemaRef {
        self.batch.schema()
    }

    /// Appends text.
    pub fn push(&mut self, text: &[u8]) {
        self.input.push(text);
    }

    /// Room for more text, never empty. Say with [`Decoder::advance`] how much of it was filled.
    pub fn space(&mut self) -> &mut [u8] {
        self.input.space()
    }

    /// So many bytes were written to the room.
    pub fn advance(&mut self, bytes: usize) {
        self.input.advance(bytes);
    }

    /// Nothing follows the text.
    pub fn end(&mut self) {
        self.input.end();
    }

    /// The text goes on, but cannot be had. The error comes behind all whole records.
    pub fn fail(&mut self, error: ReadError) {
        self.input_failure.get_or_insert(error);
    }

    /// The rejects since the last time, in the order of the file.
    pub fn take_rejects(&mut self) -> Vec<Reject> {
        std::mem::take(&mut self.rejects)
    }

    /// Rejects from the beginning.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The byte of the text where the first record begins that was not read yet.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// The byte of the text behind all that was pushed in.
    pub fn received(&self) -> u64 {
        self.input.offset() + self.input.text().len() as u64
    }

    /// Goes on until there is a batch, or no more text. After an error it stays at the end.
    pub fn decode(&mut self) -> Result<Decoded, ReadError> {
        loop {
            let is_over = self.failure.is_some() || self.has_ended;
            if self.batch.is_full() || is_over && !self.batch.is_empty() {
                match self.batch.finish(&self.file) {
                    Ok(Some(batch)) => return Ok(Decoded::Batch(batch)),
                    Ok(None) => continue,
                    Err(error) => {
                        self.has_ended = true;
                        self.failure = None;
                        return Err(error);
                    }
                }
            }
            if is_over {
                self.has_ended = true;
                return self.failure.take().map_or(Ok(Decoded::End), Err);
            }
            match self.step() {
                Step::On => {}
                Step::End => self.has_ended = true,
                Step::More => match self.input_failure.take() {
                    Some(error) => self.failure = Some(error),
                    None => return Ok(Decoded::More),
                },
            }
        }
    }

    /// Takes one slab.
    fn step(&mut self) -> Step {
        let available = self.input.text().len();
        if available < self.retry_bytes && !self.input.has_ended() {
            return Step::More;
        }
        if !self.prologue.pass(&mut self.input, &self.spec, &self.splitter) {
            return self.unfinished();
        }
        let text = self.input.text();
        let text = &text[..text.len().min(TEXT_BYTES_MAX)];
        let is_last = self.input.has_ended() && text.len() == self.input.text().len();
        let owned = self.end.map_or(u64::MAX, |end| end.saturating_sub(self.input.offset()));
        if owned == 0 || is_last && text.is_empty() {
            return Step::End;
        }
        let limits = Limits {
            is_last,
            rows_max: self.batch.room(),
            stop_at: usize::try_from(owned).unwrap_or(usize::MAX).min(SLAB_BYTES),
            on_fault: match self.spec.on_error {
                OnError::Fail => OnFault::Stop,
                OnError::Skip => OnFault::LeaveOut,
                OnError::Pad => OnFault::Pad,
                OnError::Null => OnFault::Mend,
            },
        };
        self.slab.clear();
        let read = self.splitter.split(text, limits, &mut self.slab);
        if read == 0 && self.slab.rows() == 0 && self.slab.faults.is_empty() {
            return self.unfinished();
        }
        self.retry_bytes = 0;
        self.settle(read);
        self.input.consume(read);
        Step::On
    }

    /// The text ends within its first record, or within what is above the records.
    fn unfinished(&mut self) -> Step {
        let text = self.input.text();
        if text.len() < self.record_bytes_max {
            self.retry_bytes = if text.len() < RETRY_BYTES { 0 } else { text.len() * 2 };
            self.retry_bytes = self.retry_bytes.min(self.record_bytes_max);
            return Step::More;
        }
        // Read as if it were the last, an open quote shows.
        let text = &text[..self.record_bytes_max];
        let limits = Limits { is_last: true, rows_max: 1, stop_at: 1, on_fault: OnFault::Stop };
        let mut slab = Slab::default();
        self.splitter.split(text, limits, &mut slab);
        let quote = slab.faults.iter().find_map(|fault| match fault.kind {
            FaultKind::Unclosed { quote, .. } => Some(quote as usize),
            FaultKind::Count(_) => None,
        });
        self.failure = Some(ReadError::TooLong {
            file: Arc::clone(&self.file),
            line: self.input.line(0),
            offset: self.input.offset(),
            bytes_max: self.record_bytes_max,
            quote_line: quote.map(|quote| self.input.line(quote)),
        });
        Step::On
    }
}
