//! The errors of results that do not fit, or do not exist.

use datafusion::arrow::datatypes::DataType;

/// A result that its type cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("{what} does not fit its type {ty}{}: compute it in a wider one, as in {cure}", at(.operands))]
pub(super) struct Overflow {
    /// In SQL.
    pub what: String,
    /// The numbers, where it is one row that does not fit. Which one of several groups is told of would be chance.
    pub operands: Option<String>,
    /// In SQL.
    pub ty: String,
    /// In SQL.
    pub cure: String,
}

/// There is no quotient.
#[derive(Debug, thiserror::Error)]
#[error("{what} divides by zero{}", cure(.divisor))]
pub(super) struct DivisionByZero {
    /// In SQL.
    pub what: String,
    /// In SQL, if it is not zero in every row.
    pub divisor: Option<String>,
}

/// A shift by fewer bits than none.
#[derive(Debug, thiserror::Error)]
#[error("{what} shifts by less than nothing{}: shift the other way, with {other}", at(.operands))]
pub(super) struct NegativeShift {
    /// In SQL.
    pub what: String,
    /// The numbers of the first such row.
    pub operands: Option<String>,
    /// The operator of the other direction.
    pub other: &'static str,
}

fn cure(divisor: &Option<String>) -> String {
    let cure = |divisor: &String| {
        format!(": leave such rows out, or divide by NULLIF({divisor}, 0), which makes the result NULL")
    };
    divisor.as_ref().map(cure).unwrap_or_default()
}

fn at(operands: &Option<String>) -> String {
    operands.as_ref().map(|operands| format!(" ({operands})")).unwrap_or_default()
}

/// A type that holds numbers which do not fit `ty`: exactly, if it is an integer.
pub(super) fn wider_name(ty: &DataType) -> &'static str {
    if ty.is_integer() { "DECIMAL(38,0)" } else { "DOUBLE" }
}
