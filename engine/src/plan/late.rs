//! A physical optimizer rule: what may fail is computed after a filter, where it was written.
//!
//! DataFusion moves a projection below a filter if fewer columns come out of it than go in. So
//! `SELECT b, a / b + c FROM t WHERE b <> 0` divides by zero, with pushdown and without. This rule moves it back. Sources of
//! CSV files do not take such a projection in, so that it can be found here.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::ProjectionExec;

use super::chain::{only_moves_rows, over};
use crate::translate::may_fail;

/// Moves projections that may fail above the filters that drop rows of them.
#[derive(Debug)]
pub struct LateProjection;

impl PhysicalOptimizerRule for LateProjection {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match lifted(&node)? {
            Some(projection) => Ok(Transformed::yes(projection)),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "LateProjection"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The projection over the filter, for a filter over a projection that may fail.
fn lifted(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(None) };
    let mut between = Vec::new();
    let mut below = filter.input();
    while only_moves_rows(below) {
        let [child] = below.children()[..] else { return Ok(None) };
        between.push(below);
        below = child;
    }
    let Some(projection) = below.downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let schema = projection.input().schema();
    let expressions = projection.projection_expr();
    let moves = expressions.expr_iter().any(|expr| may_fail(&expr, &schema));
    // Such as random(): computed in the filter, it would be another number.
    if !moves || expressions.expr_iter().any(|expr| is_volatile(&expr)) {
        return Ok(None);
    }
    let predicate = expressions.unproject_expr(filter.predicate())?;
    let input = between
        .into_iter()
        .rev()
        .try_fold(Arc::clone(projection.input()), |input, node| over(node, input))?;
    let filtered = FilterExecBuilder::new(predicate, input)
        .with_default_selectivity(filter.default_selectivity())
        .with_fetch(filter.fetch())
        .build()?;
    let all: Vec<_> = projection.expr().to_vec();
    let kept = match filter.projection() {
        Some(indices) => indices.iter().map(|&index| all[index].clone()).collect(),
        None => all,
    };
    Ok(Some(Arc::new(ProjectionExec::try_new(kept, Arc::new(filtered))?)))
}
