//! Expressions and predicates on one row, under three-valued logic, without short cuts: see step 3 of
//! [`super`].

use crate::fragment::normalize::{calculate, holds, within};
use crate::fragment::{Expr, Predicate};

/// The value of a column in one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Null,
    /// Of a column that is not a string.
    Integer(i64),
    /// Not empty.
    String(&'a [u8]),
}

/// The record is an exception record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exception;

/// The value of an operand of a predicate, or of the argument of an aggregate; None is NULL.
pub(super) fn expr(expr: &Expr, row: &[Cell<'_>]) -> Result<Option<i64>, Exception> {
    if expr.columns().iter().any(|&column| row[column] == Cell::Null) {
        return Ok(None);
    }
    compute(expr, row).map(Some)
}

/// The value of an expression that is not NULL.
fn compute(expr: &Expr, row: &[Cell<'_>]) -> Result<i64, Exception> {
    match expr {
        Expr::Literal(value) => Ok(*value),
        Expr::Column(column) => match row[*column] {
            Cell::Integer(value) => Ok(value),
            Cell::Null => unreachable!("it has been asked whether a column is NULL"),
            Cell::String(_) => unreachable!("a valid fragment computes with integer columns only"),
        },
        Expr::Binary { op, overflow, left, right } => {
            calculate(*op, *overflow, compute(left, row)?, compute(right, row)?).ok_or(Exception)
        }
        Expr::Bound { argument, magnitude_max } => {
            let value = compute(argument, row)?;
            if within(value, *magnitude_max) { Ok(value) } else { Err(Exception) }
        }
    }
}

/// The value of a predicate; None is NULL.
pub(super) fn predicate(predicate: &Predicate, row: &[Cell<'_>]) -> Result<Option<bool>, Exception> {
    Ok(match predicate {
        Predicate::Literal(value) => *value,
        Predicate::Compare { op, left, right } => match (expr(left, row)?, expr(right, row)?) {
            (Some(left), Some(right)) => Some(holds(*op, left, right)),
            _ => None,
        },
        Predicate::In { expr: sought, values, negated } => {
            expr(sought, row)?.map(|value| values.contains(&value) != *negated)
        }
        Predicate::StringIn { column, values, negated } => match row[*column] {
            Cell::Null => None,
            Cell::String(text) => Some(values.iter().any(|value| value == text) != *negated),
            Cell::Integer(_) => unreachable!("a valid fragment compares string columns only with strings"),
        },
        Predicate::IsNull { column, negated } => Some((row[*column] == Cell::Null) != *negated),
        Predicate::And(parts) => all(parts, row, true)?,
        Predicate::Or(parts) => all(parts, row, false)?,
        Predicate::Not(inner) => self::predicate(inner, row)?.map(|value| !value),
    })
}

/// `neutral` when all parts are, its opposite when one is that, else NULL: AND for true, OR for false.
fn all(parts: &[Predicate], row: &[Cell<'_>], neutral: bool) -> Result<Option<bool>, Exception> {
    let values: Vec<_> = parts.iter().map(|part| predicate(part, row)).collect::<Result<_, _>>()?;
    Ok(if values.contains(&Some(!neutral)) {
        Some(!neutral)
    } else if values.contains(&None) {
        None
    } else {
        Some(neutral)
    })
}
