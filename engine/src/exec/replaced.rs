//! The replaced plan, executed in the place of the node: this host has no program for it.
//!
//! Other than when one partition falls back, all do. So the plan runs as DataFusion made it, with the nodes that move
//! rows between threads, and a query takes little longer than without pushdown.

use std::sync::{Arc, Once};

use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::metrics::{BaselineMetrics, RecordOutput};
use datafusion::physical_plan::stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter};
use datafusion::physical_plan::{ExecutionPlanProperties, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use crate::prepare::NoProgram;
use crate::pushed::Pushed;

/// Says so, once in a process: every query would say the same.
pub fn warn_once(no_program: &NoProgram) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| log::warn!("queries run without pushdown, {no_program}"));
}

/// The share of a partition in the rows of the replaced plan. `properties` and `metrics` are those of the node. Nothing
/// is started before the stream is polled.
pub fn execute(
    pushed: Arc<Pushed>,
    properties: Arc<PlanProperties>,
    partition: usize,
    context: Arc<TaskContext>,
    metrics: BaselineMetrics,
) -> SendableRecordBatchStream {
    let schema = pushed.original.schema();
    let rows = stream::once(async move { share(&pushed, &properties, partition, context) });
    let counted = rows.try_flatten().map_ok(move |batch| batch.record_output(&metrics));
    Box::pin(RecordBatchStreamAdapter::new(schema, counted))
}

/// The replaced plan may have more partitions than the node, when it spreads a file group over several threads. With 2
/// file groups and 5 threads, partition 0 of the node has what 0, 2 and 4 have, and partition 1 what 1 and 3 have.
fn share(
    pushed: &Pushed,
    properties: &PlanProperties,
    partition: usize,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let own_count = properties.output_partitioning().partition_count();
    let count = pushed.replaced.output_partitioning().partition_count();
    // Where rows are gathered, each partition can do its own part of that. Where they are spread, they lose an order that
    // the node may have promised.
    let loses_order = properties.output_ordering().is_some()
        && (count != own_count || pushed.replaced.output_ordering().is_none());
    if count < own_count || loses_order {
        return pushed.original.execute(partition, context);
    }
    if count == own_count {
        return pushed.replaced.execute(partition, context);
    }
    let partitions = (partition..count).step_by(own_count);
    let mut builder = RecordBatchReceiverStreamBuilder::new(pushed.original.schema(), partitions.len());
    for partition in partitions {
        let mut rows = pushed.replaced.execute(partition, Arc::clone(&context))?;
        let sender = builder.tx();
        builder.spawn(async move {
            while let Some(batch) = rows.next().await {
                let failed = batch.is_err();
                if sender.send(batch).await.is_err() || failed {
                    break;
                }
            }
            Ok(())
        });
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
    use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
    use datafusion::prelude::CsvReadOptions;
    use pushdown::contract::layout::Sizes;

    use crate::exec::{KernelFilterReduceExec, Refusal};
    use crate::options::{BackendChoice, PushdownMode};
    use crate::pushed::Pushed;
    use crate::session::{Session, SessionOptions};

    use super::*;

    const QUERIES: [&str; 5] = [
        "SELECT count(*), sum(a), avg(b) FROM t WHERE a > 100",
        "SELECT b, count(*), max(a) FROM t WHERE a > 100 GROUP BY b",
        "SELECT a, b FROM t WHERE a > 2990 OR b = 3 AND a < 50",
        "SELECT b, max(a) FROM t GROUP BY b ORDER BY max(a) DESC LIMIT 3",
        "SELECT 10 / b FROM t WHERE a >= 0",
    ];

    struct Fixture {
        folder: tempfile::TempDir,
    }

    impl Fixture {
        /// Files of 1,000 records each.
        fn new(file_count: usize) -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            for file in 0..file_count {
                let mut text = String::from("a,b\n");
                for record in 0..1000 {
                    let a = file * 1000 + record;
                    writeln!(text, "{a},{}", a % 7).unwrap();
                }
                std::fs::write(folder.path().join(format!("{file}.csv")), text).unwrap();
            }
            Fixture { folder }
        }

        async fn session(&self, pushdown: PushdownMode, cut: bool) -> Session {
            let options = SessionOptions {
                pushdown,
                backend: BackendChoice::Interpret,
                threads: Some(5),
                ..SessionOptions::default()
            };
            let session = Session::new(options).unwrap();
            let context = session.context();
            if cut {
                let sql = "SET datafusion.optimizer.repartition_file_min_size = 1";
                context.sql(sql).await.unwrap();
            }
            let path = format!("{}/", self.folder.path().display());
            // A quoted line break may stand anywhere, so that files are not cut; rows are spread instead.
            let options = CsvReadOptions::new().newlines_in_values(!cut);
            session.context().register_csv("t", &path, options).await.unwrap();
            session
        }
    }

    /// The same plan with areas for which there is no program.
    fn without_program(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let plan = plan.transform_up(|node| {
            let Some(kernel) = node.downcast_ref::<KernelFilterReduceExec>() else {
                return Ok(Transformed::no(node));
            };
            assert!(kernel.prepared_so_far().is_none(), "planning has prepared a program");
            let sizes = Sizes { input_bytes: 1, ..Sizes::default() };
            let pushed = Pushed { sizes, ..Pushed::clone(kernel.pushed()) };
            Ok(Transformed::yes(Arc::new(KernelFilterReduceExec::try_new(Arc::new(pushed))?) as _))
        });
        plan.data().unwrap()
    }

    async fn answer(session: &Session, plan: &Arc<dyn ExecutionPlan>) -> Result<String> {
        let batches = collect(plan.clone(), session.context().task_ctx()).await?;
        let text = pretty_format_batches(&batches)?.to_string();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        Ok(lines.join("\n"))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn without_a_program_datafusion_answers() {
        // One partition in the node where 5 are replaced, 5 where 5 are, and 3 where 5 are.
        for (file_count, cut) in [(1, false), (1, true), (3, false)] {
            let fixture = Fixture::new(file_count);
            let off = fixture.session(PushdownMode::Off, cut).await;
            let auto = fixture.session(PushdownMode::Auto, cut).await;
            let require = fixture.session(PushdownMode::Require, cut).await;
            for sql in QUERIES {
                let expected = off.context().sql(sql).await.unwrap().create_physical_plan().await.unwrap();
                let expected = answer(&off, &expected).await.map_err(|error| error.strip_backtrace());
                let plan = auto.context().sql(sql).await.unwrap().create_physical_plan().await.unwrap();
                let plan = without_program(plan);
                let found = answer(&auto, &plan).await.map_err(|error| error.strip_backtrace());
                assert_eq!(found, expected, "{sql}");
                let shown = displayable(plan.as_ref()).indent(true).to_string();
                assert!(shown.contains("backend=off") && shown.contains("fallback=["), "{shown}");
                let mut count = 0;
                plan.apply(|node| {
                    if let Some(kernel) = node.downcast_ref::<KernelFilterReduceExec>() {
                        count += 1;
                        let reasons = kernel.fallback_reasons();
                        assert!(matches!(*reasons[0], Refusal::NoProgram(_)) && reasons.len() == 1);
                        let partition_count = kernel.properties().partitioning.partition_count();
                        let fallbacks = kernel.metrics().unwrap().sum_by_name("fallbacks").unwrap();
                        assert!(found.is_err() || fallbacks.as_usize() == partition_count, "{sql}");
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
                .unwrap();
                assert_eq!(count, 1, "{shown}");

                let plan = require.context().sql(sql).await.unwrap().create_physical_plan().await.unwrap();
                let error = answer(&require, &without_program(plan)).await.unwrap_err().to_string();
                assert!(error.contains("weir.pushdown is 'require', but the backend"), "{error}");
            }
        }
    }
}
