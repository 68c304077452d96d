//! The program as a user meets it: arguments and standard input in, standard output, standard error and the exit code
//! out.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use expectrl::Expect;
use tempfile::TempDir;

const TRIPS: &str =
    "id,name,price,day\n1,one,1.5,2024-01-01\n2,,2.25,2024-01-02\n3,\"a \"\"q\"\", b|c\",,2024-01-03\n";

/// A folder with files, in which the program runs.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn weir(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    weir(folder, arguments).output().unwrap()
}

/// Runs with `input` on standard input.
fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = weir(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn expect(output: Output, stdout: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "standard error: {error}");
    assert_eq!(output.status.code(), Some(0), "standard error: {error}");
}

/// Exit code, the exact standard output, and a part of standard error.
#[track_caller]
fn expect_failure(output: Output, code: i32, stdout: &str, stderr: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "standard error: {error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert!(error.contains(stderr), "standard error: {error}");
    if code == 1 {
        assert!(error.starts_with("weir: error: "), "standard error: {error}");
    }
}

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
fn commands_files_and_standard_input() {
    let folder =
        folder(&[("one.sql", "SELECT 1 AS a;\nSELECT 2 AS b; -- the end\n"), ("two.sql", "SELECT 3 AS c")]);
    let folder = folder.path();
    let format = ["--format", "csv"];
    let all = [&format[..], &["-c", "SELECT 0 AS z", "-f", "one.sql", "-f", "two.sql"]].concat();
    expect(run(folder, &all), "z\n0\na\n1\nb\n2\nc\n3\n");
    expect(run_with(folder, &format, "SELECT 1 AS a; SELECT ';' AS b;"), "a\n1\nb\n;\n");
    expect(run_with(folder, &[&format[..], &["-f", "-"]].concat(), "SELECT 1 AS a"), "a\n1\n");
    expect(run_with(folder, &format, ""), "");
    // A byte order mark is no part of a statement.
    expect(run_with(folder, &format, "\u{feff}SELECT 1 AS a;\r\n\\echo b\r\n"), "a\n1\nb\n");
    // With -c, standard input is left alone.
    expect(run_with(folder, &["--format", "csv", "-c", "SELECT 1 AS a"], "nonsense"), "a\n1\n");
}

#[test]
fn statements_without_a_result_print_nothing() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let sql = "SET datafusion.execution.batch_size = 1000;
        CREATE EXTERNAL TABLE t (id BIGINT, name VARCHAR, price DECIMAL(10, 2), day DATE)
            STORED AS CSV LOCATION 'trips.csv' OPTIONS ('format.has_header' 'true');
        SELECT sum(price) AS total, arrow_typeof(sum(price)) AS type FROM t";
    expect(run(folder.path(), &["--format", "csv", "-c", sql]), "total,type\n3.75,\"Decimal128(20, 2)\"\n");
}

#[test]
fn a_failure_ends_the_script_and_prints_no_part_of_its_result() {
    let folder =
        folder(&[("trips.csv", TRIPS), ("bad.csv", &format!("id,n\n{}1,2,3\n", "1,2\n".repeat(5000)))]);
    let folder = folder.path();
    let csv = |sql: &str| {
        run(
            folder,
            &["--format", "csv", "--on-error", "fail", "trips.csv", "-c", sql, "-c", "SELECT 9 AS never"],
        )
    };
    expect_failure(csv("SELECT 1 AS a; SELECT 1 / 0; SELECT 2 AS b"), 1, "a\n1\n", "divides by zero");
    expect_failure(csv("SELECT * FROM nope"), 1, "", "table 'nope' not found");
    expect_failure(csv("SELECT nope FROM trips"), 1, "", "No field named nope");
    // Thousands of good records come before it.
    expect_failure(
        csv("SELECT id FROM 'bad.csv'"),
        1,
        "",
        "bad.csv: line 5002: 3 fields where the file has 2 columns",
    );
    // A text with a syntax error does not run at all, and the message is no dump of a structure.
    expect_failure(
        csv("SELECT 1 AS a; SELEC 2"),
        1,
        "",
        "syntax error at line 1, column 16: expected an SQL statement, found SELEC",
    );
}

#[test]
fn usage_errors() {
    let folder = folder(&[
        ("a.csv", "x\n1\n"),
        ("b/a.csv", "x\n2\n"),
        ("empty/readme.txt", ""),
        ("mixed/a.csv", "x\n"),
    ]);
    std::fs::write(folder.path().join("mixed/a.tsv"), "x\n").unwrap();
    for (arguments, message) in [
        (&["--nonsense"][..], "--nonsense"),
        (&["--format", "xml"], "invalid value 'xml'"),
        (&["--pushdown", "maybe"], "invalid value 'maybe'"),
        (&["--backend", "gpu"], "invalid value 'gpu'"),
        (&["--threads", "0"], "--threads"),
        (&["--delimiter", ""], "the option 'delimiter' cannot be ''"),
        (&["nope.csv"], "nope.csv: No such file"),
        (&["-f", "nope.sql"], "nope.sql: No such file"),
        (&["nope-*.csv"], "no file matches nope-*.csv"),
        (&["*/a.csv"], "only the last part"),
        (&["empty"], "holds no CSV file"),
        (&["mixed"], "holds both *.csv and *.tsv files"),
        (&["a.csv", "b/a.csv"], "a.csv and b/a.csv would both become table \"a\""),
        (&["-c", "SELECT 1", "demo"], "./demo"),
    ] {
        let output = run(folder.path(), arguments);
        expect_failure(output, 2, "", message);
    }
}

#[test]
fn paths_become_tables() {
    let folder = folder(&[
        ("a.csv", "x\n1\n"),
        ("Big.csv", "x\n2\n"),
        ("my data.v2.csv", "x\n3\n"),
        ("odd[1]*.csv", "x\n4\n"),
        ("plain", "x\n5\n"),
        ("tabs.tsv", "x\ty\n6\t7\n"),
        ("demo", "x\n8\n"),
        ("parts/p-1.csv", "x\n10\n"),
        ("parts/p-2.csv", "x\n20\n"),
        ("parts/q.csv", "x\n40\n"),
        ("parts/readme.txt", "none of the table"),
    ]);
    for (path, sql, expected) in [
        ("a.csv", "SELECT x FROM a", "1"),
        ("Big.csv", "SELECT x FROM Big", "2"),
        ("Big.csv", "SELECT x FROM \"Big\"", "2"),
        ("my data.v2.csv", "SELECT x FROM \"my data.v2\"", "3"),
        ("odd[1]*.csv", "SELECT x FROM \"odd[1]*\"", "4"),
        ("plain", "SELECT x FROM plain", "5"),
        ("tabs.tsv", "SELECT x + y AS x FROM tabs", "13"),
        ("./demo", "SELECT x FROM demo", "8"),
        ("parts", "SELECT sum(x) AS x FROM parts", "70"),
        ("parts/", "SELECT sum(x) AS x FROM parts", "70"),
        ("parts/*.csv", "SELECT sum(x) AS x FROM parts", "70"),
        ("parts/p-*.csv", "SELECT sum(x) AS x FROM p", "30"),
        ("parts/p-?.csv", "SELECT sum(x) AS x FROM p", "30"),
    ] {
        let absolute = folder.path().join(path);
        for path in [path, absolute.to_str().unwrap()] {
            expect(run(folder.path(), &["--format", "csv", path, "-c", sql]), &format!("x\n{expected}\n"));
        }
    }
    let both = ["--format", "csv", "a.csv", "Big.csv", "-c", "SELECT a.x + big.x AS x FROM a, big"];
    expect(run(folder.path(), &both), "x\n3\n");
}

#[test]
fn tables_are_listed_with_the_names_of_their_files() {
    let folder = folder(&[("a b/é%20[1].csv", "x\n1\n"), ("p-1.csv", "x\n1\n"), ("p-2.csv", "x\n1\n")]);
    let at = folder.path().canonicalize().unwrap();
    let list = |path: &str| {
        let output = run(&at, &["--format", "csv", path, "-c", "\\dt"]);
        String::from_utf8(output.stdout).unwrap().replace(at.to_str().unwrap(), "@")
    };
    assert_eq!(list("a b/é%20[1].csv"), "table,columns,bytes,files\né%20[1],1,4,@/a b/é%20[1].csv\n");
    assert_eq!(list("a b"), "table,columns,bytes,files\na b,1,4,@/a b/*.csv\n");
    assert_eq!(list("p-*.csv"), "table,columns,bytes,files\np,1,8,@/p-*.csv\n");
}

#[test]
fn a_file_that_has_gone_is_an_error() {
    let folder = folder(&[("a.csv", "x\n1\n2\n"), ("parts/p.csv", "x\n1\n")]);
    let folder = folder.path();
    for sql in ["SELECT count(*) AS n FROM a", "SELECT 1 AS n WHERE EXISTS (SELECT x FROM a WHERE x > 1)"] {
        std::fs::write(folder.join("a.csv"), "x\n1\n2\n").unwrap();
        let output = run(folder, &["--format", "csv", "a.csv", "-c", sql, "-c", "\\! rm a.csv", "-c", sql]);
        let before = if sql.contains("count") { "n\n2\n" } else { "n\n1\n" };
        expect_failure(output, 1, before, "there is no file ");
    }
    let sql = "SELECT count(*) AS n FROM parts";
    // What is not in a folder any more was none of the files that were asked for.
    expect(run(folder, &["--format", "csv", "parts", "-c", "\\! rm parts/p.csv", "-c", sql]), "n\n0\n");
    std::fs::write(folder.join("parts/p.csv"), "x\n1\n").unwrap();
    let output = run(folder, &["parts", "-c", "\\! rm -r parts", "-c", sql]);
    expect_failure(output, 1, "", "there is no file ");
}

#[test]
fn files_inside_sql() {
    let folder = folder(&[("a.csv", "x\n1\n2\n")]);
    expect(run(folder.path(), &["--format", "csv", "-c", "SELECT count(*) AS n FROM 'a.csv'"]), "n\n2\n");
}

#[test]
fn files_of_a_folder_that_are_left_out_are_told() {
    let files = [("d/readme.md", "# x\n"), ("d/a.csv", "x\n1\n"), ("d/b.csv", "x\n2\n"), ("d/.hidden", "x")];
    let folder = folder(&files);
    let sql = "SELECT sum(x) AS s FROM ";
    for arguments in [["d", "-c", &format!("{sql}d")], ["d/a.csv", "-c", &format!("{sql}'d/'")]] {
        let output = run(folder.path(), &[&arguments[..], &["--format", "csv"]].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let told = "/d: only files that end in .csv are read, another one is left out: readme.md";
        assert!(error.contains(told), "{error}");
        expect(output, "s\n3\n");
    }
}

#[test]
fn a_file_that_is_read_is_not_written() {
    let folder =
        folder(&[("t.csv", "a,b\n1,0\n"), ("u.csv", "a\n1\n"), ("o.csv", "old\n"), ("d/a.csv", "a\n1\n")]);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let session = |text: &str| run(folder.path(), &["t.csv", "d", "--format", "csv", "-c", text]);
    // What a table is made of.
    for (path, table) in [("t.csv", "t"), ("./d/../t.csv", "t"), ("d/new.csv", "d"), ("d/a.csv", "d")] {
        let error =
            format!("weir: error: cannot write {path}: it is a file of the table {table}; write to another");
        expect_failure(session(&format!("\\o {path}\nSELECT 1")), 1, "", &error);
    }
    // What the statement reads.
    for format in ["csv", "table"] {
        let text = format!("\\pset format {format}\n\\o u.csv\nSELECT * FROM 'u.csv'");
        let output = session(&text);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("cannot write u.csv: the statement reads this file"), "{error}");
    }
    assert_eq!(
        (read("t.csv"), read("u.csv"), read("d/a.csv")),
        ("a,b\n1,0\n".into(), "a\n1\n".into(), "a\n1\n".into())
    );
    // What was there stays until there is something else.
    expect_failure(session("\\o o.csv\nSELECT a / b FROM t"), 1, "", "divides by zero");
    assert_eq!(read("o.csv"), "old\n");
    expect(session("\\o o.csv\nSELECT a FROM t; SELECT b FROM t"), "");
    assert_eq!(read("o.csv"), "a\n1\nb\n0\n");
    // An answer without a row and without a header is an answer.
    let empty = "\\o o.csv\nSELECT a FROM t WHERE a > 9";
    expect(run(folder.path(), &["t.csv", "--format", "ndjson", "-c", empty]), "");
    assert_eq!(read("o.csv"), "");
    let mut to_itself = weir(folder.path(), &["u.csv", "--format", "csv", "-c", "SELECT a + 1 AS a FROM u"]);
    let appended = std::fs::File::options().append(true).open(folder.path().join("u.csv")).unwrap();
    let output = to_itself.stdout(appended).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("cannot write standard output: the statement reads this file"), "{error}");
}

#[test]
fn a_copy_says_what_it_cannot_write() {
    let folder = folder(&[("t.csv", "a,b\n1,x\n")]);
    let copy = |target: &str| run(folder.path(), &["t.csv", "-c", &format!("COPY t TO '{target}'")]);
    let no_folder = "weir: error: cannot write no/such/f.csv: there is no folder no/such; make it first";
    expect_failure(copy("no/such/f.csv"), 1, "", no_folder);
    let parts = run(folder.path(), &["t.csv", "-c", "COPY t TO 'no/such/' STORED AS CSV"]);
    expect_failure(parts, 1, "", "there is no folder no;");
    let backslash = run(folder.path(), &["t.csv", "-c", "\\copy t TO no/such/f.csv"]);
    expect_failure(backslash, 1, "", no_folder);
    let ending = "f.xlsx: the ending says what to write: .csv, .tsv, .parquet";
    expect_failure(copy("f.xlsx"), 1, "", ending);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    for (target, text) in
        [("f.tsv", "a\tb\n1\tx\n"), ("f.jsonl", "{\"a\":1,\"b\":\"x\"}\n"), ("f.CSV", "a,b\n1,x\n")]
    {
        let output = copy(target);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read_to_string(folder.path().join(target)).unwrap(), text);
    }
    let sql = "COPY t TO 'g.tsv' OPTIONS ('format.delimiter' ';')";
    assert!(run(folder.path(), &["t.csv", "-c", sql]).status.success());
    assert_eq!(std::fs::read_to_string(folder.path().join("g.tsv")).unwrap(), "a;b\n1;x\n");
    let sql = "COPY t TO 'parts/' STORED AS CSV";
    assert!(run(folder.path(), &["t.csv", "-c", sql]).status.success());
    assert!(folder.path().join("parts").is_dir());
}

#[test]
fn a_copy_that_fails_leaves_the_file_that_was_there() {
    let folder = folder(&[("t.csv", "a,b\n1,0\n2,1\n"), ("f.csv", "old\n"), ("g.csv", "old\n")]);
    let at = |name: &str| folder.path().join(name);
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    std::os::unix::fs::symlink("g.csv", at("link.csv")).unwrap();
    for sql in [
        "COPY (SELECT a / b FROM t) TO 'f.csv'",
        "\\copy (SELECT a / b FROM t) TO f.csv",
        "SELECT a / b FROM t \\g f.csv",
    ] {
        expect_failure(run(folder.path(), &["t.csv", "-c", sql]), 1, "", "divides by zero");
        assert_eq!(read("f.csv"), "old\n", "{sql}");
    }
    for (sql, file, text) in [
        ("COPY (SELECT a FROM t) TO 'f.csv'", "f.csv", "a\n1\n2\n"),
        ("COPY (SELECT b FROM t) TO 'link.csv'", "g.csv", "b\n0\n1\n"),
        ("COPY (SELECT b FROM t) TO 'new.csv'", "new.csv", "b\n0\n1\n"),
        ("\\pset format csv\nSELECT a FROM t \\g f.csv", "f.csv", "a\n1\n2\n"),
    ] {
        let output = run(folder.path(), &["t.csv", "-c", sql]);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(read(file), text, "{sql}");
    }
    assert!(at("link.csv").is_symlink());
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["f.csv", "g.csv", "link.csv", "new.csv", "t.csv"]);
}

#[test]
fn csv_options() {
    let folder = folder(&[
        ("semicolon.csv", "x;y\n1;2,5\n"),
        ("tab.csv", "x\ty\n1\t2,5\n"),
        ("bare.csv", "1,2\n3,4\n"),
        ("quote.csv", "x,y\n'a,''b''',1\n"),
        ("escape.csv", "x,y\n\"a\\\"b\",1\n"),
    ]);
    let csv = |arguments: &[&str]| run(folder.path(), &[&["--format", "csv"], arguments].concat());
    expect(csv(&["--delimiter", ";", "semicolon.csv", "-c", "SELECT * FROM semicolon"]), "x,y\n1,2.5\n");
    expect(csv(&["--delimiter", "\\t", "tab.csv", "-c", "SELECT * FROM tab"]), "x,y\n1,2.5\n");
    expect(
        csv(&["--delimiter", "tab", "--types", "y=text", "-c", "SELECT * FROM 'tab.csv'"]),
        "x,y\n1,\"2,5\"\n",
    );
    expect(csv(&["--no-header", "bare.csv", "-c", "SELECT * FROM bare"]), "column_1,column_2\n1,2\n3,4\n");
    expect(csv(&["--quote", "'", "quote.csv", "-c", "SELECT * FROM quote"]), "x,y\n\"a,'b'\",1\n");
    expect(csv(&["--escape", "\\", "escape.csv", "-c", "SELECT * FROM escape"]), "x,y\n\"a\"\"b\",1\n");
}

#[test]
fn settings_are_the_same_on_the_command_line_and_in_sql() {
    let folder = folder(&[]);
    let show =
        "SELECT name, value FROM information_schema.df_settings WHERE name LIKE 'weir.%' ORDER BY name";
    let csv =
        |arguments: &[&str]| run(folder.path(), &[&["--format", "csv"], arguments, &["-c", show]].concat());
    expect(csv(&[]), "name,value\nweir.backend,auto\nweir.file_order,true\nweir.pushdown,auto\n");
    let options = ["--pushdown", "require", "--backend", "interpret"];
    expect(
        csv(&options),
        "name,value\nweir.backend,interpret\nweir.file_order,true\nweir.pushdown,require\n",
    );
    let sql = "SET weir.pushdown = 'off'; SET weir.backend = 'stock'";
    expect(csv(&["-c", sql]), "name,value\nweir.backend,stock\nweir.file_order,true\nweir.pushdown,off\n");
    expect_failure(csv(&["-c", "SET weir.pushdown = 'maybe'"]), 1, "", "auto, require, off");
    let threads = "SHOW datafusion.execution.target_partitions";
    let output = run(folder.path(), &["--format", "csv", "--threads", "3", "-c", threads]);
    expect(output, "name,value\ndatafusion.execution.target_partitions,3\n");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = folder(&[]);
    // Far more than a pipe holds, so that the program is still writing when the pipe closes.
    let sql = "SELECT * FROM generate_series(1, 1000000)";
    let mut child = weir(folder.path(), &["--format", "csv", "-c", sql, "-c", "SELECT 1 / 0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 16]).unwrap();
    drop(stdout);
    expect(child.wait_with_output().unwrap(), "");
}

#[test]
fn a_full_disk_is_a_failure() {
    let folder = folder(&[]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = weir(folder.path(), &["-c", "SELECT 1"]).stdout(full).output().unwrap();
    expect_failure(output, 1, "", "No space left on device");
}

#[test]
fn version_and_help() {
    let folder = folder(&[]);
    for option in ["--version", "-V"] {
        let version = run(folder.path(), &[option]);
        assert_eq!(version.status.code(), Some(0));
        let version = String::from_utf8(version.stdout).unwrap();
        let lines: Vec<&str> = version.lines().collect();
        assert_eq!(lines[0], concat!("weir ", env!("CARGO_PKG_VERSION")));
        assert!(lines[1].starts_with("kernel ") && lines[1].contains(" · backend "), "{version}");
        assert!(lines[1].contains(" · capabilities ") && lines[2].starts_with("DataFusion "), "{version}");
        assert_eq!(lines.len(), 3);
    }
    let help = run(folder.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8(help.stdout).unwrap();
    for word in
        ["--command", "--file", "--format", "--pushdown", "--backend", "--threads", "--delimiter", "demo"]
    {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn demo() {
    let folder = folder(&[]);
    let demo = |input: &[&str]| {
        weir(folder.path(), &[&["demo", "--scale", "0.001"], input].concat())
            .env("XDG_CACHE_HOME", folder.path())
            .output()
            .unwrap()
    };
    let first = demo(&[]);
    let error = String::from_utf8_lossy(&first.stderr);
    assert_eq!(first.status.code(), Some(0), "{error}");
    let text = String::from_utf8(first.stdout).unwrap();
    for line in ["Q6", "Q1"] {
        assert!(text.lines().any(|text| text.starts_with(line) && text.contains("agree")), "{text}");
    }
    let file = folder.path().join("weir/lineitem-0.001.csv");
    let made = file.metadata().unwrap().modified().unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("l_orderkey,l_partkey,"));
    assert_eq!(std::fs::read_dir(folder.path().join("weir")).unwrap().count(), 1);
    // The second run uses the file again.
    assert_eq!(demo(&["--threads", "1"]).status.code(), Some(0));
    assert_eq!(file.metadata().unwrap().modified().unwrap(), made);
}

#[test]
fn deep_conditions_and_too_many_threads() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let terms: Vec<String> = (0..2000).map(|id| format!("price = {id}.5")).collect();
    let sql = format!("SELECT count(*) AS n FROM trips WHERE {}", terms.join(" OR "));
    expect(run(folder.path(), &["trips.csv", "--format", "csv", "-c", &sql]), "n\n1\n");
    let many = run(folder.path(), &["--threads", "100000", "-c", "SELECT 1"]);
    expect_failure(many, 2, "", "more than 1024");
}

#[test]
fn what_require_refuses_is_one_sentence() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let sql = "SELECT count(*) FROM trips WHERE name LIKE 'o%'";
    let output =
        run(folder.path(), &["trips.csv", "--pushdown", "require", "--backend", "interpret", "-c", sql]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.starts_with("weir: error: weir.pushdown is 'require'"), "{error}");
    expect_failure(output, 1, "", "LIKE is not supported");
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    let late = format!("a,b\n{}5,x\n", "1,2\n".repeat(2000));
    let script = "SELECT 1 AS a;\n-- the next one fails\nSELECT id,\n\tnmae FROM trips;\n";
    let folder = folder(&[("trips.csv", TRIPS), ("late.csv", &late), ("daily.sql", script)]);
    let folder = folder.path();
    let misspelled = "\
weir: error: No field named nmae
daily.sql:4:     nmae FROM trips;
                 ^~~~
HINT: Did you mean \"name\"?
";
    let output = run(folder, &["--format", "csv", "trips.csv", "-f", "daily.sql"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), misspelled);
    expect_failure(output, 1, "a\n1\n", "");
    let typed = misspelled.replace("daily.sql:4: ", "LINE 4: ").replace("         ^", "    ^");
    let output = run_with(folder, &["--format", "csv", "trips.csv"], script);
    assert_eq!(String::from_utf8_lossy(&output.stderr), typed);
    // The same with programs and without.
    let value = "\
weir: error: late.csv: line 2002, column 'b': 'x' is not BIGINT
late.csv:2002: 5,x
                 ^ column b
HINT: Declare another type with --types, or leave the record out with --on-error skip.
";
    for pushdown in [&["--pushdown", "off"][..], &["--backend", "interpret"], &["--threads", "1"]] {
        let sql = "SELECT count(*) FROM late WHERE b > 1";
        let output = run(folder, &[pushdown, &["--types", "b=bigint", "late.csv", "-c", sql]].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        // Where there is no kernel backend, the engine warns first.
        assert!(error.ends_with(value), "{error}");
        assert_eq!(output.status.code(), Some(1));
    }
    let output = run(folder, &["-c", "SELECT * FROM 'lat.csv'"]);
    expect_failure(output, 1, "", "there is no file 'lat.csv'\nLINE 1: SELECT * FROM 'lat.csv'\n");
    let output = run(folder, &["lat.csv"]);
    expect_failure(
        output,
        2,
        "",
        "lat.csv: No such file or directory (os error 2)\nHINT: Did you mean 'late.csv'?\n",
    );
}

#[test]
fn a_file_without_one_schema_shows_the_record() {
    let folder = folder(&[("a.csv", "x;y\n1;2\n3;4;5\n")]);
    let output =
        run(folder.path(), &["--delimiter", ";", "--on-error", "fail", "a.csv", "-c", "SELECT * FROM a"]);
    expect_failure(output, 1, "", "a.csv: line 3: 3 fields where the file has 2 columns\na.csv:3: 3;4;5\n");
}

#[test]
fn logs_are_shown_when_they_are_asked_for() {
    let folder = folder(&[]);
    let logged = |filter: &str| {
        let mut command = weir(folder.path(), &["--format", "csv", "-c", "SELECT 1 AS a"]);
        let output = command.env("RUST_LOG", filter).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "a\n1\n");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(logged(""), "");
    assert_eq!(logged("error"), "");
    let debug = logged("debug");
    assert!(debug.lines().any(|line| line.contains("DEBUG datafusion")), "{debug}");
}

#[test]
fn doctor() {
    let folder = folder(&[("a.csv", "x\n"), ("b.csv.gz", "x\n")]);
    let with_kernel = machine::testing::kernel_available_or_skip("doctor");
    if with_kernel {
        let output = run(folder.path(), &["doctor", "a.csv", "b.csv.gz"]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        for line in [
            "ok      bpf(2): a program was loaded and run, and its result arrived",
            "missing b.csv.gz: is compressed, so queries on it run in DataFusion",
            "          gunzip --keep b.csv.gz",
        ] {
            assert!(text.lines().any(|found| found == line), "{text}");
        }
        assert!(text.lines().any(|line| line.starts_with("ok      a.csv")), "{text}");
    }
    expect_failure(run(folder.path(), &["doctor", "c.csv"]), 2, "", "c.csv: No such file");

    let program = env!("CARGO_BIN_EXE_weir");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-all", "--inh-caps", "-all", program, "doctor"]);
    let output =
        match if with_kernel { command.output() } else { Command::new(program).arg("doctor").output() } {
            // A user without privilege cannot drop any.
            Ok(output) if output.status.code().is_some_and(|code| code <= 1) && !output.stdout.is_empty() => {
                output
            }
            other => {
                machine::testing::skip("doctor without capabilities", "setpriv", format!("{other:?}"));
                return;
            }
        };
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("no backend can run in this kernel"), "{text}");
    if with_kernel {
        let lacking = "missing CAP_BPF and CAP_PERFMON: without them no program can be loaded";
        assert!(text.lines().any(|line| line == lacking), "{text}");
        assert!(text.contains("\n          sudo setcap cap_bpf,cap_perfmon+ep "), "{text}");
    }
}

#[test]
fn pipes_are_tables() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let folder = folder.path();
    let csv = |arguments: &[&str]| run_with(folder, &[&["--format", "csv"], arguments].concat(), TRIPS);
    let sum = "SELECT count(*) AS n, sum(id) AS s FROM stdin WHERE id > 1";
    for pushdown in ["off", "auto"] {
        expect(csv(&["--pushdown", pushdown, "-", "-c", sum, "-c", sum]), "n,s\n2,5\nn,s\n2,5\n");
    }
    expect(csv(&["/dev/stdin", "-c", sum]), "n,s\n2,5\n");
    expect(csv(&["-c", "SELECT count(*) AS n FROM '/dev/stdin'"]), "n\n3\n");
    expect_failure(csv(&["-", "-f", "-"]), 2, "", "standard input is the data");
    expect_failure(csv(&["-"]), 2, "", "standard input is the data");
    let made = Command::new("mkfifo").arg(folder.join("a.csv")).status().unwrap();
    assert!(made.success());
    let path = folder.join("a.csv");
    let writer = std::thread::spawn(move || std::fs::write(path, TRIPS).unwrap());
    expect(
        csv(&["-c", "SELECT max(id) AS m FROM 'a.csv'", "-c", "SELECT min(id) AS m FROM 'a.csv'"]),
        "m\n3\nm\n1\n",
    );
    writer.join().unwrap();
}

#[test]
fn copies_go_to_standard_output() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let copy = |sql: &str| run(folder.path(), &["trips.csv", "-c", sql]);
    expect(
        copy("COPY (SELECT id, day FROM trips WHERE id < 3) TO STDOUT"),
        "id,day\n1,2024-01-01\n2,2024-01-02\n",
    );
    expect(
        copy(
            "copy (select id, name as stdout from trips limit 1) to stdout stored as csv options ('format.delimiter' ';', 'format.has_header' 'false')",
        ),
        "1;one\n",
    );
    expect(copy("COPY trips TO '/dev/stdout' STORED AS JSON; SELECT 1 AS a"), &{
        let rows = [
            r#"{"id":1,"name":"one","price":1.5,"day":"2024-01-01"}"#,
            r#"{"id":2,"name":null,"price":2.25,"day":"2024-01-02"}"#,
            r#"{"id":3,"name":"a \"q\", b|c","price":null,"day":"2024-01-03"}"#,
        ];
        format!("{}\n+---+\n| a |\n+---+\n| 1 |\n+---+\n", rows.join("\n"))
    });
    expect(copy("\\copy (SELECT 1 AS a) TO STDOUT"), "a\n1\n");
    expect_failure(copy("COPY trips TO STDOUT STORED AS PARQUET"), 1, "", "not PARQUET");
    expect_failure(
        copy("COPY trips TO STDOUT OPTIONS ('format.compression' 'gzip')"),
        1,
        "",
        "format.compression",
    );
}

#[test]
fn files_that_say_they_are_empty_are_read() {
    let folder = folder(&[("empty.csv", "")]);
    let csv = |arguments: &[&str]| run(folder.path(), &[&["--format", "csv"], arguments].concat());
    let kernel = "/proc/sys/kernel/ostype:header=false";
    assert_eq!(std::fs::metadata("/proc/sys/kernel/ostype").unwrap().len(), 0);
    for pushdown in ["off", "auto"] {
        let sql = format!("SELECT count(*) AS n, max(column_1) AS m FROM '{kernel}' WHERE column_1 <> ''");
        expect(csv(&["--pushdown", pushdown, "-c", &sql]), "n,m\n1,Linux\n");
        expect(csv(&["--pushdown", pushdown, kernel, "-c", "SELECT * FROM ostype"]), "column_1\nLinux\n");
    }
    expect(csv(&["-c", "SELECT count(*) AS n FROM 'empty.csv'"]), "n\n0\n");
}

/// A guess that does not hold after rows were written.
#[test]
fn rows_that_are_written_are_not_written_again() {
    let mut text = "id,v\n".to_owned();
    (0..400_000).for_each(|n| text += &if n == 390_001 { format!("{n},x\n") } else { format!("{n},{n}\n") });
    let folder = folder(&[("late.csv", &text)]);
    let folder = folder.path();
    let arguments = ["--format", "csv", "late.csv", "-c", "SELECT * FROM late"];
    let piped = run(folder, &arguments);
    assert_eq!(piped.status.code(), Some(1));
    let error = String::from_utf8_lossy(&piped.stderr).into_owned();
    assert!(error.contains("'x'") && error.contains("--types 'v=text'"), "{error}");
    let written = String::from_utf8_lossy(&piped.stdout).into_owned();
    assert!(text.starts_with(&written) && written.len() > 1 << 20, "{} bytes", written.len());
    // A file is begun anew.
    let file = std::fs::File::create(folder.join("out.csv")).unwrap();
    assert!(weir(folder, &arguments).stdout(file).output().unwrap().status.success());
    assert_eq!(std::fs::read_to_string(folder.join("out.csv")).unwrap(), text);
}

#[test]
fn ragged_records_are_read_and_said() {
    let folder = folder(&[("a.csv", "x,y\n1,2\n3\n4,5\n6,7,8\n"), ("b.csv", "1;2\n3;4\n")]);
    let csv = |arguments: &[&str]| run(folder.path(), &[&["--format", "csv"], arguments].concat());
    let output = csv(&["a.csv", "-c", "SELECT x, y FROM a"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("a.csv: 1 short record and 1 long record"), "{said}");
    expect(output, "x,y\n1,2\n3,\n4,5\n6,\"7,8\"\n");
    expect_failure(
        csv(&["--on-error", "fail", "a.csv", "-c", "SELECT x FROM a"]),
        1,
        "",
        "a.csv: line 3: 1 field",
    );
    // Options of one file.
    let of_file = "SELECT * FROM 'b.csv:header=true:types=\"1\"=text'";
    expect(csv(&["-c", of_file]), "1,2\n3,4\n");
    expect(csv(&["b.csv:header=false", "-c", "SELECT sum(column_2) AS s FROM b"]), "s\n6\n");
    expect_failure(csv(&["b.csv:heder=false", "-c", "SELECT 1"]), 2, "", "there is no option 'heder'");
    expect_failure(csv(&["-c", "SELECT * FROM 'b.csv:heder=false'"]), 1, "", "there is no option 'heder'");
}
