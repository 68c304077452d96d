//! `sum` and `avg`, which is a sum and a count.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::physical_expr::PhysicalExpr;
use pushdown::aggregates::Sum;
use pushdown::fragment::{Aggregate, Expr};

use super::builder::{Builder, PlannedAggregate, declined_argument};
use crate::decline::DeclineReason;
use crate::decode::StateKind;
use crate::numbers::Number;
use crate::translate::value::{Value, ValueKind};
use crate::translate::{data_type, operand};

/// What DataFusion makes of the numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Their sum, integers in more bits than they have.
    Exact,
    /// Their sum, integers modulo 2^64: in a session that has DataFusion's own function.
    Wrapped,
    /// Sum and count.
    Average,
}

pub(super) fn add(
    builder: &mut Builder<'_>,
    planned: &PlannedAggregate<'_>,
    argument: &Arc<dyn PhysicalExpr>,
    filter: Option<Expr>,
    kept: Kept,
) -> Result<(), DeclineReason> {
    let ty = data_type(builder.columns, argument)?;
    let Value { expr, kind } = operand(builder.columns, argument)?;
    let (function, number) = match (kind, &ty) {
        (ValueKind::Int, DataType::Int64 | DataType::UInt64) if kept == Kept::Exact => {
            (Sum::Exact, Number::Int)
        }
        (ValueKind::Int, DataType::Int64 | DataType::UInt64) if kept == Kept::Wrapped => {
            (Sum::Wrap, Number::Int)
        }
        (ValueKind::Float { scale, .. }, DataType::Float64) => (Sum::Exact, Number::Float { scale }),
        (ValueKind::Decimal { .. }, DataType::Decimal128(..)) => (Sum::Exact, Number::Decimal),
        _ => return Err(declined_argument(planned, &ty)),
    };
    let sum = StateKind::Sum(number);
    let state: &[StateKind] = if kept == Kept::Average { &[StateKind::SumCount, sum] } else { &[sum] };
    builder.keep(Aggregate { function: function.into(), arguments: vec![expr], filter }, state);
    Ok(())
}
