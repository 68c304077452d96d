//! Times the stages of a program alone, without planning and without a file: a fragment is compiled, loaded into the
//! kernel and driven over TPC-H lineitem in memory, on one thread.
//!
//! ```text
//! bytes of lineitem --[ copy, as read() would ]--> window --[ index ]--> boundaries --[ fold ]--> state
//! ```
//!
//! The two stages run together, so the index is timed with a fold that does next to nothing, `count(*)`; what a
//! query takes beyond that is its fold. `cargo run --release -p weir-benches -- [SCALE]`, by default 0.1. `WEIR_INDEX` chooses
//! the index stage.

use std::error::Error;
use std::time::{Duration, Instant};

use machine::{BackendKind, LoadStatistics, WindowMachine, probe};
use pushdown::contract::layout::{EXCEPTIONS, MATCHED, RECORDS, Sizes};
use pushdown::contract::steps::{Maps, Window};
use pushdown::testing::LINEITEM_FRAGMENTS;
use pushdown::{Program, compile, fragment};
use tpchgen::csv::LineItemCsv;
use tpchgen::generators::LineItemGenerator;

/// Each is timed so often, in turns; the best counts.
const RUNS: usize = 5;

/// One fragment and the best times of it so far.
struct Stage {
    name: &'static str,
    program: Program,
    machine: WindowMachine,
    compile: Duration,
    load: LoadStatistics,
    pass: Pass,
}

/// The whole of the data once through a machine.
#[derive(Clone, Copy)]
struct Pass {
    copy: Duration,
    run: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let scale = std::env::args().nth(1).map_or(Ok(0.1), |text| text.parse())?;
    probe()?;
    let (records, bytes) = lineitem(scale);
    let mut stages =
        LINEITEM_FRAGMENTS.iter().map(|(name, text)| prepare(name, text)).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..RUNS {
        for stage in &mut stages {
            let pass = pass(&stage.program, &mut stage.machine, &bytes)?;
            stage.pass.copy = stage.pass.copy.min(pass.copy);
            stage.pass.run = stage.pass.run.min(pass.run);
            let done = (stage.machine.word(RECORDS), stage.machine.word(EXCEPTIONS));
            if done != (records, 0) {
                return Err(format!("{}: {done:?} instead of {records} records", stage.name).into());
            }
        }
    }
    report(scale, records, &bytes, &stages);
    Ok(())
}

/// The number of records, and their text without a header.
fn lineitem(scale: f64) -> (u64, Vec<u8>) {
    let mut text = String::new();
    let mut records = 0;
    for item in LineItemGenerator::new(scale, 1, 1) {
        text.push_str(&LineItemCsv::new(item).to_string());
        text.push('\n');
        records += 1;
    }
    (records, text.into_bytes())
}

/// Compiles and loads a fragment, with the best times of both.
fn prepare(name: &'static str, text: &str) -> Result<Stage, Box<dyn Error>> {
    let fragment = fragment::text::parse(text)?;
    let pass = Pass { copy: Duration::MAX, run: Duration::MAX };
    let mut best: Option<Stage> = None;
    for _ in 0..RUNS {
        let start = Instant::now();
        let program = compile(&fragment, BackendKind::Stock.chosen_target()?, Sizes::default())?;
        let mut compile = start.elapsed();
        let machine = WindowMachine::stock(&program)?;
        let mut load = machine.statistics();
        if let Some(before) = &best {
            compile = compile.min(before.compile);
            load.load_time = load.load_time.min(before.load.load_time);
        }
        best = Some(Stage { name, program, machine, compile, load, pass });
    }
    best.ok_or_else(|| "not a single run".into())
}

/// Feeds the data to the program as the engine does, but reads no file, and drops the records that come out.
fn pass(program: &Program, machine: &mut WindowMachine, bytes: &[u8]) -> Result<Pass, Box<dyn Error>> {
    let mut pass = Pass { copy: Duration::ZERO, run: Duration::ZERO };
    for counter in [RECORDS, MATCHED, EXCEPTIONS] {
        machine.set_word(counter, 0);
    }
    let mut window = Window::new(&program.layout);
    let mut rest = bytes;
    while !rest.is_empty() {
        let start = Instant::now();
        let free = window.free(machine);
        let (next, behind) = rest.split_at(rest.len().min(free.len()));
        free[..next.len()].copy_from_slice(next);
        let mut chunk = window.chunk(machine, next.len(), false);
        pass.copy += start.elapsed();

        let start = Instant::now();
        while !chunk.is_done() {
            chunk.step(machine, &program.layout)?;
        }
        pass.run += start.elapsed();
        if chunk.consumed() == 0 {
            return Err("a record that does not end".into());
        }
        window.keep(machine, &chunk);
        rest = behind;
    }
    Ok(pass)
}

fn report(scale: f64, records: u64, bytes: &[u8], stages: &[Stage]) {
    let nanoseconds = |time: Duration| time.as_nanos() as f64 / records as f64;
    let gigabytes = |time: Duration| bytes.len() as f64 / time.as_nanos() as f64;
    println!(
        "TPC-H lineitem at scale {scale} in memory: {records} records, {} bytes\n\
         stock backend, index stage {}, window of {} KiB, one thread, best of {RUNS}\n\n\
         fragment      slots verified compile ms   load ms  ns/record    GB/s  fold ns    matched",
        bytes.len(),
        std::env::var("WEIR_INDEX").unwrap_or_else(|_| "of this processor".to_owned()),
        stages[0].program.layout.sizes.input_bytes >> 10,
    );
    let index = nanoseconds(stages[0].pass.run);
    for stage in stages {
        let run = nanoseconds(stage.pass.run);
        println!(
            "{:10} {:>8} {:>8} {:>10.2} {:>9.2} {run:>10.1} {:>7.2} {:>8.1} {:>10}",
            stage.name,
            stage.load.program_instructions,
            stage.load.verified_instructions.map_or("?".into(), |count| count.to_string()),
            stage.compile.as_secs_f64() * 1e3,
            stage.load.load_time.as_secs_f64() * 1e3,
            gigabytes(stage.pass.run),
            run - index,
            stage.machine.word(MATCHED),
        );
    }
    let copy = stages.iter().map(|stage| stage.pass.copy).min().unwrap_or_default();
    println!(
        "\nfold ns: a record, above the first line, which is the index stage\n\
         copying into the window, which stands for read() and is not counted above: {:.1} ns a record, {:.2} GB/s",
        nanoseconds(copy),
        gigabytes(copy),
    );
}
