//! Tests for NULL, of columns.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column as PhysicalColumn, IsNotNullExpr, IsNullExpr};
use pushdown::fragment::Expr;
use pushdown::ops::NullTest;

use super::Translated;
use crate::columns::Columns;
use crate::decline::{DeclineReason, Incomparable};

pub(super) fn translate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Expr> {
    let (op, argument) = if let Some(null) = expr.downcast_ref::<IsNullExpr>() {
        (NullTest::IsNull, null.arg())
    } else {
        (NullTest::IsNotNull, expr.downcast_ref::<IsNotNullExpr>()?.arg())
    };
    Some(match argument.downcast_ref::<PhysicalColumn>() {
        Some(column) => columns.find(column).map(|(index, _)| Expr::call(op, [Expr::Column(index)])),
        None => Err(DeclineReason::Comparison(Incomparable::NullExpression)),
    })
}
