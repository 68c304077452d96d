//! Fields to Arrow arrays.
//!
//! In: the places of fields, column by column. Out: arrays, and the [`Problem`]s: fields that are no value of their column.
//!
//! For plain files the values are those of arrow-csv 59, whose parsers are used. Where they differ, it is on purpose:
//!
//! | field | arrow-csv 59 | here | why |
//! |---|---|---|---|
//! | `1.005` as DECIMAL(10,2) | 1.00 | 1.01 | SQL rounds half away from zero |
//! | `1e-400`, `1e99999`, long digits as DECIMAL | an overflow, or a wrong number | exact, rounded once, or refused | no wrapped number |
//! | ` 1.5 ` as DECIMAL | refused | 1.5 | as integers and doubles |
//! | `-.`, `+.` as DECIMAL | 0 | refused | there is no digit |
//! | `2024-05-06 14:05` as TIMESTAMP | refused | 14:05:00 | people leave the seconds out |
//! | `31.12.2024`, `1.234,5` | refused | by the column's format | |
//! | `NA` in a column that is not text | refused | NULL, if the specification lists it | |
//! | `007`, `+49` in a *guessed* number | 7, 49 | the guess widens to text | the zero and the sign are data |
//! | 9007199254740993 in a *guessed* double | ...992 | the guess widens to a decimal | |
//! | a time of day in a *guessed* date | left out | the guess widens | |
//! | more digits of a fraction than a *guessed* timestamp or decimal keeps | cut off | the guess widens | |
//! | text behind a closing quote: `"x"y` | `xy` | `"x"y`, or a bad record | no byte is dropped |
//! | a quote that is never closed | the rest of the file is one field | a bad record | |
//! | a blank line, one column | skipped | NULL | it is a record with an empty field |
//! | a comment as last line without an end | a record | a comment | |
//!
//! An empty field, quoted or not, is NULL for every type.

mod build;
mod cells;
mod decimal;
pub(crate) mod number;
#[cfg(test)]
mod tests;
mod time;
mod widen;

pub use build::{ColumnBuilder, Problems, builder, is_value};
pub use cells::{Cells, Quoting};
pub use widen::wider;

use arrow_schema::{DataType, TimeUnit};

use crate::spec::ColumnType;

/// The Arrow type of a column, when nobody asks for another. `text` is that of texts.
pub fn arrow_type(ty: &ColumnType, text: &DataType) -> DataType {
    match ty {
        ColumnType::Text => text.clone(),
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Decimal { precision, scale } => {
            DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX))
        }
        ColumnType::Double => DataType::Float64,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp { digits } => DataType::Timestamp(unit_of(*digits), None),
    }
}

/// The coarsest unit that keeps so many digits of a second.
pub fn unit_of(digits: u8) -> TimeUnit {
    match digits {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}
