//! `weir demo`: TPC-H Q6 and Q1 over a generated lineitem.csv, with pushdown off and on in turn. It shows that the
//! answers agree, the time of each, the bytes that came out of the scan, and the plan that ran.

mod agree;
mod lineitem;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use engine::exec::{KernelFilterReduceExec, Refusal};
use engine::machine::{BackendKind, Unavailable};
use engine::options::{BackendChoice, PushdownMode};
use engine::report::{Counts, ScannedBy, scans};
use engine::session::{Session, SessionOptions};

use crate::cli::{Arguments, Demo};
use crate::error::Error;
use crate::results::summary::bytes;
use crate::tables;

/// TPC-H's query and the substitution values of its validation run. The bounds of the discount are written out:
/// 0.06 + 0.01 is less than 0.07 in floating point, and would lose rows.
const Q6: &str = "\
SELECT sum(l_extendedprice * l_discount) AS revenue
FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01'
  AND l_shipdate < DATE '1994-01-01' + INTERVAL '1' YEAR
  AND l_discount BETWEEN 0.05 AND 0.07
  AND l_quantity < 24";

const Q1: &str = "\
SELECT l_returnflag, l_linestatus,
       sum(l_quantity) AS sum_qty,
       sum(l_extendedprice) AS sum_base_price,
       sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
       sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
       avg(l_quantity) AS avg_qty,
       avg(l_extendedprice) AS avg_price,
       avg(l_discount) AS avg_disc,
       count(*) AS count_order
FROM lineitem
WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY
GROUP BY l_returnflag, l_linestatus
ORDER BY l_returnflag, l_linestatus";

/// Timed runs of each query; the best counts, after one run that does not.
const TIMED_RUNS: usize = 3;

const STOCK_NOTE: &str = "On an unpatched kernel read() puts the file into the window of the program's map, so it is still\n\
                          copied once; only the bytes above come back out of the program.\n";

const INTERPRET_NOTE: &str = "The interpreter runs in user space, so all of the file came there; the bytes above are what the\n\
                              program returned.\n";

/// What must not be.
#[derive(Debug, thiserror::Error)]
#[error("{query}: THE ANSWERS DIFFER between pushdown off and on: {difference}")]
struct AnswersDiffer {
    query: &'static str,
    difference: agree::Difference,
}

/// One query on one side.
struct Run {
    time: Duration,
    answer: Vec<RecordBatch>,
    /// The plan's own line, and what its counters say, when the plan has the node.
    pushed: Option<Pushed>,
}

struct Pushed {
    plan_line: String,
    /// Where it ran.
    backend: BackendKind,
    counts: Counts,
    /// Why the original scan had to do partitions after all.
    fallbacks: Vec<Arc<Refusal>>,
}

/// Runs the demonstration. Answers that differ are an error.
pub async fn run(arguments: &Arguments, Demo { scale, generate_only }: Demo) -> Result<(), Error> {
    let file = lineitem::make(scale)?;
    if generate_only {
        return say(&format!("{}\n", file.display()));
    }
    let file_bytes = file.metadata().map_err(|source| Error::Cache { path: file.clone(), source })?.len();
    let backend = arguments.backend.unwrap_or_default();
    let (pushdown, obstacle) = choose(arguments.pushdown, backend);
    let off = session(arguments, PushdownMode::Off, &file).await?;
    let on = session(arguments, pushdown, &file).await?;

    let threads = on.context().copied_config().target_partitions();
    say(&format!(
        "TPC-H lineitem at scale {scale}: {}, {}\n\
         {threads} thread{}, page cache warm, from SQL text to answer, best of {TIMED_RUNS} after one warm-up\n",
        file.display(),
        bytes(file_bytes),
        if threads == 1 { "" } else { "s" },
    ))?;
    if let Some(obstacle) = obstacle {
        say(&format!(
            "\nNo program can be loaded into this kernel: {obstacle}\nBoth sides run in DataFusion.\n"
        ))?;
    }
    let mut comparison = Comparison::new(file_bytes);
    for (name, sql) in [("Q6", Q6), ("Q1", Q1)] {
        let (plain, pushed) = measure(&off, &on, sql).await?;
        let rows = agree::check(&plain.answer, &pushed.answer)
            .map_err(|difference| Error::other(AnswersDiffer { query: name, difference }))?;
        comparison.add(name, &plain, &pushed, rows);
    }
    say(&comparison.finish())
}

/// The text of the result, as it grows.
struct Comparison {
    file_bytes: u64,
    table: String,
    proof: String,
    /// What the numbers of the backend that ran do not say.
    note: &'static str,
}

impl Comparison {
    fn new(file_bytes: u64) -> Self {
        let table = format!(
            "\n    {:>11} {:>11} {:>8} {:>12} {:>12}   answers\n",
            "time off", "time on", "off/on", "bytes off", "bytes on"
        );
        Self { file_bytes, table, proof: String::new(), note: "" }
    }

    fn add(&mut self, name: &str, off: &Run, on: &Run, rows: usize) {
        let crossed = on.pushed.as_ref().map_or(self.file_bytes, |pushed| pushed.counts.bytes_returned);
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.table,
            "{name}  {:>11} {:>11} {:>7.1}x {:>12} {:>12}   agree, {rows} row{}",
            milliseconds(off.time),
            milliseconds(on.time),
            off.time.as_secs_f64() / on.time.as_secs_f64(),
            bytes(self.file_bytes),
            bytes(crossed),
            if rows == 1 { "" } else { "s" },
        );
        let Some(pushed) = &on.pushed else {
            let _ = writeln!(self.proof, "{name} was not pushed down: it ran in DataFusion on both sides");
            return;
        };
        let _ = writeln!(
            self.proof,
            "{name} read {} and ran as\n  {}",
            bytes(pushed.counts.bytes_read),
            pushed.plan_line
        );
        for reason in &pushed.fallbacks {
            let _ = writeln!(self.proof, "  fell back to DataFusion: {reason}");
        }
        self.note = match pushed.backend {
            BackendKind::Stock => STOCK_NOTE,
            BackendKind::Interpret | BackendKind::InterpretHook => INTERPRET_NOTE,
            BackendKind::Hook => "",
        };
    }

    fn finish(self) -> String {
        let legend = "bytes: what came up to user space, the whole file or what the program returned\n";
        format!("{}{legend}{}\n{}", self.table, self.note, self.proof)
    }
}

/// `require`, so that nothing falls back unseen, where programs can run at all; else what there is, and the reason.
fn choose(wanted: Option<PushdownMode>, backend: BackendChoice) -> (PushdownMode, Option<Unavailable>) {
    if backend == BackendChoice::Interpret {
        return (wanted.unwrap_or(PushdownMode::Require), None);
    }
    match engine::machine::probe() {
        Ok(()) => (wanted.unwrap_or(PushdownMode::Require), None),
        Err(obstacle) => (wanted.unwrap_or(PushdownMode::Auto), Some(obstacle)),
    }
}

async fn session(arguments: &Arguments, pushdown: PushdownMode, file: &Path) -> Result<Session, Error> {
    let session = Session::new(SessionOptions {
        pushdown,
        backend: arguments.backend.unwrap_or_default(),
        threads: arguments.threads.map(Into::into),
        ..SessionOptions::default()
    })?;
    tables::from_own_file("lineitem", file).register(&session).await?;
    Ok(session)
}

/// Runs a query on both sides in turn, so that a slow moment of the host meets both.
async fn measure(off: &Session, on: &Session, sql: &str) -> Result<(Run, Run), Error> {
    run_once(off, sql).await?;
    run_once(on, sql).await?;
    let mut best = (run_once(off, sql).await?, run_once(on, sql).await?);
    for _ in 1..TIMED_RUNS {
        let again = (run_once(off, sql).await?, run_once(on, sql).await?);
        best.0.time = best.0.time.min(again.0.time);
        best.1.time = best.1.time.min(again.1.time);
    }
    Ok(best)
}

async fn run_once(session: &Session, sql: &str) -> Result<Run, Error> {
    let start = Instant::now();
    let frame = session.context().sql(sql).await?;
    let plan = frame.create_physical_plan().await?;
    let answer = collect(Arc::clone(&plan), session.context().task_ctx()).await?;
    let time = start.elapsed();
    Ok(Run { time, answer, pushed: pushed(&plan) })
}

fn pushed(plan: &Arc<dyn ExecutionPlan>) -> Option<Pushed> {
    let plan_line = displayable(program_node(plan)?.as_ref()).one_line().to_string().trim().to_owned();
    // Both queries have one scan.
    scans(plan).into_iter().find_map(|scan| match scan.by {
        ScannedBy::Program { prepared: Some(prepared), counts, fallbacks, .. } => {
            Some(Pushed { plan_line: plan_line.clone(), backend: prepared.backend, counts, fallbacks })
        }
        ScannedBy::Program { .. } | ScannedBy::DataFusion { .. } => None,
    })
}

/// The node that runs a program.
fn program_node(node: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    if node.downcast_ref::<KernelFilterReduceExec>().is_some() {
        return Some(node);
    }
    node.children().into_iter().find_map(program_node)
}

fn say(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
