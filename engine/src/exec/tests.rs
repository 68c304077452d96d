//! Reading and decoding, against DataFusion's own scan of the same bytes.

mod limits;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::common::Result;
use datafusion::common::config::CsvOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::{CsvSource, FileGroup, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, UnboundedMemoryPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionConfig;
use futures::TryStreamExt;
use pushdown::Program;
use pushdown::contract::index::{IndexArray, Indexing};
use pushdown::contract::layout::{
    BEGIN, CONSUMED, END, Layout, Map, OUTPUT_USED, OUTSIDE, PACKET_BYTES, RECORDS, STOP, STOP_CHUNK,
    STOP_OUTPUT, Sizes, WINDOW_SLACK_BYTES,
};
use pushdown::fragment::{Fragment, Output, StructuralBytes};
use pushdown::testing::Random;
use tokio::sync::mpsc;

use super::KernelFilterReduceExec;
use super::metrics::ScanMetrics;
use super::original::group_scan;
use super::ranges::{Input, Preamble, RangeError, RecordEnd, owned_input};
use super::records::{Position, Scanned, ScannedExec};
use super::refusal::Refusal;
use super::worker::{Worker, WorkerContext};
use crate::pushed::Results;

use crate::options::{BackendChoice, PushdownMode};
use crate::pushed::Pushed;
use crate::session::{CsvTable, Session, SessionOptions};
use machine::KernelError;
use machine::testing::kernel_available_or_skip;
use pushdown::contract::steps::{Maps, RunRead, RunWindow};

const COLUMN_COUNT: usize = 2;

/// A file with some text columns.
struct Table {
    _directory: tempfile::TempDir,
    file: File,
    partitioned: PartitionedFile,
    has_header: bool,
    column_count: usize,
}

impl Table {
    fn new(bytes: &[u8], has_header: bool, column_count: usize) -> Table {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.csv");
        std::fs::write(&path, bytes).unwrap();
        let file = File::open(&path).unwrap();
        let partitioned = PartitionedFile::new(location(&path), bytes.len() as u64);
        Table { _directory: directory, file, partitioned, has_header, column_count }
    }

    fn preamble(&self) -> Preamble {
        Preamble {
            dialect: StructuralBytes::default(),
            has_header: self.has_header,
            field_count: self.column_count,
            truncated_rows: false,
        }
    }

    /// DataFusion's scan of one range of the file.
    fn scan(&self, range: Option<(i64, i64)>) -> Arc<dyn ExecutionPlan> {
        let columns = (0..self.column_count).map(|i| Field::new(format!("c{i}"), DataType::Utf8, true));
        let schema = Arc::new(Schema::new(columns.collect::<Vec<_>>()));
        let options = CsvOptions { has_header: Some(self.has_header), ..CsvOptions::default() };
        let source = Arc::new(CsvSource::new(schema).with_csv_options(options));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source).build();
        let mut file = self.partitioned.clone();
        file.range = range.map(|(start, end)| FileRange { start, end });
        group_scan(&config, FileGroup::new(vec![file]))
    }

    async fn rows(&self, range: Option<(i64, i64)>) -> Result<Vec<Vec<String>>> {
        rows_of(self.scan(range).as_ref()).await
    }

    /// The rows of raw records, by the leaf that takes the place of the scan.
    async fn decode(&self, records: Vec<Scanned>) -> Result<Vec<Vec<String>>> {
        let (sender, receiver) = mpsc::channel(records.len().max(1));
        for records in records {
            sender.try_send(records).unwrap();
        }
        drop(sender);
        let scan = self.scan(None);
        let scan = scan.downcast_ref::<DataSourceExec>().unwrap();
        let files = vec![self.partitioned.clone(), self.partitioned.clone()];
        let leaf = ScannedExec::try_new(scan, files, receiver, 100)?;
        let rows = rows_of(&leaf).await?;
        assert!(leaf.records().exhausted());
        Ok(rows)
    }
}

fn location(path: &Path) -> String {
    path.to_str().unwrap().trim_start_matches('/').to_owned()
}

async fn rows_of(plan: &dyn ExecutionPlan) -> Result<Vec<Vec<String>>> {
    let context = TaskContext::default().with_session_config(SessionConfig::new().with_batch_size(100));
    let context = Arc::new(context);
    let batches: Vec<RecordBatch> = plan.execute(0, context)?.try_collect().await?;
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let value = |column: &Arc<dyn Array>| match column.is_null(row) {
                true => "NULL".to_owned(),
                false => column.as_string::<i32>().value(row).to_owned(),
            };
            rows.push(batch.columns().iter().map(value).collect());
        }
    }
    Ok(rows)
}

fn read_all(mut input: Input<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 1000];
    loop {
        let read = input.read(&mut buffer).unwrap();
        all.extend_from_slice(&buffer[..read]);
        if read < buffer.len() {
            return all;
        }
    }
}

fn random_text(random: &mut Random, pieces: &[&str], count: usize) -> Vec<u8> {
    (0..count).flat_map(|_| random.pick(pieces).bytes()).collect()
}

/// Both are errors of the same kind. Where in a file it is depends on what was read of it.
fn same_kind<T: std::fmt::Debug>(error: &impl std::fmt::Display, expected: &Result<T>, case: &str) {
    let kind = |text: String| text.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().to_owned();
    let expected = expected.as_ref().expect_err(case).to_string();
    assert_eq!(kind(error.to_string()), kind(expected), "{case}");
}

/// Whether the first line that a range owns stands inside of the file and begins with a byte order mark.
fn begins_with_a_mark_inside(table: &Table, range: Option<(i64, i64)>) -> bool {
    let bytes = read_all(Input::new(&table.file, 0, u64::MAX));
    let Some(before) = range.and_then(|(start, _)| usize::try_from(start).ok()?.checked_sub(1)) else {
        return false;
    };
    let first = bytes[before..].iter().position(|&byte| byte == b'\n').map(|at| before + at + 1);
    first.is_some_and(|first| bytes[first..].starts_with("\u{feff}".as_bytes()))
}

/// The rows of what a range owns are the rows of DataFusion's scan of the range; or both refuse.
async fn check_range(table: &Table, range: Option<(i64, i64)>, case: &str) {
    let expected = table.rows(range).await;
    let file_range = range.map(|(start, end)| FileRange { start, end });
    let owned =
        owned_input(&table.file, table.partitioned.object_meta.size, file_range.as_ref(), &table.preamble());
    let actual = match owned {
        Ok(None) => Vec::new(),
        Ok(Some(input)) => {
            let records = Scanned::Raw { file: 0, bytes: read_all(input) };
            match table.decode(vec![records, end(0)]).await {
                Ok(rows) => rows,
                Err(error) => return same_kind(&error, &expected, case),
            }
        }
        Err(RangeError::HeaderFields { .. }) => {
            let expected = expected.expect_err(case).to_string();
            assert!(expected.contains("incorrect number of fields"), "{case}: {expected}");
            return;
        }
        // Whether DataFusion strips it depends on how it reads.
        Err(RangeError::ByteOrderMark) => {
            assert!(begins_with_a_mark_inside(table, range), "{case}: there is no byte order mark");
            return;
        }
        Err(error) => panic!("{case}: {error}"),
    };
    assert_eq!(actual, expected.unwrap_or_else(|error| panic!("{case}: {error}")), "{case}");
}

#[tokio::test]
async fn ranges_own_what_datafusion_reads() {
    let pieces = ["a", "bc,", ",", "\n", "\n", "\r\n", "\r", "dddddddddd", "é"];
    let mut random = Random::new(1);
    for case in 0..60 {
        let length = [0, 1, 5, 40, 400, 9000][case % 6];
        let bytes = random_text(&mut random, &pieces, length);
        // One column, so that no record is refused for its number of fields.
        let bytes: Vec<u8> = bytes.into_iter().filter(|&byte| byte != b',').collect();
        let table = Table::new(&bytes, case % 4 == 3, 1);
        let size = bytes.len() as i64;
        let mut cuts: Vec<i64> = (0..6).map(|_| random.below(bytes.len() + 1) as i64).collect();
        cuts.extend([0, size]);
        cuts.sort_unstable();
        for cut in cuts.windows(2) {
            check_range(&table, Some((cut[0], cut[1])), &format!("case {case}, range {cut:?}")).await;
        }
        check_range(&table, Some((0, size + 100)), &format!("case {case}, beyond the end")).await;
        check_range(&table, Some((size, size + 100)), &format!("case {case}, behind the end")).await;
        check_range(&table, None, &format!("case {case}, whole")).await;
    }
}

#[tokio::test]
async fn ranges_cover_long_lines() {
    let long = "x".repeat(20_000);
    let bytes = format!("{long}\n{long}\r\n{long}");
    let table = Table::new(bytes.as_bytes(), false, 1);
    let size = bytes.len() as i64;
    for start in [0, 1, 19_999, 20_000, 20_001, 20_002, 40_003, 40_004, size - 1] {
        for end in [1, 20_000, 20_001, 20_002, 40_003, 40_004, size - 1, size, size + 1] {
            check_range(&table, Some((start, end)), &format!("[{start}, {end})")).await;
        }
    }
}

#[tokio::test]
async fn headers_and_byte_order_marks() {
    let files = [
        "",
        "\n",
        "\r\n\r\n",
        "a",
        "a,b",
        "a,b\n",
        "a,b\r\n1,2\r\n",
        "a,b\r1,2\r",
        "\n\na,b\n\n1,2\n",
        "\"a\nx\",b\n1,2\n",
        "\"a\n\"\"x\",b\r\n1,2",
        "\u{feff}a,b\n1,2\n",
        "\u{feff}\"a\n,\",b\n1,2\n",
        "\u{feff}",
        "\u{feff}\n",
        "\u{feff}\n\u{feff}1,2\n",
        "\u{feff}\u{feff}1,2\n3,4\n",
        "a,b,c\n1,2\n",
        "a\n1,2\n",
        "a,\"b",
        "a,b\n\u{feff}1,2\n",
    ];
    let mut marks_inside = 0;
    for file in files {
        for has_header in [false, true] {
            let table = Table::new(file.as_bytes(), has_header, COLUMN_COUNT);
            let case = format!("{file:?}, header {has_header}");
            check_range(&table, None, &case).await;
            if !file.is_empty() {
                check_range(&table, Some((0, file.len() as i64)), &case).await;
                check_range(&table, Some((0, 1)), &case).await;
                check_range(&table, Some((1, file.len() as i64)), &case).await;
                marks_inside += usize::from(begins_with_a_mark_inside(&table, Some((1, file.len() as i64))));
            }
        }
    }
    assert_eq!(marks_inside, 4, "two files, each with and without a header");
    let long_header = format!("{},b\n1,2\n", "h".repeat(10_000));
    check_range(&Table::new(long_header.as_bytes(), true, COLUMN_COUNT), None, "long header").await;
}

#[test]
fn a_mark_inside_the_file_is_refused() {
    let table = Table::new("1,2\n\u{feff}3,4\n".as_bytes(), false, COLUMN_COUNT);
    let range = FileRange { start: 2, end: 10 };
    let owned = owned_input(&table.file, 12, Some(&range), &table.preamble());
    assert!(matches!(owned, Err(RangeError::ByteOrderMark)));
}

fn raw(file: usize, text: &str) -> Scanned {
    Scanned::Raw { file, bytes: text.as_bytes().to_vec() }
}

fn end(file: usize) -> Scanned {
    Scanned::Reached(Position::file_end(file))
}

#[tokio::test]
async fn raw_records_keep_a_leading_mark() {
    let table = Table::new(b"", true, COLUMN_COUNT);
    let rows = table.decode(vec![raw(0, "\u{feff}1,2\n"), raw(0, "\u{feff}3,4\n"), end(0)]).await.unwrap();
    assert_eq!(rows, [["\u{feff}1", "2"], ["\u{feff}3", "4"]]);
}

#[tokio::test]
async fn each_file_is_a_stream_of_its_own() {
    let table = Table::new(b"", true, COLUMN_COUNT);
    let first = [raw(0, "1,2\n"), raw(0, "3,\"4\n"), end(0)];
    let second = [raw(1, "\u{feff}5,6\n"), raw(1, "\"7\n8\",9\n"), end(1)];
    let records = first.into_iter().chain(second).collect();
    let rows = table.decode(records).await.unwrap();
    assert_eq!(rows, [["1", "2"], ["3", "4\n"], ["\u{feff}5", "6"], ["7\n8", "9"]]);
}

#[tokio::test]
async fn bad_raw_records_are_errors() {
    let table = Table::new(b"", false, COLUMN_COUNT);
    let error = table.decode(vec![raw(0, "1,2\n3\n"), end(0)]).await.unwrap_err().to_string();
    assert!(error.contains("incorrect number of fields for line 2, expected 2 got 1"), "{error}");
    assert!(table.decode(vec![]).await.unwrap().is_empty());
}

/// Takes every record as a match. It stops after a few records, as if the index array were full, and when the output
/// is full.
struct EveryRecord {
    /// At the beginning of a record. Building one takes long.
    record: RecordEnd,
    maps: [Vec<u8>; 5],
    records_max: usize,
}

impl EveryRecord {
    fn new(sizes: Sizes) -> Self {
        let maps = [sizes.input_bytes + WINDOW_SLACK_BYTES, 0, 256, 0, sizes.output_bytes];
        EveryRecord {
            record: RecordEnd::inside(&StructuralBytes::default()),
            maps: maps.map(|bytes| vec![0; bytes]),
            records_max: 7,
        }
    }
}

impl Maps for EveryRecord {
    fn map(&self, map: Map) -> &[u8] {
        &self.maps[map as usize]
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        &mut self.maps[map as usize]
    }
}

impl RunWindow for EveryRecord {
    type Error = KernelError;

    fn run(&mut self) -> Result<(), KernelError> {
        let (mut begin, end) = (self.word(BEGIN) as usize, self.word(END) as usize);
        let window = self.maps[Map::Window as usize].clone();
        assert!(window[end..end + WINDOW_SLACK_BYTES].iter().all(|&byte| byte == 0));
        let mut stop = STOP_CHUNK;
        for _ in 0..self.records_max {
            while begin < end && matches!(window[begin], b'\n' | b'\r') {
                begin += 1;
            }
            let Some(length) = self.record.find(&window[begin..end]) else {
                self.record = RecordEnd::inside(&StructuralBytes::default());
                break;
            };
            let used = self.word(OUTPUT_USED) as usize;
            let output = &mut self.maps[Map::Output as usize];
            if used + length > output.len() {
                stop = STOP_OUTPUT;
                break;
            }
            output[used..used + length].copy_from_slice(&window[begin..begin + length]);
            self.set_word(OUTPUT_USED, (used + length) as u64);
            self.set_word(RECORDS, self.word(RECORDS) + 1);
            begin += length;
        }
        self.set_word(CONSUMED, begin as u64);
        self.set_word(STOP, stop);
        Ok(())
    }
}

const SMALL: Sizes = Sizes { input_bytes: 4096, output_bytes: 4096, group_capacity: 16 };

fn scan<M: RunWindow<Error = KernelError>>(
    machine: M,
    table: &Table,
    input: Input<'_>,
) -> Result<Vec<Scanned>, Refusal> {
    scan_by(machine, table, |worker| worker.scan_windows(0, "t.csv", input))
}

fn scan_by<M: Maps>(
    machine: M,
    table: &Table,
    scan_file: impl FnOnce(&mut Worker<M>) -> Result<(), Refusal>,
) -> Result<Vec<Scanned>, Refusal> {
    let (sender, mut receiver) = mpsc::channel(100_000);
    let pool: Arc<dyn datafusion::execution::memory_pool::MemoryPool> =
        Arc::new(UnboundedMemoryPool::default());
    let context = WorkerContext {
        cookie: 0,
        fragment: Arc::new(Fragment {
            dialect: StructuralBytes::default(),
            field_count: table.column_count,
            columns: Vec::new(),
            filter: None,
            output: Output::Records,
        }),
        program: Arc::new(Program {
            insns: Vec::new(),
            layout: Layout { sizes: SMALL, map_bytes: [0; 5], accumulators: 0, groups: None, rows: None },
            listing: String::new(),
            target: pushdown::Target::Window,
            indexing: Indexing { dialect: StructuralBytes::default(), array: IndexArray::new(1, &SMALL) },
        }),
        results: Results::Rows(None),
        sender,
        cancelled: Arc::new(AtomicBool::new(false)),
        metrics: ScanMetrics::new(&ExecutionPlanMetricsSet::new(), 0),
        reservation: MemoryConsumer::new("test").register(&pool),
        batch_records: 8192,
    };
    let mut worker = Worker::new(machine, context);
    scan_file(&mut worker)?;
    assert!(worker.finish()?.batches.is_empty());
    Ok(std::iter::from_fn(|| receiver.try_recv().ok()).collect())
}

/// The program sees every record: the raw records give the rows of the file.
async fn check_scan(bytes: &[u8], has_header: bool, case: &str) {
    let table = Table::new(bytes, has_header, COLUMN_COUNT);
    let expected = table.rows(None).await;
    let input = owned_input(&table.file, bytes.len() as u64, None, &table.preamble());
    let input = match input {
        Ok(input) => input.unwrap(),
        Err(RangeError::HeaderFields { .. }) => {
            let expected = expected.expect_err(case).to_string();
            assert!(expected.contains("incorrect number of fields"), "{case}: {expected}");
            return;
        }
        Err(error) => panic!("{case}: {error}"),
    };
    let records = std::thread::scope(|threads| {
        threads.spawn(|| scan(EveryRecord::new(SMALL), &table, input)).join().unwrap()
    });
    match table.decode(records.unwrap()).await {
        Ok(rows) => assert_eq!(rows, expected.unwrap_or_else(|error| panic!("{case}: {error}")), "{case}"),
        Err(error) => same_kind(&error, &expected, case),
    }
}

#[tokio::test]
async fn chunks_are_cut_and_drained() {
    let pieces = [
        "a,b\n",
        "1,\"x\ny\"\n",
        "\"q\"\"q\",2\r\n",
        ",\n",
        "\n\n",
        "\r\n",
        "é,\u{feff}\n",
        "\u{feff},z\n",
        "cc,dddddddddddddddddddddddddddddddddddddddddd\r",
    ];
    let long_quoted = format!("\"{}\n\",1\n", "l,".repeat(2500));
    let long = format!("{},1\r\n", "m".repeat(9000));
    let exact = format!("{},1\n", "e".repeat(4093));
    let mut random = Random::new(7);
    for case in 0..80 {
        let mut bytes = random_text(&mut random, &pieces, [0, 1, 20, 400, 2000][case % 5]);
        for _ in 0..random.below(4) {
            bytes.extend_from_slice([&long_quoted, &long, &exact][random.below(3)].as_bytes());
            let more = random.below(300);
            bytes.extend(random_text(&mut random, &pieces, more));
        }
        let tail = ["", "x,y", "x,\"y", "x,\"y\n", "\"", "x,y\r"][random.below(6)];
        bytes.extend_from_slice(tail.as_bytes());
        if random.below(4) == 0 {
            bytes.extend_from_slice(format!("o,\"{}", "open\n".repeat(3000)).as_bytes());
        }
        check_scan(&bytes, case % 2 == 0, &format!("case {case}")).await;
    }
}

#[tokio::test]
async fn windows_of_every_length_around_the_size() {
    for length in 4080..4110 {
        for tail in ["", "\n", "\r\n", "\n1,2", "\n\"1\",\"2"] {
            let text = format!("a,{}{tail}", "b".repeat(length));
            check_scan(text.as_bytes(), false, &format!("{length} and {tail:?}")).await;
        }
    }
}

#[test]
fn invalid_utf8_is_refused() {
    // Two fields that are wrong alone, and right in one piece.
    let table = Table::new(b"a\xc3,\xa9b\n", false, COLUMN_COUNT);
    let input = owned_input(&table.file, 7, None, &table.preamble()).unwrap().unwrap();
    assert!(matches!(scan(EveryRecord::new(SMALL), &table, input), Err(Refusal::InvalidUtf8)));
}

/// Never takes anything.
struct Stubborn(EveryRecord, u64);

impl Maps for Stubborn {
    fn map(&self, map: Map) -> &[u8] {
        self.0.map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.0.map_mut(map)
    }
}

impl RunWindow for Stubborn {
    type Error = KernelError;

    fn run(&mut self) -> Result<(), KernelError> {
        self.set_word(CONSUMED, self.word(BEGIN));
        self.set_word(STOP, self.1);
        Ok(())
    }
}

#[test]
fn no_progress_is_an_error() {
    let table = Table::new("a,b\n".repeat(5000).as_bytes(), false, COLUMN_COUNT);
    for stop in [STOP_CHUNK, STOP_OUTPUT, 9] {
        let input = owned_input(&table.file, 20_000, None, &table.preamble()).unwrap().unwrap();
        let outcome = scan(Stubborn(EveryRecord::new(SMALL), stop), &table, input);
        assert!(matches!(outcome, Err(Refusal::Contract(_))), "{stop}: {outcome:?}");
    }
}

/// Attached to a file, it says that it took some bytes and leaves words in its state.
struct Liar {
    machine: EveryRecord,
    taken: usize,
    words: &'static [(usize, u64)],
}

impl Maps for Liar {
    fn map(&self, map: Map) -> &[u8] {
        self.machine.map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.machine.map_mut(map)
    }
}

impl RunRead for Liar {
    type File = File;
    type Error = KernelError;

    fn attach(&mut self, _file: &File, _cookie: u64) -> Result<(), KernelError> {
        Ok(())
    }

    fn read(&mut self, _position: u64, _bytes: usize) -> Result<usize, KernelError> {
        for &(offset, value) in self.words {
            self.set_word(offset, value);
        }
        Ok(self.taken)
    }

    fn detach(&mut self) {}
}

#[test]
fn a_hook_that_breaks_its_contract_is_an_error() {
    let table = Table::new("a,b\n".repeat(5000).as_bytes(), false, COLUMN_COUNT);
    let cases: [(usize, &[(usize, u64)]); 6] = [
        (4, &[(OUTSIDE, 1)]),
        (9 << 20, &[]),
        (4, &[(STOP, 9)]),
        (0, &[(STOP, STOP_OUTPUT)]),
        // It ran, so this is not the end of the file.
        (0, &[(PACKET_BYTES, 4096)]),
        (4, &[(OUTPUT_USED, 1 << 40)]),
    ];
    for (taken, words) in cases {
        let input = owned_input(&table.file, 20_000, None, &table.preamble()).unwrap().unwrap();
        let machine = Liar { machine: EveryRecord::new(SMALL), taken, words };
        let outcome = scan_by(machine, &table, |worker| worker.scan_reads(0, "t.csv", input));
        assert!(matches!(outcome, Err(Refusal::Contract(_))), "{taken} {words:?}: {outcome:?}");
    }
}

/// The same plan with small areas in its programs.
fn shrunk(plan: Arc<dyn ExecutionPlan>) -> (Arc<dyn ExecutionPlan>, usize) {
    let mut count = 0;
    let plan = plan.transform_up(|node| {
        let Some(exec) = node.downcast_ref::<KernelFilterReduceExec>() else {
            return Ok(Transformed::no(node));
        };
        let pushed = Pushed::clone(exec.pushed());
        let sizes = match pushed.backend.target() {
            pushdown::Target::Window | pushdown::Target::Indexed => SMALL,
            pushdown::Target::Packet => Sizes { input_bytes: 32 << 10, output_bytes: 32 << 10, ..SMALL },
        };
        let pushed = Pushed { sizes, ..pushed };
        count += 1;
        Ok(Transformed::yes(Arc::new(KernelFilterReduceExec::try_new(Arc::new(pushed))?) as _))
    });
    (plan.data().unwrap(), count)
}

async fn sorted_rows(sql: &str, path: &Path, pushdown: PushdownMode, backend: BackendChoice) -> Vec<String> {
    let session =
        Session::new(SessionOptions { pushdown, backend, threads: Some(2), ..SessionOptions::default() })
            .unwrap();
    let context = session.context();
    context.sql("SET datafusion.optimizer.repartition_file_min_size = 1000").await.unwrap();
    session.register_csv("t", path.to_str().unwrap(), CsvTable::default()).await.unwrap();
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    let (plan, count) = shrunk(plan);
    assert_eq!(count, usize::from(pushdown != PushdownMode::Off), "{sql}");
    let batches = collect(plan, context.task_ctx()).await.unwrap();
    let text = pretty_format_batches(&batches).unwrap().to_string();
    let mut rows: Vec<String> = text.lines().map(|line| line.replace([' ', '-'], "")).collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_with_small_areas() {
    let mut random = Random::new(3);
    let mut text = "id,name,note\n".to_owned();
    for id in 0..900 {
        let name = ["red", "\"bl,ue\"", "\"a\nb\"", "", "a name that is longer than its place in the table"]
            [random.below(5)];
        let length = [3, 10, 50, 4000, 4090, 9000][[0, 1, 2, 2, 2, 2, 2, random.below(6)][random.below(8)]];
        text += &format!("{id},{name},{}\n", "n".repeat(length + random.below(20)));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    std::fs::write(&path, text).unwrap();
    for sql in [
        "SELECT * FROM t WHERE id <> 5",
        "SELECT id FROM t WHERE name = 'red'",
        "SELECT count(*), sum(id), max(id) FROM t WHERE name <> 'red'",
        "SELECT name, count(*), sum(id) FROM t GROUP BY name",
        "SELECT id, name, count(*) FROM t WHERE id > 1 GROUP BY id, name",
    ] {
        let expected = sorted_rows(sql, &path, PushdownMode::Off, BackendChoice::Auto).await;
        let interpreted = sorted_rows(sql, &path, PushdownMode::Require, BackendChoice::Interpret).await;
        assert!(interpreted == expected, "{sql} in the interpreter");
        let hooked = sorted_rows(sql, &path, PushdownMode::Require, BackendChoice::InterpretHook).await;
        assert!(hooked == expected, "{sql} in the interpreter, page by page");
        if kernel_available_or_skip("programs_with_small_areas") {
            let stock = sorted_rows(sql, &path, PushdownMode::Require, BackendChoice::Stock).await;
            assert!(stock == expected, "{sql} in the kernel");
        }
    }
}
