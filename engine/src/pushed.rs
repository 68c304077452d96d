//! What planning hands to execution: one CSV scan and the part of the plan above it that a program does.
//!
//! Everything here is portable: it says nothing of the host on which it was planned, and may be executed on another.
//! What a host makes of it is [`prepare`](crate::prepare)'s matter. It is immutable and shared by all partitions of the
//! node.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use pushdown::contract::hook::PACKET_BYTES_MAX;
use pushdown::contract::layout::Sizes;
use pushdown::fragment::{Fragment, Output};
use pushdown::{CompileError, Program, Target, compile};

use crate::decline::Declined;
use crate::decode::StateDecoder;
use crate::options::{BackendChoice, PushdownMode};
use crate::rows::RowDecoder;

/// What the rule found on one CSV scan and what the execution node runs.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// The scan's filter and aggregates. The scales of its float columns are chosen already.
    pub fragment: Arc<Fragment>,
    /// The sub-plan that is replaced: `[AggregateExec(Partial)] <- [FilterExec | ProjectionExec]* <- DataSourceExec`, a
    /// chain of nodes with one child. Repartitioning nodes are taken out of it, so that it has one partition per
    /// file group of the scan, as the node itself. Its schema is the schema of the node.
    pub original: Arc<dyn ExecutionPlan>,
    /// The same with its repartitioning nodes, as DataFusion would have executed it.
    pub replaced: Arc<dyn ExecutionPlan>,
    /// What the program's results become.
    pub results: Results,
    /// What is pushed down, in SQL.
    pub shown: Shown,
    /// What DataFusion still evaluates although it stood on the scan, and why.
    pub declined: Vec<Declined>,
    /// `auto` or `require`. Of a plain scan always `auto`.
    pub mode: PushdownMode,
    /// Where the program is to run.
    pub backend: BackendChoice,
    /// Sizes of its areas, as far as they are up to us.
    pub sizes: Sizes,
}

/// What becomes of what a program hands out.
#[derive(Debug, Clone)]
pub enum Results {
    /// What is let through are rows of the scan, on which the original sub-plan runs. None: all of them are raw, since the scan
    /// computes something of them, or a column has no values that a program could hand out.
    Rows(Option<Arc<RowDecoder>>),
    /// Accumulators and group entries become batches of the schema of the original sub-plan.
    State(Arc<StateDecoder>),
}

impl Results {
    /// Whether they are the state of an aggregation.
    pub fn is_state(&self) -> bool {
        matches!(self, Results::State(_))
    }
}

impl Pushed {
    /// Whether nothing is filtered or aggregated: only the values of the columns are read.
    pub fn is_plain_scan(&self) -> bool {
        self.fragment.filter.is_none() && self.fragment.output == Output::Values
    }

    /// The program for a target.
    pub fn compile(&self, target: Target) -> Result<Program, CompileError> {
        compile_for(&self.fragment, target, self.sizes)
    }
}

/// Compiles a fragment with the wanted sizes, as far as the target leaves the choice.
pub(crate) fn compile_for(
    fragment: &Fragment,
    target: Target,
    wanted: Sizes,
) -> Result<Program, CompileError> {
    let sizes = match target {
        // The kernel says how long a packet is.
        Target::Packet => Sizes {
            input_bytes: PACKET_BYTES_MAX,
            output_bytes: wanted.output_bytes.max(PACKET_BYTES_MAX),
            ..wanted
        },
        Target::Window | Target::Indexed => wanted,
    };
    let fragment = match target {
        Target::Packet => Cow::Owned(fragment.without_window()),
        Target::Window | Target::Indexed => Cow::Borrowed(fragment),
    };
    // A defect of ours. The query does without a program, but somebody should hear of it.
    compile(&fragment, target, sizes).inspect_err(|error| {
        if let CompileError::Defect(_) = error {
            log::error!("{error}");
        }
    })
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
    /// Conjuncts that DataFusion evaluates on the rows that the program lets through.
    pub residual: Vec<String>,
}
