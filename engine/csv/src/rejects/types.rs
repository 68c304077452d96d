//! Types as SQL writes them.

use arrow_schema::DataType;

use crate::spec::ColumnType;

/// The name of a type that was declared in Arrow's words: `INT` where 32 bits are wanted of an integer.
pub fn declared_type_name(ty: &ColumnType, wanted: &DataType) -> String {
    if wanted.is_integer() || *wanted == DataType::Float32 { sql_type_name(wanted) } else { type_name(ty) }
}

/// The name of a type, as a declaration has it.
pub fn type_name(ty: &ColumnType) -> String {
    match ty {
        ColumnType::Text => "TEXT".to_owned(),
        ColumnType::Boolean => sql_type_name(&DataType::Boolean),
        ColumnType::Integer => sql_type_name(&DataType::Int64),
        ColumnType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        ColumnType::Double => sql_type_name(&DataType::Float64),
        ColumnType::Date => sql_type_name(&DataType::Date32),
        ColumnType::Timestamp { digits } => format!("TIMESTAMP({digits})"),
    }
}

/// The name by which SQL knows an Arrow type, or one that a reader of SQL understands.
pub fn sql_type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INT",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "TINYINT UNSIGNED",
        DataType::UInt16 => "SMALLINT UNSIGNED",
        DataType::UInt32 => "INT UNSIGNED",
        DataType::UInt64 => "BIGINT UNSIGNED",
        DataType::Float16 => "HALF",
        DataType::Float32 => "REAL",
        DataType::Float64 => "DOUBLE",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return format!("DECIMAL({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "BYTEA"
        }
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMPTZ",
        DataType::Interval(_) => "INTERVAL",
        DataType::Duration(_) => "DURATION",
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => return format!("{}[]", sql_type_name(item.data_type())),
        DataType::Struct(_) => "STRUCT",
        DataType::Map(..) => "MAP",
        DataType::Union(..) => "UNION",
        DataType::Dictionary(_, value) => return sql_type_name(value),
        DataType::RunEndEncoded(_, value) => return sql_type_name(value.data_type()),
    }
    .to_owned()
}
