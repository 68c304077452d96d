//! TPC-H queries 1 and 6 at scale 0.1, in the kernel, give what plain DataFusion gives.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use datafusion::prelude::CsvReadOptions;
use engine::kernel::kernel_available_or_skip;
use engine::options::BackendChoice;
use tempfile::TempDir;
use tpchgen::csv::LineItemCsv;
use tpchgen::generators::LineItemGenerator;
use weir_tests::answer::{Answer, Run, Tolerance, run};
use weir_tests::configuration::{Configuration, OFF, PUSHED};

const SCALE: f64 = 0.1;
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

/// Written once for all tests of this file.
fn lineitem() -> &'static Path {
    static FILE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FILE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("lineitem.csv");
        let file = std::fs::File::create(&path).expect("a file can be made");
        let mut file = std::io::BufWriter::new(file);
        writeln!(file, "{}", LineItemCsv::header()).expect("the disk has room");
        for item in LineItemGenerator::new(SCALE, 1, 1) {
            writeln!(file, "{}", LineItemCsv::new(item)).expect("the disk has room");
        }
        file.flush().expect("the disk has room");
        (folder, path)
    });
    path
}

async fn answers(configuration: Configuration, threads: usize, declared: bool, sql: &str) -> Run {
    let session = configuration.session(threads);
    let path = lineitem().to_str().expect("a path in UTF-8");
    if declared {
        let options = "OPTIONS ('format.has_header' 'true')";
        let create =
            format!("CREATE EXTERNAL TABLE lineitem ({DECLARED}) STORED AS CSV LOCATION '{path}' {options}");
        session.context().sql(&create).await.expect("the table can be made");
    } else {
        session.register_csv("lineitem", path, CsvReadOptions::new()).await.expect("the table can be made");
    }
    run(session.context(), sql).await
}

async fn agree(sql: &str, approximate: &[usize], rows: usize) {
    let stock = PUSHED.into_iter().find(|configuration| configuration.backend == BackendChoice::Stock);
    let stock = stock.expect("there is a configuration for the stock kernel");
    for declared in [false, true] {
        let off = answers(OFF, 2, declared, sql).await.answer;
        let Answer::Rows { rows: found, .. } = &off else { panic!("{off}") };
        assert_eq!(found.len(), rows);
        for threads in [1, 2] {
            let pushed = answers(stock, threads, declared, sql).await;
            assert!(
                pushed.answer.agrees(&off, approximate, TOLERANCE),
                "off: {off}\nstock: {}",
                pushed.answer
            );
            let name = "KernelFilterReduceExec";
            let (scanned, returned) =
                (pushed.metric(name, "records_scanned"), pushed.metric(name, "bytes_returned"));
            assert_eq!(scanned, 600_572, "lineitem at this scale");
            assert!(returned < 4096, "{returned} bytes of state came up");
            assert_eq!(pushed.metric(name, "exception_records"), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn query_1() {
    if kernel_available_or_skip("tpch::query_1") {
        agree(Q1, &[2, 3, 4, 5, 6, 7, 8], 4).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn query_6() {
    if kernel_available_or_skip("tpch::query_6") {
        agree(Q6, &[0], 1).await;
    }
}
