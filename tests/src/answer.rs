//! What a query gives: its columns and rows as text, or the text of its error. And how it ran.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::SessionContext;

/// How NULL is shown: unlike any value.
const NULL: &str = "\u{2400}";

/// Rows in any order, or an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A query that went well.
    Rows {
        /// Name and type of each column.
        columns: Vec<String>,
        /// Sorted.
        rows: Vec<Vec<String>>,
    },
    /// The text of the error.
    Error(String),
}

/// How far floating point results may be apart: they are sums, which depend on the order of the rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tolerance {
    /// Of the larger of the two.
    pub relative: f64,
    /// Where large terms cancel each other.
    pub absolute: f64,
}

/// An answer, with what can be said of the way to it.
#[derive(Debug)]
pub struct Run {
    /// What the query gives.
    pub answer: Answer,
    /// The physical plan, if there was one.
    pub plan: Option<Arc<dyn ExecutionPlan>>,
}

/// Plans and runs a query.
pub async fn run(context: &SessionContext, sql: &str) -> Run {
    let plan = match physical_plan(context, sql).await {
        Ok(plan) => plan,
        Err(error) => return Run { answer: Answer::Error(error.to_string()), plan: None },
    };
    let answer = match collect(plan.clone(), context.task_ctx()).await {
        Ok(batches) => Answer::of_batches(&plan.schema(), &batches),
        Err(error) => Answer::Error(error.to_string()),
    };
    Run { answer, plan: Some(plan) }
}

async fn physical_plan(context: &SessionContext, sql: &str) -> Result<Arc<dyn ExecutionPlan>> {
    context.sql(sql).await?.create_physical_plan().await
}

impl Run {
    /// As EXPLAIN prints it.
    pub fn plan_text(&self) -> String {
        self.plan
            .as_ref()
            .map(|plan| displayable(plan.as_ref()).indent(false).to_string())
            .unwrap_or_default()
    }

    /// How often a node stands in the plan.
    pub fn count_nodes(&self, name: &str) -> usize {
        let mut count = 0;
        self.each_node(&mut |node| count += usize::from(node.name() == name));
        count
    }

    /// The sum of a metric over all nodes with this name.
    pub fn metric(&self, name: &str, metric: &str) -> usize {
        let mut sum = 0;
        self.each_node(&mut |node| {
            if node.name() == name
                && let Some(value) = node.metrics().and_then(|metrics| metrics.sum_by_name(metric))
            {
                sum += value.as_usize();
            }
        });
        sum
    }

    fn each_node(&self, see: &mut impl FnMut(&Arc<dyn ExecutionPlan>)) {
        let mut open: Vec<&Arc<dyn ExecutionPlan>> = self.plan.iter().collect();
        while let Some(node) = open.pop() {
            see(node);
            open.extend(node.children());
        }
    }
}

/// The errors that a query can give, each file, or range of one, of each scan by itself. Which of them it does give when
/// several partitions fail depends on which is faster, and on which takes the files of another.
pub async fn partition_errors(context: &SessionContext, sql: &str) -> BTreeSet<String> {
    let mut errors = BTreeSet::new();
    for alone in [false, true] {
        for scan in 0.. {
            let mut file = 0;
            // A plan can be executed only once.
            while let Ok(plan) = physical_plan(context, sql).await
                && let Ok(Some(plan)) = with_one_file(plan, scan, file, alone)
            {
                if let Err(error) = collect(plan, context.task_ctx()).await {
                    errors.insert(error.to_string());
                }
                file += 1;
            }
            // There is no such scan.
            if file == 0 {
                break;
            }
        }
    }
    errors
}

/// The plan with only one file, or range of one, in one of its CSV scans; if that is to be alone, with none in the others.
fn with_one_file(
    plan: Arc<dyn ExecutionPlan>,
    scan: usize,
    file: usize,
    alone: bool,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let (mut scans, mut found_file) = (0, false);
    let replaced = plan.transform_up(|node| {
        let found = node
            .downcast_ref::<DataSourceExec>()
            .and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
        let Some(config) = found else { return Ok(Transformed::no(node)) };
        scans += 1;
        let is_it = scans - 1 == scan;
        let mut files = config.file_groups.iter().flat_map(|group| group.files());
        let file = files.nth(file).filter(|_| is_it);
        found_file |= file.is_some();
        if file.is_none() && (is_it || !alone) {
            return Ok(Transformed::no(node));
        }
        let groups = vec![FileGroup::new(file.into_iter().cloned().collect())];
        let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build();
        let scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        Ok(Transformed::yes(scan))
    })?;
    Ok(found_file.then_some(replaced.data))
}

impl Answer {
    /// Of the batches of a query.
    pub fn of_batches(schema: &Schema, batches: &[RecordBatch]) -> Answer {
        let columns = schema.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type()));
        match rows(batches) {
            Ok(mut rows) => {
                rows.sort_unstable();
                Answer::Rows { columns: columns.collect(), rows }
            }
            Err(error) => Answer::Error(error.to_string()),
        }
    }

    /// Whether it is rows.
    pub fn is_rows(&self) -> bool {
        matches!(self, Answer::Rows { .. })
    }

    /// Whether the other is the same answer; columns in `approximate` hold sums of floating point numbers.
    pub fn agrees(&self, other: &Answer, approximate: &[usize], tolerance: Tolerance) -> bool {
        match (self, other) {
            (Answer::Error(one), Answer::Error(another)) => one == another,
            (Answer::Rows { columns, rows }, Answer::Rows { columns: other_columns, rows: other_rows }) => {
                columns == other_columns
                    && rows.len() == other_rows.len()
                    && (rows == other_rows || same_rows(rows, other_rows, approximate, tolerance))
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Error(error) => write!(f, "error: {error}"),
            Answer::Rows { columns, rows } => {
                writeln!(f, "{} rows of {}", rows.len(), columns.join(", "))?;
                rows.iter().take(40).try_for_each(|row| writeln!(f, "  {}", row.join(" | ")))
            }
        }
    }
}

fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, DataFusionError> {
    let options = FormatOptions::default().with_null(NULL);
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let values = columns.iter().map(|column| column.value(row).try_to_string());
            rows.push(values.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(rows)
}

/// Each row has a partner. Rows that are nearly the same may have been sorted differently, so that a row looks for
/// its partner among all.
fn same_rows(
    rows: &[Vec<String>],
    others: &[Vec<String>],
    approximate: &[usize],
    tolerance: Tolerance,
) -> bool {
    if approximate.is_empty() {
        return false;
    }
    let mut open: Vec<&Vec<String>> = others.iter().collect();
    rows.iter().all(|row| {
        let near = |other: &&Vec<String>| {
            row.iter().zip(other.iter()).enumerate().all(|(column, (one, another))| {
                one == another || approximate.contains(&column) && is_near(one, another, tolerance)
            })
        };
        open.iter().position(near).map(|at| open.swap_remove(at)).is_some()
    })
}

fn is_near(one: &str, another: &str, tolerance: Tolerance) -> bool {
    match (one.parse::<f64>(), another.parse::<f64>()) {
        // Where terms are too large for a bound, their sum can be anything.
        (Ok(_), Ok(_)) if !tolerance.absolute.is_finite() => true,
        (Ok(one), Ok(another)) => {
            let allowed = tolerance.relative * one.abs().max(another.abs()) + tolerance.absolute;
            (one - another).abs() <= allowed
        }
        _ => false,
    }
}
