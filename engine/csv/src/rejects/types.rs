//! Types as SQL writes them.

use arrow_schema::DataType;

use crate::spec::ColumnType;

/// The name of a type that was declared in Arrow's words: `INTEGER` where 32 bits are wanted of an integer.
pub fn declared_type_name(ty: &ColumnType, wanted: &DataType) -> String {
    let name = match wanted {
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::UInt8 => "TINYINT UNSIGNED",
        DataType::UInt16 => "SMALLINT UNSIGNED",
        DataType::UInt32 => "INTEGER UNSIGNED",
        DataType::UInt64 => "BIGINT UNSIGNED",
        DataType::Float32 => "REAL",
        _ => return type_name(ty),
    };
    name.to_owned()
}

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
