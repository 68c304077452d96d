//! A physical optimizer rule: groups of floating point numbers are all kept, also where only the top ones are wanted.
//!
//! Where an aggregation feeds `ORDER BY ... LIMIT`, DataFusion keeps only so many groups. What finds them takes each
//! NaN for a group of its own, and panics when it drops one:
//!
//! ```text
//! SELECT DISTINCT x FROM t ORDER BY x DESC LIMIT 2        x: 1, NaN, NaN        NaN, 1 and not NaN, NaN
//! ```
//!
//! It also has another place for NaN and for negative zeros than sorts and other aggregations. Without that limit the
//! sort above finds the top.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

/// Takes the limit off aggregations of floating point numbers that have an order.
#[derive(Debug)]
pub struct TopGroups;

impl PhysicalOptimizerRule for TopGroups {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let keep_all = |node: Arc<dyn ExecutionPlan>| {
            let aggregate = node.downcast_ref::<AggregateExec>().filter(|aggregate| keeps_top(aggregate));
            Ok(match aggregate {
                Some(aggregate) => Transformed::yes(Arc::new(aggregate.with_new_limit_options(None)) as _),
                None => Transformed::no(node),
            })
        };
        plan.transform_up(keep_all).data()
    }

    fn name(&self) -> &str {
        "TopGroups"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn keeps_top(aggregate: &AggregateExec) -> bool {
    let is_ordered = aggregate.limit_options().is_some_and(|limit| limit.descending().is_some());
    is_ordered && aggregate.schema().fields().iter().any(|field| field.data_type().is_floating())
}
