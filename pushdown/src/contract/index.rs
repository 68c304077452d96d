//! The index array: what the index stage leaves to the fold. Whoever builds it writes the same entries, bit for bit.
//!
//! For each complete record there are `field_count` + 1 entries of 32 bits:
//!
//! ```text
//! a,"b"\n       entry 0: 0      entry 1: 2      entry 2: 6 and the flag
//! ```
//!
//! * Entry 0 is the window offset of the record's first byte. With the flag it is an exception record (ragged, a doubled
//!   quote, text behind a closing quote, invalid UTF-8), of which only entry 0 and the last count.
//! * Entry k is the window offset behind the byte that ends field k - 1. With the flag that field is quoted.
//!
//! ```text
//! map  [ front | entries: a power of two of bytes | one more record | slack ]
//!              ^ offset 0, to which a masked offset is added
//! ```

use super::layout::Sizes;
use super::structure::StructuralBytes;

/// Bytes in front of entry 0, so that the entry before a masked offset is addressable.
pub const INDEX_FRONT_BYTES: usize = 64;
/// Bytes behind the last offset that a mask allows: the entries of one word, and some.
const INDEX_SLACK_BYTES: usize = 64;

/// One entry: a window offset of at most 31 bits, and a flag above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(u32);

impl Entry {
    /// Its size in the array.
    pub const BYTES: usize = size_of::<u32>();
    /// The bit of the flag. The highest: a program tests it as the sign.
    pub const FLAG: u32 = 1 << 31;
    /// The bits of the offset.
    pub const OFFSET: u32 = !Self::FLAG;

    /// From a little-endian word of the array.
    pub fn from_bits(bits: u32) -> Entry {
        Entry(bits)
    }

    /// The window offset.
    pub fn offset(self) -> usize {
        (self.0 & Self::OFFSET) as usize
    }

    /// Whether the flag is set: an exception record, or a quoted field.
    pub fn is_flagged(self) -> bool {
        self.0 & Self::FLAG != 0
    }
}

/// What the index stage must know of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexing {
    /// The structural bytes.
    pub dialect: StructuralBytes,
    /// The array.
    pub array: IndexArray,
}

/// The sizes of the array of one program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexArray {
    entries_per_record: usize,
    /// Entries of the longest record: as many as the chunk has bytes, and one.
    longest: usize,
}

impl IndexArray {
    /// For records of so many fields.
    pub fn new(field_count: usize, sizes: &Sizes) -> IndexArray {
        let entries_per_record = field_count + 1;
        IndexArray { entries_per_record, longest: sizes.chunk_bytes_max() + entries_per_record }
    }

    /// Bytes that the entries of one record take.
    pub fn record_bytes(&self) -> usize {
        Entry::BYTES * self.entries_per_record
    }

    /// Byte offset of a record's last entry from its first.
    pub fn last_entry(&self) -> usize {
        self.record_bytes() - Entry::BYTES
    }

    /// Bytes of all entries, a power of two. The array takes records until there is no room for the longest. Half of it
    /// is enough for all records of a chunk, unless they are mostly empty fields.
    pub fn bytes(&self) -> usize {
        Entry::BYTES * (2 * self.longest).next_power_of_two()
    }

    /// The mask of an offset.
    pub fn mask(&self) -> usize {
        self.bytes() - 1
    }

    /// The largest offset at which there is room for the longest record.
    pub fn limit(&self) -> usize {
        self.bytes() - Entry::BYTES * self.longest
    }

    /// Bytes of the map.
    pub fn map_bytes(&self) -> usize {
        INDEX_FRONT_BYTES + self.bytes() + self.record_bytes() + INDEX_SLACK_BYTES
    }
}
