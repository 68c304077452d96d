//! The line below a result: rows, time, and what the scans did, in the kernel or why not there.

use std::sync::Arc;
use std::time::Duration;

use console::measure_text_width;
use datafusion::physical_plan::ExecutionPlan;
use engine::decline::{DeclineReason, Declined};
use engine::exec::Refusal;
use engine::machine::BackendKind;
use engine::report::{Counts, Scan, ScannedBy, scans};

use super::cells::push_cut;
use crate::sentence::Sentence;
use crate::visible::push_visible;

/// A reason is cut to so many characters: EXPLAIN shows all of it.
const REASON_WIDTH_MAX: usize = 120;
const SEPARATOR: &str = " · ";

/// What there is to say about a query of so many rows, when it is done.
pub fn line(rows: u64, elapsed: Duration, plan: &Arc<dyn ExecutionPlan>) -> String {
    let work = Work::of(scans(plan));
    let mut parts = vec![counted(rows, "row"), seconds(elapsed)];
    let bytes_read: u64 = work.programs.iter().map(|(_, counts)| counts.bytes_read).sum();
    if bytes_read > 0 {
        parts.push(format!("{}/s", rate(bytes_read as f64 / elapsed.as_secs_f64().max(1e-6))));
    }
    parts.extend(work.programs.iter().map(|(backend, counts)| program(*backend, counts)));
    parts.extend(work.others());
    parts.join(SEPARATOR)
}

/// The line on as many rows of a terminal as it needs: a part that does not fit begins a further row, and one that is
/// wider than a row is cut between words. A pager would else open for it under every short result.
pub fn folded(line: &str, columns: usize) -> String {
    let mut rows = String::new();
    let mut used = 0;
    for part in line.split(SEPARATOR) {
        let width = measure_text_width(SEPARATOR) + measure_text_width(part);
        let begins_row = used > 0 && used + width > columns;
        for (at, word) in part.split(' ').enumerate() {
            let separator = match at {
                0 if used == 0 || begins_row => "",
                0 => SEPARATOR,
                _ => " ",
            };
            let width = measure_text_width(separator) + measure_text_width(word);
            if (at == 0 && begins_row) || (used > 0 && used + width > columns) {
                rows.push('\n');
                used = measure_text_width(word);
            } else {
                rows.push_str(separator);
                used += width;
            }
            rows.push_str(word);
        }
    }
    rows
}

/// The scans of a plan, put together.
#[derive(Debug, Default)]
struct Work {
    programs: Vec<(BackendKind, Counts)>,
    /// Why a program was given up, each reason once.
    fallbacks: Vec<String>,
    /// Why something was left to DataFusion from the beginning, each reason once.
    declined: Vec<String>,
    /// Of scans that DataFusion did without such a reason.
    plain_rows: Option<u64>,
}

impl Work {
    fn of(scans: Vec<Scan>) -> Work {
        let mut work = Work::default();
        for scan in scans {
            match scan.by {
                ScannedBy::Program { pushed, prepared, counts, fallbacks } => {
                    if let Some(prepared) = prepared {
                        work.program(prepared.backend, counts);
                    }
                    fallbacks.iter().for_each(|refusal| add(&mut work.fallbacks, given_up(refusal)));
                    work.declined(&pushed.declined);
                }
                ScannedBy::DataFusion { no_program: Some(no_program), .. } => {
                    add(&mut work.declined, no_program.to_string());
                }
                ScannedBy::DataFusion { rows, declined, .. } if declined.is_empty() => {
                    *work.plain_rows.get_or_insert_default() += rows;
                }
                ScannedBy::DataFusion { declined, .. } => work.declined(&declined),
            }
        }
        work
    }

    fn program(&mut self, backend: BackendKind, counts: Counts) {
        let at = self.programs.iter().position(|(other, _)| *other == backend).unwrap_or_else(|| {
            self.programs.push((backend, Counts::default()));
            self.programs.len() - 1
        });
        let sum = &mut self.programs[at].1;
        sum.bytes_read += counts.bytes_read;
        sum.bytes_returned += counts.bytes_returned;
        sum.records_scanned += counts.records_scanned;
        sum.exception_records += counts.exception_records;
    }

    /// That the filter below it stays is no reason of its own, if it is said why the filter stays.
    fn declined(&mut self, declined: &[Declined]) {
        let is_consequence = |one: &&Declined| one.reason == DeclineReason::FilterBelow;
        let (consequences, causes): (Vec<_>, Vec<_>) = declined.iter().partition(is_consequence);
        let reasons = if causes.is_empty() { consequences } else { causes };
        reasons.into_iter().for_each(|one| add(&mut self.declined, one.to_string()));
    }

    /// What DataFusion did, and why.
    fn others(&self) -> Vec<String> {
        let mut others = Vec::new();
        if let Some(reasons) = listed(&self.fallbacks) {
            others.push(format!("fell back to DataFusion: {reasons}"));
        }
        match (listed(&self.declined), self.plain_rows) {
            (Some(reasons), _) => others.push(format!("DataFusion: {reasons}")),
            (None, Some(rows)) => others.push(format!("DataFusion: {} scanned", counted(rows, "row"))),
            (None, None) => {}
        }
        others
    }
}

/// Why a program was given up. Of an error of DataFusion's, without the words that each of its wrappers puts in front.
fn given_up(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Record(error) => format!("a record is refused by DataFusion: {}", Sentence::of(error).first),
        refusal => refusal.to_string(),
    }
}

fn add(reasons: &mut Vec<String>, reason: String) {
    if !reasons.contains(&reason) {
        reasons.push(reason);
    }
}

/// The first reason, and how many more there are.
fn listed(reasons: &[String]) -> Option<String> {
    let (first, rest) = reasons.split_first()?;
    Some(match rest.len() {
        0 => short(first),
        more => format!("{}, and {}", short(first), counted(more as u64, "more reason")),
    })
}

fn program(backend: BackendKind, counts: &Counts) -> String {
    let place = match backend {
        BackendKind::Hook | BackendKind::Stock => "kernel",
        BackendKind::Interpret | BackendKind::InterpretHook => "interpreter",
    };
    format!(
        "{place}: {} read, {} returned, {}, {} ({})",
        bytes(counts.bytes_read),
        bytes(counts.bytes_returned),
        counted(counts.records_scanned, "record"),
        counted(counts.exception_records, "exception"),
        backend.name()
    )
}

/// One line, and not too long a one.
fn short(reason: &str) -> String {
    let mut visible = String::new();
    push_visible(&mut visible, reason);
    if measure_text_width(&visible) <= REASON_WIDTH_MAX {
        return visible;
    }
    let mut cut = String::new();
    push_cut(&mut cut, &visible, REASON_WIDTH_MAX, '…');
    cut
}

/// `0.412 s`, `61.2 s`.
pub fn seconds(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.3} s") } else { format!("{seconds:.1} s") }
}

/// `766 MB`, `64 B`, `1.2 GB`: about two digits are enough to see how much it is.
pub fn bytes(bytes: u64) -> String {
    let (number, unit) = scaled(bytes as f64);
    if unit != "B" && number < 9.95 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}

/// `1.86 GB`, `192 MB`: rates are compared, which takes three digits.
fn rate(bytes: f64) -> String {
    let (number, unit) = scaled(bytes);
    match number {
        _ if unit == "B" => format!("{number:.0} {unit}"),
        0.0..9.995 => format!("{number:.2} {unit}"),
        0.0..99.95 => format!("{number:.1} {unit}"),
        _ => format!("{number:.0} {unit}"),
    }
}

/// In the unit in which a number stays below 1000 also when it is rounded.
fn scaled(bytes: f64) -> (f64, &'static str) {
    let mut number = bytes;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if number < 999.5 {
            return (number, unit);
        }
        number /= 1e3;
    }
    (number, "PB")
}

/// `6,001,215`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 row`, `1,000 rows`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use datafusion::physical_plan::collect;
    use engine::options::{BackendChoice, PushdownMode};
    use engine::session::{Session, SessionOptions};

    use super::*;

    const ELAPSED: Duration = Duration::from_millis(500);

    /// The line of a query over 1,000 records, which the interpreter or DataFusion ran in half a second.
    async fn said(sql: &str, pushdown: PushdownMode) -> String {
        let mut text = String::from("id,name,price\n");
        for id in 0..1000 {
            writeln!(text, "{id},name {id},{id}.25").unwrap();
        }
        said_of(&[text], sql, pushdown).await
    }

    /// The same of a folder of files, `0.csv` and so on.
    async fn said_of(files: &[String], sql: &str, pushdown: PushdownMode) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (number, text) in files.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{number}.csv")), text).unwrap();
        }
        let path = format!("{}/", folder.path().display());
        let options = SessionOptions {
            pushdown,
            backend: BackendChoice::Interpret,
            threads: Some(1),
            ..SessionOptions::default()
        };
        let session = Session::new(options).unwrap();
        session.register_csv("t", &path, Default::default()).await.unwrap();
        let frame = session.context().sql(sql).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let batches = collect(Arc::clone(&plan), session.context().task_ctx()).await.unwrap();
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        line(rows, ELAPSED, &plan).replace(&path, "")
    }

    #[tokio::test]
    async fn what_a_program_did() {
        let sql = "SELECT count(*), sum(id) FROM t WHERE id < 500";
        insta::assert_snapshot!(said(sql, PushdownMode::Require).await, @"
        1 row · 0.500 s · 39.3 kB/s · interpreter: 20 kB read, 32 B returned, 1,000 records, 0 exceptions (interpret)
        ");
        // Both scans, as one.
        let sql = "SELECT count(*) FROM t WHERE id < 500 UNION ALL SELECT max(id) FROM t";
        insta::assert_snapshot!(said(sql, PushdownMode::Require).await, @"
        2 rows · 0.500 s · 78.7 kB/s · interpreter: 39 kB read, 24 B returned, 2,000 records, 0 exceptions (interpret)
        ");
        let sql = "EXPLAIN ANALYZE SELECT count(*) FROM t WHERE id < 500";
        insta::assert_snapshot!(said(sql, PushdownMode::Require).await, @"
        1 row · 0.500 s · 39.3 kB/s · interpreter: 20 kB read, 8 B returned, 1,000 records, 0 exceptions (interpret)
        ");
    }

    #[tokio::test]
    async fn why_datafusion_did_it() {
        let sql = "SELECT count(*) FROM t WHERE name LIKE 'name 1%'";
        insta::assert_snapshot!(said(sql, PushdownMode::Auto).await, @"
        1 row · 0.500 s · DataFusion: name LIKE name 1%: LIKE is not supported
        ");
        let sql = "SELECT count(*) FROM t WHERE name LIKE 'name 1%' AND upper(name) > 'N' AND id > 3";
        insta::assert_snapshot!(said(sql, PushdownMode::Auto).await, @"
        1 row · 0.500 s · 39.3 kB/s · interpreter: 20 kB read, 32 kB returned, 1,000 records, 0 exceptions (interpret) · DataFusion: name LIKE name 1%: LIKE is not supported, and 1 more reason
        ");
        let files = ["a,b\n1,2\n", "b,a\n4,3\n"].map(str::to_owned);
        let fell_back = said_of(&files, "SELECT a FROM t WHERE a > 0", PushdownMode::Auto).await;
        insta::assert_snapshot!(fell_back, @"
        2 rows · 0.500 s · 8 B/s · interpreter: 4 B read, 24 B returned, 1 record, 0 exceptions (interpret) · fell back to DataFusion: 1.csv: its columns are in another order than those of the table
        ");
    }

    #[tokio::test]
    async fn without_pushdown() {
        let sql = "SELECT count(*) FROM t WHERE id < 500";
        insta::assert_snapshot!(said(sql, PushdownMode::Off).await, @"
        1 row · 0.500 s · DataFusion: 1,000 rows scanned
        ");
        insta::assert_snapshot!(said("SELECT * FROM t", PushdownMode::Auto).await, @"
        1,000 rows · 0.500 s · DataFusion: 1,000 rows scanned
        ");
        insta::assert_snapshot!(said("SELECT 1", PushdownMode::Auto).await, @"
        1 row · 0.500 s
        ");
        insta::assert_snapshot!(said("EXPLAIN SELECT count(*) FROM t", PushdownMode::Auto).await, @"
        2 rows · 0.500 s
        ");
    }

    #[test]
    fn lines_of_the_kernel() {
        let counts = Counts {
            bytes_read: 766_000_000,
            bytes_returned: 64,
            records_scanned: 6_001_215,
            exception_records: 0,
        };
        assert_eq!(
            program(BackendKind::Stock, &counts),
            "kernel: 766 MB read, 64 B returned, 6,001,215 records, 0 exceptions (stock)"
        );
        let one = Counts { records_scanned: 1, exception_records: 1, ..counts };
        assert!(program(BackendKind::Hook, &one).ends_with("1 record, 1 exception (hook)"));
    }

    #[test]
    fn a_line_is_folded_between_its_parts_else_between_words() {
        let line = "1 row · 0.500 s · kernel: 766 MB read, 64 B returned, 6,001,215 records (stock)";
        assert_eq!(folded(line, 80), line);
        assert_eq!(
            folded(line, 62),
            "1 row · 0.500 s\nkernel: 766 MB read, 64 B returned, 6,001,215 records (stock)"
        );
        assert_eq!(
            folded(line, 30),
            "1 row · 0.500 s\nkernel: 766 MB read, 64 B\nreturned, 6,001,215 records\n(stock)"
        );
        assert_eq!(folded("DataFusion: é 日本語日本語", 12), "DataFusion:\né\n日本語日本語");
        assert_eq!(folded("longer than this", 3), "longer\nthan\nthis");
        assert_eq!(folded("", 3), "");
    }

    #[test]
    fn reasons_are_short() {
        assert_eq!(short("a = 'x\ny': no"), "a = 'x\\ny': no");
        let cut = short(&"a = 1 OR ".repeat(100));
        assert!(cut.ends_with('…') && measure_text_width(&cut) == REASON_WIDTH_MAX, "{cut}");
    }

    #[test]
    fn sizes_and_numbers() {
        for (number, expected) in [
            (0, "0 B"),
            (64, "64 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (9_951, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (766_123_456, "766 MB"),
            (1_234_567_890, "1.2 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(bytes(number), expected, "{number}");
        }
        for (number, expected) in
            [(0.0, "0 B"), (1.86e9, "1.86 GB"), (9.996e9, "10.0 GB"), (99.96e9, "100 GB")]
        {
            assert_eq!(rate(number), expected, "{number}");
        }
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (6_001_215, "6,001,215")] {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(seconds(Duration::from_micros(412_300)), "0.412 s");
        assert_eq!(seconds(Duration::from_millis(61_234)), "61.2 s");
    }
}
