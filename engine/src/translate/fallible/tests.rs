//! What is said of expressions, and what DataFusion makes of them on the least, the greatest and the oddest values.

use datafusion::arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch,
    StringArray, UInt16Array,
};
use datafusion::common::{DFSchema, Result};
use datafusion::prelude::SessionContext;

use super::*;

/// Each row holds values of one kind in all columns.
fn extremes() -> RecordBatch {
    let decimals = |values: [Option<i128>; 5], precision, scale| {
        Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap()
    };
    let (narrow, wide) = (10_i128.pow(10) - 1, 10_i128.pow(38) - 1);
    RecordBatch::try_from_iter([
        ("t", Arc::new(Int8Array::from(vec![Some(0), Some(i8::MIN), Some(i8::MAX), Some(1), None])) as _),
        ("u", Arc::new(UInt16Array::from(vec![Some(0), Some(0), Some(u16::MAX), Some(1), None])) as _),
        ("i", Arc::new(Int32Array::from(vec![Some(0), Some(i32::MIN), Some(i32::MAX), Some(1), None])) as _),
        ("b", Arc::new(Int64Array::from(vec![Some(0), Some(i64::MIN), Some(i64::MAX), Some(1), None])) as _),
        (
            "f",
            Arc::new(Float64Array::from(vec![
                Some(0.0),
                Some(f64::MIN),
                Some(f64::INFINITY),
                Some(f64::NAN),
                None,
            ])) as _,
        ),
        ("d", Arc::new(decimals([Some(0), Some(-narrow), Some(narrow), Some(1), None], 10, 2)) as _),
        ("w", Arc::new(decimals([Some(0), Some(-wide), Some(wide), Some(1), None], 38, 0)) as _),
        (
            "s",
            Arc::new(StringArray::from(vec![Some(""), Some("-1"), Some("é"), Some("2024-01-01"), None])) as _,
        ),
        (
            "day",
            Arc::new(Date32Array::from(vec![Some(0), Some(i32::MIN), Some(i32::MAX), Some(1), None])) as _,
        ),
        (
            "ok",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), Some(true), Some(false), None])) as _,
        ),
    ])
    .unwrap()
}

/// An expression as the rule gets it, and what it gives over the extremes.
fn evaluated(sql: &str) -> (Arc<dyn PhysicalExpr>, Result<()>) {
    let batch = extremes();
    let schema = DFSchema::try_from(batch.schema()).unwrap();
    let context = SessionContext::new();
    let expr = context.parse_sql_expr(sql, &schema).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let expr = context.create_physical_expr(expr, &schema).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let outcome = expr.evaluate(&batch).map(|_| ());
    (expr, outcome)
}

#[test]
fn what_cannot_fail_does_not() {
    for sql in [
        "i + 1",
        "b * b - b",
        "-b",
        "-i",
        "d * d",
        "d - 0.5",
        "f / 0",
        "f % 0",
        "f * f",
        "i = 1 AND ok OR s = 'a'",
        "s LIKE '%a' OR s || s <> s",
        "i IN (1, 2)",
        "i IS DISTINCT FROM t",
        "upper(s) = lower(s) AND initcap(s) <> reverse(s) AND concat(s, s) = nullif(s, '')",
        "contains(s, 'a') AND starts_with(s, 'a') AND ends_with(s, 'a')",
        "character_length(s) + octet_length(s) + strpos(s, 'a')",
        "btrim(s) = trim(s) AND ltrim(s) <> rtrim(s)",
        "ceil(f) + floor(f) + exp(f) + ln(f)",
        "CASE WHEN ok THEN i ELSE t END",
        "CAST(t AS SMALLINT)",
        "CAST(t AS BIGINT)",
        "CAST(u AS INT)",
        "CAST(i AS BIGINT)",
        "CAST(b AS DOUBLE)",
        "CAST(w AS DOUBLE)",
        "CAST(i AS VARCHAR)",
        "CAST(ok AS VARCHAR)",
        "CAST(b AS DECIMAL(20, 1))",
        "CAST(d AS DECIMAL(11, 3))",
        "TRY_CAST(s AS INT)",
    ] {
        let (expr, outcome) = evaluated(sql);
        outcome.unwrap_or_else(|error| panic!("{sql} fails: {error}"));
        assert!(!may_fail(&expr, &extremes().schema()), "{sql}: {expr}");
        assert!(!may_skip_failure(&expr, &extremes().schema()), "{sql}");
    }
}

#[test]
fn what_fails_may_fail() {
    for sql in [
        "10 / i",
        "10 % t",
        "1 / d",
        "w + w",
        "w * w",
        "sqrt(f)",
        "CAST(s AS INT)",
        "CAST(s AS DOUBLE)",
        "CAST(s AS DATE)",
        "CAST(b AS INT)",
        "CAST(i AS SMALLINT)",
        "CAST(t AS SMALLINT UNSIGNED)",
        "CAST(u AS SMALLINT)",
        "CAST(f AS BIGINT)",
        "CAST(b AS DECIMAL(19, 1))",
        "CAST(d AS DECIMAL(9, 2))",
        "CAST(w AS DECIMAL(38, 1))",
        // However deep it stands.
        "CASE WHEN i = 1 THEN 0 ELSE 10 / i END",
        "upper(CAST(CAST(b AS INT) AS VARCHAR))",
        "nullif(10 / i, 1) IN (1, 2)",
        "NOT (10 / i > 1)",
    ] {
        let (expr, outcome) = evaluated(sql);
        assert!(outcome.is_err(), "{sql} does not fail");
        assert!(may_fail(&expr, &extremes().schema()), "{sql}");
    }
}

/// Of what nothing is known it is said that it may fail.
#[test]
fn what_is_unknown_may_fail() {
    for sql in ["day + INTERVAL '1 day'", "repeat(s, 2)", "abs(b)", "CAST(day AS TIMESTAMP)", "b & 1"] {
        assert!(may_fail(&evaluated(sql).0, &extremes().schema()), "{sql}");
    }
    let (sum, _) = evaluated("i + 1");
    assert!(may_fail(&sum, &Schema::empty()), "arithmetic of columns that are not there");
}

#[test]
fn only_beside_a_junction_a_failure_may_be_skipped() {
    for (sql, skips) in [
        ("i = 1 OR 10 / i > 1", true),
        ("NOT (ok AND CAST(s AS INT) > 1)", true),
        // The failing part stands outside of the junction, and could as well stand inside: it is not told apart.
        ("10 / CASE WHEN ok OR i = 1 THEN i ELSE 1 END", true),
        ("10 / i > 1", false),
        ("i = 1 OR b = 2", false),
        ("10 / i IN (1, 2)", false),
    ] {
        assert_eq!(may_skip_failure(&evaluated(sql).0, &extremes().schema()), skips, "{sql}");
    }
}
