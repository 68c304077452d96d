//! Results: formats, and what a terminal is sent.

use std::path::Path;
use std::process::Command;

use expectrl::Expect;

use super::{TRIPS, expect, folder, run};

#[test]
fn every_format() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let table = "\
+----+------------+-------+------------+
| id | name       | price | day        |
+----+------------+-------+------------+
|  1 | one        |   1.5 | 2024-01-01 |
|  2 | NULL       |  2.25 | 2024-01-02 |
|  3 | a \"q\", b|c |  NULL | 2024-01-03 |
+----+------------+-------+------------+
";
    let objects = [
        r#"{"id":1,"name":"one","price":1.5,"day":"2024-01-01"}"#,
        r#"{"id":2,"name":null,"price":2.25,"day":"2024-01-02"}"#,
        r#"{"id":3,"name":"a \"q\", b|c","price":null,"day":"2024-01-03"}"#,
    ];
    let markdown = "\
| id | name | price | day |
| ---: | --- | ---: | --- |
| 1 | one | 1.5 | 2024-01-01 |
| 2 | NULL | 2.25 | 2024-01-02 |
| 3 | a \"q\", b\\|c | NULL | 2024-01-03 |
";
    let html = "\
<table>
<thead>
<tr><th align=\"right\">id</th><th>name</th><th align=\"right\">price</th><th>day</th></tr>
</thead>
<tbody>
<tr><td align=\"right\">1</td><td>one</td><td align=\"right\">1.5</td><td>2024-01-01</td></tr>
<tr><td align=\"right\">2</td><td><i>NULL</i></td><td align=\"right\">2.25</td><td>2024-01-02</td></tr>
<tr><td align=\"right\">3</td><td>a &quot;q&quot;, b|c</td><td align=\"right\"><i>NULL</i></td><td>2024-01-03</td></tr>
</tbody>
</table>
";
    let vertical = "\
-[ RECORD 1 ]-----
id    | 1
name  | one
price | 1.5
day   | 2024-01-01
-[ RECORD 2 ]-----
id    | 2
name  | NULL
price | 2.25
day   | 2024-01-02
-[ RECORD 3 ]-----
id    | 3
name  | a \"q\", b|c
price | NULL
day   | 2024-01-03
";
    let insert = "\
INSERT INTO result (id, name, price, day) VALUES (1, 'one', 1.5, DATE '2024-01-01');
INSERT INTO result (id, name, price, day) VALUES (2, NULL, 2.25, DATE '2024-01-02');
INSERT INTO result (id, name, price, day) VALUES (3, 'a \"q\", b|c', NULL, DATE '2024-01-03');
";
    for (format, expected) in [
        ("automatic", table),
        ("table", table),
        ("csv", TRIPS),
        ("tsv", &TRIPS.replace("a \"\"q\"\", b", "\0").replace(',', "\t").replace('\0', "a \"\"q\"\", b")),
        ("json", &format!("[{}]\n", objects.join(","))),
        ("ndjson", &format!("{}\n", objects.join("\n"))),
        ("markdown", markdown),
        ("html", html),
        ("vertical", vertical),
        ("insert", insert),
    ] {
        let sql = "SELECT * FROM trips ORDER BY id";
        expect(run(folder.path(), &["--format", format, "trips.csv", "-c", sql]), expected);
    }
}

#[test]
fn a_result_without_rows_keeps_its_header() {
    let folder = folder(&[]);
    for (format, expected) in [
        ("table", "+---+\n| a |\n+---+\n+---+\n"),
        ("csv", "a\n"),
        ("json", "[]\n"),
        ("ndjson", ""),
        ("markdown", "| a |\n| ---: |\n"),
    ] {
        expect(run(folder.path(), &["--format", format, "-c", "SELECT 1 AS a WHERE false"]), expected);
    }
}

/// What a terminal of this width is sent.
fn on_terminal(folder: &Path, columns: u16, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut shell = Command::new("sh");
    // The terminal gets its size after the start, and the program must not ask for it before.
    shell
        .current_dir(folder)
        .args(["-c", "read line; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_weir"))
        .args(arguments);
    shell.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env_remove("NO_COLOR");
    shell.envs(environment.iter().copied());
    let mut session = expectrl::Session::spawn(shell).unwrap();
    session.get_process_mut().set_window_size(columns, 24).unwrap();
    session.send_line("").unwrap();
    session.set_expect_timeout(Some(std::time::Duration::from_secs(60)));
    let all = session.expect(expectrl::Eof).unwrap();
    String::from_utf8_lossy(all.as_bytes()).replace("\r\n", "\n")
}

#[test]
fn a_table_fits_the_terminal() {
    let folder = folder(&[]);
    let sql = "SELECT value AS n, NULL AS nothing, repeat('long ', 40) AS text FROM generate_series(1, 100)";
    let print = |environment: &[(&str, &str)]| on_terminal(folder.path(), 50, &["-c", sql], environment);
    let text = print(&[]);
    assert!(text.contains("\n│      1 │ \x1b[2mNULL\x1b[0m    │ long long long"), "{text}");
    assert!(text.contains(" rows not shown …"), "{text}");
    assert!(text.lines().all(|line| console::measure_text_width(line) <= 50), "{text}");
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let text = print(&[environment]);
        assert!(text.contains("\n│      1 │ NULL    │ long long long"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
    assert!(print(&[("LC_ALL", "C")]).contains("\n|      1 | \x1b[2mNULL"));
}

#[test]
fn the_line_below_a_result_is_no_part_of_it() {
    let folder = folder(&[("t.csv", "a\n1\n")]);
    let sql = "SELECT a FROM t WHERE a > 0";
    let arguments = [
        "--backend",
        "interpret",
        "t.csv",
        "-c",
        sql,
        "-c",
        "\\pset format csv",
        "-c",
        &format!("{sql} \\g o.csv"),
    ];
    let text = on_terminal(folder.path(), 60, &arguments, &[]);
    // It is wider than the terminal, which is no reason for a pager.
    assert!(
        text.contains("\ninterpreter: 2 B read, 24 B returned, 1 record, 0 exceptions\n(interpret)\n"),
        "{text}"
    );
    assert!(text.lines().all(|line| console::measure_text_width(line) <= 60), "{text}");
    assert_eq!(text.matches("1 row · ").count(), 2, "{text}");
    assert_eq!(std::fs::read_to_string(folder.path().join("o.csv")).unwrap(), "a\n1\n");
}

#[test]
fn data_does_not_command_the_terminal() {
    let folder = folder(&[("t.csv", "a\n\x1b]0;title\x07\x1b[2J\n")]);
    let run = |format| run(folder.path(), &["--format", format, "t.csv", "-c", "SELECT a FROM t"]);
    let table = run("table");
    assert!(String::from_utf8_lossy(&table.stdout).contains("| \\x1b]0;title\\x07\\x1b[2J |"), "{table:?}");
    // Programs get what is in the file.
    expect(run("csv"), "a\n\x1b]0;title\x07\x1b[2J\n");
}

#[test]
fn plans_are_text() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let sql = "EXPLAIN SELECT count(*) FROM trips WHERE price > 2";
    let output = run(folder.path(), &["trips.csv", "--backend", "interpret", "-c", sql]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("\nphysical_plan\n  "), "{text}");
    assert!(
        text.contains("\n        KernelFilterReduceExec: backend=interpret, filter=[price > 2]"),
        "{text}"
    );
}

#[test]
fn nested_values_in_csv() {
    let folder = folder(&[]);
    let sql = "SELECT make_array(1, NULL) AS list, 2 AS n";
    expect(run(folder.path(), &["--format", "csv", "-c", sql]), "list,n\n\"[1, NULL]\",2\n");
}

#[test]
fn operators_bind_as_in_psql() {
    let folder = folder(&[("t.csv", "a,b\n1,true\n7,true\n9,false\n3,\n")]);
    for pushdown in ["off", "auto"] {
        let sql = "SELECT a, 9 >> 1 & 1 AS bits FROM t WHERE b IS DISTINCT FROM true AND a > 5";
        let options = ["--pushdown", pushdown, "--format", "csv", "t.csv", "-c", sql];
        expect(run(folder.path(), &options), "a,bits\n9,0\n");
    }
}
