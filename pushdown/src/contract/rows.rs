//! Rows as values: the output area of a program whose output is `values`.
//!
//! One entry of [`RowLayout::words`] words for each matching record and each exception record, in the order of the file:
//!
//! ```text
//! 3,abc,\n        [ place of the record | NULL bits | 3 | place of "abc" | 0 ]       bit 2 of the NULL bits is set
//! x,abc,7\n       [ place of the record, flagged | not written ...           ]       an exception record
//! ```
//!
//! A [`Place`] is where bytes lie in the window, so it is good until the window is filled again. The bytes themselves are
//! not copied: whoever reads the entries has the window, too.
//!
//! A value is in the form in which programs compute (see [`ColumnType`](crate::fragment::ColumnType)): a number in one word,
//! 0 or 1 for a truth value, a place for a string. A string of length 0 is NULL and has no NULL bit.

use std::ops::Range;

/// Bytes of the window: an offset in the low 32 bits, a length in the 31 bits above it, and a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u64);

impl Place {
    /// Bits by which the length is shifted.
    pub const LENGTH_SHIFT: u32 = 32;
    /// Of the place of a record: it is an exception record, and its entry has no values. The highest bit.
    pub const FLAG: u64 = 1 << 63;

    /// From a little-endian word of the output area.
    pub fn from_bits(bits: u64) -> Place {
        Place(bits)
    }

    /// Where in the window the bytes are.
    pub fn range(self) -> Range<usize> {
        let begin = (self.0 & u64::from(u32::MAX)) as usize;
        begin..begin + ((self.0 & !Self::FLAG) >> Self::LENGTH_SHIFT) as usize
    }

    /// Whether it is the place of an exception record.
    pub fn is_flagged(self) -> bool {
        self.0 & Self::FLAG != 0
    }
}

/// What lies where in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLayout {
    column_count: usize,
}

impl RowLayout {
    /// The word with the place of the record.
    pub const PLACE: usize = 0;
    /// NULL bits of one word.
    const BITS: usize = u64::BITS as usize;

    /// Of rows with so many columns.
    pub fn new(column_count: usize) -> RowLayout {
        RowLayout { column_count }
    }

    /// Words with NULL bits.
    pub fn null_words(self) -> usize {
        self.column_count.div_ceil(Self::BITS)
    }

    /// Where the NULL bit of a column is: the word, and the bit of it.
    pub fn null_bit(self, column: usize) -> (usize, usize) {
        (Self::PLACE + 1 + column / Self::BITS, column % Self::BITS)
    }

    /// The word with the value of a column; 0 if it is NULL.
    pub fn value(self, column: usize) -> usize {
        Self::PLACE + 1 + self.null_words() + column
    }

    /// Words of one entry.
    pub fn words(self) -> usize {
        self.value(self.column_count)
    }

    /// Bytes of one entry.
    pub fn bytes(self) -> usize {
        8 * self.words()
    }
}
