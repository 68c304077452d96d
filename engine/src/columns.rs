//! The columns that a scan reads, and how their text becomes values.

use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use pushdown::fragment::{Column, ColumnType};

use crate::decline::{DeclineReason, UnexpectedShape};
use crate::sample::Sample;

/// Most digits behind the point that a 64-bit number has room for.
pub(crate) const SCALE_MAX: u8 = 18;

/// The columns of a fragment, and the file that they are part of.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// The schema of the file: one field for each field of a record.
    pub schema: SchemaRef,
    /// What the fragment reads, in the order of the fields.
    pub columns: Vec<Column>,
}

/// The type of the first of these fields that no program can read.
pub(crate) fn unsupported_column<'a>(schema: &'a SchemaRef, fields: &[usize]) -> Option<&'a Field> {
    fields.iter().map(|&field| schema.field(field)).find(|field| column_type(field.data_type(), 0).is_err())
}

impl Columns {
    /// All columns of the scan's projection, used or not: a value that does not parse is an error in each of them.
    /// `is_guess` tells whether the type of a field was guessed.
    pub fn new(
        schema: &SchemaRef,
        fields: &[usize],
        sample: &Sample,
        is_guess: impl Fn(usize) -> bool,
    ) -> Result<Self, DeclineReason> {
        let columns = fields
            .iter()
            .map(|&field| {
                let declared = schema.field(field);
                Ok(Column {
                    name: declared.name().clone(),
                    field,
                    ty: column_type(declared.data_type(), sample.float_scale(field))?,
                    nullable: declared.is_nullable(),
                    unpadded: is_guess(field),
                })
            })
            .collect::<Result<Vec<_>, DeclineReason>>()?;
        Ok(Columns { schema: schema.clone(), columns })
    }

    /// The index of a column in the fragment, and what it is.
    pub fn find(&self, column: &PhysicalColumn) -> Result<(usize, &Column), DeclineReason> {
        self.columns
            .iter()
            .enumerate()
            .find(|(_, candidate)| candidate.field == column.index())
            .ok_or(DeclineReason::Shape(UnexpectedShape::UnreadColumn))
    }
}

/// Whether a program computes the least and the greatest value of a column of this type.
pub fn has_extremes(data_type: &DataType) -> bool {
    column_type(data_type, 0).is_ok_and(|ty| !matches!(ty, ColumnType::Boolean | ColumnType::String))
}

fn column_type(data_type: &DataType, float_scale: u8) -> Result<ColumnType, DeclineReason> {
    let int = |bits, signed| Ok(ColumnType::Int { bits, signed });
    match data_type {
        DataType::Int8 => int(8, true),
        DataType::Int16 => int(16, true),
        DataType::Int32 => int(32, true),
        DataType::Int64 => int(64, true),
        DataType::UInt8 => int(8, false),
        DataType::UInt16 => int(16, false),
        DataType::UInt32 => int(32, false),
        DataType::UInt64 => int(64, false),
        DataType::Float64 => Ok(ColumnType::Float { scale: float_scale }),
        DataType::Decimal128(precision, scale) => match u8::try_from(*scale) {
            Ok(scale) if scale <= SCALE_MAX => Ok(ColumnType::Decimal { precision: *precision, scale }),
            _ => Err(DeclineReason::ColumnType(data_type.clone())),
        },
        DataType::Date32 => Ok(ColumnType::Date),
        DataType::Boolean => Ok(ColumnType::Boolean),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(ColumnType::String),
        _ => Err(DeclineReason::ColumnType(data_type.clone())),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn numbers_and_dates_have_extremes() {
        for compiled in [DataType::UInt64, DataType::Float64, DataType::Decimal128(38, 18), DataType::Date32]
        {
            assert!(has_extremes(&compiled), "{compiled}");
        }
        let timestamp = DataType::Timestamp(TimeUnit::Second, None);
        for other in [DataType::Utf8, DataType::Boolean, DataType::Decimal128(38, 19), timestamp] {
            assert!(!has_extremes(&other), "{other}");
        }
    }
}
