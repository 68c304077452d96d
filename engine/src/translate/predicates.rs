//! Conditions, under SQL's three-valued logic.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column as PhysicalColumn, InListExpr, IsNotNullExpr, IsNullExpr, Literal, NotExpr,
};
use pushdown::fragment::normalize::mirrored;
use pushdown::fragment::{ColumnType, Comparison, Predicate, STRING_LITERAL_BYTES_MAX};

use super::bounds::{Bounds, compare, unless_null};
use super::fallible::may_fail;
use super::values::{Kind, Value, data_type, rescale, unsupported, value};
use crate::columns::Columns;
use crate::decline::DeclineReason;

/// Translates a condition over the columns of the file.
pub(crate) fn predicate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<Predicate, DeclineReason> {
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        binary_predicate(columns, expr, binary)
    } else if let Some(not) = expr.downcast_ref::<NotExpr>() {
        Ok(Predicate::Not(Box::new(predicate(columns, not.arg())?)))
    } else if let Some(null) = expr.downcast_ref::<IsNullExpr>() {
        null_predicate(columns, null.arg(), false)
    } else if let Some(null) = expr.downcast_ref::<IsNotNullExpr>() {
        null_predicate(columns, null.arg(), true)
    } else if let Some(list) = expr.downcast_ref::<InListExpr>() {
        list_predicate(columns, list)
    } else if let Some(literal) = expr.downcast_ref::<Literal>() {
        match literal.value() {
            ScalarValue::Boolean(truth) => Ok(Predicate::Literal(*truth)),
            other if other.is_null() => Ok(Predicate::Literal(None)),
            other => Err(DeclineReason::Constant(other.to_string())),
        }
    } else if expr.is::<PhysicalColumn>() {
        match value(columns, expr)? {
            Value { expr, kind: Kind::Boolean } => Ok(compare(Comparison::Eq, expr, 1)),
            _ => Err(DeclineReason::Shape("a condition that is not a boolean")),
        }
    } else {
        Err(unsupported(expr))
    }
}

fn binary_predicate(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    binary: &BinaryExpr,
) -> Result<Predicate, DeclineReason> {
    let op = match binary.op() {
        Operator::And => {
            return Ok(Predicate::And(vec![
                predicate(columns, binary.left())?,
                predicate(columns, binary.right())?,
            ]));
        }
        Operator::Or => {
            return Ok(Predicate::Or(vec![
                predicate(columns, binary.left())?,
                predicate(columns, binary.right())?,
            ]));
        }
        Operator::Eq => Comparison::Eq,
        Operator::NotEq => Comparison::NotEq,
        Operator::Lt => Comparison::Lt,
        Operator::LtEq => Comparison::LtEq,
        Operator::Gt => Comparison::Gt,
        Operator::GtEq => Comparison::GtEq,
        _ => return Err(unsupported(expr)),
    };
    match (literal(binary.left()), literal(binary.right())) {
        (Some(scalar), _) | (_, Some(scalar)) if scalar.is_null() => {
            // A program does not evaluate the other side.
            if may_fail(expr, &columns.schema) {
                return Err(DeclineReason::MayFail);
            }
            Ok(Predicate::Literal(None))
        }
        (Some(_), Some(_)) => {
            Err(DeclineReason::Comparison("a comparison of two constants is not supported"))
        }
        (None, Some(scalar)) => with_constant(columns, op, binary.left(), scalar),
        (Some(scalar), None) => with_constant(columns, mirrored(op), binary.right(), scalar),
        (None, None) => between_columns(op, value(columns, binary.left())?, value(columns, binary.right())?),
    }
}

fn literal(expr: &Arc<dyn PhysicalExpr>) -> Option<&ScalarValue> {
    expr.downcast_ref::<Literal>().map(Literal::value)
}

/// `expr op scalar`, for a constant that is not NULL.
fn with_constant(
    columns: &Columns,
    op: Comparison,
    expr: &Arc<dyn PhysicalExpr>,
    scalar: &ScalarValue,
) -> Result<Predicate, DeclineReason> {
    if let Some(column) = string_column(columns, expr)? {
        let negated = match op {
            Comparison::Eq => false,
            Comparison::NotEq => true,
            _ => return Err(DeclineReason::Comparison("strings are only compared for equality")),
        };
        return Ok(Predicate::StringIn { column, values: vec![string_constant(scalar)?], negated });
    }
    Ok(Bounds::of(columns, expr, scalar)?.compare(op))
}

fn between_columns(op: Comparison, left: Value, right: Value) -> Result<Predicate, DeclineReason> {
    let (left, right) = match (left.kind, right.kind) {
        (Kind::Float { rounded: true, .. }, _) | (_, Kind::Float { rounded: true, .. }) => {
            return Err(DeclineReason::FloatRounding);
        }
        // Numbers of at most 15 digits are equal exactly when their nearest doubles are, and in the same order.
        (Kind::Float { scale: a, .. }, Kind::Float { scale: b, .. })
        | (Kind::Decimal { scale: a }, Kind::Decimal { scale: b }) => {
            (rescale(left.expr, a, a.max(b))?, rescale(right.expr, b, a.max(b))?)
        }
        (Kind::Int, Kind::Int) | (Kind::Date, Kind::Date) | (Kind::Boolean, Kind::Boolean) => {
            (left.expr, right.expr)
        }
        _ => return Err(DeclineReason::Comparison("a comparison of different types is not supported")),
    };
    Ok(Predicate::Compare { op, left, right })
}

fn null_predicate(
    columns: &Columns,
    argument: &Arc<dyn PhysicalExpr>,
    negated: bool,
) -> Result<Predicate, DeclineReason> {
    match argument.downcast_ref::<PhysicalColumn>() {
        Some(column) => Ok(Predicate::IsNull { column: columns.find(column)?.0, negated }),
        None => Err(DeclineReason::Comparison("IS NULL is only supported on columns")),
    }
}

fn list_predicate(columns: &Columns, list: &InListExpr) -> Result<Predicate, DeclineReason> {
    let scalars = list
        .list()
        .iter()
        .map(|item| literal(item).ok_or(DeclineReason::Comparison("IN is only supported with constants")))
        .collect::<Result<Vec<_>, _>>()?;
    let (null, given): (Vec<_>, Vec<_>) = scalars.into_iter().partition(|scalar| scalar.is_null());
    let found = if given.is_empty() && may_fail(list.expr(), &columns.schema) {
        return Err(DeclineReason::MayFail);
    } else if given.is_empty() {
        Predicate::Literal(None)
    } else if let Some(column) = string_column(columns, list.expr())? {
        let values = given.into_iter().map(string_constant).collect::<Result<Vec<_>, _>>()?;
        Predicate::StringIn { column, values, negated: false }
    } else {
        number_list(columns, list.expr(), &given)?
    };
    // With a NULL in the list, what is not found is unknown.
    let found = if null.is_empty() { found } else { Predicate::Or(vec![found, Predicate::Literal(None)]) };
    Ok(match (list.negated(), found) {
        (false, found) => found,
        (true, Predicate::In { expr, values, .. }) => Predicate::In { expr, values, negated: true },
        (true, Predicate::StringIn { column, values, .. }) => {
            Predicate::StringIn { column, values, negated: true }
        }
        (true, found) => Predicate::Not(Box::new(found)),
    })
}

/// `expr IN (given)`. The constants that the expression can never have fall away.
fn number_list(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    given: &[&ScalarValue],
) -> Result<Predicate, DeclineReason> {
    let mut values = Vec::with_capacity(given.len());
    let mut left = None;
    for scalar in given {
        let bounds = Bounds::of(columns, expr, scalar)?;
        match bounds.exceeds - bounds.reaches {
            0 => {}
            1 => values.extend(i64::try_from(bounds.reaches)),
            _ => return Err(DeclineReason::Constant(scalar.to_string())),
        }
        left = Some(bounds.expr);
    }
    match left {
        Some(expr) if values.is_empty() => Ok(unless_null(expr, false)),
        Some(expr) => Ok(Predicate::In { expr, values, negated: false }),
        None => Ok(Predicate::Literal(None)),
    }
}

/// The fragment's column, if the expression is a string column, perhaps in another string type.
fn string_column(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<Option<usize>, DeclineReason> {
    if let Some(cast) = expr.downcast_ref::<CastExpr>()
        && cast.cast_type().is_string()
        && data_type(columns, cast.expr())?.is_string()
    {
        return string_column(columns, cast.expr());
    }
    let Some(column) = expr.downcast_ref::<PhysicalColumn>() else { return Ok(None) };
    let (index, column) = columns.find(column)?;
    Ok((column.ty == ColumnType::String).then_some(index))
}

fn string_constant(scalar: &ScalarValue) -> Result<Vec<u8>, DeclineReason> {
    match scalar.try_as_str() {
        Some(Some(text)) if text.len() <= STRING_LITERAL_BYTES_MAX => Ok(text.as_bytes().to_vec()),
        _ => Err(DeclineReason::Constant(scalar.to_string())),
    }
}
