//! A value that a cast cannot convert: of a text which column it is in, and what to write instead.
//!
//! `WHERE v = 7` over a column of texts reads them as numbers. Arrow says which text is none, and not where it comes from.

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::prelude::SessionContext;
use engine::csv::rejects::sql_type_name;

use crate::sql;

/// What is wrong with a text, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct NoValue {
    pub sentence: String,
    pub hint: String,
}

/// None: it is another error.
pub async fn advise(error: &DataFusionError, context: &SessionContext, statement: &str) -> Option<NoValue> {
    let DataFusionError::ArrowError(arrow, _) = error.find_root() else { return None };
    let ArrowError::CastError(text) = arrow.as_ref() else { return None };
    if let Some(advice) = out_of_range(text) {
        return Some(advice);
    }
    let (value, ty) = text.strip_prefix("Cannot cast string '")?.rsplit_once("' to value of ")?;
    let ty: DataType = ty.strip_suffix(" type")?.parse().ok()?;
    let name = sql_type_name(&ty);
    let columns = columns_read_as(&ty, context, statement).await.unwrap_or_default();
    let sentence = |place: &str| format!("{} {place}is no {name}", sql::string(value));
    let [column] = columns.as_slice() else {
        let hint = format!("TRY_CAST(... AS {name}) makes NULL of such texts.");
        return Some(NoValue { sentence: sentence(""), hint });
    };
    let hint = format!(
        "The column {column} is text: compare it with a text, as in {column} = '7', or convert it with \
         TRY_CAST({column} AS {name}), which makes NULL of such texts."
    );
    Some(NoValue { sentence: sentence(&format!("in the column {column} ")), hint })
}

/// A number that its new type does not hold.
fn out_of_range(text: &str) -> Option<NoValue> {
    let (value, ty) = text.strip_prefix("Can't cast value ")?.rsplit_once(" to type ")?;
    let name = sql_type_name(&ty.parse().ok()?);
    let hint = format!("Use a wider type, or TRY_CAST(... AS {name}), which makes NULL of such values.");
    Some(NoValue { sentence: format!("{value} does not fit the type {name}"), hint })
}

/// The columns of texts that the statement reads as values of a type, by a cast that is written or that a comparison needs.
async fn columns_read_as(ty: &DataType, context: &SessionContext, statement: &str) -> Result<Vec<String>> {
    let state = context.state();
    let plan = state.create_logical_plan(statement.trim_end_matches(';')).await?;
    let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
    let mut columns = Vec::new();
    plan.apply_with_subqueries(|node: &LogicalPlan| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Cast(cast) = expr
                    && cast.field.data_type() == ty
                    && let Expr::Column(column) = cast.expr.as_ref()
                    && cast.expr.get_type(&schema).is_ok_and(|from| from.is_string())
                {
                    let name = sql::identifier(&column.name);
                    if !columns.contains(&name) {
                        columns.push(name);
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(columns)
}
