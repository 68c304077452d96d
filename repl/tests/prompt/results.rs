//! What the most important results look like.

use crate::terminal::{Home, Terminal};

const TRIPS: &str =
    "id,fare,vendor,note\n1,2.5,A,\n2,7.25,B,\"two\nlines\"\n3,,A,a long note that goes on and on\n";

fn start() -> (Home, Terminal) {
    let home = Home::new(&[("trips.csv", TRIPS)]).size(24, 72).set("PAGER", "");
    let rows: String = (0..2000).map(|number| format!("{number},{}\n", number % 7)).collect();
    home.write("late.csv", &format!("a,b\n{rows}7,x\n"));
    let terminal = home.start(&["trips.csv", "late.csv", "--backend", "interpret", "--threads", "1"]);
    (home, terminal)
}

/// The screen after a line, without the times in it.
fn screen(line: &str) -> String {
    let (_home, mut terminal) = start();
    let text = terminal.run(line);
    let masked = |line: &str| match line.split_once(" · ") {
        Some((rows, rest)) if rows.ends_with(" rows") || rows.ends_with(" row") => {
            let others =
                rest.split(" · ").skip(1).map(|other| if other.ends_with("/s") { "(rate)" } else { other });
            [rows, "(time)"].into_iter().chain(others).collect::<Vec<_>>().join(" · ")
        }
        _ => line.trim_end().to_owned(),
    };
    text.lines().map(masked).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_pushed_down_query() {
    insta::assert_snapshot!(screen("SELECT vendor, count(*), sum(fare) FROM trips GROUP BY 1 ORDER BY 1;"), @r#"
    weir> SELECT vendor, count(*), sum(fare) FROM trips GROUP BY 1 ORDER BY 1;
    ┌─────────┬──────────┬─────────────────┐
    │ vendor  │ count(*) │ sum(trips.fare) │
    │ varchar │   bigint │          double │
    ├─────────┼──────────┼─────────────────┤
    │ A       │        2 │             2.5 │
    │ B       │        1 │            7.25 │
    └─────────┴──────────┴─────────────────┘
    2 rows · (time) · (rate)
    interpreter: 67 B read, 112 B returned, 3 records, 0 exceptions
    (interpret)

    weir>
    "#);
}

#[test]
fn null_empty_and_too_wide() {
    insta::assert_snapshot!(screen("SELECT *, '' AS empty FROM trips;"), @r#"
    weir> SELECT *, '' AS empty FROM trips;
    ┌────────┬────────┬─────────┬────────────────────────────────┬─────────┐
    │     id │   fare │ vendor  │ note                           │ empty   │
    │ bigint │ double │ varchar │ varchar                        │ varchar │
    ├────────┼────────┼─────────┼────────────────────────────────┼─────────┤
    │      1 │    2.5 │ A       │ NULL                           │         │
    │      2 │   7.25 │ B       │ two\nlines                     │         │
    │      3 │   NULL │ A       │ a long note that goes on and … │         │
    └────────┴────────┴─────────┴────────────────────────────────┴─────────┘
    3 rows · (time) · DataFusion: 3 rows scanned

    weir>
    "#);
}

#[test]
fn too_many_rows() {
    insta::assert_snapshot!(screen("SELECT value AS a, value % 7 AS b FROM generate_series(1, 2000);"), @r#"
    weir> SELECT value AS a, value % 7 AS b FROM generate_series(1, 2000);
    ┌────────┬────────┐
    │      a │      b │
    │ bigint │ bigint │
    ├────────┼────────┤
    │      1 │      1 │
    │      2 │      2 │
    │      3 │      3 │
    │      4 │      4 │
    │      5 │      5 │
    │      6 │      6 │
    │      7 │      0 │
    │    … 1,986 …    │
    │   1994 │      6 │
    │   1995 │      0 │
    │   1996 │      1 │
    │   1997 │      2 │
    │   1998 │      3 │
    │   1999 │      4 │
    │   2000 │      5 │
    └────────┴────────┘
    2,000 rows · (time)

    weir>
    "#);
}

#[test]
fn records() {
    insta::assert_snapshot!(screen("SELECT * FROM trips WHERE id > 1 \\gx"), @r#"
    weir> SELECT * FROM trips WHERE id > 1 \gx
    ─[ RECORD 1 ]───────────────────────────
    id     │ 2
    fare   │ 7.25
    vendor │ B
    note   │ two\nlines
    ─[ RECORD 2 ]───────────────────────────
    id     │ 3
    fare   │ NULL
    vendor │ A
    note   │ a long note that goes on and on
    2 rows · (time) · (rate)
    interpreter: 67 B read, 96 B returned, 3 records, 0 exceptions
    (interpret)

    weir>
    "#);
}

#[test]
fn a_misspelled_column() {
    insta::assert_snapshot!(screen("SELECT count(*) FROM trips WHERE vendr = 'A';"), @r#"
    weir> SELECT count(*) FROM trips WHERE vendr = 'A';
    weir: error: No field named vendr
    LINE 1: SELECT count(*) FROM trips WHERE vendr = 'A';
                                             ^~~~~
    HINT: Did you mean "vendor"?
    weir>
    "#);
}

#[test]
fn a_syntax_error() {
    insta::assert_snapshot!(screen("SELECT vendor FORM trips GROUP BY 1;"), @r#"
    weir> SELECT vendor FORM trips GROUP BY 1;
    weir: error: syntax error at line 1, column 20: expected end of statement, found trips
    LINE 1: SELECT vendor FORM trips GROUP BY 1;
                               ^~~~~
    HINT: Did you mean FROM?
    weir>
    "#);
}

#[test]
fn a_value_that_is_wrong() {
    let create = "CREATE EXTERNAL TABLE strict (a INT, b INT) STORED AS CSV LOCATION 'late.csv';";
    insta::assert_snapshot!(screen(&format!("{create} SELECT sum(b) FROM strict;")), @r#"
    weir> CREATE EXTERNAL TABLE strict (a INT, b INT) STORED AS CSV LOCATION 'late.csv'; SELECT sum(b) FROM strict;
    weir: error: late.csv: line 2002, column 'b': 'x' is not INT
    late.csv:2002: 7,x
                     ^ column b
    HINT: Declare another type with --types, or leave the record out with --on-error skip.
    weir>
    "#);
}

#[test]
fn why_the_kernel_did_not_do_it() {
    insta::assert_snapshot!(screen("SELECT count(*) FROM trips WHERE note LIKE 'a%';"), @r#"
    weir> SELECT count(*) FROM trips WHERE note LIKE 'a%';
    ┌──────────┐
    │ count(*) │
    │   bigint │
    ├──────────┤
    │        1 │
    └──────────┘
    1 row · (time) · DataFusion: note LIKE a%: LIKE is not supported

    weir>
    "#);
}

#[test]
fn columns_of_a_table() {
    insta::assert_snapshot!(screen("\\d trips"), @r#"
    weir> \d trips
    trips: ',' delimited, header, 4 columns
    ┌────────┬─────────┬──────────┬────────────────────────────────────────┐
    │ column │ type    │ nullable │ first values                           │
    ├────────┼─────────┼──────────┼────────────────────────────────────────┤
    │ id     │ bigint  │ yes      │ 1, 2, 3                                │
    │ fare   │ double  │ yes      │ 2.5, 7.25, NULL                        │
    │ vendor │ varchar │ yes      │ A, B, A                                │
    │ note   │ varchar │ yes      │ NULL, two\nlines, a long note that go… │
    └────────┴─────────┴──────────┴────────────────────────────────────────┘
    weir>
    "#);
}
