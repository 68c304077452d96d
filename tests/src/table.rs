//! Random CSV tables: a schema, declared or not, options, and files that are odd in every way that a reader knows.

use std::path::Path;

use pushdown::contract::layout::Sizes;
use pushdown::testing::Random;

use crate::bytes::literal;
use crate::one_of;
use crate::text::{bad_text, odd_text, usual_text};
use crate::types::Type;

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// `c0`, `c1`, ...
    pub name: String,
    /// What its texts look like; what it is declared as, if it is.
    pub ty: Type,
    /// NOT NULL
    pub not_null: bool,
    /// Texts that occur often; constants of queries are taken from here too.
    pub pool: Vec<String>,
}

/// One file.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// Byte order mark and header.
    pub head: Vec<u8>,
    /// Records with their ends; some are no records.
    pub records: Vec<Vec<u8>>,
}

impl File {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.clone(), self.records.concat()].concat()
    }
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// In the order of the fields.
    pub columns: Vec<Column>,
    /// Whether the types stand in CREATE TABLE; else they are inferred.
    pub declared: bool,
    /// The OPTIONS, as SQL.
    pub options: Vec<(&'static str, String)>,
    /// One, or several in a directory.
    pub files: Vec<File>,
    /// SET statements that go before, without SET.
    pub settings: Vec<String>,
    /// Partitions of a scan.
    pub threads: usize,
}

/// How characters of its files become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// Bytes that are none are kept.
    Utf8,
    /// What it has not is `?`.
    Latin1,
    Utf16Le,
}

/// How its records are written.
struct Style {
    encoding: Encoding,
    delimiter: &'static str,
    quote: char,
    escape: Option<char>,
    newlines: bool,
    end: &'static str,
    /// One in so many fields has an unusual text; 0: none.
    odd: usize,
    /// One in so many records cannot be read; 0: none.
    bad: usize,
}

impl Table {
    /// A random table.
    pub fn random(random: &mut Random) -> Table {
        let style = Style::random(random);
        let columns: Vec<Column> = (0..1 + random.below(6)).map(|at| Column::random(random, at)).collect();
        let declared = !random.one_in(5);
        let header = !random.one_in(3);
        let mut options = style.options();
        options.push(("has_header", header.to_string()));
        for (name, values, one_in) in [
            ("on_error", &["pad", "skip", "skip", "null"][..], 20),
            ("comment", &["#"], 150),
            ("nulls", &["NULL,a", "0", "1,-1,12", "true,2024-01-01,1999-12-31", "-,NA"], 12),
            ("trim", &["true"], 100),
        ] {
            if random.one_in(one_in) {
                options.push((name, (*random.pick(values)).to_owned()));
            }
        }
        let count = if random.one_in(8) { 2 + random.below(3) } else { 1 };
        let is_union = header && count > 1 && random.one_in(3);
        if is_union {
            options.push(("union_by_name", "true".to_owned()));
        }
        let files = (0..count).map(|at| {
            let other = header && at > 0 && random.one_in(3);
            let own = if other { other_columns(random, &columns, is_union) } else { columns.clone() };
            style.file(random, &own, header)
        });
        let files = files.collect();
        let threads = *random.pick(&[1, 1, 2, 3, 4]);
        Table { columns, declared, options, files, settings: settings(random), threads }
    }

    /// Repeats the records of its first file until that is as large as this. Sizes are those of normal runs.
    pub fn grow(&mut self, bytes: usize) {
        self.settings.retain(|setting| !setting.starts_with("weir.") && !setting.contains("batch_size"));
        let sizes = Sizes::default();
        self.settings.push(format!("weir.window_bytes = {}", sizes.input_bytes));
        self.settings.push(format!("weir.group_capacity = {}", sizes.group_capacity));
        self.settings.push("datafusion.execution.batch_size = 8192".to_owned());
        let Some(file) = self.files.first_mut() else { return };
        let length: usize = file.records.iter().map(Vec::len).sum();
        if let Some(last) = file.records.last_mut().filter(|_| length > 0) {
            last.push(b'\n');
            let count = file.records.len() * bytes.div_ceil(length);
            file.records = file.records.iter().cycle().take(count).cloned().collect();
        }
    }

    /// Writes its files into an empty directory and returns the CREATE EXTERNAL TABLE for it.
    pub fn create(&self, name: &str, folder: &Path) -> std::io::Result<String> {
        for (at, file) in self.files.iter().enumerate() {
            std::fs::write(folder.join(format!("part{at}.csv")), file.bytes())?;
        }
        Ok(self.statement(name, &folder.to_string_lossy()))
    }

    fn statement(&self, name: &str, folder: &str) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let not_null = if column.not_null { " NOT NULL" } else { "" };
                format!("{} {}{not_null}", column.name, column.ty.sql())
            })
            .collect();
        let columns = if self.declared { format!(" ({})", columns.join(", ")) } else { String::new() };
        let options: Vec<String> = self
            .options
            .iter()
            .map(|(key, value)| format!("'format.{key}' '{}'", value.replace('\'', "''")))
            .collect();
        let location =
            if self.files.len() == 1 { format!("{folder}/part0.csv") } else { format!("{folder}/") };
        format!(
            "CREATE EXTERNAL TABLE {name}{columns} STORED AS CSV LOCATION '{location}' OPTIONS ({})",
            options.join(", ")
        )
    }

    /// The largest magnitude of a number in its files, at least 1: how far sums may be apart depends on it.
    pub fn magnitude(&self) -> f64 {
        let mut largest = 1.0_f64;
        for file in &self.files {
            for token in
                file.records.iter().flat_map(|record| record.split(|byte| !b"+-.eE0123456789".contains(byte)))
            {
                let number = std::str::from_utf8(token).ok().and_then(|text| text.parse::<f64>().ok());
                largest = number.map_or(largest, |number| largest.max(number.abs()));
            }
        }
        largest
    }

    /// Records in all files.
    pub fn record_count(&self) -> usize {
        self.files.iter().map(|file| file.records.len()).sum()
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{};", self.statement("t", "DIR"))?;
        writeln!(f, "threads: {}, settings: {:?}", self.threads, self.settings)?;
        for (at, file) in self.files.iter().enumerate() {
            writeln!(f, "part{at}.csv:\n{}", literal(&file.bytes()))?;
        }
        Ok(())
    }
}

/// The columns of a file in another order; of a union some of them.
fn other_columns(random: &mut Random, columns: &[Column], is_union: bool) -> Vec<Column> {
    let mut left = columns.to_vec();
    let count = if is_union { 1 + random.below(columns.len()) } else { columns.len() };
    (0..count).map(|_| left.swap_remove(random.below(left.len()))).collect()
}

/// Small windows, tables, batches and ranges, so that little data does what much data would; and what changes plans.
/// Each is always set, since a session is used for many tables.
fn settings(random: &mut Random) -> Vec<String> {
    let (window, groups) = if random.one_in(6) { (262_144, 1024) } else { (4096, 16) };
    let mut settings = vec![
        format!("datafusion.execution.batch_size = {}", random.pick(&[8192, 8192, 1, 2, 7, 64])),
        format!("datafusion.optimizer.repartition_file_min_size = {}", random.pick(&[1, 1, 100, 10_485_760])),
        format!("weir.window_bytes = {window}"),
        format!("weir.group_capacity = {groups}"),
        // So that scans without a filter have programs, too.
        format!("weir.plain_scan_bytes = {}", random.pick(&[0, 0, 4_194_304])),
    ];
    for (name, usual, one_in) in [
        ("sql_parser.parse_float_as_decimal", false, 20),
        ("sql_parser.map_string_types_to_utf8view", true, 4),
        ("optimizer.enable_round_robin_repartition", true, 8),
        ("optimizer.enable_dynamic_filter_pushdown", true, 8),
        ("optimizer.enable_topk_aggregation", true, 8),
        ("optimizer.repartition_aggregations", true, 8),
        ("optimizer.repartition_file_scans", true, 8),
        ("optimizer.prefer_hash_join", true, 8),
        ("optimizer.prefer_existing_sort", false, 8),
    ] {
        settings.push(format!("datafusion.{name} = {}", usual != random.one_in(one_in)));
    }
    let probe = random.pick(&[100_000, 100_000, 1]);
    settings.push(format!("datafusion.execution.skip_partial_aggregation_probe_rows_threshold = {probe}"));
    settings
}

impl Style {
    fn random(random: &mut Random) -> Style {
        let mut style = Style {
            encoding: Encoding::Utf8,
            delimiter: ",",
            quote: '"',
            escape: None,
            newlines: random.one_in(5),
            end: one_of(random, ["\n", "\n", "\n", "\n", "\r\n", "\r\n", "\r"]),
            odd: *random.pick(&[0, 0, 40, 10, 5]),
            bad: *random.pick(&[0, 0, 0, 0, 150, 40]),
        };
        if random.one_in(50) {
            style.encoding = *random.pick(&[Encoding::Latin1, Encoding::Utf16Le]);
        }
        match random.below(8) {
            0 => style.delimiter = one_of(random, [";", ";", "\t", "|", "|", " ", "::", "; "]),
            1 => style.quote = '\'',
            2 => style.escape = Some('\\'),
            3 if random.one_in(20) => style.escape = Some('"'),
            _ => {}
        }
        style
    }

    fn options(&self) -> Vec<(&'static str, String)> {
        let mut options = vec![("delimiter", self.delimiter.to_string()), ("quote", self.quote.to_string())];
        options.extend(self.escape.map(|escape| ("escape", escape.to_string())));
        match self.encoding {
            Encoding::Utf8 => {}
            Encoding::Latin1 => options.push(("encoding", "latin-1".to_owned())),
            Encoding::Utf16Le => options.push(("encoding", "utf-16le".to_owned())),
        }
        if self.newlines {
            options.push(("newlines_in_values", "true".to_owned()));
        }
        options
    }

    fn file(&self, random: &mut Random, columns: &[Column], header: bool) -> File {
        let mut file = File::default();
        if random.one_in(15) {
            file.head.extend_from_slice("\u{feff}".as_bytes());
        }
        if random.one_in(60) {
            // Nothing, one byte, or what cannot be a header.
            file.head.extend_from_slice(random.pick(&["", "x", "\n", "\"", "\r\n\r\n", ","]).as_bytes());
            return file;
        }
        if header {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            file.head.extend_from_slice(names.join(self.delimiter).as_bytes());
            if random.one_in(100) {
                file.head.extend_from_slice(b",extra");
            }
            file.head.extend_from_slice(if random.one_in(80) { "" } else { self.end }.as_bytes());
        }
        let count = match random.below(12) {
            0 => 0,
            1 => 1,
            2 => 100 + random.below(400),
            _ => 2 + random.below(40),
        };
        file.records = (0..count).map(|_| self.record(random, columns)).collect();
        if random.one_in(4)
            && let Some(last) = file.records.last_mut()
        {
            let length = last.len() - random.below(3).min(last.len());
            last.truncate(length);
        }
        self.encode(file)
    }

    /// The file in its encoding.
    fn encode(&self, file: File) -> File {
        let encode = |bytes: Vec<u8>| match self.encoding {
            Encoding::Utf8 => bytes,
            Encoding::Latin1 => {
                let text = String::from_utf8_lossy(&bytes);
                text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
            }
            Encoding::Utf16Le => {
                String::from_utf8_lossy(&bytes).encode_utf16().flat_map(u16::to_le_bytes).collect()
            }
        };
        File { head: encode(file.head), records: file.records.into_iter().map(encode).collect() }
    }

    fn record(&self, random: &mut Random, columns: &[Column]) -> Vec<u8> {
        let bad = self.bad > 0 && random.one_in(self.bad);
        let bad_field = if bad { random.below(2 * columns.len()) } else { usize::MAX };
        let mut bytes = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                bytes.extend_from_slice(self.delimiter.as_bytes());
            }
            if at == bad_field {
                bytes.extend_from_slice(bad_text(random));
            } else {
                self.put_field(random, column, &mut bytes);
            }
        }
        if bad && bad_field >= columns.len() {
            self.spoil(random, &mut bytes);
        }
        let end = if random.one_in(30) {
            *random.pick(&["\n", "\r\n", "\r", "\n\n", "\r\n\n", "\n\r"])
        } else {
            self.end
        };
        bytes.extend_from_slice(end.as_bytes());
        bytes
    }

    fn put_field(&self, random: &mut Random, column: &Column, bytes: &mut Vec<u8>) {
        let text = column.text(random, self.odd);
        let is_structural = |c: char| c == self.quote || c == '\n' || c == '\r';
        // Without the option ranges are cut at line ends inside of quotes too; seldom enough to see other things.
        if text.contains(['\n', '\r']) && !self.newlines && !random.one_in(20) {
            return;
        }
        let is_plain = !text.contains(is_structural) && !text.contains(self.delimiter);
        if is_plain && !random.one_in(12) {
            bytes.extend_from_slice(text.as_bytes());
            return;
        }
        let mut quoted = String::from(self.quote);
        for character in text.chars() {
            if character == self.quote || Some(character) == self.escape {
                quoted.push(self.escape.filter(|_| !random.one_in(4)).unwrap_or(self.quote));
            }
            quoted.push(character);
        }
        quoted.push(self.quote);
        bytes.extend_from_slice(quoted.as_bytes());
    }

    /// Makes a record one that some reader stumbles over.
    fn spoil(&self, random: &mut Random, bytes: &mut Vec<u8>) {
        let at = random.below(bytes.len() + 1);
        let with: &[u8] = match random.below(9) {
            0 => b"\xff",
            1 => b"\xc3",
            2 => b"\0",
            3 => b"\"",
            4 => b"\"\"",
            5 | 6 => b",",
            7 => {
                bytes.truncate(at);
                return;
            }
            _ => b" ",
        };
        bytes.splice(at..at, with.iter().copied());
    }
}

impl Column {
    fn random(random: &mut Random, at: usize) -> Column {
        let ty = match random.below(16) {
            0..=2 => Type::Integer("BIGINT"),
            3 => Type::Integer(one_of(random, ["INT", "SMALLINT", "TINYINT"])),
            4 => Type::Integer(one_of(
                random,
                ["BIGINT UNSIGNED", "INT UNSIGNED", "SMALLINT UNSIGNED", "TINYINT UNSIGNED"],
            )),
            5..=7 => Type::Double,
            8 | 9 => *random.pick(&[
                Type::Decimal(15, 2),
                Type::Decimal(10, 2),
                Type::Decimal(38, 10),
                Type::Decimal(5, 0),
                Type::Decimal(18, 18),
                Type::Decimal(12, 3),
                Type::Decimal(20, 4),
            ]),
            10 | 11 => Type::Date,
            12 => Type::Boolean,
            13 if random.one_in(6) => *random.pick(&[Type::Timestamp, Type::Real, Type::Decimal(20, 19)]),
            _ => Type::Varchar,
        };
        let pool = (0..2 + random.below(6)).map(|_| usual_text(random, ty)).collect();
        Column { name: format!("c{at}"), ty, not_null: random.one_in(6), pool }
    }

    fn text(&self, random: &mut Random, odd: usize) -> String {
        if odd > 0 && random.one_in(odd) {
            return odd_text(random, self.ty);
        }
        let null_one_in = if self.not_null { 400 } else { 9 };
        if random.one_in(null_one_in) {
            String::new()
        } else if random.one_in(4) {
            usual_text(random, self.ty)
        } else {
            random.pick(&self.pool).clone()
        }
    }
}
