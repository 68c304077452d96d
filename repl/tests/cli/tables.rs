//! Files, folders and pipes as tables.

use std::process::Command;

use super::{TRIPS, expect, expect_failure, folder, run, run_with, weir};

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
