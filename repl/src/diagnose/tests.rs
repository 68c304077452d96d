//! Whole reports, of statements that fail in a session.

use engine::csv::sniff::Overrides;
use engine::csv::spec::OnError;
use engine::options::{BackendChoice, PushdownMode};
use engine::session::{CsvTable, Session, SessionOptions};
use tempfile::TempDir;

use super::*;
use crate::error::Error;
use crate::results::{Format, Style};
use crate::shell::state::Shell;

const TRIPS: &str = "id,name,price,day,Fare,größe\n1,one,1.5,2024-01-01,1,1\n2,two,2.25,2024-01-02,2,2\n";

struct Fixture {
    folder: TempDir,
    session: Session,
}

impl Fixture {
    async fn new(pushdown: PushdownMode) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("trips.csv", TRIPS);
        write("ragged.csv", "a,b\n1,2\n\n\"3\n4\",4,5\n");
        write("late.csv", &format!("a,b\n{}5,x\t\u{1b}\n", "1,2\n".repeat(2000)));
        write("late-ragged.csv", &format!("a,b\n{}5,6,7\n", "1,2\n".repeat(2000)));
        let backend = BackendChoice::Interpret;
        let declared = Overrides { on_error: Some(OnError::Fail), ..Overrides::default() };
        let options = SessionOptions { pushdown, backend, threads: Some(2), declared };
        let session = Session::new(options).unwrap();
        let path = folder.path().join("trips.csv");
        session.register_csv("trips", path.to_str().unwrap(), CsvTable::default()).await.unwrap();
        for (table, file) in [("late", "late.csv"), ("ragged", "late-ragged.csv")] {
            let columns = "a BIGINT, b BIGINT";
            let location = folder.path().join(file);
            let sql = format!(
                "CREATE EXTERNAL TABLE {table} ({columns}) STORED AS CSV LOCATION '{}'",
                location.display()
            );
            session.context().sql(&sql).await.unwrap();
        }
        Fixture { folder, session }
    }

    /// The report, with `DIR` for the folder of the files, also in the text.
    async fn report(&self, sql: &str, script: Option<&str>) -> String {
        let folder = self.folder.path().to_str().unwrap();
        let sql = sql.replace("DIR", folder);
        let mut shell = Shell::new(self.session.clone(), Style::plain(Format::Csv));
        match shell.run_script(&sql, script).await {
            Err(Error::Statement(report)) => {
                shortened(&report.render(Look { colour: false, width: 200 }), folder)
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("no error: {sql}"),
        }
    }
}

/// `DIR` for the folder, and the underline below it moved by as much.
fn shortened(report: &str, folder: &str) -> String {
    let mut text = String::new();
    let mut moved = 0;
    for line in report.lines() {
        let is_underline = line.trim_start().starts_with('^');
        text.push_str(&line[if is_underline { moved } else { 0 }..].replace(folder, "DIR"));
        text.push('\n');
        // Inside of the underlined part it moves nothing.
        let is_before = line.starts_with(folder);
        moved = if is_before { folder.len() - "DIR".len() } else { 0 };
    }
    text
}

async fn report(sql: &str) -> String {
    Fixture::new(PushdownMode::Auto).await.report(sql, None).await
}

#[tokio::test]
async fn keywords() {
    for (sql, hint) in [
        ("SELCT 1", "Did you mean SELECT?"),
        ("SELECT * FROM trips WHRE id = 1", "Did you mean WHERE?"),
        ("SELECT * FROM trips WHERE id = 1 GRUOP BY id", "Did you mean GROUP?"),
        ("SELECT * fro trips", "Did you mean FROM?"),
        ("SELECT * FROM trips t x", ""),
        ("SELECT 1 FROM trips WHERE )", ""),
    ] {
        let report = report(sql).await;
        let found = report.split_once("HINT: ").map_or("", |(_, hint)| hint.trim_end());
        assert_eq!(found, hint, "{report}");
    }
}

#[tokio::test]
async fn names_in_other_places() {
    let options =
        report("CREATE EXTERNAL TABLE e STORED AS CSV LOCATION 'a.csv' OPTIONS ('format.nope' '1')").await;
    assert_eq!(options, "weir: error: Config value \"nope\" not found on CsvOptions\n");
    assert!(report("SET nope = 1").await.starts_with("weir: error: there is no setting nope\n"));
    let window = report("SELECT row_number() FROM trips").await;
    assert!(
        window.ends_with("HINT: row_number is a window function: write row_number(...) OVER (...).\n"),
        "{window}"
    );
}

#[tokio::test]
async fn columns() {
    insta::assert_snapshot!(report("SELECT nmae FROM trips").await, @r#"
    weir: error: No field named nmae
    LINE 1: SELECT nmae FROM trips
                   ^~~~
    HINT: Did you mean "name"?
    "#);
    insta::assert_snapshot!(report("SELECT id,\n\t\t名 AS x, t.nmae\nFROM trips t").await, @r#"
    weir: error: No field named "名"
    LINE 2:         名 AS x, t.nmae
                    ^~
    HINT: Columns: id, name, price, day, "Fare", "größe".
    weir: error: No field named t.nmae
    LINE 2:         名 AS x, t.nmae
                             ^~~~~~
    HINT: Did you mean "name"?
    "#);
    insta::assert_snapshot!(report("SELECT nmae, id, prise FROM trips").await, @r#"
    weir: error: No field named nmae
    LINE 1: SELECT nmae, id, prise FROM trips
                   ^~~~
    HINT: Did you mean "name"?
    weir: error: No field named prise
    LINE 1: SELECT nmae, id, prise FROM trips
                             ^~~~~
    HINT: Did you mean "price"?
    "#);
    insta::assert_snapshot!(report("SELECT fare FROM trips").await, @r#"
    weir: error: No field named fare
    LINE 1: SELECT fare FROM trips
                   ^~~~
    HINT: Did you mean "Fare"? Names without quotes are folded to lower case.
    "#);
    insta::assert_snapshot!(report("SELECT quantity FROM trips").await, @r#"
    weir: error: No field named quantity
    LINE 1: SELECT quantity FROM trips
                   ^~~~~~~~
    HINT: Columns: id, name, price, day, "Fare", "größe".
    "#);
    insta::assert_snapshot!(report("SELECT trip.name FROM trips").await, @r#"
    weir: error: No field named trip.name
    LINE 1: SELECT trip.name FROM trips
                   ^~~~~~~~~
    HINT: There is no table or alias "trip" here. Did you mean "trips"?
    "#);
    insta::assert_snapshot!(report("SELECT name").await, @r"
    weir: error: No field named name
    LINE 1: SELECT name
                   ^~~~
    HINT: There are no columns here: is a FROM missing?
    ");
    insta::assert_snapshot!(report("SELECT id FROM trips a, trips b").await, @r"
    weir: error: Ambiguous reference to unqualified field id
    LINE 1: SELECT id FROM trips a, trips b
                   ^~
    HINT: Did you mean a.id or b.id?
    ");
    insta::assert_snapshot!(report("SELECT name, count(*) FROM trips").await, @r"
    weir: error: 'trips.name' must appear in GROUP BY clause because it's not an aggregate expression
    LINE 1: SELECT name, count(*) FROM trips
                   ^~~~
    HINT: Either add 'trips.name' to GROUP BY clause, or use an aggregate function like ANY_VALUE(trips.name).
    ");
}

#[tokio::test]
async fn tables_and_files() {
    insta::assert_snapshot!(report("SELECT * FROM trps").await, @r#"
    weir: error: table 'trps' not found
    LINE 1: SELECT * FROM trps
                          ^~~~
    HINT: Did you mean "trips"?
    "#);
    insta::assert_snapshot!(report("WITH quick AS (SELECT 1) SELECT * FROM quik").await, @r#"
    weir: error: table 'quik' not found
    LINE 1: WITH quick AS (SELECT 1) SELECT * FROM quik
                                                   ^~~~
    HINT: Did you mean "quick"?
    "#);
    insta::assert_snapshot!(report("SELECT * FROM something_else").await, @r"
    weir: error: table 'something_else' not found
    LINE 1: SELECT * FROM something_else
                          ^~~~~~~~~~~~~~
    HINT: Tables: late, ragged, trips.
    ");
    insta::assert_snapshot!(report("DROP TABLE trps").await, @r#"
    weir: error: table 'trps' not found
    LINE 1: DROP TABLE trps
                       ^~~~
    HINT: Did you mean "trips"?
    "#);
    insta::assert_snapshot!(report("CREATE TABLE trips AS SELECT 1").await, @r"
    weir: error: Table 'trips' already exists
    LINE 1: CREATE TABLE trips AS SELECT 1
                         ^~~~~
    ");
    insta::assert_snapshot!(report("SELECT * FROM 'DIR/trps.csv'").await.replace('~', ""), @r"
    weir: error: there is no file 'DIR/trps.csv'
    LINE 1: SELECT * FROM 'DIR/trps.csv'
                          ^
    HINT: Did you mean 'DIR/trips.csv'?
    ");
    insta::assert_snapshot!(report("SELECT * FROM 'DIR/nope/trps.csv'").await.replace('~', ""), @r"
    weir: error: there is no file 'DIR/nope/trps.csv'
    LINE 1: SELECT * FROM 'DIR/nope/trps.csv'
                          ^
    HINT: There is no folder DIR/nope.
    ");
    insta::assert_snapshot!(report("SELECT 1;\nCREATE EXTERNAL TABLE t STORED AS CVS LOCATION 'x'").await, @r"
    weir: error: there is no file format CVS
    LINE 2: CREATE EXTERNAL TABLE t STORED AS CVS LOCATION 'x'
                                              ^~~
    HINT: Did you mean CSV?
    ");
}

#[tokio::test]
async fn functions_and_settings() {
    insta::assert_snapshot!(report("SELECT averge(price) FROM trips").await, @r#"
    weir: error: Invalid function 'averge'
    LINE 1: SELECT averge(price) FROM trips
                   ^~~~~~
    HINT: Did you mean "avg"?
    "#);
    insta::assert_snapshot!(report("SELECT lenght(name), foo(1) FROM trips").await, @r#"
    weir: error: Invalid function 'lenght'
    LINE 1: SELECT lenght(name), foo(1) FROM trips
                   ^~~~~~
    HINT: Did you mean "length"?
    weir: error: Invalid function 'foo'
    LINE 1: SELECT lenght(name), foo(1) FROM trips
                                 ^~~
    "#);
    insta::assert_snapshot!(report("SELECT sum(name) FROM trips").await, @r"
    weir: error: No function matches the given name and argument types 'sum(Utf8View)'. You might need to add explicit type casts.
        Candidate functions:
        sum(Decimal)
        sum(UInt64)
        sum(Int64)
        sum(Float64)
        sum(Duration)
        sum(Interval)
    LINE 1: SELECT sum(name) FROM trips
                   ^~~
    HINT: An argument is text. If its column should be numbers, weir sniff FILE tells which value is none; declare the type with --types COLUMN=..., or convert it with try_cast(COLUMN AS DOUBLE).
    ");
    insta::assert_snapshot!(report("SELECT * FROM generate_serie(1, 2)").await, @r#"
    weir: error: table function 'generate_serie' not found
    LINE 1: SELECT * FROM generate_serie(1, 2)
                          ^~~~~~~~~~~~~~
    HINT: Did you mean "generate_series"?
    "#);
    insta::assert_snapshot!(report("SET weir.pushdwn = 'off'").await, @r#"
    weir: error: there is no setting weir.pushdwn
    LINE 1: SET weir.pushdwn = 'off'
                ^~~~~~~~~~~~
    HINT: Did you mean "weir.pushdown"?
    "#);
    insta::assert_snapshot!(report("SET weir.pushdown = 'of'").await, @r"
    weir: error: invalid value 'of' for weir.pushdown: allowed are auto, require, off
    LINE 1: SET weir.pushdown = 'of'
                                ^~~~
    ");
    insta::assert_snapshot!(report("SET datafusion.execution.batch_size = many").await, @"weir: error: Error setting config datafusion.execution.batch_size: Error parsing 'many' as usize: invalid digit found in string");
}

#[tokio::test]
async fn syntax() {
    insta::assert_snapshot!(report("SELECT 1;\nSELECT '東京', FROM trips WHERE").await, @r"
    weir: error: syntax error: expected an expression, found the end of the text
    LINE 2: SELECT '東京', FROM trips WHERE
                                           ^
    ");
    insta::assert_snapshot!(report("SELECT (1 -- not closed\n").await, @r"
    weir: error: syntax error: expected ), found the end of the text
    LINE 1: SELECT (1 -- not closed
                     ^
    ");
    insta::assert_snapshot!(report("SELECT 1;\nSELECT 'abc\n").await, @r"
    weir: error: syntax error at line 2, column 8: Unterminated string literal
    LINE 2: SELECT 'abc
                   ^~~~
    ");
    insta::assert_snapshot!(report("SELECT 1 SELECT 2").await, @r"
    weir: error: syntax error at line 1, column 10: expected end of statement, found SELECT
    LINE 1: SELECT 1 SELECT 2
                     ^~~~~~
    ");
    let deep = format!("SELECT {}1{}", "(".repeat(1100), ")".repeat(1100));
    insta::assert_snapshot!(report(&deep).await, @"weir: error: syntax error: the statement is nested too deeply: write it with fewer brackets and operators inside each other");
    let long = format!("SELECT {} nmae FROM trips", "id, ".repeat(5000));
    insta::assert_snapshot!(report(&long).await, @r#"
    weir: error: No field named nmae
    LINE 1: …d, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id,  nmae FROM trips
                                                                                                                                                                                             ^~~~
    HINT: Did you mean "name"?
    "#);
}

#[tokio::test]
async fn values() {
    insta::assert_snapshot!(report("SELECT * FROM trips WHERE day > 'foo'").await, @r"
    weir: error: 'foo' is no DATE
    LINE 1: SELECT * FROM trips WHERE day > 'foo'
                                            ^~~~~
    HINT: TRY_CAST(... AS DATE) makes NULL of such texts.
    ");
    // It is data that cannot be cast, even if it stands in the statement.
    insta::assert_snapshot!(report("SELECT CAST(name AS INT) FROM trips WHERE name <> 'two'").await, @r"
    weir: error: 'one' in the column name is no INT
    HINT: The column name is text: compare it with a text, as in name = '7', or convert it with TRY_CAST(name AS INT), which makes NULL of such texts.
    ");
    insta::assert_snapshot!(report("SELECT CAST(id + 300 AS TINYINT) FROM trips").await, @r"
    weir: error: 301 does not fit the type TINYINT
    HINT: Use a wider type, or TRY_CAST(... AS TINYINT), which makes NULL of such values.
    ");
    for sql in [
        "SELECT id FROM trips WHERE name = 7",
        "SELECT id FROM trips WHERE name IN (7, 8)",
        "SELECT count(*) FROM (SELECT name AS n FROM trips) WHERE n > 7",
        "SELECT sum(CASE WHEN name < 7 THEN 1 END) FROM trips",
    ] {
        let report = report(sql).await;
        assert!(
            report.contains("' in the column n") && report.contains(" is no BIGINT\nHINT: The column n"),
            "{report}"
        );
    }
    insta::assert_snapshot!(report("SELECT avg(CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))) FROM trips").await, @r"
    weir: error: an average does not fit the type of its column
    LINE 1: SELECT avg(CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))) FROM trips
                   ^~~
    HINT: Compute it in a wider one, as in avg(CAST(... AS DOUBLE)).
    ");
    insta::assert_snapshot!(report("SELECT 1 / 0").await, @"weir: error: 1 / 0 divides by zero");
    insta::assert_snapshot!(report("SELECT regexp_match(name, '(') FROM trips").await, @r"
    weir: error: Regular expression did not compile
    regex parse error:
        (
        ^
    error: unclosed group
    ");
    insta::assert_snapshot!(report("UPDATE trips SET id = 1").await, @"weir: error: UPDATE operation on table 'trips': not implemented: UPDATE not supported for Base table");
}

#[tokio::test]
async fn statements_of_a_script() {
    let fixture = Fixture::new(PushdownMode::Auto).await;
    let text = "SET weir.pushdown = 'auto';\n\n-- a comment\nSELECT id\n  FROM trips WHERE prize > 1;\nSELECT 1 / 0;";
    insta::assert_snapshot!(fixture.report(text, Some("daily.sql")).await, @r#"
    weir: error: No field named prize
    daily.sql:5:   FROM trips WHERE prize > 1;
                                    ^~~~~
    HINT: Did you mean "price"?
    "#);
    let text = "SET weir.pushdown = 'auto';\n\n-- a comment\nSELECT 1 /\n   0; SELECT 2";
    insta::assert_snapshot!(fixture.report(text, Some("daily.sql")).await, @r"
    weir: error: 1 / 0 divides by zero
    daily.sql:4: SELECT 1 /
    ");
    // The first statement holds the name of the second one's error.
    let text = "SELECT 1 AS nope; DROP TABLE nope";
    insta::assert_snapshot!(fixture.report(text, None).await, @r"
    weir: error: table 'nope' not found
    LINE 1: SELECT 1 AS nope; DROP TABLE nope
                                         ^~~~
    HINT: Tables: late, ragged, trips.
    ");
}

#[tokio::test]
async fn records_of_files() {
    insta::assert_snapshot!(report("SELECT * FROM 'DIR/ragged.csv'").await, @r#"
    weir: error: DIR/ragged.csv: line 4: 3 fields where the file has 2 columns
    DIR/ragged.csv:4: "3\n4",4,5
    HINT: Read the others with --on-error skip, or with --on-error null for what there is of it.
    "#);
    insta::assert_snapshot!(report("SELECT a FROM late WHERE b > 1").await, @r"
    weir: error: DIR/late.csv: line 2002, column 'b': 'x\t\u{1b}' is not BIGINT
    DIR/late.csv:2002: 5,x \x1b
                         ^~~~~~ column b
    HINT: Declare another type with --types, or leave the record out with --on-error skip.
    ");
    insta::assert_snapshot!(report("SELECT count(*) FROM ragged").await, @r"
    weir: error: DIR/late-ragged.csv: line 2002: 3 fields where the file has 2 columns
    DIR/late-ragged.csv:2002: 5,6,7
    HINT: Read the others with --on-error skip, or with --on-error null for what there is of it.
    ");
    insta::assert_snapshot!(report("EXPLAIN ANALYZE SELECT * FROM late").await, @r"
    weir: error: DIR/late.csv: line 2002, column 'b': 'x\t\u{1b}' is not BIGINT
    DIR/late.csv:2002: 5,x \x1b
                         ^~~~~~ column b
    HINT: Declare another type with --types, or leave the record out with --on-error skip.
    ");
}

#[tokio::test]
async fn pushdown_does_not_change_a_report() {
    let (off, on) = (Fixture::new(PushdownMode::Off).await, Fixture::new(PushdownMode::Auto).await);
    for sql in [
        "SELECT sum(a) FROM late WHERE b > 1",
        "SELECT count(*) FROM ragged WHERE b > 1",
        "SELECT count(*) FROM 'DIR/ragged.csv'",
        "SELECT sum(nmae) FROM trips WHERE id > 1",
        "SELECT sum(id / 0) FROM trips WHERE id > 1",
    ] {
        assert_eq!(on.report(sql, None).await, off.report(sql, None).await, "{sql}");
    }
}

#[tokio::test]
async fn a_file_that_was_split_shows_its_record() {
    let fixture = Fixture::new(PushdownMode::Auto).await;
    let path = fixture.folder.path().join("split.csv");
    let mut text = format!("a,b\n{}", "1,2\n".repeat(30_000));
    text.push_str("3,x\n");
    text.push_str(&"1,2\n".repeat(10_000));
    std::fs::write(path, text).unwrap();
    let settings = "SET datafusion.optimizer.repartition_file_min_size = 1000;";
    let create = "CREATE EXTERNAL TABLE split (a BIGINT, b BIGINT) STORED AS CSV LOCATION 'DIR/split.csv';";
    let report = fixture.report(&format!("{settings} {create} SELECT sum(b) FROM split"), None).await;
    let mut lines = report.lines();
    // The line of the file, though it is in the second partition.
    let first = "weir: error: DIR/split.csv: line 30002, column 'b': 'x' is not BIGINT";
    assert_eq!(lines.next(), Some(first), "{report}");
    assert_eq!(lines.next(), Some("DIR/split.csv:30002: 3,x"));
}

#[test]
fn colour_is_only_added() {
    let error = DataFusionError::Plan("a\u{1b}[31mb".into());
    let report = Report::without_statement(&error);
    assert_eq!(report.render(Look::PLAIN), "weir: error: a\\x1b[31mb\n");
    let coloured = report.render(Look { colour: true, width: 80 });
    assert_eq!(console::strip_ansi_codes(&coloured), report.render(Look::PLAIN));
    assert!(coloured.contains("\x1b["));
}
