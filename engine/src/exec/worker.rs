//! The blocking worker of one partition: reads its files through the program.
//!
//! In: the files and byte ranges of a partition and a loaded program. Out: raw records and the positions it reached
//! through a channel while it runs, batches of partial state when it is done. What is true after: each owned record was
//! either processed by the program or sent up raw, in file order and once; or there is a [`Refusal`], and nothing is
//! said about the rest.
//!
//! ```text
//!            carry        read                      slack
//! window [ unfinished | next bytes of the file | \n | 0 0 0 ]     \n only at the end of the range
//!          `----------- one chunk ---------------'
//! ```

mod hooked;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use pushdown::Target;
use pushdown::contract::layout::{
    BEGIN, CONSUMED, END, EXCEPTIONS, GROUP_COUNT, Layout, MATCHED, Map, OUTPUT_USED, RECORDS, STOP,
    STOP_CHUNK, STOP_GROUPS, STOP_OUTPUT, WINDOW_SLACK_BYTES,
};
use pushdown::fragment::{Fragment, Output};
use tokio::sync::mpsc;

use super::metrics::ScanMetrics;
use super::ranges::{Input, RecordEnd};
use super::records::{Position, RawRecords};
use super::refusal::{ContractError, Refusal};
use crate::decode::StateDecoder;
use machine::{BackendKind, KernelError, Machine};

/// Longest record that is held in memory to be sent up raw. A stray quote can make one record of the rest of a file.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// Bytes by which a long record grows.
const LONG_RECORD_READ_BYTES: usize = 256 << 10;

/// A loaded program: [`Machine`], or a stand-in for tests.
pub trait Invoke {
    /// Bytes of a map.
    fn map(&self, map: Map) -> &[u8];
    /// Bytes of a map, to write.
    fn map_mut(&mut self, map: Map) -> &mut [u8];
    /// One invocation.
    fn run(&mut self) -> Result<(), KernelError>;
    /// [`Machine::attach`].
    fn attach(&mut self, _file: &File, _cookie: u64) -> Result<(), KernelError> {
        Err(KernelError::WrongMachine)
    }
    /// [`Machine::read`].
    fn read(&mut self, _position: u64, _bytes: usize) -> Result<usize, KernelError> {
        Err(KernelError::WrongMachine)
    }
    /// [`Machine::detach`].
    fn detach(&mut self) {}

    /// A word of the state map.
    fn word(&self, offset: usize) -> u64 {
        words(&self.map(Map::State)[offset..offset + 8]).next().unwrap_or_default()
    }

    /// Sets a word of the state map.
    fn set_word(&mut self, offset: usize, value: u64) {
        self.map_mut(Map::State)[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }
}

impl Invoke for Machine {
    fn map(&self, map: Map) -> &[u8] {
        Machine::map(self, map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        Machine::map_mut(self, map)
    }

    fn run(&mut self) -> Result<(), KernelError> {
        Machine::run(self)
    }

    fn attach(&mut self, file: &File, cookie: u64) -> Result<(), KernelError> {
        Machine::attach(self, file, cookie)
    }

    fn read(&mut self, position: u64, bytes: usize) -> Result<usize, KernelError> {
        Machine::read(self, position, bytes)
    }

    fn detach(&mut self) {
        Machine::detach(self);
    }
}

/// The little-endian words of a map.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).map(|chunk| chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)))
}

/// What a worker needs besides the machine.
#[derive(Debug)]
pub struct Context {
    /// What kind of machine it is.
    pub backend: BackendKind,
    /// What the machine runs.
    pub fragment: Fragment,
    /// Where its inputs and outputs lie.
    pub layout: Layout,
    /// For aggregates.
    pub state: Option<StateDecoder>,
    /// Takes raw records.
    pub sender: mpsc::Sender<RawRecords>,
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

/// The result of a partition, besides the raw records.
#[derive(Debug)]
pub struct Finished {
    /// Partial state; several batches if the group table was full in between.
    pub batches: Vec<RecordBatch>,
    /// Accounts for them.
    pub reservation: MemoryReservation,
}

/// One partition being read.
pub struct Scan<M> {
    machine: M,
    context: Context,
    /// Index of the file being read.
    file: usize,
    batches: Vec<RecordBatch>,
    /// The counters of the state map, as they are in the metrics already.
    counted: [u64; 3],
    /// Value of the record counter at the beginning of the file, less the records of it that the program did not see.
    file_begin: u64,
    /// Records of the file up to which the next position is sent.
    report_at: u64,
    /// Whether raw records were sent since the last position.
    unreported: bool,
}

impl<M: Invoke> Scan<M> {
    /// The machine's state is that of a freshly loaded one.
    pub fn new(machine: M, context: Context) -> Self {
        Scan {
            machine,
            context,
            file: 0,
            batches: Vec::new(),
            counted: [0; 3],
            file_begin: 0,
            report_at: 0,
            unreported: false,
        }
    }

    /// Reads what a partition owns of one file. `path` is for errors.
    pub fn scan_file(&mut self, index: usize, path: &str, input: Input<'_>) -> Result<(), Refusal> {
        self.file = index;
        self.file_begin = self.machine.word(RECORDS);
        self.report_at = self.context.batch_records;
        match self.context.backend.target() {
            Target::Packet => self.read_hooked(&input)?,
            Target::Window => self.read_windows(path, input)?,
        }
        self.report(Position::file_end(index))
    }

    fn read_windows(&mut self, path: &str, mut input: Input<'_>) -> Result<(), Refusal> {
        let window_bytes = self.context.layout.chunk_bytes_max();
        let mut carry = 0;
        loop {
            let valid = carry + self.read(&mut input, path, carry..window_bytes)?;
            let ended = valid < window_bytes;
            if ended && valid == 0 {
                return Ok(());
            }
            if ended {
                // Ends a last record that has no end of its own; else it is a blank line, which is skipped.
                self.machine.map_mut(Map::Window)[valid] = b'\n';
            }
            let consumed = self.process(valid + usize::from(ended))?;
            if ended {
                // A quote that is still open at the end: the decoder sees it as the file has it, without the LF.
                if consumed < valid {
                    let record = self.machine.map(Map::Window)[consumed..valid].to_vec();
                    self.send_exception(record)?;
                }
                return Ok(());
            }
            if consumed == 0 {
                self.send_long_record(&mut input, path)?;
                carry = 0;
            } else {
                self.machine.map_mut(Map::Window).copy_within(consumed..valid, 0);
                carry = valid - consumed;
            }
        }
    }

    /// Takes out what the program has accumulated.
    pub fn finish(mut self) -> Result<Finished, Refusal> {
        match &self.context.fragment.output {
            Output::Records => {}
            Output::Aggregates { keys, .. } if !keys.is_empty() => {
                self.drain_groups()?;
            }
            Output::Aggregates { aggregates, .. } => {
                let begin = self.context.layout.accumulators;
                let length: usize = aggregates.iter().map(|a| a.function.state_words() * 8).sum();
                let accumulators: Vec<u64> =
                    words(&self.machine.map(Map::State)[begin..begin + length]).collect();
                self.context.metrics.bytes_returned.add(length);
                let batch = self.decoder()?.decode_accumulators(&accumulators);
                self.keep(batch)?;
            }
        }
        Ok(Finished { batches: self.batches, reservation: self.context.reservation })
    }

    fn read(
        &mut self,
        input: &mut Input<'_>,
        path: &str,
        place: std::ops::Range<usize>,
    ) -> Result<usize, Refusal> {
        let read = input
            .read(&mut self.machine.map_mut(Map::Window)[place])
            .map_err(|source| read_error(path, source))?;
        self.context.metrics.bytes_read.add(read);
        Ok(read)
    }

    /// Runs the program over the window's first `end` bytes, until it takes no more of them. How many it took.
    fn process(&mut self, end: usize) -> Result<usize, Refusal> {
        self.machine.map_mut(Map::Window)[end..end + WINDOW_SLACK_BYTES].fill(0);
        let mut begin = 0;
        let mut stuck = false;
        while begin < end {
            self.check_cancelled()?;
            self.machine.set_word(BEGIN, begin as u64);
            self.machine.set_word(END, end as u64);
            self.counted(|machine| machine.run())?;
            let consumed = self.machine.word(CONSUMED);
            let next = usize::try_from(consumed).ok().filter(|next| (begin..=end).contains(next));
            let next = next.ok_or(ContractError::Consumed { begin, end, consumed })?;
            let mut drained = self.drain_output()?;
            let stop = self.machine.word(STOP);
            match stop {
                STOP_CHUNK if next == begin => break,
                STOP_CHUNK | STOP_OUTPUT => {}
                STOP_GROUPS => drained |= self.drain_groups()?,
                _ => return Err(ContractError::Stop(stop).into()),
            }
            // After a drain there is room for any record, so no progress twice is one time too many.
            if next == begin && (stuck || !drained) {
                return Err(ContractError::Stuck { stop }.into());
            }
            stuck = next == begin;
            begin = next;
            self.report_batch()?;
        }
        Ok(begin)
    }

    /// Something that runs the program, counted and timed.
    fn counted<T>(&mut self, run: impl FnOnce(&mut M) -> Result<T, KernelError>) -> Result<T, Refusal> {
        let metrics = &self.context.metrics;
        let _compute = metrics.baseline.elapsed_compute().timer();
        let kernel = metrics.kernel_time.timer();
        let result = run(&mut self.machine)?;
        kernel.done();
        let counters = [
            (RECORDS, &metrics.records_scanned),
            (MATCHED, &metrics.records_matched),
            (EXCEPTIONS, &metrics.exception_records),
        ];
        for ((offset, metric), counted) in counters.into_iter().zip(&mut self.counted) {
            let count = self.machine.word(offset);
            metric.add(usize::try_from(count.wrapping_sub(*counted)).unwrap_or_default());
            *counted = count;
        }
        Ok(result)
    }

    /// Sends the raw records up. Whether there were any.
    fn drain_output(&mut self) -> Result<bool, Refusal> {
        let used = self.machine.word(OUTPUT_USED);
        if used == 0 {
            return Ok(false);
        }
        let area = self.machine.map(Map::Output);
        let bytes = usize::try_from(used).ok().and_then(|used| area.get(..used));
        let bytes = bytes.ok_or(ContractError::Overrun { used, size: area.len() })?.to_vec();
        self.machine.set_word(OUTPUT_USED, 0);
        self.send_bytes(bytes)?;
        Ok(true)
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
        // The state of an aggregation goes up when all is done. Until then nobody wants to know what else was read.
        let is_wanted = self.unreported || matches!(self.context.fragment.output, Output::Records);
        self.unreported = false;
        if is_wanted { self.send(RawRecords::Reached(position)) } else { Ok(()) }
    }

    /// Takes the groups out of the table and empties it. Whether there were any.
    fn drain_groups(&mut self) -> Result<bool, Refusal> {
        if self.machine.word(GROUP_COUNT) == 0 {
            return Ok(false);
        }
        let compute = self.context.metrics.baseline.elapsed_compute().clone();
        let _compute = compute.timer();
        let entry_bytes = self.context.layout.group_entry_bytes;
        let mut entries = Vec::new();
        // A free entry has a zero in its first byte, an occupied one has bit 0 set.
        for entry in self.machine.map(Map::Groups).chunks_exact(entry_bytes).filter(|entry| entry[0] & 1 != 0)
        {
            entries.extend(words(entry));
        }
        self.machine.map_mut(Map::Groups).fill(0);
        self.machine.set_word(GROUP_COUNT, 0);
        self.context.metrics.bytes_returned.add(entries.len() * 8);
        let batch = self.decoder()?.decode_groups(&entries, entry_bytes / 8);
        self.keep(batch)?;
        Ok(!entries.is_empty())
    }

    fn decoder(&self) -> Result<&StateDecoder, Refusal> {
        self.context.state.as_ref().ok_or_else(|| {
            Refusal::State(DataFusionError::Internal(
                "aggregates without a decoder of their state".to_owned(),
            ))
        })
    }

    /// Holds a batch until the partition is done.
    fn keep(&mut self, batch: Result<RecordBatch, DataFusionError>) -> Result<(), Refusal> {
        let batch = batch.map_err(Refusal::State)?;
        self.context.reservation.try_grow(batch.get_array_memory_size()).map_err(Refusal::State)?;
        self.batches.push(batch);
        Ok(())
    }

    /// The window holds the beginning of a record that does not fit into it.
    fn send_long_record(&mut self, input: &mut Input<'_>, path: &str) -> Result<(), Refusal> {
        let window_bytes = self.context.layout.chunk_bytes_max();
        let mut record = self.machine.map(Map::Window)[..window_bytes].to_vec();
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
            if read < LONG_RECORD_READ_BYTES {
                return self.send_exception(record);
            }
        }
    }

    /// Sends a record up that the program did not see.
    fn send_exception(&mut self, record: Vec<u8>) -> Result<(), Refusal> {
        self.context.metrics.records_scanned.add(1);
        self.context.metrics.exception_records.add(1);
        self.file_begin = self.file_begin.wrapping_sub(1);
        self.send_bytes(record)
    }

    fn send_bytes(&mut self, bytes: Vec<u8>) -> Result<(), Refusal> {
        // The decoder checks the fields of a batch in one piece: bytes that are wrong alone can be right together.
        if std::str::from_utf8(&bytes).is_err() {
            return Err(Refusal::InvalidUtf8);
        }
        self.context.metrics.bytes_returned.add(bytes.len());
        self.unreported = true;
        self.send(RawRecords::Bytes { file: self.file, bytes })
    }

    fn send(&self, records: RawRecords) -> Result<(), Refusal> {
        self.context.sender.blocking_send(records).map_err(|_| Refusal::Cancelled)
    }

    fn check_cancelled(&self) -> Result<(), Refusal> {
        if self.context.cancelled.load(Ordering::Relaxed) { Err(Refusal::Cancelled) } else { Ok(()) }
    }
}

fn read_error(path: &str, source: std::io::Error) -> Refusal {
    Refusal::Read { path: path.to_owned(), source }
}
