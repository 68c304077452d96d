//! The rows of one partition, put together from the program's results.
//!
//! ```text
//! rows:        worker --values, raw records--> original sub-plan ----------------> rows
//! aggregates:  worker --exception records--> original sub-plan --partial state--.
//!                    `--partial state---------------------------------------------> rows, when all is done
//! ```
//!
//! If the worker refuses, or the sub-plan does, the original sub-plan runs over the original partition, and its rows
//! or its error take the place of what is missing: in aggregates all, in records what was not emitted yet, since both
//! keep the order of the file.
//!
//! A row is emitted when DataFusion would have emitted it too. DataFusion decodes and filters whole batches, so that an
//! error in a record behind the row, but in the same batch, comes before the row. `SELECT id FROM t WHERE id < 2 LIMIT 1`
//! over
//!
//! ```text
//! id
//! 1
//! 3
//! x
//! ```
//!
//! is an error, although the first record would be enough for an answer. A program hands out record 1, skips 2, and hands
//! out 3, since it cannot decide it. So row 1 waits until the program has left behind the batch (8,192 records if not set
//! otherwise) that the row is of, and until the sub-plan has accepted what the program sent of that batch: here it does
//! not.

use std::collections::VecDeque;
use std::fs::File;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};
use datafusion::physical_plan::metrics::RecordOutput;
use datafusion::physical_plan::stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::metrics::{FallbackReasons, ScanMetrics};
use super::original::{group_scan, with_leaf};
use super::ranges::{CutsTaken, Input, Ownership};
use super::records::{Scanned, ScannedExec};
use super::refusal::Refusal;
use super::worker::{Finished, Worker, WorkerContext};
use crate::format::display_name;
use crate::options::PushdownMode;
use crate::prepare::Prepared;
use crate::pushed::{Pushed, Results};
use crate::scan::CsvFiles;
use machine::Machine;
use pushdown::contract::steps::Maps;

/// Batches of rows and pieces of raw records between the worker and the decoder: enough for both to be busy.
const PIECES_IN_FLIGHT: usize = 4;
/// Batches between the sub-plan and the consumer.
const BATCHES_IN_FLIGHT: usize = 2;

/// Under `require`, DataFusion would have had to read a partition.
#[derive(Debug, thiserror::Error)]
#[error("weir.pushdown is 'require', but partition {partition} fell back to DataFusion: {refusal}")]
pub struct FellBack {
    /// Which one.
    pub partition: usize,
    /// Why.
    #[source]
    pub refusal: Arc<Refusal>,
}

/// One partition to be executed.
pub struct Partition {
    /// What is run.
    pub pushed: Arc<Pushed>,
    /// As what.
    pub prepared: Arc<Prepared>,
    /// The scan that it stands over.
    pub scan: DataSourceExec,
    /// The same.
    pub config: FileScanConfig,
    /// Which partition.
    pub index: usize,
    /// Of the query.
    pub context: Arc<TaskContext>,
    /// What EXPLAIN ANALYZE shows.
    pub metrics: ScanMetrics,
    /// Takes the reason if the worker refuses.
    pub fallback_reasons: FallbackReasons,
}

type Sender = mpsc::Sender<Result<RecordBatch>>;

/// Nothing is started before the stream is polled. Dropping it stops everything.
pub fn execute(partition: Partition) -> SendableRecordBatchStream {
    let schema = partition.pushed.original.schema();
    let rows = stream::once(async move {
        let mut builder =
            RecordBatchReceiverStreamBuilder::new(partition.pushed.original.schema(), BATCHES_IN_FLIGHT);
        let sender = builder.tx();
        builder.spawn(async move {
            // Behind the rows in the same channel: an error must not overtake them.
            if let Err(error) = partition.run(sender.clone()).await {
                let _consumer_gone = sender.send(Err(error)).await;
            }
            Ok(())
        });
        builder.build()
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows.flatten()))
}

impl Partition {
    async fn run(self, sender: Sender) -> Result<()> {
        let mut emitter = Emitter { sender, metrics: self.metrics.clone(), rows: 0 };
        let outcome = match self.pushed.results {
            Results::Rows(_) => self.matches(&mut emitter).await?,
            // Nothing is emitted before all was read, so there is time to find out that a cut was not what it seemed.
            Results::State(_) => match self.aggregates(&mut emitter, CutsTaken::OnTrust).await? {
                Err(Refusal::Cancelled) => Err(Refusal::Cancelled),
                Err(_) if self.is_cut_in_quotes().await? => {
                    self.metrics.quoted_cuts.add(1);
                    self.aggregates(&mut emitter, CutsTaken::Exactly).await?
                }
                outcome => outcome,
            },
        };
        match outcome {
            Ok(()) | Err(Refusal::Cancelled) => Ok(()),
            Err(refusal) => self.fall_back(refusal, emitter).await,
        }
    }

    /// Emits what the sub-plan makes of values and raw records, as soon as the batches of which it made it were checked.
    async fn matches(&self, emitter: &mut Emitter) -> Result<Result<(), Refusal>> {
        let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let mut worker = self.start_worker(sender, CutsTaken::Exactly)?;
        let leaf = Arc::new(ScannedExec::try_new(&self.scan, self.files(), receiver, self.batch_records())?);
        let records = leaf.records();
        let batch_end = || records.decoded().batch_end(self.batch_records() as u64);
        let mut rows = self.sub_plan(leaf.clone())?;
        let mut waiting = VecDeque::new();
        while let Some(batch) = rows.next().await {
            match batch {
                Ok(batch) => waiting.push_back((batch_end(), batch)),
                Err(error) => return Ok(Err(Refusal::Record(error))),
            }
            while let Some((_, batch)) = waiting.pop_front_if(|(end, _)| *end <= records.checked()) {
                emitter.emit(batch).await?;
            }
        }
        // Not exhausted: a limit in the sub-plan is reached. Of what follows, the rest of the batch matters.
        let end = batch_end();
        records.end_at(end);
        while !records.exhausted() && records.checked() < end {
            // For its errors. It has the same limit, so it may have to run several times.
            if let Err(error) = self.sub_plan(leaf.clone())?.try_for_each(|_| ready(Ok(()))).await {
                return Ok(Err(Refusal::Record(error)));
            }
        }
        if records.exhausted()
            && let Err(refusal) = worker.join().await?
        {
            return Ok(Err(refusal));
        }
        for (_, batch) in waiting {
            emitter.emit(batch).await?;
        }
        Ok(Ok(()))
    }

    /// Emits the state of the program and of the sub-plan when both are done.
    async fn aggregates(&self, emitter: &mut Emitter, cuts: CutsTaken) -> Result<Result<(), Refusal>> {
        let (sender, mut receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let mut worker = self.start_worker(sender, cuts)?;
        let mut exceptions = Vec::new();
        // Without exception records the sub-plan would add a row that says nothing.
        if let Some(first) = receiver.recv().await {
            let leaf = ScannedExec::try_new(&self.scan, self.files(), receiver, self.batch_records())?
                .with_first(first);
            match self.sub_plan(Arc::new(leaf))?.try_collect::<Vec<_>>().await {
                Ok(batches) => exceptions = batches,
                Err(error) => return Ok(Err(Refusal::Record(error))),
            }
        }
        let finished = match worker.join().await? {
            Ok(finished) => finished,
            // The sub-plan took all records, so nothing has cancelled the worker but a bug.
            Err(Refusal::Cancelled) => return internal_err!("a scan ended before its file"),
            Err(refusal) => return Ok(Err(refusal)),
        };
        for batch in finished.batches.into_iter().chain(exceptions) {
            emitter.emit_split(batch, self.context.session_config().batch_size()).await?;
        }
        drop(finished.reservation);
        Ok(Ok(()))
    }

    /// Runs the original sub-plan over the original partition; the rows that were emitted are its first.
    async fn fall_back(&self, refusal: Refusal, mut emitter: Emitter) -> Result<()> {
        let refusal = Arc::new(refusal);
        self.metrics.fallbacks.add(1);
        self.fallback_reasons.add(Arc::clone(&refusal));
        let partition = self.index;
        if refusal.is_failure() {
            log::warn!("partition {partition} falls back to DataFusion: {refusal}");
        } else {
            log::debug!("partition {partition} falls back to DataFusion: {refusal}");
        }
        let required = self.pushed.mode == PushdownMode::Require;
        if required && refusal.is_failure() {
            return Err(DataFusionError::External(Box::new(FellBack { partition, refusal })));
        }
        let scan = group_scan(&self.config, FileGroup::new(self.files()));
        let plan = with_leaf(&self.pushed.original, scan)?;
        let mut rows = plan.execute(0, Arc::clone(&self.context))?;
        let mut skip = emitter.rows;
        while let Some(batch) = rows.try_next().await? {
            let skipped = skip.min(batch.num_rows());
            skip -= skipped;
            if !required && skipped < batch.num_rows() {
                emitter.emit(batch.slice(skipped, batch.num_rows() - skipped)).await?;
            }
        }
        if required {
            return Err(DataFusionError::External(Box::new(FellBack { partition, refusal })));
        }
        Ok(())
    }

    /// Whether a quoted field lies across a cut of one of the files, so that the records at its ends were not what they seemed.
    async fn is_cut_in_quotes(&self) -> Result<bool> {
        let Some(CsvFiles::Spec(source)) = CsvFiles::of(&self.config) else { return Ok(false) };
        let store = self.context.runtime_env().object_store(&self.config.object_store_url)?;
        for range in self.files().into_iter().filter(|range| range.range.is_some()) {
            // A file that cannot be read is an error of the scan.
            let Ok(opened) = store.get(&range.object_meta.location).await else { return Ok(false) };
            let GetResultPayload::File(file, _) = opened.payload else { return Ok(false) };
            let (source, config) = (source.clone(), self.config.clone());
            let look = move || source.is_cut_in_quotes(&file, &range, &config).unwrap_or(false);
            let found = tokio::task::spawn_blocking(look).await;
            if found.map_err(|error| DataFusionError::External(Box::new(error)))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn sub_plan(&self, leaf: Arc<ScannedExec>) -> Result<SendableRecordBatchStream> {
        with_leaf(&self.pushed.original, leaf)?.execute(0, Arc::clone(&self.context))
    }

    /// Records of a file that DataFusion decodes at a time.
    fn batch_records(&self) -> usize {
        self.config.batch_size.unwrap_or(self.context.session_config().batch_size()).max(1)
    }

    fn files(&self) -> Vec<PartitionedFile> {
        self.config.file_groups.get(self.index).map(|group| group.files().to_vec()).unwrap_or_default()
    }

    fn start_worker(&self, sender: mpsc::Sender<Scanned>, cuts: CutsTaken) -> Result<RunningWorker> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let reservation = MemoryConsumer::new(format!("KernelFilterReduceExec[{}]", self.index))
            .register(self.context.memory_pool());
        let pushed = &self.pushed;
        let work = Work {
            prepared: Arc::clone(&self.prepared),
            first: self.index == 0,
            store: self.context.runtime_env().object_store(&self.config.object_store_url)?,
            files: self.files(),
            ownership: Ownership::of(&self.config, &pushed.fragment, cuts)?,
            runtime: Handle::current(),
        };
        let context = WorkerContext {
            cookie: self.index as u64,
            fragment: Arc::clone(&pushed.fragment),
            program: Arc::clone(&self.prepared.program),
            results: pushed.results.clone(),
            sender,
            cancelled: Arc::clone(&cancelled),
            metrics: self.metrics.clone(),
            reservation,
            batch_records: self.batch_records() as u64,
        };
        // A thread of its own, not one of the runtime's pool: workers wait for consumers, and a pool in which all
        // threads wait would not start the partition that the consumer waits for.
        let (done, outcome) = oneshot::channel();
        std::thread::Builder::new()
            .name(format!("weir-scan-{}", self.index))
            .spawn(move || {
                let _consumer_gone = done.send(work.run(context));
            })
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(RunningWorker { outcome, cancelled })
    }
}

/// Sends batches to the consumer.
struct Emitter {
    sender: Sender,
    metrics: ScanMetrics,
    /// Rows sent.
    rows: usize,
}

impl Emitter {
    async fn emit(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        let batch = batch.record_output(&self.metrics.baseline);
        self.sender.send(Ok(batch)).await.map_err(|_| internal_datafusion_err!("the consumer is gone"))
    }

    async fn emit_split(&mut self, batch: RecordBatch, rows_max: usize) -> Result<()> {
        for begin in (0..batch.num_rows()).step_by(rows_max.max(1)) {
            self.emit(batch.slice(begin, rows_max.min(batch.num_rows() - begin))).await?;
        }
        Ok(())
    }
}

/// A running worker. Dropped, it stops at the next chunk.
struct RunningWorker {
    outcome: oneshot::Receiver<Result<Finished, Refusal>>,
    cancelled: Arc<AtomicBool>,
}

impl RunningWorker {
    /// Waits for the end of the scan.
    async fn join(&mut self) -> Result<Result<Finished, Refusal>> {
        (&mut self.outcome).await.map_err(|_| internal_datafusion_err!("a scan worker panicked"))
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// What a worker does.
struct Work {
    prepared: Arc<Prepared>,
    /// Whether this is the first partition.
    first: bool,
    store: Arc<dyn ObjectStore>,
    files: Vec<PartitionedFile>,
    ownership: Ownership,
    runtime: Handle,
}

impl Work {
    /// Blocks. The machine lives as long as this.
    fn run(self, context: WorkerContext) -> Result<Finished, Refusal> {
        let machine = Machine::lease(self.prepared.backend, &self.prepared.program)?;
        let statistics = machine.statistics();
        context.metrics.verifier_time.add_duration(statistics.load_time);
        if self.first {
            context.metrics.program_instructions.add(statistics.program_instructions);
        }
        match machine {
            Machine::Window(machine) => self.scan(Worker::new(machine, context), Worker::scan_windows),
            Machine::Read(machine) => self.scan(Worker::new(machine, context), Worker::scan_reads),
        }
    }

    /// All files, one after the other, each by `scan_file`.
    fn scan<M: Maps>(
        &self,
        mut worker: Worker<M>,
        scan_file: impl Fn(&mut Worker<M>, usize, &str, Input<'_>) -> Result<(), Refusal>,
    ) -> Result<Finished, Refusal> {
        for (index, file) in self.files.iter().enumerate() {
            let path = display_name(&file.object_meta.location).to_string();
            let opened = self.open(file, &path)?;
            let refused = |source| Refusal::Range { path: path.clone(), source };
            let mut owned = self.ownership.input(&opened, file).map_err(refused)?;
            if let Some(input) = owned.input.take() {
                scan_file(&mut worker, index, &path, input)?;
            }
            let is_cancelled = || worker.is_cancelled();
            self.ownership.confirm(owned, &opened, file, &is_cancelled).map_err(refused)?;
        }
        worker.finish()
    }

    fn open(&self, partitioned: &PartitionedFile, path: &str) -> Result<File, Refusal> {
        let path = path.to_owned();
        // The object store opens the file, so that there is one translation of locations to paths.
        match self.runtime.block_on(self.store.get(&partitioned.object_meta.location)) {
            Err(source) => Err(Refusal::Open { path, source }),
            Ok(result) => match result.payload {
                GetResultPayload::File(file, _) => Ok(file),
                GetResultPayload::Stream(_) => Err(Refusal::NotLocal { path }),
            },
        }
    }
}
