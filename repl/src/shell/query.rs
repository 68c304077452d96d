//! One statement: planned, run with a progress bar and a way to cancel it.
//!
//! In: a parsed statement, and what takes its rows ([`Take`]). Out: the plan with its counters.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use engine::csv::rejects::Widening;
use engine::session::widen;
use futures::StreamExt;

use super::copy::check_target;
use super::progress::Progress;
use super::staged::stage;
use super::take::{Kept, Take};
use crate::error::Error;
use crate::results::Keep;
use crate::signals::cancellable;

/// A column may be widened a few times. More is a fault of ours.
const WIDENED_MAX: usize = 10_000;

/// A statement that was run to its end.
pub struct Executed<T> {
    pub schema: SchemaRef,
    /// With its rows.
    pub taken: T,
    pub plan: Arc<dyn ExecutionPlan>,
    /// From the parsed statement to the last row.
    pub elapsed: Duration,
    /// Guesses of columns' types that did not hold, and for which the statement was run again.
    pub widened: Vec<Widening>,
}

/// Runs a statement, and has its rows taken; Ctrl-C gives [`Error::Cancelled`], and stops its workers.
pub async fn execute<T: Take>(
    context: &SessionContext,
    statement: Statement,
    mut taken: T,
) -> Result<Executed<T>, Error> {
    let began = Instant::now();
    let context = context.clone();
    // It is gone before anything else is printed, also when the task is still to notice that it was cancelled.
    let progress = Progress::default();
    let watch = progress.watch();
    // A task of its own, so that a plan that computes for long at a stretch does not keep Ctrl-C waiting.
    let running = tokio::spawn(async move {
        let mut widened = Vec::new();
        loop {
            let begin = |plan: &_| watch.begin(plan);
            let error = match execute_once(&context, statement.clone(), &mut taken, begin).await {
                Ok(plan) => {
                    let schema = plan.schema();
                    return Ok(Executed { schema, taken, plan, elapsed: began.elapsed(), widened });
                }
                Err(Error::Query(error)) => error,
                Err(error) => return Err(error),
            };
            let widenings = match widen(&context, &error).await? {
                Some(widenings) if widened.len() < WIDENED_MAX => widenings,
                _ => return Err(error.into()),
            };
            if !taken.start_over().map_err(Error::Output)? {
                return Err(Error::WrittenBefore(widenings));
            }
            // A guess that did not hold has cost nothing but time.
            widened.extend(widenings);
        }
    });
    cancellable(AbortOnDrop(running)).await?
}

async fn execute_once(
    context: &SessionContext,
    statement: Statement,
    taken: &mut impl Take,
    begin: impl Fn(&Arc<dyn ExecutionPlan>) + Send,
) -> Result<Arc<dyn ExecutionPlan>, Error> {
    let logical = context.state().statement_to_plan(statement).await?;
    if let LogicalPlan::Copy(copy) = &logical {
        check_target(&copy.output_url)?;
    }
    let (logical, staged) = stage(logical).map_err(DataFusionError::from)?;
    let frame = context.execute_logical_plan(logical).await?;
    let tasks = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    begin(&plan);
    taken.begin(&plan)?;
    let mut stream = execute_stream(Arc::clone(&plan), tasks)?;
    while let Some(batch) = stream.next().await {
        taken.batch(batch?)?;
    }
    if let Some(staged) = staged {
        staged.commit().map_err(DataFusionError::from)?;
    }
    taken.end()?;
    Ok(plan)
}

/// The one batch of a query that the prompt itself asks.
pub struct Collected {
    pub batch: RecordBatch,
    pub plan: Arc<dyn ExecutionPlan>,
}

/// Runs a query for its few rows; Ctrl-C gives [`Error::Cancelled`].
pub async fn collect(context: &SessionContext, sql: &str) -> Result<Collected, Error> {
    let dialect = context.state().config_options().sql_parser.dialect;
    let statement = context.state().sql_to_statement(sql, &dialect)?;
    let Executed { schema, taken, plan, .. } = execute(context, statement, Kept::new(|_| Keep::All)).await?;
    let batch = concat_batches(&schema, taken.into_rows().batches()).map_err(DataFusionError::from)?;
    Ok(Collected { batch, plan })
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<Result<T, Error>>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, Error>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context).map(|joined| match joined {
            Ok(done) => done,
            Err(error) => Err(Error::Query(DataFusionError::ExecutionJoin(Box::new(error)))),
        })
    }
}
