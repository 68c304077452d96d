//! DataFusion's planner, which looks first whether the files are there, and adds the listings of the programs to EXPLAIN VERBOSE.
//!
//! DataFusion prints the plan after each of its rules, and some times more, by the nodes' own words. A listing is long
//! and there is none before a host was asked for it. So it is no part of these prints but a row of its own behind them.
//! For that row the query is planned a second time: an `ExplainExec` holds texts and not the plan.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::common::display::{PlanType, StringifiedPlan};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::explain::ExplainExec;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};

use crate::exec::KernelFilterReduceExec;
use crate::format::check_files;

/// What stands in the first column of the row, behind "physical_plan after".
const PREPARED: &str = "KernelPushdown, prepared on this host";

/// DataFusion's planner, with both.
#[derive(Debug, Default)]
pub struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        check_files(plan)?;
        let planner = DefaultPhysicalPlanner::default();
        let planned = planner.create_physical_plan(plan, session).await?;
        let LogicalPlan::Explain(explain) = plan else { return Ok(planned) };
        let Some(shown) = planned.downcast_ref::<ExplainExec>().filter(|shown| shown.verbose()) else {
            return Ok(planned);
        };
        // Why the plan could not be made is among the texts.
        let Ok(explained) = planner.create_physical_plan(&explain.plan, session).await else {
            return Ok(planned);
        };
        let listings = listings(&explained)?;
        if listings.is_empty() {
            return Ok(planned);
        }
        let mut texts = shown.stringified_plans().to_vec();
        let plan_type = PlanType::OptimizedPhysicalPlan { optimizer_name: PREPARED.to_owned() };
        texts.push(StringifiedPlan::new(plan_type, listings.join("\n\n")));
        Ok(Arc::new(ExplainExec::new(shown.schema(), texts, shown.verbose())))
    }
}

/// Of all programs, from left to right.
fn listings(plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<String>> {
    let mut listings = Vec::new();
    plan.apply(|node| {
        if let Some(node) = node.downcast_ref::<KernelFilterReduceExec>() {
            listings.push(node.listing());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(listings)
}
