//! What ran where, for people: `\explain`, `\program` and `\backend`.

use std::fmt::Write;
use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use engine::machine::{BackendKind, Unavailable, probe, probe_hook};
use engine::options::{BackendChoice, PushdownMode, WeirOptions};
use engine::prepare::Prepared;
use engine::report::{Scan, ScannedBy, scans};

use super::state::Last;
use crate::error::Error;
use crate::results::summary::{bytes, count, counted};
use crate::version;

/// The scans of the last statement, what each did, and the plan with its counters.
pub fn explain(last: &Last) -> Result<String, Error> {
    let plan = plan(last)?;
    let mut text = String::new();
    for scan in scans(plan) {
        explain_scan(&mut text, &scan);
    }
    if text.is_empty() {
        text.push_str("No file was scanned.\n\n");
    }
    let shown = DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(false).to_string();
    text.push_str("Plan\n");
    for line in shown.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    Ok(text)
}

fn plan(last: &Last) -> Result<&Arc<dyn ExecutionPlan>, Error> {
    last.plan.as_ref().ok_or(Error::LastFailed)
}

// Writing to a String cannot fail.
fn explain_scan(text: &mut String, scan: &Scan) {
    let files = match scan.files.as_slice() {
        [file] => file.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => "no file".to_owned(),
    };
    let _ = writeln!(text, "{files} ({})", bytes(scan.file_bytes));
    let mut line = |name: &str, items: &[String]| {
        for item in items {
            let _ = writeln!(text, "  {name:<14}{item}");
        }
    };
    match &scan.by {
        ScannedBy::Program { pushed, prepared, counts, fallbacks } => {
            line("ran in", &[place(prepared.as_deref()).to_owned()]);
            line("filter", &pushed.shown.filter);
            line("keys", &pushed.shown.keys);
            line("aggregates", &pushed.shown.aggregates);
            let did = format!(
                "{} read, {} returned, {} records, {} of them decided by DataFusion",
                bytes(counts.bytes_read),
                bytes(counts.bytes_returned),
                count(counts.records_scanned),
                count(counts.exception_records)
            );
            line("did", &[did]);
            line("in DataFusion", &pushed.shown.residual);
            line("declined", &pushed.declined.iter().map(ToString::to_string).collect::<Vec<_>>());
            let passed_over = prepared.as_ref().and_then(|prepared| prepared.passed_over.as_ref());
            line("passed over", &passed_over.map(ToString::to_string).into_iter().collect::<Vec<_>>());
            line("fell back", &fallbacks.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        ScannedBy::DataFusion { rows, declined, no_program } => {
            line("ran in", &["DataFusion".to_owned()]);
            line("did", &[counted(*rows, "row")]);
            line("declined", &declined.iter().map(ToString::to_string).collect::<Vec<_>>());
            line("fell back", &no_program.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
    text.push('\n');
}

fn place(prepared: Option<&Prepared>) -> &'static str {
    match prepared.map(|prepared| prepared.backend) {
        Some(BackendKind::Hook) => "the kernel, in its read path (hook)",
        Some(BackendKind::Stock) => "the kernel, by BPF_PROG_RUN (stock)",
        Some(BackendKind::Interpret | BackendKind::InterpretHook) => "the interpreter, in user space",
        None => "nothing: no rows of it were asked for",
    }
}

/// The fragments and the listings of the last statement's programs.
pub fn program(last: &Last) -> Result<String, Error> {
    let mut text = String::new();
    for scan in scans(plan(last)?) {
        let ScannedBy::Program { pushed, prepared: Some(prepared), .. } = scan.by else { continue };
        let _ = write!(
            text,
            "{}, {} instructions, for\n{}",
            scan.files.join(", "),
            prepared.program.insns.len(),
            indented(&pushed.fragment.to_string())
        );
        let _ = writeln!(text, "\n{}\n", prepared.program.listing.trim_end());
    }
    if text.is_empty() {
        return Err(Error::NoProgram);
    }
    Ok(text)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Which backends there are, and which one is taken.
pub fn backends(options: &WeirOptions) -> String {
    let mut text = String::new();
    let answer = |answer: Result<(), Unavailable>| match answer {
        Ok(()) => "available".to_owned(),
        Err(unavailable) => unavailable.to_string(),
    };
    let _ = writeln!(text, "hook       {}", answer(probe_hook()));
    let _ = writeln!(text, "stock      {}", answer(probe()));
    let _ = writeln!(text, "interpret  available (slow, for tests)");
    let taken = match options.backend {
        _ if options.pushdown == PushdownMode::Off => {
            "pushdown is off: all queries run in DataFusion".to_owned()
        }
        BackendChoice::Auto => format!("auto takes {}", version::backend()),
        choice => format!("{choice} was chosen"),
    };
    let _ = writeln!(text, "{taken}");
    text
}
