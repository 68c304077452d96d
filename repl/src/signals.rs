//! Ctrl-C: ends the query and not the session at a prompt, ends the process elsewhere.
//!
//! A thread takes SIGINT from the start on, so that it never finds the process without a handler. At a prompt it is
//! counted, and whatever takes long asks whether it happened. While another program has the terminal, a pager or an
//! editor, it is that program's alone.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The exit code that a shell gives a process which SIGINT ended.
pub const EXIT_CODE: u8 = 130;

/// What SIGINT does to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    EndsProcess,
    IsCounted,
}

/// How often it happened, for those who wait for it.
static COUNT: OnceLock<watch::Sender<u64>> = OnceLock::new();
/// Programs that have the terminal, and when the last one left it.
static FOREIGN: Mutex<(usize, Option<Instant>)> = Mutex::new((0, None));
/// Ctrl-C that ends a program is seen here when the program may be gone already.
const AFTER_FOREIGN: Duration = Duration::from_millis(200);

/// Takes SIGINT from now on.
pub fn listen(interrupt: Interrupt) -> io::Result<()> {
    // A thread of its own: the workers of the program's runtime look for signals only between some sixty steps of a
    // query, which together may take seconds.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _runtime = runtime.enter();
        signal(SignalKind::interrupt())?
    };
    let count = COUNT.get_or_init(|| watch::Sender::new(0));
    let take = move || {
        runtime.block_on(async {
            while signals.recv().await.is_some() {
                if is_for_foreign_program() {
                    continue;
                }
                if interrupt == Interrupt::EndsProcess {
                    end_process();
                }
                count.send_modify(|count| *count += 1);
            }
        });
    };
    std::thread::Builder::new().name("weir-signals".to_owned()).spawn(take)?;
    Ok(())
}

fn foreign() -> MutexGuard<'static, (usize, Option<Instant>)> {
    FOREIGN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_for_foreign_program() -> bool {
    let (count, ended) = *foreign();
    count > 0 || ended.is_some_and(|ended| ended.elapsed() < AFTER_FOREIGN)
}

fn end_process() -> ! {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        // A progress bar may stand there.
        let _ = stderr.write_all(b"\r\x1b[K");
    }
    std::process::exit(EXIT_CODE.into())
}

/// Ctrl-C ended what was going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// The interrupts up to now, to see whether one came later.
pub struct Interrupts(Option<watch::Receiver<u64>>);

impl Interrupts {
    pub fn so_far() -> Interrupts {
        Interrupts(COUNT.get().map(watch::Sender::subscribe))
    }

    /// An error if there was one since.
    pub fn check(&self) -> Result<(), Cancelled> {
        match &self.0 {
            Some(count) if count.has_changed().unwrap_or(false) => Err(Cancelled),
            _ => Ok(()),
        }
    }

    /// Waits for the next one; for ever if nobody listens.
    async fn next(mut self) {
        if let Some(count) = &mut self.0
            && count.changed().await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Waits for `work`, or for Ctrl-C, which drops it.
pub async fn cancellable<T>(work: impl Future<Output = T>) -> Result<T, Cancelled> {
    tokio::select! {
        done = work => Ok(done),
        () = Interrupts::so_far().next() => Err(Cancelled),
    }
}

/// While it lives, another program has the terminal.
pub struct ForeignProgram;

impl ForeignProgram {
    pub fn begin() -> ForeignProgram {
        foreign().0 += 1;
        ForeignProgram
    }
}

impl Drop for ForeignProgram {
    fn drop(&mut self) {
        let mut foreign = foreign();
        foreign.0 -= 1;
        foreign.1 = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;

    use super::*;

    #[test]
    fn an_interrupt_is_noticed_while_all_workers_are_busy() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        listen(Interrupt::IsCounted).unwrap();
        // How many have begun: the workers, and what is interrupted.
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        // Steps as those of a large batch. The workers look for signals after some 60 of them.
        for _ in 0..2 {
            let mut begins = true;
            runtime.spawn(std::future::poll_fn(move |context| {
                BEGUN.fetch_add(usize::from(std::mem::take(&mut begins)), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(500));
                context.waker().wake_by_ref();
                Poll::<()>::Pending
            }));
        }
        let began = Instant::now();
        std::thread::spawn(|| {
            while BEGUN.load(Ordering::SeqCst) < 3 {
                std::thread::yield_now();
            }
            let process = std::process::id().to_string();
            std::process::Command::new("kill").args(["-INT", &process]).status().unwrap();
        });
        let mut begins = true;
        let waits = std::future::poll_fn(|_| {
            BEGUN.fetch_add(usize::from(std::mem::take(&mut begins)), Ordering::SeqCst);
            Poll::<()>::Pending
        });
        let outcome = runtime.block_on(cancellable(waits));
        assert_eq!(outcome, Err(Cancelled));
        // 60 steps would be half a minute.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        runtime.shutdown_background();
    }
}
