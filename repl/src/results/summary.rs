//! The line below a result: rows, time, and what the scans did, in the kernel or why not there.

use std::sync::Arc;
use std::time::Duration;

use datafusion::physical_plan::ExecutionPlan;
use engine::kernel::BackendKind;
use engine::report::{Counts, Scan, ScannedBy, scans};

use super::cells::{push_cut, push_visible};

/// A reason is cut to so many characters: EXPLAIN shows all of it.
const REASON_WIDTH_MAX: usize = 120;

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
    parts.join(" · ")
}

/// The scans of a plan, put together.
#[derive(Debug, Default)]
struct Work {
    programs: Vec<(BackendKind, Counts)>,
    /// Why something was left to DataFusion, each reason once.
    reasons: Vec<String>,
    /// Of scans that DataFusion did without such a reason.
    plain_rows: Option<u64>,
}

impl Work {
    fn of(scans: Vec<Scan>) -> Work {
        let mut work = Work::default();
        for scan in scans {
            match scan.by {
                ScannedBy::Program { pushed, counts, fallbacks } => {
                    work.program(pushed.backend, counts);
                    let fallbacks = fallbacks.iter().map(|reason| format!("fell back, {reason}"));
                    fallbacks.for_each(|reason| work.reason(reason));
                    pushed.declined.iter().for_each(|declined| work.reason(declined.to_string()));
                }
                ScannedBy::DataFusion { rows, declined } if declined.is_empty() => {
                    *work.plain_rows.get_or_insert_default() += rows;
                }
                ScannedBy::DataFusion { declined, .. } => {
                    declined.iter().for_each(|declined| work.reason(declined.to_string()));
                }
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

    fn reason(&mut self, reason: String) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// What DataFusion did.
    fn others(&self) -> Option<String> {
        match (self.reasons.as_slice(), self.plain_rows) {
            ([], None) => None,
            ([], Some(rows)) => Some(format!("DataFusion: {} scanned", counted(rows, "row"))),
            ([first], _) => Some(format!("DataFusion: {}", short(first))),
            ([first, rest @ ..], _) => Some(format!(
                "DataFusion: {}, and {}",
                short(first),
                counted(rest.len() as u64, "more reason")
            )),
        }
    }
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
    if console::measure_text_width(&visible) <= REASON_WIDTH_MAX {
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
