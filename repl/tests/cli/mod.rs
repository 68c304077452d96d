//! The program as a user meets it: arguments and standard input in, standard output, standard error and the exit code
//! out.

mod copies;
mod errors;
mod host;
mod results;
mod scripts;
mod tables;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const TRIPS: &str =
    "id,name,price,day\n1,one,1.5,2024-01-01\n2,,2.25,2024-01-02\n3,\"a \"\"q\"\", b|c\",,2024-01-03\n";

/// A folder with files, in which the program runs.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn weir(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    weir(folder, arguments).output().unwrap()
}

/// Runs with `input` on standard input.
fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = weir(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn expect(output: Output, stdout: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "standard error: {error}");
    assert_eq!(output.status.code(), Some(0), "standard error: {error}");
}

/// Exit code, the exact standard output, and a part of standard error.
#[track_caller]
fn expect_failure(output: Output, code: i32, stdout: &str, stderr: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "standard error: {error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert!(error.contains(stderr), "standard error: {error}");
    if code == 1 {
        assert!(error.starts_with("weir: error: "), "standard error: {error}");
    }
}
