//! Sessions: a DataFusion context that knows the settings and the rule of this crate.

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{CsvReadOptions, SessionConfig, SessionContext};

use crate::explain::ListingPlanner;
use crate::options::{BackendChoice, PushdownMode, WeirOptions};
use crate::plan::KernelPushdown;

/// How a session is set up.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// `weir.pushdown`
    pub pushdown: PushdownMode,
    /// `weir.backend`
    pub backend: BackendChoice,
    /// Partitions, and so threads, of a query; as many as the host has processors if not given.
    pub threads: Option<usize>,
}

/// A DataFusion session whose scans of CSV files run in the kernel. `SELECT ... FROM 'file.csv'` works.
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
}

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
        let weir =
            WeirOptions { pushdown: options.pushdown, backend: options.backend, ..WeirOptions::default() };
        // DataFusion would remember for good which files a folder holds, and how long they are: the rows that come
        // while a session runs would not be in its answers.
        let runtime = RuntimeEnvBuilder::new().with_object_list_cache_limit(0).build_arc()?;
        let builder = session_state_builder(config.with_option_extension(weir))?;
        let state = builder.with_runtime_env(runtime).build();
        Ok(Session { context: SessionContext::new_with_state(state).enable_url_table() })
    }

    /// Where queries run: `session.context().sql(text).await?`.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Makes a CSV file, a directory of them or a glob a table. Its schema is inferred, if not given, as DataFusion does.
    pub async fn register_csv(&self, name: &str, path: &str, options: CsvReadOptions<'_>) -> Result<()> {
        let url = ListingTableUrl::parse(path)?;
        // A file is taken as it is, whatever its name ends with; in a directory the ending tells CSV files from others.
        let extension = if url.is_collection() { options.file_extension } else { "" };
        let options = CsvReadOptions { file_extension: extension, ..options };
        self.context.register_csv(name, path, options).await
    }
}

/// A builder with the features of DataFusion, the settings `weir.*`, the rule and the listings of EXPLAIN VERBOSE, for
/// those who embed it in a session of their own.
pub fn session_state_builder(config: SessionConfig) -> Result<SessionStateBuilder> {
    let config = match config.options().extensions.get::<WeirOptions>() {
        Some(_) => config,
        None => config.with_option_extension(WeirOptions::default()),
    };
    Ok(SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_query_planner(Arc::new(ListingPlanner))
        .with_physical_optimizer_rules(physical_optimizer_rules()?))
}

/// The rules of DataFusion with ours among them: before the second `FilterPushdown`, so that the filters which change
/// while a query runs meet the plan as it is executed.
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
        };
        let session = Session::new(options).unwrap();
        let tabs = CsvReadOptions::new().delimiter(b'\t').has_header(false);
        session.register_csv("tabs", &path("a.tsv"), tabs).await.unwrap();
        session
            .register_csv("folder", &format!("{}/", folder.path().display()), CsvReadOptions::new())
            .await
            .unwrap();
        session.register_csv("glob", &path("[bc].csv"), CsvReadOptions::new()).await.unwrap();
        let answer = count(&session, "SELECT count(*), sum(column_1) FROM tabs WHERE column_2 <> 'x'").await;
        assert!(answer.contains("| 1        | 2 "), "{answer}");
        for table in ["folder", "glob"] {
            let answer =
                count(&session, &format!("SELECT count(*), sum(n) FROM {table} WHERE s <> 'y'")).await;
            assert!(answer.contains("| 2        | 4 "), "{table}: {answer}");
        }
        assert!(session.register_csv("missing", &path("none.csv"), CsvReadOptions::new()).await.is_err());
    }

    #[tokio::test]
    async fn what_is_added_to_a_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let options = SessionOptions {
            pushdown: PushdownMode::Require,
            backend: BackendChoice::Interpret,
            threads: Some(1),
        };
        let session = Session::new(options).unwrap();
        let path = format!("{}/", folder.path().display());
        write("a.csv", "n\n1\n");
        session.register_csv("t", &path, CsvReadOptions::new()).await.unwrap();
        let sum = async || count(&session, "SELECT sum(n) AS total FROM t WHERE n > 0").await;
        assert!(sum().await.contains("| 1     |"));
        write("a.csv", "n\n1\n20\n");
        write("b.csv", "n\n300\n");
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
