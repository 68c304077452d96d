//! AND, OR and NOT, and what they end in: constants and boolean columns.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column as PhysicalColumn, NotExpr};
use pushdown::fragment::{self, Expr};
use pushdown::ops::Logic;

use super::constants::literal;
use super::value::{Value, ValueKind};
use super::{Translated, operand, predicate};
use crate::columns::Columns;
use crate::decline::{DeclineReason, UnexpectedShape};

pub(super) fn translate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Expr> {
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        let op = match binary.op() {
            Operator::And => Logic::And,
            Operator::Or => Logic::Or,
            _ => return None,
        };
        Some(junction(columns, op, binary))
    } else if let Some(not) = expr.downcast_ref::<NotExpr>() {
        Some(predicate(columns, not.arg()).map(|argument| Expr::call(Logic::Not, [argument])))
    } else if let Some(scalar) = literal(expr) {
        Some(constant(scalar))
    } else if expr.is::<PhysicalColumn>() {
        Some(column(columns, expr))
    } else {
        None
    }
}

fn junction(columns: &Columns, op: Logic, binary: &BinaryExpr) -> Result<Expr, DeclineReason> {
    Ok(Expr::call(op, [predicate(columns, binary.left())?, predicate(columns, binary.right())?]))
}

fn constant(scalar: &ScalarValue) -> Result<Expr, DeclineReason> {
    match scalar {
        ScalarValue::Boolean(truth) => Ok(fragment::Literal::Bool(*truth).into()),
        other if other.is_null() => Ok(Expr::NULL),
        other => Err(DeclineReason::Constant(other.to_string())),
    }
}

fn column(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<Expr, DeclineReason> {
    match operand(columns, expr)? {
        Value { expr, kind: ValueKind::Boolean } => Ok(expr),
        _ => Err(DeclineReason::Shape(UnexpectedShape::NotBoolean)),
    }
}
