//! Raw records as a scan: the leaf under which the original sub-plan runs when a program has read the file.
//!
//! In: the bytes of whole records, in file order, from a channel. Out: the batches that the replaced
//! `DataSourceExec` would have made of these records, since DataFusion's own CSV opener makes them: dialect,
//! projection (also computed) and errors are the same. The opener reads from an object store, so it gets a private
//! one that knows a single object, the records of the current file.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::config::CsvOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{CsvSource, FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    self, Attributes, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

/// Whole records of one file.
#[derive(Debug)]
pub struct RawRecords {
    /// Index in the file group. Only the last records of a file may lack their end: the decoder starts anew with
    /// the next file.
    pub file: usize,
    /// Their bytes; valid UTF-8. None: what was sent so far is to be decoded, however little it is.
    pub bytes: Vec<u8>,
}

/// The scan of a file group's raw records. It can be executed once.
#[derive(Debug)]
pub struct RawRecordsExec {
    config: FileScanConfig,
    source: CsvSource,
    files: Vec<PartitionedFile>,
    records: Arc<Records>,
    refuses_unordered: bool,
    properties: Arc<PlanProperties>,
}

/// A floating point number is not less than, equal to or greater than others in the usual way.
#[derive(Debug, thiserror::Error)]
#[error("the result depends on where among its group's records a NaN or a negative zero stands")]
pub struct UnorderedFloat;

impl RawRecordsExec {
    /// Stands in for one partition of `scan`, whose files are `files`.
    pub fn try_new(
        scan: &DataSourceExec,
        files: Vec<PartitionedFile>,
        receiver: mpsc::Receiver<RawRecords>,
    ) -> Result<Self> {
        let Some((config, source)) = scan.downcast_to_file_source::<CsvSource>() else {
            return internal_err!("the scan is not a scan of CSV files");
        };
        let properties = PlanProperties::new(
            scan.properties().eq_properties.clone(),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(RawRecordsExec {
            config: config.clone(),
            source: source.clone().with_csv_options(without_header(source)),
            files,
            records: Arc::new(Records::new(receiver)),
            refuses_unordered: false,
            properties: Arc::new(properties),
        })
    }

    /// Puts records before the first of the channel that were taken out of it.
    pub fn with_first(self, first: RawRecords) -> Self {
        self.records.lock().next = Some(first);
        self
    }

    /// Makes NaN and negative zero an error ([`UnorderedFloat`]).
    pub fn refuse_unordered(self, refuses_unordered: bool) -> Self {
        RawRecordsExec { refuses_unordered, ..self }
    }

    /// The records, to ask later whether all were taken.
    pub fn records(&self) -> Arc<Records> {
        Arc::clone(&self.records)
    }
}

/// The options of a source, as far as reading uses them.
fn without_header(source: &CsvSource) -> CsvOptions {
    CsvOptions {
        has_header: Some(false),
        delimiter: source.delimiter(),
        quote: source.quote(),
        terminator: source.terminator(),
        escape: source.escape(),
        comment: source.comment(),
        newlines_in_values: Some(source.newlines_in_values()),
        truncated_rows: Some(source.truncate_rows()),
        ..CsvOptions::default()
    }
}

impl DisplayAs for RawRecordsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRecordsExec: files={}", self.files.len())
    }
}

impl ExecutionPlan for RawRecordsExec {
    fn name(&self) -> &str {
        "RawRecordsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.source.apply_expressions(f)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("raw records have no partition {partition}");
        }
        let batch_size = self.config.batch_size.unwrap_or_else(|| context.session_config().batch_size());
        let store = Arc::new(RecordStore { records: self.records() });
        let opener = self.source.with_batch_size(batch_size).create_file_opener(store, &self.config, 0)?;
        let decoder = Decoder {
            opener,
            files: self.files.clone(),
            records: self.records(),
            refuses_unordered: self.refuses_unordered,
            batches: None,
        };
        let batches = stream::try_unfold(decoder, |mut decoder| async move {
            Ok(decoder.next_batch().await?.map(|batch| (batch, decoder)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}

/// Opens one file after the other.
struct Decoder {
    opener: Arc<dyn FileOpener>,
    files: Vec<PartitionedFile>,
    records: Arc<Records>,
    refuses_unordered: bool,
    batches: Option<BoxStream<'static, Result<RecordBatch>>>,
}

impl Decoder {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batches) = &mut self.batches {
                if let Some(batch) = batches.try_next().await? {
                    if self.refuses_unordered && has_unordered_float(&batch) {
                        return Err(DataFusionError::External(Box::new(UnorderedFloat)));
                    }
                    return Ok(Some(batch));
                }
                self.batches = None;
            }
            let Some(index) = self.records.next_file().await else {
                return Ok(None);
            };
            let Some(file) = self.files.get(index) else {
                return internal_err!("raw records of a file that is not in the group");
            };
            // The location and the partition values of the file, which a projection may use; all bytes of the object.
            let mut file = file.clone();
            file.range = None;
            self.batches = Some(self.opener.open(file)?.await?);
        }
    }
}

fn has_unordered_float(batch: &RecordBatch) -> bool {
    let is_unordered = |value: f64| value.is_nan() || value == 0.0 && value.is_sign_negative();
    let floats = batch.columns().iter().filter_map(|column| column.as_primitive_opt::<Float64Type>());
    floats.flat_map(|column| column.iter().flatten()).any(is_unordered)
}

/// The receiving end of the channel, seen as a sequence of files.
#[derive(Debug)]
pub struct Records {
    state: Mutex<ReceiveState>,
    exhausted: AtomicBool,
}

#[derive(Debug)]
struct ReceiveState {
    receiver: mpsc::Receiver<RawRecords>,
    /// Received, but not of the file that was asked for.
    next: Option<RawRecords>,
    /// The file being read.
    current: Option<usize>,
}

impl Records {
    fn new(receiver: mpsc::Receiver<RawRecords>) -> Self {
        let state = ReceiveState { receiver, next: None, current: None };
        Records { state: Mutex::new(state), exhausted: AtomicBool::new(false) }
    }

    /// Whether the sender is gone and everything that it sent was taken.
    pub fn exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Acquire)
    }

    /// The file that the next records are of. None: no more records.
    async fn next_file(&self) -> Option<usize> {
        let file = std::future::poll_fn(|context| self.poll_next_file(context)).await;
        if file.is_none() {
            self.exhausted.store(true, Ordering::Release);
        }
        file
    }

    fn poll_next_file(&self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        let mut state = self.lock();
        if state.next.is_none() {
            match state.receiver.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(received) => state.next = received,
            }
        }
        state.current = state.next.as_ref().map(|records| records.file);
        Poll::Ready(state.current)
    }

    /// The next records of the current file. None: it has no more.
    fn poll_records(&self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut state = self.lock();
        if state.next.is_none() {
            match state.receiver.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(received) => state.next = received,
            }
        }
        let current = state.current;
        let records = state.next.take_if(|records| Some(records.file) == current);
        Poll::Ready(records.map(|records| records.bytes).filter(|bytes| !bytes.is_empty()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ReceiveState> {
        // The state is a queue: it is valid between any two statements, also after a panic.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// An object store of one object: the records of the current file. Nothing else than reading it is possible.
#[derive(Debug)]
struct RecordStore {
    records: Arc<Records>,
}

impl fmt::Display for RecordStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordStore")
    }
}

fn not_supported() -> object_store::Error {
    let source = internal_datafusion_err!("raw records can only be read");
    object_store::Error::NotSupported { source: Box::new(source) }
}

#[async_trait]
impl ObjectStore for RecordStore {
    async fn get_opts(&self, location: &Path, _: GetOptions) -> object_store::Result<GetResult> {
        let records = Arc::clone(&self.records);
        // csv-core takes a byte order mark off the beginning of a stream. A record may begin with these bytes, so the
        // stream begins with a blank line, which is skipped.
        let begin = stream::once(async { Ok(vec![b'\n'].into()) });
        let bytes =
            stream::poll_fn(move |context| records.poll_records(context)).map(|bytes| Ok(bytes.into()));
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: Default::default(),
            size: 0,
            e_tag: None,
            version: None,
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(begin.chain(bytes).boxed()),
            meta,
            range: 0..0,
            attributes: Attributes::default(),
        })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> object_store::Result<PutResult> {
        Err(not_supported())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Err(not_supported())
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        stream::once(async { Err(not_supported()) }).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        stream::once(async { Err(not_supported()) }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> object_store::Result<ListResult> {
        Err(not_supported())
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        Err(not_supported())
    }
}
