//! A physical optimizer rule: whether a filter fails on a row depends on that row alone.
//!
//! DataFusion may leave out the right side of an AND or OR where the left one decides, but for a batch as a whole. With
//! `a > 1 AND 10 / b > 1` over
//!
//! ```text
//! a,b
//! 1,0
//! 2,5
//! ```
//!
//! it divides by zero if both rows are in one batch, and not if each has its own. So the same query fails or not by chance. This rule
//! puts what may fail behind what does not, row by row: `a > 1 AND CASE WHEN a > 1 THEN 10 / b > 1 END`. A program may then drop
//! the first row, and one that computes with integers leaves a row that overflows to this filter.

use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, Literal, NotExpr, lit};
use datafusion::physical_expr::utils::{conjunction, split_conjunction};
use datafusion::physical_expr_common::physical_expr::{is_volatile, with_new_children_if_necessary};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};

use crate::translate::{has_junction, junction, may_fail};

type Expr = Arc<dyn PhysicalExpr>;

/// Guards what may fail in filters.
#[derive(Debug)]
pub struct GuardedFilter;

impl PhysicalOptimizerRule for GuardedFilter {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let guard = |node: Arc<dyn ExecutionPlan>| {
            let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(Transformed::no(node)) };
            let Some(predicate) = guarded(filter.predicate(), &filter.input().schema())? else {
                return Ok(Transformed::no(node));
            };
            let guarded = FilterExecBuilder::from(filter).with_predicate(predicate).build()?;
            Ok(Transformed::yes(Arc::new(guarded) as Arc<dyn ExecutionPlan>))
        };
        plan.transform_up(guard).data()
    }

    fn name(&self) -> &str {
        "GuardedFilter"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The predicate with guards. None: it needs none, or has them. What does not fail stays as it is beside the guard, since the plan may
/// rely on it: `a = 1` says that rows are sorted by `a`.
fn guarded(predicate: &Expr, schema: &Schema) -> Result<Option<Expr>> {
    // Such as random(): a guard computes some of it twice.
    if is_volatile(predicate) {
        return Ok(None);
    }
    let conjuncts = split_conjunction(predicate);
    let (failing, safe): (Vec<&Expr>, Vec<&Expr>) =
        conjuncts.into_iter().partition(|conjunct| may_fail(conjunct, schema));
    if let [only] = failing[..]
        && (safe.is_empty() || guard(only).is_some_and(|(when, _)| covers(when, &safe)))
    {
        let lazy = lazy(only, schema)?;
        return Ok((&lazy != only).then(|| conjunction(safe.into_iter().cloned().chain([lazy]))));
    }
    let mut last: Option<Expr> = None;
    for conjunct in failing.into_iter().rev() {
        let first = lazy(conjunct, schema)?;
        last = Some(match last {
            None => first,
            Some(then) => case(first, then, None)?,
        });
    }
    let Some(last) = last else { return Ok(None) };
    if safe.is_empty() {
        return Ok(Some(last));
    }
    let when = conjunction(safe.iter().copied().cloned());
    Ok(Some(conjunction(safe.into_iter().cloned().chain([case(when, last, None)?]))))
}

/// An expression with the same values, in which no AND or OR chooses for a whole batch what may fail.
fn lazy(expr: &Expr, schema: &Schema) -> Result<Expr> {
    if !may_fail(expr, schema) || plain_junction(expr).is_some() {
        return Ok(Arc::clone(expr));
    }
    let children: Vec<Expr> =
        expr.children().into_iter().map(|child| lazy(child, schema)).collect::<Result<_>>()?;
    let expr = with_new_children_if_necessary(Arc::clone(expr), children)?;
    let Some(both) = junction(&expr) else { return Ok(expr) };
    let (operator, left, right) = (*both.op(), both.left(), both.right());
    let (first, second) =
        if may_fail(left, schema) && !may_fail(right, schema) { (right, left) } else { (left, right) };
    let both = BinaryExpr::new(Arc::clone(first), operator, Arc::clone(second));
    let (when, then) = match operator {
        Operator::Or => (Arc::clone(first), true),
        _ => (Arc::new(NotExpr::new(Arc::clone(first))) as Expr, false),
    };
    case(when, lit(then), Some(Arc::new(both)))
}

fn case(when: Expr, then: Expr, otherwise: Option<Expr>) -> Result<Expr> {
    Ok(Arc::new(CaseExpr::try_new(None, vec![(when, then)], otherwise)?))
}

/// A CASE with one condition.
fn only_case(expr: &Expr) -> Option<(&Expr, &Expr, Option<&Expr>)> {
    let case = expr.downcast_ref::<CaseExpr>().filter(|case| case.expr().is_none())?;
    let [(when, then)] = case.when_then_expr() else { return None };
    Some((when, then, case.else_expr()))
}

/// What is guarded, and by what: `CASE WHEN when THEN then END` as a filter.
fn guard(expr: &Expr) -> Option<(&Expr, &Expr)> {
    only_case(expr).filter(|(_, _, otherwise)| otherwise.is_none()).map(|(when, then, _)| (when, then))
}

/// Whether all of `safe` are among the conjuncts of the guard.
fn covers(when: &Expr, safe: &[&Expr]) -> bool {
    let guards = split_conjunction(when);
    safe.iter().all(|conjunct| guards.contains(conjunct))
}

/// The AND or OR that a guard of [`lazy`] stands for: `CASE WHEN a THEN true ELSE a OR b END`, and
/// `CASE WHEN NOT a THEN false ELSE a AND b END`.
fn plain_junction(expr: &Expr) -> Option<&Expr> {
    let (when, then, Some(otherwise)) = only_case(expr)? else { return None };
    let both = junction(otherwise)?;
    let (guard, decides) = match both.op() {
        Operator::Or => (when, true),
        _ => (when.downcast_ref::<NotExpr>()?.arg(), false),
    };
    let then = then.downcast_ref::<Literal>()?.value();
    (*then == ScalarValue::Boolean(Some(decides)) && guard == both.left()).then_some(otherwise)
}

/// A conjunct without guards.
#[derive(Debug, Clone)]
pub(super) struct Conjunct {
    pub expr: Expr,
    /// Whether it fails on a row or not depends on that row alone.
    pub is_guarded: bool,
}

/// The conjuncts of a predicate, first those that do not fail, the others in the order in which a row meets them.
pub(super) fn conjuncts(predicate: &Expr, schema: &Schema) -> Result<Vec<Conjunct>> {
    let is_guarded = !is_volatile(predicate) && guarded(predicate, schema)?.is_none();
    let mut all: Vec<Expr> = Vec::new();
    let mut open: Vec<&Expr> = split_conjunction(predicate);
    open.reverse();
    while let Some(next) = open.pop() {
        if let Some((when, then)) = guard(next).filter(|_| is_guarded) {
            open.extend(split_conjunction(then).into_iter().rev());
            open.extend(split_conjunction(when).into_iter().rev());
        } else if !all.contains(next) {
            all.push(Arc::clone(next));
        }
    }
    all.into_iter().map(|expr| Ok(Conjunct { expr: without_guards(expr)?, is_guarded })).collect()
}

fn without_guards(expr: Expr) -> Result<Expr> {
    expr.transform_up(|expr| match plain_junction(&expr) {
        Some(plain) => Ok(Transformed::yes(Arc::clone(plain))),
        None => Ok(Transformed::no(expr)),
    })
    .data()
}

/// Whether a program may compute what may fail in this expression: it fails in one place, and whoever comes to that place first
/// knows of the failure. With two of them, it could be found in one order of evaluation and not in another.
pub(super) fn fails_in_one_place(expr: &Expr, schema: &Schema) -> bool {
    failing_places(expr, schema) <= 1
}

fn failing_places(expr: &Expr, schema: &Schema) -> usize {
    if let Some(both) = junction(expr) {
        return failing_places(both.left(), schema) + failing_places(both.right(), schema);
    }
    if let Some(not) = expr.downcast_ref::<NotExpr>() {
        return failing_places(not.arg(), schema);
    }
    match may_fail(expr, schema) {
        true if has_junction(expr) => 2,
        is_place => usize::from(is_place),
    }
}
