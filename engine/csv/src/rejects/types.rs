//! Types as SQL writes them.

use crate::spec::ColumnType;

/// The name of a type, as a declaration has it.
pub fn type_name(ty: &ColumnType) -> String {
    match ty {
        ColumnType::Text => "TEXT".to_owned(),
        ColumnType::Boolean => "BOOLEAN".to_owned(),
        ColumnType::Integer => "BIGINT".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        ColumnType::Double => "DOUBLE".to_owned(),
        ColumnType::Date => "DATE".to_owned(),
        ColumnType::Timestamp { digits } => format!("TIMESTAMP({digits})"),
    }
}
