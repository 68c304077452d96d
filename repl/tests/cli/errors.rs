//! Errors and logs on standard error.

use super::{TRIPS, expect_failure, folder, run, run_with, weir};

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
