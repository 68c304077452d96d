//! What there is to complete and to colour: tables, columns, functions and settings of a session.
//!
//! Asked while a key is handled, so the answers that the catalog gives asynchronously are waited for, but for no table
//! longer than a person would notice.

use std::collections::BTreeMap;
use std::time::Duration;

use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use tokio::runtime::Handle;

use crate::shell::functions::{Function, functions};
use crate::sql::identifier;

/// How long a table may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// The names of a session.
pub struct Names {
    context: SessionContext,
    runtime: Handle,
    functions: BTreeMap<String, Function>,
}

impl Names {
    /// Must be made inside of a runtime.
    pub fn new(context: SessionContext) -> Names {
        let functions = functions(&context).into_iter().map(|each| (each.name.clone(), each)).collect();
        Names { context, runtime: Handle::current(), functions }
    }

    /// By name, in order.
    pub fn functions(&self) -> &BTreeMap<String, Function> {
        &self.functions
    }

    /// Tables and views, as they are written in SQL.
    pub fn tables(&self) -> Vec<String> {
        let mut names = Vec::new();
        for catalog in self.context.catalog_names().iter().filter_map(|name| self.context.catalog(name)) {
            let schemas = catalog.schema_names().into_iter().filter(|name| name != "information_schema");
            for schema in schemas.filter_map(|name| catalog.schema(&name)) {
                names.extend(schema.table_names().iter().map(|name| identifier(name)));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// The columns of a table, or of a file; none if there is no such table.
    pub fn columns(&self, table: &str) -> Vec<String> {
        let reference = match table.strip_prefix('\'') {
            // A file's name is one name, whatever points it has.
            Some(file) => TableReference::bare(file.trim_end_matches('\'')),
            None => TableReference::parse_str(table),
        };
        let context = self.context.clone();
        let columns = self.wait(async move {
            let provider = context.table_provider(reference).await.ok()?;
            let schema = provider.schema();
            Some(schema.fields().iter().map(|field| identifier(field.name())).collect())
        });
        columns.flatten().unwrap_or_default()
    }

    /// Settings and their values.
    pub fn settings(&self) -> Vec<(String, Option<String>)> {
        let entries = self.context.copied_config().options().entries();
        let mut settings: Vec<_> = entries.into_iter().map(|entry| (entry.key, entry.value)).collect();
        settings.sort();
        settings
    }

    /// Runs on a thread of its own: this one may be inside of the runtime.
    fn wait<T: Send>(&self, future: impl Future<Output = T> + Send) -> Option<T> {
        std::thread::scope(|scope| {
            let task = || self.runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.ok() });
            scope.spawn(task).join().ok().flatten()
        })
    }
}
