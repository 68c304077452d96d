//! INSERT statements that give the same rows again, one for each. Literals say their type wherever a plain one would
//! be read as another: `DATE '2024-01-01'`, `CAST('0.10' AS DECIMAL(15, 2))`. Lists, structs, maps and durations, for
//! which SQL has no portable literal, are text.

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::FormatOptions;

use super::cells::formatters;
use crate::sql::identifier;

/// Literals do not depend on how the session wants to see dates. One that has no text is an error, since what would
/// stand in its place is another value.
const OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_null("NULL")
    .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));

/// Renders statements for a table of this name.
pub fn insert(table: &str, schema: &SchemaRef, batch: &RecordBatch) -> Result<String, ArrowError> {
    let names: Vec<String> = schema.fields().iter().map(|field| identifier(field.name())).collect();
    let begin = format!("INSERT INTO {} ({}) VALUES (", identifier(table), names.join(", "));
    let literals: Vec<Literal> = schema.fields().iter().map(|field| Literal::of(field.data_type())).collect();
    let mut text = String::new();
    let formatters = formatters(batch, &OPTIONS)?;
    let nulls: Vec<_> = batch.columns().iter().map(|column| column.logical_nulls()).collect();
    for row in 0..batch.num_rows() {
        text.push_str(&begin);
        for (column, formatter) in formatters.iter().enumerate() {
            text.push_str(if column > 0 { ", " } else { "" });
            match nulls[column].as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                true => text.push_str("NULL"),
                false => literals[column].push(&mut text, &formatter.value(row).try_to_string()?),
            }
        }
        text.push_str(");\n");
    }
    Ok(text)
}

/// How the values of a type are written.
#[derive(Debug, PartialEq, Eq)]
enum Literal {
    /// As they are.
    Bare,
    /// As they are, but for NaN and the infinities.
    Float,
    /// Between these.
    Quoted { begin: String, end: String },
}

impl Literal {
    fn of(data_type: &DataType) -> Literal {
        let quoted = |begin: &str| Literal::Quoted { begin: format!("{begin}'"), end: "'".to_owned() };
        match data_type {
            DataType::Boolean | DataType::Null => Literal::Bare,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Literal::Float,
            // A bare one may be read as a floating point number.
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale)
                if *scale >= 0 =>
            {
                let end = format!("' AS DECIMAL({precision}, {scale}))");
                Literal::Quoted { begin: "CAST('".to_owned(), end }
            }
            other if other.is_numeric() => Literal::Bare,
            DataType::Date32 => quoted("DATE "),
            DataType::Date64 | DataType::Timestamp(_, None) => quoted("TIMESTAMP "),
            // As text, which the column it goes to reads with its offset. DataFusion drops that of a typed literal.
            DataType::Timestamp(_, Some(_)) => quoted(""),
            DataType::Time32(_) | DataType::Time64(_) => quoted("TIME "),
            DataType::Interval(_) => quoted("INTERVAL "),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => quoted("X"),
            DataType::Dictionary(_, value) => Literal::of(value),
            DataType::RunEndEncoded(_, value) => Literal::of(value.data_type()),
            _ => quoted(""),
        }
    }

    fn push(&self, to: &mut String, value: &str) {
        match self {
            Literal::Bare => to.push_str(value),
            Literal::Float => match value.parse::<f64>() {
                Ok(number) if number.is_finite() => to.push_str(value),
                _ => to.push_str(&format!("CAST('{value}' AS DOUBLE)")),
            },
            Literal::Quoted { begin, end } => {
                to.push_str(begin);
                to.push_str(&value.replace('\'', "''"));
                to.push_str(end);
            }
        }
    }
}
