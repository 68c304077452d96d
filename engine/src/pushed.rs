//! What planning hands to execution: one CSV scan and the part of the plan above it that a program does.
//!
//! Everything here is immutable and shared by all partitions of the node.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use pushdown::Program;
use pushdown::fragment::Fragment;

use crate::decline::Declined;
use crate::decode::StateDecoder;
use crate::options::PushdownMode;
use machine::BackendKind;

/// What the rule found on one CSV scan and what the execution node runs.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// The scan's filter and aggregates. The scales of its float columns are chosen already.
    pub fragment: Fragment,
    /// The compiled fragment.
    pub program: Arc<Program>,
    /// The sub-plan that is replaced: `[AggregateExec(Partial)] <- [FilterExec | ProjectionExec]* <- DataSourceExec`, a
    /// chain of nodes with one child. Repartitioning nodes are taken out of it, so that it has one partition per
    /// file group of the scan, as the node itself. Its schema is the schema of the node.
    pub original: Arc<dyn ExecutionPlan>,
    /// For aggregates: turns accumulators and group entries into batches of `original`'s schema.
    pub state: Option<StateDecoder>,
    /// What is pushed down, in SQL.
    pub shown: Shown,
    /// What DataFusion still evaluates although it stood on the scan, and why.
    pub declined: Vec<Declined>,
    /// `auto` or `require`.
    pub mode: PushdownMode,
    /// Where the program runs.
    pub backend: BackendKind,
    /// A faster backend, and why it is not that one.
    pub passed_over: Option<String>,
}

/// What is pushed down, in SQL, for EXPLAIN: the fragment's own text holds numbers as the program does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// The conjuncts of the filter.
    pub filter: Vec<String>,
    /// Group keys.
    pub keys: Vec<String>,
    /// Aggregate functions.
    pub aggregates: Vec<String>,
    /// Conjuncts that DataFusion evaluates on the records that come up.
    pub residual: Vec<String>,
}
