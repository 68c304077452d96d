//! A dropped query leaves nothing behind. Alone in its process, since it counts what the process has open.

use std::time::{Duration, Instant};

use datafusion::prelude::CsvReadOptions;
use engine::options::{BackendChoice, PushdownMode};
use engine::session::{Session, SessionOptions};
use futures::StreamExt;
use machine::testing::kernel_available_or_skip;

/// Open programs, maps and CSV files.
fn open_count() -> usize {
    let links = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| entry.unwrap().path().read_link().ok());
    links
        .filter(|link| link.to_string_lossy().contains("bpf") || link.extension().is_some_and(|e| e == "csv"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_query_leaves_nothing_behind() {
    if !kernel_available_or_skip("cancellation") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    std::fs::write(&path, "id,x\n".to_owned() + &"1,2.5\n".repeat(2_000_000)).unwrap();
    let options =
        SessionOptions { pushdown: PushdownMode::Require, backend: BackendChoice::Stock, threads: Some(4) };
    let session = Session::new(options).unwrap();
    session.register_csv("t", path.to_str().unwrap(), CsvReadOptions::new()).await.unwrap();

    for sql in ["SELECT id FROM t WHERE id = 1", "SELECT sum(id) FROM t WHERE x > 1"] {
        assert_eq!(open_count(), 0, "before {sql}");
        let mut rows = session.context().sql(sql).await.unwrap().execute_stream().await.unwrap();
        let begin = Instant::now();
        while open_count() == 0 && begin.elapsed() < Duration::from_secs(10) {
            let _ = tokio::time::timeout(Duration::from_millis(1), rows.next()).await;
        }
        assert!(open_count() > 0, "{sql} did not start");
        drop(rows);
        let begin = Instant::now();
        while open_count() > 0 && begin.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(open_count(), 0, "after {sql}");
    }
}
