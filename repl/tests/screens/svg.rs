//! The screen of a terminal emulator in, a picture of it as SVG out.
//!
//! Each piece of text stands at its own place and is stretched to its columns, and lines of boxes are drawn, so that the
//! picture is the same with any font.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

const COLUMN: f64 = 8.4;
const ROW: f64 = 18.0;
const MARGIN: f64 = 14.0;
/// From the top of a row to the line that letters stand on.
const BASELINE: f64 = 13.5;
const BACKGROUND: &str = "#1b1f27";
const TEXT: &str = "#d5dae3";
/// Of the eight colours that the prompt uses.
const COLOURS: [&str; 8] =
    ["#5b6472", "#ef7178", "#9ccc82", "#e8c06f", "#79aef2", "#c99bea", "#6cc5cf", "#d5dae3"];

/// The rows of a screen down to the last one with text.
pub fn svg(screen: &Screen) -> String {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let cell = |row, column| screen.cell(row, column).expect("inside of the screen");
    let has_text = |row: &u16| (0..columns).any(|column| !cell(*row, column).contents().trim().is_empty());
    let rows = (0..rows).rev().find(has_text).map_or(1, |last| last + 1);
    let (width, height) = (2.0 * MARGIN + f64::from(columns) * COLUMN, 2.0 * MARGIN + f64::from(rows) * ROW);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\" \
         fill=\"{TEXT}\">\n<rect width=\"{width:.1}\" height=\"{height:.1}\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let first = cell(row, column);
            let begin = column;
            column += 1;
            if let Some(strokes) = strokes(first.contents()) {
                push_box(&mut svg, row, begin, strokes);
                continue;
            }
            if first.contents().trim().is_empty() {
                continue;
            }
            // Words with one space between are one piece, if they look the same.
            let mut text = first.contents().to_owned();
            while column < columns {
                let next = cell(row, column);
                let is_gap = next.contents().trim().is_empty();
                let word = if is_gap && column + 1 < columns { cell(row, column + 1) } else { next };
                if word.contents().trim().is_empty()
                    || strokes_of(word)
                    || style(word) != style(first)
                    || (is_gap && next.inverse())
                {
                    break;
                }
                if is_gap {
                    text.push(' ');
                    column += 1;
                }
                text.push_str(word.contents());
                column += 1;
            }
            push_text(&mut svg, row, begin, column - begin, &text, &style(first));
        }
    }
    // Where something would be typed.
    let (row, column) = screen.cursor_position();
    let (x, y) = place(row, column);
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{COLUMN}\" height=\"{ROW}\" fill-opacity=\".45\"/>"
    );
    svg + "</svg>\n"
}

/// The upper left corner of a cell.
fn place(row: u16, column: u16) -> (f64, f64) {
    (MARGIN + f64::from(column) * COLUMN, MARGIN + f64::from(row) * ROW)
}

/// Attributes of a piece of text.
fn style(cell: &Cell) -> String {
    let mut style = String::new();
    if let Color::Idx(index) = cell.fgcolor() {
        let _ = write!(style, " fill=\"{}\"", COLOURS[usize::from(index) % COLOURS.len()]);
    }
    if cell.bold() {
        style.push_str(" font-weight=\"bold\"");
    }
    if cell.dim() {
        style.push_str(" opacity=\".6\"");
    }
    style
}

fn push_text(svg: &mut String, row: u16, column: u16, columns: u16, text: &str, style: &str) {
    let (x, y) = place(row, column);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (y, length) = (y + BASELINE, f64::from(columns) * COLUMN);
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\"{style}>{text}</text>");
}

fn strokes_of(cell: &Cell) -> bool {
    strokes(cell.contents()).is_some()
}

/// Where the lines of a character lead, from the middle of the cell: left, right, up, down.
fn strokes(character: &str) -> Option<[bool; 4]> {
    let leads = match character {
        "─" => "lr",
        "│" => "ud",
        "┌" => "rd",
        "┐" => "ld",
        "└" => "ru",
        "┘" => "lu",
        "├" => "rud",
        "┤" => "lud",
        "┬" => "lrd",
        "┴" => "lru",
        "┼" => "lrud",
        _ => return None,
    };
    Some(['l', 'r', 'u', 'd'].map(|direction| leads.contains(direction)))
}

fn push_box(svg: &mut String, row: u16, column: u16, [left, right, up, down]: [bool; 4]) {
    let (x, y) = place(row, column);
    let (middle_x, middle_y) = (x + COLUMN / 2.0, y + ROW / 2.0);
    let begin_x = if left { x } else { middle_x };
    let end_x = if right { x + COLUMN } else { middle_x };
    let begin_y = if up { y } else { middle_y };
    let end_y = if down { y + ROW } else { middle_y };
    let _ = writeln!(
        svg,
        "<path d=\"M{begin_x:.1} {middle_y:.1}H{end_x:.1}M{middle_x:.1} {begin_y:.1}V{end_y:.1}\" stroke=\"{}\"/>",
        COLOURS[0]
    );
}
