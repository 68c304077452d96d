//! Cases by hand, and the property that cutting the bytes anywhere changes nothing.

use super::*;
use crate::fragment::ColumnType::{Boolean, Date, Decimal, Float, Int};
use crate::fragment::random::Random;
use crate::fragment::{ColumnType, StructuralBytes, text::parse, validate::validate};

fn fragment(text: &str) -> Fragment {
    let fragment = parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(validate(&fragment), Ok(()));
    fragment
}

/// The values of texts; None is outside the grammar.
#[track_caller]
fn check_values(ty: ColumnType, cases: &[(&str, Option<i64>)]) {
    for (text, expected) in cases {
        let number = field::value(ty, text.as_bytes()).map(|value| match value {
            Value::Bool(truth) => truth.into(),
            Value::I64(number) => number,
            other => panic!("{ty}: {text}: {other:?}"),
        });
        assert_eq!(number, *expected, "{ty}: {text}");
    }
}

#[test]
fn integers() {
    let i8 = Int { bits: 8, signed: true };
    check_values(i8, &[("0", Some(0)), ("-0", Some(0)), ("127", Some(127)), ("-128", Some(-128))]);
    check_values(
        i8,
        &[("128", None), ("-129", None), ("+1", None), ("1.0", None), ("-", None), (" 1", None)],
    );
    check_values(i8, &[("000000000000000127", Some(127)), ("0000000000000000127", None), ("1-", None)]);
    let u8 = Int { bits: 8, signed: false };
    check_values(u8, &[("0", Some(0)), ("255", Some(255)), ("256", None), ("-0", None), ("-1", None)]);
    let i64 = Int { bits: 64, signed: true };
    check_values(
        i64,
        &[("-999999999999999999", Some(-999_999_999_999_999_999)), ("1000000000000000000", None)],
    );
    let u64 = Int { bits: 64, signed: false };
    check_values(u64, &[("999999999999999999", Some(999_999_999_999_999_999)), ("1e3", None), ("1.", None)]);
}

#[test]
fn floats_and_decimals() {
    let float = Float { scale: 2 };
    check_values(float, &[("1", Some(100)), ("1.5", Some(150)), ("-0.01", Some(-1)), ("1.234", None)]);
    check_values(float, &[("-0", None), ("-0.00", None), ("0.00", Some(0)), (".5", None), ("5.", None)]);
    check_values(float, &[("123456789012345", Some(12_345_678_901_234_500)), ("1234567890123456", None)]);
    check_values(float, &[("00000000000001.5", Some(150)), ("000000000000001.5", None), ("1.5.5", None)]);
    let deep = Float { scale: 15 };
    check_values(
        deep,
        &[("123", Some(123_000_000_000_000_000)), ("1234", None), ("-.1", None), ("1e3", None)],
    );
    check_values(Float { scale: 0 }, &[("5", Some(5)), ("5.0", None), ("inf", None), ("NaN", None)]);
    let decimal = Decimal { precision: 4, scale: 2 };
    check_values(
        decimal,
        &[("99.99", Some(9999)), ("100", None), ("-99.99", Some(-9999)), ("-0.0", Some(0))],
    );
    check_values(decimal, &[("0000000000000001", Some(100)), ("00000000000000001", None), ("1.001", None)]);
    let wide = Decimal { precision: 38, scale: 0 };
    check_values(
        wide,
        &[("999999999999999999", Some(999_999_999_999_999_999)), ("1000000000000000000", None)],
    );
    check_values(Decimal { precision: 38, scale: 18 }, &[("1", None), ("0", None)]);
}

#[test]
fn dates_and_booleans() {
    check_values(
        Date,
        &[("1994-01-01", Some(19940101)), ("2000-02-29", Some(20000229)), ("1900-02-29", None)],
    );
    check_values(Date, &[("0000-01-01", None), ("0001-01-01", Some(10101)), ("9999-12-31", Some(99991231))]);
    check_values(
        Date,
        &[("1994-1-01", None), ("1994-13-01", None), ("1994-00-10", None), ("1994-04-31", None)],
    );
    check_values(
        Date,
        &[("1994-01-00", None), ("1994-01-011", None), ("1994/01/01", None), ("199a-01-01", None)],
    );
    check_values(Boolean, &[("true", Some(1)), ("false", Some(0)), ("True", None), ("1", None), ("t", None)]);
}

/// Fields of each record, joined by `|`; an odd record has a `!` in front.
fn split(dialect: StructuralBytes, bytes: &[u8], last: bool) -> (Vec<String>, usize) {
    let mut records = Vec::new();
    let mut position = record::skip_blank(bytes, 0);
    while let Some((record, end)) = Record::read(dialect, bytes, position, last) {
        let fields: Vec<_> = record.fields.iter().map(|field| String::from_utf8_lossy(field)).collect();
        records.push(format!("{}{}", if record.odd { "!" } else { "" }, fields.join("|")));
        position = record::skip_blank(bytes, end);
    }
    (records, position)
}

#[test]
fn records_and_fields() {
    let plain = StructuralBytes::default();
    let escaped = StructuralBytes { escape: Some(b'\\'), ..plain };
    let cases: [(StructuralBytes, &str, bool, &[&str], usize); 17] = [
        (plain, "", true, &[], 0),
        (plain, "\r\n\n\r", true, &[], 4),
        (plain, "a,b\nc,d", false, &["a|b"], 4),
        (plain, "a,b\nc,d", true, &["a|b", "c|d"], 7),
        (plain, "a\r\r\n\nb\r", false, &["a", "b"], 7),
        (plain, ",\n,,\n", false, &["|", "||"], 5),
        (plain, "a,", true, &["a|"], 2),
        (plain, "\"a,\r\nb\",c\n", false, &["a,\r\nb|c"], 10),
        (plain, "\"\",\"\"\n", false, &["|"], 6),
        (plain, "a\"b,\"c\"\n", false, &["a\"b|c"], 8),
        (plain, "\"a\"\"b\"\n", false, &["!a\"\"b"], 7),
        (plain, "\"a\"b,c\n", false, &["!a|c"], 7),
        (plain, "x\n\"a\n", true, &["x"], 2),
        (plain, "x\n\"a\"", true, &["x", "a"], 5),
        (plain, " \"a\"\n", false, &[" \"a\""], 5),
        (escaped, "\"a\\\"\",\\\"\n", false, &["!a\\\"|\\\""], 9),
        (escaped, "\"a\\", true, &[], 0),
    ];
    for (dialect, bytes, last, records, consumed) in cases {
        let records = records.iter().map(|record| record.to_string()).collect();
        assert_eq!(split(dialect, bytes.as_bytes(), last), (records, consumed), "{bytes:?}");
    }
}

#[test]
fn matching_and_exception_records_keep_their_order() {
    let fragment = fragment(
        "fragment fields=2\ncolumn 0 a i64\ncolumn 1 s string not null\nfilter a > 1\noutput records",
    );
    let bytes = b"1,x\r\n2,x\r\n\r\nx,y\n3\n,x\n4,\n\"5\",\"x\"\n6,\"a\"\"b\"\n7,\xff\n8,x";
    let outcome = run(&fragment, bytes, true);
    assert_eq!(
        String::from_utf8_lossy(&outcome.output),
        "2,x\nx,y\n3\n4,\n\"5\",\"x\"\n6,\"a\"\"b\"\n7,\u{fffd}\n8,x\n"
    );
    let counts = (outcome.consumed, outcome.records, outcome.matched, outcome.exceptions);
    assert_eq!(counts, (bytes.len(), 10, 3, 5));
    let outcome = run(&fragment, bytes, false);
    assert_eq!((outcome.consumed, outcome.records), (bytes.len() - 3, 9));
}

#[test]
fn rows_of_values_and_exception_records_keep_their_order() {
    let fragment = fragment(
        "fragment fields=3\ncolumn 2 d date\ncolumn 0 a float(1)\ncolumn 1 s string\nfilter a > 10\noutput values",
    );
    let bytes = b"1.5,x,2020-01-31\n2,\"y z\",\n,x,\n3,\"a\"\"b\",\n1,x,\n7,,2020-02-29\n";
    let outcome = run(&fragment, bytes, true);
    assert_eq!(
        String::from_utf8_lossy(&outcome.output),
        "row 20200131 15 \"x\"\nrow null 20 \"y z\"\n3,\"a\"\"b\",\nrow 20200229 70 null\n"
    );
    assert_eq!((outcome.records, outcome.matched, outcome.exceptions), (6, 3, 1));
}

#[test]
fn nulls() {
    let count = |filter: &str| {
        let text =
            format!("fragment fields=2\ncolumn 0 a i64\ncolumn 1 s string\nfilter {filter}\noutput records");
        run(&fragment(&text), b"1,x\n,y\n2,\n\"\",\"\"\n", false).matched
    };
    let cases = [
        ("a = 1", 1),
        ("not(a = 1)", 1),
        ("or(a = 1, not(a = 1))", 2),
        ("or(a = 1, s in (\"y\"))", 2),
        ("not(and(a = 1, s in (\"z\")))", 3),
        ("a not in (1)", 1),
        ("s not in (\"x\")", 1),
        ("s in (\"\")", 0),
        ("s not in (\"\")", 2),
        ("and(a is null, s is null)", 1),
        ("not(a is not null)", 2),
        ("null", 0),
        ("not(null)", 0),
        ("or(null, true)", 4),
        ("a + 1 = 2", 1),
    ];
    for (filter, matched) in cases {
        assert_eq!(count(filter), matched, "{filter}");
    }
}

#[test]
fn every_part_of_a_filter_may_raise() {
    let exceptions = |filter: &str| {
        let text =
            format!("fragment fields=2\ncolumn 0 a i64\ncolumn 1 b i64\nfilter {filter}\noutput records");
        run(&fragment(&text), b"1,\n999999999999999999,1\n-999999999999999999,\n", false).exceptions
    };
    let cases = [
        ("a *! 10 = 0", 2),
        ("a * 10 = 0", 0),
        ("and(false, a *! 10 = 0)", 2),
        ("or(true, a *! 10 = 0)", 2),
        ("not(bound(a, 5) = 0)", 2),
        ("and(b = 7, bound(a, 999999999999999998) = 0)", 2),
        ("bound(a + b, 5) = 0", 1),
        ("(a *! 10) + b = 0", 1),
        ("a *! 10 = b", 2),
        ("-9223372036854775807 -! 1 = 0", 3),
        ("a in (1)", 0),
        ("(a *! 10) in (1)", 2),
    ];
    for (filter, expected) in cases {
        assert_eq!(exceptions(filter), expected, "{filter}");
    }
}

#[test]
fn aggregates_without_keys() {
    let fragment = fragment(
        "fragment fields=2\ncolumn 0 a i64\ncolumn 1 b i64\nfilter a < 100\noutput aggregates\n\
         aggregate count()\naggregate count(a, b)\naggregate sum_wrap(a * 2)\naggregate sum_exact(a - b)\n\
         aggregate min(b)\naggregate max(b) filter b < 0\naggregate max(a) filter b > 5",
    );
    let outcome = run(&fragment, b"1,\n-5,3\n2,4\n200,9\n,1\n3,-4\n", false);
    assert_eq!((outcome.records, outcome.matched, outcome.exceptions), (6, 4, 0));
    // The sum of -8, -2 and 7 is -3.
    let (minus_3, minus_4) = (-3i64 as u64, -4i64 as u64);
    assert_eq!(outcome.accumulators, [4, 3, 2, 4, minus_3, u64::MAX, 3, minus_4, 3, minus_4, 1, 0, 0]);
    assert_eq!(outcome.groups, BTreeMap::new());
    assert_eq!(run(&fragment, b"", true).accumulators, [0; 13]);
}

#[test]
fn an_exception_leaves_no_trace_in_any_state() {
    let fragment = fragment(
        "fragment fields=3\ncolumn 0 a i64\ncolumn 1 b i64\ncolumn 2 s string\noutput aggregates\nkey s bytes=8\n\
         aggregate count()\naggregate sum_exact((a *! 10) + b) filter a > 2\naggregate sum_wrap(bound(b, 9))",
    );
    let rows =
        "1,1,k\n3,1,k\n3,10,k\n999999999999999999,1,k\n999999999999999999,,k\n1,1,123456789\n1,,12345678\n";
    let outcome = run(&fragment, rows.as_bytes(), false);
    assert_eq!((outcome.records, outcome.matched, outcome.exceptions), (7, 4, 3));
    assert_eq!(outcome.output, b"3,10,k\n999999999999999999,1,k\n1,1,123456789\n");
    let eight = u64::from_le_bytes(*b"12345678");
    let groups =
        [(vec![1, 1, u64::from(b'k')], vec![3, 31, 0, 1, 2, 2]), (vec![1, 8, eight], vec![1, 0, 0, 0, 0, 0])];
    assert_eq!(outcome.groups, BTreeMap::from(groups));
}

#[test]
fn keys() {
    let fragment = fragment(
        "fragment fields=2\ncolumn 0 a i64\ncolumn 1 s string\noutput aggregates\nkey a\nkey s bytes=16",
    );
    let outcome = run(&fragment, b"-1,123456789\n,x\n5,\n5,\"\"\n,\n", false);
    let text = u64::from_le_bytes(*b"12345678");
    let keys: Vec<Vec<u64>> = outcome.groups.into_keys().collect();
    let x = u64::from(b'x');
    let expected = [
        [1, u64::MAX, 9, text, u64::from(b'9')],
        [0b011, 0, 1, x, 0],
        [0b101, 5, 0, 0, 0],
        [0b111, 0, 0, 0, 0],
    ];
    assert_eq!(keys, expected);
    assert_eq!((outcome.matched, outcome.accumulators), (5, vec![]));
}

#[test]
fn exact_sums_carry() {
    let fragment =
        fragment("fragment fields=1\ncolumn 0 a i64\noutput aggregates\naggregate sum_exact(a * 9)");
    let run = |text: &str, times| run(&fragment, text.repeat(times).as_bytes(), false).accumulators;
    let sum = |words: &[u64]| i128::from(words[1] as i64) << 64 | i128::from(words[0]);
    let value = 9 * 999_999_999_999_999_999i128;
    assert_eq!(sum(&run("999999999999999999\n", 1000)), 1000 * value);
    assert_eq!(sum(&run("-999999999999999999\n", 1000)), -1000 * value);
}

#[test]
fn cutting_anywhere_changes_nothing() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let fragment = random.fragment();
        let bytes = random.csv(&fragment);
        let whole = run(&fragment, &bytes, true);
        for cut in 0..=bytes.len() {
            let mut outcome = run(&fragment, &bytes[..cut], false);
            assert!(outcome.consumed <= cut);
            outcome.merge(&fragment, &run(&fragment, &bytes[outcome.consumed..], true));
            assert_eq!(outcome, whole, "seed {seed}, cut at {cut}\n{fragment}");
        }
    }
}

/// All is seen by the random tests: if not, they are worth little.
#[test]
fn random_cases_are_interesting() {
    let mut sums = [0; 5];
    for seed in 0..1000 {
        let mut random = Random::new(seed);
        let fragment = random.fragment();
        assert_eq!(validate(&fragment), Ok(()), "seed {seed}\n{fragment}");
        let bytes = random.csv(&fragment);
        let outcome = run(&fragment, &bytes, true);
        let unfinished = usize::from(outcome.consumed < bytes.len());
        let [records, matched, exceptions] =
            [outcome.records, outcome.matched, outcome.exceptions].map(|count| count as usize);
        for (sum, add) in
            sums.iter_mut().zip([records, matched, exceptions, unfinished, outcome.groups.len()])
        {
            *sum += add;
        }
    }
    let [records, matched, exceptions, unfinished, groups] = sums;
    assert!(matched > records / 10 && exceptions > records / 10, "{sums:?}");
    assert!(exceptions < records * 2 / 3 && unfinished > 10 && groups > 100, "{sums:?}");
}
