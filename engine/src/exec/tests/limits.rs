//! Limits and bad records in the same files, without a program and with one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use pushdown::testing::Random;

use crate::options::{BackendChoice, PushdownMode};
use crate::session::{Session, SessionOptions};

/// Sessions of one partition without and with programs.
struct Both {
    off: Session,
    auto: Session,
    reader: Reader,
    /// By the last program.
    records_scanned: AtomicUsize,
}

/// Who reads for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Ours: the rows in front of a bad record come out.
    Own,
    /// DataFusion's: a bad record is the error of its batch.
    DataFusion,
}

impl Both {
    fn new(reader: Reader) -> Both {
        let session = |pushdown| {
            let backend = BackendChoice::Interpret;
            let options = SessionOptions { pushdown, backend, threads: Some(1), ..SessionOptions::default() };
            let session = Session::new(options).unwrap();
            if reader == Reader::DataFusion {
                let state = session.context().state_ref();
                state.write().register_file_format(Arc::new(CsvFormatFactory::new()), true).unwrap();
            }
            session
        };
        Both {
            off: session(PushdownMode::Off),
            auto: session(PushdownMode::Auto),
            reader,
            records_scanned: AtomicUsize::new(0),
        }
    }

    /// What a query on these files gives: the number of its rows, or its error. In both sessions it is the same.
    async fn answer(&self, files: &[String], batch_size: usize, sql: &str) -> Result<usize, String> {
        let directory = tempfile::tempdir().unwrap();
        for (index, text) in files.iter().enumerate() {
            // No text is not valid UTF-8.
            let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
            std::fs::write(directory.path().join(format!("{index}.csv")), bytes).unwrap();
        }
        let create = format!(
            "CREATE OR REPLACE EXTERNAL TABLE t (id INT, a BIGINT, b DECIMAL(38, 0), note VARCHAR)
             STORED AS CSV LOCATION '{}/' OPTIONS ('format.has_header' 'false'{})",
            directory.path().display(),
            match self.reader {
                Reader::DataFusion => "",
                // Else it is guessed from files which are wrong on purpose.
                Reader::Own => ", 'format.delimiter' ',', 'format.quote' '\"', 'format.encoding' 'utf-8'",
            }
        );
        let batch_size = format!("SET datafusion.execution.batch_size = {batch_size}");
        let mut answers = Vec::new();
        for (session, programs) in [(&self.off, 0), (&self.auto, 1)] {
            let context = session.context();
            for statement in [&batch_size, "SET weir.window_bytes = 4096", &create] {
                context.sql(statement).await.unwrap();
            }
            let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let text = displayable(plan.as_ref()).indent(false).to_string();
            assert_eq!(text.matches("KernelFilterReduceExec").count(), programs, "{sql}:\n{text}");
            let batches = collect(plan.clone(), context.task_ctx()).await;
            self.records_scanned.store(sum_of_metric(&plan, "records_scanned"), Ordering::Relaxed);
            let format = |batches: Vec<RecordBatch>| {
                let rows = batches.iter().map(RecordBatch::num_rows).sum();
                (rows, pretty_format_batches(&batches).unwrap().to_string())
            };
            answers.push(batches.map(format).map_err(|error| error.to_string()));
        }
        let shown = || files.iter().map(|text| text.replace("nn", "")).collect::<Vec<_>>();
        assert_eq!(answers[1], answers[0], "{sql}, {batch_size}, files {:?}", shown());
        answers.swap_remove(0).map(|(rows, _)| rows)
    }
}

fn sum_of_metric(plan: &Arc<dyn ExecutionPlan>, name: &str) -> usize {
    let own =
        plan.metrics().and_then(|metrics| metrics.sum_by_name(name)).map_or(0, |value| value.as_usize());
    own + plan.children().into_iter().map(|child| sum_of_metric(child, name)).sum::<usize>()
}

/// Records of which every second has `a = 1`; those at some places with other fields behind their number.
fn records(count: usize, others: &[(usize, &str)], note: &str) -> String {
    let fields = |at: usize| match others.iter().find(|(other, _)| *other == at) {
        Some((_, fields)) => (*fields).to_owned(),
        None => format!("{},{at},{note}", (at + 1) % 2),
    };
    (1..=count).map(|at| format!("{at},{}\n", fields(at))).collect()
}

/// Who takes no more than some rows gets the error of a record that stands in the same batch as the last of them, also
/// behind it, and none of a record in a later batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_reached_at_the_end_of_a_batch() {
    let both = Both::new(Reader::DataFusion);
    // Few records fit into a window, the third not at all.
    let (note, long) = ("n".repeat(300), format!("0,3,{}", "n".repeat(5000)));
    for batch_size in [3, 7, 16] {
        for bad in [1, 2, 9, 14, 15, 16, 17, 18, 19, 21, 22, 28, 32, 33] {
            let files = [records(40, &[(3, &long), (bad, "1,x,")], &note)];
            for limit in [4, 8, 9] {
                let batch_end = usize::next_multiple_of(2 * limit, batch_size);
                let offset = limit / 5;
                let count = limit - offset;
                let sql = format!("SELECT id, b FROM t WHERE a = 1 LIMIT {count} OFFSET {offset}");
                match both.answer(&files, batch_size, &sql).await {
                    Ok(rows) => assert!(rows == count && bad > batch_end, "{sql}, {batch_size}, {bad}"),
                    Err(error) => assert!(bad <= batch_end, "{sql}, {batch_size}, {bad}: {error}"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_bad_records_anywhere() {
    for reader in [Reader::Own, Reader::DataFusion] {
        check_limits_and_bad_records(reader).await;
    }
}

async fn check_limits_and_bad_records(reader: Reader) {
    let odd = [
        "1,x,",                                   // a value that does not parse
        "1,1",                                    // too few fields
        "1,1,?",                                  // no text
        "1,\"x,",                                 // a quote that stays open
        "1,99999999999999999999999999999999999,", // the filter of the second query fails
        "\"1\",\"000000000000000000000000000\",", // only too long for a program
    ];
    let queries = [
        "SELECT id, b FROM t WHERE a = 1",
        "SELECT id FROM t WHERE b * b * 2 > 10",
        "SELECT id + b FROM t WHERE a = 1 AND b <> 6",
        "SELECT id, b FROM t WHERE a >= 0",
    ];
    let both = Both::new(reader);
    let mut random = Random::new(11);
    let (mut errors, cases) = (0, 120);
    for _ in 0..cases {
        let count = 1 + random.below(60);
        // All records of a file fit into a window, or a dozen, or two.
        let note = "n".repeat([0, 300, 1500][random.below(3)]);
        let others: Vec<(usize, &str)> =
            (0..random.below(3)).map(|_| (1 + random.below(count), odd[random.below(odd.len())])).collect();
        let mut files = vec![records(count, &others, &note)];
        if random.below(4) == 0 {
            files.insert(random.below(2), records(random.below(9), &[], ""));
        }
        let batch_size = [1, 2, 7, 16, 8192][random.below(5)];
        let (query, limit) = (queries[random.below(queries.len())], 1 + random.below(11));
        let rows = [
            format!("{query} LIMIT {limit}"),
            format!("{query} LIMIT {limit} OFFSET 2"),
            format!("SELECT count(*) FROM ({query} LIMIT {limit}) u"),
        ];
        errors += usize::from(both.answer(&files, batch_size, &rows[random.below(3)]).await.is_err());
    }
    assert!((cases / 10..cases * 9 / 10).contains(&errors), "{errors} errors");
}

/// The match is in the first batch, and there is none in all the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_ends_the_scan() {
    let both = Both::new(Reader::Own);
    let files = [records(20_000, &[], "")];
    for sql in ["SELECT id FROM t WHERE id = 2 LIMIT 1", "SELECT id FROM t WHERE id = 2 OR id = 40 LIMIT 2"] {
        assert!(both.answer(&files, 16, sql).await.is_ok());
        let scanned = both.records_scanned.load(Ordering::Relaxed);
        assert!((1..8000).contains(&scanned), "{sql}: {scanned} records");
    }
}
