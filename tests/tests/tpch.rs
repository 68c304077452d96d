//! TPC-H queries 1 and 6, in the kernel, give what plain DataFusion gives, and little of the file comes up.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

use engine::options::BackendChoice;
use engine::session::{CsvTable, Session};
use tempfile::TempDir;
use tpchgen::csv::LineItemCsv;
use tpchgen::generators::LineItemGenerator;
use weir_tests::answer::{Answer, Run, Tolerance, run};
use weir_tests::configuration::{Configuration, OFF, available};

/// Unless `WEIR_TPCH_SCALE` is another.
const SCALE: &str = "0.1";
/// Sums of some hundred thousand doubles.
const TOLERANCE: Tolerance = Tolerance { relative: 1e-9, absolute: 0.0 };

const Q1: &str = "
SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)),
       sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*)
FROM lineitem
WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus";

const Q6: &str = "
SELECT sum(l_extendedprice * l_discount)
FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
  AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24";

/// Types as TPC-H has them.
const DECLARED: &str = "l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber INT, l_quantity DECIMAL(15,2),
    l_extendedprice DECIMAL(15,2), l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), l_returnflag VARCHAR, l_linestatus VARCHAR,
    l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct VARCHAR, l_shipmode VARCHAR, l_comment VARCHAR";

struct LineItem {
    _folder: TempDir,
    path: PathBuf,
    bytes: usize,
    records: usize,
}

/// Written once for all tests of this file.
fn lineitem() -> &'static LineItem {
    static FILE: OnceLock<LineItem> = OnceLock::new();
    FILE.get_or_init(|| {
        let scale = std::env::var("WEIR_TPCH_SCALE").unwrap_or_else(|_| SCALE.to_owned());
        let scale = scale.parse().expect("WEIR_TPCH_SCALE is a number");
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("lineitem.csv");
        let mut file = BufWriter::new(File::create(&path).expect("a file can be made"));
        writeln!(file, "{}", LineItemCsv::header()).expect("the disk has room");
        let mut records = 0;
        for item in LineItemGenerator::new(scale, 1, 1) {
            writeln!(file, "{}", LineItemCsv::new(item)).expect("the disk has room");
            records += 1;
        }
        file.flush().expect("the disk has room");
        let bytes = path.metadata().expect("the file is there").len() as usize;
        LineItem { _folder: folder, path, bytes, records }
    })
}

async fn session(configuration: Configuration, threads: usize, declared: bool) -> Session {
    let session = configuration.session(threads);
    let path = lineitem().path.to_str().expect("a path in UTF-8");
    if declared {
        let options = "OPTIONS ('format.has_header' 'true')";
        let create =
            format!("CREATE EXTERNAL TABLE lineitem ({DECLARED}) STORED AS CSV LOCATION '{path}' {options}");
        session.context().sql(&create).await.expect("the table can be made");
    } else {
        session.register_csv("lineitem", path, CsvTable::default()).await.expect("the table can be made");
    }
    session
}

async fn answers(configuration: Configuration, threads: usize, declared: bool, sql: &str) -> Run {
    run(session(configuration, threads, declared).await.context(), sql).await
}

/// The kernels, the emulated ones of the interpreter left out: this is a lot of records.
fn kernels(test: &str) -> Vec<Configuration> {
    let is_kernel = |backend| matches!(backend, BackendChoice::Stock | BackendChoice::Hook);
    let kernels = available(test).into_iter().filter(|configuration| is_kernel(configuration.backend));
    kernels.collect()
}

async fn agree(test: &str, sql: &str, approximate: &[usize], rows: usize) {
    let kernels = kernels(test);
    if kernels.is_empty() {
        return;
    }
    for declared in [false, true] {
        let off = answers(OFF, 2, declared, sql).await.answer;
        let Answer::Rows { rows: found, .. } = &off else { panic!("{off}") };
        assert_eq!(found.len(), rows);
        for (kernel, threads) in kernels.iter().flat_map(|kernel| [(*kernel, 1), (*kernel, 2)]) {
            let pushed = answers(kernel, threads, declared, sql).await;
            let label = kernel.label;
            let agrees = pushed.answer.agrees(&off, approximate, TOLERANCE);
            assert!(agrees, "off: {off}\n{label}: {}", pushed.answer);
            check_metrics(kernel, &pushed);
        }
    }
    for kernel in kernels {
        let analyzed = answers(kernel, 1, false, &format!("EXPLAIN ANALYZE {sql}")).await.answer.to_string();
        for shown in [&format!("backend={},", kernel.label), "bytes_read=", "bytes_returned="] {
            assert!(analyzed.contains(shown), "EXPLAIN ANALYZE does not show {shown}\n{analyzed}");
        }
    }
}

fn check_metrics(kernel: Configuration, pushed: &Run) {
    let metric = |metric: &str| pushed.metric("KernelFilterReduceExec", metric);
    let (read, returned, exceptions) =
        (metric("bytes_read"), metric("bytes_returned"), metric("exception_records"));
    println!("{}: {read} bytes read, {returned} returned, {exceptions} exception records", kernel.label);
    let file = lineitem();
    assert_eq!(metric("records_scanned"), file.records, "{}", kernel.label);
    assert_eq!(metric("fallbacks"), 0, "{}", kernel.label);
    assert!(read + 4096 > file.bytes, "{}: {read} bytes of {} were read", kernel.label, file.bytes);
    match kernel.backend {
        // A record that two pages share comes up raw: 4 % with pages of 4 KiB.
        BackendChoice::Hook => assert!(returned < read / 16, "{returned} of {read} bytes came up"),
        _ => {
            assert!(returned < 4096, "{returned} bytes of state came up");
            assert_eq!(exceptions, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn query_1() {
    agree("tpch::query_1", Q1, &[2, 3, 4, 5, 6, 7, 8], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn query_6() {
    agree("tpch::query_6", Q6, &[0], 1).await;
}
