//! The worker over a read hook: the program sees the file's page cache in place, and nothing is copied.
//!
//! In: an input and a machine that can be attached to a file. Out and true after: as of the worker over a window. The
//! record that two pieces of page cache share is carried in pieces, raw: the program puts them into the output area,
//! and what is not finished there at the end of a read waits here. It counts as an exception record.

use pushdown::contract::layout::{
    CARRY_BEGIN, CARRY_STATE, Map, OUTPUT_USED, OUTSIDE, PACKET_BYTES, STOP, STOP_CHUNK, STOP_GROUPS,
    STOP_OUTPUT,
};

use super::{Input, Invoke, RECORD_BYTES_MAX, Scan};
use crate::exec::refusal::{ContractError, Refusal};
use machine::READ_BYTES_MAX;

impl<M: Invoke> Scan<M> {
    /// Reads what a partition owns of one file.
    pub(super) fn read_hooked(&mut self, input: &Input<'_>) -> Result<(), Refusal> {
        self.machine.attach(input.file(), self.context.cookie)?;
        let result = self.read_attached(input);
        self.machine.detach();
        result
    }

    fn read_attached(&mut self, input: &Input<'_>) -> Result<(), Refusal> {
        let mut position = input.position();
        let mut unfinished = Vec::new();
        let mut stuck = false;
        self.machine.set_word(CARRY_STATE, 0);
        while position < input.end() {
            self.check_cancelled()?;
            self.machine.set_word(STOP, STOP_CHUNK);
            self.machine.set_word(PACKET_BYTES, 0);
            // Whoever cancels the query, or has had enough rows, waits for one read.
            let wanted = (input.end() - position).min(READ_BYTES_MAX as u64) as usize;
            let taken = self.counted(|machine| machine.read(position, wanted))?;
            if self.machine.word(OUTSIDE) != 0 {
                return Err(ContractError::Outside.into());
            }
            if taken > wanted {
                return Err(ContractError::Overread { taken, wanted }.into());
            }
            position += taken as u64;
            self.context.metrics.bytes_read.add(taken);
            let mut drained = self.drain_pieces(&mut unfinished)?;
            let stop = self.machine.word(STOP);
            match stop {
                // The end of the file: there was nothing to show to the program.
                STOP_CHUNK if taken == 0 && self.machine.word(PACKET_BYTES) == 0 => break,
                STOP_CHUNK | STOP_OUTPUT => {}
                STOP_GROUPS => drained |= self.drain_groups()?,
                _ => return Err(ContractError::Stop(stop).into()),
            }
            // After a drain there is room for any record, so no progress twice is one time too many.
            if taken == 0 && (stuck || !drained) {
                return Err(ContractError::Stuck { stop }.into());
            }
            stuck = taken == 0;
            self.report_batch()?;
        }
        if unfinished.is_empty() { Ok(()) } else { self.send_exception(unfinished) }
    }

    /// Sends up the raw records that are whole; pieces of the last one go to `unfinished`. Whether there was anything.
    fn drain_pieces(&mut self, unfinished: &mut Vec<u8>) -> Result<bool, Refusal> {
        let used = self.machine.word(OUTPUT_USED);
        let whole = match self.machine.word(CARRY_STATE) {
            0 => used,
            _ => self.machine.word(CARRY_BEGIN),
        };
        let area = self.machine.map(Map::Output);
        let size = area.len();
        let pieces = usize::try_from(used).ok().and_then(|used| area.get(..used));
        let split = pieces.and_then(|pieces| pieces.split_at_checked(usize::try_from(whole).ok()?));
        let (whole, piece) = split.ok_or(ContractError::Overrun { used: used.max(whole), size })?;
        let mut records = Vec::new();
        if !whole.is_empty() {
            records = std::mem::take(unfinished);
            records.extend_from_slice(whole);
        }
        unfinished.extend_from_slice(piece);
        if unfinished.len() > RECORD_BYTES_MAX {
            return Err(Refusal::LongRecord { record_bytes_max: RECORD_BYTES_MAX });
        }
        self.machine.set_word(OUTPUT_USED, 0);
        self.machine.set_word(CARRY_BEGIN, 0);
        if !records.is_empty() {
            self.send_bytes(records)?;
        }
        Ok(used > 0)
    }
}
