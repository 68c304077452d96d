//! The check between the engine and the compiler: a fragment in, the first thing wrong with it out.
//!
//! Everything behind this point (normal form, interpreter, lowering) relies on it and asserts instead of
//! asking again: every index is in range, every argument is what the signature of its operator wants, every size is
//! within the limits at the end of [`fragment`](super).
//!
//! Allowed although odd: `And` and `Or` without parts (true and false), a key that is named twice, a string
//! constant that is empty (it never equals anything), an integer constant that no value of its column can have.

use super::{
    AGGREGATE_COUNT_MAX, Aggregate, COLUMN_COUNT_MAX, Column, ColumnType, Expr, FIELD_COUNT_MAX, Fragment,
    KEY_COUNT_MAX, Key, Literal, NODE_COUNT_MAX, Output, STRING_LITERAL_BYTES_MAX, StructuralBytes,
    ValueType,
};
use crate::ops::{Parameter, Parameters};
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

/// A byte of the [`StructuralBytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructuralRole {
    /// [`StructuralBytes::delimiter`].
    Delimiter,
    /// [`StructuralBytes::quote`].
    Quote,
    /// [`StructuralBytes::escape`].
    Escape,
}

impl fmt::Display for StructuralRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StructuralRole::Delimiter => "delimiter",
            StructuralRole::Quote => "quote",
            StructuralRole::Escape => "escape",
        })
    }
}

/// What stands in a place of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A column of this type.
    Column {
        /// Index into [`Fragment::columns`].
        column: usize,
        /// The type of its values.
        ty: ValueType,
    },
    /// A constant of this type.
    Constant(ValueType),
    /// A negative integer constant.
    Negative(i64),
    /// The constant NULL.
    Null,
    /// A call that gives this type.
    Call(ValueType),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Column { column, ty } => write!(f, "column {column} ({})", ty.name()),
            Found::Constant(ty) | Found::Call(ty) => f.write_str(ty.name()),
            Found::Negative(value) => write!(f, "{value}"),
            Found::Null => write!(f, "NULL"),
        }
    }
}

/// What is wrong with a fragment. Indices called `column` point into [`Fragment::columns`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Invalid {
    #[error("the {role} is the byte {byte:#04x}: it must be ASCII and not NUL, CR or LF")]
    StructuralByte { role: StructuralRole, byte: u8 },
    #[error("the {first} and the {second} are the same byte {byte:#04x}")]
    StructuralClash { first: StructuralRole, second: StructuralRole, byte: u8 },
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
    #[error("{place} is {found}: must be {wanted}")]
    Type { place: Place, found: Found, wanted: Parameter },
    #[error("{place} has {found} in place {argument} of {name}: must be {wanted}")]
    Argument { place: Place, name: &'static str, argument: usize, found: Found, wanted: Parameter },
    #[error("{place} has {name} with {count} arguments")]
    ArgumentCount { place: Place, name: &'static str, count: usize },
    #[error("{place} has a string constant of {bytes} bytes: at most {STRING_LITERAL_BYTES_MAX}")]
    StringLiteralBytes { place: Place, bytes: usize },
    #[error("key {key} has {bytes} bytes: a string must have 8 to 64, a multiple of 8, others 0")]
    KeyBytes { key: usize, bytes: usize },
    #[error("{count} keys: at most {KEY_COUNT_MAX}")]
    KeyCount { count: usize },
    #[error("{count} aggregates: at most {AGGREGATE_COUNT_MAX}")]
    AggregateCount { count: usize },
    #[error("{count} nodes of expressions: at most {NODE_COUNT_MAX}")]
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
        walk.condition(filter)?;
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

fn dialect(dialect: StructuralBytes) -> Result<(), Invalid> {
    let mut bytes =
        vec![(StructuralRole::Delimiter, dialect.delimiter), (StructuralRole::Quote, dialect.quote)];
    bytes.extend(dialect.escape.map(|byte| (StructuralRole::Escape, byte)));
    for (index, &(role, byte)) in bytes.iter().enumerate() {
        // A byte of a multi-byte character would cut the character in two, and NUL is what follows the chunk.
        let structural = byte.is_ascii() && !matches!(byte, 0 | b'\r' | b'\n');
        check(structural, || Invalid::StructuralByte { role, byte })?;
        if let Some(&(first, _)) = bytes[..index].iter().find(|&&(_, other)| other == byte) {
            return Err(Invalid::StructuralClash { first, second: role, byte });
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
        let signature = aggregate.function.signature();
        for argument in &aggregate.arguments {
            self.expr(argument)?;
        }
        self.arguments(signature.name, &[signature.takes], &aggregate.arguments)?;
        self.place = Place::Condition(index);
        aggregate.filter.as_ref().map_or(Ok(()), |filter| self.condition(filter))
    }

    /// An expression that is a condition.
    fn condition(&mut self, condition: &Expr) -> Result<(), Invalid> {
        self.expr(condition)?;
        let (place, wanted) = (self.place, Parameter::Value(ValueType::Bool));
        let found = self.found(condition)?;
        check(found.fits(wanted), || Invalid::Type { place, found, wanted })
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), Invalid> {
        let place = self.place;
        self.nodes += 1;
        match expr {
            Expr::Column(column) => self.column_type(*column).map(|_| ()),
            Expr::Literal(Literal::Bytes(bytes)) => {
                let bytes = bytes.len();
                check(bytes <= STRING_LITERAL_BYTES_MAX, || Invalid::StringLiteralBytes { place, bytes })
            }
            Expr::Literal(_) => Ok(()),
            Expr::Call(op, arguments) => {
                arguments.iter().try_for_each(|argument| self.expr(argument))?;
                let signature = op.signature();
                self.arguments(signature.name, signature.takes, arguments)
            }
        }
    }

    /// Whether arguments are one of the lists that are taken. If not, it is told from the list that the first of them
    /// is right for.
    fn arguments(&self, name: &'static str, takes: &[Parameters], arguments: &[Expr]) -> Result<(), Invalid> {
        let place = self.place;
        let found = arguments.iter().map(|argument| self.found(argument)).collect::<Result<Vec<_>, _>>()?;
        let first_fits = |parameters: &&Parameters| match (parameters.at(0), found.first()) {
            (Some(parameter), Some(first)) => first.fits(parameter),
            _ => false,
        };
        let Some(parameters) = takes.iter().find(first_fits).or(takes.first()) else { return Ok(()) };
        let count = arguments.len();
        check(parameters.allow(count), || Invalid::ArgumentCount { place, name, count })?;
        for (index, found) in found.into_iter().enumerate() {
            if let Some(wanted) = parameters.at(index).filter(|parameter| !found.fits(*parameter)) {
                let argument = index + 1;
                return Err(Invalid::Argument { place, name, argument, found, wanted });
            }
        }
        Ok(())
    }

    fn found(&self, expr: &Expr) -> Result<Found, Invalid> {
        Ok(match expr {
            Expr::Column(column) => {
                Found::Column { column: *column, ty: self.column_type(*column)?.value_type() }
            }
            Expr::Literal(Literal::Bool(None)) => Found::Null,
            Expr::Literal(Literal::I64(value)) if *value < 0 => Found::Negative(*value),
            Expr::Literal(literal) => Found::Constant(literal.value_type()),
            Expr::Call(op, _) => Found::Call(op.signature().gives),
        })
    }

    fn column_type(&self, column: usize) -> Result<ColumnType, Invalid> {
        let column_count = self.columns.len();
        let found = self.columns.get(column).map(|column| column.ty);
        found.ok_or(Invalid::ColumnIndex { place: self.place, column, column_count })
    }
}

impl Found {
    fn fits(self, parameter: Parameter) -> bool {
        let is_column = matches!(self, Found::Column { .. });
        let is_constant = matches!(self, Found::Constant(_) | Found::Negative(_));
        match parameter {
            Parameter::Value(ty) => self.value_type() == ty,
            Parameter::Plain(ty) => self.value_type() == ty && (is_column || is_constant),
            Parameter::Column(ty) => self.value_type() == ty && is_column,
            Parameter::AnyColumn => is_column,
            Parameter::Constant(ty) => self.value_type() == ty && is_constant,
            Parameter::Natural => self == Found::Constant(ValueType::I64),
        }
    }

    fn value_type(self) -> ValueType {
        match self {
            Found::Column { ty, .. } | Found::Constant(ty) | Found::Call(ty) => ty,
            Found::Negative(_) => ValueType::I64,
            Found::Null => ValueType::Bool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregates::Count;
    use crate::fragment::text::parse;
    use crate::ops::{InSet, StringSet};

    /// Where a fragment is wrong and how it says so. Columns: a is an integer, s a string, d a date, b a truth value.
    #[test]
    fn each_error_names_what_and_where() {
        let head = "fragment fields=5\ncolumn 0 a i64\ncolumn 1 s string\ncolumn 2 d date not null\ncolumn 4 b boolean\n";
        let cases = [
            ("filter a < $4\noutput records", "the filter uses column 4 of 4"),
            (
                "filter s < 3\noutput records",
                "the filter has column 1 (a string) in place 1 of <: must be an integer",
            ),
            (
                "filter s in (3)\noutput records",
                "the filter has column 1 (a string) in place 1 of in: must be an integer",
            ),
            (
                "filter a in (\"x\")\noutput records",
                "the filter has a string in place 2 of in: must be an integer, as a constant",
            ),
            (
                "filter a in (b)\noutput records",
                "the filter has column 3 (a condition) in place 2 of in: must be an integer, as a constant",
            ),
            (
                "filter b in (null)\noutput records",
                "the filter has NULL in place 2 of in: must be a condition, as a constant",
            ),
            (
                "filter (a = 1) = b\noutput records",
                "the filter has a condition in place 1 of =: must be an integer",
            ),
            (
                "filter b = (a = 1)\noutput records",
                "the filter has a condition in place 2 of =: must be a condition, as a column or a constant",
            ),
            (
                "filter b < 3\noutput records",
                "the filter has an integer in place 2 of <: must be a condition, as a column or a constant",
            ),
            (
                "filter a + b = 3\noutput records",
                "the filter has column 3 (a condition) in place 2 of +: must be an integer",
            ),
            (
                "filter 1 is null\noutput records",
                "the filter has an integer in place 1 of is null: must be a column",
            ),
            (
                "filter and(a, true)\noutput records",
                "the filter has column 0 (an integer) in place 1 of and: must be a condition",
            ),
            ("filter a + 1\noutput records", "the filter is an integer: must be a condition"),
            ("filter not(b, b)\noutput records", "the filter has not with 2 arguments"),
            ("filter not(and(true, $9 is null))\noutput records", "the filter uses column 9 of 4"),
            ("filter a in ()\noutput records", "the filter has in with 1 arguments"),
            ("filter s in ()\noutput records", "the filter has in with 1 arguments"),
            (
                "filter bound(a, -1) = 0\noutput records",
                "the filter has -1 in place 2 of bound: must be a constant that is not negative",
            ),
            ("output aggregates", "neither keys nor aggregates"),
            ("output aggregates\nkey $5", "key 0 uses column 5 of 4"),
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
                "the argument of aggregate 1 has column 1 (a string) in place 1 of min: must be an integer",
            ),
            ("output aggregates\naggregate count($7)", "the argument of aggregate 0 uses column 7 of 4"),
            (
                "output aggregates\naggregate count() filter s + 1 = 2",
                "the filter of aggregate 0 has column 1 (a string) in place 1 of +: must be an integer",
            ),
            ("column 5 x i64\noutput records", "column 4 reads field 5 of 5"),
            ("column 1 x i64\noutput records", "column 4 reads field 1, as column 1 does"),
            ("column 3 x i7\noutput records", "column 4 is an integer of 7 bits: must be 8, 16, 32 or 64"),
            ("column 3 x float(16)\noutput records", "column 4 is a float of scale 16: must be 0 to 15"),
            (
                "column 3 x decimal(0, 0)\noutput records",
                "column 4 is a decimal of precision 0: must be 1 to 38",
            ),
            (
                "column 3 x decimal(39, 0)\noutput records",
                "column 4 is a decimal of precision 39: must be 1 to 38",
            ),
            (
                "column 3 x decimal(38, 19)\noutput records",
                "column 4 is a decimal of scale 19: must be 0 to 18",
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
            dialect: StructuralBytes { delimiter, quote, escape },
            field_count: 1,
            columns: vec![],
            filter: None,
            output: Output::Records,
        };
        assert_eq!(validate(&fragment(b'\t', b'\'', Some(b'\\'))), Ok(()));
        for byte in [0, b'\r', b'\n', 0x80, 0xff] {
            let invalid = Invalid::StructuralByte { role: StructuralRole::Delimiter, byte };
            assert_eq!(validate(&fragment(byte, b'"', None)), Err(invalid));
            let invalid = Invalid::StructuralByte { role: StructuralRole::Quote, byte };
            assert_eq!(validate(&fragment(b',', byte, None)), Err(invalid));
            let invalid = Invalid::StructuralByte { role: StructuralRole::Escape, byte };
            assert_eq!(validate(&fragment(b',', b'"', Some(byte))), Err(invalid));
        }
        let (first, second, byte) = (StructuralRole::Quote, StructuralRole::Escape, b'"');
        let invalid = Invalid::StructuralClash { first, second, byte };
        assert_eq!(validate(&fragment(b',', b'"', Some(b'"'))), Err(invalid));
        let (first, second, byte) = (StructuralRole::Delimiter, StructuralRole::Quote, b',');
        let invalid = Invalid::StructuralClash { first, second, byte };
        assert_eq!(validate(&fragment(b',', b',', None)), Err(invalid));
    }

    #[test]
    fn limits() {
        let base = parse("fragment fields=4\ncolumn 0 a i64\ncolumn 1 s string\noutput records").unwrap();
        let with_filter = |filter| Fragment { filter: Some(filter), ..base.clone() };
        let string =
            |bytes| Expr::call(StringSet::In, [Expr::Column(1), Literal::Bytes(vec![b'x'; bytes]).into()]);
        assert_eq!(validate(&with_filter(string(64))), Ok(()));
        let invalid = Invalid::StringLiteralBytes { place: Place::Filter, bytes: 65 };
        assert_eq!(validate(&with_filter(string(65))), Err(invalid));

        let list = |len| {
            let values = std::iter::repeat_n(Expr::integer(1), len);
            Expr::call(InSet::In, [Expr::Column(0)].into_iter().chain(values).collect::<Vec<_>>())
        };
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
                Aggregate { function: Count::NonNull.into(), arguments: vec![], filter: None };
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
