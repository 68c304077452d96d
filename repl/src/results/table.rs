//! A result as a table: in a box and as wide as the terminal at most, or in ASCII with everything in it.
//!
//! Numbers stand on the right. What is left out is always said: rows in a line in their place, columns in a line below,
//! and a cell that was cut ends in `…`.

use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::FormatOptions;

use super::cells::{Cell, Cells, push_cut};
use super::fit::{Slot, Wish, fit};
use super::lines::{Border, Lines, Rule};
use super::rows::Rows;
use super::sql_types;
use super::style::Style;
use super::summary::{count, counted};
use super::terminal::Ink;
use crate::visible::push_visible;

/// A column of text is not made narrower than this, nor the header of another.
const TEXT_WIDTH_MIN: usize = 10;

/// Renders a table.
pub fn table(
    style: &Style,
    options: &FormatOptions,
    schema: &SchemaRef,
    rows: &Rows,
) -> Result<String, ArrowError> {
    let shown = rows.shown(style.rows_max);
    let columns: Vec<Column> =
        schema.fields().iter().map(|field| Column::of(field, style, options)).collect();
    let cells = |batches: &[RecordBatch]| Cells::of(batches, columns.len(), options);
    let head = cells(&shown.head)?;
    let tail = cells(&shown.tail)?;
    let wish = |(index, column): (usize, &Column)| column.wish(head.width(index).max(tail.width(index)));
    let wishes: Vec<Wish> = columns.iter().enumerate().map(wish).collect();
    let lines = Lines::of(style.border, style.unicode);
    let slots = fit(&wishes, style.width().unwrap_or(usize::MAX), |columns| lines.frame_width(columns));

    let mut drawing =
        Drawing { style, lines, slots, columns: &columns, unsaid: Vec::new(), text: String::new() };
    drawing.rule(Rule::Top);
    drawing.line(|index| (Cell::of(&columns[index].name), Ink::Bold));
    if columns.iter().any(|column| column.kind.is_some()) {
        drawing.line(|index| (Cell::of(columns[index].kind.as_deref().unwrap_or_default()), Ink::Dim));
    }
    drawing.rule(Rule::Middle);
    drawing.rows(&head);
    drawing.hidden_rows(shown.hidden);
    drawing.rows(&tail);
    drawing.rule(Rule::Bottom);
    drawing.unsaid();
    Ok(drawing.text)
}

struct Column {
    name: String,
    /// Its type, if that is shown.
    kind: Option<String>,
    /// Whether its values stand on the right.
    is_number: bool,
    /// Whether a part of a value is of use. What is left of a number is another number.
    may_be_cut: bool,
}

impl Column {
    fn of(field: &Field, style: &Style, options: &FormatOptions) -> Column {
        let mut name = String::new();
        push_visible(&mut name, field.name());
        let kind = (style.types || options.types_info()).then(|| sql_types::name(field.data_type()));
        let is_number = sql_types::is_number(field.data_type());
        let may_be_cut = !is_number && !field.data_type().is_temporal();
        Column { name, kind, is_number, may_be_cut }
    }

    fn wish(&self, values_width: usize) -> Wish {
        let kind_width = self.kind.as_deref().map_or(0, |kind| Cell::of(kind).width);
        let whole = Cell::of(&self.name).width.max(kind_width).max(values_width);
        let values_least = if self.may_be_cut { 0 } else { values_width };
        Wish { whole, least: whole.min(TEXT_WIDTH_MIN).max(values_least) }
    }
}

struct Drawing<'a> {
    style: &'a Style,
    lines: Lines,
    slots: Vec<Slot>,
    columns: &'a [Column],
    unsaid: Vec<String>,
    text: String,
}

impl Drawing<'_> {
    fn rule(&mut self, rule: Rule) {
        self.lines.push_rule(&mut self.text, rule, self.slots.iter().map(|slot| slot.width()));
    }

    /// One line of cells, given by the index of their column.
    fn line<'c>(&mut self, cell: impl Fn(usize) -> (Cell<'c>, Ink)) {
        let [begin, between, end] = self.lines.verticals;
        self.text.push_str(begin);
        for at in 0..self.slots.len() {
            if at > 0 {
                self.text.push_str(between);
            }
            match self.slots[at] {
                Slot::Column { index, width } => {
                    let (cell, ink) = cell(index);
                    self.cell(cell, ink, width, self.columns[index].is_number);
                }
                Slot::Gap => {
                    Ink::Dim.push(&mut self.text, &self.style.cut_mark().to_string(), self.style.color)
                }
            }
        }
        self.text.push_str(end);
        self.end_line();
    }

    fn cell(&mut self, cell: Cell, ink: Ink, width: usize, is_right: bool) {
        let mut cut = String::new();
        let (text, text_width) = if cell.width > width {
            let cut_width = push_cut(&mut cut, cell.text, width, self.style.cut_mark());
            (cut.as_str(), cut_width)
        } else {
            (cell.text, cell.width)
        };
        let padding = std::iter::repeat_n(' ', width.saturating_sub(text_width));
        if is_right {
            self.text.extend(padding);
            ink.push(&mut self.text, text, self.style.color);
        } else {
            ink.push(&mut self.text, text, self.style.color);
            self.text.extend(padding);
        }
    }

    /// Without the frame's right side there is nothing to keep apart from.
    fn end_line(&mut self) {
        if self.lines.border != Border::Full {
            self.text.truncate(self.text.trim_end_matches(' ').len());
        }
        self.text.push('\n');
    }

    fn rows(&mut self, cells: &Cells) {
        for row in 0..cells.row_count() {
            self.line(|column| {
                let cell = cells.cell(row, column);
                (cell, if cell.is_null { Ink::Dim } else { Ink::Normal })
            });
        }
    }

    /// The line that stands for rows that are not shown, across all columns. Where it is too short to say how many, the
    /// last line does.
    fn hidden_rows(&mut self, hidden: u64) {
        if hidden == 0 {
            return;
        }
        let [begin, _, end] = self.lines.verticals;
        let columns: usize = self.slots.iter().map(Slot::width).sum();
        let room = columns + self.lines.frame_width(self.slots.len()) - self.lines.frame_width(1);
        let text = self.style.hidden_rows_text(hidden, room).unwrap_or_else(|| {
            self.unsaid.push(format!("{} not shown", counted(hidden, "row")));
            self.style.cut_mark().to_string()
        });
        let spare = room.saturating_sub(Cell::of(&text).width);
        self.text.push_str(begin);
        self.text.extend(std::iter::repeat_n(' ', spare / 2));
        Ink::Dim.push(&mut self.text, &text, self.style.color);
        self.text.extend(std::iter::repeat_n(' ', spare - spare / 2));
        self.text.push_str(end);
        self.end_line();
    }

    /// What had no room in the table is said below.
    fn unsaid(&mut self) {
        if self.slots.contains(&Slot::Gap) {
            let shown = self.slots.len() - 1;
            let all = count(self.columns.len() as u64);
            self.unsaid.push(format!("{} of {all} columns shown", count(shown as u64)));
        }
        for line in std::mem::take(&mut self.unsaid) {
            Ink::Dim.push(&mut self.text, &self.style.cut_line(line), self.style.color);
            self.text.push('\n');
        }
    }
}
