//! `demo` and `doctor`.

use std::process::Command;

use super::{expect_failure, folder, run, weir};

#[test]
fn demo() {
    let folder = folder(&[]);
    let demo = |input: &[&str]| {
        weir(folder.path(), &[&["demo", "--scale", "0.001"], input].concat())
            .env("XDG_CACHE_HOME", folder.path())
            .output()
            .unwrap()
    };
    let first = demo(&[]);
    let error = String::from_utf8_lossy(&first.stderr);
    assert_eq!(first.status.code(), Some(0), "{error}");
    let text = String::from_utf8(first.stdout).unwrap();
    for line in ["Q6", "Q1"] {
        assert!(text.lines().any(|text| text.starts_with(line) && text.contains("agree")), "{text}");
    }
    let file = folder.path().join("weir/lineitem-0.001.csv");
    let made = file.metadata().unwrap().modified().unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("l_orderkey,l_partkey,"));
    assert_eq!(std::fs::read_dir(folder.path().join("weir")).unwrap().count(), 1);
    // The second run uses the file again.
    assert_eq!(demo(&["--threads", "1"]).status.code(), Some(0));
    assert_eq!(file.metadata().unwrap().modified().unwrap(), made);
}

#[test]
fn doctor() {
    let folder = folder(&[("a.csv", "x\n"), ("b.csv.gz", "x\n")]);
    let with_kernel = machine::testing::kernel_available_or_skip("doctor");
    if with_kernel {
        let output = run(folder.path(), &["doctor", "a.csv", "b.csv.gz"]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        for line in [
            "ok      bpf(2): a program was loaded and run, and its result arrived",
            "missing b.csv.gz: is compressed, so queries on it run in DataFusion",
            "          gunzip --keep b.csv.gz",
        ] {
            assert!(text.lines().any(|found| found == line), "{text}");
        }
        assert!(text.lines().any(|line| line.starts_with("ok      a.csv")), "{text}");
    }
    expect_failure(run(folder.path(), &["doctor", "c.csv"]), 2, "", "c.csv: No such file");

    let program = env!("CARGO_BIN_EXE_weir");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-all", "--inh-caps", "-all", program, "doctor"]);
    let output =
        match if with_kernel { command.output() } else { Command::new(program).arg("doctor").output() } {
            // A user without privilege cannot drop any.
            Ok(output) if output.status.code().is_some_and(|code| code <= 1) && !output.stdout.is_empty() => {
                output
            }
            other => {
                machine::testing::skip("doctor without capabilities", "setpriv", format!("{other:?}"));
                return;
            }
        };
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("no backend can run in this kernel"), "{text}");
    if with_kernel {
        let lacking = "missing CAP_BPF and CAP_PERFMON: without them no program can be loaded";
        assert!(text.lines().any(|line| line == lacking), "{text}");
        assert!(text.contains("\n          sudo setcap cap_bpf,cap_perfmon+ep "), "{text}");
    }
}
