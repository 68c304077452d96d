//! `.slt` files: the same statements and the same rows in every configuration.
//!
//! All but `off` run with `weir.pushdown = 'require'`, so that a query which is silently left to DataFusion fails; so does one of
//! which a program falls back while it runs.
//! Conditions in the files: `onlyif off`, `interpret`, `interpret-hook`, `stock`, `hook`, `pushed` (all but off),
//! `single`, `partitioned`, and `unpatched` where the kernel does not have the hook. Each configuration runs with one
//! partition, and with several that cut the files into ranges. `$DATA` is the folder of the files; in results it is
//! shown as `DATA`. `WEIR_SLT_DATA` is a copy of it on a file system that has the hook. `BLESS=1` writes what is expected.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, exec_err};
use datafusion::physical_plan::{ExecutionPlan, collect};
use engine::exec::KernelFilterReduceExec;
use engine::session::Session;
use machine::probe_hook;
use sqllogictest::{DBOutput, DefaultColumnType, Runner};
use weir_tests::configuration::{Configuration, OFF, available, is_chosen};

/// Partitions of the second run.
const PARTITIONS: usize = 3;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("slt")
}

struct Database {
    session: Session,
    data: String,
}

#[async_trait::async_trait]
impl sqllogictest::AsyncDB for Database {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let frame = self.session.context().sql(sql).await?;
        let types: Vec<DefaultColumnType> =
            frame.schema().fields().iter().map(|field| column_type(field.data_type())).collect();
        let tasks = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await?;
        let batches = collect(Arc::clone(&plan), tasks).await?;
        check_fallbacks(&plan)?;
        if types.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let mut rows = self.rows(&batches)?;
        if sql.trim_start().to_ascii_uppercase().starts_with("EXPLAIN") {
            rows = physical_plan(rows);
        }
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}

impl Database {
    fn rows(&self, batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, DataFusionError> {
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        for batch in batches {
            let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                let values = columns.iter().map(|column| self.shown(column.value(row).to_string()));
                rows.push(values.collect());
            }
        }
        Ok(rows)
    }

    fn shown(&self, value: String) -> String {
        let shown = value.replace(&self.data, "DATA").replace(self.data.trim_start_matches('/'), "DATA");
        if shown.is_empty() { "(empty)".to_owned() } else { shown }
    }
}

/// Whether all programs of a plan did what they were there for.
fn check_fallbacks(plan: &Arc<dyn ExecutionPlan>) -> Result<(), DataFusionError> {
    plan.apply(|node| {
        let reasons = node.downcast_ref::<KernelFilterReduceExec>().map(|node| node.fallback_reasons());
        match reasons.unwrap_or_default().first() {
            Some(reason) => exec_err!("a program fell back: {reason}"),
            None => Ok(TreeNodeRecursion::Continue),
        }
    })
    .map(|_| ())
}

/// One row for each line of the physical plan.
fn physical_plan(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let plans = rows.into_iter().filter(|row| row[0] == "physical_plan");
    plans.flat_map(|row| row[1].lines().map(|line| vec![line.to_owned()]).collect::<Vec<_>>()).collect()
}

fn column_type(ty: &DataType) -> DefaultColumnType {
    match ty {
        ty if ty.is_integer() => DefaultColumnType::Integer,
        ty if ty.is_floating() || ty.is_decimal() => DefaultColumnType::FloatingPoint,
        ty if ty.is_string() || *ty == DataType::Boolean => DefaultColumnType::Text,
        _ => DefaultColumnType::Any,
    }
}

/// A runner of one file, on a new session.
fn runner(
    configuration: Configuration,
    threads: usize,
) -> Runner<Database, impl sqllogictest::MakeConnection<Conn = Database>> {
    let data = std::env::var_os("WEIR_SLT_DATA").map_or_else(|| folder().join("data"), PathBuf::from);
    let data = data.to_string_lossy().into_owned();
    let make = {
        let data = data.clone();
        move || {
            let data = data.clone();
            async move {
                let session = configuration.session(threads);
                let ranges = "SET datafusion.optimizer.repartition_file_min_size = 1";
                session.context().sql(ranges).await?;
                Ok(Database { session, data })
            }
        }
    };
    let mut runner = Runner::new(make);
    runner.set_var("DATA".to_owned(), data);
    runner.with_column_validator(sqllogictest::strict_column_validator);
    let labels = [configuration.label, if threads == 1 { "single" } else { "partitioned" }];
    let others = [(configuration != OFF, "pushed"), (probe_hook().is_err(), "unpatched")];
    for label in
        labels.into_iter().chain(others.into_iter().filter_map(|(holds, label)| holds.then_some(label)))
    {
        runner.add_label(label);
    }
    runner
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder of the .slt files");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "slt")).collect();
    files.sort();
    assert!(files.len() >= 9, "the .slt files are there");
    files
}

/// What is expected comes from plain DataFusion, but for plans and messages that only others have.
fn may_bless(file: &Path, configuration: &Configuration) -> bool {
    let text = std::fs::read_to_string(file).expect("a file that can be read");
    *configuration == OFF || text.contains(&format!("onlyif {}", configuration.label))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_in_every_configuration() {
    let configurations: Vec<Configuration> =
        [OFF].into_iter().filter(|off| is_chosen(off.label)).chain(available("slt")).collect();
    let bless = std::env::var_os("BLESS").is_some();
    let mut failures = Vec::new();
    for file in files() {
        for configuration in &configurations {
            for threads in [1, PARTITIONS] {
                let mut runner = runner(*configuration, threads);
                if bless && threads == 1 && may_bless(&file, configuration) {
                    let (validator, normalizer) =
                        (sqllogictest::default_validator, sqllogictest::default_normalizer);
                    let columns = sqllogictest::strict_column_validator;
                    let updated = runner.update_test_file(&file, " ", validator, normalizer, columns).await;
                    updated.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                } else if !bless && let Err(error) = runner.run_file_async(&file).await {
                    failures.push(format!(
                        "{}, {threads} partitions: {}",
                        configuration.label,
                        error.display(false)
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
