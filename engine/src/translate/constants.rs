//! Constants that are not NULL, as the numbers that programs compute with.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use pushdown::fragment::{self, Expr};

use super::Translated;
use super::floats::short_decimal;
use super::value::{Value, ValueKind};
use crate::columns::{Columns, SCALE_MAX};
use crate::decline::DeclineReason;
use crate::numbers::yyyymmdd_from_days;

pub(super) fn translate(_: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Value> {
    literal(expr).map(constant)
}

/// The constant that an expression is.
pub(super) fn literal(expr: &Arc<dyn PhysicalExpr>) -> Option<&ScalarValue> {
    expr.downcast_ref::<Literal>().map(Literal::value)
}

/// A constant that is not NULL. A float becomes the short decimal number that it was written as.
pub(super) fn constant(scalar: &ScalarValue) -> Result<Value, DeclineReason> {
    let declined = || DeclineReason::Constant(scalar.to_string());
    let (number, kind) = match scalar {
        ScalarValue::Int8(Some(number)) => (i64::from(*number), ValueKind::Int),
        ScalarValue::Int16(Some(number)) => (i64::from(*number), ValueKind::Int),
        ScalarValue::Int32(Some(number)) => (i64::from(*number), ValueKind::Int),
        ScalarValue::Int64(Some(number)) => (*number, ValueKind::Int),
        ScalarValue::UInt8(Some(number)) => (i64::from(*number), ValueKind::Int),
        ScalarValue::UInt16(Some(number)) => (i64::from(*number), ValueKind::Int),
        ScalarValue::UInt32(Some(number)) => (i64::from(*number), ValueKind::Int),
        ScalarValue::UInt64(Some(number)) => {
            (i64::try_from(*number).map_err(|_| declined())?, ValueKind::Int)
        }
        ScalarValue::Float64(Some(number)) => {
            let (number, scale) = short_decimal(*number)?;
            (number, ValueKind::Float { scale, rounded: false })
        }
        ScalarValue::Decimal128(Some(number), _, scale) => {
            let scale = u8::try_from(*scale).ok().filter(|&scale| scale <= SCALE_MAX).ok_or_else(declined)?;
            (i64::try_from(*number).map_err(|_| declined())?, ValueKind::Decimal { scale })
        }
        ScalarValue::Date32(Some(days)) => (yyyymmdd_from_days(*days), ValueKind::Date),
        ScalarValue::Boolean(Some(truth)) => {
            return Ok(Value::new(Expr::Literal(fragment::Literal::Bool(Some(*truth))), ValueKind::Boolean));
        }
        _ => return Err(declined()),
    };
    Ok(Value::new(Expr::integer(number), kind))
}
