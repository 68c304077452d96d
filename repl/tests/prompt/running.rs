//! Statements that run: the bar, Ctrl-C, the pager, the size of the window, `\watch`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::terminal::{CTRL_C, ENTER, Home, Terminal, wait};

/// So large that a debug build reads it for long.
const LARGE_BYTES: usize = 64 << 20;

/// Writes a large file with a column `a`, an integer, and a column `b`, a text.
fn write_large(home: &Home, bytes: usize) {
    let block: String = (0..1000).map(|number| format!("{number},some text of record {number}\n")).collect();
    let mut file = std::fs::File::create(home.path("large.csv")).unwrap();
    file.write_all(b"a,b\n").unwrap();
    for _ in 0..bytes / block.len() {
        file.write_all(block.as_bytes()).unwrap();
    }
}

/// What a process holds: threads by their names, and how many files are open by what they are.
fn held(process: &Path) -> BTreeMap<String, usize> {
    let mut held = BTreeMap::new();
    for task in std::fs::read_dir(process.join("task")).unwrap() {
        // It may be gone by now.
        let name = std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default();
        // Threads of the pool come and go on their own; whether they do something is asked apart.
        if !name.trim().is_empty() && !name.starts_with("tokio") {
            *held.entry(format!("thread {}", name.trim())).or_default() += 1;
        }
    }
    for file in std::fs::read_dir(process.join("fd")).unwrap() {
        let Ok(target) = std::fs::read_link(file.unwrap().path()) else { continue };
        // Sockets have numbers of their own.
        let name = target.display().to_string();
        let name = name.split(":[").next().unwrap_or_default();
        *held.entry(format!("file {name}")).or_default() += 1;
    }
    held
}

/// How long a process has computed, in hundredths of a second.
fn ticks(process: &Path) -> u64 {
    let text = std::fs::read_to_string(process.join("stat")).unwrap();
    // User and system time, counted behind the name, which may hold spaces.
    let fields = text.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// Waits until a process has not computed for a while, in which one that does would have.
fn wait_until_idle(process: &Path) {
    const QUIET: Duration = Duration::from_millis(300);
    let last = Cell::new((ticks(process), Instant::now()));
    wait("a process that computes nothing", || {
        let now = ticks(process);
        if now != last.get().0 {
            last.set((now, Instant::now()));
        }
        last.get().1.elapsed() > QUIET
    });
}

/// Runs a query over the large file, cancels it, and looks at what is left.
fn cancel(options: &[&str], sql: &str) {
    let home = Home::new(&[]);
    write_large(&home, LARGE_BYTES);
    let mut terminal = home.start(&[&["large.csv"], options].concat());
    // What the runtime opens for good is open by now, its handler of Ctrl-C among it.
    terminal.run("SELECT 1;");
    let before = held(&terminal.process_folder());
    for _ in 0..2 {
        terminal.begin(sql);
        terminal.type_in(ENTER);
        terminal.wait("a bar", |screen| {
            screen.contents().contains(" MB · ") && screen.contents().contains(" records · ")
        });
        terminal.type_in(CTRL_C);
        terminal.wait_until_ready();
        let text = terminal.text().replace("^C", "");
        assert_eq!(text.trim_end(), format!("weir> {sql}\nweir: cancelled\nweir>"));
        let process = terminal.process_folder();
        wait("the end of the workers", || held(&process) == before);
        wait_until_idle(&process);
    }
    assert!(terminal.run("SELECT 1 AS fine;").contains("│      1 │"));
}

#[test]
fn ctrl_c_cancels_a_scan_by_a_program() {
    cancel(&["--backend", "interpret"], "SELECT a, count(*), sum(a) FROM large WHERE a > 5 GROUP BY a;");
}

#[test]
fn ctrl_c_cancels_a_scan_by_datafusion() {
    cancel(&["--pushdown", "off"], "SELECT b, count(*) FROM large WHERE b LIKE '%9%' GROUP BY b;");
}

#[test]
fn ctrl_c_cancels_the_rest_of_a_script() {
    let home = Home::new(&[(
        "script.sql",
        "SELECT 'first' AS a;\nSELECT count(*) FROM large;\nSELECT 'last' AS a;\n",
    )]);
    write_large(&home, LARGE_BYTES);
    let mut terminal = home.start(&["large.csv", "--backend", "interpret"]);
    terminal.begin("\\i script.sql");
    terminal.type_in(ENTER);
    terminal.wait_for(" records · ");
    terminal.type_in(CTRL_C);
    terminal.wait_until_ready();
    let text = terminal.text();
    assert!(
        text.contains("│ first   │") && text.contains("weir: cancelled") && !text.contains("last"),
        "{text}"
    );
}

#[test]
fn the_bar_leaves_no_trace() {
    let home = Home::new(&[]);
    write_large(&home, 2 * LARGE_BYTES);
    let mut terminal = home.start(&["large.csv", "--backend", "interpret"]);
    let sql = "SELECT count(*) AS n, max(a) AS m FROM large WHERE a >= 0;";
    let text = terminal.run(sql);
    assert!(terminal.log().contains(" records · "), "no bar: {}", terminal.log());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[1]), (format!("weir> {sql}").as_str(), "┌─────────┬────────┐"), "{text}");
    assert!(lines.iter().all(|line| !line.contains('━') && !line.contains('╸')), "{text}");
    assert_eq!(lines[lines.len() - 2..], ["", "weir> "], "{text}");
    // None that is not on the screen either.
    terminal.forget_log();
    terminal.run("SELECT 1;");
    assert!(!terminal.log().contains(" records · "));
}

/// A statement whose result has this many lines of data.
fn lines(count: usize) -> String {
    format!("SELECT value AS v FROM generate_series(1, {count});")
}

/// A session whose results are not cut to the screen.
fn with_pager(home: &Home) -> Terminal {
    let mut terminal = home.start(&[]);
    terminal.run("\\pset maxrows 0");
    terminal
}

#[test]
fn a_pager_shows_what_does_not_fit() {
    let home = Home::new(&[]).size(24, 80);
    let script = home.write_script("pager", "cat > seen.new; mv seen.new seen; echo pager was here");
    let home = home.set("PAGER", &script);
    let mut terminal = with_pager(&home);
    let text = terminal.run(&lines(100));
    assert!(text.contains("pager was here\nweir>") && !text.contains("│"), "{text}");
    let seen = home.read("seen");
    assert_eq!(seen.matches("│").count(), 2 * (100 + 2), "{seen}");
    assert!(seen.contains("│     57 │") && seen.contains("100 rows · "), "{seen}");
    // What fits has none.
    std::fs::remove_file(home.path("seen")).unwrap();
    assert!(terminal.run(&lines(5)).contains("│      5 │"));
    assert!(!home.path("seen").exists());
    // Nor has who does not want one.
    terminal.run("\\pset pager off");
    assert!(terminal.run(&lines(100)).contains("100 rows · "));
    assert!(!home.path("seen").exists());
    terminal.run("\\pset pager on");
    // Help is longer than the screen too.
    assert!(terminal.run("\\?").contains("pager was here"));
    assert!(home.read("seen").contains("Ctrl-R searches the history"));
}

#[test]
fn a_pager_may_leave_early_or_be_missing() {
    let home = Home::new(&[]).size(24, 80);
    let leaves = home.write_script("leaves", "exec true");
    let home = home.set("PAGER", &leaves);
    let mut terminal = with_pager(&home);
    let text = terminal.run(&lines(20_000));
    assert_eq!(text.trim_end(), format!("weir> {}\nweir>", lines(20_000)));
    terminal.run("\\pset pager there-is-none");
    let text = terminal.run(&lines(50));
    assert!(text.contains("│     50 │") && text.contains("50 rows · "), "{text}");
}

#[test]
fn ctrl_c_in_a_pager_does_not_end_the_prompt() {
    let home = Home::new(&[]).size(24, 80);
    let script = home
        .write_script("pager", "trap 'echo stopped; exit' INT; echo waiting; while :; do sleep 0.1; done");
    let home = home.set("PAGER", &script);
    let mut terminal = with_pager(&home);
    terminal.begin(&lines(100));
    terminal.type_in(ENTER);
    terminal.wait_for("waiting");
    terminal.type_in(CTRL_C);
    terminal.wait_for("stopped");
    terminal.wait_until_ready();
    assert!(terminal.run("SELECT 1 AS fine;").contains("│      1 │"));
}

#[test]
fn a_result_fits_the_window_as_it_is_now() {
    let home = Home::new(&[]);
    let mut terminal = home.start(&[]);
    let sql = "SELECT repeat('x', 150) AS long, value AS v FROM generate_series(1, 100);";
    let widest = |text: &str| text.lines().skip(2).map(|line| line.chars().count()).max().unwrap();
    let shown = |text: &str| text.lines().filter(|line| line.contains("xxx")).count();
    let text = terminal.run(sql);
    assert_eq!((widest(&text), shown(&text)), (100, 30), "{text}");
    for (rows, columns, expected) in [(30, 60, 20), (50, 140, 40), (20, 40, 10)] {
        terminal.resize(rows, columns);
        // The editor may hear of it only later; a further prompt asks for the size.
        terminal.enter();
        let text = terminal.run(sql);
        assert_eq!((widest(&text), shown(&text)), (columns.into(), expected), "{text}");
        assert!(text.contains(&format!("… {} rows not shown …", 100 - expected)), "{text}");
    }
}

#[test]
fn watch_runs_until_ctrl_c() {
    let home = Home::new(&[("count.csv", "n\n1\n")]).size(40, 80);
    let mut terminal = home.start(&["--pushdown", "off"]);
    terminal.begin("SELECT count(*) AS n FROM 'count.csv' \\watch 0.1");
    terminal.type_in(ENTER);
    terminal.wait("three results", |screen| {
        screen.contents().matches("every 0.1 s, Ctrl-C ends it").count() >= 3
    });
    terminal.wait_for("│      1 │");
    // The file is read each time.
    home.write("count.csv", "n\n1\n2\n3\n4\n");
    terminal.wait_for("│      4 │");
    terminal.type_in(CTRL_C);
    terminal.wait_until_ready();
    assert!(!terminal.text().contains("error"), "{}", terminal.text());
    // Also the last statement. Without a pause, Ctrl-C comes at any moment of it.
    terminal.run("SELECT 7 AS last;");
    for _ in 0..10 {
        terminal.begin("\\watch 0");
        terminal.type_in(ENTER);
        terminal.wait("two results", |screen| screen.contents().matches("│      7 │").count() >= 2);
        terminal.type_in(CTRL_C);
        terminal.wait_until_ready();
    }
    // One that fails ends it.
    let text = terminal.run("SELECT 1 / 0 \\watch 0.1");
    assert_eq!(text.matches("divides by zero").count(), 1, "{text}");
}
