//! The types of columns, as they stand in CREATE TABLE.

/// A type in CREATE TABLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Any integer type, by its name.
    Integer(&'static str),
    /// DOUBLE
    Double,
    /// FLOAT
    Real,
    /// DECIMAL(precision, scale)
    Decimal(u8, u8),
    /// DATE
    Date,
    /// TIMESTAMP
    Timestamp,
    /// BOOLEAN
    Boolean,
    /// VARCHAR
    Varchar,
}

impl Type {
    /// As SQL has it.
    pub fn sql(self) -> String {
        match self {
            Type::Integer(name) => name.to_owned(),
            Type::Double => "DOUBLE".to_owned(),
            Type::Real => "FLOAT".to_owned(),
            Type::Decimal(precision, scale) => format!("DECIMAL({precision},{scale})"),
            Type::Date => "DATE".to_owned(),
            Type::Timestamp => "TIMESTAMP".to_owned(),
            Type::Boolean => "BOOLEAN".to_owned(),
            Type::Varchar => "VARCHAR".to_owned(),
        }
    }

    /// Whether its values are numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Type::Integer(_) | Type::Double | Type::Real | Type::Decimal(..))
    }
}
