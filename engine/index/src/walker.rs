//! One structural byte after the other into the array, and what the end of a record means.

use pushdown::contract::index::{Entry, INDEX_FRONT_BYTES, Indexing};
use pushdown::contract::layout::WINDOW_SLACK_BYTES;

/// How far the entries reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexed {
    /// The window offset behind the last complete record and the blank lines that follow it.
    pub consumed: usize,
    /// Bytes of entries of complete records.
    pub entries_bytes: usize,
}

/// The chunk, the array, and how far both are.
#[derive(Debug)]
pub(crate) struct Walker<'a> {
    pub indexing: &'a Indexing,
    pub window: &'a [u8],
    pub begin: usize,
    pub end: usize,
    pub entries: &'a mut [u32],
    /// Where the next entry goes.
    pub next: usize,
    /// Entry 0 of the current record.
    pub record: usize,
    /// There is no room for another record.
    pub is_full: bool,
    /// From one record's entry 0 to its last entry.
    pub last: usize,
    limit: usize,
}

impl<'a> Walker<'a> {
    pub fn new(
        indexing: &'a Indexing,
        window: &'a [u8],
        begin: usize,
        end: usize,
        entries: &'a mut [u32],
    ) -> Walker<'a> {
        let array = &indexing.array;
        assert!(window.len() >= end + WINDOW_SLACK_BYTES, "zero bytes behind the chunk");
        assert!(Entry::BYTES * entries.len() + INDEX_FRONT_BYTES >= array.map_bytes(), "the program's array");
        let (last, limit) = (array.last_entry() / Entry::BYTES, array.limit() / Entry::BYTES);
        entries[0] = begin as u32;
        Walker { indexing, window, begin, end, entries, next: 1, record: 0, is_full: false, last, limit }
    }

    pub fn entry(&self, at: usize) -> u32 {
        self.entries[at]
    }

    fn set(&mut self, at: usize, bits: u32) {
        self.entries[at] = bits;
    }

    /// A field ends; `behind` is the offset behind its delimiter.
    pub fn field(&mut self, behind: usize, flag: u32) {
        self.set(self.next, behind as u32 | flag);
        self.next += 1;
    }

    /// Where the current field begins.
    pub fn field_begin(&self) -> usize {
        Entry::from_bits(self.entry(self.next - 1)).offset()
    }

    /// The current record is an exception record.
    pub fn exception(&mut self) {
        self.set(self.record, self.entry(self.record) | Entry::FLAG);
    }

    /// A record ends; `behind` is the offset behind its terminator, `flag` that of its last field.
    pub fn terminator(&mut self, behind: usize, flag: u32) {
        let behind = behind as u32;
        let first = self.entry(self.record);
        let count = self.next - self.record;
        if count == 1 && first + 1 == behind && flag == 0 {
            // A blank line is none.
            self.set(self.record, behind);
            return;
        }
        if count != self.last {
            self.set(self.record, first | Entry::FLAG);
            self.next = self.record + self.last;
        }
        self.set(self.next, behind | flag);
        self.begin_record(behind);
    }

    /// The current record is complete, its last entry stored.
    #[inline(always)]
    pub fn begin_record(&mut self, behind: u32) {
        self.record = self.next + 1;
        self.set(self.record, behind);
        self.next = self.record + 1;
        self.is_full = self.record > self.limit;
    }

    pub fn indexed(&self) -> Indexed {
        Indexed {
            consumed: Entry::from_bits(self.entry(self.record)).offset(),
            entries_bytes: Entry::BYTES * self.record,
        }
    }
}
