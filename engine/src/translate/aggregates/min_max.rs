//! `min` and `max`.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use pushdown::aggregates::MinMax;
use pushdown::fragment::{Aggregate, Expr};

use super::builder::{Builder, PlannedAggregate, declined_argument};
use crate::decline::DeclineReason;
use crate::decode::StateKind;
use crate::numbers::Number;
use crate::translate::value::{Value, ValueKind};
use crate::translate::{data_type, operand};

pub(super) fn add(
    builder: &mut Builder<'_>,
    planned: &PlannedAggregate<'_>,
    argument: &Arc<dyn PhysicalExpr>,
    filter: Option<Expr>,
    function: MinMax,
) -> Result<(), DeclineReason> {
    let ty = data_type(builder.columns, argument)?;
    if ty.is_string() {
        return Err(declined_argument(planned, &ty));
    }
    let Value { expr, kind } = operand(builder.columns, argument)?;
    let number = match kind {
        ValueKind::Int => Number::Int,
        ValueKind::Float { rounded: true, .. } => return Err(DeclineReason::FloatRounding),
        ValueKind::Float { scale, .. } => Number::Float { scale },
        ValueKind::Decimal { .. } => Number::Decimal,
        ValueKind::Date => Number::Date,
        ValueKind::Boolean => return Err(declined_argument(planned, &ty)),
    };
    let aggregate = Aggregate { function: function.into(), arguments: vec![expr], filter };
    builder.keep(aggregate, &[StateKind::Extreme(number)]);
    Ok(())
}
