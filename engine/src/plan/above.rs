//! What stands above a scan that can tell how its rows are cut into batches.
//!
//! A program leaves fewer rows for the same number of bytes, so that batches above it hold other rows than without it.
//! Nobody notices, unless somebody stops asking before the end, and on the way there something may fail: then the cut
//! decides whether a row that fails is ever evaluated. `SELECT DISTINCT 10 / b FROM t WHERE a = 1 LIMIT 1`, with batches
//! of three rows, over
//!
//! ```text
//! a,b
//! 1,5
//! 1,2
//! 2,7
//! 1,0
//! ```
//!
//! DataFusion filters the first three rows, divides two of them, has its row and stops. From a program come the three
//! rows with `a = 1`, the last one among them, and the query fails.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::EmissionType;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::null_extended::NullExtendedExec;
use crate::translate::may_fail;

/// The nodes from the root of a plan down to, and without, the one that is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Above {
    /// One of them may not ask for all rows.
    stops_early: bool,
    /// That one, or one below it, evaluates something that may fail.
    may_fail: bool,
    /// One that gets the rows as they come, evaluates something that may fail.
    fails_on_rows: bool,
}

impl Above {
    /// Whether rows that come in other batches may turn an error into an answer, or the reverse.
    pub fn sees_batches(self) -> bool {
        self.stops_early && self.may_fail
    }

    /// Whether it may depend on how the rows are cut into batches what is computed of one of them, and fails. DataFusion
    /// evaluates the right side of `a <> 0 AND 10 / a > 1` on all rows of a batch, on some of them or not at all.
    pub fn fails_on_rows(self) -> bool {
        self.fails_on_rows
    }

    /// One node further down.
    pub fn and(self, node: &Arc<dyn ExecutionPlan>) -> Result<Above> {
        let fails = evaluates_what_may_fail(node)?;
        if reads_everything(node) {
            if node.pipeline_behavior() == EmissionType::Final {
                // What is above it gets the same rows, however they came to it.
                return Ok(Above { fails_on_rows: fails, ..Above::default() });
            }
            let may_fail = self.may_fail || (self.stops_early && fails);
            return Ok(Above { may_fail, fails_on_rows: self.fails_on_rows || fails, ..self });
        }
        // Its own expressions stand below the point at which it stops.
        Ok(Above {
            stops_early: true,
            may_fail: self.may_fail || fails,
            fails_on_rows: self.fails_on_rows || fails,
        })
    }
}

/// Nodes that are known to ask for rows until the end; any other is taken for one that may stop.
fn reads_everything(node: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
        // With an order, the limit only says what to keep.
        return aggregate.limit_options().is_none_or(|limit| limit.descending().is_some());
    }
    if node.is::<SortExec>() {
        return node.pipeline_behavior() == EmissionType::Final || node.fetch().is_none();
    }
    let known = node.is::<ProjectionExec>()
        || node.is::<FilterExec>()
        || node.is::<CoalescePartitionsExec>()
        || node.is::<RepartitionExec>()
        || node.is::<CooperativeExec>()
        || node.is::<NullExtendedExec>()
        || node.is::<SortPreservingMergeExec>()
        || node.is::<UnionExec>()
        || node.is::<HashJoinExec>()
        || node.is::<NestedLoopJoinExec>()
        || node.is::<CrossJoinExec>()
        || node.is::<WindowAggExec>()
        || node.is::<BoundedWindowAggExec>()
        || node.is::<AnalyzeExec>();
    known && node.fetch().is_none()
}

fn evaluates_what_may_fail(node: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let schema: SchemaRef = match node.downcast_ref::<AggregateExec>() {
        Some(aggregate) => aggregate.input_schema(),
        None => match node.children()[..] {
            [child] => child.schema(),
            // Of unknown type, arithmetic is taken for what may fail.
            _ => Arc::new(Schema::empty()),
        },
    };
    // A sort with a limit also has a filter that changes while it runs, of the same keys and constants: it cannot fail either.
    if let Some(sort) = node.downcast_ref::<SortExec>() {
        return Ok(sort.expr().iter().any(|key| may_fail(&key.expr, &schema)));
    }
    let mut found = false;
    node.apply_expressions(&mut |expr| {
        found |= may_fail(expr, &schema);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
