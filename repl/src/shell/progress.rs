//! A bar on standard error while a query runs: bytes, records, rate and the time left.
//!
//! It appears after half a second and is gone without a trace when it is dropped. The numbers are the counters of the
//! workers. DataFusion's own scans of CSV do not count bytes, so for them the bar shows what the process has read.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use console::Term;
use datafusion::physical_plan::ExecutionPlan;
use engine::report::{ScannedBy, scans};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::results::summary::{bytes, count};

/// A query that is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);
/// Often enough to look alive.
const PERIOD: Duration = Duration::from_millis(100);

/// The bar of a query; dropping it removes the bar, and lets none appear any more.
#[derive(Default)]
pub struct Progress(Watch);

/// Lets the bar of a query begin, from the task that runs it.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Stage>>);

#[derive(Default)]
enum Stage {
    #[default]
    NotYet,
    /// The sender is dropped to end the thread.
    Running(Sender<()>, JoinHandle<()>),
    Over,
}

impl Progress {
    pub fn watch(&self) -> Watch {
        self.0.clone()
    }
}

impl Watch {
    /// Begins to watch a plan. Draws nothing on what is no terminal, or one on which nothing can be taken back.
    pub fn begin(&self, plan: &Arc<dyn ExecutionPlan>) {
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        if is_dumb || !std::io::stderr().is_terminal() || !std::io::stdout().is_terminal() {
            return;
        }
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*stage, Stage::NotYet) {
            return;
        }
        let (stop, stopped) = channel();
        let plan = Arc::clone(plan);
        let draw = move || {
            let mut watched = Watched::new(plan);
            let mut wait = PATIENCE;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                watched.draw();
                wait = PERIOD;
            }
            watched.clear();
        };
        // Without a thread there is no bar, and the query runs all the same.
        if let Ok(thread) = std::thread::Builder::new().name("weir-progress".to_owned()).spawn(draw) {
            *stage = Stage::Running(stop, thread);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut stage = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Running(stop, thread) = std::mem::replace(&mut *stage, Stage::Over) {
            drop(stop);
            // It can only have panicked, and has said so then.
            let _ = thread.join();
        }
    }
}

struct Watched {
    plan: Arc<dyn ExecutionPlan>,
    bar: Option<ProgressBar>,
    began: Instant,
    process_bytes_before: u64,
}

impl Watched {
    fn new(plan: Arc<dyn ExecutionPlan>) -> Watched {
        Watched { plan, bar: None, began: Instant::now(), process_bytes_before: process_bytes() }
    }

    fn draw(&mut self) {
        let state = State::of(&self.plan, process_bytes().saturating_sub(self.process_bytes_before));
        let bar = self.bar.get_or_insert_with(|| {
            // The template is a constant; a wrong one would leave indicatif's own style.
            let template = format!("{{bar:{BAR_COLUMNS}}} {{msg}}");
            let style =
                ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(
                Some(1),
                ProgressDrawTarget::term_like(Box::new(Narrow(Term::stderr()))),
            );
            bar.with_style(style.progress_chars("━╸─"))
        });
        bar.set_length(state.bytes_total.max(1));
        bar.set_position(state.bytes_done.min(state.bytes_total));
        let columns = usize::from(Narrow(Term::stderr()).width()).saturating_sub(BAR_COLUMNS + 1);
        bar.set_message(state.message(self.began.elapsed(), columns));
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

const BAR_COLUMNS: usize = 24;

/// The terminal, some columns narrower. The bar is padded to the width; the terminal's echo of Ctrl-C behind it would
/// begin a further line, and the bar would not go from the first one.
#[derive(Debug)]
struct Narrow(Term);

/// For what is typed, `^C` for the most part, until the bar is drawn again.
const ECHO_COLUMNS: u16 = 8;

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(ECHO_COLUMNS)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How far the scans of a query are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    bytes_done: u64,
    bytes_total: u64,
    records: u64,
}

impl State {
    fn of(plan: &Arc<dyn ExecutionPlan>, process_bytes: u64) -> State {
        let mut state = State { bytes_done: 0, bytes_total: 0, records: 0 };
        let mut counted_bytes = 0;
        let mut uncounted_total = 0;
        for scan in scans(plan) {
            state.bytes_total += scan.file_bytes;
            match scan.by {
                ScannedBy::Program { counts, .. } => {
                    counted_bytes += counts.bytes_read;
                    state.bytes_done += counts.bytes_read.min(scan.file_bytes);
                    state.records += counts.records_scanned;
                }
                ScannedBy::DataFusion { rows, .. } => {
                    uncounted_total += scan.file_bytes;
                    state.records += rows;
                }
            }
        }
        state.bytes_done += process_bytes.saturating_sub(counted_bytes).min(uncounted_total);
        state
    }

    /// As much as there is room for; the records go first.
    fn message(&self, elapsed: Duration, columns: usize) -> String {
        let seconds = elapsed.as_secs_f64().max(1e-3);
        let rate = self.bytes_done as f64 / seconds;
        let mut parts = vec![
            format!("{} of {}", bytes(self.bytes_done), bytes(self.bytes_total)),
            format!("{} records", count(self.records)),
            format!("{}/s", bytes(rate as u64)),
        ];
        if self.bytes_done >= self.bytes_total {
            // What is left is not reading: a sort, a join.
            parts.push("finishing".to_owned());
        } else if rate >= 1.0 {
            let left = Duration::from_secs_f64((self.bytes_total - self.bytes_done) as f64 / rate);
            parts.push(format!("{} left", indicatif::HumanDuration(left)));
        }
        loop {
            let message = parts.join(" · ");
            if message.chars().count() <= columns || parts.len() == 1 {
                return message;
            }
            parts.remove(1);
        }
    }
}

/// Bytes that this process has read so far, by any call.
fn process_bytes() -> u64 {
    let statistics = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let read = statistics.lines().find_map(|line| line.strip_prefix("rchar: "));
    read.and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let half = State { bytes_done: 383_000_000, bytes_total: 766_000_000, records: 3_000_000 };
        assert_eq!(
            half.message(Duration::from_secs(2), 80),
            "383 MB of 766 MB · 3,000,000 records · 192 MB/s · 2 seconds left"
        );
        assert_eq!(half.message(Duration::from_secs(2), 55), "383 MB of 766 MB · 192 MB/s · 2 seconds left");
        assert_eq!(half.message(Duration::from_secs(2), 40), "383 MB of 766 MB · 2 seconds left");
        assert_eq!(half.message(Duration::from_secs(2), 0), "383 MB of 766 MB");
        let all = State { bytes_done: 766_000_000, ..half };
        assert!(all.message(Duration::from_secs(2), 80).ends_with("383 MB/s · finishing"));
        let none = State { bytes_done: 0, ..half };
        assert!(none.message(Duration::ZERO, 80).ends_with("0 B/s"));
    }
}
