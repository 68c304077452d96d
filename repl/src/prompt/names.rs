//! What there is to complete and to colour: tables, columns, functions, settings and keywords of a session.
//!
//! Asked while a key is handled, so the answers that the catalog gives asynchronously are waited for, but for no table
//! longer than a person would notice.

use std::collections::BTreeMap;
use std::time::Duration;

use datafusion::common::TableReference;
use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionContext;
use tokio::runtime::Handle;

use crate::sql::identifier;

/// How long a table may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// A function of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// As in "round(numeric_expression, decimal_places)"; just the name if it is not documented.
    pub signature: String,
    pub description: String,
    /// scalar, aggregate, window or table
    pub kind: &'static str,
}

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

/// All functions that the session knows.
pub fn functions(context: &SessionContext) -> Vec<Function> {
    let state = context.state();
    let function = |name: &str, kind, documentation: Option<&Documentation>| Function {
        name: name.to_owned(),
        signature: documentation
            .map_or_else(|| format!("{name}(...)"), |text| one_line(&text.syntax_example)),
        description: documentation.map_or_else(String::new, |text| one_line(&text.description)),
        kind,
    };
    let mut functions: Vec<Function> = Vec::new();
    functions.extend(
        state.scalar_functions().iter().map(|(name, each)| function(name, "scalar", each.documentation())),
    );
    functions.extend(
        state
            .aggregate_functions()
            .iter()
            .map(|(name, each)| function(name, "aggregate", each.documentation())),
    );
    functions.extend(
        state.window_functions().iter().map(|(name, each)| function(name, "window", each.documentation())),
    );
    functions.extend(state.table_functions().keys().map(|name| function(name, "table", None)));
    functions.sort_by(|one, other| one.name.cmp(&other.name));
    functions.dedup_by(|one, other| one.name == other.name);
    functions
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Words that are coloured and completed. The parser knows many more, most of which are far more often names.
pub const KEYWORDS: [&str; 112] = [
    "ALL",
    "ANALYZE",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BIGINT",
    "BOOLEAN",
    "BY",
    "CASE",
    "CAST",
    "COPY",
    "CREATE",
    "CROSS",
    "CUBE",
    "CURRENT",
    "DATE",
    "DECIMAL",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DOUBLE",
    "DROP",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTERNAL",
    "EXTRACT",
    "FALSE",
    "FETCH",
    "FILTER",
    "FIRST",
    "FLOAT",
    "FOLLOWING",
    "FROM",
    "FULL",
    "GROUP",
    "GROUPING",
    "HAVING",
    "IF",
    "ILIKE",
    "IN",
    "INNER",
    "INSERT",
    "INT",
    "INTEGER",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LAST",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCATION",
    "NATURAL",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OPTIONS",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PARTITIONED",
    "PRECEDING",
    "QUALIFY",
    "RANGE",
    "RECURSIVE",
    "REPLACE",
    "RIGHT",
    "ROLLUP",
    "ROW",
    "ROWS",
    "SELECT",
    "SET",
    "SETS",
    "SHOW",
    "SIMILAR",
    "SMALLINT",
    "STORED",
    "TABLE",
    "TABLES",
    "THEN",
    "TIMESTAMP",
    "TO",
    "TRUE",
    "TRY_CAST",
    "UNBOUNDED",
    "UNION",
    "UNNEST",
    "USING",
    "VALUES",
    "VARCHAR",
    "VERBOSE",
    "VIEW",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
];

/// Whether a word is one of them.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search_by(|keyword| (*keyword).cmp(word.to_ascii_uppercase().as_str())).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_in_order() {
        assert!(KEYWORDS.is_sorted());
        assert!(is_keyword("select") && is_keyword("WITHIN") && !is_keyword("name"));
    }
}
