//! Arithmetic, casts and constants: expressions with an integer value.
//!
//! Integers wrap where DataFusion's do. Everything that stands for a number with digits behind the point is exact or
//! makes the record an exception record.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column as PhysicalColumn, Literal, NegativeExpr,
};
use pushdown::fragment::{Arithmetic, ColumnType, Expr, Overflow};

use super::floats::{EXACT_MAGNITUDE_MAX, short_decimal};
use crate::columns::{Columns, SCALE_MAX};
use crate::decline::{DeclineReason, ExpressionKind};
use crate::numbers::yyyymmdd_from_days;

/// What the integer of an expression stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Itself.
    Int,
    /// A double: a number of `10^-scale`.
    Float {
        /// Digits behind the point.
        scale: u8,
        /// Whether DataFusion has rounded on the way to this value. If not, it is the double nearest to a number of at
        /// most 15 digits.
        rounded: bool,
    },
    /// A decimal: a number of `10^-scale`.
    Decimal {
        /// Digits behind the point.
        scale: u8,
    },
    /// `YYYYMMDD`.
    Date,
    /// 0 or 1.
    Boolean,
}

/// A translated expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub expr: Expr,
    pub kind: Kind,
}

impl Value {
    fn new(expr: Expr, kind: Kind) -> Self {
        Value { expr, kind }
    }
}

/// Translates an expression over the columns of the file. Not for strings, and not for NULL constants.
pub(super) fn value(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<Value, DeclineReason> {
    if let Some(column) = expr.downcast_ref::<PhysicalColumn>() {
        column_value(columns, column)
    } else if let Some(literal) = expr.downcast_ref::<Literal>() {
        constant(literal.value())
    } else if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        cast_value(columns, cast)
    } else if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        binary_value(columns, expr, binary)
    } else if let Some(negative) = expr.downcast_ref::<NegativeExpr>() {
        let zero = Expr::Literal(0);
        let argument = value(columns, negative.arg())?;
        let ty = data_type(columns, expr)?;
        arithmetic(Arithmetic::Sub, Value::new(zero, argument.kind), argument, &ty)
    } else {
        Err(unsupported(expr))
    }
}

/// The type of an expression over the columns of the file.
pub(super) fn data_type(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<DataType, DeclineReason> {
    expr.data_type(&columns.schema).map_err(|_| DeclineReason::Shape("an expression without a type"))
}

/// The reason for an expression that is neither of those that are known.
pub(super) fn unsupported(expr: &Arc<dyn PhysicalExpr>) -> DeclineReason {
    use datafusion::physical_expr::ScalarFunctionExpr;
    use datafusion::physical_expr::expressions::{
        CaseExpr, DynamicFilterPhysicalExpr, LikeExpr, TryCastExpr,
    };
    use datafusion::physical_expr_common::physical_expr::is_volatile;

    let kind = if is_volatile(expr) {
        return DeclineReason::Volatile;
    } else if expr.is::<DynamicFilterPhysicalExpr>() {
        return DeclineReason::DynamicFilter;
    } else if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>() {
        ExpressionKind::Function(function.name().to_owned())
    } else if expr.is::<CaseExpr>() {
        ExpressionKind::Case
    } else if expr.is::<LikeExpr>() {
        ExpressionKind::Like
    } else if expr.is::<TryCastExpr>() {
        ExpressionKind::TryCast
    } else if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        ExpressionKind::Operator(*binary.op())
    } else {
        ExpressionKind::Other(expr.to_string())
    };
    DeclineReason::Expression(kind)
}

fn column_value(columns: &Columns, column: &PhysicalColumn) -> Result<Value, DeclineReason> {
    let (index, column) = columns.find(column)?;
    let kind = match column.ty {
        ColumnType::Int { .. } => Kind::Int,
        ColumnType::Float { scale } => Kind::Float { scale, rounded: false },
        ColumnType::Decimal { scale, .. } => Kind::Decimal { scale },
        ColumnType::Date => Kind::Date,
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::String => {
            return Err(DeclineReason::Comparison("strings are only supported in =, <>, IN and IS NULL"));
        }
    };
    Ok(Value::new(Expr::Column(index), kind))
}

/// A constant that is not NULL. A float becomes the short decimal number that it was written as.
pub(super) fn constant(scalar: &ScalarValue) -> Result<Value, DeclineReason> {
    let declined = || DeclineReason::Constant(scalar.to_string());
    let (number, kind) = match scalar {
        ScalarValue::Int8(Some(number)) => (i64::from(*number), Kind::Int),
        ScalarValue::Int16(Some(number)) => (i64::from(*number), Kind::Int),
        ScalarValue::Int32(Some(number)) => (i64::from(*number), Kind::Int),
        ScalarValue::Int64(Some(number)) => (*number, Kind::Int),
        ScalarValue::UInt8(Some(number)) => (i64::from(*number), Kind::Int),
        ScalarValue::UInt16(Some(number)) => (i64::from(*number), Kind::Int),
        ScalarValue::UInt32(Some(number)) => (i64::from(*number), Kind::Int),
        ScalarValue::UInt64(Some(number)) => (i64::try_from(*number).map_err(|_| declined())?, Kind::Int),
        ScalarValue::Float64(Some(number)) => {
            let (number, scale) = short_decimal(*number)?;
            (number, Kind::Float { scale, rounded: false })
        }
        ScalarValue::Decimal128(Some(number), _, scale) => {
            let scale = u8::try_from(*scale).ok().filter(|&scale| scale <= SCALE_MAX).ok_or_else(declined)?;
            (i64::try_from(*number).map_err(|_| declined())?, Kind::Decimal { scale })
        }
        ScalarValue::Date32(Some(days)) => (yyyymmdd_from_days(*days), Kind::Date),
        ScalarValue::Boolean(Some(truth)) => (i64::from(*truth), Kind::Boolean),
        _ => return Err(declined()),
    };
    Ok(Value::new(Expr::Literal(number), kind))
}

fn binary_value(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    binary: &BinaryExpr,
) -> Result<Value, DeclineReason> {
    let op = match binary.op() {
        Operator::Plus => Arithmetic::Add,
        Operator::Minus => Arithmetic::Sub,
        Operator::Multiply => Arithmetic::Mul,
        _ => return Err(unsupported(expr)),
    };
    // An operator that fails on overflow is another operator, and hides that from all but equality.
    if *binary != BinaryExpr::new(binary.left().clone(), *binary.op(), binary.right().clone()) {
        return Err(DeclineReason::Expression(ExpressionKind::CheckedArithmetic));
    }
    let left = value(columns, binary.left())?;
    let right = value(columns, binary.right())?;
    arithmetic(op, left, right, &data_type(columns, expr)?)
}

/// `left op right`, which is of type `ty` in DataFusion.
fn arithmetic(op: Arithmetic, left: Value, right: Value, ty: &DataType) -> Result<Value, DeclineReason> {
    match (left.kind, right.kind, ty) {
        // Narrower types wrap at their own width, which a program cannot.
        (Kind::Int, Kind::Int, DataType::Int64) => {
            Ok(Value::new(operation(op, Overflow::Wrap, left.expr, right.expr), Kind::Int))
        }
        (Kind::Float { scale: a, .. }, Kind::Float { scale: b, .. }, DataType::Float64) => {
            let (expr, scale) = scaled(op, (left.expr, a), (right.expr, b))?;
            Ok(Value::new(expr, Kind::Float { scale, rounded: true }))
        }
        (Kind::Decimal { scale: a }, Kind::Decimal { scale: b }, DataType::Decimal128(_, result)) => {
            let (expr, scale) = scaled(op, (left.expr, a), (right.expr, b))?;
            if i64::from(scale) != i64::from(*result) {
                return Err(DeclineReason::Shape("a decimal of another scale than its operands give"));
            }
            Ok(Value::new(expr, Kind::Decimal { scale }))
        }
        _ => Err(DeclineReason::Expression(ExpressionKind::Arithmetic(ty.clone()))),
    }
}

/// An operation on numbers with digits behind the point, exact or an exception.
fn scaled(op: Arithmetic, left: (Expr, u8), right: (Expr, u8)) -> Result<(Expr, u8), DeclineReason> {
    if op == Arithmetic::Mul {
        let scale = u32::from(left.1) + u32::from(right.1);
        if scale > u32::from(SCALE_MAX) {
            return Err(DeclineReason::Scale(scale));
        }
        return Ok((operation(op, Overflow::Exception, left.0, right.0), left.1 + right.1));
    }
    let scale = left.1.max(right.1);
    let (left, right) = (rescale(left.0, left.1, scale)?, rescale(right.0, right.1, scale)?);
    Ok((operation(op, Overflow::Exception, left, right), scale))
}

/// The same number with more digits behind the point.
pub(super) fn rescale(expr: Expr, from: u8, to: u8) -> Result<Expr, DeclineReason> {
    let steps = u32::from(to.saturating_sub(from));
    if steps == 0 {
        return Ok(expr);
    }
    let factor = 10i64.checked_pow(steps).ok_or(DeclineReason::Scale(u32::from(to)))?;
    match expr {
        Expr::Literal(number) => number
            .checked_mul(factor)
            .map(Expr::Literal)
            .ok_or_else(|| DeclineReason::Constant(format!("{number}e{steps}"))),
        expr => Ok(operation(Arithmetic::Mul, Overflow::Exception, expr, Expr::Literal(factor))),
    }
}

fn operation(op: Arithmetic, overflow: Overflow, left: Expr, right: Expr) -> Expr {
    Expr::Binary { op, overflow, left: Box::new(left), right: Box::new(right) }
}

fn cast_value(columns: &Columns, cast: &CastExpr) -> Result<Value, DeclineReason> {
    let from = data_type(columns, cast.expr())?;
    let to = cast.cast_type();
    let argument = value(columns, cast.expr())?;
    let declined = || DeclineReason::Cast { from: from.clone(), to: to.clone() };
    match (argument.kind, to) {
        _ if from == *to => Ok(argument),
        (Kind::Int, DataType::Float64) => {
            let exact = if integer_digits(&from).is_some_and(|digits| digits <= 10) {
                argument.expr
            } else {
                bounded(argument.expr)
            };
            Ok(Value::new(exact, Kind::Float { scale: 0, rounded: false }))
        }
        (Kind::Int, DataType::Decimal128(precision, scale)) => {
            let scale = supported_scale(*scale).ok_or_else(declined)?;
            let digits = integer_digits(&from).ok_or_else(declined)?;
            if *precision < digits + scale {
                return Err(declined());
            }
            Ok(Value::new(rescale(argument.expr, 0, scale)?, Kind::Decimal { scale }))
        }
        (Kind::Int, _) if widens(&from, to) => Ok(argument),
        (Kind::Decimal { scale }, DataType::Decimal128(precision, to_scale)) => {
            let DataType::Decimal128(from_precision, _) = from else { return Err(declined()) };
            let to_scale = supported_scale(*to_scale).ok_or_else(declined)?;
            // No digit is lost on either side, so that the cast cannot fail.
            if to_scale < scale
                || i16::from(*precision) - i16::from(to_scale) < i16::from(from_precision) - i16::from(scale)
            {
                return Err(declined());
            }
            Ok(Value::new(rescale(argument.expr, scale, to_scale)?, Kind::Decimal { scale: to_scale }))
        }
        // Arrow divides the integer by a power of ten, which rounds once as long as both are exact.
        (Kind::Decimal { scale }, DataType::Float64) => {
            Ok(Value::new(bounded(argument.expr), Kind::Float { scale, rounded: false }))
        }
        _ => Err(declined()),
    }
}

/// Limits a value to the integers that any number of digits behind the point leaves exact.
fn bounded(expr: Expr) -> Expr {
    Expr::Bound { argument: Box::new(expr), magnitude_max: EXACT_MAGNITUDE_MAX }
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
