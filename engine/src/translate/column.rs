//! Columns as operands.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use pushdown::fragment::{ColumnType, Expr};

use super::Translated;
use super::value::{Value, ValueKind};
use crate::columns::Columns;
use crate::decline::{DeclineReason, Incomparable};

pub(super) fn translate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Value> {
    expr.downcast_ref::<PhysicalColumn>().map(|column| column_value(columns, column))
}

fn column_value(columns: &Columns, column: &PhysicalColumn) -> Result<Value, DeclineReason> {
    let (index, column) = columns.find(column)?;
    let kind = match column.ty {
        ColumnType::Int { .. } => ValueKind::Int,
        ColumnType::Float { scale } => ValueKind::Float { scale, rounded: false },
        ColumnType::Decimal { scale, .. } => ValueKind::Decimal { scale },
        ColumnType::Date => ValueKind::Date,
        ColumnType::Boolean => ValueKind::Boolean,
        ColumnType::String => {
            return Err(DeclineReason::Comparison(Incomparable::StringExpression));
        }
    };
    Ok(Value::new(Expr::Column(index), kind))
}
