//! SQL's names for Arrow's types.

use datafusion::arrow::datatypes::DataType;
use engine::csv::rejects::sql_type_name;

/// The name by which SQL knows a type, in the small letters of psql.
pub fn name(data_type: &DataType) -> String {
    sql_type_name(data_type).to_lowercase()
}

/// Whether values of a type are numbers, which stand on the right.
pub fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_number(value),
        DataType::RunEndEncoded(_, value) => is_number(value.data_type()),
        other => other.is_numeric(),
    }
}
