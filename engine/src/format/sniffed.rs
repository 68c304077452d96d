//! The format of a table over CSV files: what was declared of them, and what was guessed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{DataFusionError, GetExt, Result, Statistics};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::physical_plan::{
    FileScanConfig, FileScanConfigBuilder, FileSinkConfig, FileSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    GetOptions, GetRange, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt,
};
use datafusion::physical_expr::LexRequirement;
use datafusion::physical_plan::ExecutionPlan;
use weir_csv::reader::ReadOptions;
use weir_csv::sniff::{Overrides, SniffError, Sniffed, Why, sniff_bytes, sniff_path};
use weir_csv::spec::{CsvSpec, OnError};

use super::files::display_name;
use super::headers::GuessedHeader;
use super::source::{Reading, SpecSource, United};
use super::types::{with_columns_by_name, with_declared_columns};
use super::united::{order_in, union_of};
use super::widened::Widened;

/// Bytes from which a file is guessed that is not on this host.
const HEAD_BYTES: u64 = 4 << 20;

/// Tried where the count of columns is declared, and what is guessed does not have it. The first one is the usual one.
const DELIMITERS: [&[u8]; 4] = [b",", b";", b"\t", b"|"];

/// CSV files of a table.
pub struct SniffedFormat {
    declared: Overrides,
    /// Writes files.
    writer: Arc<dyn FileFormat>,
    widened: Widened,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of files, as long as they are as they were.
    guesses: HashMap<Path, (ObjectMeta, Arc<Sniffed>)>,
    /// The file from which the table's columns come, if they were not declared.
    guessed_from: Option<Path>,
    /// The columns of all files, if they are found by their names.
    union: Option<Arc<Sniffed>>,
}

impl fmt::Debug for SniffedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SniffedFormat").field("declared", &self.declared).finish_non_exhaustive()
    }
}

impl SniffedFormat {
    /// A format of which so much is declared. `writer` writes files of the table.
    pub fn new(declared: Overrides, writer: Arc<dyn FileFormat>, widened: Widened) -> Self {
        SniffedFormat { declared, writer, widened, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found out about the file from which the table's columns come.
    pub fn guess(&self) -> Option<Arc<Sniffed>> {
        let state = self.state();
        if let Some(union) = &state.union {
            return Some(Arc::clone(union));
        }
        let (_, sniffed) = state.guesses.get(state.guessed_from.as_ref()?)?;
        Some(Arc::clone(sniffed))
    }

    /// Nothing is lost, but somebody may want to know.
    fn warn_of_padding(&self, file: &ObjectMeta) {
        if let Some(sniffed) = self.guess() {
            let (why, count) = (Why::Ragged(sniffed.ragged), sniffed.spec.columns.len());
            log::warn!(
                "{}: {why}: of {count} columns the missing ones are NULL, and surplus fields are part of the last one \
                 (on_error 'fail' refuses such files)",
                display_name(&file.location)
            );
        }
    }

    /// Whether the columns of the table were guessed.
    pub fn is_guessed(&self) -> bool {
        self.state().guessed_from.is_some()
    }

    /// The guess of a file, with what was learned of it since.
    async fn guess_of(&self, store: &Arc<dyn ObjectStore>, file: &ObjectMeta) -> Result<CsvSpec> {
        let sniffed = self.sniffed(store, file, &self.declared).await?;
        let sniffed = sniffed.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut spec = sniffed.spec.clone();
        self.widened.apply(&file.location, &mut spec);
        Ok(spec)
    }

    /// The guess of a file, which is made once as long as the file is as it was.
    async fn sniffed(
        &self,
        store: &Arc<dyn ObjectStore>,
        file: &ObjectMeta,
        declared: &Overrides,
    ) -> Result<Result<Arc<Sniffed>, SniffError>> {
        let known = {
            let state = self.state();
            let known = state.guesses.get(&file.location);
            known.filter(|(as_it_was, _)| is_same(as_it_was, file)).map(|(_, sniffed)| Arc::clone(sniffed))
        };
        if let Some(known) = known {
            return Ok(Ok(known));
        }
        let sniffed = try_sniff(store, file, declared.clone()).await?.map(Arc::new);
        if let Ok(sniffed) = &sniffed {
            let entry = (file.clone(), Arc::clone(sniffed));
            self.state().guesses.insert(file.location.clone(), entry);
        }
        Ok(sniffed)
    }

    /// The guess with the first delimiter that makes so many columns, or with a comma if none does.
    async fn guess_with(
        &self,
        store: &Arc<dyn ObjectStore>,
        file: &ObjectMeta,
        column_count: usize,
    ) -> Result<CsvSpec> {
        let mut first = None;
        for delimiter in DELIMITERS {
            let declared = Overrides { delimiter: Some(delimiter.to_vec()), ..self.declared.clone() };
            let spec = self.sniff_with(store, file, declared).await?.spec;
            if spec.columns.len() == column_count {
                return Ok(spec);
            }
            first.get_or_insert(spec);
        }
        Ok(first.unwrap_or_default())
    }

    async fn sniff_with(
        &self,
        store: &Arc<dyn ObjectStore>,
        file: &ObjectMeta,
        declared: Overrides,
    ) -> Result<Sniffed> {
        let sniffed = try_sniff(store, file, declared).await?;
        sniffed.map_err(|error| DataFusionError::External(Box::new(error)))
    }

    /// How the files of a scan are read.
    async fn reading_of(&self, store: &Arc<dyn ObjectStore>, config: &FileScanConfig) -> Result<Reading> {
        let schema = config.file_source.table_schema().file_schema();
        let groups = config.file_groups.iter();
        let mut files: Vec<&ObjectMeta> =
            groups.flat_map(|group| group.files()).map(|file| &file.object_meta).collect();
        if self.declared.union_by_name {
            // Ranges of a file come apart.
            let mut seen = HashSet::new();
            files.retain(|file| seen.insert(&file.location));
            return self.united(store, &files, schema).await;
        }
        let guessed_from = self.state().guessed_from.clone();
        let from = files.iter().find(|file| Some(&file.location) == guessed_from.as_ref());
        // The files may have changed since the table was made, and their columns with them.
        if let Some(file) = from.or_else(|| files.iter().find(|file| file.size > 0)) {
            let mut guess = self.guess_of(store, file).await?;
            // The count of columns is declared, and no record is padded that nobody said is.
            if guessed_from.is_none() && self.declared.on_error.is_none() && guess.on_error != OnError::Fail {
                let declared = Overrides { on_error: Some(OnError::Fail), ..self.declared.clone() };
                guess = self.sniff_with(store, file, declared).await?.spec;
            }
            if guessed_from.is_some() && schema_of(&guess) == *schema {
                let header = self.header_of(file, &guess, guess.columns.iter().map(|column| &column.name));
                let guessed_from = Some(file.location.clone());
                return Ok(Reading { spec: guess, guessed_from, header, united: None });
            }
            if self.declared.delimiter.is_none() && guess.columns.len() != schema.fields().len() {
                guess = self.guess_with(store, file, schema.fields().len()).await?;
                guess.on_error = self.declared.on_error.unwrap_or_default();
            }
            let names = schema.fields().iter().map(|field| field.name());
            let mut header = self.header_of(file, &guess, guess.columns.iter().map(|column| &column.name));
            if header.is_some() && !guess.header && guess.columns.len() == schema.fields().len() {
                guess.header = self.first_record_is(store, file, &guess, names.clone()).await?;
                header = self.header_of(file, &guess, names);
            }
            // Who knows the columns knows what stands above them: nothing is left out that was not declared.
            guess.skip_lines = self.declared.skip_lines.unwrap_or(0);
            return Ok(Reading { spec: declared_over(&guess, schema)?, header, ..Reading::default() });
        }
        Ok(Reading { spec: declared_over(&CsvSpec::default(), schema)?, ..Reading::default() })
    }

    /// Whether a file has a header, to be compared with the other files. None: it was declared.
    fn header_of<'a>(
        &self,
        file: &ObjectMeta,
        guess: &CsvSpec,
        names: impl Iterator<Item = &'a String>,
    ) -> Option<GuessedHeader> {
        let names = if guess.header { names.cloned().collect() } else { Vec::new() };
        let (from, declared) = (file.location.clone(), self.declared.clone());
        self.declared.header.is_none().then_some(GuessedHeader { from, names, declared })
    }

    /// The same of files whose columns are found by their names.
    async fn united(
        &self,
        store: &Arc<dyn ObjectStore>,
        files: &[&ObjectMeta],
        schema: &SchemaRef,
    ) -> Result<Reading> {
        let guessed_from = self.state().guessed_from.clone();
        let guesses = self.guesses_of(store, files).await?;
        let spec = self.union(&guesses, guessed_from.as_ref()).map(|union| union.spec).unwrap_or_default();
        let spec = with_columns_by_name(&spec, schema, guessed_from.is_none());
        let spec = spec.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut united = United::new();
        for (file, guess) in files.iter().zip(&guesses) {
            let order = order_in(&spec, &guess.spec, &file.location);
            let order = order.map_err(|error| DataFusionError::External(Box::new(error)))?;
            united.insert(file.location.clone(), Arc::new(order));
        }
        Ok(Reading { spec, guessed_from, united: Some(united), header: None })
    }

    /// The columns of all files, with what was learned of them since.
    fn union(&self, guesses: &[Arc<Sniffed>], guessed_from: Option<&Path>) -> Option<Sniffed> {
        let mut union = union_of(guesses.iter().map(Arc::as_ref))?;
        if let Some(guessed_from) = guessed_from {
            self.widened.apply(guessed_from, &mut union.spec);
        }
        Some(union)
    }

    /// The guesses of files that have other columns each: what is declared of a column need not hold for each of them, but for one
    /// at least.
    async fn guesses_of(
        &self,
        store: &Arc<dyn ObjectStore>,
        files: &[&ObjectMeta],
    ) -> Result<Vec<Arc<Sniffed>>> {
        let mut guesses = Vec::with_capacity(files.len());
        for file in files {
            let mut declared = self.declared.clone();
            let guess = loop {
                match self.sniffed(store, file, &declared).await? {
                    Ok(guess) => break guess,
                    Err(SniffError::NoColumn { column, .. }) => declared.forget(&column),
                    Err(error) => return Err(DataFusionError::External(Box::new(error))),
                }
            };
            guesses.push(guess);
        }
        let columns: BTreeSet<&str> =
            guesses.iter().flat_map(|guess| &guess.spec.columns).map(|column| column.name.as_str()).collect();
        let is_there = |name: &&str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        match (self.declared.columns().find(|name| !is_there(name)), files.first()) {
            (Some(column), Some(file)) => {
                let columns = columns.into_iter().map(str::to_owned).collect();
                let path = PathBuf::from(format!("/{}", file.location));
                let error = SniffError::NoColumn { path, column: column.to_owned(), columns };
                Err(DataFusionError::External(Box::new(error)))
            }
            _ => Ok(guesses),
        }
    }

    /// Whether the first record of a file has these names, so that it is its header.
    async fn first_record_is(
        &self,
        store: &Arc<dyn ObjectStore>,
        file: &ObjectMeta,
        guess: &CsvSpec,
        names: impl Iterator<Item = &String>,
    ) -> Result<bool> {
        let result = store.get(&file.location).await?;
        let GetResultPayload::File(file, _) = result.payload else { return Ok(false) };
        let with_header = CsvSpec { header: true, ..guess.clone() };
        let first = blocking(move || weir_csv::reader::header_names(file, &with_header)).await?;
        let first = first.map_err(DataFusionError::from)?.unwrap_or_default();
        Ok(first.iter().map(|name| name.trim()).eq(names.map(String::as_str)))
    }
}

/// The guess of a file. The outer error is the store's.
async fn try_sniff(
    store: &Arc<dyn ObjectStore>,
    file: &ObjectMeta,
    declared: Overrides,
) -> Result<Result<Sniffed, SniffError>> {
    let head = GetOptions { range: Some(GetRange::Bounded(0..HEAD_BYTES)), ..GetOptions::default() };
    // The range of an empty object is an error.
    let options = if file.size == 0 { GetOptions::default() } else { head };
    let result = store.get_opts(&file.location, options).await?;
    let sniffed = match result.payload {
        GetResultPayload::File(_, path) => blocking(move || sniff_path(&path, &declared)).await?,
        GetResultPayload::Stream(_) => {
            let bytes = result.bytes().await?;
            let is_whole = bytes.len() as u64 >= file.size;
            blocking(move || sniff_bytes(&bytes, is_whole, &declared)).await?
        }
    };
    Ok(sniffed.map_err(|error| named(error, &file.location)))
}

/// The specification of a file whose columns were declared.
fn declared_over(guess: &CsvSpec, schema: &SchemaRef) -> Result<CsvSpec> {
    let spec = with_declared_columns(guess, schema);
    spec.map_err(|error| DataFusionError::External(Box::new(error)))
}

/// The columns of a specification.
fn schema_of(spec: &CsvSpec) -> SchemaRef {
    ReadOptions { text: DataType::Utf8View, ..ReadOptions::default() }.file_schema(spec)
}

fn is_same(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    (one.size, one.last_modified) == (other.size, other.last_modified)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| DataFusionError::External(Box::new(error)))
}

/// The error with the file's name, also where only bytes of it were there.
fn named(error: SniffError, location: &Path) -> SniffError {
    let path = PathBuf::from(format!("/{location}"));
    match error {
        SniffError::Read { source, .. } => SniffError::Read { path, source },
        SniffError::NotAFile { .. } => SniffError::NotAFile { path },
        SniffError::Other { other, .. } => SniffError::Other { path, other },
        SniffError::NoColumn { column, columns, .. } => SniffError::NoColumn { path, column, columns },
    }
}

#[async_trait]
impl FileFormat for SniffedFormat {
    fn get_ext(&self) -> String {
        CsvFormatFactory::new().get_ext()
    }

    fn get_ext_with_compression(&self, compression: &FileCompressionType) -> Result<String> {
        self.writer.get_ext_with_compression(compression)
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.writer.compression_type()
    }

    async fn infer_schema(
        &self,
        _: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        let mut spec = CsvSpec::default();
        if let Some(file) = objects.iter().find(|file| file.size > 0).or(objects.first()) {
            spec = if self.declared.union_by_name {
                let files: Vec<&ObjectMeta> = objects.iter().collect();
                let union = self.union(&self.guesses_of(store, &files).await?, Some(&file.location));
                let union = union.map(Arc::new);
                self.state().union = union.clone();
                union.map(|union| union.spec.clone()).unwrap_or_default()
            } else {
                self.guess_of(store, file).await?
            };
            let is_new = self.state().guessed_from.replace(file.location.clone()).is_none();
            if is_new && spec.on_error == OnError::Pad && self.declared.on_error.is_none() {
                self.warn_of_padding(file);
            }
        }
        Ok(schema_of(&spec))
    }

    async fn infer_stats(
        &self,
        _: &dyn Session,
        _: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        _: &ObjectMeta,
    ) -> Result<Statistics> {
        Ok(Statistics::new_unknown(&table_schema))
    }

    async fn create_physical_plan(
        &self,
        session: &dyn Session,
        config: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let store = session.runtime_env().object_store(&config.object_store_url)?;
        let reading = self.reading_of(&store, &config).await?;
        let Some(source) = config.file_source.downcast_ref::<SpecSource>() else {
            return Err(DataFusionError::Internal("the source of a scan is not of its format".to_owned()));
        };
        // The first rows are those at the beginning of the file, and no thread begins elsewhere for nothing.
        let source = source.with_reading(reading, config.limit.is_some());
        // The reader unpacks.
        let config = FileScanConfigBuilder::from(config)
            .with_file_compression_type(FileCompressionType::UNCOMPRESSED)
            .with_source(Arc::new(source))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    async fn create_writer_physical_plan(
        &self,
        input: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
        config: FileSinkConfig,
        order_requirements: Option<LexRequirement>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.writer.create_writer_physical_plan(input, session, config, order_requirements).await
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        Arc::new(SpecSource::new(Arc::default(), None, table_schema, self.widened.clone()))
    }
}
