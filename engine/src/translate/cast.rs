//! Casts between numbers: those that keep the value, or that make the record an exception record where they do not.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::CastExpr;
use pushdown::fragment::Expr;
use pushdown::ops::Bound;

use super::arithmetic::rescale;
use super::floats::EXACT_MAGNITUDE_MAX;
use super::value::{Value, ValueKind};
use super::{Translated, data_type, operand};
use crate::columns::{Columns, SCALE_MAX};
use crate::decline::DeclineReason;

pub(super) fn translate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Value> {
    expr.downcast_ref::<CastExpr>().map(|cast| cast_value(columns, cast))
}

fn cast_value(columns: &Columns, cast: &CastExpr) -> Result<Value, DeclineReason> {
    let from = data_type(columns, cast.expr())?;
    let to = cast.cast_type();
    let argument = operand(columns, cast.expr())?;
    let declined = || DeclineReason::Cast { from: from.clone(), to: to.clone() };
    match (argument.kind, to) {
        _ if from == *to => Ok(argument),
        (ValueKind::Int, DataType::Float64) => {
            let exact = if integer_digits(&from).is_some_and(|digits| digits <= 10) {
                argument.expr
            } else {
                bounded(argument.expr)
            };
            Ok(Value::new(exact, ValueKind::Float { scale: 0, rounded: false }))
        }
        (ValueKind::Int, DataType::Decimal128(precision, scale)) => {
            let scale = supported_scale(*scale).ok_or_else(declined)?;
            let digits = integer_digits(&from).ok_or_else(declined)?;
            if *precision < digits + scale {
                return Err(declined());
            }
            Ok(Value::new(rescale(argument.expr, 0, scale)?, ValueKind::Decimal { scale }))
        }
        (ValueKind::Int, _) if widens(&from, to) => Ok(argument),
        (ValueKind::Decimal { scale }, DataType::Decimal128(precision, to_scale)) => {
            let DataType::Decimal128(from_precision, _) = from else { return Err(declined()) };
            let to_scale = supported_scale(*to_scale).ok_or_else(declined)?;
            // No digit is lost on either side, so that the cast cannot fail.
            if to_scale < scale
                || i16::from(*precision) - i16::from(to_scale) < i16::from(from_precision) - i16::from(scale)
            {
                return Err(declined());
            }
            Ok(Value::new(rescale(argument.expr, scale, to_scale)?, ValueKind::Decimal { scale: to_scale }))
        }
        // Arrow divides the integer by a power of ten, which rounds once as long as both are exact.
        (ValueKind::Decimal { scale }, DataType::Float64) => {
            Ok(Value::new(bounded(argument.expr), ValueKind::Float { scale, rounded: false }))
        }
        _ => Err(declined()),
    }
}

/// Limits a value to the integers that any number of digits behind the point leaves exact.
fn bounded(expr: Expr) -> Expr {
    Expr::call(Bound::Magnitude, [expr, Expr::integer(EXACT_MAGNITUDE_MAX)])
}

fn supported_scale(scale: i8) -> Option<u8> {
    u8::try_from(scale).ok().filter(|&scale| scale <= SCALE_MAX)
}

/// Most digits of a value of an integer type.
fn integer_digits(ty: &DataType) -> Option<u8> {
    match ty {
        DataType::Int8 | DataType::UInt8 => Some(3),
        DataType::Int16 | DataType::UInt16 => Some(5),
        DataType::Int32 | DataType::UInt32 => Some(10),
        DataType::Int64 => Some(19),
        DataType::UInt64 => Some(20),
        _ => None,
    }
}

/// Whether every value of one integer type is a value of the other.
fn widens(from: &DataType, to: &DataType) -> bool {
    let shape = |ty: &DataType| match ty {
        DataType::Int8 => Some((8, true)),
        DataType::Int16 => Some((16, true)),
        DataType::Int32 => Some((32, true)),
        DataType::Int64 => Some((64, true)),
        DataType::UInt8 => Some((8, false)),
        DataType::UInt16 => Some((16, false)),
        DataType::UInt32 => Some((32, false)),
        DataType::UInt64 => Some((64, false)),
        _ => None,
    };
    match (shape(from), shape(to)) {
        (Some((from_bits, from_signed)), Some((to_bits, to_signed))) => {
            to_bits > from_bits && (to_signed || !from_signed)
        }
        _ => false,
    }
}
