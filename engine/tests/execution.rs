//! Whole queries on small files, with pushdown against without: the same rows, or the same error.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::Result;
use datafusion::prelude::CsvReadOptions;
use engine::csv::sniff::Overrides;
use engine::options::{BackendChoice, PushdownMode};
use engine::session::{CsvTable, Session, SessionOptions};
use machine::testing::kernel_available_or_skip;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema(DataType::Float64, DataType::Date32));
static TEXT_SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema(DataType::Utf8, DataType::Utf8));

fn schema(price: DataType, day: DataType) -> Schema {
    let types = [("id", DataType::Int64), ("name", DataType::Utf8), ("price", price), ("day", day)];
    Schema::new(types.map(|(name, ty)| Field::new(name, ty, true)).to_vec())
}

/// Who reads the files, where no program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// As in every session of ours.
    Own,
    /// As in a session of somebody else's to which our rule was added.
    DataFusion,
}

/// A table of CSV files that are deleted at the end.
struct Table {
    directory: tempfile::TempDir,
    schema: Schema,
    reader: Reader,
    declared: Overrides,
}

impl Table {
    fn new(text: impl AsRef<[u8]>) -> Table {
        Table::files(&[text.as_ref()])
    }

    /// A table of several files.
    fn files(texts: &[&[u8]]) -> Table {
        let directory = tempfile::tempdir().unwrap();
        for (index, text) in texts.iter().enumerate() {
            std::fs::write(directory.path().join(format!("t{index} é%20.csv")), text).unwrap();
        }
        Table { directory, schema: SCHEMA.clone(), reader: Reader::Own, declared: declared() }
    }

    fn path(&self, index: usize) -> PathBuf {
        self.directory.path().join(format!("t{index} é%20.csv"))
    }

    async fn session(&self, pushdown: PushdownMode, backend: BackendChoice) -> Session {
        let session =
            Session::new(SessionOptions { pushdown, backend, threads: Some(3), ..SessionOptions::default() })
                .unwrap();
        for setting in ["datafusion.optimizer.repartition_file_min_size = 1", "weir.plain_scan_bytes = 0"] {
            session.context().sql(&format!("SET {setting}")).await.unwrap();
        }
        self.register(&session).await;
        session
    }

    async fn register(&self, session: &Session) {
        let path = self.directory.path().to_str().unwrap();
        match self.reader {
            Reader::Own => {
                let schema = Some(Arc::new(self.schema.clone()));
                let table = CsvTable { schema, declared: self.declared.clone(), ..CsvTable::default() };
                session.register_csv("t", path, table).await.unwrap();
            }
            Reader::DataFusion => {
                let options = CsvReadOptions::new().schema(&self.schema).newlines_in_values(true);
                session.context().register_csv("t", path, options).await.unwrap();
            }
        }
    }

    async fn rows(&self, sql: &str, pushdown: PushdownMode, backend: BackendChoice) -> Result<Vec<String>> {
        rows(&self.session(pushdown, backend).await, sql).await
    }

    /// With pushdown required, in each machine that there is, the query gives what it gives without, whoever reads.
    async fn check(&mut self, sql: &str) {
        for reader in [Reader::Own, Reader::DataFusion] {
            self.reader = reader;
            self.check_reader(sql).await;
        }
    }

    async fn check_reader(&self, sql: &str) {
        let expected = self.rows(sql, PushdownMode::Off, BackendChoice::Auto).await;
        for backend in backends() {
            let actual = self.rows(sql, PushdownMode::Require, backend).await;
            match (&expected, &actual) {
                (Ok(expected), Ok(actual)) => assert_eq!(actual, expected, "{sql} in {backend}"),
                (Err(expected), Err(actual)) => {
                    assert_eq!(actual.to_string(), expected.to_string(), "{sql} in {backend}");
                }
                _ => panic!("{sql} in {backend}: {actual:?}, not {expected:?}"),
            }
        }
    }
}

/// The structure is declared: it cannot be guessed from files that are wrong on purpose.
fn declared() -> Overrides {
    let mut declared = Overrides::default();
    for (name, value) in [("delimiter", ","), ("quote", "\""), ("encoding", "utf-8"), ("header", "true")] {
        declared.set(name, value).unwrap();
    }
    declared
}

fn backends() -> Vec<BackendChoice> {
    let mut backends = vec![BackendChoice::Interpret];
    if kernel_available_or_skip("execution") {
        backends.push(BackendChoice::Stock);
    }
    backends
}

async fn rows(session: &Session, sql: &str) -> Result<Vec<String>> {
    let batches = session.context().sql(sql).await?.collect().await?;
    let mut rows = Vec::new();
    for batch in batches {
        let options = FormatOptions::default().with_null("NULL");
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            rows.push(values.join("|"));
        }
    }
    rows.sort();
    Ok(rows)
}

/// Prices in quarters: sums of them are exact in any order.
fn numbers(count: usize) -> String {
    let mut text = "id,name,price,day\n".to_owned();
    for id in 0..count {
        let name = ["red", "green", "\"blue, or so\"", ""][id % 4];
        text += &format!("{id},{name},{}.{:02},2024-01-{:02}\n", id % 100, id % 4 * 25, 1 + id % 28);
    }
    text
}

const FILTER: &str = "SELECT * FROM t WHERE id > 10 AND id < 50";
const COUNT: &str = "SELECT count(*) FROM t WHERE id > 10";
const AGGREGATES: &str =
    "SELECT count(*), count(name), sum(id), min(price), max(price), avg(id), min(day) FROM t WHERE id <> 7";
const GROUPS: &str = "SELECT name, count(*), sum(id), avg(price) FROM t WHERE id > 3 GROUP BY name";
const MANY_GROUPS: &str = "SELECT id, count(*), max(price) FROM t GROUP BY id";
const ALL: [&str; 5] = [FILTER, COUNT, AGGREGATES, GROUPS, MANY_GROUPS];

#[tokio::test(flavor = "multi_thread")]
async fn plain_files() {
    let mut table = Table::new(numbers(5000));
    for sql in ALL {
        table.check(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files() {
    let (first, second) = (numbers(300), numbers(40));
    let mut table =
        Table::files(&[first.as_bytes(), b"id,name,price,day\n", second.as_bytes(), b"id,name,price,day"]);
    for sql in ALL {
        table.check(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_read() {
    for text in ["", "id,name,price,day", "id,name,price,day\n", "\u{feff}id,name,price,day\r\n\r\n"] {
        let mut table = Table::new(text);
        for sql in ALL {
            table.check(sql).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exception_records() {
    let mut text = numbers(1000);
    text += "20,\"a \"\"quoted\"\" name\",1e1,2024-02-03\n";
    text += "+21,red,12.5,2024-02-03\n";
    text += &format!("22,{},1.0,2024-02-03\n", "long".repeat(200_000));
    text += "23,red,inf,2024-02-03";
    let mut table = Table::new(text);
    for sql in ALL {
        table.check(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_quotes_end_with_the_file() {
    for tail in ["\"", "1,\"red", "1,\"red,1.0,2024-02-03\n5,blue,1.0,2024-02-03\n", "1,red,1,\"2024-02-03"] {
        let mut table = Table::files(&[(numbers(40) + tail).as_bytes(), numbers(40).as_bytes()]);
        for sql in ALL {
            table.check(sql).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn line_breaks_in_values() {
    let quoted = "7,\"a\nb\",1.5,2024-02-03\r\n8,\"\r\n\",,\n";
    let mut table = Table::new(numbers(40) + &quoted.repeat(3000));
    for sql in ALL {
        table.check(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_those_of_the_scan() {
    for bad in ["1,2,3\n", "1,2,3,2024-01-01,5\n", "x,red,1.0,2024-01-01\n"] {
        let table = Table::new(numbers(2000) + bad + "5,red,1.0,2024-01-01\n");
        for sql in ALL {
            let expected = table.rows(sql, PushdownMode::Off, BackendChoice::Auto).await;
            for backend in backends() {
                for mode in [PushdownMode::Auto, PushdownMode::Require] {
                    let actual = table.rows(sql, mode, backend).await;
                    let [expected, actual] =
                        [&expected, &actual].map(|rows| rows.as_ref().unwrap_err().to_string());
                    assert_eq!(actual, expected, "{sql} in {backend}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8_is_an_error() {
    let mut text = numbers(50).into_bytes();
    text.extend_from_slice(b"30,\xff,1.0,2024-01-01\n");
    let table = Table::new(text);
    for sql in ALL {
        let expected = table.rows(sql, PushdownMode::Off, BackendChoice::Auto).await.unwrap_err();
        for backend in backends() {
            let actual = table.rows(sql, PushdownMode::Auto, backend).await.unwrap_err();
            assert_eq!(actual.to_string(), expected.to_string(), "{sql} in {backend}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_that_succeeds_is_refused_if_pushdown_is_required() {
    // Two bytes that are no character alone, and one together, in adjacent fields.
    let mut text = numbers(50).into_bytes();
    text.extend_from_slice(b"30,\xc3,\xa9,2024-01-01\n");
    let mut table = Table::new(text);
    table.schema = TEXT_SCHEMA.clone();
    // Our own reader refuses them, as the program does.
    table.reader = Reader::DataFusion;
    let sql = "SELECT id FROM t WHERE id > 10";
    let expected = table.rows(sql, PushdownMode::Off, BackendChoice::Auto).await.unwrap();
    for backend in backends() {
        assert_eq!(table.rows(sql, PushdownMode::Auto, backend).await.unwrap(), expected);
        let error = table.rows(sql, PushdownMode::Require, backend).await.unwrap_err().to_string();
        assert!(error.contains("fell back to DataFusion: a record is not valid UTF-8"), "{error}");
        // Nothing stands on a plain scan that a program could be required for.
        let mut answers = Vec::new();
        for mode in [PushdownMode::Off, PushdownMode::Require] {
            let session = table.session(mode, backend).await;
            rows(&session, "SET weir.plain_scan_bytes = 0").await.unwrap();
            let plan = rows(&session, "EXPLAIN SELECT * FROM t").await.unwrap().join("\n");
            assert_eq!(plan.contains("KernelFilterReduceExec"), mode == PushdownMode::Require, "{plan}");
            answers.push(rows(&session, "SELECT * FROM t").await.unwrap());
        }
        assert_eq!(answers[0].len(), 51);
        assert_eq!(answers[1], answers[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_stop_early() {
    let table = Table::new(numbers(20_000));
    for backend in backends() {
        let rows = table.rows("SELECT id FROM t WHERE id >= 0 LIMIT 5", PushdownMode::Require, backend).await;
        assert_eq!(rows.unwrap().len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_is_the_error_of_the_scan() {
    for sql in ALL {
        let mut errors = Vec::new();
        for mode in [PushdownMode::Off, PushdownMode::Auto, PushdownMode::Require] {
            let table = Table::new(numbers(10));
            let session = table.session(mode, BackendChoice::Interpret).await;
            let plan = session.context().sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            std::fs::remove_file(table.path(0)).unwrap();
            let outcome = datafusion::physical_plan::collect(plan, session.context().task_ctx()).await;
            let path = table.directory.path().to_str().unwrap().to_owned();
            errors.push(
                outcome.unwrap_err().to_string().replace(&path, "").replace(path.trim_start_matches('/'), ""),
            );
        }
        assert_eq!(errors[1], errors[0]);
        assert_eq!(errors[2], errors[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_what_is_pushed() {
    let table = Table::new(numbers(500));
    let session = table.session(PushdownMode::Require, BackendChoice::Interpret).await;
    let plan = rows(&session, &format!("EXPLAIN {GROUPS}")).await.unwrap().join("\n");
    assert!(
        plan.contains("KernelFilterReduceExec: backend=interpret, filter=[id > 3], keys=[name"),
        "{plan}"
    );
    let analyzed = rows(&session, &format!("EXPLAIN ANALYZE {GROUPS}")).await.unwrap().join("\n");
    for metric in [
        "output_rows=",
        "bytes_read=",
        "bytes_returned=",
        "records_scanned=500",
        "records_matched=496",
        "exception_records=0",
        "program_instructions=",
        "verifier_time=",
        "kernel_time=",
        "fallbacks=0",
    ] {
        assert!(analyzed.contains(metric), "{metric} in {analyzed}");
    }
}

/// DataFusion skips the right side of an OR on a batch that the left side decides. Exception records are a batch of their
/// own, so what may fail is not pushed down beside an OR.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_not_skipped() {
    let mut table = Table::new("a,d1,d2\n1,99999999999999999999,99999999999999999999\n2,3,4\n");
    let decimal = || Field::new("", DataType::Decimal128(20, 0), true);
    let fields =
        [Field::new("a", DataType::Int32, true), decimal().with_name("d1"), decimal().with_name("d2")];
    table.schema = Schema::new(fields.to_vec());
    let sql = "SELECT count(*) FILTER (WHERE a = 1 OR d1 * d2 > 5), sum(a) FROM t";
    let run = async |pushdown| {
        let session = table.session(pushdown, BackendChoice::Interpret).await;
        // Both records in one batch.
        session.context().sql("SET datafusion.execution.target_partitions = 1").await.unwrap();
        rows(&session, sql).await.unwrap_err().to_string()
    };
    let off = run(PushdownMode::Off).await;
    assert!(off.contains("d1 * d2 does not fit its type"), "{sql}: {off}");
    assert_eq!(run(PushdownMode::Auto).await, off, "{sql}");
    let require = run(PushdownMode::Require).await;
    assert!(require.contains("it might fail on a row"), "{sql}: {require}");
}

/// Workers wait for their consumers on threads of their own: the runtime's pool stays free for opening files.
#[test]
fn more_partitions_than_blocking_threads() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().max_blocking_threads(1).enable_all().build().unwrap();
    let texts: Vec<String> = (0..12).map(|file| format!("id,name,price,day\n{file},x,1,\n")).collect();
    let table = Table::files(&texts.iter().map(String::as_bytes).collect::<Vec<_>>());
    runtime.block_on(async {
        let session = Session::new(SessionOptions {
            pushdown: PushdownMode::Require,
            backend: BackendChoice::Interpret,
            threads: Some(12),
            ..SessionOptions::default()
        })
        .unwrap();
        table.register(&session).await;
        let sql =
            "SELECT sum(id) FROM (SELECT id FROM t WHERE id >= 0 UNION ALL SELECT id FROM t WHERE id >= 0)";
        assert_eq!(rows(&session, sql).await.unwrap(), ["132"]);
    });
}

/// A match early in the file is enough for a LIMIT, but not before the errors that DataFusion would have seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_does_not_read_the_whole_file() {
    let sql = "SELECT id FROM t WHERE id = 3 LIMIT 1";
    let text = numbers(300_000);
    let table = Table::new(&text);
    let session = table.session(PushdownMode::Require, BackendChoice::Interpret).await;
    session.context().sql("SET datafusion.execution.target_partitions = 1").await.unwrap();
    let plan = session.context().sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    let batches =
        datafusion::physical_plan::collect(plan.clone(), session.context().task_ctx()).await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);
    let mut node = plan;
    while node.name() != "KernelFilterReduceExec" {
        node = node.children()[0].clone();
    }
    let read = node.metrics().unwrap().sum_by_name("bytes_read").unwrap().as_usize();
    assert!(read > 0 && read < text.len() / 2, "{read} of {} bytes were read", text.len());

    // The rows in front of a bad record come out, so with our reader a LIMIT may be reached before it; a program that falls
    // back is an error where it is required.
    let bad = numbers(20_000).replace("\n5000,", "\nfive thousand,");
    let mut table = Table::new(bad);
    assert_eq!(table.rows(sql, PushdownMode::Off, BackendChoice::Auto).await.unwrap(), ["3"]);
    assert_eq!(table.rows(sql, PushdownMode::Auto, BackendChoice::Interpret).await.unwrap(), ["3"]);
    table.reader = Reader::DataFusion;
    table.check_reader(sql).await;
}

/// A doubled quote is what no program decides. Now and then, and so often that a decoder for each would be too slow.
#[tokio::test]
async fn rows_and_exception_records_keep_their_order() {
    for every in [1, 2, 50, 2_000] {
        let mut text = String::from("id,name,price,day\n");
        for id in 0..4_000 {
            let name = if id % every == 0 { "\"a\"\"é\"" } else { "more than twelve bytes, ö" };
            let price = if id % 7 == 0 { String::new() } else { format!("{}.25", id % 100) };
            text += &format!("{id},{name},{price},2020-02-{:02}\n", id % 28 + 1);
        }
        let mut table = Table::new(text);
        for sql in [
            "SELECT * FROM t WHERE id >= 20",
            "SELECT name, id FROM t",
            "SELECT day, price, name FROM t WHERE price < 50.5 LIMIT 1900",
            "SELECT name FROM t WHERE price IS NULL",
        ] {
            table.check(sql).await;
        }
    }
}
