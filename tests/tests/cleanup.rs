//! Nothing stays in the kernel behind a process that is killed in the middle of a query, and nothing stays open behind
//! a query that is dropped.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::options::{BackendChoice, PushdownMode};
use engine::session::{CsvTable, Session, SessionOptions};
use futures::StreamExt;
use machine::testing::{kernel_available_or_skip, program_available_or_skip};
use weir_tests::configuration::is_chosen;

/// Set in the process that is to be killed, or to be alone: the folder with its file.
const ALONE: &str = "WEIR_TEST_FOLDER";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A test of this file in a process of its own.
fn alone(test: &str, folder: &Path, output: Stdio) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("the test knows itself"));
    command.args(["--exact", &format!("cleanup::{test}"), "--nocapture"]).env(ALONE, folder);
    command.stdout(output).spawn().expect("the test can be started again")
}

/// Some hundred times what one invocation reads.
fn write_table(folder: &Path) {
    let text = "id,x\n".to_owned() + &"1,2.5\n".repeat(4_000_000);
    std::fs::write(folder.join("t.csv"), text).expect("the disk has room");
}

/// The read hook if `WEIR_BACKEND` says so.
fn backend() -> BackendChoice {
    if is_chosen("hook") && !is_chosen("stock") { BackendChoice::Hook } else { BackendChoice::Stock }
}

async fn session(folder: &Path) -> Session {
    let options = SessionOptions {
        pushdown: PushdownMode::Require,
        backend: backend(),
        threads: Some(3),
        ..SessionOptions::default()
    };
    let session = Session::new(options).expect("a session can be made");
    let path = folder.join("t.csv");
    let path = path.to_str().expect("a path in UTF-8");
    session.register_csv("t", path, CsvTable::default()).await.expect("the table can be made");
    session
}

/// The ids of the programs that a process has open.
fn programs(process: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{process}/fdinfo")) else { return Vec::new() };
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
    let id = |text: String| text.lines().find_map(|line| line.strip_prefix("prog_id:")?.trim().parse().ok());
    texts.filter_map(id).collect()
}

/// What bpftool knows of a program or a map; none if there is no such id.
fn bpftool(kind: &str, id: u32) -> Option<String> {
    let shown = Command::new("bpftool").args(["-j", kind, "show", "id", &id.to_string()]).output().ok()?;
    shown.status.success().then(|| String::from_utf8_lossy(&shown.stdout).into_owned())
}

/// The ids in `"map_ids":[1,2]`.
fn maps(program: &str) -> Vec<u32> {
    let list = program.split("\"map_ids\":[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("");
    list.split(',').filter_map(|id| id.trim().parse().ok()).collect()
}

/// A query that takes long, in a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_query() {
    let Some(folder) = std::env::var_os(ALONE) else { return };
    let session = session(Path::new(&folder)).await;
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let frame = session.context().sql("SELECT sum(id) FROM t WHERE x > 1").await.expect("a query");
        frame.collect().await.expect("the query runs");
    }
}

#[test]
fn a_killed_process_leaves_nothing_in_the_kernel() {
    let test = "cleanup::a_killed_process_leaves_nothing_in_the_kernel";
    let is_alone = std::env::var_os(ALONE).is_some();
    if is_alone || !kernel_available_or_skip(test) || !program_available_or_skip(test, "bpftool") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    write_table(folder.path());
    let mut child = alone("a_long_query", folder.path(), Stdio::null());
    let (mut found, mut used) = (Vec::new(), Vec::new());
    eventually("the query loads a program", || {
        found = programs(child.id());
        used =
            found.iter().filter_map(|id| bpftool("prog", *id)).flat_map(|program| maps(&program)).collect();
        !used.is_empty()
    });
    child.kill().expect("the process can be killed");
    child.wait().expect("the process ends");
    for id in found {
        eventually("the program is gone", || bpftool("prog", id).is_none());
    }
    for id in used {
        eventually("the map is gone", || bpftool("map", id).is_none());
    }
}

/// Programs, maps and CSV files that this process has open, but for programs that wait for another query.
fn open_count() -> usize {
    machine::unload_idle();
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc is there");
    let links = entries.filter_map(|entry| entry.ok()?.path().read_link().ok());
    let counts = |link: &std::path::PathBuf| {
        link.to_string_lossy().contains("bpf") || link.extension().is_some_and(|end| end == "csv")
    };
    links.filter(counts).count()
}

/// Threads that are in the middle of something.
fn running_threads() -> usize {
    let entries = std::fs::read_dir("/proc/self/task").expect("/proc is there");
    let states = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    let is_running =
        |stat: &String| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['R', 'D']));
    states.filter(is_running).count()
}

/// Alone in its process, since it counts what the process has open.
#[tokio::test(flavor = "multi_thread")]
async fn dropped_queries() {
    let Some(folder) = std::env::var_os(ALONE) else { return };
    let session = session(Path::new(&folder)).await;
    for sql in [
        "SELECT id FROM t WHERE id = 1",
        "SELECT sum(id) FROM t WHERE x > 1",
        "SELECT id, count(*) FROM t GROUP BY id",
    ] {
        assert_eq!(open_count(), 0, "before {sql}");
        let start = async || session.context().sql(sql).await.expect(sql).execute_stream().await.expect(sql);
        let mut rows = start().await;
        let begin = Instant::now();
        while open_count() == 0 && begin.elapsed() < PATIENCE {
            // The rows do not matter, only that somebody asks for them.
            if let Ok(None) = tokio::time::timeout(Duration::from_millis(1), rows.next()).await {
                // On a busy host it may be over before anybody looked.
                rows = start().await;
            }
        }
        assert!(open_count() > 0, "{sql} does not start");
        drop(rows);
        let begin = Instant::now();
        while (open_count() > 0 || running_threads() > 1) && begin.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(3),
            "{sql} ended {:?} after it was dropped",
            begin.elapsed()
        );
    }
}

#[test]
fn a_dropped_query_leaves_nothing_open() {
    if std::env::var_os(ALONE).is_some()
        || !kernel_available_or_skip("cleanup::a_dropped_query_leaves_nothing_open")
    {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    write_table(folder.path());
    let child = alone("dropped_queries", folder.path(), Stdio::piped());
    let output = child.wait_with_output().expect("the process ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{}: {said}", output.status);
}
