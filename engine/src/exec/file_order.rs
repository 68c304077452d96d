//! The node that gathers partitions one after the other, so that rows come in the order of the file.
//!
//! As many partitions as a query has threads run at a time, the next ones ahead of the one that is handed on. What they have
//! ready waits, up to [`BATCHES_AHEAD`] each. So a scan is cut into more partitions than there are threads where a partition
//! costs nothing; rows in file order then take no longer than in any other.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::{StreamExt, stream};

/// Batches of a partition that wait for those before it.
const BATCHES_AHEAD: usize = 32;

/// Gathers the partitions of its child, in their order.
#[derive(Debug)]
pub struct FileOrderExec {
    input: Arc<dyn ExecutionPlan>,
    /// After so many rows it stops.
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl FileOrderExec {
    /// The rows of `input`, or the first `fetch` of them.
    pub fn new(input: Arc<dyn ExecutionPlan>, fetch: Option<usize>) -> FileOrderExec {
        let properties = input
            .properties()
            .as_ref()
            .clone()
            .with_partitioning(Partitioning::UnknownPartitioning(1))
            .with_scheduling_type(SchedulingType::Cooperative);
        FileOrderExec { input, fetch, properties: Arc::new(properties) }
    }
}

impl DisplayAs for FileOrderExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (format, self.fetch) {
            (DisplayFormatType::TreeRender, Some(fetch)) => write!(f, "limit: {fetch}"),
            (DisplayFormatType::TreeRender, None) => Ok(()),
            (_, Some(fetch)) => write!(f, "FileOrderExec: fetch={fetch}"),
            (_, None) => f.write_str("FileOrderExec"),
        }
    }
}

impl ExecutionPlan for FileOrderExec {
    fn name(&self) -> &'static str {
        "FileOrderExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.input.output_partitioning().partition_count() == 1]
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
            (Some(input), true) => Ok(Arc::new(FileOrderExec::new(input, self.fetch))),
            _ => internal_err!("FileOrderExec has one child"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("FileOrderExec has no partition {partition}");
        }
        let gathering = Gathering {
            input: Arc::clone(&self.input),
            running: VecDeque::new(),
            next: 0,
            at_once: context.session_config().target_partitions().max(1),
            rows_left: self.fetch.unwrap_or(usize::MAX),
            context,
        };
        let batches = stream::try_unfold(gathering, |mut gathering| async move {
            let batch = gathering.next_batch().await?;
            Ok(batch.map(|batch| (batch, gathering)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// The partitions that run, and where they stand.
struct Gathering {
    input: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    /// In order; the first one is handed on.
    running: VecDeque<SendableRecordBatchStream>,
    /// The first partition that was not started.
    next: usize,
    at_once: usize,
    rows_left: usize,
}

impl Gathering {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.rows_left == 0 {
                // What runs ahead is not needed.
                self.running.clear();
                return Ok(None);
            }
            let count = self.input.output_partitioning().partition_count();
            while self.running.len() < self.at_once && self.next < count {
                self.running.push_back(start(&self.input, self.next, &self.context));
                self.next += 1;
            }
            let Some(first) = self.running.front_mut() else { return Ok(None) };
            match first.next().await.transpose()? {
                Some(batch) => {
                    let rows = batch.num_rows().min(self.rows_left);
                    self.rows_left -= rows;
                    return Ok(Some(batch.slice(0, rows)));
                }
                None => self.running.pop_front(),
            };
        }
    }
}

/// Starts a partition in a task of its own. An error comes in its place.
fn start(
    input: &Arc<dyn ExecutionPlan>,
    partition: usize,
    context: &Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let mut builder = RecordBatchReceiverStreamBuilder::new(input.schema(), BATCHES_AHEAD);
    let sender = builder.tx();
    let (input, context) = (Arc::clone(input), Arc::clone(context));
    builder.spawn(async move {
        let mut batches = input.execute(partition, context)?;
        while let Some(batch) = batches.next().await {
            let failed = batch.is_err();
            if sender.send(batch).await.is_err() || failed {
                break;
            }
        }
        Ok(())
    });
    builder.build()
}
