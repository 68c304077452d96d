//! What a program let through, as a scan: the leaf under which the original sub-plan runs when a program has read the file.
//!
//! In, from a channel and in file order: batches of the scan that were made of values, and the bytes of whole records.
//! Out: the former as they are, and of the latter the batches that the replaced `DataSourceExec` would have made, since
//! its own opener makes them: dialect, projection (also computed) and errors are the same. The opener reads from an
//! object store, so it gets a private one that knows a single object, the records of the current file.
//!
//! The worker says now and then how far it is ([`Position`]). Nothing of what it sent in between is handed out before
//! all of it was decoded, so that it is known how far a row can have come from, and up to where nothing was refused.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_datafusion_err, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpener, FileScanConfig, FileSource};
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

use crate::scan::CsvFiles;

/// What a worker sends to the stream.
#[derive(Debug)]
pub enum Scanned {
    /// Rows in the scan's schema.
    Rows(RecordBatch),
    /// Whole records of one file. Only the last of a file may lack their end: the decoder starts anew with the next file.
    Raw {
        /// Index in the file group.
        file: usize,
        /// Valid UTF-8.
        bytes: Vec<u8>,
    },
    /// Every record before this one was read, and what is wanted of it was sent.
    Reached(Position),
}

/// A place between two records of a file group, in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Index in the file group.
    pub file: usize,
    /// Records of the file before it, of those that the partition owns.
    pub records: u64,
}

impl Position {
    /// Behind the last record of a file.
    pub fn file_end(file: usize) -> Position {
        Position { file, records: u64::MAX }
    }

    /// Where the batch ends in which DataFusion reads the record before this position: its decoder takes as many
    /// records at a time, whatever their bytes, beginning with the first that the partition owns of a file.
    pub fn batch_end(self, batch_records: u64) -> Position {
        let records = self.records.checked_next_multiple_of(batch_records).unwrap_or(u64::MAX);
        Position { records, ..self }
    }
}

/// The scan of what a program let through of a file group. Executed again, it goes on where it was left.
pub struct ScannedExec {
    source: Arc<dyn FileSource>,
    records: Arc<RecordQueue>,
    decoder: Arc<tokio::sync::Mutex<Decoder>>,
    properties: Arc<PlanProperties>,
}

impl ScannedExec {
    /// Stands in for one partition of `scan`, whose files are `partition`. Its batches have up to `batch_records` rows.
    pub fn try_new(
        scan: &DataSourceExec,
        partition: Vec<PartitionedFile>,
        receiver: mpsc::Receiver<Scanned>,
        batch_records: usize,
    ) -> Result<Self> {
        let config = scan.data_source().downcast_ref::<FileScanConfig>();
        let Some((config, files)) = config.and_then(|config| Some((config, CsvFiles::of(config)?))) else {
            return internal_err!("the scan is not a scan of CSV files");
        };
        let properties = PlanProperties::new(
            scan.properties().eq_properties.clone(),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let source = files.for_records();
        let records = Arc::new(RecordQueue::new(receiver));
        let store = Arc::new(RecordStore { records: Arc::clone(&records) });
        let opener = source.with_batch_size(batch_records).create_file_opener(store, config, 0)?;
        let decoder =
            Decoder { opener, files: partition, records: Arc::clone(&records), ready: VecDeque::new() };
        Ok(ScannedExec {
            source,
            records,
            decoder: Arc::new(tokio::sync::Mutex::new(decoder)),
            properties: Arc::new(properties),
        })
    }

    /// Puts records before the first of the channel that were taken out of it.
    pub fn with_first(self, first: Scanned) -> Self {
        self.records.lock().next = Some(first);
        self
    }

    /// The records, to ask later how far they were taken.
    pub fn records(&self) -> Arc<RecordQueue> {
        Arc::clone(&self.records)
    }
}

impl fmt::Debug for ScannedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScannedExec").field("records", &self.records).finish_non_exhaustive()
    }
}

impl DisplayAs for ScannedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScannedExec")
    }
}

impl ExecutionPlan for ScannedExec {
    fn name(&self) -> &str {
        "ScannedExec"
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

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("raw records have no partition {partition}");
        }
        let next = move |decoder: Arc<tokio::sync::Mutex<Decoder>>| async move {
            let batch = decoder.lock().await.next_batch().await?;
            Ok(batch.map(|batch| (batch, decoder)))
        };
        let batches = stream::try_unfold(Arc::clone(&self.decoder), next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}

/// Decodes what lies between two positions that the worker reported, then hands it out.
struct Decoder {
    opener: Arc<dyn FileOpener>,
    files: Vec<PartitionedFile>,
    records: Arc<RecordQueue>,
    ready: VecDeque<RecordBatch>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Decoder {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            // Who asks for more has done with what he got.
            self.records.all_checked();
            let Some(batches) = self.next_batches().await? else {
                return Ok(None);
            };
            self.ready = batches;
        }
    }

    /// What was found up to the next position. None: there is no more. If the worker stopped before it reached anything,
    /// its last rows are not handed out: they may lack what DataFusion would have refused.
    async fn next_batches(&mut self) -> Result<Option<VecDeque<RecordBatch>>> {
        let mut batches = VecDeque::new();
        loop {
            match self.records.next().await {
                None => return Ok(None),
                Some(Next::Position) => return Ok(Some(batches)),
                Some(Next::Rows(rows)) => batches.push_back(rows),
                Some(Next::Raw(index)) => {
                    let Some(file) = self.files.get(index) else {
                        return internal_err!("raw records of a file that is not in the group");
                    };
                    // The location and the partition values of the file, which a projection may use; all bytes of the
                    // object.
                    let mut file = file.clone();
                    file.range = None;
                    let mut decoded = self.opener.open(file)?.await?;
                    while let Some(batch) = decoded.try_next().await? {
                        batches.push_back(batch);
                    }
                }
            }
        }
    }
}

/// What comes next out of the channel.
enum Next {
    Rows(RecordBatch),
    /// Raw records of this file.
    Raw(usize),
    /// Up to here, everything was taken.
    Position,
}

/// The receiving end of the channel, seen as a sequence of pieces of files.
#[derive(Debug)]
pub struct RecordQueue {
    state: Mutex<ReceiveState>,
}

#[derive(Debug)]
struct ReceiveState {
    receiver: mpsc::Receiver<Scanned>,
    /// Received, but not taken.
    next: Option<Scanned>,
    /// The file of the raw records that are being decoded.
    reading: usize,
    /// How far all was decoded.
    decoded: Position,
    /// How far all that was decoded was also handed out, and nothing was said against it.
    checked: Position,
    /// Nothing is handed out any more when all was checked up to here.
    end: Option<Position>,
    exhausted: bool,
}

impl RecordQueue {
    fn new(receiver: mpsc::Receiver<Scanned>) -> Self {
        let state = ReceiveState {
            receiver,
            next: None,
            reading: 0,
            decoded: Position::default(),
            checked: Position::default(),
            end: None,
            exhausted: false,
        };
        RecordQueue { state: Mutex::new(state) }
    }

    /// Whether the sender is gone and everything that it sent was taken.
    pub fn exhausted(&self) -> bool {
        self.lock().exhausted
    }

    /// No row that was handed out comes from behind this.
    pub fn decoded(&self) -> Position {
        self.lock().decoded
    }

    /// No record before this is refused, by the decoder or by the plan above it.
    pub fn checked(&self) -> Position {
        self.lock().checked
    }

    /// From now on, no more than is needed to have checked all before this position is handed out.
    pub fn end_at(&self, end: Position) {
        self.lock().end = Some(end);
    }

    fn all_checked(&self) {
        let mut state = self.lock();
        state.checked = state.decoded;
    }

    /// None: no more, or nothing that is asked for.
    async fn next(&self) -> Option<Next> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Next>> {
        let mut state = self.lock();
        if state.end.is_some_and(|end| state.checked >= end) {
            return Poll::Ready(None);
        }
        ready!(state.poll_peek(context));
        let next = match state.next.take() {
            None => {
                state.exhausted = true;
                return Poll::Ready(None);
            }
            Some(Scanned::Rows(batch)) => Next::Rows(batch),
            Some(Scanned::Reached(position)) => {
                state.decoded = position;
                Next::Position
            }
            Some(Scanned::Raw { file, bytes }) => {
                state.next = Some(Scanned::Raw { file, bytes });
                state.reading = file;
                Next::Raw(file)
            }
        };
        Poll::Ready(Some(next))
    }

    /// The next raw records of the file that is being read. None: something else comes next.
    fn poll_records(&self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut state = self.lock();
        ready!(state.poll_peek(context));
        Poll::Ready(match state.next.take() {
            Some(Scanned::Raw { file, bytes }) if file == state.reading => Some(bytes),
            other => {
                state.next = other;
                None
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, ReceiveState> {
        // The state is a queue: it is valid between any two statements, also after a panic.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl ReceiveState {
    /// The message that is next to be taken. None: there are no more.
    fn poll_peek(&mut self, context: &mut Context<'_>) -> Poll<Option<&Scanned>> {
        if self.next.is_none() {
            self.next = ready!(self.receiver.poll_recv(context));
        }
        Poll::Ready(self.next.as_ref())
    }
}

/// An object store of one object: the records of the current file. Nothing else than reading it is possible.
#[derive(Debug)]
struct RecordStore {
    records: Arc<RecordQueue>,
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
