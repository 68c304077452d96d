//! Beginning and end: the start-up file, terminals and pipes that are closed.

use crate::terminal::{CTRL_D, Home, wait};

#[test]
fn the_start_up_file_is_run_before_the_prompt() {
    let home = Home::new(&[("t.csv", "a\n1\n")]);
    home.write_weirrc(
        "\\timing off\n\\set n 41\n-- a comment\nSELECT 'from weirrc' AS greeting;\n\\pset null none\n",
    );
    let mut terminal = home.start(&["t.csv"]);
    assert!(terminal.text().contains("from weirrc"), "{}", terminal.text());
    let text = terminal.run("SELECT :n + a AS answer, NULL AS x FROM t;");
    assert!(text.contains("│     42 │ none │") && !text.contains("row · "), "{text}");
    // Not with -X, and not with -c.
    let mut terminal = home.start(&["-X"]);
    assert!(!terminal.text().contains("from weirrc"), "{}", terminal.text());
    assert!(terminal.run("SELECT 1 AS a;").contains("1 row · "));
    let mut terminal = home.spawn(&["-c", "SELECT 5 AS a"]);
    terminal.wait_for("│      5 │");
    assert!(!terminal.text().contains("from weirrc"), "{}", terminal.text());
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_start_up_file_that_fails_keeps_nobody_out() {
    let home = Home::new(&[]);
    home.write_weirrc("SELECT 'one' AS a;\nSELEC 2;\n\\echo never\n");
    let mut terminal = home.start(&[]);
    let text = terminal.text();
    assert!(text.contains("weirrc:\nweir: error: syntax error"), "{text}");
    assert!(text.contains("weirrc:2: SELEC 2;"), "{text}");
    assert!(!text.contains("never"), "{text}");
    assert!(terminal.run("SELECT 1 AS fine;").contains("│      1 │"));
    // One that leaves leaves.
    home.write_weirrc("\\q\n");
    assert_eq!(home.spawn(&[]).end(), 0);
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let home = Home::new(&[]);
    let command = "\"$@\" | head -n 1; echo done";
    let weir = env!("CARGO_BIN_EXE_weir");
    let sql = "SELECT * FROM generate_series(1, 1000000)";
    let mut terminal = home.spawn_command(command, &[weir, "--format", "csv", "-c", sql, "-c", sql]);
    terminal.wait_for("done");
    assert_eq!(terminal.text(), "value\ndone");
    assert_eq!(terminal.end(), 0);
}

/// Starts the prompt at a terminal of `script`, kills that, and waits for the end of the prompt.
fn close(before: &str, running: &str) {
    let home = Home::new(&[("t.csv", &format!("a\n{}", "1\n".repeat(10_000_000)))]);
    let command =
        format!("echo $$ > pid; {before} exec \"{}\" t.csv --backend interpret", env!("CARGO_BIN_EXE_weir"));
    let mut terminal = home.spawn_command("exec script -qc \"$1\" script.log", &[&command]);
    terminal.wait_until_ready();
    terminal.begin(running);
    if !running.is_empty() {
        terminal.type_in("\r");
        terminal.wait_for(" records · ");
    }
    let pid = home.read("pid");
    assert!(std::path::Path::new("/proc").join(pid.trim()).exists());
    terminal.kill();
    wait("the end of the prompt", || {
        // One that nobody has waited for yet has ended as well.
        let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        status.is_err() || status.is_ok_and(|status| status.contains(") Z "))
    });
}

#[test]
fn a_closed_terminal_ends_the_prompt() {
    close("", "");
    close("", "SELECT sum(a) FROM t;");
}

#[test]
fn a_closed_terminal_ends_the_prompt_that_does_not_hear_of_it() {
    close("trap '' HUP;", "");
    close("trap '' HUP;", "SELECT sum(a) FROM t;");
}

#[test]
fn standard_output_that_is_no_terminal_gets_results_alone() {
    let home = Home::new(&[("t.csv", "a\n1\n2\n")]);
    // Standard input is a terminal, which alone makes nothing colourful.
    let command = "\"$@\" --pushdown off -c 'SELECT a FROM t ORDER BY a' -c '\\dt' -c '\\echo said' > out 2> err; cat err";
    let mut terminal = home.spawn_command(command, &[env!("CARGO_BIN_EXE_weir"), "t.csv"]);
    terminal.wait_for_end();
    assert_eq!(terminal.text(), "");
    let out = home.read("out");
    assert!(out.starts_with("+---+\n| a |\n+---+\n| 1 |\n| 2 |\n+---+\n+-------+"), "{out}");
    assert!(
        out.ends_with("\nsaid\n") && out.is_ascii() && !out.contains('\x1b') && !out.contains(" rows · "),
        "{out}"
    );
}

#[test]
fn the_end_of_the_input_ends_the_prompt_on_its_own_line() {
    let home = Home::new(&[]);
    let mut terminal = home.spawn_command("\"$@\"; echo after", &[env!("CARGO_BIN_EXE_weir")]);
    terminal.wait_until_ready();
    terminal.type_in(CTRL_D);
    terminal.wait_for("weir> \nafter");
    assert_eq!(terminal.end(), 0);
}
