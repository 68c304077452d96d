//! Every backslash command, with its effect.

use crate::terminal::{CTRL_C, ENTER, Home, Terminal};

const TRIPS: &str = "id,fare,vendor\n1,2.5,A\n2,7.25,B\n3,,A\n";

fn home() -> Home {
    Home::new(&[("trips.csv", TRIPS)])
}

fn start(home: &Home) -> Terminal {
    home.start(&["trips.csv", "--backend", "interpret"])
}

#[track_caller]
fn check(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[track_caller]
fn check_not(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(!text.contains(part), "{part:?} in:\n{text}");
    }
}

#[test]
fn explain_and_program() {
    let home = home().size(40, 200).set("PAGER", "");
    let mut terminal = start(&home);
    check(&terminal.run("\\explain"), &["weir: error: no statement was run yet"]);
    terminal.run("SELECT vendor, count(*), sum(fare) FROM trips WHERE id > 1 GROUP BY vendor;");
    let text = terminal.run("\\explain");
    check(
        &text,
        &[
            "/trips.csv (37 B)\n",
            "ran in        the interpreter, in user space\n",
            "filter        id > 1\n",
            "keys          vendor\n",
            "did           22 B read, ",
            " 3 records, 0 of them decided by DataFusion\n",
            "Plan\n",
            "KernelFilterReduceExec: backend=interpret",
        ],
    );
    terminal.forget_log();
    terminal.run("\\program");
    check(&terminal.log(), &["trips.csv, ", " instructions, for"]);
    // What did not run there.
    terminal.run("SELECT count(*) FROM trips WHERE vendor LIKE 'A%';");
    check(&terminal.run("\\explain"), &["ran in        DataFusion\n", "declined      ", "LIKE"]);
    check(
        &terminal.run("\\program"),
        &["weir: error: the last statement had no program, \\explain says why"],
    );
    terminal.run("SELECT nope FROM trips;");
    check(&terminal.run("\\explain"), &["weir: error: the last statement failed"]);
}

#[test]
fn backend() {
    let home = home().size(40, 200).set("PAGER", "");
    let mut terminal = start(&home);
    check(&terminal.run("\\backend"), &["\nhook  ", "\nstock  ", "\ninterpret was chosen"]);
    check(&terminal.run("\\backend auto"), &["\nauto takes "]);
    check(&terminal.run("SHOW weir.backend;"), &["│ auto"]);
    check(&terminal.run("\\backend interpret"), &["\ninterpret was chosen"]);
    terminal.run("SELECT count(*) FROM trips WHERE id > 1;");
    check(&terminal.run("\\explain"), &["the interpreter"]);
    check(&terminal.run("\\backend gpu"), &["weir: error: ", "gpu"]);
    terminal.run("SET weir.pushdown = 'off';");
    check(&terminal.run("\\backend"), &["pushdown is off: all queries run in DataFusion"]);
}

#[test]
fn timing() {
    let home = home();
    let mut terminal = start(&home);
    let sql = "SELECT count(*) FROM trips WHERE id > 1;";
    check(&terminal.run(sql), &["1 row · ", "interpreter: 22 B read, "]);
    check(&terminal.run("\\timing"), &["timing is off"]);
    check_not(&terminal.run(sql), &["1 row · "]);
    check(&terminal.run("\\timing on"), &["timing is on"]);
    check(&terminal.run(sql), &["1 row · "]);
    check(
        &terminal.run("\\timing maybe"),
        &["weir: error: \\timing [on|off]: on or off is wanted, not 'maybe'"],
    );
}

#[test]
fn tables_and_columns() {
    let home = home().size(40, 200).set("PAGER", "");
    let mut terminal = start(&home);
    terminal.run("CREATE VIEW dear AS SELECT * FROM trips WHERE fare > 5;");
    for command in ["\\dt", "\\d"] {
        check(&terminal.run(command), &["│ dear  │", "│ trips │       3 │    37 │ ", "/trips.csv"]);
    }
    check(
        &terminal.run("\\d trips"),
        &["│ id     │ bigint  │ yes      │ 1, 2, 3 ", "│ fare   │ double  │ yes      │ 2.5, 7.25, NULL"],
    );
    check(&terminal.run("\\d 'trips.csv'"), &["│ vendor │ varchar │"]);
    check(&terminal.run("\\d dear"), &["│ fare   │", "7.25"]);
    check(&terminal.run("\\d nope"), &["weir: error: ", "nope"]);
    check(
        &terminal.run("\\summary trips"),
        &[
            "│ column │ type    │ nulls │ distinct (about) │ min │ max  │",
            "│ id     │ bigint  │     0 │                3 │ 1   │ 3    │",
            "│ fare   │ double  │     1 │                2 │ 2.5 │ 7.25 │",
            "│ vendor │ varchar │     0 │                2 │ A   │ B    │",
        ],
    );
    // It was one pushed query.
    check(&terminal.run("\\explain"), &["the interpreter", "min(trips.id)"]);
    check(&terminal.run("\\summary nope"), &["weir: error: ", "nope"]);
    check(&terminal.run("\\summary"), &["weir: error: \\summary TABLE: an argument is missing"]);
}

#[test]
fn functions() {
    let home = home().size(60, 200);
    let mut terminal = start(&home);
    let text = terminal.run("\\df regexp_c");
    check(&text, &["regexp_count(", "scalar"]);
    check_not(&text, &["regexp_like"]);
    check(&terminal.run("\\df stddev_pop"), &["aggregate"]);
    let home = home.set("PAGER", "head -n 5");
    let mut terminal = start(&home);
    check(&terminal.run("\\df"), &["abs("]);
}

#[test]
fn going_again() {
    let home = home();
    let mut terminal = start(&home);
    check(&terminal.run("SELECT 5 AS a \\g"), &["│      5 │"]);
    check(&terminal.run("\\g"), &["│      5 │"]);
    for command in ["\\gx", "\\G"] {
        check(&terminal.run(command), &["[ RECORD 1 ]", "a │ 5"]);
    }
    check(&terminal.run("SELECT 6 AS b\\G"), &["b │ 6"]);
    check(&terminal.run("SELECT 7 AS c \\g seven.txt"), &["seven.txt\n1 row · "]);
    assert_eq!(home.read("seven.txt"), "+---+\n| c |\n+---+\n| 7 |\n+---+\n");
    // Then results are seen again.
    check(&terminal.run("SELECT 8 AS d;"), &["│      8 │"]);
    check(&terminal.run("SELECT 9 \\g no/such/folder"), &["weir: error: cannot write no/such/folder"]);
}

#[test]
fn print_and_reset() {
    let home = home();
    let mut terminal = start(&home);
    terminal.begin("SELECT 1");
    terminal.type_in(&format!("{ENTER}+ 41 AS a{ENTER}\\p{ENTER}"));
    terminal.wait_for("   -> \\p\nSELECT 1\n+ 41 AS a\n   ->");
    terminal.type_in("\\r");
    terminal.enter();
    check(&terminal.run("SELECT 3 AS c;"), &["│      3 │"]);
    check(&terminal.run("\\p"), &["weir> \\p\nSELECT 3 AS c;\nweir>"]);
}

#[test]
fn an_editor_changes_the_statement() {
    let home = home();
    let editor = home.write_script("editor", "cp \"$1\" edited; sed -i s/41/42/ \"$1\"; cat add >> \"$1\"");
    let home = home.set("EDITOR", &editor);
    home.write("add", ";\n");
    let mut terminal = start(&home);
    check(&terminal.run("SELECT 41 AS answer \\e"), &["SELECT 42 AS answer\n;\n", "│     42 │"]);
    assert_eq!(home.read("edited"), "SELECT 41 AS answer\n");
    // The last one, when nothing is typed.
    terminal.run("SELECT 41 + 1 AS b;");
    check(&terminal.run("\\edit"), &["SELECT 42 + 1 AS b;\n;\n", "│     43 │"]);
    // Not finished: it is gone on with.
    home.write("add", "");
    terminal.begin("SELECT 41 AS c \\e");
    terminal.type_in(ENTER);
    terminal.wait_for("\nSELECT 42 AS c\n   ->");
    terminal.type_in(";");
    terminal.enter();
    check(&terminal.text(), &["│     42 │"]);
    // A file.
    home.write("file.sql", "SELECT 41 AS d;\n");
    check(&terminal.run("\\e file.sql"), &["│     42 │"]);
    assert_eq!(home.read("file.sql"), "SELECT 42 AS d;\n");
    // One that fails, and one that is not there.
    let failing = home.write_script("failing", "exit 3");
    let home = home.set("VISUAL", &failing);
    let mut terminal = start(&home);
    terminal.begin("SELECT 1 \\e");
    terminal.type_in(ENTER);
    // The statement is still there.
    terminal.wait_for("exit status: 3: nothing is run\n   ->");
    let home = home.set("VISUAL", "there-is-none -x");
    let mut terminal = start(&home);
    check(&terminal.run("\\e"), &["weir: error: cannot run there-is-none: "]);
    check(&terminal.run("SELECT 1 AS fine;"), &["│      1 │"]);
}

#[test]
fn files_are_included() {
    let home = home();
    home.write("inner.sql", "SELECT 'inner' AS a;\n\\echo said\n");
    home.write("outer.sql", "\\i inner.sql\nSELECT 'outer' AS b");
    home.write("self.sql", "\\i self.sql\n");
    home.write("wrong.sql", "SELECT 1 AS a;\n\nSELECT nmae\nFROM trips;\n\\echo never\n");
    home.write("leaves.sql", "\\q\n");
    let mut terminal = start(&home);
    let text = terminal.run("\\i outer.sql");
    check(&text, &["│ inner   │", "\nsaid\n", "│ outer   │"]);
    check(&terminal.run("\\i self.sql"), &["weir: error: self.sql: files run one another, 16 deep"]);
    let text = terminal.run("\\i wrong.sql");
    check(&text, &["│      1 │", "weir: error: No field named nmae\nwrong.sql:3: SELECT nmae"]);
    check_not(&text, &["never"]);
    check(&terminal.run("\\i nope.sql"), &["weir: error: cannot read nope.sql: No such file"]);
    std::fs::write(home.path("binary.sql"), b"SELECT '\xff';").unwrap();
    check(&terminal.run("\\i binary.sql"), &["weir: error: cannot read binary.sql: "]);
    terminal.begin("\\i leaves.sql");
    terminal.type_in(ENTER);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn copies() {
    let home = home();
    let mut terminal = start(&home);
    for name in ["out.csv", "out.parquet", "out.json", "out.tsv", "out.arrow"] {
        terminal.run(&format!("\\copy (SELECT id, fare FROM trips WHERE id < 3 ORDER BY id) TO '{name}'"));
        assert!(home.path(name).is_file(), "{name}: {}", terminal.text());
    }
    assert_eq!(home.read("out.csv"), "id,fare\n1,2.5\n2,7.25\n");
    assert_eq!(home.read("out.tsv"), "id\tfare\n1\t2.5\n2\t7.25\n");
    assert_eq!(home.read("out.json"), "{\"id\":1,\"fare\":2.5}\n{\"id\":2,\"fare\":7.25}\n");
    for name in ["out.csv", "out.parquet", "out.json", "out.arrow"] {
        let text = terminal.run(&format!("SELECT sum(id) AS i, sum(fare) AS f FROM '{name}';"));
        check(&text, &["│      3 │   9.75 │"]);
    }
    terminal.run("\\copy trips TO all.csv");
    assert_eq!(home.read("all.csv").lines().count(), 4);
    check(&terminal.run("\\copy trips TO 'x.xls'"), &["weir: error: x.xls: the ending says what to write"]);
    check(&terminal.run("\\copy trips"), &["weir: error: \\copy {(QUERY)|TABLE} TO {'FILE'|STDOUT}"]);
    check(&terminal.run("\\copy nope TO 'x.csv'"), &["weir: error: ", "nope"]);
}

#[test]
fn variables() {
    let home = home();
    let mut terminal = start(&home);
    terminal.run("\\set n 41");
    terminal.run("\\set who O'Neill");
    terminal.run("\\set name \"O'Neill\"");
    terminal.run("\\set column 'a b'");
    check(&terminal.run("\\set"), &["column = 'a b'\nn = '41'\nname = 'O'Neill'\n"]);
    let text = terminal.run("SELECT :n + 1 AS answer, :'name' AS name, ':n' AS text, 1 AS :\"column\";");
    check(&text, &["│    a b │", "│     42 │ O'Neill │ :n      │      1 │"]);
    terminal.run("\\unset n");
    check(&terminal.run("SELECT :n;"), &["weir: error: "]);
    check(&terminal.run("\\unset"), &["weir: error: \\unset NAME: an argument is missing"]);
}

#[test]
fn expanded() {
    let home = home();
    let mut terminal = start(&home);
    check(&terminal.run("\\x"), &["expanded is on"]);
    check(&terminal.run("SELECT 1 AS one;"), &["[ RECORD 1 ]", "one │ 1"]);
    check(&terminal.run("\\x off"), &["expanded is off"]);
    check(&terminal.run("SELECT 1 AS one;"), &["│      1 │"]);
}

#[test]
fn output_into_a_file() {
    let home = home();
    let mut terminal = start(&home);
    terminal.run("\\o out.txt");
    let text = terminal.run("SELECT value AS v, NULL AS n FROM generate_series(1, 60);");
    check_not(&text, &["│"]);
    // What is no result is seen.
    check(&text, &["60 rows · "]);
    check(&terminal.run("\\echo said"), &["\nsaid\n"]);
    check(&terminal.run("\\pset format csv"), &["format    csv"]);
    terminal.run("SELECT 'é' AS a;");
    // Errors are seen.
    check(&terminal.run("SELECT nope;"), &["weir: error: "]);
    terminal.run("\\o");
    check(&terminal.run("SELECT 1 AS a;"), &["\na\n1\n"]);
    let out = home.read("out.txt");
    assert!(out.starts_with("+----+------+\n|  v | n    |\n+----+------+\n|  1 | NULL |\n"), "{out}");
    assert!(!out.contains("\x1b"), "{out}");
    assert!(out.ends_with("| 60 | NULL |\n+----+------+\na\né\n"), "{out}");
    check(&terminal.run("\\o no/such/folder"), &["weir: error: cannot write no/such/folder"]);
}

#[test]
fn printing_options() {
    let home = home();
    let mut terminal = start(&home);
    let list = terminal.run("\\pset");
    for line in [
        "format    automatic",
        "null      NULL",
        "border    2",
        "table     result",
        "maxrows   auto",
        "maxwidth  0",
        "pager     on",
        "expanded  off",
        "keys      emacs",
    ] {
        check(&list, &[&format!("\n{line}\n")]);
    }
    let sql = "SELECT 1 AS a, NULL AS b, 'x' AS c;";
    for (format, expected) in [
        ("csv", "\na,b,c\n1,,x\n"),
        ("tsv", "\na"),
        ("json", "\n[{\"a\":1,\"b\":null,\"c\":\"x\"}]\n"),
        ("ndjson", "\n{\"a\":1,\"b\":null,\"c\":\"x\"}\n"),
        ("markdown", "\n| a | b | c |\n| ---: | --- | --- |\n| 1 | NULL | x |\n"),
        ("html", "<tr><td align=\"right\">1</td>"),
        ("vertical", "a │ 1"),
        ("insert", "INSERT INTO result (a, b, c) VALUES (1, NULL, 'x');"),
        ("table", "│      1 │ NULL │ x       │"),
    ] {
        check(&terminal.run(&format!("\\pset format {format}")), &[&format!("format    {format}\n")]);
        check(&terminal.run(sql), &[expected]);
    }
    terminal.run("\\pset null '(none)'");
    check(&terminal.run(sql), &["│      1 │ (none) │ x       │"]);
    terminal.run("\\pset border 1");
    check(&terminal.run(sql), &["      1 │ (none) │ x"]);
    check_not(&terminal.text(), &["┌", "│      1 │"]);
    terminal.run("\\pset border 0");
    check_not(&terminal.run(sql), &["│"]);
    terminal.run("\\pset border 2");
    let many = "SELECT value AS v FROM generate_series(1, 100);";
    terminal.run("\\pset maxrows 4");
    check(&terminal.run(many), &["│      2 │\n", "│ … 96 … │", "│     99 │\n"]);
    check_not(&terminal.text(), &["│      3 │"]);
    terminal.run("\\pset pager off");
    terminal.run("\\pset maxrows 0");
    check(&terminal.run(many), &["│     97 │\n│     98 │\n"]);
    terminal.run("\\pset maxwidth 20");
    let text = terminal.run("SELECT repeat('x', 99) AS long;");
    check(&text, &["x…"]);
    assert!(
        text.lines().skip(1).filter(|line| line.contains('│')).all(|line| line.chars().count() <= 20),
        "{text}"
    );
    check(&terminal.run("\\pset expanded"), &["expanded  on"]);
    check(&terminal.run(sql), &["[ RECORD 1 ]"]);
    check(&terminal.run("\\pset format xml"), &["weir: error: there is no format xml: automatic, table, "]);
    check(&terminal.run("\\pset border 9"), &["weir: error: border is 0, 1 or 2, not 9"]);
    check(&terminal.run("\\pset nope 1"), &["weir: error: there is no option nope"]);
}

#[test]
fn echo_help_folder_and_shell() {
    let home = home().size(60, 120);
    std::fs::create_dir(home.path("sub")).unwrap();
    home.write("sub/inner.csv", "x\n77\n");
    let mut terminal = start(&home);
    check(&terminal.run("\\echo one  'two  three'"), &["\none two  three\n"]);
    let help = terminal.run("\\?");
    check(
        &help,
        &["What ran where\n", "\\copy {(QUERY)|TABLE} TO {'FILE'|STDOUT}", "Ctrl-R searches the history"],
    );
    assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    check(&terminal.run("help"), &["What ran where\n"]);
    check(&terminal.run("\\? watch"), &["\\watch [SECONDS]", "until Ctrl-C"]);
    check(&terminal.run("\\h \\pset"), &["\\pset [NAME [VALUE]]"]);
    check(&terminal.run("\\? nope"), &["there is no command \\nope"]);
    terminal.run("\\cd sub");
    check(&terminal.run("SELECT x FROM 'inner.csv';"), &["│     77 │"]);
    check(&terminal.run("\\! cat inner.csv; echo \"$PWD\" | tail -c 13"), &["x\n77\n", "/current/sub\n"]);
    terminal.run("\\cd");
    check(&terminal.run("\\!pwd"), &["/home\n"]);
    check(&terminal.run("\\! exit 7"), &["weir: exit status: 7"]);
    check(&terminal.run("\\cd no/such/folder"), &["weir: error: cannot read no/such/folder: No such file"]);
    check(&terminal.run("\\sumary trips"), &["there is no command \\sumary, did you mean \\summary?"]);
    // A shell, in which Ctrl-C and exit are its own.
    terminal.begin("\\!");
    terminal.type_in(ENTER);
    terminal.wait("the shell's prompt", |screen| screen.contents().ends_with(['#', '$', ' ']));
    terminal.type_in(&format!("echo $((41 + 1)) in the shell{ENTER}"));
    terminal.wait_for("42 in the shell");
    // What waits in the terminal is thrown away with Ctrl-C, so one after the other.
    terminal.type_in(CTRL_C);
    terminal.wait("a further prompt of the shell", |screen| {
        screen.contents().split("^C").nth(1).is_some_and(|after| after.contains(['#', '$']))
    });
    terminal.type_in(&format!("exit{ENTER}"));
    terminal.wait_until_ready();
    check(&terminal.run("SELECT 1 AS fine;"), &["│      1 │"]);
    terminal.begin("\\q");
    terminal.type_in(ENTER);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn ctrl_c_is_for_the_program_that_a_command_runs() {
    let home = home();
    let waits = home
        .write_script("waits", "trap 'echo stopped; exit 1' INT; echo waiting; while :; do sleep 0.1; done");
    let home = home.set("EDITOR", &waits);
    for command in ["\\! ./waits", "\\e"] {
        // The first thing of a session: nothing else has listened to Ctrl-C yet.
        let mut terminal = home.start(&[]);
        terminal.begin(command);
        terminal.type_in(ENTER);
        terminal.wait_for("waiting");
        terminal.type_in(CTRL_C);
        terminal.wait_for("stopped");
        terminal.wait_until_ready();
        check(&terminal.run("SELECT 1 AS fine;"), &["│      1 │"]);
    }
}
