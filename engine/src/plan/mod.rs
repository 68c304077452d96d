//! The physical optimizer rule: puts [`KernelFilterReduceExec`] in the place of filters and aggregations on CSV scans.
//!
//! In: a plan just before the filters that change while a query runs are pushed down. Out: the same plan with, for each
//! CSV scan below a filter or an aggregation, one of
//! - the aggregation replaced (`Partial`; a `Single` one becomes a `Final` over the replaced `Partial`),
//! - only the filter replaced, by a program that may let rows through that the original filter drops afterwards,
//! - nothing replaced, and a [`DeclinedExec`] above the scan that says why.
//!
//! A scan with neither filter nor aggregation has nothing to push down and is left alone, with `require` as well. With
//! `require` a scan of the third kind is an error that names the reasons.

mod above;
mod backend;
mod chain;
mod declined;
mod fragments;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Once};

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateInputMode, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning};

pub use declined::DeclinedExec;

use crate::decline::{DeclineReason, Declined, Part};
use crate::exec::KernelFilterReduceExec;
use crate::options::{BackendChoice, PushdownMode, WeirOptions};
use above::Above;
use backend::Backend;
use chain::{Chain, over, over_all};
use fragments::{Planned, aggregate_fragment, filter_fragment};

/// Replaces filters and aggregations on CSV scans.
#[derive(Debug, Default)]
pub struct KernelPushdown;

impl KernelPushdown {
    /// The rule. What it does is up to the session's [`WeirOptions`].
    pub fn new() -> Self {
        KernelPushdown
    }
}

/// What a query is refused for when its session requires pushdown.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A scan has no program.
    #[error("weir.pushdown is 'require', but nothing of the query was pushed into a scan: {}", list(.0))]
    Declined(Vec<Declined>),
    /// No program can run here.
    #[error("weir.pushdown is 'require', but the backend '{backend}' is not available: {reason}")]
    Backend {
        /// As it was set.
        backend: BackendChoice,
        /// What to do about it.
        reason: String,
    },
}

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
        let mut rewriter = Rewriter { options, backend: None, refused: Vec::new() };
        let rewritten = rewriter.rewrite(&plan, Above::default())?;
        let require = options.pushdown == PushdownMode::Require;
        if let Some(Err(reason)) = rewriter.backend {
            if require {
                return Err(external(Refused::Backend { backend: options.backend, reason }));
            }
            static ONCE: Once = Once::new();
            let backend = options.backend;
            ONCE.call_once(|| {
                log::warn!(
                    "queries run without pushdown, the backend '{backend}' is not available: {reason}"
                );
            });
        }
        if require && !rewriter.refused.is_empty() {
            return Err(external(Refused::Declined(rewriter.refused)));
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

/// Comes after [`KernelPushdown`], so that EXPLAIN VERBOSE, which prints the plan after each rule, prints each listing
/// once.
#[derive(Debug, Default)]
pub struct ListingOnce;

impl PhysicalOptimizerRule for ListingOnce {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let hidden = plan.transform_down(|node| {
            let Some(kernel) = node.downcast_ref::<KernelFilterReduceExec>() else {
                return Ok(Transformed::no(node));
            };
            Ok(Transformed::new(Arc::new(kernel.without_listing()), true, TreeNodeRecursion::Jump))
        })?;
        Ok(hidden.data)
    }

    fn name(&self) -> &str {
        "ListingOnce"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn external(refused: Refused) -> DataFusionError {
    DataFusionError::External(Box::new(refused))
}

struct Rewriter<'a> {
    options: &'a WeirOptions,
    /// Where programs run, or why they cannot, once it has been asked.
    backend: Option<Result<Backend, String>>,
    /// The reasons of all scans for which there is no program.
    refused: Vec<Declined>,
}

impl Rewriter<'_> {
    /// The topmost shape on a scan is tried first. What was replaced, or declined, is not looked into again.
    fn rewrite(&mut self, node: &Arc<dyn ExecutionPlan>, above: Above) -> Result<Arc<dyn ExecutionPlan>> {
        if node.is::<KernelFilterReduceExec>() || node.is::<DeclinedExec>() {
            return Ok(node.clone());
        }
        let replaced = if let Some(aggregate) = node.downcast_ref::<AggregateExec>()
            && aggregate.mode().input_mode() == AggregateInputMode::Raw
        {
            self.aggregate(node, aggregate, above)?
        } else if node.is::<FilterExec>() {
            self.filter(node, Vec::new(), above)?
        } else {
            None
        };
        if let Some(replaced) = replaced {
            return Ok(replaced);
        }
        let above = above.and(node)?;
        let children = node.children().into_iter().map(|child| self.rewrite(child, above));
        over_all(node, children.collect::<Result<_>>()?)
    }

    /// Where programs run, or why none can.
    fn backend(&mut self) -> Result<Backend, Vec<Declined>> {
        let backend = self.options.backend;
        let chosen = self.backend.get_or_insert_with(|| Backend::choose(backend));
        chosen.clone().map_err(|reason| {
            vec![Declined { part: Part::Scan, reason: DeclineReason::Backend { backend, reason } }]
        })
    }

    fn aggregate(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        aggregate: &AggregateExec,
        above: Above,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(chain) = Chain::below(aggregate.input())? else { return Ok(None) };
        let backend = match self.backend() {
            Ok(backend) => backend,
            Err(declined) => return Ok(Some(over(node, self.decline(aggregate.input(), declined)?)?)),
        };
        let replaced = match above.sees_batches() {
            true => Err(batches_are_seen()),
            false => self.aggregate_over(aggregate, &chain, &backend)?,
        };
        let declined = match replaced {
            Ok(replaced) => return Ok(Some(replaced)),
            Err(declined) => declined,
        };
        let input = match chain.topmost_filter {
            Some(_) => self.replace_filter_below(aggregate.input(), declined, above.and(node)?)?,
            None => self.decline(aggregate.input(), declined)?,
        };
        Ok(Some(over(node, input)?))
    }

    /// The aggregation over what a program makes of the chain, or why there is none.
    fn aggregate_over(
        &self,
        aggregate: &AggregateExec,
        chain: &Chain,
        backend: &Backend,
    ) -> Result<Result<Arc<dyn ExecutionPlan>, Vec<Declined>>> {
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
        let planned = match aggregate_fragment(aggregate, &partial, chain, backend, self.options.sizes)? {
            Ok(planned) => planned,
            Err(declined) => return Ok(Err(declined)),
        };
        let partial: Arc<dyn ExecutionPlan> = Arc::new(partial);
        let original = over(&partial, chain.rebuild()?)?;
        let node = self.node(planned, original, Vec::new())?;
        let partition_count = aggregate.input().output_partitioning().partition_count();
        if *aggregate.mode() == AggregateMode::Partial {
            // It may have been gathered below; then what is above relies on one partition.
            let gathered = if partition_count == 1 { gather(node) } else { node };
            return Ok(Ok(gathered));
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
            return Ok(Err(fragments::shape("a final aggregation of another schema")));
        }
        Ok(Ok(Arc::new(last.with_limit_options(aggregate.limit_options()))))
    }

    /// Walks down to the first filter, and replaces it.
    fn replace_filter_below(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        declined: Vec<Declined>,
        above: Above,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if node.is::<FilterExec>() {
            return Ok(self.filter(node, declined, above)?.unwrap_or_else(|| node.clone()));
        }
        match node.children().as_slice() {
            [child] => {
                let child = self.replace_filter_below(child, declined, above.and(node)?)?;
                over(node, child)
            }
            _ => Ok(node.clone()),
        }
    }

    /// Replaces a filter on a scan. `declined_above` is what was declined above it.
    fn filter(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        declined_above: Vec<Declined>,
        above: Above,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(chain) = Chain::below(node)? else { return Ok(None) };
        let backend = match self.backend() {
            Ok(backend) => backend,
            Err(declined) => return self.decline(node, declined).map(Some),
        };
        let planned = match above.sees_batches() {
            true => Err(batches_are_seen()),
            false => filter_fragment(&chain, &backend, self.options.sizes)?,
        };
        let planned = match planned {
            Ok(planned) => planned,
            Err(declined) => {
                let mut all = declined_above;
                all.retain(|one| !declined.contains(one));
                all.extend(declined);
                return Ok(Some(self.decline(node, all)?));
            }
        };
        let replaced = self.node(planned, chain.rebuild()?, declined_above)?;
        Ok(Some(spread(replaced, node.output_partitioning().partition_count())?))
    }

    fn node(
        &self,
        planned: Planned,
        original: Arc<dyn ExecutionPlan>,
        above: Vec<Declined>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let pushed = planned.pushed(original, above, self.options);
        Ok(Arc::new(KernelFilterReduceExec::try_new(Arc::new(pushed))?))
    }

    /// Shows above the scan why there is no program.
    fn decline(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        declined: Vec<Declined>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.refused.extend(declined.iter().cloned());
        wrap_scan(node, &declined)
    }
}

fn batches_are_seen() -> Vec<Declined> {
    vec![Declined { part: Part::Scan, reason: DeclineReason::BatchesAreSeen }]
}

fn wrap_scan(node: &Arc<dyn ExecutionPlan>, declined: &[Declined]) -> Result<Arc<dyn ExecutionPlan>> {
    match node.children().as_slice() {
        [child] => {
            let child = wrap_scan(child, declined)?;
            over(node, child)
        }
        _ => Ok(Arc::new(DeclinedExec::new(node.clone(), declined.to_vec()))),
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
