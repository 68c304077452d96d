//! Fields as values of each type, against arrow-csv where it reads the same.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::decimal::{decimal, digits_needed};
use super::number::{double, integer, plain};
use super::*;
use crate::reader::{ReadOptions, Reader};
use crate::spec::{Column, CsvSpec, DateFormat, DateOrder, NumberFormat};
use crate::testing::{Random, read, spec};

#[test]
fn decimals_round_half_away_from_zero() {
    let check = |text: &str, precision, scale, expect: Option<i128>| {
        assert_eq!(decimal(text, precision, scale).map(|decimal| decimal.value), expect, "{text}");
    };
    check("1.005", 10, 2, Some(101));
    check("2.999", 10, 2, Some(300));
    check("-1.005", 10, 2, Some(-101));
    check("1.0049999999999999999999999999999999999999999999", 10, 2, Some(100));
    check("0.5", 1, 0, Some(1));
    check("-0.5", 1, 0, Some(-1));
    check("0.49", 1, 0, Some(0));
    check("9.99", 2, 1, None);
    check("9.94", 2, 1, Some(99));
    check(".5", 3, 2, Some(50));
    check("5.", 3, 2, Some(500));
    check("+5", 3, 2, Some(500));
    check(" 5 ", 3, 2, Some(500));
    check("1e2", 3, 0, Some(100));
    check("1.25E-1", 5, 3, Some(125));
    check("1.25e-1", 5, 2, Some(13));
    check("1e-400", 5, 2, Some(0));
    check("0e99999999999999999999", 5, 2, Some(0));
    check("1e99999999999999999999", 5, 2, None);
    check("99999999999999999999999999999999999999", 38, 0, Some(10i128.pow(38) - 1));
    check("-99999999999999999999999999999999999999", 38, 0, Some(1 - 10i128.pow(38)));
    check("100000000000000000000000000000000000000", 38, 0, None);
    check("340282366920938463463374607431768211457", 38, 0, None);
    check("0000000000000000000000000000000000000000000000001.5", 38, 1, Some(15));
    for bad in ["", "-", ".", "-.", "1.2.3", "1e", "1e+", "e5", "0x1", "1_000", "1 2", "--1", "١"] {
        check(bad, 38, 2, None);
    }
}

#[test]
fn decimals_are_exact_as_often_as_they_say() {
    let mut random = Random::new(31);
    for _ in 0..20_000 {
        let length = 1 + random.below(40);
        let text = String::from_utf8(random.text(b"0123456789000.-e", length)).unwrap();
        let Some((whole, fraction)) = digits_needed(&text) else {
            assert_eq!(decimal(&text, 38, 10), None);
            continue;
        };
        let found = decimal(&text, 38, 10);
        assert_eq!(found.is_some_and(|decimal| decimal.is_exact), whole <= 28 && fraction <= 10, "{text}");
    }
}

#[test]
fn numbers_are_those_of_arrow() {
    use arrow_array::types::{Float64Type, Int64Type};
    use arrow_cast::parse::Parser;
    let check = |text: &str| {
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        assert_eq!(bits(double(text)), bits(Float64Type::parse(text)), "{text:?}");
        assert_eq!(integer(text), Int64Type::parse(text), "{text:?}");
    };
    for text in [
        "",
        "-",
        "-0",
        "-0.0",
        "1.",
        ".1",
        "1.1.1",
        "inf",
        "NaN",
        " 1",
        "1 ",
        "+1",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "9007199254740993",
        "0.1",
        "123456789012345678",
        "1e5",
        "--1",
    ] {
        check(text);
    }
    let mut random = Random::new(32);
    for _ in 0..50_000 {
        let length = 1 + random.below(24);
        check(str::from_utf8(&random.text(b"0123456789.-+e ", length)).unwrap());
        let length = 1 + random.below(18);
        check(str::from_utf8(&random.text(b"0123456789.", length)).unwrap());
    }
}

#[test]
fn a_double_is_lost_if_it_is_another_number() {
    use super::number::is_lost;
    let check = |text: &str| is_lost(text, text.parse().unwrap());
    for kept in [
        "0",
        "-0.0",
        "0e5",
        "1.5",
        "0.1",
        "0.100000000000000000000000",
        "1e300",
        "100000000000000000000000",
        // As Python, C with "%.17g" and "%.20f", and NumPy with "%.18e" write doubles.
        "0.30000000000000004",
        "0.10000000000000001",
        "0.10000000000000000555",
        "1.000000000000000056e-01",
        "9007199254740992",
        "1267650600228229401496703205376",
        "123456789012345.67",
        "NaN",
        "inf",
        "5e-324",
    ] {
        assert!(!check(kept), "{kept}");
    }
    for lost in [
        "9007199254740993",
        "999999999999999.99",
        "123456789012345678.25",
        "1234567890123456789012345678",
        "0.12345678901234567890",
        "-1.00000000000000000001",
        "1e400",
        "-1e-400",
        "99999999999999999999",
    ] {
        assert!(check(lost), "{lost}");
    }
    let nan = double("-nan").unwrap();
    assert!(nan.is_nan() && nan.is_sign_positive(), "there is one NaN");
}

#[test]
fn numbers_as_people_write_them() {
    let check = |decimal: u8, thousands: Option<u8>, text: &str, expect: Option<&str>| {
        let format = NumberFormat { decimal, thousands };
        assert_eq!(plain(text, format, &mut String::new()), expect, "{text}");
    };
    check(b',', None, "1,5", Some("1.5"));
    check(b',', None, "-1,5e3", Some("-1.5e3"));
    check(b',', None, "1.5", None);
    check(b',', None, "1,5,6", None);
    check(b',', Some(b'.'), "1.234.567,89", Some("1234567.89"));
    check(b',', Some(b'.'), "1234567,89", Some("1234567.89"));
    check(b',', Some(b'.'), "1.5", None);
    check(b',', Some(b'.'), "1234.567", None);
    check(b',', Some(b'.'), ".567", None);
    check(b'.', Some(b','), "-1,234", Some("-1234"));
    check(b'.', Some(b','), "12,34", None);
    check(b'.', Some(b','), "1,234.5,6", None);
    check(b'.', Some(b'\''), "1'000'000.25", Some("1000000.25"));
    check(b',', Some(b' '), "1\u{a0}234,5", Some("1234.5"));
    check(b',', Some(b' '), "1\u{202f}234", Some("1234"));
    check(b',', None, " 1,5 ", Some("1.5"));
    check(b',', None, "1e5", Some("1e5"));
}

/// A column of one value with a format of dates.
fn dated(ty: &str, order: DateOrder, separator: u8, value: &str) -> String {
    let mut spec = spec(&format!("a {ty}, b text"));
    spec.columns[0].date = DateFormat { order, separator };
    let outcome = read(format!("\"{value}\",x\n").as_bytes(), &[], &spec, &ReadOptions::default());
    outcome.rows.first().map_or("refused".to_owned(), |row| row.trim_end_matches("|x").to_owned())
}

#[test]
fn dates_and_timestamps() {
    use DateOrder::{DayMonthYear, MonthDayYear, YearMonthDay};
    let check = |ty: &str, order, separator, value: &str, expect: &str| {
        assert_eq!(dated(ty, order, separator, value), expect, "{ty} {value}");
    };
    check("date", YearMonthDay, b'-', "2024-02-29", "2024-02-29");
    check("date", YearMonthDay, b'-', "2023-02-29", "refused");
    check("date", YearMonthDay, b'-', "2024-2-9", "2024-02-09");
    check("date", YearMonthDay, b'/', "2024/02/29", "2024-02-29");
    check("date", YearMonthDay, b'/', "2024-02-29", "refused");
    check("date", DayMonthYear, b'.', "31.12.2024", "2024-12-31");
    check("date", DayMonthYear, b'.', "1.2.2024", "2024-02-01");
    check("date", DayMonthYear, b'.', "1.2.20245", "refused");
    check("date", DayMonthYear, b'.', "1.2.24", "refused");
    check("date", DayMonthYear, b'.', "12.31.2024", "refused");
    check("date", MonthDayYear, b'/', "12/31/2024", "2024-12-31");
    check("date", DayMonthYear, b' ', "31 12 2024", "2024-12-31");
    check("date", MonthDayYear, b'/', "12/31/2024 10:00", "refused");
    let zero = "timestamp(0)";
    check(zero, YearMonthDay, b'-', "2024-02-29 14:05", "2024-02-29T14:05:00");
    check(zero, YearMonthDay, b'-', "2024-02-29T14:05:09", "2024-02-29T14:05:09");
    check(zero, YearMonthDay, b'-', "2024-02-29T14:05:09+01:00", "2024-02-29T13:05:09");
    check(zero, YearMonthDay, b'-', "2024-02-29", "2024-02-29T00:00:00");
    check(zero, YearMonthDay, b'-', "2024-02-29 14:05:09 and more", "refused");
    check(zero, YearMonthDay, b'-', "2024-02-29 24:05", "refused");
    check(zero, DayMonthYear, b'.', "1.2.2024 14:05:09", "2024-02-01T14:05:09");
    check(zero, MonthDayYear, b'/', "2/1/2024 4:05", "2024-02-01T04:05:00");
    check(zero, DayMonthYear, b' ', "31 12 2024 4:05", "2024-12-31T04:05:00");
    check("timestamp(3)", DayMonthYear, b'.', "1.2.2024 14:05:09.25", "2024-02-01T14:05:09.250");
    check("timestamp(9)", YearMonthDay, b'-', "9999-12-31 00:00:00", "refused");
    check("timestamp(6)", YearMonthDay, b'-', "9999-12-31 00:00:00", "9999-12-31T00:00:00");
}

#[test]
fn every_day_is_the_one_of_the_calendar() {
    use chrono::{Datelike, NaiveDate};
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap().num_days_from_ce();
    for year in (0..=9999).step_by(7).chain(1890..2110) {
        for (month, day) in (0..14).flat_map(|month| (0..33).map(move |day| (month, day))) {
            let expect =
                NaiveDate::from_ymd_opt(year, month, day).map(|date| date.num_days_from_ce() - epoch);
            assert_eq!(super::time::days(year, month, day), expect, "{year}-{month}-{day}");
        }
    }
}

#[test]
fn no_text_of_a_date_panics() {
    let mut random = Random::new(33);
    let formats =
        [(DateOrder::YearMonthDay, b'-'), (DateOrder::DayMonthYear, b'.'), (DateOrder::MonthDayYear, b' ')];
    for _ in 0..30_000 {
        let mut text = random.pick(&[
            "2024-01-02 03:04:05.123456789",
            "31.12.2024 10:05",
            "12 31 2024T1:02:03Z",
            "+2024-01-02",
        ]);
        let cut = random.below(text.len() + 1);
        text = &text[..cut];
        let length = random.below(6);
        let tail: String = (0..length)
            .map(|_| random.pick(&['0', '9', '-', ':', '.', ' ', 'T', 'Z', '+', 'é', '\u{1f600}']))
            .collect();
        let text = format!("{text}{tail}");
        let (order, separator) = random.pick(&formats);
        let format = DateFormat { order, separator };
        let _ = super::time::date(&text, format);
        for unit in [TimeUnit::Second, TimeUnit::Nanosecond] {
            let _ = super::time::timestamp(&text, format, unit, None);
        }
        let _ = super::time::digits_needed(&text, format);
    }
}

#[test]
fn nulls_are_unquoted_and_not_for_texts() {
    let spec = CsvSpec { nulls: vec!["NA".to_owned(), "\\N".to_owned()], ..spec("a int, b text, c double") };
    let outcome = read(b"NA,NA,\\N\n1,\\N,\n\"NA\",x,1\n", &[], &spec, &ReadOptions::default());
    assert_eq!(outcome.rows, ["~|NA|~", "1|\\N|~"]);
    assert!(outcome.error.unwrap().contains("'NA' is not BIGINT"));
}

/// A clean value of a type, as programs write it.
fn clean(random: &mut Random, ty: &DataType) -> String {
    let number = |random: &mut Random| random.below(1 << 31) as i64 - (1 << 30);
    if random.below(8) == 0 {
        return String::new();
    }
    match ty {
        DataType::Boolean => (random.pick(&["true", "false", "TRUE", "False"])).to_owned(),
        DataType::Int8 | DataType::UInt8 => random.below(128).to_string(),
        DataType::Int64 | DataType::Int32 => number(random).to_string(),
        DataType::Float64 | DataType::Float32 => match random.below(3) {
            0 => format!("{:?}", number(random) as f64 / 1024.0),
            1 => format!("{:e}", number(random) as f64 * 1e-20),
            _ => format!("{}.{}", number(random), random.below(1_000_000)),
        },
        DataType::Decimal128(..) => format!("{}.{:02}", number(random), random.below(100)),
        DataType::Date32 => {
            format!("{}-{:02}-{:02}", 1900 + random.below(200), 1 + random.below(12), 1 + random.below(28))
        }
        DataType::Timestamp(..) => format!(
            "{}-{:02}-{:02}{}{:02}:{:02}:{:02}{}",
            1900 + random.below(200),
            1 + random.below(12),
            1 + random.below(28),
            random.pick(&[" ", "T"]),
            random.below(24),
            random.below(60),
            random.below(60),
            random.pick(&["", ".5", ".123", ".123456", ".123456789", "Z", "+02:00"]),
        ),
        _ => match random.below(4) {
            0 => format!("\"text, with \"\"quotes\"\" {}\nand lines\"", number(random)),
            1 => "\"\"".to_owned(),
            2 => format!("a longer text than a view holds {}", number(random)),
            _ => format!("t{}", random.below(1000)),
        },
    }
}

#[test]
fn clean_files_are_read_as_arrow_csv_does() {
    use DataType::{
        Boolean, Date32, Decimal128, Float32, Float64, Int8, Int32, Int64, Timestamp, UInt8, Utf8, Utf8View,
    };
    let types = [
        Boolean,
        Int8,
        UInt8,
        Int32,
        Int64,
        Float32,
        Float64,
        Decimal128(20, 2),
        Decimal128(38, 4),
        Date32,
        Utf8,
        Utf8View,
        Timestamp(TimeUnit::Second, None),
        Timestamp(TimeUnit::Millisecond, None),
        Timestamp(TimeUnit::Microsecond, None),
        Timestamp(TimeUnit::Nanosecond, Some("+05:30".into())),
    ];
    let mut random = Random::new(34);
    for round in 0..60 {
        let columns = 2 + random.below(8);
        let fields: Vec<Field> =
            (0..columns).map(|index| Field::new(format!("c{index}"), random.pick(&types), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let mut text = String::new();
        for _ in 0..random.below(400) {
            let row: Vec<String> =
                schema.fields().iter().map(|field| clean(&mut random, field.data_type())).collect();
            text.push_str(&row.join(","));
            text.push_str(if round % 2 == 0 { "\n" } else { "\r\n" });
        }
        let projection: Vec<usize> = (0..random.below(columns + 1)).map(|_| random.below(columns)).collect();
        let projection = (round % 3 > 0).then_some(projection);
        let columns = schema.fields().iter().map(|field| declared(field)).collect();
        let spec = CsvSpec { columns, ..CsvSpec::default() };
        let options = ReadOptions {
            projection: projection.clone(),
            schema: Some(Arc::clone(&schema)),
            batch_rows: 100,
            ..ReadOptions::default()
        };
        let found: Vec<RecordBatch> =
            Reader::new(text.as_bytes(), &spec, &options).unwrap().collect::<Result<_, _>>().unwrap();
        let mut builder = arrow_csv::ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(100);
        if let Some(projection) = projection {
            builder = builder.with_projection(projection);
        }
        // csv-core takes a BOM and a blank line for the same as we do; a record of only empty fields is one for both.
        let expect: Vec<RecordBatch> =
            builder.build(text.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(found, expect, "{text}");
    }
}

fn declared(field: &Field) -> Column {
    let ty = match field.data_type() {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Float32 | DataType::Float64 => ColumnType::Double,
        DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: *scale as u8 }
        }
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp { digits: 9 },
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::Text,
        _ => ColumnType::Integer,
    };
    Column {
        name: field.name().clone(),
        ty,
        declared: true,
        date: DateFormat::default(),
        number: NumberFormat::default(),
    }
}
