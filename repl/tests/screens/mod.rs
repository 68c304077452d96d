//! The pictures of the documentation: a session is played, and what its screen shows must be what the picture in the
//! repository shows. `BLESS=1` writes the pictures anew.
//!
//! Times and places differ from run to run, and stand in the pictures as they were once.

mod svg;

use std::path::Path;

use vt100::Parser;

use crate::terminal::{ENTER, Home, Terminal};

const ROWS: u16 = 40;
const COLUMNS: u16 = 96;

/// Trips of taxis that nobody took.
fn trips() -> String {
    let mut trips = String::from("vendor,day,distance,fare,payment\n");
    let mut state = 1u64;
    let mut next = |bound: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % bound
    };
    for _ in 0..120_000 {
        let vendor = ["Amber", "Borough", "Circle"][next(3) as usize];
        let payment = ["card", "card", "card", "cash", "cash", "voucher"][next(6) as usize];
        let (day, tenths) = (next(31) + 1, next(200));
        let cents = 250 + tenths * 21 + next(300);
        trips.push_str(&format!(
            "{vendor},2025-03-{day:02},{}.{},{}.{:02},{payment}\n",
            tenths / 10,
            tenths % 10,
            cents / 100,
            cents % 100
        ));
    }
    trips
}

/// Plays a session in a window of its own. The backend is the one that the documentation is about, and the time and the
/// rate are what a release build once took.
fn play(time_and_rate: &str, session: impl FnOnce(&mut Terminal)) -> Option<String> {
    if !machine::testing::kernel_available_or_skip("screens") {
        return None;
    }
    let home =
        Home::new(&[("trips.csv", &trips())]).size(ROWS, COLUMNS).set("PAGER", &format!("cut -c -{COLUMNS}"));
    let mut terminal = home.start(&["trips.csv", "--backend", "stock", "--threads", "1"]);
    session(&mut terminal);
    // What was written goes through an emulator once more, with everything in it that differs made the same.
    let mut emulator = Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 0);
    emulator.process(masked(&terminal.log(), time_and_rate).as_bytes());
    Some(svg::svg(emulator.screen()))
}

fn masked(log: &str, time_and_rate: &str) -> String {
    let mut masked = String::new();
    for line in log.split_inclusive('\n') {
        let end = &line[line.trim_end().len()..];
        if let Some((rows, _)) = line.split_once(" rows · ") {
            masked.push_str(&format!("{rows} rows · {time_and_rate}{end}"));
        } else if let Some((before, _)) = line.split_once("file_groups=") {
            masked.push_str(&format!("{before}file_groups=…{end}"));
        } else if let Some((before, _)) = line.split_once(", metrics=[") {
            masked.push_str(&format!("{before}, metrics=[…]{end}"));
        } else if let Some((_, after)) = line.split_once("/trips.csv (") {
            masked.push_str(&format!("~/trips.csv ({after}"));
        } else {
            masked.push_str(line);
        }
    }
    masked
}

#[track_caller]
fn check(name: &str, picture: Option<String>) {
    let Some(picture) = picture else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("screens").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &picture).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(picture == expected, "{name} is not what the prompt shows; BLESS=1 writes it anew:\n{picture}");
}

#[test]
fn a_query_and_an_error() {
    let picture = play("0.061 s · 67.1 MB/s", |terminal| {
        terminal.begin(
            "SELECT payment, count(*) AS trips, round(avg(fare), 2) AS mean, max(distance) AS longest",
        );
        terminal.type_in(ENTER);
        terminal.wait_for("   ->");
        terminal.type_in("FROM trips WHERE day >= '2025-03-15' GROUP BY payment ORDER BY trips DESC;");
        terminal.enter();
        terminal.type_in("SELECT vendr, count(*) FROM trips GROUP BY vendor;");
        terminal.enter();
        terminal.type_in("SELECT vendor, round(");
        terminal.wait_for("decimal_places])");
    });
    check("prompt.svg", picture);
}

#[test]
fn what_ran_where() {
    let picture = play("0.024 s · 167 MB/s", |terminal| {
        terminal
            .begin("SELECT vendor, max(fare) AS most FROM trips WHERE distance > 15 GROUP BY 1 ORDER BY 1;");
        terminal.enter();
        terminal.type_in("\\explain");
        terminal.enter();
    });
    check("explain.svg", picture);
}
