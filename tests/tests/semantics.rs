//! How CSV is read: one test for each claim that the compiler relies on, against the reader alone, and then against every
//! machine.

use engine::session::Session;
use weir_tests::answer::{Answer, run};
use weir_tests::configuration::{OFF, available};

/// A small file with a declared schema.
struct File {
    columns: &'static str,
    options: &'static str,
    bytes: Vec<u8>,
}

/// Columns as in CREATE TABLE, and a file without a header.
fn file(columns: &'static str, bytes: impl AsRef<[u8]>) -> File {
    File { columns, options: "'format.has_header' 'false'", bytes: bytes.as_ref().to_vec() }
}

impl File {
    /// All options, as in CREATE EXTERNAL TABLE.
    fn options(self, options: &'static str) -> File {
        File { options, ..self }
    }

    /// What a query on the table `t` gives in every configuration: rows as text, sorted, or the error.
    async fn query(&self, sql: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("t.csv");
        std::fs::write(&path, &self.bytes).expect("a file can be written");
        let create = format!(
            "CREATE EXTERNAL TABLE t ({}) STORED AS CSV LOCATION '{}' OPTIONS ({})",
            self.columns,
            path.display(),
            self.options
        );
        let off = answer(&OFF.session(1), &create, sql).await;
        for configuration in available("semantics") {
            let pushed = answer(&configuration.permissive().session(1), &create, sql).await;
            assert_eq!(pushed, off, "{sql} in {}", configuration.label);
        }
        match off {
            Answer::Rows { rows, .. } => Ok(rows.iter().map(|row| row.join("|")).collect()),
            Answer::Error(error) => Err(error),
        }
    }

    /// The query gives these rows; NULL is shown as `␀`.
    async fn gives(&self, sql: &str, rows: &[&str]) {
        assert_eq!(self.query(sql).await, Ok(rows.iter().map(|row| (*row).to_owned()).collect()), "{sql}");
    }

    /// The query fails with a message that contains this.
    async fn fails(&self, sql: &str, message: &str) {
        let error = self.query(sql).await.expect_err(sql);
        assert!(error.contains(message), "{sql}: {error}");
    }
}

async fn answer(session: &Session, create: &str, sql: &str) -> Answer {
    session.context().sql(create).await.unwrap_or_else(|error| panic!("{create}: {error}"));
    run(session.context(), sql).await.answer
}

const ALL_TYPES: &str =
    "k INT, a BIGINT, b SMALLINT UNSIGNED, c DOUBLE, d DECIMAL(10,2), e DATE, f BOOLEAN, g VARCHAR";

#[tokio::test]
async fn an_empty_field_is_null_for_every_type_also_in_quotes() {
    let file =
        file(ALL_TYPES, "1,,,,,,,\n2,\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n3,4,4,4,4,2020-01-01,true,4\n");
    let nulls =
        "a IS NULL AND b IS NULL AND c IS NULL AND d IS NULL AND e IS NULL AND f IS NULL AND g IS NULL";
    file.gives(&format!("SELECT k FROM t WHERE {nulls}"), &["1", "2"]).await;
    file.gives(
        "SELECT count(*), count(a), count(c), count(d), count(e), count(f), count(g) FROM t",
        &["3|1|1|1|1|1|1"],
    )
    .await;
    file.gives("SELECT k FROM t WHERE g = ''", &[]).await;
    file.gives("SELECT g, count(*) FROM t GROUP BY g", &["4|1", "␀|2"]).await;
}

#[tokio::test]
async fn an_empty_field_of_a_column_that_is_not_null_is_an_error() {
    let file = file("a INT NOT NULL, b INT", "1,2\n,3\n");
    file.fails("SELECT sum(a) FROM t", "Column 'a' is declared as non-nullable but contains null values")
        .await;
    file.fails(
        "SELECT b FROM t WHERE a = 1",
        "Column 'a' is declared as non-nullable but contains null values",
    )
    .await;
    file.gives("SELECT sum(b) FROM t", &["5"]).await;
}

#[tokio::test]
async fn another_number_of_fields_is_an_error_in_any_record() {
    for (text, message) in [
        ("1,2\n3\n", "line 2: 1 field where the file has 2 columns"),
        ("1,2\n3,4\n\n5,6,7\n", "line 4: 3 fields where the file has 2 columns"),
    ] {
        let file = file("a INT, b INT", text);
        for sql in [
            "SELECT count(*) FROM t",
            "SELECT a FROM t WHERE a = 1",
            "SELECT sum(b) FROM t WHERE false OR a < 0",
        ] {
            file.fails(sql, message).await;
        }
    }
    let mended = "'format.has_header' 'false', 'format.on_error' 'null'";
    let file = file("a INT, b INT", "1,2\n3\n4,5,6\n").options(mended);
    file.gives("SELECT a, b FROM t WHERE a > 0", &["1|2", "3|␀", "4|5"]).await;
}

#[tokio::test]
async fn invalid_utf8_is_an_error_in_any_column() {
    let declared = "'format.has_header' 'false', 'format.encoding' 'utf-8'";
    let bytes = b"1,x\n2,\xff\n";
    let file = file("a INT, b VARCHAR", bytes).options(declared);
    for sql in ["SELECT count(*) FROM t", "SELECT sum(a) FROM t", "SELECT a FROM t WHERE a = 1"] {
        file.fails(sql, "line 2: these bytes are not UTF-8").await;
    }
}

#[tokio::test]
async fn a_value_that_does_not_parse_is_an_error_if_its_column_is_read() {
    let file = file("a INT, b INT, c INT", "1,2,3\n4,x,6\n7,8,9\n");
    for sql in [
        "SELECT sum(b) FROM t WHERE a = 1",
        "SELECT a, b FROM t WHERE a > 5",
        "SELECT a FROM t WHERE a = 1 AND b = 2",
    ] {
        file.fails(sql, "line 2, column 'b': 'x' is not INT").await;
    }
    file.gives("SELECT sum(a) FROM t WHERE c > 3", &["11"]).await;
    file.gives("SELECT count(*) FROM t", &["3"]).await;
}

#[tokio::test]
async fn cr_lf_and_crlf_end_a_record_and_blank_lines_are_none() {
    let file = file("a INT, b VARCHAR", "1,x\n2,y\r3,z\r\n\n\r\n\r4,u\r\r5,v\n\n\n");
    file.gives("SELECT a, b FROM t WHERE a > 0", &["1|x", "2|y", "3|z", "4|u", "5|v"]).await;
    file.gives("SELECT count(*) FROM t", &["5"]).await;
}

#[tokio::test]
async fn a_line_of_spaces_or_empty_quotes_is_a_record() {
    let file = file("a VARCHAR", "x\n \n\"\"\n\ny");
    file.gives("SELECT count(*), count(a) FROM t", &["5|3"]).await;
    file.gives("SELECT count(*) FROM t WHERE a = ' '", &["1"]).await;
}

#[tokio::test]
async fn a_byte_order_mark_is_stripped_at_the_beginning_only() {
    let file = file("a VARCHAR", "\u{feff}x\n\u{feff}x\n");
    file.gives("SELECT count(*) FROM t WHERE a = 'x'", &["1"]).await;
    file.gives("SELECT count(*) FROM t WHERE a = '\u{feff}x'", &["1"]).await;
    let file = self::file("a INT", "\u{feff}name\n1\n2\n").options("'format.has_header' 'true'");
    file.gives("SELECT sum(a) FROM t", &["3"]).await;
}

#[tokio::test]
async fn a_quote_counts_at_the_start_of_a_field_only() {
    let file = file(
        "k INT, a VARCHAR, b VARCHAR",
        "1,x\"y,z\n2, \"x,y\"\n3,\"x\"\"y\",z\n4,\"x\"y,z\n5,\"x\" ,z\n6,\"\"x,z\n",
    )
    .options(
        "'format.has_header' 'false', 'format.delimiter' ',', 'format.quote' '\"', 'format.trim' 'false'",
    );
    // What has text behind a closing quote keeps its own bytes.
    let rows = ["1|x\"y|z", "2| \"x|y\"", "3|x\"y|z", "4|\"x\"y|z", "5|\"x\" |z", "6|\"\"x|z"];
    file.gives("SELECT * FROM t WHERE k > 0", &rows).await;
}

#[tokio::test]
async fn quotes_hold_delimiters_and_line_ends() {
    let options = "'format.has_header' 'false', 'format.newlines_in_values' 'true'";
    let file =
        file("k INT, a VARCHAR", "1,\"a,b\"\n2,\"a\nb\"\n3,\"a\r\n\r\nb\"\r\n4,\"\n\"").options(options);
    file.gives("SELECT k, length(a) FROM t WHERE k > 0", &["1|3", "2|3", "3|6", "4|1"]).await;
    file.gives("SELECT k FROM t WHERE a = 'a\nb'", &["2"]).await;
}

#[tokio::test]
async fn a_quote_that_stays_open_is_an_error() {
    let options = "'format.has_header' 'false', 'format.quote' '\"'";
    let file = file("k INT, a VARCHAR", "1,x\n2,\"y\n3,z\n").options(options);
    let error = "the quote that opens in line 2 is never closed";
    file.fails("SELECT k, length(a) FROM t WHERE k > 0", error).await;
}

#[tokio::test]
async fn an_escape_makes_the_next_byte_literal_in_quotes() {
    let options = "'format.has_header' 'false', 'format.escape' '\\'";
    let file = file("k INT, a VARCHAR", "1,\"a\\\"b\"\n2,a\\b\n3,\"a\\\\b\"\n4,\"a\"\"b\"\n5,\"\\n\"\n")
        .options(options);
    file.gives("SELECT * FROM t WHERE k > 0", &["1|a\"b", "2|a\\b", "3|a\\b", "4|a\"b", "5|n"]).await;
}

#[tokio::test]
async fn a_header_is_one_record_whatever_it_says() {
    let options = "'format.has_header' 'true'";
    let file = file("a INT, b INT", "\n\n\"x\ny\",z\n1,2\n").options(options);
    file.gives("SELECT a, b FROM t WHERE a > 0", &["1|2"]).await;
    for text in ["", "a,b", "a,b\n", "\n", "\r\n\r\n"] {
        let file = self::file("a INT, b INT", text).options(options);
        file.gives("SELECT count(*), sum(a) FROM t", &["0|␀"]).await;
        file.gives("SELECT b FROM t WHERE a > 0", &[]).await;
    }
}

/// Each text alone in a file, and what the column holds, or none if that is an error.
async fn reads(ty: &'static str, texts: &[(&str, Option<&str>)]) {
    for (text, value) in texts {
        let file = file(ty, format!("{text}\n{text}\n"));
        let found = file.query("SELECT max(a) FROM t WHERE a IS NOT NULL").await;
        match value {
            Some(value) => assert_eq!(found, Ok(vec![(*value).to_owned()]), "{ty}: {text:?}"),
            None => assert!(found.is_err(), "{ty}: {text:?} gives {found:?}"),
        }
    }
}

#[tokio::test]
async fn integers_have_digits_and_a_sign() {
    reads(
        "a INT",
        &[
            ("5", Some("5")),
            ("-5", Some("-5")),
            ("+5", Some("5")),
            ("-0", Some("0")),
            ("007", Some("7")),
            ("\"5\"", Some("5")),
            ("0000000000000000000000012", Some("12")),
            ("2147483647", Some("2147483647")),
            ("-2147483648", Some("-2147483648")),
            ("2147483648", None),
            (" 5", Some("5")),
            ("5 ", Some("5")),
            ("5.0", None),
            ("5e1", None),
            ("0x5", None),
            ("--5", None),
            ("-", None),
            ("1_000", None),
        ],
    )
    .await;
    reads(
        "a TINYINT UNSIGNED",
        &[("255", Some("255")), ("256", None), ("-1", None), ("-0", Some("0")), ("+1", Some("1"))],
    )
    .await;
    reads(
        "a BIGINT",
        &[("-9223372036854775808", Some("-9223372036854775808")), ("9223372036854775808", None)],
    )
    .await;
}

#[tokio::test]
async fn floats_have_many_forms() {
    reads(
        "a DOUBLE",
        &[
            ("1.5", Some("1.5")),
            ("+1.5", Some("1.5")),
            ("1e3", Some("1000.0")),
            ("1E-3", Some("0.001")),
            (".5", Some("0.5")),
            ("5.", Some("5.0")),
            ("-0", Some("-0.0")),
            ("0.1234567890123456789", Some("0.12345678901234568")),
            ("1e400", Some("inf")),
            ("inf", Some("inf")),
            ("-Infinity", Some("-inf")),
            ("nan", Some("NaN")),
            (" 1", Some("1.0")),
            ("1e", None),
            (".", None),
            ("-", None),
            ("0x10", None),
            // A decimal comma, since there is no other field.
            ("1,5", Some("1.5")),
        ],
    )
    .await;
}

#[tokio::test]
async fn decimals_are_rounded_to_their_scale() {
    reads(
        "a DECIMAL(6,2)",
        &[
            ("1", Some("1.00")),
            ("1.5", Some("1.50")),
            ("-0.00", Some("0.00")),
            ("+1.5", Some("1.50")),
            (".5", Some("0.50")),
            ("5.", Some("5.00")),
            ("1e2", Some("100.00")),
            ("0.005", Some("0.01")),
            ("0.019", Some("0.02")),
            ("0.0149", Some("0.01")),
            ("9999.99", Some("9999.99")),
            ("9999.994", Some("9999.99")),
            ("9999.999", None),
            ("10000", None),
            ("1 ", Some("1.00")),
            ("nan", None),
        ],
    )
    .await;
}

#[tokio::test]
async fn dates_and_booleans() {
    reads(
        "a DATE",
        &[
            ("2020-02-29", Some("2020-02-29")),
            ("0001-01-01", Some("0001-01-01")),
            ("9999-12-31", Some("9999-12-31")),
            ("1994-1-1", Some("1994-01-01")),
            ("1994-01-01T10:20:30", Some("1994-01-01")),
            ("2021-02-29", None),
            ("1994-13-01", None),
            ("x", None),
        ],
    )
    .await;
    let is_true = |text: &str| file("a BOOLEAN", format!("{text}\n"));
    for (text, value) in [("true", "1"), ("TRUE", "1"), ("True", "1"), ("false", "0"), ("FALSE", "0")] {
        is_true(text).gives("SELECT count(*) FROM t WHERE a", &[value]).await;
    }
    for text in ["t", "1", "yes", "tru"] {
        is_true(text).fails("SELECT count(*) FROM t WHERE a", "is not BOOLEAN").await;
    }
}

#[tokio::test]
async fn integers_do_not_wrap() {
    let file =
        file("a BIGINT, b BIGINT", "9223372036854775807,1\n9223372036854775807,2\n-9223372036854775807,3\n");
    file.fails("SELECT sum(a) FROM t WHERE b < 3", "sum(t.a) does not fit its type BIGINT").await;
    file.fails("SELECT b, sum(a + b - b) FROM t GROUP BY b", "a + b does not fit its type BIGINT").await;
    // Only the whole sum counts.
    file.gives("SELECT sum(a) FROM t", &["9223372036854775807"]).await;
    file.gives("SELECT sum(a), sum(DISTINCT a), sum(b) FROM t WHERE b > 1", &["0|0|5"]).await;
    file.fails(
        "SELECT b FROM t WHERE a + b < 0",
        "a + b does not fit its type BIGINT (9223372036854775807 + 1)",
    )
    .await;
    file.gives("SELECT b FROM t WHERE a - 1 > 0", &["1", "2"]).await;
    file.fails("SELECT a * 2 FROM t WHERE b = 3", "a * 2 does not fit its type BIGINT").await;
    file.gives("SELECT sum(CAST(a AS DECIMAL(38, 0))) FROM t WHERE b < 3", &["18446744073709551614"]).await;
    let decimals = crate::semantics::file("a DECIMAL(38, 0)", format!("{0}\n{0}\n", "9".repeat(38)));
    decimals.fails("SELECT sum(a) FROM t", "sum(t.a) does not fit its type DECIMAL(38,0)").await;
}

#[tokio::test]
async fn extremes_of_groups_have_one_order() {
    let rows = ["1,nan", "1,1", "2,1", "2,nan", "3,-0", "3,0", "4,0", "4,-0", "5,-inf", "6,inf", "6,nan"];
    let file = file("k INT, x DOUBLE", &(rows.join("\n") + "\n"));
    let expected = ["1|1.0|NaN", "2|1.0|NaN", "3|-0.0|0.0", "4|-0.0|0.0", "5|-inf|-inf", "6|inf|NaN"];
    file.gives("SELECT k, min(x), max(x) FROM t GROUP BY k", &expected).await;
    file.gives("SELECT min(x), max(x) FROM t WHERE k > 2", &["-inf|NaN"]).await;
    file.gives("SELECT max(x) FROM t WHERE k = 5", &["-inf"]).await;
    file.gives("SELECT k, max(x) FROM t GROUP BY k ORDER BY max(x) DESC, k LIMIT 2", &["1|NaN", "2|NaN"])
        .await;
}

#[tokio::test]
async fn nulls_follow_three_valued_logic() {
    let file = file("k INT, a INT, b INT", "1,1,1\n2,1,\n3,,1\n4,,\n5,2,2\n");
    file.gives("SELECT k FROM t WHERE a = 1 AND b = 1", &["1"]).await;
    file.gives("SELECT k FROM t WHERE a = 1 OR b = 1", &["1", "2", "3"]).await;
    file.gives("SELECT k FROM t WHERE NOT (a = 1 AND b = 1)", &["5"]).await;
    file.gives("SELECT k FROM t WHERE NOT (a = 1 OR b = 1)", &["5"]).await;
    file.gives("SELECT k FROM t WHERE a NOT IN (1, NULL)", &[]).await;
    file.gives("SELECT k FROM t WHERE (a = 1) IS NULL", &["3", "4"]).await;
}

#[tokio::test]
async fn floats_compare_as_doubles() {
    let file = file(
        "k INT, a DOUBLE",
        "1,0.1\n2,0.10000000000000001\n3,0.3\n4,0.30000000000000004\n5,-0\n6,0\n7,nan\n",
    );
    file.gives("SELECT k FROM t WHERE a = 0.1", &["1", "2"]).await;
    file.gives("SELECT k FROM t WHERE a > 0.3 AND a < 1", &["4"]).await;
    file.gives("SELECT k FROM t WHERE a = 0.1 + 0.2", &["4"]).await;
    file.gives("SELECT k FROM t WHERE a <= 0", &["5", "6"]).await;
    file.gives("SELECT k FROM t WHERE a > 1e300", &["7"]).await;
}

#[tokio::test]
async fn strings_compare_as_bytes() {
    let file = file("k INT, a VARCHAR", "1,a\n2,A\n3,\"a\"\n4,a \n5,ä\n6,a\u{308}\n");
    file.gives("SELECT k FROM t WHERE a = 'a'", &["1", "3"]).await;
    file.gives("SELECT k FROM t WHERE a = 'ä'", &["5"]).await;
    file.gives("SELECT k FROM t WHERE a <> 'a'", &["2", "4", "5", "6"]).await;
    file.gives("SELECT a, count(*) FROM t WHERE k < 4 GROUP BY a", &["A|1", "a|2"]).await;
}
