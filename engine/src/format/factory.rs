//! `STORED AS CSV`, and `FROM 'file.csv'`.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::{DataFusionError, GetExt, Result};
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::file_format::{FileFormat, FileFormatFactory};
use weir_csv::sniff::{OPTIONS, OptionError, Overrides};

use super::sniffed::SniffedFormat;
use super::widened::Widened;

/// Makes the formats of tables from their options.
#[derive(Debug, Clone, Default)]
pub struct SniffedFormatFactory {
    widened: Widened,
}

/// An option of DataFusion's that has another name here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the option '{name}' is not known here: {instead}")]
pub struct OtherOption {
    name: &'static str,
    instead: &'static str,
}

/// Options of DataFusion's for reading that would otherwise do nothing.
const OTHER_OPTIONS: [(&str, &str); 3] = [
    ("truncated_rows", "with on_error 'null' missing fields are NULL"),
    ("null_regex", "nulls 'NA,-' lists what stands for NULL"),
    ("terminator", "CR, LF and CRLF end a record, whichever comes"),
];

impl SniffedFormatFactory {
    /// A factory whose formats share what was learned of their files.
    pub fn new(widened: Widened) -> Self {
        SniffedFormatFactory { widened }
    }
}

impl FileFormatFactory for SniffedFormatFactory {
    fn create(
        &self,
        session: &dyn Session,
        options: &HashMap<String, String>,
    ) -> Result<Arc<dyn FileFormat>> {
        let mut declared = Overrides::default();
        let mut of_writer = HashMap::new();
        for (name, value) in options {
            let key = name.strip_prefix("format.").unwrap_or(name).to_ascii_lowercase();
            if let Some(&(name, instead)) = OTHER_OPTIONS.iter().find(|(other, _)| *other == key) {
                return Err(DataFusionError::External(Box::new(OtherOption { name, instead })));
            }
            match declared.set(name, value) {
                Ok(()) => {}
                Err(OptionError::Unknown { .. }) => {
                    of_writer.insert(name.clone(), value.clone());
                }
                Err(error) => return Err(DataFusionError::External(Box::new(error))),
            }
            // What has the same name and meaning when files are written. `quote none` and the like are for reading alone.
            let is_shared = OPTIONS.iter().any(|option| option.name == key && option.in_datafusion);
            if is_shared && value.len() == 1 || matches!(key.as_str(), "has_header" | "compression") {
                of_writer.insert(name.clone(), value.clone());
            }
        }
        let writer = CsvFormatFactory::new().create(session, &of_writer)?;
        Ok(Arc::new(SniffedFormat::new(declared, writer, self.widened.clone())))
    }

    fn default(&self) -> Arc<dyn FileFormat> {
        let writer = CsvFormatFactory::new().default();
        Arc::new(SniffedFormat::new(Overrides::default(), writer, self.widened.clone()))
    }
}

impl GetExt for SniffedFormatFactory {
    fn get_ext(&self) -> String {
        CsvFormatFactory::new().get_ext()
    }
}
