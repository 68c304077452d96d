//! Text to records and fields: where they are, not what they hold.
//!
//! In: UTF-8 text (or what is not yet known to be) that begins where a record may begin. Out: a [`Slab`]: the places of the
//! fields of whole records, each record with as many fields as there are columns, and the [`Fault`]s: records that have not.
//!
//! What a record is, for every reader of this crate:
//!
//! - CR, LF and CRLF end it. A blank line is none, but where there is one column: there it is an empty field.
//! - A record that begins with the comment byte is none. It ends with its line, or with the text.
//! - A quote quotes as the first byte of a field, and nowhere else. Within quotes, two quotes are one, and the escape makes
//!   the next byte literal.
//! - Behind the closing quote comes a delimiter or the end of the record. Where something else comes the quotes are *stray*: the
//!   field is all of its bytes up to the next delimiter or line end, its quotes among them. So nothing is ever dropped.
//! - A quote that is never closed is a fault, and no field.

mod lines;
mod mask;
#[cfg(test)]
pub mod reference;
mod split;

#[cfg(test)]
mod tests;

pub use lines::{end_of_line, first_line_end};
pub use mask::count_line_ends;
pub use split::{Limits, Splitter};

/// Text of more bytes is split in parts: places have 32 bits, of which two are flags.
pub const TEXT_BYTES_MAX: usize = (1 << FLAG_SHIFT) - 1;

/// Where a field is in the text, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    start: u32,
    /// The upper two bits are flags.
    end: u32,
}

/// How the bytes of a field become its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// They are it.
    Plain,
    /// They are it, and stood in quotes.
    Quoted,
    /// Two quotes are one, an escape is left out.
    Escaped,
    /// They are it, with quotes that are not well placed.
    Stray,
}

const FLAG_SHIFT: u32 = 30;

impl Field {
    /// No bytes.
    pub const EMPTY: Field = Field { start: 0, end: 0 };

    /// The bytes `[start, end)`.
    #[inline]
    pub fn new(start: usize, end: usize, form: Form) -> Field {
        debug_assert!(start <= end && end <= TEXT_BYTES_MAX);
        let flags = match form {
            Form::Plain => 0,
            Form::Quoted => 1,
            Form::Escaped => 2,
            Form::Stray => 3,
        };
        Field { start: start as u32, end: end as u32 | flags << FLAG_SHIFT }
    }

    /// The first byte.
    #[inline]
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Behind the last byte.
    #[inline]
    pub fn end(self) -> usize {
        (self.end & !(3 << FLAG_SHIFT)) as usize
    }

    /// How to read them.
    #[inline]
    pub fn form(self) -> Form {
        match self.end >> FLAG_SHIFT {
            0 => Form::Plain,
            1 => Form::Quoted,
            2 => Form::Escaped,
            _ => Form::Stray,
        }
    }
}

/// Where a record is in the text, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

impl Bounds {
    fn new(start: usize, end: usize) -> Bounds {
        Bounds { start: start as u32, end: end as u32 }
    }

    /// As a range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A record that has not the fields it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where the record is.
    pub bounds: Bounds,
}

/// What is wrong with the fields of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// More or fewer than there are columns.
    Count(usize),
    /// A quote opens here, and the text ends.
    Unclosed {
        /// Place of the quote.
        quote: u32,
        /// Place of the field among the fields of its record.
        field: u32,
    },
}

/// Whole records of a text.
#[derive(Debug, Default)]
pub struct Slab {
    /// Those of the first record, then those of the second, and so on.
    pub fields: Vec<Field>,
    /// One for each record.
    pub bounds: Vec<Bounds>,
    /// In the order of the text. Their records are in `bounds` if they were mended, else not.
    pub faults: Vec<Fault>,
    /// Row and column of each field whose quotes are stray.
    pub strays: Vec<(u32, u32)>,
}

impl Slab {
    /// Empties it, and keeps its memory.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.bounds.clear();
        self.faults.clear();
        self.strays.clear();
    }

    /// Its records.
    pub fn rows(&self) -> usize {
        self.bounds.len()
    }
}

/// What becomes of a record with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    /// Nothing behind it is looked at.
    Stop,
    /// It is left out.
    LeaveOut,
    /// Missing fields are empty, surplus ones left out. A field that is not closed is empty.
    Mend,
    /// Missing fields are empty, and the last one goes on to the end of the record where there are surplus ones that are not
    /// empty. A field that is not closed is empty.
    Pad,
    /// It is taken as it is, whatever the count of its fields. Only an open quote stops the walk.
    Take,
}
