//! The stepping protocol: how a program is driven, whatever machine it runs on.
//!
//! Over a window, one chunk after the other; the record that a chunk's end cuts is presented again with the next:
//!
//! ```text
//! bytes --[ Window::chunk ]--> chunk --[ Chunk::step: BEGIN, END; run; CONSUMED, STOP; drain ]--> what came out
//!              ^                              `--- until it takes no more of it ---.
//!              `------------- Window::keep: the unfinished record -----------------'
//! ```
//!
//! Over reads of a file, which the machine cuts into packets; the record that two packets share comes out raw, in pieces:
//!
//! ```text
//! a range of the file --[ Reads::step: read; STOP; drain ]--> what came out; at the end, the last record
//! ```
//!
//! In: a machine, and where its bytes are. Out of each step: what the program wrote, taken out of its maps, and how far
//! it got. What is true after: the step kept the contract, or there is a [`ContractError`], and nothing of what it wrote
//! is handed out.

use std::ops::Range;

use super::groups::GroupLayout;
use super::layout::{
    BEGIN, CARRY_BEGIN, CARRY_STATE, CONSUMED, END, GROUP_COUNT, Layout, Map, OUTPUT_USED, OUTSIDE,
    PACKET_BYTES, STOP, STOP_CHUNK, STOP_GROUPS, STOP_OUTPUT, WINDOW_SLACK_BYTES,
};
use super::rows::RowLayout;

/// The memory of a loaded program.
pub trait Maps {
    /// Bytes of a map: as many as the program's layout says, none for a map that it does not use.
    fn map(&self, map: Map) -> &[u8];
    /// The same, to write.
    fn map_mut(&mut self, map: Map) -> &mut [u8];

    /// A word of the state map, by its byte offset.
    ///
    /// # Panics
    ///
    /// If the state map ends before it.
    fn word(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.map(Map::State)[offset..offset + 8]);
        u64::from_le_bytes(word)
    }

    /// Sets a word of the state map, by its byte offset.
    ///
    /// # Panics
    ///
    /// If the state map ends before it.
    fn set_word(&mut self, offset: usize, value: u64) {
        self.map_mut(Map::State)[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }
}

/// What runs a program over its window.
pub trait RunWindow: Maps {
    /// Why it was not run.
    type Error;

    /// One invocation.
    fn run(&mut self) -> Result<(), Self::Error>;
}

/// What lets reads of a file run a program.
pub trait RunRead: Maps {
    /// What it is attached to.
    type File: ?Sized;
    /// Why it was not run.
    type Error;

    /// Attaches the program to a file. `cookie` is what lists of links show.
    fn attach(&mut self, file: &Self::File, cookie: u64) -> Result<(), Self::Error>;

    /// Runs the attached program over up to `bytes` bytes of the file from `position` on. How many it took: 0 if it
    /// stopped at once, and at the end of the file, where it does not run.
    fn read(&mut self, position: u64, bytes: usize) -> Result<usize, Self::Error>;

    /// Takes the program off the file.
    fn detach(&mut self);
}

/// Why a step brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError<E> {
    /// The program was not run.
    #[error(transparent)]
    Machine(E),
    /// The program broke its contract.
    #[error(transparent)]
    Contract(#[from] ContractError),
}

/// How a program broke the contract of one invocation, which is a defect of the compiler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// The first byte not processed lies outside the chunk.
    #[error("it consumed up to {consumed}, outside of the chunk [{begin}, {end}]")]
    Consumed {
        /// Beginning of the chunk.
        begin: usize,
        /// Its end.
        end: usize,
        /// What the program said.
        consumed: u64,
    },
    /// There is no such reason to stop.
    #[error("it stopped for the unknown reason {0}")]
    Stop(u64),
    /// It did nothing although there was room for its results.
    #[error("it stopped for reason {stop} without progress")]
    Stuck {
        /// The reason it gave.
        stop: u64,
    },
    /// A complete record was left over.
    #[error("it left a complete record of {bytes} bytes")]
    Unfinished {
        /// Length of the record.
        bytes: usize,
    },
    /// There are not as many groups in the table as it says.
    #[error("it counted {counted} groups and wrote {found}")]
    Groups {
        /// What the program said.
        counted: u64,
        /// What is in the table.
        found: u64,
    },
    /// A guard of a packet failed.
    #[error("it read outside of its packet")]
    Outside,
    /// The machine says that more was read than was asked for.
    #[error("it took {taken} of {wanted} bytes")]
    Overread {
        /// What it said.
        taken: usize,
        /// What was asked for.
        wanted: usize,
    },
    /// An entry of a row was not written to its end.
    #[error("it wrote {bytes} bytes, which are no whole number of rows")]
    PartOfRow {
        /// What it said.
        bytes: usize,
    },
    /// A row refers to bytes that are not in the window.
    #[error("a row refers to bytes [{begin}, {end}), outside of the window")]
    Place {
        /// Where they should begin.
        begin: usize,
        /// And end.
        end: usize,
    },
    /// A string of a row is not UTF-8.
    #[error("a string of a row is not UTF-8")]
    Text,
    /// An output area is smaller than what is said to be in it.
    #[error("it wrote {used} bytes into an area of {size}")]
    Overrun {
        /// What the program said.
        used: u64,
        /// Size of the area.
        size: usize,
    },
}

/// What a program wrote in one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// Raw records, whole ones. Often none.
    pub raw: Vec<u8>,
    /// Bytes of the entries of [rows](super::rows). They are still in the output area, and what they refer to in the
    /// window, until the next step.
    pub rows_bytes: usize,
    /// Entries of the group table, one behind the other; none unless it was full.
    pub groups: Vec<u64>,
}

impl Drained {
    /// Whether the step brought nothing.
    fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.rows_bytes == 0 && self.groups.is_empty()
    }
}

/// The window between two chunks: which of its bytes are the unfinished record, and how the next chunk comes about.
#[derive(Debug)]
pub struct Window {
    chunk_bytes_max: usize,
    unfinished: usize,
}

impl Window {
    /// Of a program that was laid out so, at the beginning of a file.
    pub fn new(layout: &Layout) -> Window {
        Window { chunk_bytes_max: layout.chunk_bytes_max(), unfinished: 0 }
    }

    /// Where the bytes of the next chunk go: behind the unfinished record.
    pub fn free<'m>(&self, machine: &'m mut impl Maps) -> &'m mut [u8] {
        &mut machine.map_mut(Map::Window)[self.unfinished..self.chunk_bytes_max]
    }

    /// The next chunk, with `read` bytes more. Behind the last byte of the input there is a LF, which ends a record that
    /// has no end of its own; else it is a blank line, which is skipped.
    ///
    /// # Panics
    ///
    /// If that is more than there was room for.
    pub fn chunk(&self, machine: &mut impl Maps, read: usize, is_last: bool) -> Chunk {
        let valid = self.unfinished + read;
        let end = valid + usize::from(is_last);
        assert!(end <= self.chunk_bytes_max, "a chunk of {end} bytes");
        let window = machine.map_mut(Map::Window);
        if is_last {
            window[valid] = b'\n';
        }
        window[end..end + WINDOW_SLACK_BYTES].fill(0);
        Chunk { begin: 0, valid, end, stuck: false, is_done: valid == 0 }
    }

    /// Keeps what a chunk left, for the next one.
    pub fn keep(&mut self, machine: &mut impl Maps, chunk: &Chunk) {
        let unfinished = chunk.unfinished();
        self.unfinished = unfinished.len();
        machine.map_mut(Map::Window).copy_within(unfinished, 0);
    }
}

/// A chunk that is being processed.
#[derive(Debug)]
pub struct Chunk {
    /// The first byte not processed.
    begin: usize,
    /// Behind the last byte of the input.
    valid: usize,
    /// The same, and the LF behind it.
    end: usize,
    stuck: bool,
    is_done: bool,
}

impl Chunk {
    /// Whether the program takes no more of it.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// How many of its bytes were processed.
    pub fn consumed(&self) -> usize {
        self.begin
    }

    /// Where in the window lies what was not processed.
    pub fn unfinished(&self) -> Range<usize> {
        self.begin.min(self.valid)..self.valid
    }

    /// One invocation.
    pub fn step<M: RunWindow>(
        &mut self,
        machine: &mut M,
        layout: &Layout,
    ) -> Result<Drained, StepError<M::Error>> {
        let Chunk { begin, end, .. } = *self;
        machine.set_word(BEGIN, begin as u64);
        machine.set_word(END, end as u64);
        machine.run().map_err(StepError::Machine)?;
        let consumed = machine.word(CONSUMED);
        let next = usize::try_from(consumed).ok().filter(|next| (begin..=end).contains(next));
        let next = next.ok_or(ContractError::Consumed { begin, end, consumed })?;
        let mut drained = match layout.rows {
            Some(row) => Drained { rows_bytes: drain_rows(machine, row)?, ..Drained::default() },
            None => Drained { raw: drain_output(machine)?, ..Drained::default() },
        };
        let stop = machine.word(STOP);
        match stop {
            STOP_CHUNK if next == begin => {
                self.is_done = true;
                return Ok(drained);
            }
            STOP_CHUNK | STOP_OUTPUT => {}
            STOP_GROUPS => drained.groups = drain_groups(machine, layout)?,
            _ => return Err(ContractError::Stop(stop).into()),
        }
        let is_stuck = next == begin;
        check_progress(stop, self.stuck, is_stuck, !drained.is_empty())?;
        self.stuck = is_stuck;
        self.begin = next;
        self.is_done = next == end;
        Ok(drained)
    }
}

/// After a drain there is room for any record, so no progress twice is one time too many.
fn check_progress(stop: u64, was_stuck: bool, is_stuck: bool, drained: bool) -> Result<(), ContractError> {
    if is_stuck && (was_stuck || !drained) { Err(ContractError::Stuck { stop }) } else { Ok(()) }
}

/// A range of a file that is being read by the program attached to it.
#[derive(Debug)]
pub struct Reads {
    position: u64,
    end: u64,
    /// Beginning of the record that lies across the end of the last packet.
    unfinished: Vec<u8>,
    stuck: bool,
    is_done: bool,
}

impl Reads {
    /// Of the bytes `[position, end)`, or up to the end of the file when that comes first.
    pub fn new(machine: &mut impl Maps, position: u64, end: u64) -> Reads {
        machine.set_word(CARRY_STATE, 0);
        Reads { position, end, unfinished: Vec::new(), stuck: false, is_done: position >= end }
    }

    /// Whether there is nothing more to read.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// The first byte of the file that was not taken.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The beginning of a record whose end was not read yet; at the end, a last record without an end of its own.
    pub fn unfinished(&self) -> &[u8] {
        &self.unfinished
    }

    /// The same, for good.
    pub fn into_unfinished(self) -> Vec<u8> {
        self.unfinished
    }

    /// One read of at most `bytes_max` bytes.
    pub fn step<M: RunRead>(
        &mut self,
        machine: &mut M,
        layout: &Layout,
        bytes_max: usize,
    ) -> Result<Drained, StepError<M::Error>> {
        machine.set_word(STOP, STOP_CHUNK);
        machine.set_word(PACKET_BYTES, 0);
        let wanted = usize::try_from(self.end - self.position).unwrap_or(usize::MAX).min(bytes_max);
        let taken = machine.read(self.position, wanted).map_err(StepError::Machine)?;
        if machine.word(OUTSIDE) != 0 {
            return Err(ContractError::Outside.into());
        }
        if taken > wanted {
            return Err(ContractError::Overread { taken, wanted }.into());
        }
        let written = machine.word(OUTPUT_USED);
        let mut drained = Drained { raw: self.drain_pieces(machine)?, ..Drained::default() };
        let stop = machine.word(STOP);
        match stop {
            // The end of the file: there was nothing to show to the program.
            STOP_CHUNK if taken == 0 && machine.word(PACKET_BYTES) == 0 => {
                self.is_done = true;
                return Ok(drained);
            }
            STOP_CHUNK | STOP_OUTPUT => {}
            STOP_GROUPS => drained.groups = drain_groups(machine, layout)?,
            _ => return Err(ContractError::Stop(stop).into()),
        }
        let is_stuck = taken == 0;
        check_progress(stop, self.stuck, is_stuck, written > 0 || !drained.groups.is_empty())?;
        self.stuck = is_stuck;
        self.position += taken as u64;
        self.is_done = self.position >= self.end;
        Ok(drained)
    }

    /// Takes out the raw records that are whole; pieces of the last one go to `unfinished`.
    fn drain_pieces(&mut self, machine: &mut impl Maps) -> Result<Vec<u8>, ContractError> {
        let used = machine.word(OUTPUT_USED);
        let whole = match machine.word(CARRY_STATE) {
            0 => used,
            _ => machine.word(CARRY_BEGIN),
        };
        let area = machine.map(Map::Output);
        let size = area.len();
        let pieces = usize::try_from(used).ok().and_then(|used| area.get(..used));
        let split = pieces.and_then(|pieces| pieces.split_at_checked(usize::try_from(whole).ok()?));
        let (whole, piece) = split.ok_or(ContractError::Overrun { used: used.max(whole), size })?;
        let mut records = Vec::new();
        if !whole.is_empty() {
            records = std::mem::take(&mut self.unfinished);
            records.extend_from_slice(whole);
        }
        self.unfinished.extend_from_slice(piece);
        machine.set_word(OUTPUT_USED, 0);
        machine.set_word(CARRY_BEGIN, 0);
        Ok(records)
    }
}

/// Takes out the raw records.
fn drain_output(machine: &mut impl Maps) -> Result<Vec<u8>, ContractError> {
    let bytes = output(machine)?.to_vec();
    machine.set_word(OUTPUT_USED, 0);
    Ok(bytes)
}

/// Leaves the entries of rows where they are: how many bytes.
fn drain_rows(machine: &mut impl Maps, row: RowLayout) -> Result<usize, ContractError> {
    let bytes = output(machine)?.len();
    if !bytes.is_multiple_of(row.bytes()) {
        return Err(ContractError::PartOfRow { bytes });
    }
    machine.set_word(OUTPUT_USED, 0);
    Ok(bytes)
}

/// What is in the output area.
fn output(machine: &impl Maps) -> Result<&[u8], ContractError> {
    let used = machine.word(OUTPUT_USED);
    let area = machine.map(Map::Output);
    let bytes = usize::try_from(used).ok().and_then(|used| area.get(..used));
    bytes.ok_or(ContractError::Overrun { used, size: area.len() })
}

/// Takes the groups out of the table and empties it: their entries, one behind the other.
pub fn drain_groups(machine: &mut impl Maps, layout: &Layout) -> Result<Vec<u64>, ContractError> {
    let counted = machine.word(GROUP_COUNT);
    if counted == 0 {
        return Ok(Vec::new());
    }
    let mut entries = Vec::new();
    let mut found = 0;
    let Some(group) = layout.groups else { return Err(ContractError::Groups { counted, found }) };
    let table = machine.map(Map::Groups).chunks_exact(group.bytes());
    for entry in table.filter(|entry| u64::from(entry[0]) & GroupLayout::OCCUPIED != 0) {
        entries.extend(words(entry));
        found += 1;
    }
    if found != counted {
        return Err(ContractError::Groups { counted, found });
    }
    machine.map_mut(Map::Groups).fill(0);
    machine.set_word(GROUP_COUNT, 0);
    Ok(entries)
}

/// The state of an aggregation without groups: so many words.
pub fn accumulators(machine: &impl Maps, layout: &Layout, word_count: usize) -> Vec<u64> {
    words(&machine.map(Map::State)[layout.accumulators..][..8 * word_count]).collect()
}

/// The little-endian words of a map.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word))
}
