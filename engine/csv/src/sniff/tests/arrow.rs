//! Clean files have the types that DataFusion infers for them, so that nobody sees other columns than before.

use arrow_schema::{DataType, TimeUnit};

use crate::testing::Random;

use super::*;

/// Values of a kind. Each list is one that arrow-csv and we read alike.
const KINDS: [&[&str]; 12] = [
    &["0", "1", "-5", "12345", "9223372036854775807", "-9223372036854775808"],
    &["0.5", "-12.25", "3.0", ".5", "5.", "100.125"],
    &["1", "2.5", "-3", "0.25"],
    &["1e5", "2.5E-3", "-1e+10", "7.0"],
    &["1.5", "NaN", "inf", "-inf", "nan"],
    &["true", "false", "TRUE", "False"],
    &["2024-01-01", "1999-12-31", "2000-02-29"],
    &["2024-01-01 10:00:00", "2024-01-01T23:59:59"],
    &["2024-01-01 10:00:00.123", "2024-01-01T23:59:59.5"],
    &["2024-01-01 10:00:00.123456", "2024-01-01 10:00:00", "2024-01-01"],
    &["2024-01-01 10:00:00.123456789", "2024-01-01 10:00:00.1"],
    &["apple", "pear tree", "x-1", "it's", "+5", "12:30", "1.2.3"],
];

fn ours(ty: &DataType) -> ColumnType {
    let digits = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    match ty {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Int64 => ColumnType::Integer,
        DataType::Float64 => ColumnType::Double,
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(unit, None) => ColumnType::Timestamp { digits: digits(unit) },
        // A column without a value would be lost.
        DataType::Utf8 | DataType::Null => ColumnType::Text,
        other => panic!("arrow-csv infers no {other}"),
    }
}

#[test]
fn clean_files_have_the_types_of_arrow() {
    let mut random = Random::new(7);
    for _ in 0..1500 {
        let columns: Vec<&[&str]> = (0..2 + random.below(5)).map(|_| random.pick(&KINDS)).collect();
        let mut text = (0..columns.len()).map(|at| format!("name_{at}")).collect::<Vec<_>>().join(",") + "\n";
        for _ in 0..1 + random.below(30) {
            // The first column has a value in each row: a row of nothing is a blank line to one of the two.
            let value = |at: usize, random: &mut Random| {
                let is_empty = at > 0 && random.below(8) == 0;
                if is_empty { String::new() } else { random.pick(columns[at]).to_owned() }
            };
            let row: Vec<String> = (0..columns.len()).map(|at| value(at, &mut random)).collect();
            text += &(row.join(",") + "\n");
        }
        let format = arrow_csv::reader::Format::default().with_header(true);
        let (schema, _) = format.infer_schema(text.as_bytes(), None).unwrap();
        let expected: Vec<(&str, ColumnType)> =
            schema.fields().iter().map(|field| (field.name().as_str(), ours(field.data_type()))).collect();
        let spec = sniff(text.as_bytes()).spec;
        let found: Vec<(&str, ColumnType)> =
            spec.columns.iter().map(|column| (column.name.as_str(), column.ty.clone())).collect();
        assert_eq!(found, expected, "{}\n{text}", shown(&spec));
        assert_eq!((spec.dialect, spec.header), (crate::spec::Dialect::default(), true), "{text}");
    }
}
