//! A range of a file into batches of rows.

use std::fs::File;
use std::io::{Cursor, Seek, SeekFrom};
use std::path::{Path as LocalPath, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpenFuture, FileOpener};
use datafusion::object_store::path::Path;
use datafusion::object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use weir_csv::bytes::is_plain;
use weir_csv::reader::{Decoded, Decoder, ReadOptions, Reader, Start};
use weir_csv::rejects::ReadError;
use weir_csv::spec::CsvSpec;

use super::files::{Cuts, Order, display_name};
use super::source::{Owned, SpecSource};
use super::united::Missing;

type Batches = BoxStream<'static, Result<RecordBatch>>;

/// Opens the files of a scan.
#[derive(Debug, Clone)]
pub struct Opener {
    source: Arc<SpecSource>,
    store: Arc<dyn ObjectStore>,
    cuts: Arc<Cuts>,
}

impl Opener {
    pub fn new(source: SpecSource, store: Arc<dyn ObjectStore>, cuts: Cuts) -> Self {
        Opener { source: Arc::new(source), store, cuts: Arc::new(cuts) }
    }

    async fn batches(self, range: PartitionedFile) -> Result<Batches> {
        let result = self.store.get(&range.object_meta.location).await?;
        match result.payload {
            GetResultPayload::File(file, path) => {
                let local = tokio::task::spawn_blocking(move || self.local(file, path, &range));
                let batches = local.await.map_err(|error| DataFusionError::External(Box::new(error)))??;
                Ok(stream::iter(batches).boxed())
            }
            GetResultPayload::Stream(bytes) => {
                self.streamed(bytes.map_err(DataFusionError::from).boxed(), &range).await
            }
        }
    }

    /// The batches of a local file. Blocks.
    fn local(&self, mut file: File, path: PathBuf, range: &PartitionedFile) -> Result<LocalBatches> {
        let source = &self.source;
        let owned = match source.owned_at_beginning(range) {
            Some(owned) => owned,
            None => source.owned(&file, range, &self.cuts).map_err(external)?,
        };
        let location = &range.object_meta.location;
        let order = source.order(&file, location)?;
        let (mut options, missing) = self.options(location, &order);
        // The line is counted when there is an error.
        options.start = Start { offset: owned.start, line: 1 };
        options.end = owned.end;
        let spec = self.spec(&order);
        let seeked = file.seek(SeekFrom::Start(owned.start));
        seeked.map_err(|error| {
            external(ReadError::Read {
                file: Arc::clone(&options.file),
                offset: owned.start,
                source: Arc::new(error),
            })
        })?;
        let reader = Reader::new(file, &spec, &options).map_err(external)?;
        let source = Arc::clone(source);
        Ok(LocalBatches { reader, source, spec, options, missing, path, owned, has_ended: false })
    }

    /// The batches of a file that comes in pieces.
    async fn streamed<B: AsRef<[u8]> + Send + 'static>(
        &self,
        mut bytes: BoxStream<'static, Result<B>>,
        range: &PartitionedFile,
    ) -> Result<Batches> {
        let location = &range.object_meta.location;
        let order = self.source.known_order(location).unwrap_or_else(|| Arc::new(Order::SameAsTable));
        let spec = self.spec(&order);
        let (mut options, missing) = self.options(location, &order);
        if self.source.is_inside {
            // Above 0 nothing stands above the records. Which byte it is in the file is not known. A line without a byte is
            // the half of a line end.
            options.start = Start { offset: 1, line: 1 };
            options.blank_lines = false;
        }
        if !is_plain(&spec) {
            let mut whole = Vec::new();
            while let Some(piece) = bytes.try_next().await? {
                whole.extend_from_slice(piece.as_ref());
            }
            let mut reader = Reader::new(Cursor::new(whole), &spec, &options).map_err(external)?;
            let source = Arc::clone(&self.source);
            let batches = std::iter::from_fn(move || {
                let next = reader.next();
                source.rejects.add(&options.file, reader.take_rejects());
                next.map(|batch| complete(&missing, batch.map_err(|error| reported(&source, error))?))
            });
            return Ok(stream::iter(batches).boxed());
        }
        let decoder = Decoder::new(&spec, &options).map_err(external)?;
        let source = Arc::clone(&self.source);
        let file = options.file;
        let batches = stream::try_unfold((bytes, decoder), move |(mut bytes, mut decoder)| {
            let (source, file, missing) = (Arc::clone(&source), Arc::clone(&file), missing.clone());
            async move {
                loop {
                    let decoded = decoder.decode();
                    source.rejects.add(&file, decoder.take_rejects());
                    match decoded.map_err(|error| reported(&source, error))? {
                        Decoded::Batch(batch) => {
                            return Ok(Some((complete(&missing, batch)?, (bytes, decoder))));
                        }
                        Decoded::End => return Ok(None),
                        Decoded::More => match bytes.try_next().await? {
                            Some(piece) => decoder.push(piece.as_ref()),
                            None => decoder.end(),
                        },
                    }
                }
            }
        });
        Ok(batches.boxed())
    }

    /// What is wanted of a file, before it is known of which bytes, and the columns that it has not.
    fn options(&self, location: &Path, order: &Order) -> (ReadOptions, Option<Missing>) {
        let wanted = &self.source.projection.file_indices;
        let table = self.source.table_schema.file_schema();
        let usual = ReadOptions::default();
        let options = ReadOptions {
            file: display_name(location),
            batch_rows: self.source.batch_size.unwrap_or(usual.batch_rows),
            ..usual
        };
        match order {
            Order::SameAsTable => {
                let (projection, schema) = (Some(wanted.clone()), Some(Arc::clone(table)));
                (ReadOptions { projection, schema, ..options }, None)
            }
            Order::Other { fields, .. } => {
                let mut ordered: Vec<_> = fields.iter().zip(table.fields()).collect();
                ordered.retain(|(field, _)| field.is_some());
                ordered.sort_by_key(|(field, _)| **field);
                let ordered: Vec<_> = ordered.into_iter().map(|(_, column)| Arc::clone(column)).collect();
                let schema = Arc::new(Schema::new_with_metadata(ordered, table.metadata().clone()));
                let projection = wanted.iter().filter_map(|&column| fields[column]).collect();
                let missing = Missing::of(table, wanted, fields);
                (ReadOptions { projection: Some(projection), schema: Some(schema), ..options }, missing)
            }
        }
    }

    /// The specification with the columns of the file.
    fn spec(&self, order: &Order) -> Arc<CsvSpec> {
        match order {
            Order::SameAsTable => Arc::clone(&self.source.spec),
            Order::Other { spec, .. } => Arc::clone(spec),
        }
    }
}

/// The rows with NULL in the columns that the file has not.
fn complete(missing: &Option<Missing>, batch: RecordBatch) -> Result<RecordBatch> {
    match missing {
        None => Ok(batch),
        Some(missing) => Ok(missing.complete(batch)?),
    }
}

impl FileOpener for Opener {
    fn open(&self, range: PartitionedFile) -> Result<FileOpenFuture> {
        Ok(Box::pin(self.clone().batches(range)))
    }
}

/// The batches of a range of a local file.
struct LocalBatches {
    reader: Reader<'static>,
    source: Arc<SpecSource>,
    spec: Arc<CsvSpec>,
    options: ReadOptions,
    missing: Option<Missing>,
    path: PathBuf,
    owned: Owned,
    has_ended: bool,
}

impl Iterator for LocalBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = self.reader.next();
        self.source.rejects.add(&self.options.file, self.reader.take_rejects());
        match next {
            Some(Ok(batch)) => Some(complete(&self.missing, batch)),
            Some(Err(error)) => {
                self.has_ended = true;
                let first = first_error(&self.path, &self.spec, &self.options, error);
                Some(Err(reported(&self.source, first)))
            }
            None => {
                self.has_ended = true;
                let found = self.reader.offset();
                let expected = self.owned.end.filter(|&end| found < end)?;
                let file = Arc::clone(&self.options.file);
                Some(Err(external(ReadError::Changed { file, expected, found })))
            }
        }
    }
}

/// The first error of the file up to and with this one. Ranges of a file are read at the same time, and which one comes to its
/// error first is chance. So the file is read again from its beginning for its errors, and so that lines are counted.
fn first_error(path: &LocalPath, spec: &CsvSpec, options: &ReadOptions, error: ReadError) -> ReadError {
    if options.start.offset == 0 || matches!(error, ReadError::Spec { .. }) {
        return error;
    }
    let from_beginning = ReadOptions { start: Start::default(), ..options.clone() };
    let first = Reader::open(path, spec, &from_beginning).ok();
    first.and_then(|reader| reader.filter_map(Result::err).next()).unwrap_or(error)
}

/// The error of a scan. Of a guess that does not hold, the session is told.
fn reported(source: &SpecSource, error: ReadError) -> DataFusionError {
    if let (ReadError::Wider { widenings, .. }, Some(guessed_from)) = (&error, &source.guessed_from) {
        source.widened.add(guessed_from, widenings);
    }
    external(error)
}

fn external(error: ReadError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
