//! COPY, and the files that it writes.

use super::{TRIPS, expect, expect_failure, folder, run, weir};

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
