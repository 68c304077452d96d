//! Strings: a column, perhaps in another string type, and the constants that it is compared with for equality.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column as PhysicalColumn};
use pushdown::fragment::{ColumnType, Expr, Literal, STRING_LITERAL_BYTES_MAX};

use super::data_type;
use crate::columns::Columns;
use crate::decline::DeclineReason;

/// The fragment's column, if the expression is a string column, perhaps in another string type.
pub(super) fn string_column(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
) -> Result<Option<Expr>, DeclineReason> {
    if let Some(cast) = expr.downcast_ref::<CastExpr>()
        && cast.cast_type().is_string()
        && data_type(columns, cast.expr())?.is_string()
    {
        return string_column(columns, cast.expr());
    }
    let Some(column) = expr.downcast_ref::<PhysicalColumn>() else { return Ok(None) };
    let (index, column) = columns.find(column)?;
    Ok((column.ty == ColumnType::String).then_some(Expr::Column(index)))
}

/// A constant that a string is compared with.
pub(super) fn string_constant(scalar: &ScalarValue) -> Result<Expr, DeclineReason> {
    match scalar.try_as_str() {
        Some(Some(text)) if text.len() <= STRING_LITERAL_BYTES_MAX => {
            Ok(Literal::Bytes(text.as_bytes().to_vec()).into())
        }
        _ => Err(DeclineReason::Constant(scalar.to_string())),
    }
}
