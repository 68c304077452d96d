//! Comparisons: of an operand with a constant, of two operands, and of a string with a constant for equality.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;
use pushdown::fragment::Expr;
use pushdown::ops::{Comparison, StringSet};

use super::arithmetic::rescale;
use super::bounds::Bounds;
use super::constants::{constant, literal};
use super::fallible::may_fail;
use super::string::{string_column, string_constant};
use super::value::{Value, ValueKind};
use super::{Translated, operand};
use crate::columns::Columns;
use crate::decline::{DeclineReason, Incomparable};

pub(super) fn translate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Expr> {
    let binary = expr.downcast_ref::<BinaryExpr>()?;
    let op = match binary.op() {
        Operator::Eq => Comparison::Eq,
        Operator::NotEq => Comparison::NotEq,
        Operator::Lt => Comparison::Lt,
        Operator::LtEq => Comparison::LtEq,
        Operator::Gt => Comparison::Gt,
        Operator::GtEq => Comparison::GtEq,
        _ => return None,
    };
    Some(comparison(columns, expr, binary, op))
}

fn comparison(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    binary: &BinaryExpr,
    op: Comparison,
) -> Result<Expr, DeclineReason> {
    match (literal(binary.left()), literal(binary.right())) {
        (Some(scalar), _) | (_, Some(scalar)) if scalar.is_null() => {
            // A program does not evaluate the other side.
            if may_fail(expr, &columns.schema) {
                return Err(DeclineReason::MayFail);
            }
            Ok(Expr::NULL)
        }
        (Some(_), Some(_)) => Err(DeclineReason::Comparison(Incomparable::Constants)),
        (None, Some(scalar)) => with_constant(columns, op, binary.left(), scalar),
        (Some(scalar), None) => with_constant(columns, op.mirrored(), binary.right(), scalar),
        (None, None) => between(op, operand(columns, binary.left())?, operand(columns, binary.right())?),
    }
}

/// `expr op scalar`, for a constant that is not NULL.
fn with_constant(
    columns: &Columns,
    op: Comparison,
    expr: &Arc<dyn PhysicalExpr>,
    scalar: &ScalarValue,
) -> Result<Expr, DeclineReason> {
    if let Some(column) = string_column(columns, expr)? {
        let op = match op {
            Comparison::Eq => StringSet::In,
            Comparison::NotEq => StringSet::NotIn,
            _ => return Err(DeclineReason::Comparison(Incomparable::StringOrder)),
        };
        return Ok(Expr::call(op, [column, string_constant(scalar)?]));
    }
    if let ScalarValue::Boolean(Some(_)) = scalar {
        return between(op, operand(columns, expr)?, constant(scalar)?);
    }
    Ok(Bounds::of(columns, expr, scalar)?.compare(op))
}

fn between(op: Comparison, left: Value, right: Value) -> Result<Expr, DeclineReason> {
    let (left, right) = match (left.kind, right.kind) {
        (ValueKind::Float { rounded: true, .. }, _) | (_, ValueKind::Float { rounded: true, .. }) => {
            return Err(DeclineReason::FloatRounding);
        }
        // Numbers of at most 15 digits are equal exactly when their nearest doubles are, and in the same order.
        (ValueKind::Float { scale: a, .. }, ValueKind::Float { scale: b, .. })
        | (ValueKind::Decimal { scale: a }, ValueKind::Decimal { scale: b }) => {
            (rescale(left.expr, a, a.max(b))?, rescale(right.expr, b, a.max(b))?)
        }
        (ValueKind::Int, ValueKind::Int)
        | (ValueKind::Date, ValueKind::Date)
        | (ValueKind::Boolean, ValueKind::Boolean) => (left.expr, right.expr),
        _ => return Err(DeclineReason::Comparison(Incomparable::Types)),
    };
    Ok(Expr::call(op, [left, right]))
}
