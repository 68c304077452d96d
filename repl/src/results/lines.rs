//! The lines of a table, as psql's borders 0, 1 and 2, in Unicode or in ASCII.

/// Which lines a table has: psql's border 0, 1 and 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Border {
    /// Below the header only.
    None,
    /// Between the columns too.
    Inside,
    /// Around the table too.
    #[default]
    Full,
}

/// A horizontal line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Top,
    Middle,
    Bottom,
}

/// The characters that a table is drawn with.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    pub border: Border,
    pub horizontal: char,
    /// In front of the first column, between two columns, and behind the last one.
    pub verticals: [&'static str; 3],
    /// Where the verticals meet the rules at the top, in the middle and at the bottom.
    crossings: [[&'static str; 3]; 3],
}

impl Lines {
    pub fn of(border: Border, unicode: bool) -> Lines {
        let horizontal = if unicode { '─' } else { '-' };
        let (verticals, crossings) = match (border, unicode) {
            (Border::None, _) => (["", " ", ""], [["", " ", ""]; 3]),
            (Border::Inside, false) => ([" ", " | ", ""], [["-", "-+-", "-"]; 3]),
            (Border::Inside, true) => ([" ", " │ ", ""], [["─", "─┼─", "─"]; 3]),
            (Border::Full, false) => (["| ", " | ", " |"], [["+-", "-+-", "-+"]; 3]),
            (Border::Full, true) => {
                (["│ ", " │ ", " │"], [["┌─", "─┬─", "─┐"], ["├─", "─┼─", "─┤"], ["└─", "─┴─", "─┘"]])
            }
        };
        Lines { border, horizontal, verticals, crossings }
    }

    /// What the lines and spaces around so many columns take.
    pub fn frame_width(&self, columns: usize) -> usize {
        let between = columns.saturating_sub(1);
        match self.border {
            Border::None => between,
            Border::Inside => 3 * between + 2,
            Border::Full => 3 * between + 4,
        }
    }

    /// Appends a horizontal line over columns of these widths, if the border has it.
    pub fn push_rule(&self, to: &mut String, rule: Rule, widths: impl Iterator<Item = usize>) {
        if self.border != Border::Full && rule != Rule::Middle {
            return;
        }
        let [left, cross, right] = self.crossings[rule as usize];
        to.push_str(left);
        for (at, width) in widths.enumerate() {
            if at > 0 {
                to.push_str(cross);
            }
            to.extend(std::iter::repeat_n(self.horizontal, width));
        }
        to.push_str(right);
        to.push('\n');
    }
}
