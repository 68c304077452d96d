//! One table, written in each way that files are, read with nothing declared: the rows are those of the clean file.

use std::io::Write;

use crate::reader::{ReadOptions, Reader};
use crate::testing::rows_of;

use super::*;

/// A text as bytes.
type Encode = fn(String) -> Vec<u8>;

/// How a file is written.
#[derive(Clone, Copy)]
struct Written {
    delimiter: &'static str,
    quote: char,
    date: fn(usize, usize) -> String,
    price: fn(usize) -> String,
    null: &'static str,
    above: &'static str,
    /// At the end of each record.
    trailing: &'static str,
    header: bool,
    encode: Encode,
}

const CLEAN: Written = Written {
    delimiter: ",",
    quote: '"',
    date: |month, day| format!("2018-{month:02}-{day:02}"),
    price: |number| format!("{number}.25"),
    null: "",
    above: "",
    trailing: "",
    header: true,
    encode: String::into_bytes,
};

/// Records of the table.
const RECORDS: usize = 60;

impl Written {
    fn file(self) -> Vec<u8> {
        let quoted = |text: &str| format!("{0}{text}{0}", self.quote);
        let mut text = self.above.to_owned();
        if self.header {
            text += &["id", "day", "price", "city", "note"].join(self.delimiter);
            text += &format!("{}\n", self.trailing);
        }
        for at in 0..RECORDS {
            let price = if at % 7 == 3 { self.null.to_owned() } else { (self.price)(at * 137) };
            let price = if price.contains(self.delimiter) { quoted(&price) } else { price };
            let note = match at % 3 {
                0 => quoted(NOTES[0]),
                1 => quoted(NOTES[1]),
                _ => NOTES[2].to_owned(),
            };
            let day = (self.date)(at % 12 + 1, at % 28 + 1);
            let fields = [at.to_string(), day, price, CITIES[at % 2].to_owned(), note];
            text += &format!("{}{}\n", fields.join(self.delimiter), self.trailing);
        }
        (self.encode)(text)
    }
}

const NOTES: [&str; 3] = ["one, two; three|four\tfive", "two\nlines", "plain"];
const CITIES: [&str; 2] = ["Köln", "Bonn"];

/// The rows of each of them.
fn expected() -> Vec<String> {
    let row = |at: usize| {
        let price = if at % 7 == 3 { "~".to_owned() } else { format!("{}.25", at * 137) };
        let (month, day) = (at % 12 + 1, at % 28 + 1);
        format!("{at}|2018-{month:02}-{day:02}|{price}|{}|{}", CITIES[at % 2], NOTES[at % 3])
    };
    (0..RECORDS).map(row).collect()
}

fn grouped(number: usize, separator: char) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{thousands}{separator}{:03}", number % 1000),
    }
}

fn check_rows(kind: &str, written: Written) {
    let bytes = written.file();
    let spec = sniff(&bytes).spec;
    let reader = Reader::new(&bytes[..], &spec, &ReadOptions::default()).unwrap();
    let batches: Result<Vec<_>, _> = reader.collect();
    let batches = batches.unwrap_or_else(|error| panic!("{kind}: {error}"));
    let rows: Vec<String> = batches.iter().flat_map(rows_of).collect();
    assert_eq!(rows, expected(), "{kind}: {}", shown(&spec));
    let types: Vec<&ColumnType> = spec.columns.iter().map(|column| &column.ty).collect();
    use ColumnType::{Date, Double, Integer, Text};
    assert_eq!(types, [&Integer, &Date, &Double, &Text, &Text], "{kind}");
}

#[test]
fn structure() {
    for (kind, written) in [
        ("clean", CLEAN),
        ("semicolons", Written { delimiter: ";", ..CLEAN }),
        ("tabs", Written { delimiter: "\t", ..CLEAN }),
        ("bars", Written { delimiter: "|", ..CLEAN }),
        ("blanks behind delimiters", Written { delimiter: ", ", ..CLEAN }),
        ("apostrophes", Written { quote: '\'', ..CLEAN }),
        ("no header", Written { header: false, ..CLEAN }),
        ("lines above", Written { above: "Sales of 2018\n\n", ..CLEAN }),
        ("comments", Written { above: "# made by a program, 2018\n# another line\n", ..CLEAN }),
        ("trailing delimiters", Written { trailing: ",", ..CLEAN }),
    ] {
        check_rows(kind, written);
    }
}

#[test]
fn values() {
    for (kind, written) in [
        ("day first", Written { date: |month, day| format!("{day:02}.{month:02}.2018"), ..CLEAN }),
        ("month first", Written { date: |month, day| format!("{month:02}/{day:02}/2018"), ..CLEAN }),
        ("decimal commas", Written { delimiter: ";", price: |number| format!("{number},25"), ..CLEAN }),
        ("thousands", Written { price: |number| format!("{}.25", grouped(number, ',')), ..CLEAN }),
        (
            "thousands with points",
            Written { delimiter: ";", price: |number| format!("{},25", grouped(number, '.')), ..CLEAN },
        ),
        ("NA", Written { null: "NA", ..CLEAN }),
        ("\\N", Written { null: "\\N", ..CLEAN }),
        ("null", Written { null: "null", ..CLEAN }),
        ("-", Written { null: "-", ..CLEAN }),
    ] {
        check_rows(kind, written);
    }
}

fn gzip(text: String) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[test]
fn bytes() {
    let encodings: [(&str, Encode); 6] = [
        ("a mark", |text| format!("\u{feff}{text}").into_bytes()),
        ("latin-1", |text| text.chars().map(|character| character as u8).collect()),
        ("utf-16le", |text| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be", |text| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("gzip", gzip),
        ("zstd", |text| zstd::encode_all(text.as_bytes(), 1).unwrap()),
    ];
    for (kind, encode) in encodings {
        check_rows(kind, Written { encode, ..CLEAN });
    }
}
