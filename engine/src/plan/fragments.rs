//! From an offer, and perhaps an aggregation above it, to a fragment that has a program.
//!
//! That it has one is found out by compiling it: the compiler is pure, and its reasons to refuse belong to EXPLAIN.

use std::sync::Arc;

use datafusion::physical_expr_common::physical_expr::fmt_sql;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};
use pushdown::Target;
use pushdown::fragment::{Expr, Fragment, Output};
use pushdown::ops::Logic;

use super::attempt::{NotPlanned, aggregation_declined, scan_declined};
use super::chain::Chain;
use super::offer::{Facts, Offer};
use crate::decline::{AggregateOption, DeclineReason, Declined, Part};
use crate::options::{PushdownMode, WeirOptions};
use crate::pushed::{Pushed, Results, Shown, compile_for};
use crate::rows::RowDecoder;
use crate::translate::{PlannedAggregate, aggregation};

/// A fragment that can be compiled, and how its results are read and shown.
pub(super) struct Planned {
    fragment: Fragment,
    results: Results,
    shown: Shown,
    declined: Vec<Declined>,
}

impl Planned {
    /// With the plan that it replaces, without and with the nodes that only move rows between partitions. `above` is
    /// what was declined above that.
    pub fn pushed(
        self,
        original: Arc<dyn ExecutionPlan>,
        replaced: Arc<dyn ExecutionPlan>,
        above: Vec<Declined>,
        options: &WeirOptions,
    ) -> Pushed {
        let Planned { fragment, results, shown, mut declined } = self;
        declined.extend(above);
        let mut pushed = Pushed {
            fragment: Arc::new(fragment),
            original,
            replaced,
            results,
            shown,
            declined,
            mode: options.pushdown,
            backend: options.backend,
            sizes: options.sizes,
        };
        // Nothing was asked of it that a program could do, so a program is not required either.
        if pushed.is_plain_scan() {
            pushed.mode = PushdownMode::Auto;
        }
        pushed
    }
}

/// A fragment that lets through no fewer rows than the filters of the chain. At least one conjunct is in it.
pub(super) fn filter_fragment(offer: &Offer, options: &WeirOptions) -> Result<Planned, NotPlanned> {
    if offer.chain.limited_below_filter() {
        return Err(scan_declined(DeclineReason::Limit).into());
    }
    let facts = offer.facts()?;
    let conjuncts = &facts.conjuncts;
    // Rows that a program drops are rows that DataFusion does not evaluate the others on.
    if conjuncts.may_fail || conjuncts.filter.is_empty() {
        return Err(conjuncts.declined.clone().into());
    }
    let scan = &offer.chain.scan;
    let decoder = RowDecoder::new(scan.schema(), offer.chain.scan_projection(), &facts.columns);
    let output = if decoder.is_some() { Output::Values } else { Output::Records };
    let fragment = fragment(facts, output, options)?;
    let shown =
        Shown { filter: conjuncts.shown.clone(), residual: conjuncts.residual.clone(), ..Shown::default() };
    let results = Results::Rows(decoder.map(Arc::new));
    Ok(Planned { fragment, results, shown, declined: conjuncts.declined.clone() })
}

/// A fragment that reads the values of the columns of a scan, if that is worth a program.
pub(super) fn values_fragment(offer: &Offer, options: &WeirOptions) -> Result<Planned, NotPlanned> {
    let is_small = offer.chain.scan_bytes() < options.plain_scan_bytes;
    if is_small || options.backend.target() == Target::Packet {
        return Err(scan_declined(DeclineReason::NothingToGain).into());
    }
    let facts = offer.facts()?;
    let scan = &offer.chain.scan;
    let decoder = RowDecoder::new(scan.schema(), offer.chain.scan_projection(), &facts.columns);
    let decoder = decoder.ok_or_else(|| scan_declined(DeclineReason::NothingToGain))?;
    let fragment = fragment(facts, Output::Values, options)?;
    let results = Results::Rows(Some(Arc::new(decoder)));
    Ok(Planned { fragment, results, shown: Shown::default(), declined: Vec::new() })
}

/// A fragment that makes the partial state of an aggregation over the chain. `partial` is the aggregation in that mode.
pub(super) fn aggregate_fragment(
    aggregate: &AggregateExec,
    partial: &AggregateExec,
    offer: &Offer,
    options: &WeirOptions,
) -> Result<Planned, NotPlanned> {
    let chain = &offer.chain;
    check_aggregation(aggregate, chain).map_err(aggregation_declined)?;
    let mut keys = Vec::new();
    for (expr, _) in aggregate.group_expr().expr() {
        keys.push(chain.over_file(expr)?);
    }
    let mut planned = Vec::new();
    for (function, filter) in aggregate.aggr_expr().iter().zip(aggregate.filter_expr()) {
        let arguments =
            function.expressions().iter().map(|expr| chain.over_file(expr)).collect::<Result<_, _>>()?;
        let filter = filter.as_ref().map(|filter| chain.over_file(filter)).transpose()?;
        planned.push(PlannedAggregate { function, arguments, filter });
    }
    let facts = offer.facts()?;
    if !facts.conjuncts.declined.is_empty() {
        // The conjuncts are declined, with their reasons, when the filter alone is tried.
        return Err(aggregation_declined(DeclineReason::FilterBelow).into());
    }
    let translated = aggregation(&facts.columns, &facts.sample, &keys, &planned, &partial.schema())?;
    let fragment = fragment(facts, translated.output, options)?;
    let shown = Shown {
        filter: facts.conjuncts.shown.clone(),
        keys: keys.iter().map(|key| fmt_sql(key.as_ref()).to_string()).collect(),
        aggregates: planned.iter().map(|aggregate| aggregate.function.name().to_owned()).collect(),
        residual: Vec::new(),
    };
    let results = Results::State(Arc::new(translated.state));
    Ok(Planned { fragment, results, shown, declined: Vec::new() })
}

/// The conjuncts of the filter and what is made of the records, if the compiler takes it. A host may have another target
/// than the one that the choice of a backend tells; it compiles again.
fn fragment(facts: &Facts, output: Output, options: &WeirOptions) -> Result<Fragment, Vec<Declined>> {
    let mut filter = facts.conjuncts.filter.clone();
    let fragment = Fragment {
        dialect: facts.dialect,
        field_count: facts.columns.schema.fields().len(),
        columns: facts.columns.columns.clone(),
        filter: if filter.len() > 1 { Some(Expr::call(Logic::And, filter)) } else { filter.pop() },
        output,
    };
    match compile_for(&fragment, options.backend.target(), options.sizes) {
        Ok(_) => Ok(fragment),
        Err(error) => Err(vec![Declined { part: Part::Fragment, reason: DeclineReason::Compile(error) }]),
    }
}

fn check_aggregation(aggregate: &AggregateExec, chain: &Chain) -> Result<(), DeclineReason> {
    if aggregate.group_expr().has_grouping_set() {
        return Err(DeclineReason::AggregateOption(AggregateOption::GroupingSets));
    }
    if let Some(limit) = aggregate.limit_options() {
        // Without an order it ends the scan early. With one, it only keeps what is at the top of each partition.
        if limit.descending().is_none() {
            return Err(DeclineReason::AggregateOption(AggregateOption::GroupLimit));
        }
        // What finds the top tells negative zeros from zeros, and has its own place for NaN; other aggregations do not.
        if aggregate.schema().fields().iter().any(|field| field.data_type().is_floating()) {
            return Err(DeclineReason::AggregateOption(AggregateOption::FloatGroupLimit));
        }
    }
    if *aggregate.input_order_mode() != InputOrderMode::Linear {
        return Err(DeclineReason::AggregateOption(AggregateOption::OrderedInput));
    }
    if chain.limited {
        return Err(DeclineReason::Limit);
    }
    Ok(())
}
