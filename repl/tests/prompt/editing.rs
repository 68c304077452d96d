//! Typing: what keys do to the line, to the history and to the screen.

use vt100::Color;

use crate::terminal::{BACKSPACE, CTRL_C, CTRL_D, CTRL_R, ENTER, HOME, Home, LEFT, RIGHT, TAB, Terminal, UP};

const TRIPS: &str = "id,fare,vendor\n1,2.5,A\n2,7.25,B\n3,,A\n";
const ZONES: &str = "zone,city\n1,Ghent\n2,Bruges\n";

fn home() -> Home {
    Home::new(&[("trips.csv", TRIPS), ("zones.csv", ZONES), ("a b.csv", "x\n1\n")])
}

fn start(home: &Home) -> Terminal {
    home.start(&["trips.csv", "zones.csv", "--pushdown", "off"])
}

#[test]
fn a_line_is_typed_edited_and_run() {
    let home = home();
    let mut terminal = start(&home);
    let begin = "\
weir: trips.csv: ',' delimited, header, 3 columns
weir: zones.csv: ',' delimited, header, 2 columns
weir 0.1.0. \\? for help, \\q to leave.
";
    assert!(terminal.text().starts_with(begin), "{}", terminal.text());
    terminal.begin("SELECT 41 AS answe;");
    terminal.type_in(&format!("{LEFT}r{HOME}"));
    terminal.wait("the cursor at the beginning", |screen| screen.cursor_position().1 == 6);
    terminal.type_in(&RIGHT.repeat(9));
    terminal.type_in(&format!("{BACKSPACE}2{ENTER}"));
    terminal.wait_for("│     42 │");
    assert!(terminal.text().contains("weir> SELECT 42 AS answer;\n"), "{}", terminal.text());
    terminal.wait_until_ready();
    terminal.type_in(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_continued_line_shows_what_is_open() {
    let home = home();
    let mut terminal = start(&home);
    terminal.begin("SELECT 1 AS one,");
    for (line, prompt) in [
        ("", "   -> "),
        ("'a", "   '> "),
        ("b' AS two, \"x", "   \"> "),
        ("y\", /* c", "   *> "),
        ("*/ $$ d", "   $> "),
        ("$$, (", "   (> "),
        ("5", "   (> "),
        (") AS five", "   -> "),
    ] {
        terminal.type_in(&format!("{line}{ENTER}"));
        let wanted = prompt.trim_end().to_owned();
        terminal.wait(prompt, |screen| {
            let (row, column) = screen.cursor_position();
            let shown = screen.rows(0, 100).nth(row.into()).unwrap_or_default();
            column == 6 && shown.trim_end() == wanted && screen.bracketed_paste()
        });
    }
    terminal.type_in(&format!("FROM (VALUES (1)) AS t(\"x{ENTER}y\");{ENTER}"));
    terminal.wait_for("1 row · ");
    let row = "│      1 │ a\\nb    │      1 │  d\\n         │      5 │";
    assert!(terminal.text().contains(row), "{}", terminal.text());
}

#[test]
fn arrow_up_on_a_further_line_edits_the_whole_statement() {
    let home = home();
    let mut terminal = start(&home);
    terminal.begin("SELECT 41");
    terminal.type_in(ENTER);
    terminal.wait_for("   ->");
    terminal.type_in("AS answer");
    terminal.type_in(UP);
    terminal.wait("the whole statement", |screen| {
        screen.contents() == "weir> SELECT 41\nAS answer" && screen.cursor_position().0 == 0
    });
    terminal.type_in(&format!("{BACKSPACE}2{ENTER}"));
    terminal.wait_for("   ->");
    terminal.type_in(&format!(";{ENTER}"));
    terminal.wait_for("│     42 │");
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let home = home();
    let mut terminal = start(&home);
    // In one piece, as a terminal without bracketed paste sends it.
    terminal.type_in("SELECT 1 AS one;\rSELECT 2\rAS two;\rSELECT 3 AS three;\r");
    terminal.wait_for("│      3 │");
    for text in ["│      1 │", "│      2 │"] {
        assert!(terminal.text().contains(text), "{}", terminal.text());
    }
}

/// The candidates that are listed between two prompts, which stand in columns.
fn columns(text: &str) -> Vec<String> {
    let rows = text.lines().skip(1).take_while(|row| !row.starts_with("weir>"));
    let rows: Vec<Vec<&str>> =
        rows.map(|row| row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    let widest = rows.iter().map(Vec::len).max().unwrap_or_default();
    (0..widest)
        .flat_map(|at| rows.iter().filter_map(move |row| row.get(at)).map(|cell| (*cell).to_owned()))
        .collect()
}

/// Types a line and Tab, and waits for candidates below it that begin with these.
#[track_caller]
fn check_candidates(terminal: &mut Terminal, line: &str, expected: &[&str]) {
    terminal.begin(line);
    terminal.type_in(TAB);
    terminal.wait(&format!("{expected:?} behind {line}"), |screen| {
        let text = screen.contents();
        columns(&text).starts_with(&expected.iter().map(|each| (*each).to_owned()).collect::<Vec<_>>())
    });
    terminal.type_in(CTRL_C);
    terminal.wait_until_ready();
}

/// Types a line and Tab, and waits for what that makes of it.
#[track_caller]
fn check_completed(terminal: &mut Terminal, line: &str, expected: &str) {
    terminal.begin(line);
    terminal.type_in(TAB);
    terminal.wait(&format!("{expected} of {line}"), |screen| {
        screen.contents().trim_end() == format!("weir> {expected}").trim_end()
    });
    terminal.type_in(CTRL_C);
    terminal.wait_until_ready();
}

#[test]
fn completion() {
    let home = home();
    let mut terminal = start(&home);
    let terminal = &mut terminal;
    check_completed(terminal, "sel", "select");
    check_completed(terminal, "SELECT * FROM tr", "SELECT * FROM trips");
    check_candidates(terminal, "SELECT * FROM ", &["trips", "zones"]);
    check_candidates(terminal, "SELECT * FROM '", &["'a b.csv'", "'trips.csv'", "'zones.csv'"]);
    check_completed(terminal, "SELECT * FROM 'tr", "SELECT * FROM 'trips.csv'");
    check_candidates(terminal, "SELECT * FROM trips WHERE f", &["fare", "factorial("]);
    check_candidates(terminal, "SELECT * FROM trips, zones z WHERE z.", &["zone", "city"]);
    check_completed(terminal, "SELECT * FROM 'a b.csv' WHERE ", "SELECT * FROM 'a b.csv' WHERE x");
    check_candidates(terminal, "\\s", &["\\summary", "\\set"]);
    check_candidates(terminal, "\\pset format ", &["automatic", "table", "csv", "tsv"]);
    check_completed(terminal, "\\d tr", "\\d trips");
    check_completed(terminal, "\\i tr", "\\i trips.csv");
    check_completed(terminal, "\\backend in", "\\backend interpret");
    check_candidates(terminal, "SET weir.", &["weir.backend", "weir.file_order", "weir.pushdown"]);
    check_completed(terminal, "SET weir.pushdown = 'r", "SET weir.pushdown = 'require'");
    // In front of the tables: those of the statement are known from behind the cursor.
    terminal.begin("SELECT  FROM zones");
    terminal.type_in(&format!("{}{TAB}", LEFT.repeat(" FROM zones".len())));
    terminal.wait_for("\nzone  city\n");
    terminal.type_in(&format!("c{TAB}{TAB}"));
    terminal.wait_for("\nweir> SELECT c");
    // Of an earlier line.
    terminal.type_in(CTRL_C);
    terminal.wait_until_ready();
    terminal.type_in(&format!("{}SELECT * FROM zones{ENTER}", crate::terminal::CTRL_L));
    terminal.wait_for("   ->");
    terminal.type_in(&format!("WHERE ci{TAB}"));
    terminal.wait_for("   -> WHERE city");
}

#[test]
fn hints_show_signatures_and_arguments() {
    let home = home();
    let mut terminal = start(&home);
    for (line, hint) in [
        ("SELECT round(", "  round(numeric_expression[, decimal_places])"),
        ("SELECT upper(lower(", "  lower(str)"),
        ("SELECT upper(lower('x')", "  upper(str)"),
        ("\\pset ", "[NAME [VALUE]]"),
    ] {
        terminal.begin(line);
        terminal.wait_for(&format!("weir> {line}{hint}"));
        let cell = terminal.cell(hint);
        assert!(cell.dim() && !cell.bold(), "{line}");
        // Enter leaves no hint behind, and it is never part of the line.
        terminal.type_in(CTRL_C);
        terminal.wait_until_ready();
    }
    terminal.begin("SELECT abs(");
    terminal.type_in(ENTER);
    terminal.wait_for("   (>");
    assert!(terminal.text().starts_with("weir> SELECT abs(\n"), "{}", terminal.text());
    terminal.type_in(&format!("-7);{ENTER}"));
    terminal.wait_for("7 │");
}

#[test]
fn colours_and_brackets() {
    let home = home();
    let mut terminal = start(&home);
    terminal.begin("SELECT round(1.5), 'a', (2) FROM trips -- c");
    for (text, color, bold) in [
        ("weir>", Color::Default, true),
        ("SELECT", Color::Idx(6), true),
        ("round", Color::Idx(3), false),
        ("1.5", Color::Idx(5), false),
        ("'a'", Color::Idx(2), false),
        ("FROM", Color::Idx(6), true),
        ("trips", Color::Default, false),
    ] {
        let cell = terminal.cell(text);
        assert_eq!((cell.fgcolor(), cell.bold()), (color, bold), "{text}");
    }
    assert!(terminal.cell("-- c").dim());
    assert_eq!(terminal.cell("(1.5").fgcolor(), Color::Default);
    // The cursor goes behind the bracket of `round`.
    terminal.type_in(&format!("{HOME}{}", RIGHT.repeat(17)));
    terminal.wait("a pair of brackets", |screen| {
        let is_marked = |column| screen.cell(0, column).is_some_and(|cell| cell.fgcolor() == Color::Idx(4));
        screen.cursor_position().1 == 23 && is_marked(18) && is_marked(22) && !is_marked(30)
    });
    // Not in the line that stays.
    terminal.type_in(ENTER);
    terminal.wait_for("   ->");
    for column in [18, 22] {
        assert_eq!(terminal.screen().cell(0, column).unwrap().fgcolor(), Color::Default);
    }
    // A string that began in an earlier line.
    terminal.type_in(&format!(", 'a{ENTER}b"));
    terminal.wait_for("   '> b");
    assert_eq!(terminal.cell("b").fgcolor(), Color::Idx(2));
}

#[test]
fn who_wants_no_colour_gets_none() {
    let home = home().set("NO_COLOR", "1");
    let mut terminal = start(&home);
    terminal.run("SELECT round(1.5), NULL AS nothing FROM trips;");
    terminal.run("SELECT nmae FROM trips;");
    // Sequences that move the cursor remain, those that change the look do not.
    let log = terminal.log();
    let colours: Vec<&str> = log
        .split("\x1b[")
        .skip(1)
        .filter(|rest| {
            rest.find(|end: char| end.is_ascii_alphabetic()).is_some_and(|at| &rest[at..=at] == "m")
        })
        .collect();
    assert_eq!(colours, [] as [&str; 0]);
}

#[test]
fn history_is_that_of_all_sessions() {
    let home = home();
    let mut terminal = start(&home);
    terminal.run("SELECT 'first of all' AS a;");
    terminal.begin("SELECT 'two");
    terminal.type_in(&format!("{ENTER}lines' AS b;{ENTER}"));
    terminal.wait_until_ready();
    terminal.run("\\timing off");
    terminal.type_in(CTRL_D);
    assert_eq!(terminal.end(), 0);
    assert!(home.history().is_file());
    let names: Vec<_> =
        std::fs::read_dir(home.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");

    let mut terminal = start(&home);
    terminal.type_in(UP);
    terminal.wait_for("weir> \\timing off");
    terminal.type_in(UP);
    terminal.wait_for("weir> SELECT 'two\nlines' AS b;");
    terminal.type_in(CTRL_C);
    terminal.wait_until_ready();
    terminal.type_in(&format!("{CTRL_R}of all"));
    terminal.wait_for("SELECT 'first of all' AS a;");
    terminal.type_in(ENTER);
    terminal.wait_for("│ first of all │");
    // A line that begins with a space is not remembered, nor is one twice.
    terminal.run(" SELECT 'secret';");
    terminal.run("SELECT 5;");
    terminal.run("SELECT 5;");
    let history = std::fs::read_to_string(home.history()).unwrap();
    assert!(!history.contains("secret"), "{history}");
    assert_eq!(history.matches("SELECT 5;").count(), 1, "{history}");
}

#[test]
fn ctrl_c_throws_the_statement_away() {
    let home = home();
    let mut terminal = start(&home);
    terminal.begin("SELECT 'one");
    terminal.type_in(ENTER);
    terminal.wait_for("   '>");
    terminal.type_in(&format!("two{CTRL_C}"));
    terminal.wait_until_ready();
    assert!(terminal.run("SELECT 1 AS fine;").contains("│      1 │"));
}

#[test]
fn ctrl_d_and_words_that_leave() {
    let home = home();
    for leave in ["\\q\r", "quit\r", "exit;\r", CTRL_D] {
        let mut terminal = start(&home);
        terminal.type_in(leave);
        assert_eq!(terminal.end(), 0, "{leave:?}");
    }
    // Also in the middle of a statement, which is not run.
    let mut terminal = start(&home);
    terminal.begin("SELECT 1");
    terminal.type_in(&format!("{ENTER}{CTRL_D}"));
    assert_eq!(terminal.end(), 0);
}

#[test]
fn bytes_that_are_no_text() {
    let home = home();
    let mut terminal = start(&home);
    terminal.begin("SELECT '");
    terminal.type_bytes(b"caf\xe9.");
    // The line is still there, without the byte.
    terminal.wait_for("weir: what was not UTF-8 is left out\nweir> SELECT 'caf");
    terminal.type_in("\u{e9}' AS text;");
    terminal.enter();
    assert!(terminal.text().contains("│ caf\u{e9}    │"), "{}", terminal.text());
    // Further on in the line.
    terminal.begin("SELECT '' AS text;");
    terminal.type_in(&LEFT.repeat(10));
    terminal.type_bytes(b"\xff");
    terminal.wait_for("is left out\nweir> SELECT '' AS text;");
    terminal.type_in("x");
    terminal.wait_for("weir> SELECT 'x' AS text;");
    terminal.enter();
    assert!(terminal.text().contains("│ x       │"), "{}", terminal.text());
    assert!(terminal.run("SELECT 1 AS fine;").contains("│      1 │"));
}

/// As terminals send what is pasted.
fn paste(terminal: &mut Terminal, text: &str) {
    terminal.type_in(&format!("\x1b[200~{text}\x1b[201~"));
}

#[test]
fn a_pasted_script_is_run_statement_by_statement() {
    let home = home();
    let mut terminal = start(&home);
    paste(
        &mut terminal,
        "SELECT 1 AS a;\n-- a comment; 'with this\nSELECT 2\n  AS b;\n\\echo three\nSELECT 4 AS d;",
    );
    terminal.wait_for("SELECT 4 AS d;");
    terminal.type_in(ENTER);
    terminal.wait_for("│      4 │");
    terminal.wait_until_ready();
    let text = terminal.text();
    let places: Vec<_> =
        ["│      1 │", "│      2 │", "\nthree\n", "│      4 │"].map(|each| text.find(each)).into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    // It comes back from the history as one.
    terminal.type_in(&format!("{}{UP}", crate::terminal::CTRL_L));
    terminal.wait_for("weir> SELECT 1 AS a;\n-- a comment");
}

#[test]
fn a_pasted_statement_of_ten_megabytes() {
    let home = home();
    let mut terminal = start(&home);
    // Planning that many rows takes a debug build half a minute, and more if it is not alone.
    terminal.patience *= 10;
    let row = "(1234567, 'a row'),";
    let rows = 10_000_000 / row.len();
    let values = row.repeat(rows);
    let values = values.trim_end_matches(',');
    paste(&mut terminal, &format!("SELECT count(*) AS n, sum(a) AS s FROM (VALUES {values}) AS t(a, b);"));
    terminal.enter();
    let answer = format!("│ {rows} │ {} │", rows * 1_234_567);
    assert!(terminal.text().contains(&answer), "{}", terminal.text());
    assert!(terminal.run("SELECT 1 AS fine;").contains("│      1 │"));
    // It is too long for the history.
    assert!(std::fs::read_to_string(home.history()).unwrap().len() < 1000);
}
