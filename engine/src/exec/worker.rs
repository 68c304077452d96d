//! The blocking worker of one partition: reads its files through the program.
//!
//! In: the files and byte ranges of a partition and a loaded program. Out: rows, raw records and the positions it
//! reached through a channel while it runs, batches of partial state when it is done. What is true after: each owned
//! record was either processed by the program or handed to DataFusion unparsed, in file order and once; or there is a
//! [`Refusal`], and nothing is said about the rest.
//!
//! ```text
//! window [ unfinished | next bytes of the file | \n ]     \n only at the end of the range
//!          `------------- one chunk --------------'
//! ```

mod metered;
mod reads;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use machine::KernelError;
use pushdown::Program;
use pushdown::contract::layout::{Map, RECORDS};
use pushdown::contract::steps::{
    Chunk, ContractError, Drained, Maps, RunWindow, Window, accumulators, drain_groups,
};
use pushdown::fragment::{Fragment, Output};
use tokio::sync::mpsc;

use super::metrics::ScanMetrics;
use super::ranges::{Input, RangeError, RecordEnd};
use super::records::{Position, Scanned};
use super::refusal::Refusal;
use crate::decode::StateDecoder;
use crate::pushed::Results;
use crate::rows::RowBuilder;
use metered::Metered;

/// Longest record that is held in memory to be handed out unparsed. A stray quote can make one record of the rest of a file.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// Bytes by which a long record grows.
const LONG_RECORD_READ_BYTES: usize = 256 << 10;

/// What a worker needs besides the machine.
#[derive(Debug)]
pub struct WorkerContext {
    /// What the machine runs.
    pub fragment: Arc<Fragment>,
    /// As which program, with the places of its inputs and outputs.
    pub program: Arc<Program>,
    /// What becomes of the program's results.
    pub results: Results,
    /// Takes rows and raw records.
    pub sender: mpsc::Sender<Scanned>,
    /// Set when nobody wants the result any more.
    pub cancelled: Arc<AtomicBool>,
    /// What EXPLAIN ANALYZE shows.
    pub metrics: ScanMetrics,
    /// Accounts for the batches that are held until the end.
    pub reservation: MemoryReservation,
    /// Tells the workers apart in lists of the kernel's links.
    pub cookie: u64,
    /// Records of a file that DataFusion decodes at a time.
    pub batch_records: u64,
}

/// The result of a partition, besides the rows and raw records.
#[derive(Debug)]
pub struct Finished {
    /// Partial state; several batches if the group table was full in between.
    pub batches: Vec<RecordBatch>,
    /// Accounts for them.
    pub reservation: MemoryReservation,
}

/// Reads one partition.
pub struct Worker<M> {
    machine: Metered<M>,
    context: WorkerContext,
    /// Index of the file being read.
    file: usize,
    batches: Vec<RecordBatch>,
    /// Rows that were not sent yet, when the program hands out values.
    rows: Option<RowBuilder>,
    /// Value of the record counter at the beginning of the file, less the records of it that the program did not see.
    file_begin: u64,
    /// Records of the file up to which the next position is sent.
    report_at: u64,
    /// Whether raw records were sent since the last position.
    unreported: bool,
}

impl<M: Maps> Worker<M> {
    /// The machine's state is that of a freshly loaded one.
    pub fn new(machine: M, context: WorkerContext) -> Self {
        let rows = match (&context.results, context.program.layout.rows) {
            (Results::Rows(Some(decoder)), Some(_)) => Some(RowBuilder::new(decoder)),
            _ => None,
        };
        Worker {
            rows,
            machine: Metered::new(machine, context.metrics.clone()),
            context,
            file: 0,
            batches: Vec::new(),
            file_begin: 0,
            report_at: 0,
            unreported: false,
        }
    }

    fn begin_file(&mut self, index: usize) {
        self.file = index;
        self.file_begin = self.machine.word(RECORDS);
        self.report_at = self.context.batch_records;
    }

    /// Takes out what the program has accumulated.
    pub fn finish(mut self) -> Result<Finished, Refusal> {
        match &self.context.fragment.output {
            Output::Records | Output::Values => {}
            Output::Aggregates { keys, .. } if !keys.is_empty() => {
                let entries = drain_groups(&mut self.machine, &self.context.program.layout)?;
                self.keep_groups(&entries)?;
            }
            Output::Aggregates { aggregates, .. } => {
                let word_count = aggregates.iter().map(|each| each.function.state_words()).sum();
                let words = accumulators(&self.machine, &self.context.program.layout, word_count);
                self.context.metrics.bytes_returned.add(8 * word_count);
                let batch = self.decoder()?.decode_accumulators(&words);
                self.keep(batch)?;
            }
        }
        Ok(Finished { batches: self.batches, reservation: self.context.reservation })
    }

    /// Sends up or keeps what a step has brought, and says how far it is.
    fn take(&mut self, drained: Drained) -> Result<(), Refusal> {
        if !drained.raw.is_empty() {
            self.send_raw(drained.raw)?;
        }
        self.keep_groups(&drained.groups)?;
        self.report_batch()
    }

    /// Says how far it is when it has left a batch of DataFusion's behind. Not more often: each piece is decoded alone.
    fn report_batch(&mut self) -> Result<(), Refusal> {
        let records = self.machine.word(RECORDS).wrapping_sub(self.file_begin);
        if records < self.report_at {
            return Ok(());
        }
        let batch_records = self.context.batch_records;
        self.report_at = (records / batch_records + 1) * batch_records;
        self.report(Position { file: self.file, records })
    }

    fn report(&mut self, position: Position) -> Result<(), Refusal> {
        // The state of an aggregation is handed out when all is done. Until then nobody wants to know what else was read.
        let is_wanted = self.unreported || !self.context.results.is_state();
        self.unreported = false;
        self.send_rows()?;
        if is_wanted { self.send(Scanned::Reached(position)) } else { Ok(()) }
    }

    fn keep_groups(&mut self, entries: &[u64]) -> Result<(), Refusal> {
        if entries.is_empty() {
            return Ok(());
        }
        let compute = self.context.metrics.baseline.elapsed_compute().clone();
        let _compute = compute.timer();
        self.context.metrics.bytes_returned.add(entries.len() * 8);
        let batch = self.decoder()?.decode_groups(entries);
        self.keep(batch)
    }

    fn decoder(&self) -> Result<&StateDecoder, Refusal> {
        match &self.context.results {
            Results::State(decoder) => Ok(decoder),
            Results::Rows(_) => Err(Refusal::State(DataFusionError::Internal(
                "aggregates without a decoder of their state".to_owned(),
            ))),
        }
    }

    /// Holds a batch until the partition is done.
    fn keep(&mut self, batch: Result<RecordBatch, DataFusionError>) -> Result<(), Refusal> {
        let batch = batch.map_err(Refusal::State)?;
        self.context.reservation.try_grow(batch.get_array_memory_size()).map_err(Refusal::State)?;
        self.batches.push(batch);
        Ok(())
    }

    /// Sends a record up that the program did not see.
    fn send_exception(&mut self, record: Vec<u8>) -> Result<(), Refusal> {
        self.context.metrics.records_scanned.add(1);
        self.context.metrics.exception_records.add(1);
        self.file_begin = self.file_begin.wrapping_sub(1);
        self.send_rows()?;
        self.send_raw(record)
    }

    fn send_raw(&mut self, bytes: Vec<u8>) -> Result<(), Refusal> {
        // The decoder checks the fields of a batch in one piece: bytes that are wrong alone can be right together.
        if std::str::from_utf8(&bytes).is_err() {
            return Err(Refusal::InvalidUtf8);
        }
        self.context.metrics.bytes_returned.add(bytes.len());
        self.unreported = true;
        self.send(Scanned::Raw { file: self.file, bytes })
    }

    fn send(&self, records: Scanned) -> Result<(), Refusal> {
        self.context.sender.blocking_send(records).map_err(|_| Refusal::Cancelled)
    }

    /// Whether nobody wants the result any more.
    pub fn is_cancelled(&self) -> bool {
        self.context.cancelled.load(Ordering::Relaxed)
    }

    fn check_cancelled(&self) -> Result<(), Refusal> {
        if self.is_cancelled() { Err(Refusal::Cancelled) } else { Ok(()) }
    }
}

impl<M: RunWindow<Error = KernelError>> Worker<M> {
    /// Reads what a partition owns of one file into the window. `path` is for errors.
    pub fn scan_windows(&mut self, index: usize, path: &str, mut input: Input<'_>) -> Result<(), Refusal> {
        self.begin_file(index);
        let mut window = Window::new(&self.context.program.layout);
        loop {
            let free = window.free(&mut self.machine);
            let wanted = free.len();
            let read = input.read(free).map_err(|source| read_error(path, source))?;
            self.context.metrics.bytes_read.add(read);
            let is_last = read < wanted;
            let mut chunk = window.chunk(&mut self.machine, read, is_last);
            self.process(&mut chunk)?;
            if is_last {
                if input.is_cut_off(input.position()) {
                    return Err(Refusal::CutOff { path: path.to_owned() });
                }
                // A quote that is still open at the end: the decoder sees it as the file has it, without the LF.
                let unfinished = chunk.unfinished();
                if !unfinished.is_empty() && input.ends_at_cut {
                    return Err(Refusal::Range { path: path.to_owned(), source: RangeError::QuotedCut });
                }
                if !unfinished.is_empty() {
                    let record = self.machine.map(Map::Window)[unfinished].to_vec();
                    self.send_exception(record)?;
                }
                return self.report(Position::file_end(index));
            }
            if chunk.consumed() == 0 {
                self.send_long_record(&mut input, path)?;
                window = Window::new(&self.context.program.layout);
            } else {
                window.keep(&mut self.machine, &chunk);
            }
        }
    }

    /// Runs the program over a chunk, until it takes no more of it.
    fn process(&mut self, chunk: &mut Chunk) -> Result<(), Refusal> {
        while !chunk.is_done() {
            self.check_cancelled()?;
            let compute = self.context.metrics.baseline.elapsed_compute().clone();
            let timer = compute.timer();
            let drained = chunk.step(&mut self.machine, &self.context.program.layout)?;
            timer.done();
            self.take_rows(drained.rows_bytes, chunk.unfinished().end)?;
            self.take(drained)?;
        }
        Ok(())
    }

    /// The window holds the beginning of a record that does not fit into it.
    fn send_long_record(&mut self, input: &mut Input<'_>, path: &str) -> Result<(), Refusal> {
        let chunk_bytes_max = self.context.program.layout.chunk_bytes_max();
        let mut record = self.machine.map(Map::Window)[..chunk_bytes_max].to_vec();
        let mut end = RecordEnd::inside(&self.context.fragment.dialect);
        if let Some(bytes) = end.find(&record) {
            return Err(ContractError::Unfinished { bytes }.into());
        }
        loop {
            self.check_cancelled()?;
            let known = record.len();
            if known > RECORD_BYTES_MAX {
                return Err(Refusal::LongRecord { record_bytes_max: RECORD_BYTES_MAX });
            }
            record.resize(known + LONG_RECORD_READ_BYTES, 0);
            let read = input.read(&mut record[known..]).map_err(|source| read_error(path, source))?;
            record.truncate(known + read);
            if let Some(length) = end.find(&record[known..]) {
                input.unread(read - length);
                self.context.metrics.bytes_read.add(length);
                record.truncate(known + length);
                return self.send_exception(record);
            }
            self.context.metrics.bytes_read.add(read);
            if read < LONG_RECORD_READ_BYTES && input.ends_at_cut {
                return Err(Refusal::Range { path: path.to_owned(), source: RangeError::QuotedCut });
            }
            if read < LONG_RECORD_READ_BYTES {
                return self.send_exception(record);
            }
        }
    }
}

fn read_error(path: &str, source: std::io::Error) -> Refusal {
    Refusal::Read { path: path.to_owned(), source }
}
