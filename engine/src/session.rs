//! Sessions: a DataFusion context that knows the settings and the rule of this crate.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{DynamicFileCatalog, TableProvider, UrlTableFactory};
use datafusion::common::config::ConfigNonZeroUsize;
use datafusion::common::{DataFusionError, Result, TableReference, plan_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::object_store::ObjectStoreExt;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use weir_csv::rejects::{ReadError, Widening};
use weir_csv::sniff::{Overrides, Sniffed};

use crate::format::{
    JsonFactory, SniffedFormat, SniffedFormatFactory, UrlTables, Widened, files_like, has_other_format,
    listing_url, say_what_is_left_out,
};
use crate::functions::with_functions;
use crate::options::{BackendChoice, PushdownMode, WeirOptions};
use crate::plan::{FileOrder, GuardedFilter, KernelPushdown, LateProjection, NullExtended, TopGroups};
use crate::planner::Planner;

/// How a session is set up.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// `weir.pushdown`
    pub pushdown: PushdownMode,
    /// `weir.backend`
    pub backend: BackendChoice,
    /// Partitions, and so threads, of a query; as many as the host has processors if not given.
    pub threads: Option<usize>,
    /// Of files that SQL names as `FROM 'file'`.
    pub declared: Overrides,
}

/// A DataFusion session whose scans of CSV files run in the kernel. `SELECT ... FROM 'file.csv'` works.
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    widened: Widened,
    paths: Arc<UrlTables>,
}

/// What is declared of the CSV files of a table. The rest is guessed.
#[derive(Debug, Clone)]
pub struct CsvTable {
    /// Structure and types.
    pub declared: Overrides,
    /// All columns. None: names and types are those of the first file.
    pub schema: Option<SchemaRef>,
    /// Of a folder only the files whose names end so, in small letters or capital ones; all of them if it is empty.
    pub file_extension: String,
}

impl Default for CsvTable {
    /// All is guessed; of a folder the files that end in `.csv`.
    fn default() -> Self {
        CsvTable { declared: Overrides::default(), schema: None, file_extension: "csv".to_owned() }
    }
}

/// How deep the parser goes. With 50, as in DataFusion, expressions that people's programs write are refused; and behind
/// a NOT that it gave up on the parser tries again with NOT as a function, which doubles the time for each of them.
pub const RECURSION_LIMIT: usize = 10_000;

/// The rule of DataFusion that ours must come before is not where it was.
#[derive(Debug, thiserror::Error)]
#[error("DataFusion has {found} physical optimizer rules named {name}, where at least 2 were expected")]
pub struct RuleNotFound {
    name: &'static str,
    found: usize,
}

impl Session {
    /// A new session without tables.
    pub fn new(options: SessionOptions) -> Result<Session> {
        let mut config = SessionConfig::new().with_information_schema(true);
        if let Some(threads) = options.threads {
            config = config.with_target_partitions(threads.max(1));
        }
        // Places in the statement, for error messages. They take no part in the comparison of plans and expressions.
        config.options_mut().sql_parser.collect_spans = true;
        config.options_mut().sql_parser.recursion_limit = ConfigNonZeroUsize::try_new(RECURSION_LIMIT)?;
        let weir =
            WeirOptions { pushdown: options.pushdown, backend: options.backend, ..WeirOptions::default() };
        // DataFusion would remember for good which files a folder holds, and how long they are: the rows that come
        // while a session runs would not be in its answers.
        let runtime = RuntimeEnvBuilder::new().with_object_list_cache_limit(0).build_arc()?;
        let widened = Widened::default();
        let builder = session_state_builder(config.with_option_extension(weir))?.with_runtime_env(runtime);
        let mut state = builder.build();
        state.register_file_format(Arc::new(SniffedFormatFactory::new(widened.clone())), true)?;
        state.register_file_format(Arc::new(JsonFactory::of_datafusion()), true)?;
        let tables = Arc::new(UrlTables::new(options.declared, widened.clone()));
        let catalogs = DynamicFileCatalog::new(
            Arc::clone(state.catalog_list()),
            Arc::clone(&tables) as Arc<dyn UrlTableFactory>,
        );
        state.register_catalog_list(Arc::new(catalogs));
        let context = SessionContext::new_with_state(state);
        tables.session.with_state(context.state_weak_ref());
        Ok(Session { context, widened, paths: tables })
    }

    /// Where queries run: `session.context().sql(text).await?`.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Makes a file of another format than CSV a table, or a directory or glob of them: parquet, json, arrow, as the names end.
    /// False: they do not end so.
    pub async fn register_other(&self, name: impl Into<TableReference>, path: &str) -> Result<bool> {
        let state = self.context.state();
        let url = listing_url(path)?;
        if !has_other_format(&state, url.prefix().as_ref()) {
            return Ok(false);
        }
        let Some(table) = self.paths.table(&state, url).await? else { return Ok(false) };
        self.context.register_table(name, Arc::new(table))?;
        Ok(true)
    }

    /// Makes a CSV file, a directory of them or a glob a table; of a pipe what comes out of it until its end. Returns what was
    /// found out about its files, where something was to be guessed: all of it but for a table with a schema.
    pub async fn register_csv(
        &self,
        name: impl Into<TableReference>,
        path: &str,
        table: CsvTable,
    ) -> Result<Option<Arc<Sniffed>>> {
        let spooled = self.paths.spools.path(path).await?.map(|path| path.to_string_lossy().into_owned());
        let url = listing_url(spooled.as_deref().unwrap_or(path))?;
        // A file is taken as it is, whatever its name ends with; in a directory the ending tells CSV files from others.
        let ending = Some(table.file_extension.as_str()).filter(|ending| !ending.is_empty());
        let state = self.context.state();
        if let Some(ending) = ending {
            say_what_is_left_out(&state, &url, &ending.to_ascii_lowercase()).await?;
        }
        let url = files_like(url, ending)?;
        let writer = CsvFormatFactory::new().default();
        let format = Arc::new(SniffedFormat::new(table.declared, writer, self.widened.clone()));
        let options = ListingOptions::new(Arc::clone(&format) as _).with_file_extension("");
        let mut config = ListingTableConfig::new(url).with_listing_options(options);
        if let Some(schema) = table.schema {
            config = config.with_schema(schema);
        }
        check_there(&state, config.table_paths.iter()).await?;
        let config = config.infer_schema(&state).await?;
        self.context.register_table(name, Arc::new(ListingTable::try_new(config)?))?;
        Ok(format.guess())
    }
}

/// If a query ended because a guess of a column's type does not hold: makes the tables anew that were guessed, so that the query
/// can be planned and run again, and returns the wider guesses. Nothing was lost. None: it ended for another reason.
pub async fn widen(context: &SessionContext, error: &DataFusionError) -> Result<Option<Vec<Widening>>> {
    let Some(widenings) = widenings_of(error) else { return Ok(None) };
    for catalog in context.catalog_names().iter().filter_map(|name| context.catalog(name)) {
        for schema in catalog.schema_names().iter().filter_map(|name| catalog.schema(name)) {
            for name in schema.table_names() {
                let Some(table) = schema.table(&name).await? else { continue };
                let Some(table) = table.downcast_ref::<ListingTable>() else { continue };
                if let Some(wider) = guessed_anew(table, &context.state()).await? {
                    schema.deregister_table(&name)?;
                    schema.register_table(name, wider)?;
                }
            }
        }
    }
    Ok(Some(widenings))
}

/// The table as it is guessed now. None: it was declared.
async fn guessed_anew(table: &ListingTable, state: &SessionState) -> Result<Option<Arc<dyn TableProvider>>> {
    let options = table.options();
    if !options.format.downcast_ref::<SniffedFormat>().is_some_and(SniffedFormat::is_guessed) {
        return Ok(None);
    }
    let config = ListingTableConfig::new_with_multi_paths(table.table_paths().clone())
        .with_listing_options(options.clone())
        .infer_schema(state)
        .await?;
    Ok(Some(Arc::new(ListingTable::try_new(config)?)))
}

/// What the files of a table were taken for. None: its columns were declared, or it is no table of CSV files.
pub fn guess_of(table: &dyn TableProvider) -> Option<Arc<Sniffed>> {
    let format = &table.downcast_ref::<ListingTable>()?.options().format;
    format.downcast_ref::<SniffedFormat>().filter(|format| format.is_guessed())?.guess()
}

/// Whether there is a file at each path: without, a table would have no columns and no rows.
async fn check_there(state: &SessionState, urls: impl Iterator<Item = &ListingTableUrl>) -> Result<()> {
    for url in urls {
        let store = state.runtime_env().object_store(url)?;
        if !url.is_collection() {
            store.head(url.prefix()).await?;
        } else if url.list_all_files(state, store.as_ref(), "").await?.next().await.is_none() {
            return plan_err!("there is no file like {url}");
        }
    }
    Ok(())
}

/// The guesses that did not hold, if that is why a query ended.
fn widenings_of(error: &DataFusionError) -> Option<Vec<Widening>> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(ReadError::Wider { widenings, .. }) = error.downcast_ref::<ReadError>() {
            return Some(widenings.clone());
        }
        cause = error.source();
    }
    None
}

/// A builder with the features of DataFusion, the settings `weir.*`, arithmetic that does not wrap, the rule and the listings of
/// EXPLAIN VERBOSE, for
/// those who embed it in a session of their own. The listings come from its query planner, and the error where a table's file has
/// gone: a session with another planner plans and runs the same without them.
pub fn session_state_builder(config: SessionConfig) -> Result<SessionStateBuilder> {
    let config = match config.options().extensions.get::<WeirOptions>() {
        Some(_) => config,
        None => config.with_option_extension(WeirOptions::default()),
    };
    let builder = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_query_planner(Arc::new(Planner))
        .with_physical_optimizer_rules(physical_optimizer_rules()?);
    Ok(with_functions(builder))
}

/// The rules of DataFusion with ours among them: before the second `FilterPushdown`, so that the filters which change
/// while a query runs meet the plan as it is executed, and after projections were moved.
pub fn physical_optimizer_rules() -> Result<Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>> {
    const NAME: &str = "FilterPushdown";
    let mut rules = PhysicalOptimizer::new().rules;
    let found: Vec<usize> = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.name().starts_with(NAME))
        .map(|(at, _)| at)
        .collect();
    let Some(&second) = found.get(1) else {
        let missing = RuleNotFound { name: NAME, found: found.len() };
        return Err(DataFusionError::External(Box::new(missing)));
    };
    rules.insert(second, Arc::new(KernelPushdown::new()));
    rules.insert(second, Arc::new(GuardedFilter));
    rules.insert(second, Arc::new(LateProjection));
    rules.insert(second, Arc::new(TopGroups));
    // Before anything relies on what is known of a join's inputs.
    rules.insert(0, Arc::new(NullExtended));
    rules.push(Arc::new(FileOrder));
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn count(session: &Session, sql: &str) -> String {
        let batches = session.context().sql(sql).await.unwrap().collect().await.unwrap();
        datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string()
    }

    #[tokio::test]
    async fn files_of_any_name_folders_and_globs_are_tables() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("a.tsv"), "1\tx\n2\ty\n").unwrap();
        std::fs::write(path("b.csv"), "n,s\n1,x\n").unwrap();
        std::fs::write(path("c.csv"), "n,s\n2,y\n3,z\n").unwrap();
        let options = SessionOptions {
            pushdown: PushdownMode::Require,
            backend: BackendChoice::Interpret,
            threads: Some(2),
            ..SessionOptions::default()
        };
        let session = Session::new(options).unwrap();
        session.register_csv("tabs", &path("a.tsv"), CsvTable::default()).await.unwrap();
        session
            .register_csv("folder", &format!("{}/", folder.path().display()), CsvTable::default())
            .await
            .unwrap();
        session.register_csv("glob", &path("[bc].csv"), CsvTable::default()).await.unwrap();
        let answer = count(&session, "SELECT count(*), sum(column_1) FROM tabs WHERE column_2 <> 'x'").await;
        assert!(answer.contains("| 1        | 2 "), "{answer}");
        for table in ["folder", "glob"] {
            let answer =
                count(&session, &format!("SELECT count(*), sum(n) FROM {table} WHERE s <> 'y'")).await;
            assert!(answer.contains("| 2        | 4 "), "{table}: {answer}");
        }
        assert!(session.register_csv("missing", &path("none.csv"), CsvTable::default()).await.is_err());
    }

    #[tokio::test]
    async fn what_is_added_to_a_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let options = SessionOptions {
            pushdown: PushdownMode::Require,
            backend: BackendChoice::Interpret,
            threads: Some(1),
            ..SessionOptions::default()
        };
        let session = Session::new(options).unwrap();
        let path = format!("{}/", folder.path().display());
        write("a.csv", "n,s\n1,x\n");
        session.register_csv("t", &path, CsvTable::default()).await.unwrap();
        let sum = async || count(&session, "SELECT sum(n) AS total FROM t WHERE n > 0").await;
        assert!(sum().await.contains("| 1     |"));
        write("a.csv", "n,s\n1,x\n20,y\n");
        write("b.csv", "n,s\n300,z\n");
        assert!(sum().await.contains("| 321   |"));
        std::fs::remove_file(folder.path().join("a.csv")).unwrap();
        assert!(sum().await.contains("| 300   |"));
    }

    #[test]
    fn the_rule_comes_just_before_the_second_filter_pushdown() {
        let rules = physical_optimizer_rules().unwrap();
        let names: Vec<&str> = rules.iter().map(|rule| rule.name()).collect();
        let ours = names.iter().position(|&name| name == "KernelPushdown").unwrap();
        assert!(names[ours + 1].starts_with("FilterPushdown"), "{names:?}");
        assert_eq!(names[..ours].iter().filter(|name| name.starts_with("FilterPushdown")).count(), 1);
    }
}
