//! Random tables and queries, with pushdown off against every machine: the same rows, or the same error.
//!
//! `WEIR_CASES=N` runs N cases, `WEIR_SEED=S` begins with the tables of seed S, else some seeds are new in each run; a
//! failure prints its seed and a case that was made as small as possible. `WEIR_KEEP_GOING=1` goes on after a failure,
//! `WEIR_VERBOSE=1` prints every plan and answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use engine::report::rejected;
use engine::session::Session;
use pushdown::testing::{Random, seeds};
use tempfile::TempDir;
use weir_tests::answer::{Answer, Run, partition_errors, run};
use weir_tests::configuration::{Configuration, OFF, available};
use weir_tests::query::Query;
use weir_tests::table::Table;

/// Cases of a normal run.
const CASES: u64 = 2400;
/// Queries on each table.
const QUERIES: u64 = 6;
/// How long a failure is made smaller.
const SHRINK_TIME: Duration = Duration::from_secs(60);
/// They ask for different columns.
const REJECTING_QUERIES: [&str; 3] =
    ["SELECT count(*) FROM t", "SELECT * FROM t", "SELECT min(c0) FROM t WHERE c0 IS NOT NULL"];
/// How often plain DataFusion is asked again when it may answer in several ways.
const RETRIES: usize = 8;

/// What the cases were like: a test that never pushes anything down proves nothing.
#[derive(Debug, Default)]
struct Counts {
    /// Compared.
    cases: u64,
    /// Not compared: the table cannot be created.
    refused: u64,
    /// Plain DataFusion cannot even plan it.
    unplanned: u64,
    /// The answer is an error.
    errors: u64,
    /// Rows, and a program in the plan.
    programs: u64,
    /// Rows, and the program finished its work.
    finished: u64,
    /// Rows, and plain DataFusion did all.
    declined: u64,
}

impl Counts {
    /// What shows that a run proves nothing: not all that was asked was looked at, or too little was worth comparing.
    fn vacuity(&self, asked: u64) -> Option<Vacuity> {
        let rows = self.cases - self.unplanned - self.errors;
        let faults = [
            (self.cases + self.refused == asked, Vacuity::LeftOut),
            (is_share(self.cases, asked, 0.8), Vacuity::FewTables),
            (is_share(rows, self.cases, 0.5), Vacuity::FewRows),
            (is_share(self.programs, rows, 0.6), Vacuity::FewPrograms),
            (is_share(self.finished, self.programs, 0.8), Vacuity::FewFinish),
        ];
        faults.into_iter().find_map(|(holds, fault)| (!holds).then_some(fault))
    }

    fn add(&mut self, other: &Counts) {
        self.cases += other.cases;
        self.refused += other.refused;
        self.unplanned += other.unplanned;
        self.errors += other.errors;
        self.programs += other.programs;
        self.finished += other.finished;
        self.declined += other.declined;
    }
}

/// Why a run proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vacuity {
    /// Some cases were not looked at.
    LeftOut,
    /// Few tables can be created.
    FewTables,
    /// Few cases give rows.
    FewRows,
    /// Few queries have a program.
    FewPrograms,
    /// Few programs finish.
    FewFinish,
}

/// Whether `part` may be this share of all or more, if only so many were looked at: the queries of one table are much
/// alike, so that chance moves the share by up to two square roots.
fn is_share(part: u64, all: u64, share: f64) -> bool {
    part as f64 >= share * all as f64 - 2.0 * (all as f64).sqrt() && part > 0
}

/// Sessions for one table after the other.
struct Bench {
    off: Session,
    pushed: Vec<(Configuration, Session)>,
}

/// A table that exists in all sessions of a bench, named `t`.
struct Created<'a> {
    bench: &'a Bench,
    table: &'a Table,
    _folder: TempDir,
    /// What plain DataFusion says if it cannot be created.
    refusal: Option<String>,
}

impl Bench {
    fn new(configurations: &[Configuration]) -> Bench {
        let session = |configuration: &Configuration| configuration.permissive().session(1);
        let pushed = configurations.iter().map(|configuration| (*configuration, session(configuration)));
        Bench { off: session(&OFF), pushed: pushed.collect() }
    }

    async fn create<'a>(&'a self, table: &'a Table) -> Created<'a> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let statement = table.create("t", folder.path()).expect("files can be written");
        let mut refusals = Vec::new();
        for session in [&self.off].into_iter().chain(self.pushed.iter().map(|(_, session)| session)) {
            let threads = format!("datafusion.execution.target_partitions = {}", table.threads);
            for setting in table.settings.iter().chain([&threads]) {
                let set = session.context().sql(&format!("SET {setting}")).await;
                set.unwrap_or_else(|error| panic!("SET {setting}: {error}"));
            }
            session.context().deregister_table("t").expect("a table can be dropped");
            let created = session.context().sql(&statement).await;
            refusals.push(created.err().map(|error| error.to_string()));
        }
        for refusal in &refusals {
            assert_eq!(*refusal, refusals[0], "{statement}");
        }
        Created { bench: self, table, _folder: folder, refusal: refusals.swap_remove(0) }
    }
}

/// How a configuration disagrees with plain DataFusion.
struct Difference {
    configuration: Configuration,
    sql: String,
    off: Run,
    pushed: Run,
}

impl Created<'_> {
    async fn check(&self, query: &Query, counts: &mut Counts) -> Option<Difference> {
        let sql = query.sql();
        let off = run(self.bench.off.context(), &sql).await;
        counts.cases += 1;
        counts.unplanned += u64::from(off.plan.is_none());
        counts.errors += u64::from(off.plan.is_some() && !off.answer.is_rows());
        for (configuration, session) in &self.bench.pushed {
            let pushed = run(session.context(), &sql).await;
            if std::env::var_os("WEIR_VERBOSE").is_some() {
                println!("{}: {sql}\n{}{}", configuration.label, pushed.plan_text(), pushed.answer);
            }
            if !self.agree(query, &sql, &off, &pushed).await {
                return Some(Difference { configuration: *configuration, sql, off, pushed });
            }
            if off.answer.is_rows() && configuration == &self.bench.pushed[0].0 {
                let programs = pushed.count_nodes("KernelFilterReduceExec");
                let declined = pushed.count_nodes("PushdownDeclinedExec");
                let fallbacks = pushed.metric("KernelFilterReduceExec", "fallbacks");
                counts.programs += u64::from(programs > 0);
                counts.finished += u64::from(programs > 0 && fallbacks == 0);
                counts.declined += u64::from(programs == 0 && declined > 0);
            }
        }
        None
    }

    /// Programs count the records that are read without them: in which batch one stands depends on it.
    async fn check_records_scanned(&self) -> Result<(), String> {
        for (configuration, session) in &self.bench.pushed {
            let run = run(session.context(), "SELECT count(*) FROM t").await;
            let metric = |name| run.metric("KernelFilterReduceExec", name);
            if let Answer::Rows { rows, .. } = &run.answer
                && run.count_nodes("KernelFilterReduceExec") > 0
                && metric("fallbacks") + metric("quoted_cuts") == 0
                && rows[0][0] != metric("records_scanned").to_string()
            {
                let (label, scanned) = (configuration.label, metric("records_scanned"));
                return Err(format!("{label} scanned {scanned} records of\n{}\n{}", self.table, run.answer));
            }
        }
        Ok(())
    }

    /// Which records are left out does not depend on what is asked, nor on who answers it. How much is read of a table of which
    /// a bad record ends the query is not known, and of one whose types were guessed neither.
    async fn check_rejects(&self) -> Result<(), String> {
        let skips = self.table.options.iter().any(|(name, value)| *name == "on_error" && value == "skip");
        if !skips || !self.table.declared {
            return Ok(());
        }
        let sessions =
            [&self.bench.off].into_iter().chain(self.bench.pushed.iter().map(|(_, session)| session));
        let mut first = None;
        for (session, sql) in sessions.flat_map(|session| REJECTING_QUERIES.map(|sql| (session, sql))) {
            let Run { answer: Answer::Rows { .. }, plan: Some(plan) } = run(session.context(), sql).await
            else {
                continue;
            };
            let rejected = rejected(&plan);
            let found =
                (rejected.count, rejected.kept.into_keys().map(|(_, offset)| offset).collect::<Vec<_>>());
            let first = first.get_or_insert_with(|| found.clone());
            if *first != found {
                return Err(format!("{sql} rejects {found:?}, not {first:?} of\n{}", self.table));
            }
        }
        Ok(())
    }

    async fn agree(&self, query: &Query, sql: &str, off: &Run, pushed: &Run) -> bool {
        let approximate = query.approximate();
        let tolerance = query.tolerance(self.table);
        let agree = |off: &Answer| pushed.answer.agrees(off, &approximate, tolerance);
        if agree(&off.answer) {
            return true;
        }
        if is_error_of_another_row(query, self.table, &off.answer, &pushed.answer) {
            return true;
        }
        let context = self.bench.off.context();
        // With several partitions the first to fail gives the error, and one that is not needed may not be read at all.
        // The parts of a UNION ALL are partitions too.
        if let Answer::Error(error) = &pushed.answer
            && (self.table.threads > 1 || query.scans() > 1)
            && !off.answer.is_rows()
            && partition_errors(context, sql).await.contains(error)
        {
            return true;
        }
        if self.table.threads > 1 || self.table.files.len() > 1 {
            for _ in 0..RETRIES {
                if agree(&run(context, sql).await.answer) {
                    return true;
                }
            }
        }
        false
    }
}

/// An expression fails on the first row for which it does, but groups, and rows of several partitions, come in no
/// order. Not for errors of the scan, which name a record.
fn is_error_of_another_row(query: &Query, table: &Table, off: &Answer, pushed: &Answer) -> bool {
    let (Answer::Error(off), Answer::Error(pushed)) = (off, pushed) else { return false };
    let is_of_scan = |error: &str| error.contains("Csv error") || error.contains(" at line ");
    let kind = |error: &str| {
        error.split(['\'', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).next().map(String::from)
    };
    let in_no_order = query.is_grouped() || table.threads > 1 || query.scans() > 1;
    // With several threads DataFusion reads in one task what it evaluates in another: a bad record and a row on which an
    // expression fails come in no order.
    let of_record = |error: &str| error.contains(": line ");
    if table.threads > 1 && of_record(off) != of_record(pushed) {
        return true;
    }
    in_no_order && !is_of_scan(off) && !is_of_scan(pushed) && kind(off) == kind(pushed)
}

/// Removes what can be removed from a failing case.
async fn shrink(
    bench: &Bench,
    mut table: Table,
    mut query: Query,
    begin: Instant,
) -> (Table, Query, Option<Difference>) {
    let fails = async |table: &Table, query: &Query| {
        let created = bench.create(table).await;
        if created.refusal.is_some() { None } else { created.check(query, &mut Counts::default()).await }
    };
    let mut difference = None;
    loop {
        let mut smaller = false;
        let queries = query.smaller().into_iter().map(|query| (table.clone(), query));
        let tables = smaller_tables(&table).into_iter().map(|table| (table, query.clone()));
        for (candidate, smaller_query) in queries.chain(tables) {
            if begin.elapsed() > SHRINK_TIME {
                break;
            }
            if let Some(found) = fails(&candidate, &smaller_query).await {
                (table, query, difference, smaller) = (candidate, smaller_query, Some(found), true);
                break;
            }
        }
        if !smaller {
            break;
        }
    }
    (table, query, difference)
}

/// Tables with fewer records, files, settings or options.
fn smaller_tables(table: &Table) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut push = |change: &dyn Fn(&mut Table)| {
        let mut smaller = table.clone();
        change(&mut smaller);
        tables.push(smaller);
    };
    if table.files.len() > 1 {
        for at in 0..table.files.len() {
            push(&|table| drop(table.files.remove(at)));
        }
    }
    for (at, file) in table.files.iter().enumerate() {
        let count = file.records.len();
        let mut length = count.div_ceil(2);
        while length > 0 {
            for begin in (0..count).step_by(length) {
                push(&|table| drop(table.files[at].records.drain(begin..count.min(begin + length))));
            }
            length /= 2;
        }
    }
    if table.threads > 1 {
        push(&|table| table.threads = 1);
    }
    for usual in [
        "datafusion.execution.batch_size = 8192",
        "datafusion.optimizer.repartition_file_min_size = 10485760",
    ] {
        let name = usual.split(' ').next().unwrap_or(usual);
        let at = table.settings.iter().position(|setting| setting.starts_with(name) && setting != usual);
        if let Some(at) = at {
            push(&|table| table.settings[at] = usual.to_owned());
        }
    }
    tables
}

/// All queries of one seed.
async fn check_seed(bench: &Bench, seed: u64, bytes: usize, counts: &mut Counts) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut table = Table::random(&mut random);
    if bytes > 0 {
        table.grow(bytes);
    }
    let queries: Vec<Query> = (0..QUERIES).map(|_| Query::random(&mut random, &table)).collect();
    let created = bench.create(&table).await;
    if created.refusal.is_some() {
        counts.refused += QUERIES;
        return Ok(());
    }
    created.check_records_scanned().await.map_err(|error| format!("seed {seed}: {error}"))?;
    created.check_rejects().await.map_err(|error| format!("seed {seed}: {error}"))?;
    for query in queries {
        if let Some(difference) = created.check(&query, counts).await {
            let (table, query, smaller) = shrink(bench, table, query, Instant::now()).await;
            let Difference { configuration, sql, off, pushed } = smaller.unwrap_or(difference);
            let (label, approximate) = (configuration.label, query.approximate());
            return Err(format!(
                "seed {seed}, {label}: WEIR_SEED={seed} WEIR_CASES=1\n{table}{sql}\n-- off\n{}\n-- {label}, approximate columns {approximate:?}\n{}\n{}",
                off.answer,
                pushed.answer,
                pushed.plan_text()
            ));
        }
    }
    Ok(())
}

/// Runs the cases on all processors; `bytes`: the size of files, 0 if they are small.
fn check_seeds(test: &str, cases_default: u64, bytes: usize) {
    let configurations = available(test);
    let seeds = seeds(cases_default, QUERIES);
    let next = AtomicUsize::new(0);
    let (total, failures) = (Mutex::new(Counts::default()), Mutex::new(Vec::new()));
    let failures_max = if std::env::var_os("WEIR_KEEP_GOING").is_some() { usize::MAX } else { 1 };
    let work = || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime can be started");
        let bench = Bench::new(&configurations);
        let mut counts = Counts::default();
        while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            if failures.lock().expect("not poisoned").len() >= failures_max {
                break;
            }
            if let Err(failure) = runtime.block_on(check_seed(&bench, seed, bytes, &mut counts)) {
                println!("{failure}");
                failures.lock().expect("not poisoned").push(seed);
            }
        }
        total.lock().expect("not poisoned").add(&counts);
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let counts = total.into_inner().expect("not poisoned");
    println!("{test}: {counts:?}");
    let failures = failures.into_inner().expect("not poisoned");
    assert!(failures.is_empty(), "seeds that fail: {failures:?}");
    // One seed again may be of any kind.
    if std::env::var_os("WEIR_SEED").is_none() {
        assert_eq!(counts.vacuity(seeds.len() as u64 * QUERIES), None, "{counts:?}");
    }
}

#[test]
fn random_queries() {
    check_seeds("differential::random_queries", CASES, 0);
}

#[test]
fn a_run_in_which_little_is_compared_proves_nothing() {
    let good = || Counts { cases: 60, programs: 60, finished: 60, ..Counts::default() };
    for (counts, expected) in [
        (good(), None),
        (Counts { cases: 59, ..good() }, Some(Vacuity::LeftOut)),
        (Counts { cases: 20, refused: 40, programs: 20, finished: 20, ..good() }, Some(Vacuity::FewTables)),
        (Counts { errors: 50, programs: 10, finished: 10, ..good() }, Some(Vacuity::FewRows)),
        (Counts { programs: 20, finished: 20, ..good() }, Some(Vacuity::FewPrograms)),
        (Counts { finished: 20, ..good() }, Some(Vacuity::FewFinish)),
    ] {
        assert_eq!(counts.vacuity(60), expected, "{counts:?}");
    }
}

/// Files of several windows of the size that is used normally.
#[test]
fn random_queries_on_larger_files() {
    check_seeds("differential::random_queries_on_larger_files", CASES / 40, 700 << 10);
}
