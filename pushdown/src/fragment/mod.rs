//! The fragment: the part of a query plan that is compiled, as a typed tree.
//!
//! In: nothing but plain data that the engine built from a physical plan. Out: the same data, printable
//! ([`text`]), checked ([`validate`]), in normal form ([`normalize`]) and executable on bytes by the slow,
//! readable reference interpreter ([`crate::reference`]).
//!
//! Expressions are made of the operators of [`crate::ops`]; a predicate is an expression whose value is a condition.

pub mod normalize;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod random;
pub mod text;
pub mod validate;

pub use crate::aggregates::AggregateFunction;
pub use crate::contract::structure::StructuralBytes;
pub use crate::ops::{Expr, Literal, ValueType};

/// How the text of a field becomes a value. Text outside the grammar given here makes the record an exception
/// record; an empty field, quoted or not, is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `-?[0-9]{1,18}` (no sign when unsigned), in the range of the type.
    Int {
        /// 8, 16, 32 or 64.
        bits: u8,
        /// Whether negative values exist.
        signed: bool,
    },
    /// `-?[0-9]+(\.[0-9]+)?`, held as a number of `10^-scale`: at most 15 digits in all, so that distinct texts
    /// are distinct doubles; at most `scale` of them behind the point; digits before the point plus `scale` at
    /// most 18; not a negative zero.
    Float {
        /// Digits behind the point, 0 to 15.
        scale: u8,
    },
    /// `-?[0-9]+(\.[0-9]+)?`, held as a number of `10^-scale`: at most 18 digits in all, at most `scale` of them
    /// behind the point; digits before the point plus `scale` at most 18; magnitude below `10^precision`.
    Decimal {
        /// Significant digits, 1 to 38.
        precision: u8,
        /// Digits behind the point, 0 to 18.
        scale: u8,
    },
    /// `YYYY-MM-DD`, a real day of the proleptic Gregorian calendar in the years 0001 to 9999, held as the number
    /// `YYYYMMDD`.
    Date,
    /// `true` or `false`, in lower case.
    Boolean,
    /// Any bytes.
    String,
}

impl ColumnType {
    /// The type of its values.
    pub fn value_type(self) -> ValueType {
        match self {
            ColumnType::Int { .. }
            | ColumnType::Float { .. }
            | ColumnType::Decimal { .. }
            | ColumnType::Date => ValueType::I64,
            ColumnType::Boolean => ValueType::Bool,
            ColumnType::String => ValueType::Bytes,
        }
    }
}

/// A field of the record that the fragment reads. Every record whose field is outside the grammar of its type is
/// an exception record, whether or not a predicate or an aggregate needs the value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// For people; need not be unique.
    pub name: String,
    /// Which field of the record, from 0.
    pub field: usize,
    /// How its text is read.
    pub ty: ColumnType,
    /// Whether NULL is allowed; if not, a record with an empty field is an exception record.
    pub nullable: bool,
    /// Whether a number may not have a zero in front of another digit. Where a type was guessed, such a zero is data.
    pub unpadded: bool,
}

/// One aggregate with its own condition: `function FILTER (WHERE filter)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// What is accumulated.
    pub function: AggregateFunction,
    /// Of what. A record is ignored when one of these is NULL.
    pub arguments: Vec<Expr>,
    /// Over which records, besides the fragment's filter: a condition.
    pub filter: Option<Expr>,
}

/// A column whose values divide the records into groups. NULL is a group of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Index into [`Fragment::columns`].
    pub column: usize,
    /// For a string column, the room for its bytes in the group table: 8 to 64, a multiple of 8. A record with a
    /// longer key is an exception record. 0 for other columns.
    pub string_bytes_max: usize,
}

impl Key {
    /// Words of the encoded key: the length and the zero-padded bytes of a string, or the value. A NULL is all
    /// zeros, and its bit in the entry's first word is set.
    pub fn words(&self) -> usize {
        if self.string_bytes_max == 0 { 1 } else { 1 + self.string_bytes_max / 8 }
    }
}

/// What crosses into user space.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// The raw bytes of the matching records and of the exception records, in file order, one per line.
    Records,
    /// The values of all columns of the matching records, and the exception records, in file order: see
    /// [`rows`](crate::contract::rows). Only where the reader of the output has the window, too.
    Values,
    /// Partial aggregate state, and the raw bytes of the exception records only.
    Aggregates {
        /// None: one state for all records.
        keys: Vec<Key>,
        /// May be empty when there are keys: SELECT DISTINCT.
        aggregates: Vec<Aggregate>,
    },
}

impl Output {
    /// Whether there is state for each group, and not one for all records.
    pub(crate) fn is_grouped(&self) -> bool {
        matches!(self, Output::Aggregates { keys, .. } if !keys.is_empty())
    }
}

/// A filter-reduce over the records of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// Structural bytes.
    pub dialect: StructuralBytes,
    /// Fields of every record; a record with another number is an exception record.
    pub field_count: usize,
    /// The fields that are read, each at most once.
    pub columns: Vec<Column>,
    /// Which records count: a condition. None: all.
    pub filter: Option<Expr>,
    /// What is made of them.
    pub output: Output,
}

impl Fragment {
    /// The same for a program without a window: values would refer to it, so the records are handed out raw.
    pub fn without_window(&self) -> Fragment {
        let mut fragment = self.clone();
        if fragment.output == Output::Values {
            fragment.output = Output::Records;
        }
        fragment
    }
}

/// Longest string constant of a predicate, in bytes: 8 compares per constant at most.
pub const STRING_LITERAL_BYTES_MAX: usize = 64;
/// Most fields of a record: the index array must hold several records.
pub const FIELD_COUNT_MAX: usize = 4096;
/// Most columns that a fragment reads.
pub const COLUMN_COUNT_MAX: usize = 256;
/// Most group keys: one NULL bit each in the first word of a group entry.
pub const KEY_COUNT_MAX: usize = 16;
/// Most aggregates.
pub const AGGREGATE_COUNT_MAX: usize = 256;
/// Most nodes of all expressions together, constants included.
pub const NODE_COUNT_MAX: usize = 4096;
