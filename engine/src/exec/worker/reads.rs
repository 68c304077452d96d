//! The worker over a read hook: the program sees the file's page cache in place, and nothing is copied.
//!
//! In: an input and a machine that can be attached to a file. Out and true after: as of the worker over a window. The
//! record that two pieces of page cache share comes out in pieces, raw: the program puts them into the output area,
//! and what is not finished there at the end of a read waits in [`Reads`]. It counts as an exception record.

use std::fs::File;

use machine::{KernelError, READ_BYTES_MAX};
use pushdown::contract::steps::{Reads, RunRead};

use super::{Input, RECORD_BYTES_MAX, Worker};
use crate::exec::ranges::RangeError;
use crate::exec::records::Position;
use crate::exec::refusal::Refusal;

impl<M: RunRead<File = File, Error = KernelError>> Worker<M> {
    /// Has the program read what a partition owns of one file.
    pub fn scan_reads(&mut self, index: usize, path: &str, input: Input<'_>) -> Result<(), Refusal> {
        self.begin_file(index);
        self.machine.attach(input.file(), self.context.cookie)?;
        let result = self.read_attached(path, &input);
        self.machine.detach();
        result?;
        self.report(Position::file_end(index))
    }

    fn read_attached(&mut self, path: &str, input: &Input<'_>) -> Result<(), Refusal> {
        let mut reads = Reads::new(&mut self.machine, input.position(), input.end());
        while !reads.is_done() {
            self.check_cancelled()?;
            let before = reads.position();
            let compute = self.context.metrics.baseline.elapsed_compute().clone();
            let timer = compute.timer();
            // Whoever cancels the query, or has had enough rows, waits for one read.
            let drained = reads.step(&mut self.machine, &self.context.program.layout, READ_BYTES_MAX)?;
            timer.done();
            self.context.metrics.bytes_read.add((reads.position() - before) as usize);
            if reads.unfinished().len() > RECORD_BYTES_MAX {
                return Err(Refusal::LongRecord { record_bytes_max: RECORD_BYTES_MAX });
            }
            self.take(drained)?;
        }
        if input.is_cut_off(reads.position()) {
            return Err(Refusal::CutOff { path: path.to_owned() });
        }
        if !reads.unfinished().is_empty() && input.ends_at_cut {
            return Err(Refusal::Range { path: path.to_owned(), source: RangeError::QuotedCut });
        }
        if reads.unfinished().is_empty() { Ok(()) } else { self.send_exception(reads.into_unfinished()) }
    }
}
