//! The types of columns, from Arrow's to those of a CSV file.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use weir_csv::spec::{Column, ColumnType, CsvSpec, DateFormat, NumberFormat};

/// A declared column has a type that no field of a CSV file becomes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "column '{name}' is declared as {ty}, which CSV files cannot be read as: declare it as text, and cast it"
)]
pub struct UnreadableType {
    name: String,
    ty: DataType,
}

/// How fields are read that become this type.
fn column_type(data_type: &DataType) -> Option<ColumnType> {
    Some(match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::Text,
        DataType::Boolean => ColumnType::Boolean,
        data_type if data_type.is_integer() => ColumnType::Integer,
        DataType::Float32 | DataType::Float64 => ColumnType::Double,
        DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
        }
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(unit, _) => ColumnType::Timestamp { digits: digits_of(*unit) },
        _ => return None,
    })
}

fn digits_of(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// The specification with the columns of a declared schema, by their place. Of what was guessed, the structure stays, and
/// how dates and numbers are written.
pub fn with_declared_columns(guessed: &CsvSpec, schema: &Schema) -> Result<CsvSpec, UnreadableType> {
    let places = schema.fields().iter().enumerate();
    let columns = places.map(|(place, field)| column(field, guessed.columns.get(place), true));
    let columns = columns.collect::<Result<_, _>>()?;
    let mut spec = CsvSpec { columns, ..guessed.clone() };
    // A last column that is empty everywhere looks like a delimiter behind each record. It is a column where one is declared.
    spec.dialect.trailing_delimiter &= guessed.columns.len() == spec.columns.len();
    Ok(spec)
}

/// The same by their names. What is not `declared` is still a guess.
pub fn with_columns_by_name(
    guessed: &CsvSpec,
    schema: &Schema,
    declared: bool,
) -> Result<CsvSpec, UnreadableType> {
    let known: HashMap<&str, &Column> =
        guessed.columns.iter().map(|column| (column.name.as_str(), column)).collect();
    let typed = |field: &Arc<Field>| {
        let known = known.get(field.name().as_str()).copied();
        column(field, known, declared || known.is_some_and(|known| known.declared))
    };
    let columns = schema.fields().iter().map(typed).collect::<Result<_, _>>()?;
    Ok(CsvSpec { columns, ..guessed.clone() })
}

fn column(field: &Field, guess: Option<&Column>, declared: bool) -> Result<Column, UnreadableType> {
    let unreadable = || UnreadableType { name: field.name().clone(), ty: field.data_type().clone() };
    Ok(Column {
        name: field.name().clone(),
        ty: column_type(field.data_type()).ok_or_else(unreadable)?,
        declared,
        date: guess.map_or(DateFormat::default(), |guess| guess.date),
        number: guess.map_or(NumberFormat::default(), |guess| guess.number),
    })
}
