//! The check between the engine and the compiler: a fragment in, the first thing wrong with it out.
//!
//! Everything behind this point (normal form, interpreter, lowering) relies on it and asserts instead of
//! asking again: every index is in range, every operand has the type its operator wants, every size is within
//! the limits at the end of [`fragment`](super).
//!
//! Allowed although odd: `And` and `Or` without parts (true and false), a key that is named twice, a string
//! constant that is empty (it never equals anything), an integer constant that no value of its column can have.

use super::{
    AGGREGATE_COUNT_MAX, Aggregate, AggregateFunction, COLUMN_COUNT_MAX, Column, ColumnType, Dialect, Expr,
    FIELD_COUNT_MAX, Fragment, KEY_COUNT_MAX, Key, NODE_COUNT_MAX, Output, Predicate,
    STRING_LITERAL_BYTES_MAX,
};
use std::fmt;

/// Which part of the fragment is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// [`Fragment::filter`].
    Filter,
    /// The group key with this index.
    Key(usize),
    /// The argument of the aggregate with this index.
    Argument(usize),
    /// The FILTER of the aggregate with this index.
    Condition(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Filter => write!(f, "the filter"),
            Place::Key(index) => write!(f, "key {index}"),
            Place::Argument(index) => write!(f, "the argument of aggregate {index}"),
            Place::Condition(index) => write!(f, "the filter of aggregate {index}"),
        }
    }
}

/// A byte of the [`Dialect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectRole {
    /// [`Dialect::delimiter`].
    Delimiter,
    /// [`Dialect::quote`].
    Quote,
    /// [`Dialect::escape`].
    Escape,
}

impl fmt::Display for DialectRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DialectRole::Delimiter => "delimiter",
            DialectRole::Quote => "quote",
            DialectRole::Escape => "escape",
        })
    }
}

/// What is wrong with a fragment. Indices called `column` point into [`Fragment::columns`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Invalid {
    #[error("the {role} is the byte {byte:#04x}: it must be ASCII and not NUL, CR or LF")]
    DialectByte { role: DialectRole, byte: u8 },
    #[error("the {first} and the {second} are the same byte {byte:#04x}")]
    DialectClash { first: DialectRole, second: DialectRole, byte: u8 },
    #[error("{count} fields per record: must be 1 to {FIELD_COUNT_MAX}")]
    FieldCount { count: usize },
    #[error("{count} columns: at most {COLUMN_COUNT_MAX}")]
    ColumnCount { count: usize },
    #[error("column {column} reads field {field} of {field_count}")]
    FieldIndex { column: usize, field: usize, field_count: usize },
    #[error("column {column} reads field {field}, as column {first} does")]
    DuplicateField { column: usize, first: usize, field: usize },
    #[error("column {column} is an integer of {bits} bits: must be 8, 16, 32 or 64")]
    IntegerBits { column: usize, bits: u8 },
    #[error("column {column} is a float of scale {scale}: must be 0 to 15")]
    FloatScale { column: usize, scale: u8 },
    #[error("column {column} is a decimal of precision {precision}: must be 1 to 38")]
    DecimalPrecision { column: usize, precision: u8 },
    #[error("column {column} is a decimal of scale {scale}: must be 0 to 18")]
    DecimalScale { column: usize, scale: u8 },
    #[error("{place} uses column {column} of {column_count}")]
    ColumnIndex { place: Place, column: usize, column_count: usize },
    #[error("{place} computes with column {column}, a string")]
    IntegerOfString { place: Place, column: usize },
    #[error("{place} compares column {column} with strings, but it is not a string")]
    StringOfInteger { place: Place, column: usize },
    #[error("{place} has an IN list without values")]
    EmptyList { place: Place },
    #[error("{place} has a string constant of {bytes} bytes: at most {STRING_LITERAL_BYTES_MAX}")]
    StringLiteralBytes { place: Place, bytes: usize },
    #[error("{place} has a negative bound {magnitude_max}")]
    NegativeBound { place: Place, magnitude_max: i64 },
    #[error("key {key} has {bytes} bytes: a string must have 8 to 64, a multiple of 8, others 0")]
    KeyBytes { key: usize, bytes: usize },
    #[error("{count} keys: at most {KEY_COUNT_MAX}")]
    KeyCount { count: usize },
    #[error("{count} aggregates: at most {AGGREGATE_COUNT_MAX}")]
    AggregateCount { count: usize },
    #[error("{count} nodes of expressions and predicates: at most {NODE_COUNT_MAX}")]
    NodeCount { count: usize },
    #[error("neither keys nor aggregates")]
    NoOutput,
}

/// Checks everything; reports the first thing that is wrong.
pub fn validate(fragment: &Fragment) -> Result<(), Invalid> {
    dialect(fragment.dialect)?;
    columns(fragment)?;
    let mut walk = Walk { columns: &fragment.columns, place: Place::Filter, nodes: 0 };
    if let Some(filter) = &fragment.filter {
        walk.predicate(filter)?;
    }
    if let Output::Aggregates { keys, aggregates } = &fragment.output {
        check(!keys.is_empty() || !aggregates.is_empty(), || Invalid::NoOutput)?;
        check(keys.len() <= KEY_COUNT_MAX, || Invalid::KeyCount { count: keys.len() })?;
        check(aggregates.len() <= AGGREGATE_COUNT_MAX, || Invalid::AggregateCount {
            count: aggregates.len(),
        })?;
        for (index, key) in keys.iter().enumerate() {
            walk.key(index, key)?;
        }
        for (index, aggregate) in aggregates.iter().enumerate() {
            walk.aggregate(index, aggregate)?;
        }
    }
    let count = walk.nodes;
    check(count <= NODE_COUNT_MAX, || Invalid::NodeCount { count })
}

fn check(holds: bool, otherwise: impl FnOnce() -> Invalid) -> Result<(), Invalid> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn dialect(dialect: Dialect) -> Result<(), Invalid> {
    let mut bytes = vec![(DialectRole::Delimiter, dialect.delimiter), (DialectRole::Quote, dialect.quote)];
    bytes.extend(dialect.escape.map(|byte| (DialectRole::Escape, byte)));
    for (index, &(role, byte)) in bytes.iter().enumerate() {
        // A byte of a multi-byte character would cut the character in two, and NUL is what follows the chunk.
        let structural = byte.is_ascii() && !matches!(byte, 0 | b'\r' | b'\n');
        check(structural, || Invalid::DialectByte { role, byte })?;
        if let Some(&(first, _)) = bytes[..index].iter().find(|&&(_, other)| other == byte) {
            return Err(Invalid::DialectClash { first, second: role, byte });
        }
    }
    Ok(())
}

fn columns(fragment: &Fragment) -> Result<(), Invalid> {
    let field_count = fragment.field_count;
    check((1..=FIELD_COUNT_MAX).contains(&field_count), || Invalid::FieldCount { count: field_count })?;
    let count = fragment.columns.len();
    check(count <= COLUMN_COUNT_MAX, || Invalid::ColumnCount { count })?;
    let mut reader_of_field = vec![None; field_count];
    for (column, Column { field, ty, .. }) in fragment.columns.iter().enumerate() {
        let field = *field;
        check(field < field_count, || Invalid::FieldIndex { column, field, field_count })?;
        if let Some(first) = reader_of_field[field].replace(column) {
            return Err(Invalid::DuplicateField { column, first, field });
        }
        match *ty {
            ColumnType::Int { bits, .. } => {
                check(matches!(bits, 8 | 16 | 32 | 64), || Invalid::IntegerBits { column, bits })?;
            }
            ColumnType::Float { scale } => check(scale <= 15, || Invalid::FloatScale { column, scale })?,
            ColumnType::Decimal { precision, scale } => {
                check((1..=38).contains(&precision), || Invalid::DecimalPrecision { column, precision })?;
                check(scale <= 18, || Invalid::DecimalScale { column, scale })?;
            }
            ColumnType::Date | ColumnType::Boolean | ColumnType::String => {}
        }
    }
    Ok(())
}

/// Visits the trees of the fragment, knowing where it is and counting what it sees.
struct Walk<'a> {
    columns: &'a [Column],
    place: Place,
    nodes: usize,
}

impl Walk<'_> {
    fn key(&mut self, index: usize, key: &Key) -> Result<(), Invalid> {
        self.place = Place::Key(index);
        let bytes = key.string_bytes_max;
        let fits = match self.column_type(key.column)? {
            ColumnType::String => (8..=64).contains(&bytes) && bytes.is_multiple_of(8),
            _ => bytes == 0,
        };
        check(fits, || Invalid::KeyBytes { key: index, bytes })
    }

    fn aggregate(&mut self, index: usize, aggregate: &Aggregate) -> Result<(), Invalid> {
        self.place = Place::Argument(index);
        if let AggregateFunction::Count { non_null } = &aggregate.function {
            self.nodes += non_null.len();
            for &column in non_null {
                self.column_type(column)?;
            }
        }
        if let Some(argument) = aggregate.function.argument() {
            self.expr(argument)?;
        }
        self.place = Place::Condition(index);
        aggregate.filter.as_ref().map_or(Ok(()), |filter| self.predicate(filter))
    }

    fn predicate(&mut self, predicate: &Predicate) -> Result<(), Invalid> {
        let place = self.place;
        self.nodes += 1;
        match predicate {
            Predicate::Literal(_) => Ok(()),
            Predicate::Compare { left, right, .. } => {
                self.expr(left)?;
                self.expr(right)
            }
            Predicate::In { expr, values, .. } => {
                self.nodes += values.len();
                check(!values.is_empty(), || Invalid::EmptyList { place })?;
                self.expr(expr)
            }
            Predicate::StringIn { column, values, .. } => {
                let column = *column;
                self.nodes += values.len();
                let is_string = self.column_type(column)? == ColumnType::String;
                check(is_string, || Invalid::StringOfInteger { place, column })?;
                check(!values.is_empty(), || Invalid::EmptyList { place })?;
                match values.iter().map(Vec::len).find(|&bytes| bytes > STRING_LITERAL_BYTES_MAX) {
                    Some(bytes) => Err(Invalid::StringLiteralBytes { place, bytes }),
                    None => Ok(()),
                }
            }
            Predicate::IsNull { column, .. } => self.column_type(*column).map(|_| ()),
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().try_for_each(|part| self.predicate(part))
            }
            Predicate::Not(inner) => self.predicate(inner),
        }
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), Invalid> {
        let place = self.place;
        self.nodes += 1;
        match expr {
            Expr::Column(column) => {
                let column = *column;
                let is_integer = self.column_type(column)? != ColumnType::String;
                check(is_integer, || Invalid::IntegerOfString { place, column })
            }
            Expr::Literal(_) => Ok(()),
            Expr::Binary { left, right, .. } => {
                self.expr(left)?;
                self.expr(right)
            }
            Expr::Bound { argument, magnitude_max } => {
                let magnitude_max = *magnitude_max;
                check(magnitude_max >= 0, || Invalid::NegativeBound { place, magnitude_max })?;
                self.expr(argument)
            }
        }
    }

    fn column_type(&self, column: usize) -> Result<ColumnType, Invalid> {
        let column_count = self.columns.len();
        let found = self.columns.get(column).map(|column| column.ty);
        found.ok_or(Invalid::ColumnIndex { place: self.place, column, column_count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::text::parse;

    /// Where a fragment is wrong and how it says so. Columns: a is an integer, s a string, d a date.
    #[test]
    fn each_error_names_what_and_where() {
        let head = "fragment fields=4\ncolumn 0 a i64\ncolumn 1 s string\ncolumn 2 d date not null\n";
        let cases = [
            ("filter a < $3\noutput records", "the filter uses column 3 of 3"),
            ("filter s < 3\noutput records", "the filter computes with column 1, a string"),
            ("filter s in (3)\noutput records", "the filter computes with column 1, a string"),
            (
                "filter a in (\"x\")\noutput records",
                "the filter compares column 0 with strings, but it is not a string",
            ),
            ("filter not(and(true, $9 is null))\noutput records", "the filter uses column 9 of 3"),
            ("filter a in ()\noutput records", "the filter has an IN list without values"),
            ("filter s in ()\noutput records", "the filter has an IN list without values"),
            ("filter bound(a, -1) = 0\noutput records", "the filter has a negative bound -1"),
            ("output aggregates", "neither keys nor aggregates"),
            ("output aggregates\nkey $5", "key 0 uses column 5 of 3"),
            (
                "output aggregates\nkey a\nkey s",
                "key 1 has 0 bytes: a string must have 8 to 64, a multiple of 8, others 0",
            ),
            (
                "output aggregates\nkey s bytes=12",
                "key 0 has 12 bytes: a string must have 8 to 64, a multiple of 8, others 0",
            ),
            (
                "output aggregates\nkey s bytes=72",
                "key 0 has 72 bytes: a string must have 8 to 64, a multiple of 8, others 0",
            ),
            (
                "output aggregates\nkey d bytes=8",
                "key 0 has 8 bytes: a string must have 8 to 64, a multiple of 8, others 0",
            ),
            (
                "output aggregates\naggregate count()\naggregate min(s)",
                "the argument of aggregate 1 computes with column 1, a string",
            ),
            ("output aggregates\naggregate count($7)", "the argument of aggregate 0 uses column 7 of 3"),
            (
                "output aggregates\naggregate count() filter s + 1 = 2",
                "the filter of aggregate 0 computes with column 1, a string",
            ),
            ("column 4 x i64\noutput records", "column 3 reads field 4 of 4"),
            ("column 1 x i64\noutput records", "column 3 reads field 1, as column 1 does"),
            ("column 3 x i7\noutput records", "column 3 is an integer of 7 bits: must be 8, 16, 32 or 64"),
            ("column 3 x float(16)\noutput records", "column 3 is a float of scale 16: must be 0 to 15"),
            (
                "column 3 x decimal(0, 0)\noutput records",
                "column 3 is a decimal of precision 0: must be 1 to 38",
            ),
            (
                "column 3 x decimal(39, 0)\noutput records",
                "column 3 is a decimal of precision 39: must be 1 to 38",
            ),
            (
                "column 3 x decimal(38, 19)\noutput records",
                "column 3 is a decimal of scale 19: must be 0 to 18",
            ),
        ];
        for (rest, expected) in cases {
            let fragment = parse(&format!("{head}{rest}")).unwrap_or_else(|error| panic!("{rest}: {error}"));
            let invalid = validate(&fragment).expect_err(rest);
            assert_eq!(invalid.to_string(), expected, "{rest}");
        }
    }

    #[test]
    fn dialect_bytes_are_distinct_ascii() {
        let fragment = |delimiter, quote, escape| Fragment {
            dialect: Dialect { delimiter, quote, escape },
            field_count: 1,
            columns: vec![],
            filter: None,
            output: Output::Records,
        };
        assert_eq!(validate(&fragment(b'\t', b'\'', Some(b'\\'))), Ok(()));
        for byte in [0, b'\r', b'\n', 0x80, 0xff] {
            let invalid = Invalid::DialectByte { role: DialectRole::Delimiter, byte };
            assert_eq!(validate(&fragment(byte, b'"', None)), Err(invalid));
            let invalid = Invalid::DialectByte { role: DialectRole::Quote, byte };
            assert_eq!(validate(&fragment(b',', byte, None)), Err(invalid));
            let invalid = Invalid::DialectByte { role: DialectRole::Escape, byte };
            assert_eq!(validate(&fragment(b',', b'"', Some(byte))), Err(invalid));
        }
        let (first, second, byte) = (DialectRole::Quote, DialectRole::Escape, b'"');
        let invalid = Invalid::DialectClash { first, second, byte };
        assert_eq!(validate(&fragment(b',', b'"', Some(b'"'))), Err(invalid));
        let (first, second, byte) = (DialectRole::Delimiter, DialectRole::Quote, b',');
        let invalid = Invalid::DialectClash { first, second, byte };
        assert_eq!(validate(&fragment(b',', b',', None)), Err(invalid));
    }

    #[test]
    fn limits() {
        let base = parse("fragment fields=4\ncolumn 0 a i64\ncolumn 1 s string\noutput records").unwrap();
        let with_filter = |filter| Fragment { filter: Some(filter), ..base.clone() };
        let string =
            |bytes| Predicate::StringIn { column: 1, values: vec![vec![b'x'; bytes]], negated: false };
        assert_eq!(validate(&with_filter(string(64))), Ok(()));
        let invalid = Invalid::StringLiteralBytes { place: Place::Filter, bytes: 65 };
        assert_eq!(validate(&with_filter(string(65))), Err(invalid));

        let list = |len| Predicate::In { expr: Expr::Column(0), values: vec![1; len], negated: false };
        assert_eq!(validate(&with_filter(list(NODE_COUNT_MAX - 2))), Ok(()));
        let invalid = Invalid::NodeCount { count: NODE_COUNT_MAX + 1 };
        assert_eq!(validate(&with_filter(list(NODE_COUNT_MAX - 1))), Err(invalid));

        for field_count in [0, FIELD_COUNT_MAX + 1] {
            let invalid = Invalid::FieldCount { count: field_count };
            assert_eq!(validate(&Fragment { field_count, columns: vec![], ..base.clone() }), Err(invalid));
        }
        let wide = (0..257).map(|field| Column { field, ..base.columns[0].clone() }).collect();
        let invalid = Invalid::ColumnCount { count: 257 };
        assert_eq!(validate(&Fragment { field_count: 300, columns: wide, ..base.clone() }), Err(invalid));

        let output = |keys, aggregates| Output::Aggregates {
            keys: vec![Key { column: 0, string_bytes_max: 0 }; keys],
            aggregates: vec![
                Aggregate {
                    function: AggregateFunction::Count { non_null: vec![] },
                    filter: None
                };
                aggregates
            ],
        };
        let with_output = |keys, aggregates| Fragment { output: output(keys, aggregates), ..base.clone() };
        assert_eq!(validate(&with_output(16, 256)), Ok(()));
        assert_eq!(validate(&with_output(17, 0)), Err(Invalid::KeyCount { count: 17 }));
        assert_eq!(validate(&with_output(0, 257)), Err(Invalid::AggregateCount { count: 257 }));
    }

    #[test]
    fn empty_and_or_are_allowed() {
        let fragment = parse("fragment fields=1\nfilter and(or(), and())\noutput records").unwrap();
        assert_eq!(validate(&fragment), Ok(()));
    }
}
