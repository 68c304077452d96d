//! IN lists of constants: of numbers, truth values and strings.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::InListExpr;
use pushdown::fragment::Expr;
use pushdown::ops::{InSet, Logic, StringSet};

use super::bounds::{Bounds, unless_null};
use super::constants::{constant, literal};
use super::fallible::may_fail;
use super::string::{string_column, string_constant};
use super::value::{Value, ValueKind};
use super::{Translated, operand};
use crate::columns::Columns;
use crate::decline::{DeclineReason, Incomparable};

pub(super) fn translate(columns: &Columns, expr: &Arc<dyn PhysicalExpr>) -> Translated<Expr> {
    expr.downcast_ref::<InListExpr>().map(|list| in_list(columns, list))
}

fn in_list(columns: &Columns, list: &InListExpr) -> Result<Expr, DeclineReason> {
    let scalars = list
        .list()
        .iter()
        .map(|item| literal(item).ok_or(DeclineReason::Comparison(Incomparable::InExpressions)))
        .collect::<Result<Vec<_>, _>>()?;
    let (null, given): (Vec<_>, Vec<_>) = scalars.into_iter().partition(|scalar| scalar.is_null());
    let found = if given.is_empty() && may_fail(list.expr(), &columns.schema) {
        return Err(DeclineReason::MayFail);
    } else if given.is_empty() {
        Expr::NULL
    } else if let Some(column) = string_column(columns, list.expr())? {
        let mut arguments = vec![column];
        for scalar in given {
            arguments.push(string_constant(scalar)?);
        }
        Expr::call(StringSet::In, arguments)
    } else {
        number_list(columns, list.expr(), &given)?
    };
    // With a NULL in the list, what is not found is unknown.
    let found = if null.is_empty() { found } else { Expr::call(Logic::Or, [found, Expr::NULL]) };
    Ok(if list.negated() { Expr::call(Logic::Not, [found]) } else { found })
}

/// `expr IN (given)`. The constants that the expression can never have fall away.
fn number_list(
    columns: &Columns,
    expr: &Arc<dyn PhysicalExpr>,
    given: &[&ScalarValue],
) -> Result<Expr, DeclineReason> {
    let whole = operand(columns, expr)?;
    if whole.kind == ValueKind::Boolean {
        return truth_list(whole.expr, given);
    }
    let mut values = Vec::with_capacity(given.len());
    let mut left = None;
    for scalar in given {
        let bounds = Bounds::of(columns, expr, scalar)?;
        match bounds.exceeds - bounds.reaches {
            0 => {}
            1 => values.extend(i64::try_from(bounds.reaches)),
            _ => return Err(DeclineReason::Constant(scalar.to_string())),
        }
        left = Some(bounds.expr);
    }
    match left {
        Some(expr) if values.is_empty() => Ok(unless_null(expr, false)),
        Some(expr) => {
            let values = values.into_iter().map(Expr::integer);
            Ok(Expr::call(InSet::In, std::iter::once(expr).chain(values).collect::<Vec<_>>()))
        }
        None => Ok(Expr::NULL),
    }
}

/// The same of truth values.
fn truth_list(expr: Expr, given: &[&ScalarValue]) -> Result<Expr, DeclineReason> {
    let mut arguments = vec![expr];
    for scalar in given {
        match constant(scalar)? {
            Value { expr, kind: ValueKind::Boolean } => arguments.push(expr),
            _ => return Err(DeclineReason::Comparison(Incomparable::Types)),
        }
    }
    Ok(Expr::call(InSet::In, arguments))
}
