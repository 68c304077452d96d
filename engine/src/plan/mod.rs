//! The physical optimizer rule: puts [`KernelFilterReduceExec`] in the place of filters and aggregations on CSV scans.
//!
//! In: a plan just before the filters that change while a query runs are pushed down. Out: the same plan with, for each
//! CSV scan below a filter or an aggregation, one of
//! - the aggregation replaced (`Partial`; a `Single` one becomes a `Final` over the replaced `Partial`),
//! - only the filter replaced, by a program that may let rows through that the original filter drops afterwards,
//! - nothing replaced, and a [`DeclinedExec`] above the scan that says why.
//!
//! Nothing here depends on the host but the sample of the first file: whether, where and as what the program runs is
//! found out at execution.
//!
//! A scan with neither filter nor aggregation has nothing to push down. Where it is large, a program reads the values of
//! its columns all the same, since that is faster; else it is left alone, without a reason and with `require` as well. With
//! `require` a scan of the third kind is an error that names the reasons.

mod above;
mod attempt;
mod chain;
mod declined;
mod file_order;
mod fragments;
mod guard;
mod late;
mod null_extended;
mod offer;
#[cfg(test)]
mod tests;
mod top_groups;

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::config::ConfigOptions;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateInputMode, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning};

pub use declined::DeclinedExec;
pub use file_order::FileOrder;
pub use guard::GuardedFilter;
pub use late::LateProjection;
pub use null_extended::{NullExtended, NullExtendedExec};
pub use top_groups::TopGroups;

use crate::decline::{DeclineReason, Declined, UnexpectedShape};
use crate::exec::KernelFilterReduceExec;
use crate::options::{PushdownMode, WeirOptions};
use above::Above;
use attempt::{NotPlanned, scan_declined, shape};
use chain::{Chain, over, over_all};
use fragments::{Planned, aggregate_fragment, filter_fragment, values_fragment};
use offer::Offer;

/// Replaces filters and aggregations on CSV scans.
#[derive(Debug, Default)]
pub struct KernelPushdown;

impl KernelPushdown {
    /// The rule. What it does is up to the session's [`WeirOptions`].
    pub fn new() -> Self {
        KernelPushdown
    }
}

/// Under `require`, scans have no program.
#[derive(Debug, thiserror::Error)]
#[error("weir.pushdown is 'require', but nothing of the query was pushed into a scan: {}", list(.0))]
pub struct Refused(pub Vec<Declined>);

fn list(declined: &[Declined]) -> String {
    declined.iter().map(Declined::to_string).collect::<Vec<_>>().join("; ")
}

impl PhysicalOptimizerRule for KernelPushdown {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(options) = config.extensions.get::<WeirOptions>() else { return Ok(plan) };
        if options.pushdown == PushdownMode::Off {
            return Ok(plan);
        }
        let mut rewriter = Rewriter { options, refused: Vec::new() };
        let rewritten = rewriter.rewrite(&plan, Above::default())?;
        if options.pushdown == PushdownMode::Require && !rewriter.refused.is_empty() {
            return Err(DataFusionError::External(Box::new(Refused(rewriter.refused))));
        }
        Ok(rewritten)
    }

    fn name(&self) -> &str {
        "KernelPushdown"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

struct Rewriter<'a> {
    options: &'a WeirOptions,
    /// The reasons of all scans for which there is no program.
    refused: Vec<Declined>,
}

impl Rewriter<'_> {
    /// The topmost shape on a scan is tried first. What was replaced, or declined, is not looked into again.
    fn rewrite(&mut self, node: &Arc<dyn ExecutionPlan>, above: Above) -> Result<Arc<dyn ExecutionPlan>> {
        if node.is::<KernelFilterReduceExec>() || node.is::<DeclinedExec>() {
            return Ok(node.clone());
        }
        if let Some(replaced) = self.replace(node, above)? {
            return Ok(replaced);
        }
        let above = above.and(node)?;
        let children = node.children().into_iter().map(|child| self.rewrite(child, above));
        over_all(node, children.collect::<Result<_>>()?)
    }

    /// What becomes of an aggregation or a filter over a chain, or of a scan on which neither stands. None: the node stays, and
    /// what is below it is looked at.
    fn replace(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        above: Above,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let aggregate = node.downcast_ref::<AggregateExec>();
        let aggregate = aggregate.filter(|one| one.mode().input_mode() == AggregateInputMode::Raw);
        let top = match aggregate {
            Some(aggregate) => aggregate.input(),
            None if node.is::<FilterExec>() => node,
            None if node.is::<DataSourceExec>() => return self.plain_scan(node, &[], above),
            None => return Ok(None),
        };
        let Some(chain) = Chain::below(top)? else { return Ok(None) };
        let offer = Offer::new(chain);
        let Some(aggregate) = aggregate else {
            return self.filter(node, &offer, Vec::new(), above).map(Some);
        };
        let declined = match self.aggregate_over(node, aggregate, &offer, above) {
            Ok(replaced) => return Ok(Some(replaced)),
            Err(NotPlanned::Failed(error)) => return Err(error),
            Err(NotPlanned::Declined(declined)) => declined,
        };
        let input = match offer.chain.topmost_filter {
            Some(_) => self.filter_below(top, &offer, declined, above.and(node)?)?,
            None => self.decline(top, declined, above.and(node)?)?,
        };
        over(node, input).map(Some)
    }

    /// A scan on which nothing stands that a program could do. `declined` is why not. None: it stays as it is.
    fn plain_scan(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        declined: &[Declined],
        above: Above,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if above.sees_batches() || above.fails_on_rows() {
            return Ok(None);
        }
        let Some(chain) = Chain::below(node)? else { return Ok(None) };
        match values_fragment(&Offer::new(chain), self.options) {
            Ok(planned) => self.node(planned, node.clone(), node.clone(), declined.to_vec()).map(Some),
            Err(NotPlanned::Failed(error)) => Err(error),
            Err(NotPlanned::Declined(_)) => Ok(None),
        }
    }

    /// The aggregation over what a program makes of the chain.
    fn aggregate_over(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        aggregate: &AggregateExec,
        offer: &Offer,
        above: Above,
    ) -> Result<Arc<dyn ExecutionPlan>, NotPlanned> {
        if above.sees_batches() {
            return Err(scan_declined(DeclineReason::BatchesAreSeen).into());
        }
        let partial = match aggregate.mode() {
            // The state of exception records alone must not be cut to a limit.
            AggregateMode::Partial => aggregate.with_new_limit_options(None),
            _ => AggregateExec::try_new(
                AggregateMode::Partial,
                aggregate.group_expr().clone(),
                aggregate.aggr_expr().to_vec(),
                aggregate.filter_expr().to_vec(),
                aggregate.input().clone(),
                aggregate.input_schema(),
            )?,
        };
        let planned = aggregate_fragment(aggregate, &partial, offer, self.options)?;
        let partial: Arc<dyn ExecutionPlan> = Arc::new(partial);
        let original = over(&partial, offer.chain.rebuild()?)?;
        let is_partial = *aggregate.mode() == AggregateMode::Partial;
        let replaced = if is_partial { node.clone() } else { partial };
        let node = self.node(planned, original, replaced, Vec::new())?;
        let partition_count = aggregate.input().output_partitioning().partition_count();
        if is_partial {
            // It may have been gathered below; then what is above relies on one partition.
            return Ok(if partition_count == 1 { gather(node) } else { node });
        }
        let last = AggregateExec::try_new(
            AggregateMode::Final,
            aggregate.group_expr().as_final(),
            aggregate.aggr_expr().to_vec(),
            vec![None; aggregate.filter_expr().len()],
            gather(node),
            aggregate.input_schema(),
        )?;
        if last.schema() != aggregate.schema() {
            return Err(shape(UnexpectedShape::FinalSchema).into());
        }
        Ok(Arc::new(last.with_limit_options(aggregate.limit_options())))
    }

    /// Walks down to the first filter, and replaces it.
    fn filter_below(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        offer: &Offer,
        declined: Vec<Declined>,
        above: Above,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if node.is::<FilterExec>() {
            return self.filter(node, offer, declined, above);
        }
        match node.children().as_slice() {
            [child] => {
                let child = self.filter_below(child, offer, declined, above.and(node)?)?;
                over(node, child)
            }
            _ => Ok(node.clone()),
        }
    }

    /// Replaces the first filter of a chain. `declined_above` is what was declined above it.
    fn filter(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        offer: &Offer,
        declined_above: Vec<Declined>,
        above: Above,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planned = match above.sees_batches() {
            true => Err(scan_declined(DeclineReason::BatchesAreSeen).into()),
            false => filter_fragment(offer, self.options),
        };
        match planned {
            Ok(planned) => {
                let original = offer.chain.rebuild_filters()?;
                let replaced = self.node(planned, original, node.clone(), declined_above)?;
                spread(replaced, node.output_partitioning().partition_count())
            }
            Err(NotPlanned::Failed(error)) => Err(error),
            Err(NotPlanned::Declined(declined)) => {
                let mut all = declined_above;
                all.retain(|one| !declined.contains(one));
                all.extend(declined);
                self.decline(node, all, above)
            }
        }
    }

    fn node(
        &self,
        planned: Planned,
        original: Arc<dyn ExecutionPlan>,
        replaced: Arc<dyn ExecutionPlan>,
        above: Vec<Declined>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let pushed = planned.pushed(original, replaced, above, self.options);
        Ok(Arc::new(KernelFilterReduceExec::try_new(Arc::new(pushed))?))
    }

    /// Shows at the scan why nothing of what stands on it is done by a program.
    fn decline(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        declined: Vec<Declined>,
        above: Above,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.refused.extend(declined.iter().cloned());
        self.replace_scan(node, &declined, above)
    }

    fn replace_scan(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        declined: &[Declined],
        above: Above,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let [child] = node.children()[..] {
            return over(node, self.replace_scan(child, declined, above.and(node)?)?);
        }
        let replaced = self.plain_scan(node, declined, above)?;
        Ok(replaced.unwrap_or_else(|| Arc::new(DeclinedExec::new(node.clone(), declined.to_vec()))))
    }
}

/// Makes one partition of all.
fn gather(node: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    if node.output_partitioning().partition_count() == 1 {
        node
    } else {
        Arc::new(CoalescePartitionsExec::new(node))
    }
}

/// Restores the number of partitions that the chain had with the nodes that only move rows between them.
fn spread(node: Arc<dyn ExecutionPlan>, partition_count: usize) -> Result<Arc<dyn ExecutionPlan>> {
    if node.output_partitioning().partition_count() == partition_count {
        Ok(node)
    } else if partition_count == 1 {
        Ok(gather(node))
    } else {
        Ok(Arc::new(RepartitionExec::try_new(node, Partitioning::RoundRobinBatch(partition_count))?))
    }
}
