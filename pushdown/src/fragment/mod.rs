//! The fragment: the part of a query plan that is compiled, as a typed tree.
//!
//! In: nothing but plain data that the engine built from a physical plan. Out: the same data, printable
//! ([`text`]), checked ([`validate`]), in normal form ([`normalize`]) and executable on bytes by the slow,
//! readable reference interpreter ([`interpret`]).
//!
//! Every value of an expression is a 64-bit signed integer. What it stands for (an integer, a number of
//! hundredths, a date) is known to the column's type and to the engine, not to the operators.

pub mod interpret;
pub mod normalize;
pub mod text;
pub mod validate;

/// The bytes that give a CSV file its structure. CR and LF always end a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// Separates the fields of a record.
    pub delimiter: u8,
    /// Encloses a field, when it is the first byte of it.
    pub quote: u8,
    /// Makes the next byte of a quoted field literal.
    pub escape: Option<u8>,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect { delimiter: b',', quote: b'"', escape: None }
    }
}

/// How the text of a field becomes a 64-bit integer. Text outside the grammar given here makes the record an
/// exception record; an empty field, quoted or not, is NULL.
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
    /// `true` or `false`, in lower case, held as 1 or 0.
    Boolean,
    /// Any bytes. Has no integer value: only NULL tests, equality and grouping.
    String,
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
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
}

/// What happens when a result does not fit into 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// It wraps, as DataFusion's integers do.
    Wrap,
    /// The record becomes an exception record. The lowered check may be conservative by one value: a result of
    /// `i64::MIN` counts as an overflow.
    Exception,
}

/// An integer expression. It is NULL when one of its columns is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// The value of a column: an index into [`Fragment::columns`], not of a string column.
    Column(usize),
    /// A constant.
    Literal(i64),
    /// `left op right`.
    Binary {
        /// The operator.
        op: Arithmetic,
        /// What a result beyond 64 bits means.
        overflow: Overflow,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// The argument itself; a magnitude above `magnitude_max` makes the record an exception record.
    Bound {
        /// What is limited.
        argument: Box<Expr>,
        /// The largest magnitude allowed, not negative.
        magnitude_max: i64,
    },
}

impl Expr {
    /// The columns it reads, in order of appearance, each once.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.collect_columns(&mut columns);
        columns
    }

    fn collect_columns(&self, columns: &mut Vec<usize>) {
        match self {
            Expr::Column(column) if columns.contains(column) => {}
            Expr::Column(column) => columns.push(*column),
            Expr::Literal(_) => {}
            Expr::Binary { left, right, .. } => {
                left.collect_columns(columns);
                right.collect_columns(columns);
            }
            Expr::Bound { argument, .. } => argument.collect_columns(columns),
        }
    }

    /// Whether its value can make the record an exception record.
    pub fn is_checked(&self) -> bool {
        match self {
            Expr::Column(_) | Expr::Literal(_) => false,
            Expr::Binary { overflow: Overflow::Exception, .. } | Expr::Bound { .. } => true,
            Expr::Binary { left, right, .. } => left.is_checked() || right.is_checked(),
        }
    }
}

/// A comparison of two integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

/// A condition under SQL's three-valued logic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Predicate {
    /// True, false, or NULL.
    Literal(Option<bool>),
    /// NULL when a side is NULL.
    Compare {
        /// The operator.
        op: Comparison,
        /// Left operand.
        left: Expr,
        /// Right operand.
        right: Expr,
    },
    /// `expr [NOT] IN (values)`; NULL when `expr` is NULL.
    In {
        /// What is looked for.
        expr: Expr,
        /// Not empty.
        values: Vec<i64>,
        /// NOT IN.
        negated: bool,
    },
    /// A string column `[NOT] IN (values)`, so also `=` and `<>`; NULL when the column is NULL.
    StringIn {
        /// Index into [`Fragment::columns`], of a string column.
        column: usize,
        /// Not empty. Each at most [`STRING_LITERAL_BYTES_MAX`] long; an empty value never equals anything, as an
        /// empty field is NULL.
        values: Vec<Vec<u8>>,
        /// NOT IN.
        negated: bool,
    },
    /// `column IS [NOT] NULL`; never NULL itself.
    IsNull {
        /// Index into [`Fragment::columns`].
        column: usize,
        /// IS NOT NULL.
        negated: bool,
    },
    /// True when all are, false when one is, else NULL.
    And(Vec<Predicate>),
    /// True when one is, false when all are, else NULL.
    Or(Vec<Predicate>),
    /// Swaps true and false, keeps NULL.
    Not(Box<Predicate>),
}

impl Predicate {
    /// The columns it reads, in order of appearance, each once.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.collect_columns(&mut columns);
        columns
    }

    fn collect_columns(&self, columns: &mut Vec<usize>) {
        match self {
            Predicate::Literal(_) => {}
            Predicate::Compare { left, right, .. } => {
                left.collect_columns(columns);
                right.collect_columns(columns);
            }
            Predicate::In { expr, .. } => expr.collect_columns(columns),
            Predicate::StringIn { column, .. } | Predicate::IsNull { column, .. } => {
                Expr::Column(*column).collect_columns(columns);
            }
            Predicate::And(all) | Predicate::Or(all) => {
                all.iter().for_each(|each| each.collect_columns(columns));
            }
            Predicate::Not(inner) => inner.collect_columns(columns),
        }
    }
}

/// What is accumulated over the records that match, in 64-bit words of partial state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// The number of records in which none of these columns is NULL; all records when there are none listed.
    /// State: `[count]`.
    Count {
        /// Indices into [`Fragment::columns`].
        non_null: Vec<usize>,
    },
    /// The sum modulo 2^64. State: `[sum, non-null count]`.
    SumWrap(Expr),
    /// The exact sum in 128 bits, two's complement. State: `[low, high, non-null count]`.
    SumExact(Expr),
    /// The least value. State: `[value, non-null count]`; the value means nothing while the count is 0.
    Min(Expr),
    /// The greatest value. State as for `Min`.
    Max(Expr),
}

impl AggregateFunction {
    /// The expression that is accumulated.
    pub fn argument(&self) -> Option<&Expr> {
        match self {
            AggregateFunction::Count { .. } => None,
            AggregateFunction::SumWrap(argument)
            | AggregateFunction::SumExact(argument)
            | AggregateFunction::Min(argument)
            | AggregateFunction::Max(argument) => Some(argument),
        }
    }

    /// Size of the partial state in 64-bit words.
    pub fn state_words(&self) -> usize {
        match self {
            AggregateFunction::Count { .. } => 1,
            AggregateFunction::SumExact(_) => 3,
            AggregateFunction::SumWrap(_) | AggregateFunction::Min(_) | AggregateFunction::Max(_) => 2,
        }
    }
}

/// One aggregate with its own condition: `function FILTER (WHERE filter)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// What is accumulated.
    pub function: AggregateFunction,
    /// Over which records, besides the fragment's filter.
    pub filter: Option<Predicate>,
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
    /// Partial aggregate state, and the raw bytes of the exception records only.
    Aggregates {
        /// None: one state for all records.
        keys: Vec<Key>,
        /// May be empty when there are keys: SELECT DISTINCT.
        aggregates: Vec<Aggregate>,
    },
}

/// A filter-reduce over the records of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// Structural bytes.
    pub dialect: Dialect,
    /// Fields of every record; a record with another number is an exception record.
    pub field_count: usize,
    /// The fields that are read, each at most once.
    pub columns: Vec<Column>,
    /// Which records count. None: all.
    pub filter: Option<Predicate>,
    /// What is made of them.
    pub output: Output,
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
/// Most nodes of all expressions and predicates together, list values included.
pub const NODE_COUNT_MAX: usize = 4096;
