//! Texts of fields: usual ones, odd ones, and ones that cannot be read.

use pushdown::testing::Random;

use crate::one_of;
use crate::types::Type;

/// What no column of another type than text takes, and what no reader likes.
pub fn bad_text(random: &mut Random) -> &'static [u8] {
    one_of(
        random,
        [
            &b"abc"[..],
            b" 1",
            b"1 ",
            b"--1",
            b"1e",
            b".",
            b"-",
            b"+",
            b"0x10",
            b"1_000",
            b"1,5",
            b"\xff\xfe",
            b"\xc3\x28",
            b"99999999999999999999999999999999999999999",
            b"2021-02-29",
            b"12:00",
            b"tru",
            b"\"a\"b",
            b"a\"b",
            b"\"",
            b"1\0",
        ],
    )
}

/// What a program is made for.
pub fn usual_text(random: &mut Random, ty: Type) -> String {
    match ty {
        Type::Integer(name) => {
            let unsigned = name.ends_with("UNSIGNED");
            let number = match random.below(8) {
                0 => *random.pick(&[100, 127, 99, 64]),
                1 if !name.starts_with("TINY") => *random.pick(&[255, 1000, 32767, 12345]),
                2 if name.starts_with("BIG") => *random.pick(&[
                    1 << 40,
                    999_999_999_999_999_999,
                    4_611_686_018_427_387_904,
                    2_147_483_648,
                ]),
                _ => random.below(25) as i64,
            };
            if unsigned || !random.one_in(4) { number.to_string() } else { (-number).to_string() }
        }
        Type::Double | Type::Real => match random.below(8) {
            0 => random.below(100).to_string(),
            1 => format!("-{}.{}", random.below(1000), 1 + random.below(9)),
            2 => format!("0.{:02}", random.below(11)),
            3 if random.one_in(4) => "123456789012345".to_owned(),
            4 if random.one_in(4) => format!("{}.123456", random.below(99)),
            _ => format!("{}.{:02}", random.below(2000), random.below(100)),
        },
        Type::Decimal(precision, scale) => {
            let sign = if random.one_in(5) { "-" } else { "" };
            let whole_digits = usize::from(precision - scale).min(4);
            let whole = if whole_digits == 0 { 0 } else { random.below(10_usize.pow(whole_digits as u32)) };
            match (scale, random.below(3)) {
                (0, _) | (_, 0) => format!("{sign}{whole}"),
                _ => format!("{sign}{whole}.{:02}", random.below(100)),
            }
        }
        Type::Date => {
            format!("{}-{:02}-{:02}", 1992 + random.below(7), 1 + random.below(12), 1 + random.below(28))
        }
        Type::Timestamp => {
            format!("199{}-01-0{}T00:00:0{}", random.below(9), 1 + random.below(9), random.below(9))
        }
        Type::Boolean => random.pick(&["true", "false"]).to_string(),
        Type::Varchar => {
            let words = [
                "apple",
                "a",
                "MAIL",
                "TRUCK",
                "DELIVER IN PERSON",
                "pear, green",
                "é",
                "日本語",
                "x\"y",
                "it's",
                "0",
                "1.5",
            ];
            random.pick(&words).to_string()
        }
    }
}

/// What DataFusion reads in its own way, or not at all.
pub fn odd_text(random: &mut Random, ty: Type) -> String {
    let texts: &[&str] = match ty {
        Type::Integer(_) => &[
            "+5",
            "-0",
            "007",
            "0000000000000000000000001",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "127",
            "-128",
            "128",
            "255",
            "32768",
            "-32768",
            "2147483647",
            "4294967295",
            "65535",
            "1000000000000000000",
            "-1000000000000000000",
            "3",
        ],
        Type::Double | Type::Real => &[
            "1e3",
            ".5",
            "5.",
            "-0",
            "-0.0",
            "+5",
            "0.1234567890123456789",
            "inf",
            "-inf",
            "NaN",
            "nan",
            "1e400",
            "1E-3",
            "00012.50",
            "12345678901234567890",
            "0.000000000000001",
            "-.5",
            "1e22",
            "0.30000000000000004",
            "9007199254740993",
            "infinity",
            "1234567890.12345",
            "12345678901234.5",
            "999999999999999",
            "1000000000000000",
            "0.1",
            "3e",
            "-",
            "1.e1",
            "1.0E+2",
        ],
        Type::Decimal(..) => &[
            "+1.5",
            "1e2",
            ".5",
            "5.",
            "0.005",
            "0.015",
            "-0.00",
            "1.999",
            "99999999999",
            "9999999999999.99",
            "-0",
            "00012.50",
            "0.000000000000000001",
            "999999999999999999",
            "123456789012345678",
            "1.0000000000000000000000",
            "99999",
            "1E1",
            "-.5",
        ],
        Type::Date => &[
            "1994-1-1",
            "2020-02-29",
            "0001-01-01",
            "9999-12-31",
            "10000-01-01",
            "-0044-03-15",
            "1994-01-01T00:00:00",
            "19940101",
            "1900-02-28",
            "2000-12-31",
            "0000-01-01",
            "1970-01-01",
            "1969-12-31",
            "+1994-01-01",
            "1994-01-01 00:00:00",
            "94-01-01",
        ],
        Type::Timestamp => &["1994-01-01", "1994-01-01 00:00:00.123456", "1994-01-01T00:00:00Z"],
        Type::Boolean => &["True", "TRUE", "FALSE", "False", "tRuE", "true", "fALSE"],
        Type::Varchar => {
            return match random.below(12) {
                0 => "long ".repeat(20),
                1 if random.one_in(4) => "very long ".repeat(520),
                2 => "ends in a quote\"".to_owned(),
                3 => "two\nlines".to_owned(),
                4 => "two\r\nlines".to_owned(),
                5 => "back\\slash".to_owned(),
                6 => "ä".repeat(1 + random.below(40)),
                7 => "x".repeat(60 + random.below(8)),
                8 => "\u{feff}".to_owned(),
                9 => "# no comment".to_owned(),
                10 => "NULL".to_owned(),
                _ => " spaces ".to_owned(),
            };
        }
    };
    // Most are in the range of the type, lest too many queries are errors.
    let texts: Vec<&str> = texts.iter().copied().filter(|text| fits(ty, text) || random.one_in(15)).collect();
    random.pick(&texts).to_string()
}

/// Whether a number has room in a type.
fn fits(ty: Type, text: &str) -> bool {
    let range = match ty {
        Type::Integer("TINYINT") => -128.0..128.0,
        Type::Integer("SMALLINT") => -32768.0..32768.0,
        Type::Integer("INT") => -2147483648.0..2147483648.0,
        Type::Integer("BIGINT") => -9.3e18..9.3e18,
        Type::Integer("TINYINT UNSIGNED") => 0.0..256.0,
        Type::Integer("SMALLINT UNSIGNED") => 0.0..65536.0,
        Type::Integer("INT UNSIGNED") => 0.0..4294967296.0,
        Type::Integer(_) => 0.0..1.9e19,
        Type::Decimal(precision, scale) => {
            let end = 10_f64.powi(i32::from(precision) - i32::from(scale));
            -end..end
        }
        _ => return true,
    };
    text.trim().parse::<f64>().is_ok_and(|number| range.contains(&number))
        && !(range.start == 0.0 && text.starts_with('-'))
}
