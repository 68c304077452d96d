//! A result downwards: one line for each column, `name | value`, below a line with the number of the row. A value that
//! is wider than the terminal goes on in the next line.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::FormatOptions;

use super::cells::{Cell, Cells, prefix, push_cut};
use super::lines::{Border, Lines};
use super::rows::Rows;
use super::style::Style;
use super::summary::count;
use super::terminal::Ink;
use crate::visible::push_visible;

/// The line above a row is not wider where nothing else limits it.
const RULE_WIDTH_MAX: usize = 80;

/// Renders each row as a block of lines.
pub fn vertical(
    style: &Style,
    options: &FormatOptions,
    schema: &SchemaRef,
    rows: &Rows,
) -> Result<String, ArrowError> {
    let shown = rows.shown(style.rows_max);
    let column_count = schema.fields().len();
    let head = Cells::of(&shown.head, column_count, options)?;
    let tail = Cells::of(&shown.tail, column_count, options)?;
    let names: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| {
            let mut name = String::new();
            push_visible(&mut name, field.name());
            name
        })
        .collect();
    let values_width =
        (0..column_count).map(|column| head.width(column).max(tail.width(column))).max().unwrap_or_default();
    let mut writer = Writer::new(style, names, values_width);
    writer.all(&head, 1);
    writer.hidden(shown.hidden);
    writer.all(&tail, rows.total() - tail.row_count() as u64 + 1);
    Ok(writer.text)
}

/// A name, cut or filled to this width.
fn label(name: &str, names_width: usize, style: &Style) -> String {
    let mut text = String::new();
    let width = match Cell::of(name).width {
        width if width <= names_width => {
            text.push_str(name);
            width
        }
        _ => push_cut(&mut text, name, names_width, style.cut_mark()),
    };
    let mut label = String::new();
    Ink::Bold.push(&mut label, &text, style.color);
    label.extend(std::iter::repeat_n(' ', names_width - width));
    label
}

struct Writer<'a> {
    style: &'a Style,
    horizontal: char,
    between: &'static str,
    /// The columns' names, as they stand in front of the values.
    labels: Vec<String>,
    names_width: usize,
    /// Room for a value in a line.
    value_room: usize,
    rule_width: usize,
    text: String,
}

impl<'a> Writer<'a> {
    fn new(style: &'a Style, names: Vec<String>, values_width: usize) -> Writer<'a> {
        // A box around it would only take room.
        let border = if style.border == Border::Full { Border::Inside } else { style.border };
        let lines = Lines::of(border, style.unicode);
        let between = lines.verticals[1];
        let room = style.width().unwrap_or(usize::MAX);
        let names_width = names.iter().map(|name| Cell::of(name).width).max().unwrap_or_default();
        let names_width = names_width.min(room / 2);
        let between_width = lines.frame_width(2) - lines.frame_width(1);
        let value_room = room - names_width - between_width;
        let rule_width = names_width + between_width + values_width.min(value_room);
        Writer {
            style,
            horizontal: lines.horizontal,
            between,
            labels: names.iter().map(|name| label(name, names_width, style)).collect(),
            names_width,
            value_room,
            rule_width: rule_width.min(RULE_WIDTH_MAX),
            text: String::new(),
        }
    }

    fn all(&mut self, cells: &Cells, first_number: u64) {
        for row in 0..cells.row_count() {
            self.rule(first_number + row as u64);
            for column in 0..self.labels.len() {
                self.value(column, cells.cell(row, column));
            }
        }
    }

    /// The line that stands for rows that are not shown.
    fn hidden(&mut self, hidden: u64) {
        let room = self.style.width().unwrap_or(usize::MAX);
        if hidden == 0 {
            return;
        }
        let line =
            self.style.hidden_rows_text(hidden, room).unwrap_or_else(|| self.style.cut_line(count(hidden)));
        Ink::Dim.push(&mut self.text, &line, self.style.color);
        self.text.push('\n');
    }

    fn rule(&mut self, number: u64) {
        let mut rule = format!("{}[ RECORD {number} ]", self.horizontal);
        let width = Cell::of(&rule).width;
        rule.extend(std::iter::repeat_n(self.horizontal, self.rule_width.saturating_sub(width)));
        self.text.push_str(&self.style.cut_line(rule));
        self.text.push('\n');
    }

    fn value(&mut self, column: usize, value: Cell) {
        self.text.push_str(&self.labels[column]);
        let ink = if value.is_null { Ink::Dim } else { Ink::Normal };
        let mut rest = value.text;
        loop {
            let (line, left) = if value.width <= self.value_room { (rest, "") } else { self.split(rest) };
            self.text.push_str(self.between);
            ink.push(&mut self.text, line, self.style.color);
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
            if left.is_empty() {
                return;
            }
            self.text.extend(std::iter::repeat_n(' ', self.names_width));
            rest = left;
        }
    }

    /// What fits into a line, and the rest. There is always room for one character.
    fn split<'t>(&self, text: &'t str) -> (&'t str, &'t str) {
        let (begin, _) = prefix(text, self.value_room);
        let first = text.chars().next().map_or(0, char::len_utf8);
        text.split_at(begin.len().max(first))
    }
}
