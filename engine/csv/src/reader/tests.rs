//! Files in, batches and rejects out.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::DataType;

use super::*;
use crate::rejects::{Reason, Wider};
use crate::spec::{ColumnType, Dialect, OnError};
use crate::testing::{Outcome, Random, read, rows_of, spec};

fn options() -> ReadOptions {
    ReadOptions { file: Arc::from("f.csv"), ..ReadOptions::default() }
}

/// Rows with `/` between them, then ` ! ` and the error.
fn shown(outcome: &Outcome) -> String {
    let rows = outcome.rows.join("/");
    match &outcome.error {
        Some(error) => format!("{rows} ! {error}"),
        None => rows,
    }
}

fn check(spec: &CsvSpec, text: &str, expect: &str) {
    let outcome = read(text.as_bytes(), &[], spec, &options());
    assert_eq!(shown(&outcome), expect, "{text:?}");
}

fn on(on_error: OnError, columns: &str) -> CsvSpec {
    CsvSpec { on_error, ..spec(columns) }
}

#[test]
fn rows_and_errors() {
    let two = spec("k int, s text");
    check(&two, "1,a\n2,\n,\"\"\n", "1|a/2|~/~|~");
    check(&two, "", "");
    check(&spec(""), "\n\r\n\n", "");
    check(&two, "\u{feff}1,a", "1|a");
    check(
        &two,
        "1,a\n2,\"never closed\n3,c\n4,d",
        "1|a ! f.csv: line 2, column 's': the quote that opens in line 2 is never closed. \
         Declare another quote with --quote, or leave the record out with --on-error skip",
    );
    check(
        &two,
        "1,\"two\nlines\"\n2\n3,c",
        "1|two\nlines ! f.csv: line 3: 1 field where the file has 2 columns. \
         Read the others with --on-error skip, or with --on-error null for what there is of it",
    );
    check(
        &two,
        "1,a\nx1,b\n",
        "1|a ! f.csv: line 2, column 'k': 'x1' is not BIGINT. \
         Declare another type with --types, or leave the record out with --on-error skip",
    );
    check(
        &two,
        "9223372036854775807,a\n9223372036854775808,b",
        "9223372036854775807|a ! f.csv: line 2, column 'k': '9223372036854775808' is not BIGINT. \
         Declare another type with --types, or leave the record out with --on-error skip",
    );
    check(&two, "1,\"x\"y\n2,\"the \"big\" one\"\n", "1|\"x\"y/2|\"the \"big\" one\"");
    check(&spec("d decimal(10,2)"), "1.005\n2.999\n-1.005\n", "1.01/3.00/-1.01");
    check(&spec("a int"), "1\n\n2\n\n", "1/~/2/~");
}

#[test]
fn bad_bytes_are_found_in_every_column() {
    let text = b"1,a\n2,\xff\n3,c\n";
    let cure = "Declare what it is with --encoding, or leave the record out with --on-error skip";
    let outcome = read(text, &[], &spec("k int, s text"), &options());
    assert_eq!(shown(&outcome), format!("1|a ! f.csv: line 2: these bytes are not UTF-8. {cure}"));
    let first = ReadOptions { projection: Some(vec![0]), ..options() };
    let outcome = read(text, &[], &spec("k int, s text"), &first);
    assert_eq!(shown(&outcome), format!("1 ! f.csv: line 2: these bytes are not UTF-8. {cure}"));
    let outcome = read(text, &[], &on(OnError::Skip, "k int, s text"), &options());
    assert_eq!((shown(&outcome).as_str(), outcome.rejects.len()), ("1|a/3|c", 1));
    let outcome = read(text, &[], &on(OnError::Null, "k int, s text"), &options());
    assert_eq!((shown(&outcome).as_str(), outcome.rejects.len()), ("1|a/2|~/3|c", 1));
}

#[test]
fn rejects_are_counted_with_their_places() {
    let text = "1,a,2\n2,b\n3,c,3,x\n4,d,y\n\"5\"z,e,5\n6,\"f";
    let found = |outcome: &Outcome| -> Vec<String> {
        outcome
            .rejects
            .iter()
            .map(|reject| format!("{}@{} {reject}", reject.reason.kind(), reject.offset))
            .collect()
    };
    let options = ReadOptions { stray_quotes: StrayQuotes::Refuse, ..options() };
    let expect = [
        "short@6 line 2: 2 fields where the file has 3 columns",
        "long@10 line 3: 4 fields where the file has 3 columns",
        "value@18 line 4, column 'n': 'y' is not BIGINT",
        "stray quote@24 line 5, column 'k': there is text behind a closing quote",
        "unclosed quote@33 line 6, column 's': the quote that opens in line 6 is never closed",
    ];
    let outcome = read(text.as_bytes(), &[], &on(OnError::Skip, "k text, s text, n int"), &options);
    assert_eq!(shown(&outcome), "1|a|2");
    assert_eq!(found(&outcome), expect);
    assert_eq!(outcome.rejects[2].raw, b"4,d,y");
    let outcome = read(text.as_bytes(), &[], &on(OnError::Null, "k text, s text, n int"), &options);
    assert_eq!(shown(&outcome), "1|a|2/2|b|~/3|c|3/4|d|~/~|e|5/6|~|~");
    assert_eq!(found(&outcome), expect);
}

#[test]
fn records_are_left_out_for_columns_that_nobody_wants() {
    let text = b"1,x,a\n2,3,b\n4,y,\xff\n5,,c\n";
    for (columns, expect) in [("k int, n int, s text", "2/5"), ("k int, n int?, s text", "1/2/5")] {
        let first = ReadOptions { projection: Some(vec![0]), batch_rows: 1, ..options() };
        let outcome = read(text, &[], &on(OnError::Skip, columns), &first);
        assert_eq!(shown(&outcome), expect);
        let nothing = ReadOptions { projection: Some(Vec::new()), ..options() };
        let same = read(text, &[], &on(OnError::Skip, columns), &nothing);
        assert_eq!((same.rows.len(), &same.rejects), (expect.split('/').count(), &outcome.rejects));
    }
    let all = read(text, &[], &on(OnError::Skip, "k int, n int, s text"), &options());
    assert_eq!((shown(&all).as_str(), all.rejects.len()), ("2|3|b/5|~|c", 2));
}

#[test]
fn a_guess_widens_and_never_loses() {
    let check = |columns: &str, text: &str, expect: &[(&str, ColumnType)]| {
        let mut decoder = Decoder::new(&spec(columns), &options()).unwrap();
        decoder.push(text.as_bytes());
        decoder.end();
        let error = loop {
            match decoder.decode() {
                Ok(Decoded::Batch(_)) => {}
                Ok(other) => panic!("{other:?}"),
                Err(ReadError::Wider { widenings, .. }) => break widenings,
                Err(error) => panic!("{error}"),
            }
        };
        let found: Vec<_> = error.into_iter().map(|widening| (widening.column.name, widening.to)).collect();
        let expect: Vec<_> =
            expect.iter().map(|(name, ty)| ((*name).to_owned(), Wider::Type(ty.clone()))).collect();
        assert_eq!(found, expect, "{text:?}");
    };
    let decimal = |scale| ColumnType::Decimal { precision: 38, scale };
    let timestamp = |digits| ColumnType::Timestamp { digits };
    check("a int?", "1\n02134\n", &[("a", ColumnType::Text)]);
    check("a int?", "1\n+41791234567\n", &[("a", ColumnType::Text)]);
    check("a int?", "1\n1.5\n", &[("a", ColumnType::Double)]);
    check("a int?", "1\n9223372036854775808\n", &[("a", decimal(0))]);
    check("a decimal(38,0)?", "1\n1.25\n", &[("a", decimal(2))]);
    check("a decimal(38,30)?", "1\n123456789\n", &[("a", ColumnType::Text)]);
    check("a double?", "1.5\n9007199254740993\n", &[("a", decimal(9))]);
    check("a double?", "1.5\n999999999999999.99\n", &[("a", decimal(9))]);
    check("a double?", "1.5\n0.12345678901234567890\n", &[("a", decimal(19))]);
    check("a double?", "1.5\n-1234567890123456789012345678.5\n", &[("a", decimal(9))]);
    check("a double?", "1.5\n1e400\n", &[("a", ColumnType::Text)]);
    check("a double?", "1.5\nabc\n", &[("a", ColumnType::Text)]);
    check("a bool?", "true\n1\n", &[("a", ColumnType::Text)]);
    check("a date?", "2024-01-02\n2024-01-02 03:04:05.25\n", &[("a", timestamp(3))]);
    check("a date?", "2024-01-02\n2024-13-02\n", &[("a", ColumnType::Text)]);
    check("a timestamp(0)?", "2024-01-02 03:04:05\n2024-01-02 03:04:05.1234567\n", &[("a", timestamp(9))]);
    check("a timestamp(9)?", "2024-01-02 03:04:05\n9999-12-31 00:00:00\n", &[("a", ColumnType::Text)]);
    check(
        "a timestamp(0)?",
        "2020-01-01 00:00:00\n2020-01-01 00:00:00 and more\n",
        &[("a", ColumnType::Text)],
    );
    check(
        "a int?, b date?, c int",
        "1,2024-01-01,1\n1,x,1\nx,x,2\n",
        &[("b", ColumnType::Text), ("a", ColumnType::Text)],
    );
    let outcome = read(b"1\nx1", &[], &spec("a int?"), &options());
    let expect = "1 ! f.csv: column 'a' was guessed BIGINT, and the record in line 2 has 'x1': TEXT holds it";
    assert_eq!(shown(&outcome), expect);
}

#[test]
fn a_usual_text_for_null_does_not_make_a_guess_text() {
    let mut guessed = spec("a int?, b text");
    assert_eq!(widened(b"1,-\n-,NA\nNA,x\n", &mut guessed), ["1|-", "~|NA", "~|x"]);
    assert_eq!(
        (guessed.columns[0].ty.clone(), &guessed.late_nulls[..]),
        (ColumnType::Integer, &["-", "NA"].map(str::to_owned)[..])
    );
    let outcome = read(b"1\nNA", &[], &spec("a int?"), &options());
    let expect =
        "1 ! f.csv: column 'a' was guessed BIGINT, and the record in line 2 has 'NA': it is taken for NULL";
    assert_eq!(shown(&outcome), expect);
    // A declared type is not told by what was found late what its values are, but by what the table has.
    let text = "1,1,-\nNA,2,-\n3,NA,x\n";
    let nulls = |nulls: &[&str], late: &[&str]| CsvSpec {
        nulls: nulls.iter().map(ToString::to_string).collect(),
        late_nulls: late.iter().map(ToString::to_string).collect(),
        ..spec("a int?, b int, c text")
    };
    let expect = "1|1|-/~|2|- ! f.csv: line 3, column 'b': 'NA' is not BIGINT. \
                  Declare another type with --types, or leave the record out with --on-error skip";
    check(&nulls(&[], &["NA"]), text, expect);
    check(&nulls(&["NA"], &[]), text, "1|1|-/~|2|-/3|~|x");
    // What is quoted is a text, and so is what is not among the texts that were declared.
    assert_eq!(widened(b"1,x\n\"NA\",x\n", &mut spec("a int?, b text")), ["1|x", "NA|x"]);
    let mut declared = CsvSpec { nulls_declared: true, ..spec("a int?, b text") };
    assert_eq!(widened(b"1,x\nNA,x\n", &mut declared), ["1|x", "NA|x"]);
}

/// Reads again with wider guesses until they hold.
fn widened(text: &[u8], spec: &mut CsvSpec) -> Vec<String> {
    for _ in 0..100 {
        let batches: Result<Vec<RecordBatch>, _> = Reader::new(text, spec, &options()).unwrap().collect();
        match batches {
            Ok(batches) => return batches.iter().flat_map(rows_of).collect(),
            Err(ReadError::Wider { widenings, .. }) => {
                for widening in widenings {
                    match &widening.to {
                        Wider::Type(ty) => {
                            let column = &mut spec.columns[widening.column.index];
                            assert_ne!(column.ty, *ty, "{widening}");
                            column.ty = ty.clone();
                        }
                        Wider::Null(known) => {
                            assert_eq!(*known, spec.late_nulls);
                            assert!(!known.contains(&widening.value), "{widening}");
                            spec.late_nulls.push(widening.value);
                        }
                    }
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{spec:?} does not hold {:?}", String::from_utf8_lossy(text));
}

#[test]
fn guesses_widen_until_all_values_fit() {
    let values = [
        "1",
        "-1",
        "0",
        "007",
        "+1",
        "1.5",
        "-0.25",
        "1e5",
        "1e300",
        "1e-30",
        "9223372036854775808",
        "NaN",
        "x",
        "9007199254740993",
        "99999999999999999999999999999999999999",
        "123456789012345678901234567890123456789",
        "0.123456789012345678901234567890123456789",
        "true",
        "2024-01-02",
        "2024-01-02 03:04",
        "",
        " 7 ",
        "-",
        ".",
        "2024-01-02T03:04:05.123456789Z",
        "9999-12-31 00:00:00",
        "20240102",
        "+20240-01-01",
        "1,5",
        "é",
    ];
    let types =
        ["bool", "int", "double", "decimal(38,0)", "decimal(5,2)", "date", "timestamp(0)", "timestamp(9)"];
    let mut random = Random::new(21);
    for _ in 0..1_000 {
        let mut spec = spec(&format!("a {}?, b text", random.pick(&types)));
        let rows = 1 + random.below(6);
        let chosen: Vec<&str> = (0..rows).map(|_| random.pick(&values)).collect();
        let text: String = chosen.iter().map(|value| format!("\"{value}\",x\n")).collect();
        let read = widened(text.as_bytes(), &mut spec);
        assert_eq!(read.len(), rows);
        if spec.columns[0].ty == ColumnType::Text {
            let expect: Vec<String> = chosen
                .iter()
                .map(|value| format!("{}|x", if value.is_empty() { "~" } else { value }))
                .collect();
            assert_eq!(read, expect);
        }
    }
}

#[test]
fn what_stands_above_the_records_is_passed() {
    let above = CsvSpec { skip_lines: 2, header: true, ..spec("a int, b text") };
    check(&above, "\u{feff}title \"open\r\n\r\n\"a\nb\",b,c,\n1,x\n", "1|x");
    check(&above, "title\n", "");
    check(&above, "title\n\na,b", "");
    let names = |text: &str| header_names(text.as_bytes(), &above).unwrap().unwrap();
    assert_eq!(names("\u{feff}title\nx\n\n\"a \"\"x\"\"\",b\n1,2"), ["a \"x\"", "b"]);
    assert_eq!(names("title"), [""; 0]);
    let outcome = read(b"t\r\n\r\na,b\r\n1,x\r\n2", &[], &above, &options());
    assert!(outcome.error.unwrap().starts_with("f.csv: line 5: 1 field"));
}

#[test]
fn a_record_that_is_too_long_says_where_its_quote_opens() {
    let short = ReadOptions { record_bytes_max: 100, ..options() };
    let text = format!("1,a\n2,b\n3,c\nd,\n4,\"x\n{}", "y".repeat(200));
    let cuts: Vec<usize> = (0..text.len()).collect();
    let error = "f.csv: line 5: the record has more than 100 bytes, and a quote is open since line 5. \
                 Declare another quote with --quote, or leave the record out with --on-error skip";
    let outcome = read(text.as_bytes(), &cuts, &spec("k text, s text"), &short);
    assert_eq!(outcome.error.as_deref(), Some(error));
}

fn hostile_spec(random: &mut Random) -> (CsvSpec, ReadOptions) {
    let columns =
        ["a text, b text", "a int, b text", "a text", "a decimal(4,1), b int?, c bool", "a date?, b text"];
    let dialects = [
        Dialect::default(),
        Dialect { trim: true, comment: Some(b'#'), ..Dialect::default() },
        Dialect { escape: Some(b'\\'), trailing_delimiter: true, ..Dialect::default() },
    ];
    let on_error = random.pick(&[OnError::Fail, OnError::Skip, OnError::Null]);
    let spec = CsvSpec {
        dialect: random.pick(&dialects),
        on_error,
        skip_lines: random.below(2) as u64,
        header: random.below(3) == 0,
        ..spec(random.pick(&columns))
    };
    let stray_quotes = random.pick(&[StrayQuotes::Keep, StrayQuotes::Refuse]);
    (spec, ReadOptions { stray_quotes, batch_rows: 1 + random.below(4), ..options() })
}

#[test]
fn hostile_bytes_in_pieces_are_the_same_bytes() {
    let mut random = Random::new(22);
    for _ in 0..600 {
        let (spec, mut options) = hostile_spec(&mut random);
        let length = random.below(60);
        let text = random.text(b"1,1,a\"\"\n\n\r\\# \xff\xc3\xa9-.", length);
        let whole = read(&text, &[], &spec, &options);
        options.batch_rows = 8192;
        assert_eq!(read(&text, &[], &spec, &options), whole, "{text:?}");
        for cut in 0..text.len() {
            assert_eq!(read(&text, &[cut], &spec, &options), whole, "{text:?} at {cut} {spec:?}");
        }
        let each: Vec<usize> = (0..text.len()).collect();
        assert_eq!(read(&text, &each, &spec, &options), whole, "{text:?}");
    }
}

/// What takes time by the square of its length would not end here.
#[test]
fn large_hostile_texts_are_read_in_time() {
    let patterns = [
        "\"",
        ",",
        "\r",
        "\"\n",
        "\"a\n",
        "\"\"",
        "a\"",
        " ",
        " \"",
        "#\n",
        "\\\"",
        "\"\\\"\n,",
        "\"\"\"\n",
        "x",
    ];
    let dialects = [
        Dialect::default(),
        Dialect { trim: true, comment: Some(b'#'), escape: Some(b'\\'), ..Dialect::default() },
        Dialect { delimiter: b",,".to_vec(), trailing_delimiter: true, ..Dialect::default() },
    ];
    for (pattern, dialect) in
        patterns.iter().flat_map(|pattern| dialects.iter().map(move |dialect| (pattern, dialect)))
    {
        let text = pattern.repeat((1 << 18) / pattern.len());
        let spec = CsvSpec { dialect: dialect.clone(), ..on(OnError::Null, "a text, b text") };
        let whole = read(text.as_bytes(), &[], &spec, &options());
        let pieces: Vec<usize> = (0..text.len()).step_by(1000).collect();
        assert!(read(text.as_bytes(), &pieces, &spec, &options()) == whole, "{pattern:?} {dialect:?}");
    }
}

#[test]
fn long_texts_are_read_slab_by_slab() {
    let mut random = Random::new(23);
    for on_error in [OnError::Fail, OnError::Skip, OnError::Null] {
        let mut text = String::new();
        let mut good = Vec::new();
        for row in 0..40_000 {
            if on_error != OnError::Fail && random.below(50) == 0 {
                text.push_str(random.pick(&["x,bad\n", "1\n", "1,2,3\n"]));
                continue;
            }
            text.push_str(&format!("{row},\"text {row}\n\"\n"));
            good.push(format!("{row}|text {row}\n"));
        }
        let outcome = read(text.as_bytes(), &[], &on(on_error, "a int, b text"), &options());
        assert_eq!(outcome.error, None);
        assert_eq!(outcome.rejects.len(), 40_000 - good.len());
        for reject in &outcome.rejects {
            let lines_before = text[..reject.offset as usize].matches('\n').count() as u64;
            assert_eq!(reject.line, lines_before + 1);
        }
        if on_error == OnError::Null {
            assert_eq!(outcome.rows.len(), 40_000);
        } else {
            assert_eq!(outcome.rows, good);
        }
        let pulled: Vec<RecordBatch> =
            Reader::new(text.as_bytes(), &on(on_error, "a int, b text"), &options())
                .unwrap()
                .map(Result::unwrap)
                .collect();
        assert_eq!(pulled.iter().flat_map(rows_of).collect::<Vec<_>>(), outcome.rows);
        assert!(pulled.iter().all(|batch| batch.num_rows() <= 8192));
    }
}

#[test]
fn an_error_of_the_file_comes_behind_its_whole_records() {
    struct Failing<'a>(&'a [u8]);
    impl std::io::Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.len() {
                0 => Err(std::io::Error::other("gone")),
                _ => std::io::Read::read(&mut self.0, buffer),
            }
        }
    }
    let mut reader = Reader::new(Failing(b"1,a\n2,b\n3,"), &spec("a int, b text"), &options()).unwrap();
    assert_eq!(rows_of(&reader.next().unwrap().unwrap()), ["1|a", "2|b"]);
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "f.csv: reading failed behind byte 10: gone. Look whether the file is complete, and not written to"
    );
    assert!(reader.next().is_none());
}

#[test]
fn a_wide_file_is_in_proportion() {
    let columns: Vec<String> = (0..9_000).map(|index| format!("c{index} int")).collect();
    let record: Vec<String> = (0..9_000).map(|index| index.to_string()).collect();
    let record = record.join(",");
    let text = format!("{record}\n{record}\n{record}\n");
    let outcome = read(text.as_bytes(), &[], &spec(&columns.join(",")), &options());
    assert_eq!(outcome.rows, [record.replace(',', "|"), record.replace(',', "|"), record.replace(',', "|")]);
    let none = ReadOptions { projection: Some(Vec::new()), ..options() };
    let batches: Vec<RecordBatch> =
        Reader::new(text.as_bytes(), &spec(&columns.join(",")), &none).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
}

#[test]
fn what_cannot_be_is_said_before_anything_is_read() {
    let refused =
        |spec: &CsvSpec, options: &ReadOptions| Decoder::new(spec, options).unwrap_err().to_string();
    let dialect = |dialect: Dialect| CsvSpec { dialect, ..spec("a int") };
    let plain = Dialect::default();
    let none = dialect(Dialect { delimiter: Vec::new(), ..plain.clone() });
    assert_eq!(refused(&none, &options()), "f.csv: the delimiter is empty");
    let both = dialect(Dialect { delimiter: b"\"".to_vec(), ..plain.clone() });
    assert_eq!(refused(&both, &options()), "f.csv: the byte 0x22 cannot be the delimiter and the quote");
    let lines = dialect(Dialect { delimiter: b"\n".to_vec(), ..plain });
    assert_eq!(refused(&lines, &options()), "f.csv: the byte 0x0a cannot be the line end and the delimiter");
    let outside = ReadOptions { projection: Some(vec![1]), ..options() };
    assert_eq!(refused(&spec("a int"), &outside), "f.csv: there is no column 1: the file has 1");
    let binary = ReadOptions { text: DataType::Binary, ..options() };
    assert_eq!(
        refused(&spec("a text"), &binary),
        "f.csv: column 'a' is TEXT in the file, which cannot be read as Binary"
    );
    assert!(matches!(Reason::Bytes.kind(), "bytes"));
}
