//! The source of one scan: which files, read how, and what of them.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::projection::SplitProjection;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::object_store::path::Path;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use pushdown::fragment::StructuralBytes;
use weir_csv::bytes::is_plain;
use weir_csv::is_value;
use weir_csv::ranges::{first_record, start_outside_quotes};
use weir_csv::rejects::ReadError;
use weir_csv::spec::{ColumnType, CsvSpec, DateFormat, NumberFormat};

use super::files::{Cuts, Files, Order, Promise, cuts, display_name, order_of, range_of};
use super::headers::GuessedHeader;
use super::rejected::Rejects;
use super::widened::Widened;
use crate::decline::FileKind;

/// CSV files that `weir_csv` reads.
#[derive(Debug, Clone)]
pub struct SpecSource {
    pub(super) spec: Arc<CsvSpec>,
    /// The file from which the columns were guessed. None: they were declared.
    pub(super) guessed_from: Option<Path>,
    pub(super) widened: Widened,
    pub(super) table_schema: TableSchema,
    pub(super) projection: SplitProjection,
    pub(super) batch_size: Option<usize>,
    pub(super) metrics: ExecutionPlanMetricsSet,
    pub(super) files: Arc<Files>,
    pub(super) rejects: Arc<Rejects>,
    /// How each file is read, if columns are found by their names.
    pub(super) united: Option<Arc<United>>,
    /// If nobody said whether the files have a header.
    pub(super) header: Option<Arc<GuessedHeader>>,
    /// Whether files are read from front to back, in one piece.
    pub(super) is_in_order: bool,
    /// Whether it reads whole records from within a file, and nothing stands above them.
    pub(super) is_inside: bool,
}

/// How the files of a scan are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// The table's columns, and how they are written.
    pub spec: CsvSpec,
    /// The file from which the columns were guessed. None: they were declared.
    pub guessed_from: Option<Path>,
    /// If columns are found by their names.
    pub united: Option<United>,
    /// If nobody said whether the files have a header, and it is not told for each of them.
    pub header: Option<GuessedHeader>,
}

/// How each file is read of those whose columns are found by their names.
pub(super) type United = HashMap<Path, Arc<Order>>;

/// The records that a range owns: those that begin in these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    /// Where the first begins, or 0: the beginning of the file with what stands above its records.
    pub start: u64,
    /// The first byte behind. None: the end of the file, wherever it is.
    pub end: Option<u64>,
}

impl SpecSource {
    /// A source that reads all columns.
    pub(super) fn new(
        spec: Arc<CsvSpec>,
        guessed_from: Option<Path>,
        table_schema: TableSchema,
        widened: Widened,
    ) -> Self {
        SpecSource {
            spec,
            guessed_from,
            widened,
            projection: SplitProjection::unprojected(&table_schema),
            table_schema,
            batch_size: None,
            metrics: ExecutionPlanMetricsSet::new(),
            files: Arc::default(),
            rejects: Arc::default(),
            united: None,
            header: None,
            is_in_order: false,
            is_inside: false,
        }
    }

    /// The same scan of files that are read in another way; of a few rows, from front to back.
    pub(super) fn with_reading(&self, reading: Reading, is_in_order: bool) -> Self {
        let (files, rejects) = (Arc::default(), Arc::default());
        let Reading { spec, guessed_from, united, header } = reading;
        let (spec, united, header) = (Arc::new(spec), united.map(Arc::new), header.map(Arc::new));
        SpecSource { spec, guessed_from, united, header, files, rejects, is_in_order, ..self.clone() }
    }

    /// The same for whole records from within a file.
    pub fn for_records(&self) -> Self {
        SpecSource { is_inside: true, ..self.clone() }
    }

    /// Records that were left out or mended so far.
    pub fn rejects(&self) -> &Rejects {
        &self.rejects
    }

    /// How the files are read.
    pub fn spec(&self) -> &CsvSpec {
        &self.spec
    }

    /// Of the scan.
    pub fn table_schema(&self) -> &TableSchema {
        &self.table_schema
    }

    /// The structural bytes, where there is no reason against a program.
    pub fn dialect(&self) -> StructuralBytes {
        let dialect = &self.spec.dialect;
        let usual = StructuralBytes::default();
        StructuralBytes {
            delimiter: dialect.delimiter.first().copied().unwrap_or(usual.delimiter),
            quote: dialect.quote.unwrap_or(usual.quote),
            escape: dialect.escape.filter(|_| dialect.escape != dialect.quote),
        }
    }

    /// How a file is read.
    fn spec_of(&self, location: &Path) -> Arc<CsvSpec> {
        match self.known_order(location).as_deref() {
            Some(Order::Other { spec, .. }) => Arc::clone(spec),
            Some(Order::SameAsTable) | None => Arc::clone(&self.spec),
        }
    }

    /// Whether readers can begin within its files: they are as they lie there, and the lines of rejects are counted from the
    /// beginning.
    pub(super) fn can_be_cut(&self) -> bool {
        let can = |spec: &CsvSpec| is_plain(spec) && spec.on_error.keeps_all();
        let of_others = self.united.iter().flat_map(|united| united.values());
        can(&self.spec)
            && of_others.map(Arc::as_ref).all(|order| match order {
                Order::Other { spec, .. } => can(spec),
                Order::SameAsTable => true,
            })
    }

    /// Why no program reads files like these, if there is a reason.
    pub fn declined(&self) -> Option<FileKind> {
        let dialect = &self.spec.dialect;
        let reasons = [
            (self.spec.compression != weir_csv::spec::Compression::None, FileKind::Compressed),
            (!is_plain(&self.spec), FileKind::NotUtf8),
            (dialect.comment.is_some(), FileKind::Comments),
            (dialect.trim, FileKind::Trimmed),
            (dialect.trailing_delimiter, FileKind::TrailingDelimiters),
            (dialect.delimiter.len() != 1, FileKind::WideDelimiters),
            (!dialect.delimiter.is_ascii(), FileKind::NotAscii),
            (dialect.quote.is_none(), FileKind::Unquoted),
            (!self.spec.on_error.keeps_all(), FileKind::Rejects),
        ];
        reasons.into_iter().find_map(|(applies, reason)| applies.then_some(reason))
    }

    /// Whether a column's dates or numbers are written in a way that no program reads.
    pub fn is_written_otherwise(&self, column: usize) -> bool {
        let usual = (DateFormat::default(), NumberFormat::default());
        self.spec.columns.get(column).is_some_and(|column| (column.date, column.number) != usual)
    }

    /// A text that stands for NULL in a column, and that a program would take for a value of the column: `-999`.
    pub fn null_like_a_value(&self, column: usize) -> Option<&str> {
        let data_type = self.table_schema.file_schema().field(column).data_type();
        let column = self.spec.columns.get(column)?;
        // A program reads no other doubles than these, whatever else the reader takes for one: NaN, 1e9.
        let is_read = |null: &str| {
            let is_plain = null.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
            (is_plain || column.ty != ColumnType::Double) && is_value(null, column, data_type)
        };
        let mut nulls = self.spec.nulls.iter().chain(&self.spec.late_nulls);
        nulls.find(|null| is_read(null)).map(String::as_str)
    }

    /// Whether a column's type is a guess, so that a leading zero is a reason to take it back.
    pub fn is_guess(&self, column: usize) -> bool {
        self.spec.columns.get(column).is_some_and(|column| !column.declared)
    }

    /// The records of a local file that a range owns, with the files and cuts of `config`.
    pub fn owned(&self, file: &File, range: &PartitionedFile, cuts: &Cuts) -> Result<Owned, ReadError> {
        let location = &range.object_meta.location;
        let size = range.object_meta.size;
        let spec = self.spec_of(location);
        // Files of the system say that they are empty, and are not.
        let file_end = (is_plain(&spec) && size > 0).then_some(size);
        let Some((start, end)) = range_of(range) else {
            return Ok(Owned { start: 0, end: file_end });
        };
        let place = |cut| self.files.start(location, file, &spec, cut, cuts).map_err(unread(range));
        let end = if end >= size { file_end } else { Some(place(end)?) };
        Ok(Owned { start: place(start)?, end })
    }

    /// The range of a reader that begins at the beginning of the file: on its way it sees by itself where the last record begins
    /// that it owns, so that nobody has to look through the file first. None: another range.
    pub(super) fn owned_at_beginning(&self, range: &PartitionedFile) -> Option<Owned> {
        let (start, end) = range_of(range)?;
        (start == 0 && end < range.object_meta.size).then_some(Owned { start, end: Some(end) })
    }

    /// The same as bytes without what stands above the records, for a program.
    pub fn owned_bytes(
        &self,
        file: &File,
        range: &PartitionedFile,
        config: &FileScanConfig,
    ) -> Result<Range<u64>, ReadError> {
        let Owned { start, end } = self.owned(file, range, &cuts(config))?;
        let start = if start == 0 { first_record(file, &self.spec).map_err(unread(range))? } else { start };
        Ok(start..end.unwrap_or(u64::MAX))
    }

    /// The same, if no quoted field lies across the cuts at which the range begins and ends, and a claim to be confirmed when
    /// the bytes were read.
    pub fn claimed_bytes(
        &self,
        file: &File,
        range: &PartitionedFile,
    ) -> Result<(Range<u64>, Claim), ReadError> {
        let (location, size) = (&range.object_meta.location, range.object_meta.size);
        let place = |cut| start_outside_quotes(file, &self.spec, cut).map_err(unread(range));
        let (cut, end_cut) = range_of(range).unwrap_or((0, size));
        let end = match end_cut {
            _ if size == 0 => u64::MAX,
            end_cut if end_cut >= size => size,
            end_cut => place(end_cut)?,
        };
        let promise = (end_cut < size).then(|| self.files.begin(location, end_cut));
        let start = place(cut)?;
        Ok((start..end, Claim { cut, start, promise }))
    }

    /// Whether the bytes that were claimed are those that the range owns. What `claim` has promised is told.
    pub fn confirm(
        &self,
        claim: Claim,
        file: &File,
        range: &PartitionedFile,
        config: &FileScanConfig,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<bool, ReadError> {
        let location = &range.object_meta.location;
        let holds = claim.cut == 0
            || self.files.is_outside_quotes(location, claim.cut, is_cancelled)
            || self.owned(file, range, &cuts(config))?.start == claim.start;
        if let Some(promise) = claim.promise.filter(|_| holds) {
            promise.outside_quotes();
        }
        Ok(holds)
    }

    /// Whether a quoted field lies across a cut at which the range begins or ends.
    pub fn is_cut_in_quotes(
        &self,
        file: &File,
        range: &PartitionedFile,
        config: &FileScanConfig,
    ) -> Result<bool, ReadError> {
        let (claimed, _) = self.claimed_bytes(file, range)?;
        Ok(claimed != self.owned_bytes(file, range, config)?)
    }

    /// The same, where nobody has to look into the file.
    pub(super) fn known_order(&self, location: &Path) -> Option<Arc<Order>> {
        self.united.as_ref()?.get(location).map(Arc::clone)
    }

    /// Which field of a file's records is which column.
    pub fn order(&self, file: &File, location: &Path) -> Result<Arc<Order>> {
        if let Some(order) = self.known_order(location) {
            return Ok(order);
        }
        let name = display_name(location);
        let find = || {
            let head = || Ok(HeadOf { file: file.try_clone()?, offset: 0 });
            if let Some(guessed) = self.header.as_ref().filter(|guessed| guessed.from != *location)
                && let Err(other) = guessed.check(&name, &self.spec, head)?
            {
                return Ok(Err(other));
            }
            order_of(head()?, &name, &self.spec, self.guessed_from.as_ref().map(display_name).as_ref())
        };
        let found = self.files.order(location, find);
        let found = found.map_err(|error| {
            let error = ReadError::Read { file: Arc::clone(&name), offset: 0, source: Arc::new(error) };
            DataFusionError::External(Box::new(error))
        })?;
        found.map_err(|other| DataFusionError::External(Box::new(other)))
    }
}

/// A range of which the first line behind its cut is taken for the beginning of a record.
#[derive(Debug)]
pub struct Claim {
    cut: u64,
    start: u64,
    promise: Option<Promise>,
}

fn unread(range: &PartitionedFile) -> impl Fn(std::io::Error) -> ReadError {
    let file = display_name(&range.object_meta.location);
    move |error| ReadError::Read { file: Arc::clone(&file), offset: 0, source: Arc::new(error) }
}

/// Reads a file from its beginning, without moving the place where others read it.
pub(super) struct HeadOf {
    file: File,
    offset: u64,
}

impl std::io::Read for HeadOf {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(&self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
