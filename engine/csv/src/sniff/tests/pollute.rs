//! A clean table, polluted in each way that real files are: the structure of the file, lines above and below, the header, single
//! records. The kinds are those of the survey behind the Pollock benchmark (PVLDB 16, 2023).

use super::*;

/// Records of the table, the header not counted.
const ROWS: usize = 80;
const NAMES: [&str; 9] = ["DAY", "TIME", "AMOUNT", "ARTICLE", "PRICE", "KIND", "REMARK", "LINK", "NOTE"];
const TYPES: &str =
    "DAY:date TIME:text AMOUNT:int ARTICLE:text PRICE:double KIND:text REMARK:text LINK:text NOTE:text";
const DATES: &str = "formats=DAY=%m/%d/%Y";

/// How a table is written.
#[derive(Clone)]
struct Style {
    delimiter: &'static str,
    quote: char,
    escape: char,
    end: &'static str,
    /// Fields are quoted also where they need not be.
    all: bool,
}

const USUAL: Style = Style { delimiter: ",", quote: '"', escape: '"', end: "\r\n", all: false };

fn table() -> Vec<Vec<String>> {
    let mut rows = vec![NAMES.map(str::to_owned).to_vec()];
    for at in 0..ROWS {
        rows.push(vec![
            format!("{:02}/{:02}/2018", at % 12 + 1, at % 28 + 1),
            format!("{:02}:{:02}", at % 24, at * 7 % 60),
            (at % 9 + 1).to_string(),
            format!("RC{:04}-{}", at * 37 % 9999, at % 3),
            format!("{}.{:02}", at * 3 + 5, at * 13 % 100),
            ["Vase", "Jug, small", "Tea set", "Cup"][at % 4].to_owned(),
            match at % 5 {
                0 => format!("Hand made; size {at}\" high, blue"),
                1 => format!("mail to shop{at}@example.org"),
                2 => "It's \"old\" stock: ask first".to_owned(),
                3 => String::new(),
                _ => "plain".to_owned(),
            },
            format!("https://shop.example.org/item?id={at}&x=1,2"),
            if at % 3 == 0 { "n/a yet".to_owned() } else { String::new() },
        ]);
    }
    rows
}

fn field(text: &str, style: &Style) -> String {
    let special = [style.quote, '\r', '\n', '"', '\''];
    let needs = style.all || text.contains(special) || text.contains(style.delimiter) || text.contains(',');
    if !needs {
        return text.to_owned();
    }
    let escaped = text.replace(style.quote, &format!("{}{}", style.escape, style.quote));
    format!("{0}{escaped}{0}", style.quote)
}

fn line(row: &[String], style: &Style) -> String {
    row.iter().map(|text| field(text, style)).collect::<Vec<_>>().join(style.delimiter)
}

fn write(rows: &[Vec<String>], style: &Style) -> String {
    rows.iter().map(|row| line(row, style) + style.end).collect()
}

/// The lines of the usual file, without their ends.
fn lines() -> Vec<String> {
    table().iter().map(|row| line(row, &USUAL)).collect()
}

fn join(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

/// The guess of a file whose table was found whole.
fn usual(before: &str) -> String {
    format!("{before}{}{DATES} header: {TYPES}", if before.is_empty() { "" } else { " " })
}

/// Like [`check`], and with fields in quotes throughout.
fn check_style(style: &Style, expected: &str) {
    for all in [false, true] {
        check(write(&table(), &Style { all, ..style.clone() }), expected);
    }
}

#[test]
fn clean() {
    check_style(&USUAL, &usual(""));
    let text = write(&table(), &USUAL);
    check(text.trim_end(), &usual(""));
    check(format!("{text}\r\n"), &usual(""));
    check(format!("\u{feff}{text}"), &usual(""));
}

#[test]
fn record_ends() {
    for end in ["\n", "\r", "\r\n"] {
        check_style(&Style { end, ..USUAL }, &usual(""));
    }
    for at in [0, 1, 40, ROWS] {
        let mut text = String::new();
        for (number, line) in lines().iter().enumerate() {
            text += line;
            text += if number == at { "\n" } else { "\r\n" };
        }
        check(text, &usual(""));
    }
}

#[test]
fn delimiters() {
    for (delimiter, shown) in [
        (";", ";"),
        ("\t", "\\t"),
        ("|", "|"),
        (" ", " "),
        (", ", ", "),
        ("\t\t", "\\t\\t"),
        (";;", ";;"),
        ("^", "^"),
        ("~", "~"),
        (":", ":"),
        ("\\t", "\\\\t"),
    ] {
        let expected = usual(&format!("delimiter={shown}"));
        check(write(&table(), &Style { delimiter, all: true, ..USUAL }), &expected);
        check(write(&table(), &Style { delimiter, ..USUAL }), &expected);
    }
}

#[test]
fn quotes_and_escapes() {
    check_style(&Style { quote: '\'', escape: '\'', ..USUAL }, &usual("quote=\\'"));
    check_style(&Style { escape: '\\', ..USUAL }, &usual("escape=\\\\"));
    // Quotes that nobody escaped.
    let rows = table();
    let text: String = rows
        .iter()
        .map(|row| row.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(",") + "\r\n")
        .collect();
    let spec = sniff(text.as_bytes()).spec;
    assert_eq!((spec.columns.len(), spec.dialect.quote, spec.header), (9, Some(b'"'), true));
}

#[test]
fn no_header_and_few_rows() {
    let rows = table();
    let types = TYPES
        .split(' ')
        .enumerate()
        .map(|(at, column)| format!("column_{}:{}", at + 1, column.split_once(':').unwrap().1));
    let types = types.collect::<Vec<_>>().join(" ");
    check(write(&rows[1..], &USUAL), &format!("formats=column_1=%m/%d/%Y no header: {types}"));
    // One row: its day cannot be told from its month.
    let one = TYPES.replace("DAY:date", "DAY:text");
    check(write(&rows[..2], &USUAL), &format!("header: {one}"));
    let texts = NAMES.map(|name| format!("{name}:text")).join(" ");
    check(write(&rows[..1], &USUAL), &format!("header: {texts}"));
    check("", "no header:");
}

#[test]
fn lines_above() {
    let text = write(&table(), &USUAL);
    let delimited = format!("PREAMBLE{}", ",".repeat(8));
    let blank = ",".repeat(8);
    for (above, count) in [
        ("PREAMBLE\r\n".repeat(3), 3),
        (format!("{delimited}\r\n").repeat(3), 3),
        (format!("{}\r\n", "PREAMBLE\r\n".repeat(3)), 4),
        (format!("{}{blank}\r\n", format!("{delimited}\r\n").repeat(3)), 4),
        ("Report, made by hand\r\nin 2018\r\n".to_owned(), 2),
    ] {
        check(format!("{above}{text}"), &usual(&format!("skip_lines={count}")));
    }
    check(format!("# of the shop\r\n# 2018\r\n{text}"), &usual("comment=#"));
}

#[test]
fn lines_below() {
    let text = write(&table(), &USUAL);
    for below in ["FOOTNOTE\r\n".repeat(3), "\r\nFOOTNOTE\r\n".to_owned(), "80 records".to_owned()] {
        let types = TYPES.replace("DAY:date", "DAY:text");
        check(format!("{text}{below}"), &format!("on_error=pad header: {types}"));
    }
    // A footnote that has all fields is a record.
    let below = format!("FOOTNOTE{}\r\n", ",".repeat(8));
    check(format!("{text}{below}"), &format!("header: {}", TYPES.replace("DAY:date", "DAY:text")));
}

#[test]
fn headers() {
    let mut rows = table();
    let text = write(&rows, &USUAL);
    let header = line(&rows[0], &USUAL);
    for count in [1, 2, 3] {
        let above = format!("{header}\r\n").repeat(count);
        check(format!("{above}{text}"), &usual(&format!("skip_lines={count}")));
    }
    // Group names above some columns.
    let groups = ",,,HEADER,,,,,\r\n".repeat(2);
    check(format!("{groups}{text}"), &usual("skip_lines=2"));
    for (name, at, expected) in [
        ("", 0, "column1"),
        ("", 4, "column5"),
        ("", 8, "column9"),
        ("HEAD/%R", 0, "HEAD/%R"),
        ("TIME", 4, "TIME_1"),
        (&"HEADER".repeat(100_000), 2, &"HEADER".repeat(100_000)),
    ] {
        let old = std::mem::replace(&mut rows[0][at], name.to_owned());
        let new = format!("{expected}:");
        let expected = usual("")
            .replace(&format!("{old}:"), &new)
            .replace("=DAY=", &format!("={}=", if at == 0 { expected } else { "DAY" }));
        check(write(&rows, &USUAL), &expected);
        rows[0][at] = old;
    }
}

#[test]
fn the_header_has_another_count_or_delimiter() {
    let mut lines = lines();
    let header = std::mem::take(&mut lines[0]);
    lines[0] = header.replace(',', ";");
    check(join(&lines), &usual(""));
    lines[0] = format!("{header},MORE");
    check(join(&lines), &usual(""));
    lines[0] = header.rsplit_once(',').unwrap().0.to_owned();
    check(join(&lines), &usual("").replace("NOTE", "column9"));
    lines[0] = format!("{header},");
    check(join(&lines), &usual(""));
    lines[0] = header.replace(',', "\",\"").replace("DAY", "\"DAY") + "\"";
    check(join(&lines), &usual(""));
    lines[0] = header.replace(',', "','").replace("DAY", "'DAY") + "'";
    assert_eq!(sniff(join(&lines).as_bytes()).spec.columns.len(), 9);
}

#[test]
fn single_records() {
    for at in [1, 2, 40, ROWS] {
        type Change = fn(&str) -> String;
        let changes: [Change; 9] = [
            |_| String::new(),
            |line| format!("{line},1,2,3,4,5,6"),
            |line| line.splitn(6, ',').take(5).collect::<Vec<_>>().join(","),
            |line| line.replace(',', ";"),
            |line| line.replacen(',', "", 1),
            |line| line.replacen(',', ",,", 1),
            |line| line.replace('"', "'"),
            |line| line.replace("\"\"", "\\\""),
            |line| line.replacen(',', "\",", 1),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut lines = lines();
            lines[at] = change(&lines[at]);
            let spec = sniff(join(&lines).as_bytes()).spec;
            // With an escape two quotes are one as well.
            let dialect = crate::spec::Dialect { escape: None, ..spec.dialect };
            let shape = (spec.columns.len(), &dialect, spec.header, spec.skip_lines);
            assert_eq!(
                shape,
                (9, &crate::spec::Dialect::default(), true, 0),
                "change {number} of record {at}"
            );
            // The record has another field there.
            let is_shifted = [4, 5, 8].contains(&number);
            assert!(is_shifted || spec.columns[4].ty == ColumnType::Double, "change {number} of record {at}");
        }
    }
}

#[test]
fn a_quote_too_many_leaves_the_dialect() {
    for at in [1, 2, 40, ROWS] {
        for column in [0, 3, 5, 8] {
            let mut lines = lines();
            let mut fields: Vec<String> = table()[at].iter().map(|text| field(text, &USUAL)).collect();
            fields[column].insert(0, '"');
            lines[at] = fields.join(",");
            let spec = sniff(join(&lines).as_bytes()).spec;
            let shape = (spec.columns.len(), &spec.dialect, spec.header);
            assert_eq!(shape, (9, &crate::spec::Dialect::default(), true), "{at} {column}");
        }
    }
}

#[test]
fn a_quote_too_many_in_the_header() {
    for column in [0, 3, 8] {
        let mut lines = lines();
        let names = NAMES
            .iter()
            .enumerate()
            .map(|(at, name)| if at == column { format!("\"{name}") } else { (*name).to_owned() });
        lines[0] = names.collect::<Vec<_>>().join(",");
        let text = join(&lines);
        check(&text, &format!("skip_lines=1 {DATES} no header: {TYPES}"));
        assert_eq!(super::read::read(text.as_bytes(), &sniff(text.as_bytes()).spec).unwrap(), (ROWS, 0));
    }
}

#[test]
fn several_tables() {
    let text = write(&table(), &USUAL);
    for width in [6, 12] {
        let row = vec!["x".to_owned(); width];
        let other = write(&vec![row; 10], &USUAL);
        // They are read as one, so that no column has numbers only.
        let types = TYPES.replace(":date", ":text").replace(":int", ":text").replace(":double", ":text");
        let expected = format!("on_error=pad header: {types}");
        check(format!("{text}{other}"), &expected);
        check(format!("{text}\r\n{other}"), &expected);
    }
}

#[test]
fn columns_of_mixed_formats() {
    let mut rows = table();
    rows[40][0] = "18.08.2018".to_owned();
    check(write(&rows, &USUAL), &format!("header: {}", TYPES.replace("DAY:date", "DAY:text")));
    rows[40][0] = "12/31/2018".to_owned();
    rows[40][4] = "1 EUR".to_owned();
    check(write(&rows, &USUAL), &usual("").replace("PRICE:double", "PRICE:text"));
}

#[test]
fn one_column_and_many() {
    let rows: Vec<Vec<String>> = table().iter().map(|row| row[..1].to_vec()).collect();
    check(write(&rows, &USUAL), &format!("{DATES} header: DAY:date"));
    let rows: Vec<Vec<String>> =
        table().iter().map(|row| row.iter().cycle().take(900).cloned().collect()).collect();
    let sniffed = sniff(write(&rows, &USUAL).as_bytes());
    assert_eq!((sniffed.spec.columns.len(), sniffed.spec.header), (900, true));
}

#[test]
fn encodings() {
    let mut rows = table();
    rows[3][5] = "Töpfchen".to_owned();
    let text = write(&rows, &USUAL);
    check(&text, &usual(""));
    let latin: Vec<u8> = text.chars().map(|character| character as u8).collect();
    check(latin, &usual("encoding=latin-1"));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check([&b"\xff\xfe"[..], &wide].concat(), &usual("encoding=utf-16le"));
}
