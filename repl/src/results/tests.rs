//! Results as they are printed: what a reader sees of tables in narrow and wide terminals, and what programs read.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::prelude::SessionContext;
use insta::assert_snapshot;
use pushdown::testing::Random;

use super::*;

/// Values of every kind, and what is hard to print.
const KINDS: &str = "SELECT * FROM (VALUES
    (1, 'plain', 1.5, DATE '2024-01-31', true, CAST('12.50' AS DECIMAL(8, 2)), [1, 2], TIMESTAMP '2024-01-31 23:59:59.5'),
    (-20, '', 'NaN'::double, NULL, NULL, CAST('-0.05' AS DECIMAL(8, 2)), NULL, NULL),
    (NULL, NULL, NULL, DATE '0001-01-01', false, NULL, [NULL], TIMESTAMP '1969-12-31 00:00:00')
) AS t(n, text, f, day, flag, price, list, at)";

const TEXTS: [&str; 8] = [
    "日本語のとても長いテキスト",
    "👩‍👩‍👧 family, 🇩🇪 flag, ❤️ heart",
    "e\u{301}tude, na\u{308}ive",
    "\x1b[31mred\x1b[0m\x07 bell",
    "two\nlines\r\n\tand a tab",
    "C1 \u{9b}31m, \u{202e}backwards",
    "NULL",
    "",
];

async fn query(sql: &str) -> (SchemaRef, Rows) {
    let frame = SessionContext::new().sql(sql).await.unwrap();
    let schema = frame.schema().inner().clone();
    (schema, Rows::from(frame.collect().await.unwrap()))
}

fn texts() -> (SchemaRef, Rows) {
    let numbers = Int64Array::from_iter_values(1..=TEXTS.len() as i64);
    let texts = StringArray::from_iter_values(TEXTS);
    rows(vec![("n", Arc::new(numbers) as ArrayRef), ("text", Arc::new(texts))])
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> (SchemaRef, Rows) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let batch = batch.unwrap();
    (batch.schema(), Rows::from(vec![batch]))
}

/// So many columns called `column_1` and so on, of numbers, texts and numbers again.
fn wide(columns: usize) -> (SchemaRef, Rows) {
    let names: Vec<String> = (1..=columns).map(|number| format!("column_{number}")).collect();
    let values = (1..=columns).map(|number| match number % 3 {
        0 => Arc::new(StringArray::from(vec![format!("text of column {number}")])) as ArrayRef,
        _ => Arc::new(Int64Array::from(vec![number as i64 * 1000])),
    });
    rows(names.iter().map(String::as_str).zip(values).collect())
}

fn terminal(columns: usize) -> Style {
    let style = Style::for_terminal(Format::Automatic, TerminalSize { rows: 24, columns });
    Style { color: false, ..style }
}

fn printed(style: &Style, (schema, rows): &(SchemaRef, Rows)) -> String {
    String::from_utf8(render(style, &FormatConfig::default(), schema, rows).unwrap()).unwrap()
}

#[tokio::test]
async fn plain_tables_hold_everything() {
    assert_snapshot!(printed(&Style::plain(Format::Automatic), &query(KINDS).await), @"
    +------+-------+------+------------+-------+-------+--------+-------------------------+
    |    n | text  |    f | day        | flag  | price | list   | at                      |
    +------+-------+------+------------+-------+-------+--------+-------------------------+
    |    1 | plain |  1.5 | 2024-01-31 | true  | 12.50 | [1, 2] | 2024-01-31T23:59:59.500 |
    |  -20 |       |  NaN | NULL       | NULL  | -0.05 | NULL   | NULL                    |
    | NULL | NULL  | NULL | 0001-01-01 | false |  NULL | [NULL] | 1969-12-31T00:00:00     |
    +------+-------+------+------------+-------+-------+--------+-------------------------+
    ");
    assert_snapshot!(printed(&Style::plain(Format::Table), &texts()), @r"
    +---+---------------------------------+
    | n | text                            |
    +---+---------------------------------+
    | 1 | 日本語のとても長いテキスト      |
    | 2 | 👩‍👩‍👧 family, 🇩🇪 flag, ❤️ heart    |
    | 3 | étude, näive                    |
    | 4 | \x1b[31mred\x1b[0m\x07 bell     |
    | 5 | two\nlines\r\n\tand a tab       |
    | 6 | C1 \u{9b}31m, \u{202e}backwards |
    | 7 | NULL                            |
    | 8 |                                 |
    +---+---------------------------------+
    ");
    let many = query("SELECT value AS n FROM generate_series(1, 5000)").await;
    assert_eq!(printed(&Style::plain(Format::Automatic), &many).lines().count(), 5004);
    assert_eq!(printed(&Style::plain(Format::Automatic), &wide(1000)).lines().count(), 5);
}

#[tokio::test]
async fn tables_fit_the_terminal() {
    let kinds = query(KINDS).await;
    assert_snapshot!(printed(&terminal(200), &kinds), @"
    ┌────────┬─────────┬────────┬────────────┬─────────┬──────────────┬──────────┬─────────────────────────┐
    │      n │ text    │      f │ day        │ flag    │        price │ list     │ at                      │
    │ bigint │ varchar │ double │ date       │ boolean │ decimal(8,2) │ bigint[] │ timestamp               │
    ├────────┼─────────┼────────┼────────────┼─────────┼──────────────┼──────────┼─────────────────────────┤
    │      1 │ plain   │    1.5 │ 2024-01-31 │ true    │        12.50 │ [1, 2]   │ 2024-01-31T23:59:59.500 │
    │    -20 │         │    NaN │ NULL       │ NULL    │        -0.05 │ NULL     │ NULL                    │
    │   NULL │ NULL    │   NULL │ 0001-01-01 │ false   │         NULL │ [NULL]   │ 1969-12-31T00:00:00     │
    └────────┴─────────┴────────┴────────────┴─────────┴──────────────┴──────────┴─────────────────────────┘
    ");
    assert_snapshot!(printed(&terminal(80), &kinds), @"
    ┌────────┬─────────┬────────┬───┬──────────┬─────────────────────────┐
    │      n │ text    │      f │ … │ list     │ at                      │
    │ bigint │ varchar │ double │ … │ bigint[] │ timestamp               │
    ├────────┼─────────┼────────┼───┼──────────┼─────────────────────────┤
    │      1 │ plain   │    1.5 │ … │ [1, 2]   │ 2024-01-31T23:59:59.500 │
    │    -20 │         │    NaN │ … │ NULL     │ NULL                    │
    │   NULL │ NULL    │   NULL │ … │ [NULL]   │ 1969-12-31T00:00:00     │
    └────────┴─────────┴────────┴───┴──────────┴─────────────────────────┘
    5 of 8 columns shown
    ");
    assert_snapshot!(printed(&terminal(40), &kinds), @"
    ┌────────┬───┬─────────────────────────┐
    │      n │ … │ at                      │
    │ bigint │ … │ timestamp               │
    ├────────┼───┼─────────────────────────┤
    │      1 │ … │ 2024-01-31T23:59:59.500 │
    │    -20 │ … │ NULL                    │
    │   NULL │ … │ 1969-12-31T00:00:00     │
    └────────┴───┴─────────────────────────┘
    2 of 8 columns shown
    ");
    assert_snapshot!(printed(&terminal(20), &kinds), @"
    ┌────────┬───┐
    │      n │ … │
    │ bigint │ … │
    ├────────┼───┤
    │      1 │ … │
    │    -20 │ … │
    │   NULL │ … │
    └────────┴───┘
    1 of 8 columns shown
    ");
}

#[test]
fn odd_texts_in_terminals() {
    assert_snapshot!(printed(&terminal(80), &texts()), @r"
    ┌────────┬─────────────────────────────────┐
    │      n │ text                            │
    │ bigint │ varchar                         │
    ├────────┼─────────────────────────────────┤
    │      1 │ 日本語のとても長いテキスト      │
    │      2 │ 👩‍👩‍👧 family, 🇩🇪 flag, ❤️ heart    │
    │      3 │ étude, näive                    │
    │      4 │ \x1b[31mred\x1b[0m\x07 bell     │
    │      5 │ two\nlines\r\n\tand a tab       │
    │      6 │ C1 \u{9b}31m, \u{202e}backwards │
    │      7 │ NULL                            │
    │      8 │                                 │
    └────────┴─────────────────────────────────┘
    ");
    assert_snapshot!(printed(&terminal(30), &texts()), @r"
    ┌────────┬───────────────────┐
    │      n │ text              │
    │ bigint │ varchar           │
    ├────────┼───────────────────┤
    │      1 │ 日本語のとても長… │
    │      2 │ 👩‍👩‍👧 family, 🇩🇪 fl… │
    │      3 │ étude, näive      │
    │      4 │ \x1b[31mred\x1b[… │
    │      5 │ two\nlines\r\n\t… │
    │      6 │ C1 \u{9b}31m, \u… │
    │      7 │ NULL              │
    │      8 │                   │
    └────────┴───────────────────┘
    ");
    // A locale without UTF-8 says nothing about the data.
    assert_snapshot!(printed(&Style { unicode: false, ..terminal(30) }, &texts()), @r"
    +--------+-------------------+
    |      n | text              |
    | bigint | varchar           |
    +--------+-------------------+
    |      1 | 日本語のとても長~ |
    |      2 | 👩‍👩‍👧 family, 🇩🇪 fl~ |
    |      3 | étude, näive      |
    |      4 | \x1b[31mred\x1b[~ |
    |      5 | two\nlines\r\n\t~ |
    |      6 | C1 \u{9b}31m, \u~ |
    |      7 | NULL              |
    |      8 |                   |
    +--------+-------------------+
    ");
}

#[test]
fn a_thousand_columns() {
    assert_snapshot!(printed(&terminal(80), &wide(1000)), @"
    ┌──────────┬──────────┬─────────────┬───┬────────────┬────────────┬────────────┐
    │ column_1 │ column_2 │ column_3    │ … │ column_998 │ column_999 │ column_10… │
    │   bigint │   bigint │ varchar     │ … │     bigint │ varchar    │     bigint │
    ├──────────┼──────────┼─────────────┼───┼────────────┼────────────┼────────────┤
    │     1000 │     2000 │ text of co… │ … │     998000 │ text of c… │    1000000 │
    └──────────┴──────────┴─────────────┴───┴────────────┴────────────┴────────────┘
    6 of 1,000 columns shown
    ");
    assert_snapshot!(printed(&terminal(40), &wide(12)), @"
    ┌──────────┬──────────┬───┬────────────┐
    │ column_1 │ column_2 │ … │ column_12  │
    │   bigint │   bigint │ … │ varchar    │
    ├──────────┼──────────┼───┼────────────┤
    │     1000 │     2000 │ … │ text of c… │
    └──────────┴──────────┴───┴────────────┘
    3 of 12 columns shown
    ");
    assert_snapshot!(printed(&Style { unicode: false, types: false, ..terminal(20) }, &wide(12)), @"
    +----------+---+
    | column_1 | ~ |
    +----------+---+
    |     1000 | ~ |
    +----------+---+
    1 of 12 columns sho~
    ");
}

#[tokio::test]
async fn middle_rows_are_left_out() {
    let many = query("SELECT value AS n, 'text number ' || value AS t FROM generate_series(1, 6000)").await;
    let short = Style { rows_max: Some(5), ..terminal(80) };
    assert_snapshot!(printed(&short, &many), @"
    ┌────────┬──────────────────┐
    │      n │ t                │
    │ bigint │ varchar          │
    ├────────┼──────────────────┤
    │      1 │ text number 1    │
    │      2 │ text number 2    │
    │      3 │ text number 3    │
    │ … 5,995 rows not shown …  │
    │   5999 │ text number 5999 │
    │   6000 │ text number 6000 │
    └────────┴──────────────────┘
    ");
    let one = query("SELECT value AS n FROM generate_series(1, 6000)").await;
    assert_snapshot!(printed(&Style { rows_max: Some(4), ..terminal(80) }, &one), @"
    ┌────────┐
    │      n │
    │ bigint │
    ├────────┤
    │      1 │
    │      2 │
    │   …    │
    │   5999 │
    │   6000 │
    └────────┘
    5,996 rows not shown
    ");
    assert_snapshot!(printed(&Style { rows_max: Some(0), types: false, ..terminal(80) }, &many), @"
    ┌───┬───┐
    │ n │ t │
    ├───┼───┤
    │   …   │
    └───┴───┘
    6,000 rows not shown
    ");
    assert_snapshot!(printed(&Style { expanded: true, rows_max: Some(2), ..terminal(80) }, &many), @"
    ─[ RECORD 1 ]───────
    n │ 1
    t │ text number 1
    … 5,998 rows not shown …
    ─[ RECORD 6000 ]────
    n │ 6000
    t │ text number 6000
    ");
    let six = query("SELECT value AS n FROM generate_series(1, 6)").await;
    assert!(!printed(&Style { rows_max: Some(6), ..terminal(80) }, &six).contains('…'));
}

#[tokio::test]
async fn borders() {
    let few = query("SELECT * FROM (VALUES (1, 'one'), (20, NULL)) AS t(number, name)").await;
    let mut style = terminal(80);
    style.border = Border::Inside;
    assert_snapshot!(printed(&style, &few), @"
     number │ name
     bigint │ varchar
    ────────┼─────────
          1 │ one
         20 │ NULL
    ");
    style.unicode = false;
    assert_snapshot!(printed(&style, &few), @"
     number | name
     bigint | varchar
    --------+---------
          1 | one
         20 | NULL
    ");
    style.border = Border::None;
    style.rows_max = Some(1);
    assert_snapshot!(printed(&style, &few), @"
    number name
    bigint varchar
    ------ -------
         1 one
      ... 1 ...
    ");
}

#[tokio::test]
async fn records() {
    assert_snapshot!(printed(&Style::plain(Format::Vertical), &query(KINDS).await), @"
    -[ RECORD 1 ]------------------
    n     | 1
    text  | plain
    f     | 1.5
    day   | 2024-01-31
    flag  | true
    price | 12.50
    list  | [1, 2]
    at    | 2024-01-31T23:59:59.500
    -[ RECORD 2 ]------------------
    n     | -20
    text  |
    f     | NaN
    day   | NULL
    flag  | NULL
    price | -0.05
    list  | NULL
    at    | NULL
    -[ RECORD 3 ]------------------
    n     | NULL
    text  | NULL
    f     | NULL
    day   | 0001-01-01
    flag  | false
    price | NULL
    list  | [NULL]
    at    | 1969-12-31T00:00:00
    ");
    assert_snapshot!(printed(&Style { expanded: true, ..terminal(20) }, &texts()), @r"
    ─[ RECORD 1 ]───────
    n    │ 1
    text │ 日本語のとて
         │ も長いテキス
         │ ト
    ─[ RECORD 2 ]───────
    n    │ 2
    text │ 👩‍👩‍👧 family, 🇩🇪
         │  flag, ❤️ hea
         │ rt
    ─[ RECORD 3 ]───────
    n    │ 3
    text │ étude, näive
    ─[ RECORD 4 ]───────
    n    │ 4
    text │ \x1b[31mred\x
         │ 1b[0m\x07 bel
         │ l
    ─[ RECORD 5 ]───────
    n    │ 5
    text │ two\nlines\r\
         │ n\tand a tab
    ─[ RECORD 6 ]───────
    n    │ 6
    text │ C1 \u{9b}31m,
         │  \u{202e}back
         │ wards
    ─[ RECORD 7 ]───────
    n    │ 7
    text │ NULL
    ─[ RECORD 8 ]───────
    n    │ 8
    text │
    ");
    let long = query("SELECT 1 AS a_very_long_name_of_a_column, repeat('abc ', 12) AS t").await;
    assert_snapshot!(printed(&Style { expanded: true, ..terminal(30) }, &long), @"
    ─[ RECORD 1 ]─────────────────
    a_very_long_na… │ 1
    t               │ abc abc abc
                    │ abc abc abc
                    │ abc abc abc
                    │ abc abc abc
    ");
    let style = Style { expanded: true, border: Border::None, ..Style::plain(Format::Table) };
    assert_snapshot!(printed(&style, &long), @"
    -[ RECORD 1 ]----------------------------------------------------------------
    a_very_long_name_of_a_column 1
    t                            abc abc abc abc abc abc abc abc abc abc abc abc
    ");
}

#[tokio::test]
async fn colors() {
    let style = Style { color: true, ..terminal(40) };
    let nulls = query("SELECT NULL::int AS n, 'NULL' AS text, '' AS empty").await;
    assert_snapshot!(printed(&style, &nulls).replace('\x1b', "^["), @"
    ┌──────┬─────────┬─────────┐
    │    ^[[1mn^[[0m │ ^[[1mtext^[[0m    │ ^[[1mempty^[[0m   │
    │  ^[[2mint^[[0m │ ^[[2mvarchar^[[0m │ ^[[2mvarchar^[[0m │
    ├──────┼─────────┼─────────┤
    │ ^[[2mNULL^[[0m │ NULL    │         │
    └──────┴─────────┴─────────┘
    ");
    let style = Style { expanded: true, ..style };
    assert_snapshot!(printed(&style, &nulls).replace('\x1b', "^["), @"
    ─[ RECORD 1 ]
    ^[[1mn^[[0m     │ ^[[2mNULL^[[0m
    ^[[1mtext^[[0m  │ NULL
    ^[[1mempty^[[0m │
    ");
}

#[tokio::test]
async fn results_without_rows_or_columns() {
    let empty = query("SELECT 1 AS a, 'x' AS b WHERE false").await;
    assert_snapshot!(printed(&terminal(80), &empty), @"
    ┌────────┬─────────┐
    │      a │ b       │
    │ bigint │ varchar │
    ├────────┼─────────┤
    └────────┴─────────┘
    ");
    assert_snapshot!(printed(&Style::plain(Format::Html), &empty), @r#"
    <table>
    <thead>
    <tr><th align="right">a</th><th>b</th></tr>
    </thead>
    <tbody>
    </tbody>
    </table>
    "#);
    for format in [Format::Vertical, Format::Insert, Format::Ndjson] {
        assert_eq!(printed(&Style::plain(format), &empty), "");
    }
    // As a stream without a single batch.
    let empty = (empty.0, Rows::default());
    assert_eq!(printed(&Style::plain(Format::Csv), &empty), "a,b\n");
    let nothing = (Arc::new(Schema::empty()), Rows::default());
    for format in [Format::Automatic, Format::Csv, Format::Json, Format::Html, Format::Vertical] {
        assert_eq!(printed(&Style::plain(format), &nothing), "");
    }
}

#[tokio::test]
async fn pages() {
    let mixed =
        query("SELECT '<a & \"b\">' || chr(10) || '|' || chr(27) AS text, 1 AS n, NULL AS nothing").await;
    assert_snapshot!(printed(&Style::plain(Format::Html), &mixed), @r#"
    <table>
    <thead>
    <tr><th>text</th><th align="right">n</th><th>nothing</th></tr>
    </thead>
    <tbody>
    <tr><td>&lt;a &amp; &quot;b&quot;&gt;<br>|\x1b</td><td align="right">1</td><td><i>NULL</i></td></tr>
    </tbody>
    </table>
    "#);
    assert_snapshot!(printed(&Style::plain(Format::Markdown), &mixed), @r#"
    | text | n | nothing |
    | --- | ---: | --- |
    | <a & "b"><br>\|\x1b | 1 | NULL |
    "#);
    let style = Style { null: Some("-".to_owned()), ..Style::plain(Format::Markdown) };
    assert_snapshot!(printed(&style, &mixed), @r#"
    | text | n | nothing |
    | --- | ---: | --- |
    | <a & "b"><br>\|\x1b | 1 | - |
    "#);
}

#[tokio::test]
async fn programs_get_every_byte() {
    let odd = query("SELECT chr(27) || '[31m' || chr(10) || '\"' AS a, 'x' AS b").await;
    // What makes others easier to read changes nothing.
    let style = |format| Style { format, rows_max: Some(0), null: Some("-".to_owned()), ..terminal(10) };
    assert_eq!(printed(&style(Format::Csv), &odd), "a,b\n\"\x1b[31m\n\"\"\",x\n");
    assert_eq!(printed(&style(Format::Tsv), &odd), "a\tb\n\"\x1b[31m\n\"\"\"\tx\n");
    assert_eq!(printed(&style(Format::Ndjson), &odd), "{\"a\":\"\\u001b[31m\\n\\\"\",\"b\":\"x\"}\n");
    assert_eq!(
        printed(&style(Format::Insert), &odd),
        "INSERT INTO result (a, b) VALUES ('\x1b[31m\n\"', 'x');\n"
    );
}

#[tokio::test]
async fn rows_that_were_dropped_are_not_passed_over() {
    let (schema, all) = query("SELECT value FROM generate_series(1, 100)").await;
    let style = Style { rows_max: Some(4), ..terminal(80) };
    assert_eq!(style.keep(&schema), Keep::Ends(2));
    let mut ends = Rows::default();
    for batch in all.batches() {
        for at in 0..batch.num_rows() {
            ends.push(batch.slice(at, 1), style.keep(&schema));
        }
    }
    let ends = (schema, ends);
    assert!(printed(&style, &ends).contains("… 96 …"));
    assert!(printed(&Style { rows_max: None, ..style.clone() }, &ends).contains("… 96 …"));
    let csv = Style { format: Format::Csv, ..style };
    assert_eq!(csv.keep(&ends.0), Keep::All);
    let error = render(&csv, &FormatConfig::default(), &ends.0, &ends.1).unwrap_err();
    assert!(error.to_string().contains("96 rows of the result were not kept"), "{error}");
}

#[tokio::test]
async fn settings_of_the_session() {
    let config = FormatConfig {
        null: "nil".to_owned(),
        date_format: Some("%d.%m.%Y".to_owned()),
        types_info: true,
        ..FormatConfig::default()
    };
    let (schema, rows) = query("SELECT DATE '2024-01-31' AS day, NULL AS nothing").await;
    let with = |style: &Style| String::from_utf8(render(style, &config, &schema, &rows).unwrap()).unwrap();
    assert_snapshot!(with(&Style::plain(Format::Table)), @"
    +------------+---------+
    | day        | nothing |
    | date       | null    |
    +------------+---------+
    | 31.01.2024 | nil     |
    +------------+---------+
    ");
    // What was chosen for the prompt is nearer.
    let style = Style { null: Some(String::new()), ..Style::plain(Format::Vertical) };
    assert_snapshot!(with(&style), @"
    -[ RECORD 1 ]-------
    day     | 31.01.2024
    nothing |
    ");
    assert_eq!(
        with(&Style::plain(Format::Insert)),
        "INSERT INTO result (day, nothing) VALUES (DATE '2024-01-31', NULL);\n"
    );
}

#[tokio::test]
async fn plans_are_text() {
    let plan =
        query("EXPLAIN FORMAT INDENT SELECT 'a long text that no terminal of forty columns shows' AS t")
            .await;
    assert_eq!(terminal(40).keep(&plan.0), Keep::All);
    assert_snapshot!(printed(&terminal(40), &plan), @r#"
    logical_plan
      Projection: Utf8("a long text that no terminal of forty columns shows") AS t
        EmptyRelation: rows=1
    physical_plan
      ProjectionExec: expr=[a long text that no terminal of forty columns shows as t]
        PlaceholderRowExec
    "#);
    assert!(printed(&Style::plain(Format::Csv), &plan).starts_with("plan_type,plan\n"));
}

/// Rows go through their INSERT statements and are the same.
#[tokio::test]
async fn inserted_rows_are_the_same() {
    let context = SessionContext::new();
    let kinds = "SELECT * FROM (VALUES
        (1, arrow_cast(-128, 'Int8'), arrow_cast(18446744073709551615, 'UInt64'), 0.1 + 0.2, arrow_cast(0.1, 'Float32')),
        (-9223372036854775807 - 1, NULL, 0, 1.7976931348623157e308, arrow_cast(16777216, 'Float32')),
        (NULL, 127, NULL, -1e-300, 'NaN'::float), (0, 0, 1, '-inf'::double, 'inf'::float)
    ) AS t(i, tiny, big, f, \"Single\")";
    let texts = "SELECT * FROM (VALUES
        ('it''s', X'00ff27', true, DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56.123456789', TIME '23:59:59.5'),
        ('a\\n;' || chr(10) || '\"', X'', false, DATE '0001-01-01', TIMESTAMP '1969-12-31 23:59:59.9', TIME '00:00:00'),
        ('', NULL, NULL, NULL, NULL, NULL)
    ) AS t(text, \"select\", \"two words\", \"Day\", \"a\"\"b\", time)";
    let typed = "SELECT arrow_cast('12345678901234567890.123456789', 'Decimal128(38, 9)') AS d,
        arrow_cast('99999999999999999999999999999999999999999999999.9', 'Decimal256(76, 1)') AS e,
        arrow_cast(TIMESTAMP '2024-06-01 12:00:00.25', 'Timestamp(Millisecond, Some(\"+02:00\"))') AS zoned,
        arrow_cast('red', 'Dictionary(Int32, Utf8)') AS color, INTERVAL '14 months -3 days 5.5 seconds' AS span,
        arrow_cast(DATE '2024-01-01', 'Date64') AS date64, NULL AS nothing, '日' AS \"日\"";
    for (number, sql) in [kinds, texts, typed].into_iter().enumerate() {
        let name = format!("Table {number}");
        let created = format!("CREATE TABLE \"{name}\" AS SELECT * FROM ({sql}) WHERE false");
        context.sql(&created).await.unwrap().collect().await.unwrap();
        let result = query(sql).await;
        let style = Style { insert_table: name.clone(), ..Style::plain(Format::Insert) };
        let statements = printed(&style, &result);
        for statement in statements.split_inclusive(");\n") {
            let inserted = context.sql(statement).await;
            inserted.unwrap_or_else(|error| panic!("{statement}{error}")).collect().await.unwrap();
        }
        let table = context.table(datafusion::common::TableReference::bare(name)).await.unwrap();
        let table = Rows::from(table.collect().await.unwrap());
        let records = |rows: &Rows| {
            let style = Style::plain(Format::Vertical);
            render(&style, &FormatConfig::default(), &result.0, rows)
                .map(|text| String::from_utf8(text).unwrap())
        };
        assert_eq!(records(&table).unwrap(), records(&result.1).unwrap(), "{statements}");
    }
}

/// Of texts that are hard to print.
const PIECES: &str = "a|word |日|👩‍👩‍👧|🇩🇪|❤️|e\u{301}|\u{301}|\x1b[2J|\n|\u{202e}|한|\u{200d}|ﷺ|👍🏽";

fn random_text(random: &mut Random) -> String {
    let pieces: Vec<&str> = PIECES.split('|').collect();
    (0..random.below(12)).map(|_| *random.pick(&pieces)).collect()
}

fn random_result(random: &mut Random) -> (SchemaRef, Rows) {
    let row_count = random.below(8);
    let mut columns = Vec::new();
    for _ in 0..1 + random.below(12) {
        let column: ArrayRef = if random.one_in(2) {
            let texts = (0..row_count).map(|_| Some(random_text(random)).filter(|text| text.len() % 5 > 0));
            Arc::new(StringArray::from_iter(texts))
        } else {
            Arc::new(Int64Array::from_iter((0..row_count).map(|_| Some(1i64 << random.below(63)))))
        };
        columns.push((random_text(random), column));
    }
    rows(columns.iter().map(|(name, column)| (name.as_str(), Arc::clone(column))).collect())
}

#[test]
fn no_line_is_wider_than_the_terminal_and_none_commands_it() {
    let mut random = Random::new(4);
    for _ in 0..500 {
        let result = random_result(&mut random);
        let style = Style {
            expanded: random.below(3) == 0,
            border: [Border::None, Border::Inside, Border::Full][random.below(3)],
            rows_max: [None, Some(0), Some(3)][random.below(3)],
            types: random.below(2) == 0,
            unicode: random.below(2) == 0,
            ..terminal(10 + random.below(90))
        };
        let width = style.width().unwrap();
        for line in printed(&style, &result).lines() {
            assert!(console::measure_text_width(line) <= width, "{style:?}\n{line}");
            assert!(line.chars().all(crate::visible::is_visible), "{line:?}");
        }
        // Colour adds no width.
        let colored = printed(&Style { color: true, ..style.clone() }, &result);
        assert_eq!(
            console::strip_ansi_codes(&colored).lines().count(),
            printed(&style, &result).lines().count()
        );
        assert!(
            colored.lines().all(|line| console::measure_text_width(line) <= width),
            "{style:?}\n{colored}"
        );
    }
}
