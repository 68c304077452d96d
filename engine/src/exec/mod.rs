//! The node that runs a compiled program over a CSV scan.
//!
//! It stands where a chain `[AggregateExec(Partial)] <- [FilterExec | ProjectionExec]* <- DataSourceExec` stood, or the
//! `DataSourceExec` alone, has the `DataSourceExec` as its child, one partition for each file group of it, and answers
//! what the chain would have answered: the rows, or the error. The child is never executed; it says which files to
//! read, and it is what a fallback reads instead ([`stream`]). A host that has no program for it executes what the node
//! [`replaced`].
//!
//! One partition is a blocking [`worker`] that reads its [`ranges`] through the program, and a stream that takes rows from it
//! as they are and decodes its raw [`records`].

mod file_order;
mod metrics;
mod original;
mod ranges;
mod records;
mod refusal;
mod replaced;
mod stream;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::sync::{Arc, OnceLock};

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err, internal_err};
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::object_store::path::Path;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

pub use file_order::FileOrderExec;
pub use refusal::Refusal;
pub use stream::FellBack;

use crate::options::PushdownMode;
use crate::prepare::{NoProgram, Prepared, ProgramRequired, prepare};
use crate::pushed::{Pushed, Results};
use metrics::{FallbackReasons, ScanMetrics};
use original::{csv_scan, with_leaf};

/// Runs a program over the files of a CSV scan: the rows it lets through, or its partial aggregate state.
#[derive(Debug)]
pub struct KernelFilterReduceExec {
    pushed: Arc<Pushed>,
    /// The scan; the leaf of `pushed.original` is the same.
    scan: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    fallback_reasons: FallbackReasons,
    /// What this host makes of it, from when it is first asked.
    prepared: OnceLock<Result<Arc<Prepared>, NoProgram>>,
}

impl KernelFilterReduceExec {
    /// Takes the place of `pushed.original`. Its leaf must be an uncompressed CSV scan without a limit.
    pub fn try_new(pushed: Arc<Pushed>) -> Result<Self> {
        let mut leaf = &pushed.original;
        while let [child] = leaf.children().as_slice() {
            leaf = child;
        }
        let scan = Arc::clone(leaf);
        let Some((_, config)) = csv_scan(&scan) else {
            return internal_err!("{} is not a CSV scan that can be read by a program", scan.name());
        };
        let partition_count = pushed.original.output_partitioning().partition_count();
        if partition_count != config.file_groups.len() {
            return internal_err!(
                "the replaced plan has {partition_count} partitions, its scan {} file groups",
                config.file_groups.len()
            );
        }
        let properties = Arc::new(properties(&pushed)?);
        let metrics = ExecutionPlanMetricsSet::new();
        let fallback_reasons = FallbackReasons::default();
        let prepared = OnceLock::new();
        Ok(KernelFilterReduceExec { pushed, scan, properties, metrics, fallback_reasons, prepared })
    }

    /// What runs on this host. The first time this may probe the kernel, and compiles.
    pub fn prepared(&self) -> Result<&Arc<Prepared>, &NoProgram> {
        let prepare = || {
            let groups = csv_scan(&self.scan).map(|(_, config)| config.file_groups.as_slice());
            prepare(&self.pushed, groups.unwrap_or_default()).map(Arc::new)
        };
        self.prepared.get_or_init(prepare).as_ref()
    }

    /// The same if it is known already: None if nothing was executed or explained yet.
    pub fn prepared_so_far(&self) -> Option<Result<&Arc<Prepared>, &NoProgram>> {
        self.prepared.get().map(Result::as_ref)
    }

    /// The fragment, and the program's listing or why there is none.
    pub fn listing(&self) -> String {
        let fragment = &self.pushed.fragment;
        match self.prepared() {
            Ok(prepared) => format!("{fragment}{}", prepared.program.listing.trim_end()),
            Err(no_program) => format!("{fragment}{no_program}"),
        }
    }

    /// Why partitions were done by DataFusion after all, once for each reason. Grows while the node runs.
    pub fn fallback_reasons(&self) -> Vec<Arc<Refusal>> {
        self.fallback_reasons.get()
    }

    /// The same node over a scan of the same files, cut otherwise, whose partitions are in the order of the file also where
    /// this host has no program. None: it yields partial state, which has no order.
    pub fn in_file_order(&self, scan: Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if self.pushed.results.is_state() {
            return Ok(None);
        }
        let original = with_leaf(&self.pushed.original, scan)?;
        let pushed = Pushed { replaced: original.clone(), original, ..self.pushed.as_ref().clone() };
        Ok(Some(Arc::new(KernelFilterReduceExec::try_new(Arc::new(pushed))?)))
    }

    /// The scan that it stands over, which is a `DataSourceExec`.
    pub fn scan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.scan
    }

    /// What it runs.
    pub fn pushed(&self) -> &Arc<Pushed> {
        &self.pushed
    }

    /// What is pushed down and what is not, with its name.
    fn shown(&self) -> [(&'static str, &[String]); 4] {
        let shown = &self.pushed.shown;
        [
            ("filter", &shown.filter),
            ("keys", &shown.keys),
            ("aggregates", &shown.aggregates),
            ("residual", &shown.residual),
        ]
    }

    fn fmt_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prepared = self.prepared();
        write!(f, "KernelFilterReduceExec: backend={}", backend_name(prepared))?;
        for (name, items) in self.shown() {
            fmt_list(f, name, items.iter())?;
        }
        fmt_list(f, "declined", self.pushed.declined.iter())?;
        match prepared {
            Ok(prepared) => fmt_list(f, "passed_over", prepared.passed_over.iter()),
            Err(no_program) => fmt_list(f, "fallback", [no_program].into_iter()),
        }
    }
}

/// As EXPLAIN shows it.
fn backend_name(prepared: Result<&Arc<Prepared>, &NoProgram>) -> &'static str {
    prepared.map_or("off", |prepared| prepared.backend.name())
}

/// Each partition holds the rows that the same partition of the replaced plan holds.
fn properties(pushed: &Pushed) -> Result<PlanProperties> {
    let original = &pushed.original;
    let (equivalences, emission) = match pushed.results {
        // In the order of the file too.
        Results::Rows(_) => (original.equivalence_properties().clone(), EmissionType::Incremental),
        // Groups come in no order, and those of exception records are apart. What is equal in every row stays so:
        // sorts above may rely on it.
        Results::State(_) => {
            let mut equivalences = EquivalenceProperties::new(original.schema());
            equivalences.add_equivalence_group(original.equivalence_properties().eq_group().clone())?;
            (equivalences, EmissionType::Final)
        }
    };
    let partitioning = original.output_partitioning().clone();
    Ok(PlanProperties::new(equivalences, partitioning, emission, Boundedness::Bounded)
        .with_scheduling_type(SchedulingType::Cooperative))
}

/// `, name=[item, item]`, or nothing without items.
fn fmt_list(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    items: impl Iterator<Item = impl fmt::Display>,
) -> fmt::Result {
    let mut any = false;
    for item in items {
        if any {
            write!(f, ", {item}")?;
        } else {
            write!(f, ", {name}=[{item}")?;
        }
        any = true;
    }
    if any { write!(f, "]") } else { Ok(()) }
}

/// Where the files of a scan are.
fn files(scan: &Arc<dyn ExecutionPlan>) -> impl Iterator<Item = &Path> {
    let groups = csv_scan(scan).map(|(_, config)| config.file_groups.as_slice());
    groups.unwrap_or_default().iter().flat_map(FileGroup::files).map(|file| &file.object_meta.location)
}

impl DisplayAs for KernelFilterReduceExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => self.fmt_line(f),
            DisplayFormatType::TreeRender => {
                writeln!(f, "backend={}", backend_name(self.prepared()))?;
                for (name, items) in self.shown() {
                    for item in items {
                        writeln!(f, "{name}={item}")?;
                    }
                }
                for declined in &self.pushed.declined {
                    writeln!(f, "declined={declined}")?;
                }
                match self.prepared().map(|prepared| &prepared.passed_over) {
                    Ok(Some(other)) => writeln!(f, "passed_over={other}"),
                    Ok(None) => Ok(()),
                    Err(no_program) => writeln!(f, "fallback={no_program}"),
                }
            }
        }
    }
}

impl ExecutionPlan for KernelFilterReduceExec {
    fn name(&self) -> &str {
        "KernelFilterReduceExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![!self.pushed.results.is_state()]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        // The child is not executed, so nothing may be put between.
        vec![false]
    }

    /// Over another scan it is the same node, over anything else the plan that it replaced.
    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [scan] = <[_; 1]>::try_from(children)
            .map_err(|children| internal_datafusion_err!("one child expected, got {}", children.len()))?;
        let is_csv_scan = csv_scan(&scan).is_some();
        let original = with_leaf(&self.pushed.original, Arc::clone(&scan))?;
        if !is_csv_scan {
            return Ok(original);
        }
        let same_files = files(&scan).eq(files(&self.scan));
        let replaced = with_leaf(&self.pushed.replaced, scan)?;
        let pushed = Pushed { original, replaced, ..Pushed::clone(&self.pushed) };
        let mut node = KernelFilterReduceExec::try_new(Arc::new(pushed))?;
        // A recursive query makes its nodes anew in each turn. What this host makes of them stays.
        if same_files {
            node.prepared = self.prepared.clone();
        }
        Ok(Arc::new(node))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut node = &self.pushed.original;
        while let [child] = node.children().as_slice() {
            if node.apply_expressions(f)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
            node = child;
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some((scan, config)) = csv_scan(&self.scan) else {
            return internal_err!("{} is not a CSV scan", self.scan.name());
        };
        if partition >= config.file_groups.len() {
            return internal_err!("there is no partition {partition}");
        }
        let metrics = ScanMetrics::new(&self.metrics, partition);
        let prepared = match self.prepared() {
            Ok(prepared) => Arc::clone(prepared),
            Err(no_program) if self.pushed.mode == PushdownMode::Require => {
                return Err(DataFusionError::External(Box::new(ProgramRequired(no_program.clone()))));
            }
            Err(no_program) => {
                replaced::warn_once(no_program);
                metrics.fallbacks.add(1);
                self.fallback_reasons.add(Arc::new(no_program.clone().into()));
                let pushed = Arc::clone(&self.pushed);
                let properties = Arc::clone(&self.properties);
                return Ok(replaced::execute(pushed, properties, partition, context, metrics.baseline));
            }
        };
        Ok(stream::execute(stream::Partition {
            pushed: Arc::clone(&self.pushed),
            prepared,
            scan: scan.clone(),
            config: config.clone(),
            index: partition,
            context,
            metrics,
            fallback_reasons: self.fallback_reasons.clone(),
        }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
