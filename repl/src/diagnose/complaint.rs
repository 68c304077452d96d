//! The record of a CSV file that an error is about.
//!
//! In: the text of an error of arrow-csv, and the files that were read. Out: the record as it stands in its file, or
//! nothing. A wrong record is never shown: each candidate is read as arrow-csv reads it, up to the number in the error,
//! and must have the very fault that the error tells; if two candidates have it, neither is shown.
//!
//! What the number counts (arrow-csv 59): records, not lines, from where the reader began: the file, or the byte range
//! of a partition. Errors about the number of fields and about UTF-8 count from 1 and include the header
//! (`RecordDecoder::line_number`); errors about values say one less (`Decoder::line_number` begins with 1 behind a
//! header, else with 0).

use std::path::PathBuf;

use super::records::{Candidate, READ_BYTES_MAX, Record, RecordReader, line_of};

/// The record that an error is about.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// Of the line that it begins in; nothing if that is too far into the file to count.
    pub line: Option<u64>,
    /// Without the line end, decoded lossily.
    pub text: String,
    /// The value that was not read, if it can be told, and the name of its column.
    pub value: Option<(String, Option<String>)>,
}

/// What an error of arrow-csv says about a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Which record of the file or the range, from 1, the header included.
    ordinal: u64,
    fault: Fault,
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// So many fields where others have `expected`; or more than that.
    Fields {
        found: usize,
        or_more: bool,
    },
    Utf8 {
        field: usize,
    },
    /// The whole message, which repeats the record.
    Value {
        column: usize,
        message: String,
    },
    /// The message quotes the value.
    Moment {
        column: usize,
        message: String,
    },
}

impl Complaint {
    /// From the text of a `CsvError` or `ParseError`.
    pub fn of(message: &str) -> Option<Complaint> {
        let number = |text: &str| -> Option<u64> {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse().ok()
        };
        let behind = |text: &'_ str, mark: &str| text.split_once(mark).map(|(_, rest)| rest.to_owned());
        if let Some(rest) = behind(message, "incorrect number of fields for line ") {
            let found = behind(&rest, " got ")?;
            let (or_more, found) = match found.strip_prefix("more than ") {
                Some(found) => (true, number(found)?),
                None => (false, number(&found)?),
            };
            let fault = Fault::Fields { found: usize::try_from(found).ok()?, or_more };
            return Some(Complaint { ordinal: number(&rest)?, fault });
        }
        if let Some(rest) = behind(message, "Encountered invalid UTF-8 data for line ") {
            let field = usize::try_from(number(&behind(&rest, " and field ")?)?).ok()?.checked_sub(1)?;
            return Some(Complaint { ordinal: number(&rest)?, fault: Fault::Utf8 { field } });
        }
        let is_value = message.starts_with("Error while parsing value '");
        let rest = if is_value {
            behind(message, "' for column ")?
        } else {
            message.strip_prefix("Error parsing column ")?.to_owned()
        };
        let column = usize::try_from(number(&rest)?).ok()?;
        let ordinal = number(&behind(&rest, " at line ")?)?.checked_add(1)?;
        let message = message.to_owned();
        let fault =
            if is_value { Fault::Value { column, message } } else { Fault::Moment { column, message } };
        Some(Complaint { ordinal, fault })
    }

    /// Whether a record has this fault.
    fn fits(&self, record: &Record) -> bool {
        match &self.fault {
            Fault::Fields { found, or_more: false } => record.fields.len() == *found,
            Fault::Fields { found, or_more: true } => record.fields.len() > *found,
            Fault::Utf8 { field } => {
                record.fields.get(*field).is_some_and(|bytes| str::from_utf8(bytes).is_err())
            }
            Fault::Value { column, message } => {
                let Some(fields) = record.texts() else { return false };
                let Some(value) = fields.get(*column) else { return false };
                // As `build_primitive_array` writes it, all but the type, which has no quotes.
                let head = format!("Error while parsing value '{value}' as type '");
                let line = self.ordinal - 1;
                let tail =
                    format!("' for column {column} at line {line}. Row data: '[{}]'", fields.join(","));
                let kind = message.strip_prefix(&head).and_then(|rest| rest.strip_suffix(&tail));
                kind.is_some_and(|kind| !kind.contains('\''))
            }
            Fault::Moment { column, message } => record
                .texts()
                .and_then(|fields| fields.get(*column).map(|value| message.contains(&format!("'{value}'"))))
                .unwrap_or(false),
        }
    }

    fn value(&self, record: &Record, columns: &[String]) -> Option<(String, Option<String>)> {
        match self.fault {
            Fault::Value { column, .. } | Fault::Moment { column, .. } => {
                let value = *record.texts()?.get(column)?;
                Some((value.to_owned(), columns.get(column).cloned()))
            }
            Fault::Fields { .. } | Fault::Utf8 { .. } => None,
        }
    }
}

/// The one record of all candidates that has the fault. Nothing if there is none, or more than one, or if reading took
/// too long to tell, or a file changed or cannot be read.
pub fn find(complaint: &Complaint, candidates: &[Candidate]) -> Option<Found> {
    let mut budget = READ_BYTES_MAX;
    let mut found = None;
    for candidate in candidates {
        let mut reader = RecordReader::open(candidate, budget).ok()?;
        let nth = reader.nth(complaint.ordinal).ok()?;
        budget = reader.budget_left()?;
        if let Some(record) = nth.filter(|record| complaint.fits(record))
            && found.replace((candidate, record)).is_some()
        {
            return None;
        }
    }
    let (candidate, record) = found?;
    Some(Found {
        path: candidate.path.clone(),
        line: line_of(candidate, record.offset).ok().flatten(),
        value: complaint.value(&record, &candidate.columns),
        text: String::from_utf8_lossy(&record.raw).into_owned(),
    })
}

/// The first record of a file that has another number of fields than the first, which must be `expected`.
pub fn first_unequal(candidate: &Candidate, expected: usize, found: usize) -> Option<Found> {
    let mut reader = RecordReader::open(candidate, READ_BYTES_MAX).ok()?;
    let first = reader.next().ok()??;
    loop {
        let record = reader.next().ok()??;
        reader.budget_left()?;
        if record.fields.len() == first.fields.len() {
            continue;
        }
        if (first.fields.len(), record.fields.len()) != (expected, found) {
            return None;
        }
        return Some(Found {
            path: candidate.path.clone(),
            line: line_of(candidate, record.offset).ok().flatten(),
            text: String::from_utf8_lossy(&record.raw).into_owned(),
            value: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::csv;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::arrow::error::ArrowError;
    use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
    use pushdown::testing::Random;

    use super::super::records::{FileDialect, RECORD_BYTES_MAX};
    use super::*;

    const PLAIN: FileDialect =
        FileDialect { delimiter: b',', quote: b'"', escape: None, terminator: None, comment: None };

    /// A folder with these files.
    fn files(texts: &[&[u8]]) -> (tempfile::TempDir, Vec<Candidate>) {
        let folder = tempfile::tempdir().unwrap();
        let candidates = texts.iter().enumerate().map(|(at, text)| {
            let path = folder.path().join(format!("{at}.csv"));
            std::fs::write(&path, text).unwrap();
            let compression = FileCompressionType::UNCOMPRESSED;
            Candidate { path, range: None, dialect: PLAIN, compression, columns: Arc::default() }
        });
        let candidates = candidates.collect();
        (folder, candidates)
    }

    /// Line and text of the record in a file.
    fn in_file(text: &[u8], message: &str) -> Option<(u64, String)> {
        let (_files, candidates) = files(&[text]);
        let found = find(&Complaint::of(message)?, &candidates)?;
        Some((found.line.unwrap(), found.text))
    }

    fn value_message(value: &str, column: usize, line: usize, row: &str) -> String {
        format!(
            "Error while parsing value '{value}' as type 'Int64' for column {column} at line {line}. Row data: '[{row}]'"
        )
    }

    #[test]
    fn the_number_counts_records_and_lines_are_shown() {
        let text = b"\xef\xbb\xbfa,b\r\n\r\n\"x\ny\",2\r\n\n\n3,4,5\r\n6,z\r\n";
        let fields = "incorrect number of fields for line 3, expected 2 got 3";
        assert_eq!(in_file(text, fields), Some((7, "3,4,5".into())));
        let more = "incorrect number of fields for line 3, expected 2 got more than 2";
        assert_eq!(in_file(text, more), Some((7, "3,4,5".into())));
        assert_eq!(in_file(text, &value_message("z", 1, 3, "6,z")), Some((8, "6,z".into())));
        assert_eq!(in_file(text, &value_message("a", 0, 0, "a,b")), Some((1, "a,b".into())));
    }

    /// What arrow-csv says of a file of two columns of numbers.
    fn refusal(text: &[u8], header: bool, batch_rows: usize) -> Option<String> {
        let fields = ["a", "b"].map(|name| Field::new(name, DataType::Int64, true));
        let builder = csv::ReaderBuilder::new(Arc::new(Schema::new(fields.to_vec())));
        let mut reader = builder.with_header(header).with_batch_size(batch_rows).build(text).unwrap();
        match reader.find_map(Result::err)? {
            ArrowError::CsvError(message) | ArrowError::ParseError(message) => Some(message),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn whatever_arrow_csv_refuses_is_found() {
        const PIECES: [&[u8]; 12] =
            [b"1", b"2", b"x", b",", b",", b"1,2\n", b"3,4\r\n", b"\"", b"\n", b"\r\n", b"\r", b"\xff"];
        let mut random = Random::new(4711);
        let mut refused = 0;
        for case in 0..2000 {
            let count = 1 + random.below(20);
            let text: Vec<u8> = (0..count).flat_map(|_| random.pick(&PIECES).to_vec()).collect();
            let (header, batch_rows) = (random.one_in(2), 1 + random.below(4));
            let Some(message) = refusal(&text, header, batch_rows) else { continue };
            refused += 1;
            let shown = String::from_utf8_lossy(&text).into_owned();
            let complaint = Complaint::of(&message).unwrap_or_else(|| panic!("{case}: {message}"));
            let (_folder, candidates) = files(&[&text]);
            assert!(
                find(&complaint, &candidates).is_some(),
                "{case}: {message}: {shown:?} {header} {batch_rows}"
            );
        }
        assert!(refused > 500, "{refused}");
    }

    #[test]
    fn a_record_without_the_fault_is_not_shown() {
        let text = b"a,b\n1,2\n3,4,5\n6,z";
        for message in [
            "incorrect number of fields for line 2, expected 2 got 3",
            "incorrect number of fields for line 3, expected 2 got 4",
            "incorrect number of fields for line 3, expected 2 got more than 3",
            "incorrect number of fields for line 9, expected 2 got 3",
            "Encountered invalid UTF-8 data for line 2 and field 1",
            "Encountered invalid UTF-8 data for line 2 and field 0",
            &value_message("z", 1, 2, "6,z"),
            &value_message("z", 0, 3, "6,z"),
            &value_message("z", 1, 3, "6,y"),
            "Cannot cast string",
            "",
        ] {
            assert_eq!(in_file(text, message), None, "{message}");
        }
        // The last record without a line end is one.
        assert_eq!(in_file(text, &value_message("z", 1, 3, "6,z")), Some((4, "6,z".into())));
    }

    #[test]
    fn bytes_that_are_no_text() {
        let message = "Encountered invalid UTF-8 data for line 2 and field 2";
        assert_eq!(in_file(b"a,b\n1,\xff\n", message), Some((2, "1,\u{fffd}".into())));
    }

    #[test]
    fn moments() {
        let message =
            "Error parsing column 1 at line 2: Parser error: Error parsing timestamp from 'x': too short";
        assert_eq!(in_file(b"a,b\n1,2024-01-01\n2,x\n", message), Some((3, "2,x".into())));
        assert_eq!(in_file(b"a,b\n1,2024-01-01\n2,y\n", message), None);
    }

    #[test]
    fn of_several_files_one_must_have_the_fault() {
        let complaint = Complaint::of("incorrect number of fields for line 2, expected 2 got 3").unwrap();
        let (_files, candidates) = files(&[b"a,b\n1,2\n", b"a,b\n3,4,5\n"]);
        let found = find(&complaint, &candidates).unwrap();
        assert_eq!((&found.path, found.text.as_str()), (&candidates[1].path, "3,4,5"));
        let (_files, both) = files(&[b"a,b\n1,2,3\n", b"a,b\n3,4,5\n"]);
        assert_eq!(find(&complaint, &both), None);
        let (files, candidates) = files(&[b"a,b\n3,4,5\n"]);
        drop(files);
        assert_eq!(find(&complaint, &candidates), None);
    }

    #[test]
    fn ranges_count_from_their_own_beginning() {
        let text = b"a,b\n1,2\n3,4\n5,6,7\n8,9\n";
        let (_files, mut candidates) = files(&[text]);
        let second = |message: &str, range| {
            let mut candidate = candidates[0].clone();
            candidate.range = Some(range);
            find(&Complaint::of(message).unwrap(), &[candidate])
                .map(|found| (found.line.unwrap(), found.text))
        };
        let fields = |line| format!("incorrect number of fields for line {line}, expected 2 got 3");
        let record = Some((4, "5,6,7".to_owned()));
        // From the middle of a line, from the very beginning of one, and from the file's.
        assert_eq!(second(&fields(2), (5, 14)), record);
        assert_eq!(second(&fields(1), (12, 26)), record);
        assert_eq!(second(&fields(2), (8, 13)), record);
        assert_eq!(second(&fields(4), (0, 26)), record);
        // A record that begins behind the end belongs to the next range.
        assert_eq!(second(&fields(2), (8, 12)), None);
        assert_eq!(second(&value_message("7", 2, 1, "5,6,7"), (5, 26)), record);
        let whole = candidates[0].clone();
        candidates[0].range = Some((0, 12));
        candidates.push(Candidate { range: Some((12, 26)), ..whole });
        assert_eq!(find(&Complaint::of(&fields(1)).unwrap(), &candidates).unwrap().line, Some(4));
    }

    #[test]
    fn schemas_and_the_first_record_that_differs() {
        let (_files, candidates) = files(&[b"a,b\n1,2\n\n3\n5,6,7\n"]);
        let found = first_unequal(&candidates[0], 2, 1).unwrap();
        assert_eq!((found.line, found.text.as_str()), (Some(4), "3"));
        assert_eq!(first_unequal(&candidates[0], 2, 3), None);
    }

    #[test]
    fn other_dialects_and_compressed_files() {
        let (_files, mut candidates) = files(&[b"# a,b\na;b#c\n# ;;;\n'x;''y\n';2\n1;2;3\n"]);
        candidates[0].dialect = FileDialect { delimiter: b';', quote: b'\'', comment: Some(b'#'), ..PLAIN };
        let complaint = Complaint::of("incorrect number of fields for line 3, expected 2 got 3").unwrap();
        let found = find(&complaint, &candidates).unwrap();
        assert_eq!((found.line, found.text.as_str()), (Some(6), "1;2;3"));
        let complaint = Complaint::of(&value_message("x;'y\n", 0, 1, "x;'y\n,2")).unwrap();
        assert_eq!(find(&complaint, &candidates).unwrap().text, "'x;''y\n';2");
    }

    #[test]
    fn a_record_that_is_too_long_leaves_it_open() {
        let long = format!("a,b\n1,2,{}\n", "x".repeat(RECORD_BYTES_MAX));
        let complaint = Complaint::of("incorrect number of fields for line 2, expected 2 got 3").unwrap();
        let (_files, candidates) = files(&[long.as_bytes(), b"a,b\n3,4,5\n"]);
        assert_eq!(find(&complaint, &candidates), None);
        assert!(find(&complaint, &candidates[1..]).is_some());
    }
}
