//! Ranges of a file together have each record once.

use super::*;
use crate::reader::{ReadOptions, Start};
use crate::spec::{Dialect, OnError};
use crate::testing::{Outcome, Random, read, rows_of, spec};
use std::fs::File;

/// Reads each range by itself, and puts them together.
fn read_ranges(text: &[u8], spec: &CsvSpec, starts: &[Start]) -> Outcome {
    let mut all = Outcome { rows: Vec::new(), rejects: Vec::new(), error: None };
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map(|start| start.offset);
        let options = ReadOptions { start, end, ..ReadOptions::default() };
        let mut part = read(&text[start.offset as usize..], &[], spec, &options);
        all.rows.append(&mut part.rows);
        all.rejects.append(&mut part.rejects);
        if all.error.is_none() {
            all.error = part.error;
        }
    }
    all
}

/// The places with their lines.
fn with_lines(text: &[u8], starts: &[u64]) -> Vec<Start> {
    starts.iter().map(|&offset| Start { offset, line: line_at(text, offset).unwrap() }).collect()
}

fn check(text: &[u8], spec: &CsvSpec, boundaries: &[u64]) {
    let starts = range_starts(text, spec, boundaries, 1 + boundaries.len() % 3).unwrap();
    // From a place on that is known it is the same.
    for (index, &begin) in starts.iter().enumerate() {
        let behind = boundaries.iter().zip(&starts).skip(index).filter(|(boundary, _)| **boundary > begin);
        let (later, expected): (Vec<u64>, Vec<u64>) = behind.unzip();
        let found = range_starts(text, spec, &[&[begin][..], &later].concat(), 2).unwrap();
        assert_eq!(found[1..], expected, "{:?} {spec:?} {begin} {later:?}", String::from_utf8_lossy(text));
    }
    let starts = with_lines(text, &starts);
    assert_eq!(starts.len(), boundaries.len());
    for (start, &boundary) in starts.iter().zip(boundaries) {
        assert!(start.offset >= boundary.min(text.len() as u64), "{starts:?} {boundaries:?}");
    }
    let whole = read(text, &[], spec, &ReadOptions::default());
    let found = read_ranges(text, spec, &starts);
    let shown = || format!("{:?} {spec:?} {boundaries:?} {starts:?}", String::from_utf8_lossy(text));
    if whole.error.is_none() {
        assert_eq!(found, whole, "{}", shown());
    } else {
        // The first error is that of the file; ranges behind it are read all the same.
        assert_eq!(found.error, whole.error, "{}", shown());
        assert!(found.rows.starts_with(&whole.rows), "{}", shown());
    }
}

#[test]
fn ranges_share_the_records_of_a_file() {
    let mut random = Random::new(41);
    let dialects = [
        Dialect::default(),
        Dialect { quote: None, ..Dialect::default() },
        Dialect { escape: Some(b'\\'), ..Dialect::default() },
        Dialect { comment: Some(b'#'), trim: true, ..Dialect::default() },
        Dialect { delimiter: b", ".to_vec(), trailing_delimiter: true, ..Dialect::default() },
    ];
    for _ in 0..200 {
        let spec = CsvSpec {
            dialect: random.pick(&dialects),
            skip_lines: random.below(3) as u64 / 2,
            header: random.below(4) == 0,
            on_error: random.pick(&[OnError::Null, OnError::Skip, OnError::Fail]),
            ..spec(random.pick(&["a text, b text", "a text"]))
        };
        let alphabet: &[u8] = random.pick(&[b"a,\"\n" as &[u8], b"aa,, \"\"\n\r#\\", b"\"\n"]);
        let length = random.below(70);
        let text = random.text(alphabet, length);
        for boundary in 0..=text.len() as u64 + 2 {
            check(&text, &spec, &[0, boundary]);
        }
        let all: Vec<u64> = (0..text.len() as u64 + 3).collect();
        check(&text, &spec, &all);
    }
}

#[test]
fn long_quoted_fields_cross_ranges_and_reads() {
    let mut text = Vec::new();
    let mut random = Random::new(42);
    for row in 0..3_000 {
        let lines = if row % 700 == 0 { 20_000 } else { random.below(20) };
        text.extend_from_slice(format!("{row},\"{}\"\r\n", "line, and\n".repeat(lines)).as_bytes());
    }
    let spec = spec("id int, note text");
    let whole = read(&text, &[], &spec, &ReadOptions::default());
    assert_eq!((whole.rows.len(), &whole.error), (3_000, &None));
    for parts in [2, 3, 8, 50] {
        let boundaries: Vec<u64> = (0..parts).map(|part| part * text.len() as u64 / parts).collect();
        let starts = with_lines(&text, &range_starts(&text[..], &spec, &boundaries, 2).unwrap());
        let found = read_ranges(&text, &spec, &starts);
        assert_eq!(found.rows, whole.rows);
        for start in starts {
            let before = &text[..start.offset as usize];
            assert_eq!(start.line, 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64);
        }
    }
}

#[test]
fn a_file_on_disk_is_read_in_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.csv");
    std::fs::write(&path, "a,b\n1,\"x\ny\"\n2,z\n").unwrap();
    let spec = CsvSpec { header: true, ..spec("a int, b text") };
    let starts = range_starts(&File::open(&path).unwrap(), &spec, &[0, 7], 2).unwrap();
    assert_eq!(starts, [0, 12]);
    assert_eq!(line_at(&File::open(&path).unwrap(), 12).unwrap(), 4);
    // As if the quote did not lie across it.
    assert_eq!(start_outside_quotes(&File::open(&path).unwrap(), &spec, 7).unwrap(), 9);
    let range = |start, end| {
        let options = ReadOptions { start, end, ..ReadOptions::default() };
        let reader = crate::reader::Reader::open(&path, &spec, &options).unwrap();
        reader.flat_map(|batch| rows_of(&batch.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(range(Start::default(), Some(12)), ["1|x\ny"]);
    assert_eq!(range(Start { offset: 12, line: 4 }, None), ["2|z"]);
}
