//! Comparisons of an expression with a constant.
//!
//! Whatever the integers of an expression stand for, they are in order. So a constant is a place among them: the first
//! integer that is at least the constant, and the first that is greater. They are neighbours if an integer equals it,
//! and the same if none does.
//!
//! A cast to a type that only the constant needs is looked through: not the column is multiplied by a power of ten,
//! for every record, but the constant divided, once.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column as PhysicalColumn};
use pushdown::fragment::Expr;
use pushdown::ops::{Comparison, Logic};

use super::constants::constant;
use super::floats::{comparable, threshold};
use super::operand;
use super::value::{Value, ValueKind};
use crate::columns::Columns;
use crate::decline::{DeclineReason, Incomparable};

/// A constant among the integers of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The expression.
    pub expr: Expr,
    /// The least integer that is at least the constant.
    pub reaches: i128,
    /// The least integer that is greater than the constant.
    pub exceeds: i128,
}

impl Bounds {
    /// For a constant that is not NULL, and an expression that is neither a string nor a truth value.
    pub fn of(
        columns: &Columns,
        expr: &Arc<dyn PhysicalExpr>,
        scalar: &ScalarValue,
    ) -> Result<Bounds, DeclineReason> {
        // Checks the cast, if it is one, before it is looked through.
        let whole = operand(columns, expr)?;
        match (whole.kind, scalar) {
            (ValueKind::Float { rounded: true, .. }, _) => Err(DeclineReason::FloatRounding),
            (ValueKind::Float { scale, .. }, ScalarValue::Float64(Some(number))) => {
                let found = threshold(comparable(*number)?, scale);
                let expr = integer_column(columns, expr)?.unwrap_or(whole.expr);
                Ok(Bounds { expr, reaches: i128::from(found.reaches), exceeds: i128::from(found.exceeds) })
            }
            (ValueKind::Decimal { scale }, ScalarValue::Decimal128(Some(number), _, other)) => {
                if i64::from(scale) != i64::from(*other) {
                    return Err(DeclineReason::Comparison(Incomparable::DecimalScales));
                }
                let (expr, inner) = before_rescaling(columns, expr, whole.expr, scale)?;
                let factor = 10i128.pow(u32::from(scale - inner));
                let below = number.div_euclid(factor);
                let reaches = if number.rem_euclid(factor) == 0 { below } else { below + 1 };
                Ok(Bounds { expr, reaches, exceeds: below + 1 })
            }
            (ValueKind::Int, ScalarValue::UInt64(Some(number))) => {
                Ok(Bounds::exactly(whole.expr, i128::from(*number)))
            }
            (kind, scalar) => match constant(scalar)? {
                Value { expr, kind: other }
                    if let (Some(number), true) = (expr.as_integer(), other == kind) =>
                {
                    Ok(Bounds::exactly(whole.expr, i128::from(number)))
                }
                _ => Err(DeclineReason::Comparison(Incomparable::Types)),
            },
        }
    }

    fn exactly(expr: Expr, number: i128) -> Bounds {
        Bounds { expr, reaches: number, exceeds: number + 1 }
    }

    /// `expr op constant`.
    pub fn compare(self, op: Comparison) -> Expr {
        let Bounds { expr, reaches, exceeds } = self;
        if let (Ok(number), true) = (i64::try_from(reaches), exceeds == reaches + 1) {
            return compare(op, expr, number);
        }
        match op {
            Comparison::GtEq => at_least(expr, reaches),
            Comparison::Gt => at_least(expr, exceeds),
            Comparison::Lt => below(expr, reaches),
            Comparison::LtEq => below(expr, exceeds),
            Comparison::Eq if exceeds - reaches <= 1 => unless_null(expr, false),
            Comparison::NotEq if exceeds - reaches <= 1 => unless_null(expr, true),
            Comparison::Eq => Expr::call(Logic::And, [at_least(expr.clone(), reaches), below(expr, exceeds)]),
            Comparison::NotEq => {
                Expr::call(Logic::Or, [below(expr.clone(), reaches), at_least(expr, exceeds)])
            }
        }
    }
}

fn compare(op: Comparison, left: Expr, right: i64) -> Expr {
    Expr::call(op, [left, Expr::integer(right)])
}

/// `truth` where the expression is not NULL, else NULL.
pub(super) fn unless_null(expr: Expr, truth: bool) -> Expr {
    compare(if truth { Comparison::LtEq } else { Comparison::Gt }, expr, i64::MAX)
}

fn at_least(expr: Expr, number: i128) -> Expr {
    match i64::try_from(number) {
        Ok(number) => compare(Comparison::GtEq, expr, number),
        Err(_) => unless_null(expr, number < 0),
    }
}

fn below(expr: Expr, number: i128) -> Expr {
    match i64::try_from(number) {
        Ok(number) => compare(Comparison::Lt, expr, number),
        Err(_) => unless_null(expr, number > 0),
    }
}

/// The integer column below a cast to a double. Its values are rounded to doubles as texts are, so that the threshold
/// holds for all of them; only further arithmetic would need those that are exact.
fn integer_column(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Result<Option<Expr>, DeclineReason> {
    match expr.downcast_ref::<CastExpr>() {
        Some(cast) if cast.expr().is::<PhysicalColumn>() => {
            let inner = operand(columns, cast.expr())?;
            Ok((inner.kind == ValueKind::Int).then_some(inner.expr))
        }
        _ => Ok(None),
    }
}

/// The argument of casts between exact numbers, and its scale; else the expression itself.
fn before_rescaling(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    whole: Expr,
    scale: u8,
) -> Result<(Expr, u8), DeclineReason> {
    if let Some(cast) = expr.downcast_ref::<CastExpr>()
        && matches!(cast.cast_type(), DataType::Decimal128(..))
    {
        let inner = operand(columns, cast.expr())?;
        match inner.kind {
            ValueKind::Int => return Ok((inner.expr, 0)),
            ValueKind::Decimal { scale } => return before_rescaling(columns, cast.expr(), inner.expr, scale),
            _ => {}
        }
    }
    Ok((whole, scale))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{Field, Schema};
    use datafusion::physical_expr::expressions::{cast, col};

    use super::*;
    use crate::sample::Sample;

    fn bounds(cast_to: Option<DataType>, scalar: ScalarValue) -> (i128, i128) {
        let schema = Arc::new(Schema::new(vec![Field::new("d", DataType::Decimal128(9, 2), true)]));
        let columns = Columns::new(&schema, &[0], &Sample::default(), |_| false).unwrap();
        let mut expr = col("d", &schema).unwrap();
        if let Some(ty) = cast_to {
            expr = cast(expr, &schema, ty).unwrap();
        }
        let found = Bounds::of(&columns, &expr, &scalar).unwrap();
        assert_eq!(found.expr, Expr::Column(0), "the cast is looked through");
        (found.reaches, found.exceeds)
    }

    #[test]
    fn casts_divide_the_constant() {
        let wide = || Some(DataType::Decimal128(20, 5));
        let constant = |number| ScalarValue::Decimal128(Some(number), 20, 5);
        assert_eq!(bounds(None, ScalarValue::Decimal128(Some(150), 9, 2)), (150, 151));
        assert_eq!(bounds(wide(), constant(150_000)), (150, 151));
        assert_eq!(bounds(wide(), constant(150_001)), (151, 151));
        assert_eq!(bounds(wide(), constant(-150_001)), (-150, -150));
        assert_eq!(bounds(wide(), constant(-150_000)), (-150, -149));
    }

    #[test]
    fn bounds_beyond_all_integers_become_constants_that_keep_null() {
        let beyond = |number| Bounds::exactly(Expr::Column(0), number);
        let big = i128::from(i64::MAX) + 1;
        let never = unless_null(Expr::Column(0), false);
        let always = unless_null(Expr::Column(0), true);
        assert_eq!(beyond(big).compare(Comparison::Lt), always);
        assert_eq!(beyond(big).compare(Comparison::GtEq), never);
        assert_eq!(beyond(big).compare(Comparison::Eq), never);
        assert_eq!(beyond(-big * 2).compare(Comparison::Gt), always);
        assert_eq!(beyond(-big * 2).compare(Comparison::NotEq), always);
        assert_eq!(beyond(7).compare(Comparison::Gt), compare(Comparison::Gt, Expr::Column(0), 7));
    }
}
