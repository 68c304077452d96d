//! Arguments, scripts, and how the program ends.

use std::io::Read;
use std::process::Stdio;

use super::{TRIPS, expect, expect_failure, folder, run, run_with, weir};

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
fn deep_conditions_and_too_many_threads() {
    let folder = folder(&[("trips.csv", TRIPS)]);
    let terms: Vec<String> = (0..2000).map(|id| format!("price = {id}.5")).collect();
    let sql = format!("SELECT count(*) AS n FROM trips WHERE {}", terms.join(" OR "));
    expect(run(folder.path(), &["trips.csv", "--format", "csv", "-c", &sql]), "n\n1\n");
    let many = run(folder.path(), &["--threads", "100000", "-c", "SELECT 1"]);
    expect_failure(many, 2, "", "more than 1024");
}
