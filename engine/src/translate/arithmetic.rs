//! Arithmetic. Integers fail on overflow or wrap, as the session has it. Everything that stands for a number with digits
//! behind the point is exact or makes the record an exception record.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::functions::math::abs::AbsFunc;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, NegativeExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use pushdown::fragment::Expr;
use pushdown::ops::{Arithmetic, Bound, Overflow};

use super::value::{Value, ValueKind};
use super::{Translated, data_type, operand};
use crate::columns::{Columns, SCALE_MAX};
use crate::decline::{DeclineReason, ExpressionKind, UnexpectedShape};
use crate::functions::absolute::Absolute;
use crate::functions::checked::{Checked, Operation};

pub(super) fn translate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Value> {
    if let Some(negative) = expr.downcast_ref::<NegativeExpr>() {
        return Some(negation(columns, expr, negative));
    }
    if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>() {
        let function = match function.fun().inner().downcast_ref::<Checked>() {
            Some(checked) => self::checked(columns, function, checked.operation).map(Some),
            None => absolute(columns, function),
        };
        return function.transpose();
    }
    let binary = expr.downcast_ref::<BinaryExpr>()?;
    let op = match binary.op() {
        Operator::Plus => Arithmetic::Add,
        Operator::Minus => Arithmetic::Sub,
        Operator::Multiply => Arithmetic::Mul,
        _ => return None,
    };
    Some(self::binary(columns, expr, binary, op))
}

/// `abs(argument)` of an integer, which fails in DataFusion for the least number of its type. None: another function, or
/// another type.
fn absolute(columns: &Columns, function: &ScalarFunctionExpr) -> Result<Option<Value>, DeclineReason> {
    let [argument] = function.args() else { return Ok(None) };
    let implementation = function.fun().inner();
    if !implementation.is::<Absolute>() && !implementation.is::<AbsFunc>() {
        return Ok(None);
    }
    let ty = function.return_type();
    if ty.is_unsigned_integer() {
        return operand(columns, argument).map(Some);
    }
    let Some(greatest) = greatest(ty) else { return Ok(None) };
    let Value { expr, kind } = operand(columns, argument)?;
    Ok(Some(Value::new(bounded(Expr::call(Arithmetic::Abs, [expr]), greatest), kind)))
}

/// The greatest number of a type of signed integers.
fn greatest(ty: &DataType) -> Option<i64> {
    match ty {
        DataType::Int8 => Some(i64::from(i8::MAX)),
        DataType::Int16 => Some(i64::from(i16::MAX)),
        DataType::Int32 => Some(i64::from(i32::MAX)),
        DataType::Int64 => Some(i64::MAX),
        _ => None,
    }
}

/// The same number; beyond `greatest`, of either sign, an exception.
fn bounded(expr: Expr, greatest: i64) -> Expr {
    match greatest {
        i64::MAX => expr,
        _ => Expr::call(Bound::Magnitude, [expr, Expr::integer(greatest)]),
    }
}

/// `+ - *` of decimals, and `+ - *` and the negative of signed integers, which fail where the result does not fit. Such a record is
/// an exception record, and so is one whose result is the least number of a narrow type, which does fit.
fn checked(
    columns: &Columns,
    function: &ScalarFunctionExpr,
    operation: Operation,
) -> Result<Value, DeclineReason> {
    let ty = function.return_type();
    let declined = || DeclineReason::Expression(ExpressionKind::Arithmetic(ty.clone()));
    let op = match operation {
        Operation::Add => Arithmetic::Add,
        Operation::Subtract | Operation::Negate => Arithmetic::Sub,
        Operation::Multiply => Arithmetic::Mul,
        Operation::Divide | Operation::Remainder | Operation::ShiftLeft | Operation::ShiftRight => {
            return Err(DeclineReason::Expression(ExpressionKind::Operator(operation.operator())));
        }
    };
    // A result in 64 bits has fewer digits than a decimal.
    if let (DataType::Decimal128(..), [left, right]) = (ty, function.args()) {
        return arithmetic(op, operand(columns, left)?, operand(columns, right)?, ty);
    }
    let greatest = greatest(ty).ok_or_else(declined)?;
    let operands =
        function.args().iter().map(|argument| operand(columns, argument)).collect::<Result<Vec<_>, _>>()?;
    if operands.iter().any(|operand| !matches!(operand.kind, ValueKind::Int)) {
        return Err(declined());
    }
    let mut operands: Vec<Expr> = operands.into_iter().map(|operand| operand.expr).collect();
    if operation == Operation::Negate {
        operands.insert(0, Expr::integer(0));
    }
    Ok(Value::new(bounded(Expr::call(op(Overflow::Exception), operands), greatest), ValueKind::Int))
}

/// `-argument`
fn negation(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    negative: &NegativeExpr,
) -> Result<Value, DeclineReason> {
    let argument = operand(columns, negative.arg())?;
    let zero = Value::new(Expr::integer(0), argument.kind);
    arithmetic(Arithmetic::Sub, zero, argument, &data_type(columns, expr)?)
}

fn binary(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    binary: &BinaryExpr,
    op: fn(Overflow) -> Arithmetic,
) -> Result<Value, DeclineReason> {
    // An operator that fails on overflow is another operator, and hides that from all but equality.
    if *binary != BinaryExpr::new(binary.left().clone(), *binary.op(), binary.right().clone()) {
        return Err(DeclineReason::Expression(ExpressionKind::CheckedArithmetic));
    }
    let left = operand(columns, binary.left())?;
    let right = operand(columns, binary.right())?;
    arithmetic(op, left, right, &data_type(columns, expr)?)
}

/// `left op right`, which is of type `ty` in DataFusion.
fn arithmetic(
    op: fn(Overflow) -> Arithmetic,
    left: Value,
    right: Value,
    ty: &DataType,
) -> Result<Value, DeclineReason> {
    match (left.kind, right.kind, ty) {
        // Narrower types wrap at their own width, which a program cannot.
        (ValueKind::Int, ValueKind::Int, DataType::Int64) => {
            Ok(Value::new(Expr::call(op(Overflow::Wrap), [left.expr, right.expr]), ValueKind::Int))
        }
        (ValueKind::Float { scale: a, .. }, ValueKind::Float { scale: b, .. }, DataType::Float64) => {
            let (expr, scale) = scaled(op, (left.expr, a), (right.expr, b))?;
            Ok(Value::new(expr, ValueKind::Float { scale, rounded: true }))
        }
        (
            ValueKind::Decimal { scale: a },
            ValueKind::Decimal { scale: b },
            DataType::Decimal128(_, result),
        ) => {
            let (expr, scale) = scaled(op, (left.expr, a), (right.expr, b))?;
            if i64::from(scale) != i64::from(*result) {
                return Err(DeclineReason::Shape(UnexpectedShape::DecimalScale));
            }
            Ok(Value::new(expr, ValueKind::Decimal { scale }))
        }
        _ => Err(DeclineReason::Expression(ExpressionKind::Arithmetic(ty.clone()))),
    }
}

/// An operation on numbers with digits behind the point, exact or an exception.
fn scaled(
    op: fn(Overflow) -> Arithmetic,
    left: (Expr, u8),
    right: (Expr, u8),
) -> Result<(Expr, u8), DeclineReason> {
    if let Arithmetic::Mul(_) = op(Overflow::Exception) {
        let scale = u32::from(left.1) + u32::from(right.1);
        if scale > u32::from(SCALE_MAX) {
            return Err(DeclineReason::Scale(scale));
        }
        return Ok((Expr::call(op(Overflow::Exception), [left.0, right.0]), left.1 + right.1));
    }
    let scale = left.1.max(right.1);
    let (left, right) = (rescale(left.0, left.1, scale)?, rescale(right.0, right.1, scale)?);
    Ok((Expr::call(op(Overflow::Exception), [left, right]), scale))
}

/// The same number with more digits behind the point.
pub(super) fn rescale(expr: Expr, from: u8, to: u8) -> Result<Expr, DeclineReason> {
    let steps = u32::from(to.saturating_sub(from));
    if steps == 0 {
        return Ok(expr);
    }
    let factor = 10i64.checked_pow(steps).ok_or(DeclineReason::Scale(u32::from(to)))?;
    match expr.as_integer() {
        Some(number) => number
            .checked_mul(factor)
            .map(Expr::integer)
            .ok_or_else(|| DeclineReason::Constant(format!("{number}e{steps}"))),
        None => Ok(Expr::call(Arithmetic::Mul(Overflow::Exception), [expr, Expr::integer(factor)])),
    }
}
