//! The guess and the reader together: what was looked at as a whole is read without a second try.

use crate::reader::{Decoded, Decoder, ReadOptions};
use crate::rejects::ReadError;
use crate::spec::OnError;

use super::*;

/// Reads a text in UTF-8 by the guess at it. Returns the count of rows and of rejects.
pub(super) fn read(text: &[u8], spec: &CsvSpec) -> Result<(usize, usize), ReadError> {
    let mut decoder = Decoder::new(spec, &ReadOptions::default())?;
    decoder.push(text);
    decoder.end();
    let (mut rows, mut rejects) = (0, 0);
    loop {
        let decoded = decoder.decode();
        rejects += decoder.take_rejects().len();
        match decoded? {
            Decoded::Batch(batch) => rows += batch.num_rows(),
            Decoded::More | Decoded::End => return Ok((rows, rejects)),
        }
    }
}

/// A file that was looked at as a whole needs no wider type, and its specification makes sense to the reader.
pub(super) fn check_guess(text: &[u8], spec: &CsvSpec) {
    if spec.encoding != Encoding::Utf8 || spec.compression != Compression::None || spec.columns.is_empty() {
        return;
    }
    let spec = CsvSpec { on_error: OnError::Skip, ..spec.clone() };
    match read(text, &spec) {
        Ok(_) => {}
        Err(error) => {
            let shown = String::from_utf8_lossy(&text[..text.len().min(500)]).into_owned();
            panic!("{error}\n{}\n{shown:?}", super::shown(&spec));
        }
    }
}

#[test]
fn rows_are_all_there() {
    for (text, rows) in [
        ("a,b\n1,x\n2,y\n", 2),
        ("1;2\n3;4\n", 2),
        ("x\ny\n\na\tb\n1\t2\n", 1),
        ("# c\na,b\n1,2\n", 1),
        ("a, b\n1, \"x, y\"\n", 1),
        ("a,b,c,\n1,2,3,\n", 1),
        ("d;v\n31.12.2024;1.234,5\n1.2.2024;0,5\n", 2),
        ("sep=;\na;b\n1;2\n", 1),
        ("t\n2024-01-01 9:05\n", 1),
        ("t\n1/31/2024 9:05\n2/1/2024 10:15\n", 2),
        ("n\n123456789012345678901234567890\nNA\n1\n", 3),
        ("a,b\n'x, y',1\n'z',2\n", 2),
    ] {
        let spec = sniff(text.as_bytes()).spec;
        assert_eq!(read(text.as_bytes(), &spec).unwrap(), (rows, 0), "{text:?} {}", shown(&spec));
    }
}

#[test]
fn what_the_statement_says_reads_the_same() {
    for text in [
        "a,b\n1,x\n2,y\n",
        "d;v\n31.12.2024;1.234,5\n1.2.2024;0,5\n",
        "# c\na, b\n1, \"x, y\"\n2, z\n",
        "Report\n\na|b|c|\n1|2|x|\n3|NA|y|\n",
        "1\t\"x \\\"y\\\" z\"\t2\n1\t\"x\"\t3\n",
        "a,b\n'x, y',1\n'z',2\n",
        "\"a,b\",\"c;=d\"\n01/31/2024,\"1,234.5\"\n01/31/2024,\"2,234.5\"\n",
    ] {
        let first = sniff(text.as_bytes()).spec;
        let mut declared = Overrides::default();
        for (name, value) in options(&first) {
            declared.set(name, &value).unwrap();
        }
        let types = first.columns.iter().map(|column| (column.name.clone(), column.ty.clone()));
        declared.types = types.collect();
        let mut second = sniff_bytes(text.as_bytes(), true, &declared).unwrap().spec;
        second.nulls_declared = false;
        for column in &mut second.columns {
            assert!(column.declared);
            column.declared = false;
        }
        assert_eq!(second, first, "{text:?}");
    }
}
