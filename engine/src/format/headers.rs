//! Whether each file of a table has a header, where nobody said so. All must be as the one from which it was guessed: else the names
//! of one file would be a row, or the first row of another would be lost.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::object_store::path::Path;
use weir_csv::reader::{ReadOptions, Reader, header_names};
use weir_csv::sniff::{Overrides, column_names, sniff_bytes};
use weir_csv::spec::{ColumnType, CsvSpec, OnError};

use super::files::{OtherColumns, display_name};

/// So much of a file is looked at, if its first record does not tell.
const HEAD_BYTES: u64 = 64 << 10;

/// The guess of one file.
#[derive(Debug, Clone)]
pub(super) struct GuessedHeader {
    /// The file.
    pub from: Path,
    /// The names in its header, if it has one.
    pub names: Vec<String>,
    /// What was declared of the table's files.
    pub declared: Overrides,
}

impl GuessedHeader {
    /// Whether another file has a header exactly if the first one has. `head` begins to read it.
    pub fn check<R: Read + Send>(
        &self,
        name: &Arc<str>,
        spec: &CsvSpec,
        head: impl Fn() -> io::Result<R>,
    ) -> io::Result<Result<(), OtherColumns>> {
        let is_told = match spec.header {
            true => self.has_these_names(head()?, spec)?,
            false => begins_with_a_row(head()?, name, spec),
        };
        if is_told {
            return Ok(Ok(()));
        }
        let mut bytes = Vec::new();
        head()?.take(HEAD_BYTES).read_to_end(&mut bytes)?;
        let is_whole = (bytes.len() as u64) < HEAD_BYTES;
        let declared = Overrides {
            delimiter: Some(spec.dialect.delimiter.clone()),
            types: Vec::new(),
            formats: Vec::new(),
            ..self.declared.clone()
        };
        match sniff_bytes(&bytes, is_whole, &declared) {
            Ok(sniffed) if sniffed.spec.header != spec.header && !sniffed.spec.columns.is_empty() => {
                let (file, guessed_from) = (Arc::clone(name), display_name(&self.from));
                Ok(Err(OtherColumns::Header { file, guessed_from, has_one: sniffed.spec.header }))
            }
            // What else is wrong with it shows when it is read.
            _ => Ok(Ok(())),
        }
    }

    /// In any order. An empty file has none, and no rows.
    fn has_these_names(&self, head: impl Read + Send, spec: &CsvSpec) -> io::Result<bool> {
        let Some(header) = header_names(head, spec)?.filter(|header| !header.is_empty()) else {
            return Ok(true);
        };
        let found = column_names(header.iter(), header.len().max(self.names.len()));
        Ok(found.iter().collect::<BTreeSet<_>>() == self.names.iter().collect())
    }
}

/// Whether the first record has a value in a column that is not text: names have none. Also if there is no record.
fn begins_with_a_row(head: impl Read + Send, name: &Arc<str>, spec: &CsvSpec) -> bool {
    let options = ReadOptions { file: Arc::clone(name), batch_rows: 1, ..ReadOptions::default() };
    let spec = CsvSpec { on_error: OnError::Fail, ..spec.clone() };
    let Ok(mut reader) = Reader::new(head, &spec, &options) else { return false };
    match reader.next() {
        None => true,
        Some(Err(_)) => false,
        Some(Ok(first)) => {
            let mut columns = first.columns().iter().zip(&spec.columns);
            columns.any(|(values, column)| column.ty != ColumnType::Text && values.is_valid(0))
        }
    }
}
