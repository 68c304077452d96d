//! A physical optimizer rule: what is the same in all rows of an input need not be so above an outer join or grouping sets.
//!
//! Both add rows in which columns of their input are NULL. DataFusion 55 does not think of them: it takes a column that a filter
//! made constant below for constant above, and leaves out sorts, or ends groups early. With `k` and the rows of `x` as
//!
//! ```text
//! k          x.b,x.a      SELECT k, a FROM k LEFT JOIN (SELECT * FROM x WHERE a = 1) ON b = k ORDER BY a, k DESC
//! 5          5,1
//! 9                       5,1 and then 9,NULL; unsorted it comes as 9,NULL and then 5,1
//! ```
//!
//! This rule puts a node between that knows nothing of constants. What is known of orders is left out, too: nobody relies on it there.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result, Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

use super::chain::over_all;

/// Forgets the constants of inputs whose columns become NULL.
#[derive(Debug)]
pub struct NullExtended;

impl PhysicalOptimizerRule for NullExtended {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| forget_constants(&node)).data()
    }

    fn name(&self) -> &str {
        "NullExtended"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn forget_constants(node: &Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let children = node.children();
    let extended = extended_inputs(node);
    let is_wrong = |(child, is_extended): (&&Arc<dyn ExecutionPlan>, &bool)| {
        *is_extended && !child.equivalence_properties().constants().is_empty()
    };
    if !children.iter().zip(&extended).any(is_wrong) {
        return Ok(Transformed::no(Arc::clone(node)));
    }
    let inputs = children.into_iter().zip(extended).map(|(child, is_extended)| match is_extended {
        true => Arc::new(NullExtendedExec::new(Arc::clone(child))) as _,
        false => Arc::clone(child),
    });
    over_all(node, inputs.collect()).map(Transformed::yes)
}

/// Of each input whether the node adds rows in which its columns are NULL.
fn extended_inputs(node: &Arc<dyn ExecutionPlan>) -> Vec<bool> {
    let aggregate = node.downcast_ref::<AggregateExec>();
    if let Some(aggregate) = aggregate {
        return vec![aggregate.group_expr().has_grouping_set()];
    }
    let join = node.downcast_ref::<HashJoinExec>().map(|join| *join.join_type());
    let join = join.or_else(|| node.downcast_ref::<NestedLoopJoinExec>().map(|join| *join.join_type()));
    let join = join.or_else(|| node.downcast_ref::<SortMergeJoinExec>().map(|join| join.join_type()));
    match join {
        Some(JoinType::Left) => vec![false, true],
        Some(JoinType::Right) => vec![true, false],
        Some(JoinType::Full) => vec![true, true],
        _ => Vec::new(),
    }
}

/// Yields what its child yields, and says nothing of it.
#[derive(Debug, Clone)]
pub struct NullExtendedExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl NullExtendedExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = input.properties().as_ref().clone();
        let properties = properties.with_eq_properties(EquivalenceProperties::new(input.schema()));
        NullExtendedExec { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for NullExtendedExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => f.write_str(self.name()),
            DisplayFormatType::TreeRender => Ok(()),
        }
    }
}

impl ExecutionPlan for NullExtendedExec {
    fn name(&self) -> &str {
        "NullExtendedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(NullExtendedExec::new(input))),
            _ => internal_err!("{} has one child", self.name()),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        input_stats: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(input_stats[0].clone())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(parent_filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _phase: FilterPushdownPhase,
        child_pushdown_result: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(child_pushdown_result))
    }
}
