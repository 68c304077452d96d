//! How long reading takes, against arrow-csv: `cargo run --release -p weir-csv --example compare [MB [NAME]]`.
//!
//! The files are made in memory. Each is read several times by both; the least time counts. It is the time of the CPU, so that
//! other work on the same machine counts less.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use weir_csv::ranges::range_starts;
use weir_csv::reader::{ReadOptions, Reader};
use weir_csv::spec::{Column, ColumnType, CsvSpec, Dialect};

const RUNS: usize = 7;
const DEFAULT_MEGABYTES: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let megabytes = std::env::args().nth(1).map_or(Ok(DEFAULT_MEGABYTES), |text| text.parse())?;
    let bytes = megabytes << 20;
    // As in a process that has run for a while: the allocator of glibc gives what is freed back to the kernel until it has
    // seen a large block come and go (mallopt(3), M_MMAP_THRESHOLD), and page faults would be most of what is measured.
    drop(std::hint::black_box(vec![1u8; 24 << 20]));
    let (lines, spec) = line_items(bytes);
    compare("16 of 16 columns", &lines, &spec, None)?;
    compare("4 of 16 columns", &lines, &spec, Some(vec![4, 5, 6, 10]))?;
    compare("no column", &lines, &spec, Some(vec![]))?;
    let (texts, spec) = quoted_texts(bytes);
    compare("quoted texts", &texts, &spec, None)?;
    ranges("ranges of line items", &lines, &spec)?;
    ranges("ranges of quoted texts", &texts, &spec)?;
    let (wide, spec) = wide(bytes / 10);
    compare("9,000 columns", &wide, &spec, None)
}

fn compare(
    name: &str,
    text: &[u8],
    spec: &CsvSpec,
    projection: Option<Vec<usize>>,
) -> Result<(), Box<dyn Error>> {
    if !is_wanted(name) {
        return Ok(());
    }
    let options = ReadOptions { projection: projection.clone(), ..ReadOptions::default() };
    let schema = options.file_schema(spec);
    let (ours, our_rows) = least(|| {
        let mut rows = 0;
        for batch in Reader::new(text, spec, &options)? {
            rows += batch?.num_rows();
        }
        Ok(rows)
    })?;
    let (theirs, their_rows) = least(|| {
        let mut builder = arrow_csv::ReaderBuilder::new(Arc::clone(&schema))
            .with_delimiter(spec.dialect.delimiter[0])
            .with_batch_size(options.batch_rows);
        if let Some(projection) = &projection {
            builder = builder.with_projection(projection.clone());
        }
        let mut rows = 0;
        for batch in builder.build_buffered(text)? {
            rows += batch?.num_rows();
        }
        Ok(rows)
    })?;
    assert_eq!(our_rows, their_rows);
    let speed = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e6;
    println!(
        "{name:28} {:8} rows  weir-csv {:7.1} ms {:6.0} MB/s   arrow-csv {:7.1} ms {:6.0} MB/s   {:.1} times",
        our_rows,
        ours.as_secs_f64() * 1e3,
        speed(ours),
        theirs.as_secs_f64() * 1e3,
        speed(theirs),
        theirs.as_secs_f64() / ours.as_secs_f64(),
    );
    Ok(())
}

fn ranges(name: &str, text: &[u8], spec: &CsvSpec) -> Result<(), Box<dyn Error>> {
    if !is_wanted(name) {
        return Ok(());
    }
    let boundaries: Vec<u64> = (0..8).map(|part| part * text.len() as u64 / 8).collect();
    let (time, _) = least(|| Ok(range_starts(text, spec, &boundaries, 1)?.len()))?;
    let speed = text.len() as f64 / time.as_secs_f64() / 1e6;
    println!("{name:28} {:7.1} ms {speed:6.0} MB/s", time.as_secs_f64() * 1e3);
    Ok(())
}

/// Whether the name has the word of the command line.
fn is_wanted(name: &str) -> bool {
    std::env::args().nth(2).is_none_or(|word| name.contains(&word))
}

fn least(
    mut run: impl FnMut() -> Result<usize, Box<dyn Error>>,
) -> Result<(Duration, usize), Box<dyn Error>> {
    let mut least = (Duration::MAX, 0);
    for _ in 0..RUNS {
        let start = cpu_time()?;
        let rows = run()?;
        least = least.min((cpu_time()? - start, rows));
    }
    Ok(least)
}

/// What the thread has run so far (Documentation/scheduler/sched-stats.rst: the first number of schedstat, in nanoseconds).
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().ok_or("no time in schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

fn spec(columns: &[(&str, ColumnType)], delimiter: &str) -> CsvSpec {
    let column = |(name, ty): &(&str, ColumnType)| Column {
        name: (*name).to_owned(),
        ty: ty.clone(),
        declared: true,
        date: Default::default(),
        number: Default::default(),
    };
    CsvSpec {
        dialect: Dialect { delimiter: delimiter.as_bytes().to_vec(), ..Dialect::default() },
        columns: columns.iter().map(column).collect(),
        ..CsvSpec::default()
    }
}

/// Rows as those of TPC-H's lineitem.
fn line_items(bytes: usize) -> (Vec<u8>, CsvSpec) {
    use ColumnType::{Date, Decimal, Integer, Text};
    let money = || Decimal { precision: 15, scale: 2 };
    let columns = [
        ("l_orderkey", Integer),
        ("l_partkey", Integer),
        ("l_suppkey", Integer),
        ("l_linenumber", Integer),
        ("l_quantity", money()),
        ("l_extendedprice", money()),
        ("l_discount", money()),
        ("l_tax", money()),
        ("l_returnflag", Text),
        ("l_linestatus", Text),
        ("l_shipdate", Date),
        ("l_commitdate", Date),
        ("l_receiptdate", Date),
        ("l_shipinstruct", Text),
        ("l_shipmode", Text),
        ("l_comment", Text),
    ];
    let mut text = String::with_capacity(bytes + 1024);
    let mut seed = 1u64;
    let mut next = |limit: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % limit
    };
    let words =
        ["furiously", "even", "requests", "sleep", "carefully", "bold", "deposits", "ironic", "along"];
    let mut order = 0;
    while text.len() < bytes {
        order += 1;
        for line in 1..=1 + next(7) {
            let date = |next: &mut dyn FnMut(u64) -> u64| {
                format!("{}-{:02}-{:02}", 1992 + next(7), 1 + next(12), 1 + next(28))
            };
            let dates = [date(&mut next), date(&mut next), date(&mut next)].join("|");
            let comment: Vec<&str> = (0..2 + next(4)).map(|_| words[next(9) as usize]).collect();
            let _ = writeln!(
                text,
                "{order}|{}|{}|{line}|{}|{}.{:02}|0.0{}|0.0{}|{}|{}|{dates}|{}|{}|{}",
                next(200_000),
                next(10_000),
                1 + next(50),
                900 + next(100_000),
                next(100),
                next(10),
                next(9),
                ["A", "N", "R"][next(3) as usize],
                ["F", "O"][next(2) as usize],
                ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"][next(4) as usize],
                ["TRUCK", "MAIL", "REG AIR", "SHIP"][next(4) as usize],
                comment.join(" "),
            );
        }
    }
    (text.into_bytes(), spec(&columns, "|"))
}

/// Texts in quotes, some with delimiters, quotes and line breaks.
fn quoted_texts(bytes: usize) -> (Vec<u8>, CsvSpec) {
    use ColumnType::{Double, Integer, Text};
    let columns = [
        ("id", Integer),
        ("title", Text),
        ("body", Text),
        ("score", Double),
        ("author", Text),
        ("tag", Text),
    ];
    let mut text = String::with_capacity(bytes + 1024);
    let mut id = 0;
    while text.len() < bytes {
        id += 1;
        let body =
            "It was a bright cold day in April, and the clocks were striking thirteen. ".repeat(1 + id % 3);
        let end = ["", " He said \"\"no\"\".", "\nA second line, too.", ""][id % 4];
        let _ = writeln!(
            text,
            "{id},\"Title, number {id}\",\"{body}{end}\",{}.{:03},\"Author {}\",\"tag{}\"",
            id % 100,
            id % 1000,
            id % 50,
            id % 7
        );
    }
    (text.into_bytes(), spec(&columns, ","))
}

/// Many columns of small numbers.
fn wide(bytes: usize) -> (Vec<u8>, CsvSpec) {
    const COLUMNS: usize = 9_000;
    let names: Vec<String> = (0..COLUMNS).map(|index| format!("c{index}")).collect();
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), ColumnType::Integer)).collect();
    let mut text = String::with_capacity(bytes + COLUMNS * 5);
    let mut row = 0;
    while text.len() < bytes {
        row += 1;
        for column in 0..COLUMNS {
            let end = if column + 1 == COLUMNS { '\n' } else { ',' };
            let _ = write!(text, "{}{end}", row * column % 997);
        }
    }
    let spec = spec(&columns, ",");
    (text.into_bytes(), spec)
}
