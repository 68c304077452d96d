//! Scans of CSV files, whoever reads them: the reader of this project, or that of DataFusion in a session that is not ours.

use std::sync::Arc;

use datafusion::common::config::CsvOptions;
use datafusion::datasource::physical_plan::{CsvSource, FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use pushdown::fragment::StructuralBytes;

use crate::decline::{DeclineReason, FileKind};
use crate::format::SpecSource;

/// The source of a scan of CSV files.
#[derive(Debug, Clone, Copy)]
pub enum CsvFiles<'a> {
    /// DataFusion's.
    DataFusion(&'a CsvSource),
    /// Ours.
    Spec(&'a SpecSource),
}

impl<'a> CsvFiles<'a> {
    /// None: other files, or packed ones that DataFusion unpacks.
    pub fn of(config: &'a FileScanConfig) -> Option<Self> {
        let source = config.file_source();
        let ours = source.downcast_ref::<SpecSource>().map(CsvFiles::Spec);
        ours.or_else(|| source.downcast_ref::<CsvSource>().map(CsvFiles::DataFusion))
    }

    /// The columns of the table.
    pub fn table_schema(self) -> &'a TableSchema {
        match self {
            CsvFiles::DataFusion(source) => source.table_schema(),
            CsvFiles::Spec(source) => source.table_schema(),
        }
    }

    /// The structural bytes.
    pub fn dialect(self) -> StructuralBytes {
        match self {
            CsvFiles::DataFusion(source) => StructuralBytes {
                delimiter: source.delimiter(),
                quote: source.quote(),
                escape: source.escape(),
            },
            CsvFiles::Spec(source) => source.dialect(),
        }
    }

    /// Whether the first record of each file has names.
    pub fn has_header(self) -> bool {
        match self {
            CsvFiles::DataFusion(source) => source.has_header(),
            CsvFiles::Spec(source) => source.spec().header,
        }
    }

    /// Why no program reads files like these, if there is a reason.
    pub fn declined(self) -> Option<FileKind> {
        let source = match self {
            CsvFiles::Spec(source) => return source.declined(),
            CsvFiles::DataFusion(source) => source,
        };
        let bytes = [Some(source.delimiter()), Some(source.quote()), source.escape()];
        let reasons = [
            (source.comment().is_some(), FileKind::Comments),
            (source.terminator().is_some(), FileKind::Terminators),
            (source.truncate_rows(), FileKind::TruncatedRows),
            (!bytes.iter().flatten().all(u8::is_ascii), FileKind::NotAscii),
        ];
        reasons.into_iter().find_map(|(applies, reason)| applies.then_some(reason))
    }

    /// Why no program reads a column of the file, because of how its values are written.
    pub fn column_declined(self, column: usize) -> Option<DeclineReason> {
        let CsvFiles::Spec(source) = self else { return None };
        if source.is_written_otherwise(column) {
            return Some(DeclineReason::Format);
        }
        source.null_like_a_value(column).map(|null| DeclineReason::NullLikeAValue(null.to_owned()))
    }

    /// Whether a column's type is a guess.
    pub fn is_guess(self, column: usize) -> bool {
        match self {
            CsvFiles::DataFusion(_) => false,
            CsvFiles::Spec(source) => source.is_guess(column),
        }
    }

    /// The source that reads whole records from within the files.
    pub fn for_records(self) -> Arc<dyn FileSource> {
        match self {
            CsvFiles::DataFusion(source) => Arc::new(source.clone().with_csv_options(without_header(source))),
            CsvFiles::Spec(source) => Arc::new(source.for_records()),
        }
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

/// Bytes of the files of a scan, as far as its ranges hold them.
pub(crate) fn file_bytes(config: &FileScanConfig) -> u64 {
    let files = config.file_groups.iter().flat_map(|group| group.files());
    files
        .map(|file| match &file.range {
            Some(range) => u64::try_from(range.end - range.start).unwrap_or_default(),
            None => file.object_meta.size,
        })
        .sum()
}
