//! Places of fields, against the slow splitter and at every cut.

use super::reference::{Cell, Row, rows};
use super::*;
use crate::spec::Dialect;
use crate::testing::Random;
use crate::values::Quoting;

/// What the fast splitter finds, in the words of the reference. `cuts` are where the text comes in pieces.
fn split(text: &[u8], cuts: &[usize], dialect: &Dialect, columns: usize, on_fault: OnFault) -> Vec<Row> {
    let splitter = Splitter::new(dialect, columns);
    let mut found = Vec::new();
    let mut at = 0;
    let mut slab = Slab::default();
    for &cut in cuts.iter().chain(&[text.len()]) {
        let is_last = cut == text.len();
        let limits = Limits { is_last, rows_max: usize::MAX, stop_at: usize::MAX, on_fault };
        slab.clear();
        let read = splitter.split(&text[at..cut], limits, &mut slab);
        collect(text, at, &slab, dialect, columns, &mut found);
        at += read;
    }
    found
}

fn collect(text: &[u8], base: usize, slab: &Slab, dialect: &Dialect, columns: usize, found: &mut Vec<Row>) {
    let quoting =
        Quoting { quote: dialect.quote, escape: dialect.escape.filter(|_| dialect.escape != dialect.quote) };
    let mut field = 0;
    for (row, bounds) in slab.bounds.iter().enumerate() {
        let fault = slab.faults.iter().find(|fault| fault.bounds == *bounds);
        let count = match fault.map(|fault| fault.kind) {
            Some(FaultKind::Count(count)) if !is_mended(slab, columns) => count,
            _ => columns,
        };
        let cells = slab.fields[field..field + count].iter().enumerate();
        let cells = cells.map(|(column, place)| {
            let raw = str::from_utf8(&text[base + place.start()..base + place.end()]).unwrap();
            let mut value = raw.to_owned();
            if place.form() == Form::Escaped {
                value.clear();
                quoting.unescape(raw, &mut value);
            }
            let is_stray = slab.strays.contains(&(row as u32, column as u32));
            assert_eq!(is_stray, place.form() == Form::Stray);
            Cell {
                text: value.into_bytes(),
                is_quoted: matches!(place.form(), Form::Quoted | Form::Escaped),
                is_stray,
            }
        });
        let unclosed = match fault.map(|fault| fault.kind) {
            Some(FaultKind::Unclosed { quote, .. }) => Some(base + quote as usize),
            _ => None,
        };
        let start = base + bounds.start as usize;
        found.push(Row {
            start,
            end: base + bounds.end as usize,
            lines_before: count_line_ends(&text[..start]) as usize,
            cells: cells.collect(),
            unclosed,
        });
        field += count;
    }
    assert_eq!(field, slab.fields.len());
}

/// Whether each record has as many fields as there are columns.
fn is_mended(slab: &Slab, columns: usize) -> bool {
    slab.fields.len() == slab.bounds.len() * columns
}

/// What the reference finds, mended as `OnFault::Mend` does.
fn mended(text: &[u8], dialect: &Dialect, columns: usize) -> Vec<Row> {
    let empty = Cell { text: Vec::new(), is_quoted: false, is_stray: false };
    let mut found = rows(text, dialect, columns);
    for row in &mut found {
        row.cells.resize(columns, empty.clone());
    }
    found
}

fn dialects() -> Vec<Dialect> {
    let plain = Dialect::default();
    vec![
        plain.clone(),
        Dialect { quote: None, ..plain.clone() },
        Dialect { escape: Some(b'\\'), ..plain.clone() },
        Dialect { comment: Some(b'#'), ..plain.clone() },
        Dialect { trim: true, ..plain.clone() },
        Dialect { trailing_delimiter: true, ..plain.clone() },
        Dialect { delimiter: b", ".to_vec(), ..plain.clone() },
        Dialect { delimiter: b",,".to_vec(), trim: true, comment: Some(b'#'), ..plain.clone() },
        Dialect { delimiter: b" ".to_vec(), trim: true, escape: Some(b'\\'), ..plain.clone() },
        Dialect { delimiter: b"\t".to_vec(), quote: Some(b'\''), trailing_delimiter: true, ..plain.clone() },
        Dialect { escape: Some(b'\\'), comment: Some(b'#'), trim: true, trailing_delimiter: true, ..plain },
    ]
}

#[test]
fn the_fast_splitter_finds_what_the_slow_one_does() {
    let mut random = Random::new(11);
    for round in 0..10_000 {
        let dialect = random.pick(&dialects());
        let columns = 1 + random.below(3);
        let alphabets: [&[u8]; 4] = [b"a,\"\n", b"a,\"\n\r \\#", b"a\"\"\"\n,,", b"ab, \t'\n\"#"];
        let length = random.below(if round % 10 == 0 { 300 } else { 24 });
        let alphabet = random.pick(&alphabets);
        let text = random.text(alphabet, length);
        let expected = mended(&text, &dialect, columns);
        let found = split(&text, &[], &dialect, columns, OnFault::Mend);
        assert_eq!(found, expected, "{:?} {dialect:?} {columns}", String::from_utf8_lossy(&text));
        let whole: Vec<Row> = rows(&text, &dialect, columns)
            .into_iter()
            .filter(|row| row.unclosed.is_none() && row.cells.len() == columns)
            .collect();
        let found = split(&text, &[], &dialect, columns, OnFault::LeaveOut);
        assert_eq!(found, whole, "{:?} {dialect:?} {columns}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn a_text_that_comes_in_pieces_is_the_same_text() {
    let mut random = Random::new(12);
    for _ in 0..800 {
        let dialect = random.pick(&dialects());
        let columns = 1 + random.below(3);
        let length = random.below(80);
        let text = random.text(b"aa,,\"\n\r \\#", length);
        let expected = mended(&text, &dialect, columns);
        for cut in 0..text.len() {
            let found = split(&text, &[cut], &dialect, columns, OnFault::Mend);
            assert_eq!(found, expected, "{:?} at {cut} {dialect:?}", String::from_utf8_lossy(&text));
        }
        let each: Vec<usize> = (0..text.len()).collect();
        assert_eq!(split(&text, &each, &dialect, columns, OnFault::Mend), expected);
    }
}

#[test]
fn a_walk_goes_on_where_it_stopped() {
    let mut random = Random::new(13);
    for _ in 0..2_000 {
        let dialect = random.pick(&dialects());
        let columns = 2;
        let length = random.below(120);
        let text = random.text(b"aa,,\"\n\r \\#", length);
        let splitter = Splitter::new(&dialect, columns);
        let (mut at, mut found, mut slab) = (0, Vec::new(), Slab::default());
        while at < text.len() {
            let limits = Limits {
                is_last: true,
                rows_max: 1 + random.below(3),
                stop_at: 1 + random.below(40),
                on_fault: OnFault::Mend,
            };
            slab.clear();
            let read = splitter.split(&text[at..], limits, &mut slab);
            assert!(read > 0, "{:?} at {at}", String::from_utf8_lossy(&text));
            assert!(slab.bounds.iter().all(|bounds| (bounds.start as usize) < limits.stop_at));
            collect(&text, at, &slab, &dialect, columns, &mut found);
            at += read;
        }
        assert_eq!(found, mended(&text, &dialect, columns), "{:?}", String::from_utf8_lossy(&text));
    }
}

/// Fields with `|` between them, records with `/`; a stray field has a `!` before it.
fn check(text: &str, dialect: &Dialect, expect: &str) {
    let columns = 2;
    let shown: Vec<String> = split(text.as_bytes(), &[], dialect, columns, OnFault::Mend)
        .into_iter()
        .map(|row| {
            let cells = row.cells.into_iter().map(|cell| {
                let mark = if cell.is_stray { "!" } else { "" };
                format!("{mark}{}", String::from_utf8(cell.text).unwrap())
            });
            cells.collect::<Vec<_>>().join("|")
        })
        .collect();
    assert_eq!(shown.join("/"), expect, "{text:?}");
}

#[test]
fn records_and_fields() {
    let plain = Dialect::default();
    check("a,b\n1,2\n", &plain, "a|b/1|2");
    check("a,b\r\n1,2", &plain, "a|b/1|2");
    check("a,b\r1,2\r", &plain, "a|b/1|2");
    check("a,b\n\n\r\n1,2\n\n", &plain, "a|b/1|2");
    check("\"a,\"\"b\"\"\n\",c\n", &plain, "a,\"b\"\n|c");
    check("1,\"x\"y\n", &plain, "1|!\"x\"y");
    check("\"the \"big\" one\",2\n", &plain, "!\"the \"big\" one\"|2");
    check("5\" pipe,a\"b\"\n", &plain, "5\" pipe|a\"b\"");
    check("1,\"never closed\n2,c\n3,d", &plain, "1|/2|c/3|d");
    check("1\n1,2,3\n", &plain, "1|/1|2");
    check("é,\u{1f600}\n", &plain, "é|\u{1f600}");

    let commented = Dialect { comment: Some(b'#'), ..plain.clone() };
    check("#x\n1,2\n#y\r\n3,#4\n#end", &commented, "1|2/3|#4");
    let escaped = Dialect { escape: Some(b'\\'), ..plain.clone() };
    check("\"a\\\"b\",\"c\\\\\"\n\"d\"\"e\",f\\\n", &escaped, "a\"b|c\\/d\"e|f\\");
    let trimmed = Dialect { trim: true, ..plain.clone() };
    check(" a , \" b \" \n   \n1\t,2", &trimmed, "a| b /1|2");
    let trailing = Dialect { trailing_delimiter: true, ..plain.clone() };
    check("a,b,\n1,2\n3,,\n", &trailing, "a|b/1|2/3|");
    let long = Dialect { delimiter: b", ".to_vec(), ..plain.clone() };
    check("a,b, c\n\"x, y\", z\n", &long, "a,b|c/x, y|z");
    let none = Dialect { quote: None, ..plain };
    check("\"a,b\"\n", &none, "\"a|b\"");
}
