//! What is left to DataFusion at planning, and why.

use std::fmt;

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::Operator;
use pushdown::CompileError;

/// A part of a plan that is left to DataFusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declined {
    /// What is left.
    pub part: Part,
    /// Why it is left.
    pub reason: DeclineReason,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.reason)
    }
}

/// What can be declined by itself. Printed as EXPLAIN names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A scan, with all that stands on it.
    Scan,
    /// The nodes above a scan: their shape.
    Plan,
    /// An aggregation as a whole.
    Aggregation,
    /// All that was translated: the compiler refused it.
    Fragment,
    /// One of the conditions that a filter joins by AND, in SQL.
    Conjunct(String),
    /// A group key, as the plan prints it.
    Key(String),
    /// An aggregate, by its name in the plan.
    Aggregate(String),
    /// A column of the file, by its name.
    Column(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Scan => "scan",
            Part::Plan => "plan",
            Part::Aggregation => "the aggregation",
            Part::Fragment => "fragment",
            Part::Conjunct(text) | Part::Key(text) | Part::Aggregate(text) | Part::Column(text) => text,
        })
    }
}

/// A kind of expression that no program evaluates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpressionKind {
    /// A scalar function, by its name.
    Function(String),
    /// `CASE`
    Case,
    /// `LIKE` and `ILIKE`
    Like,
    /// `TRY_CAST`
    TryCast,
    /// An operator between two expressions.
    Operator(Operator),
    /// Arithmetic that fails when a result has no room.
    CheckedArithmetic,
    /// Arithmetic on this type.
    Arithmetic(DataType),
    /// Any other, as the plan prints it.
    Other(String),
}

impl fmt::Display for ExpressionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpressionKind::Function(name) => write!(f, "the function {name}"),
            ExpressionKind::Case => f.write_str("CASE"),
            ExpressionKind::Like => f.write_str("LIKE"),
            ExpressionKind::TryCast => f.write_str("TRY_CAST"),
            ExpressionKind::Operator(operator) => write!(f, "the operator {operator}"),
            ExpressionKind::CheckedArithmetic => f.write_str("checked arithmetic"),
            ExpressionKind::Arithmetic(ty) => write!(f, "arithmetic of type {ty}"),
            ExpressionKind::Other(text) => write!(f, "the expression {text}"),
        }
    }
}

/// Files that no program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileKind {
    /// Those of another object store.
    #[error("files that are not local")]
    NotLocal,
    /// Gzip and the like.
    #[error("compressed files")]
    Compressed,
    /// Latin-1, UTF-16.
    #[error("files that are not UTF-8")]
    NotUtf8,
    /// Lines that are no records.
    #[error("comments in CSV files")]
    Comments,
    /// Blanks that do not belong to a field.
    #[error("blanks around fields")]
    Trimmed,
    /// A delimiter behind which no field begins.
    #[error("delimiters at the end of records")]
    TrailingDelimiters,
    /// `::`
    #[error("delimiters of more than one byte")]
    WideDelimiters,
    /// Bytes that are a part of a character.
    #[error("delimiters and quotes outside of ASCII")]
    NotAscii,
    /// A quote is a byte like any other.
    #[error("files without quotes")]
    Unquoted,
    /// A record's end of its own.
    #[error("record terminators other than line ends")]
    Terminators,
    /// DataFusion's reader adds the fields that are missing.
    #[error("truncated rows")]
    TruncatedRows,
    /// `on_error` is `skip` or `null`.
    #[error("bad records that are left out or mended")]
    Rejects,
    /// Columns that come from the names of folders.
    #[error("tables with partition columns")]
    Partitioned,
    /// More than [`FIELD_COUNT_MAX`](pushdown::fragment::FIELD_COUNT_MAX).
    #[error("records of so many fields")]
    TooManyFields,
}

/// Two values that no program compares, or not in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// `upper(s) = 'A'`
    #[error("strings are only supported in =, <>, IN and IS NULL")]
    StringExpression,
    /// `s < 'A'`
    #[error("strings are only compared for equality")]
    StringOrder,
    /// `a + b IS NULL`
    #[error("IS NULL is only supported on columns")]
    NullExpression,
    /// DataFusion would have made them one scale.
    #[error("decimals of different scale are not compared")]
    DecimalScales,
    /// DataFusion would have made them one type.
    #[error("a comparison of different types is not supported")]
    Types,
    /// DataFusion would have decided it.
    #[error("a comparison of two constants is not supported")]
    Constants,
    /// `a IN (b, 1)`
    #[error("IN is only supported with constants")]
    InExpressions,
}

/// A modifier of an aggregate, or of the aggregation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AggregateOption {
    /// Of several sets of keys.
    #[error("GROUPING SETS")]
    GroupingSets,
    /// So many groups are enough.
    #[error("LIMIT")]
    GroupLimit,
    /// Keeps the top groups.
    #[error("LIMIT over floating point numbers")]
    FloatGroupLimit,
    /// Groups that are done while rows come.
    #[error("an ordered input")]
    OrderedInput,
    /// Where DataFusion has not made groups of it.
    #[error("DISTINCT")]
    Distinct,
    /// `first_value(a) IGNORE NULLS`
    #[error("IGNORE NULLS")]
    IgnoreNulls,
    /// `array_agg(a ORDER BY b)`
    #[error("ORDER BY")]
    OrderBy,
}

/// A plan that DataFusion is not known to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnexpectedShape {
    /// The leaf of a chain.
    #[error("a scan that is not one of CSV files")]
    NotCsv,
    /// Of a scan.
    #[error("a scan with partitions other than its file groups")]
    Partitions,
    /// An expression refers to it.
    #[error("a column that the scan does not read")]
    UnreadColumn,
    /// Over the scan's schema.
    #[error("an expression without a type")]
    Untyped,
    /// In a filter.
    #[error("a condition that is not a boolean")]
    NotBoolean,
    /// Of arithmetic.
    #[error("a decimal of another scale than its operands give")]
    DecimalScale,
    /// The final aggregation over ours is another than the one that stood there.
    #[error("a final aggregation of another schema")]
    FinalSchema,
    /// Of the partial state.
    #[error("another number of columns in the partial state")]
    StateColumns,
    /// Of the partial state.
    #[error("another type of a column in the partial state")]
    StateType,
}

/// Why something is not compiled. A value, not an error: `auto` shows it in EXPLAIN, `require` makes an error of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclineReason {
    /// Something about the table's files or how they are read.
    #[error("{0} are not supported")]
    Files(FileKind),
    /// No program reads this type of column.
    #[error("columns of type {0} are not supported")]
    ColumnType(DataType),
    /// The dates or numbers of a column are written in a way of their own.
    #[error("only ISO dates and numbers with a decimal point are supported")]
    Format,
    /// A text that stands for NULL is a value of the column's type, too: programs read it as the value.
    #[error("the text {0} for NULL, which is a value of the column's type, is not supported")]
    NullLikeAValue(String),
    /// No program evaluates this kind of expression.
    #[error("{0} is not supported")]
    Expression(ExpressionKind),
    /// This cast is not the identity on what a program holds.
    #[error("a cast from {from} to {to} is not supported")]
    Cast {
        /// Type of the argument.
        from: DataType,
        /// Type of the result.
        to: DataType,
    },
    /// These two cannot be compared, or not in this way.
    #[error("{0}")]
    Comparison(Incomparable),
    /// The rounding of floating point numbers would show.
    #[error("arithmetic on floating point numbers is only supported in arguments of sum, avg and count")]
    FloatRounding,
    /// A constant that no program can hold.
    #[error("the constant {0} is not supported")]
    Constant(String),
    /// More digits behind the point than a 64-bit number has room for.
    #[error("a result with {0} digits behind the point is not supported")]
    Scale(u32),
    /// An aggregate function that is not compiled.
    #[error("the aggregate function {0} is not supported")]
    Aggregate(String),
    /// An aggregate function with this argument type.
    #[error("{function} over {argument} is not supported")]
    AggregateArgument {
        /// Name of the function.
        function: String,
        /// Type of its argument.
        argument: DataType,
    },
    /// A modifier of an aggregate, or of the aggregation.
    #[error("{0} is not supported in an aggregation")]
    AggregateOption(AggregateOption),
    /// A group key that is not a column.
    #[error("only columns are supported as group keys")]
    GroupKey,
    /// Its value changes from row to row or from run to run.
    #[error("a volatile expression is not supported")]
    Volatile,
    /// It changes while the query runs.
    #[error("a dynamic filter is not supported")]
    DynamicFilter,
    /// DataFusion evaluates it on rows that a program would drop before, and might fail on one of them.
    #[error("it might fail on a row that the rest of the filter drops")]
    MayFail,
    /// Batches hold other rows above a program, and something above tells the difference.
    #[error("something above it may fail on a row, or stop before that row is asked for")]
    BatchesAreSeen,
    /// A limit below the filter or the aggregation.
    #[error("a limit below it is not supported")]
    Limit,
    /// A scan without a filter that its reader reads as fast as a program.
    #[error("nothing is filtered or aggregated")]
    NothingToGain,
    /// The filter below an aggregation is not compiled as a whole.
    #[error("the filter below it is not compiled as a whole")]
    FilterBelow,
    /// The replaced plan has another shape than expected.
    #[error("the plan has an unexpected shape: {0}")]
    Shape(UnexpectedShape),
    /// The compiler refused the fragment.
    #[error("{0}")]
    Compile(CompileError),
}
