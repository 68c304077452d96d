//! One line of a text with a part of it underlined.
//!
//! In: a line as somebody else wrote it, and which bytes of it are meant. Out: two lines that fit the screen. After
//! this nothing of the line can move the cursor, and the underline stands below its part whatever the widths of the
//! characters.

use std::ops::Range;

use console::measure_text_width;

use crate::visible::visible;

/// How reports are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub colour: bool,
    /// Columns of a line of an excerpt.
    pub width: usize,
}

impl Look {
    /// For files and pipes.
    pub const PLAIN: Look = Look { colour: false, width: 100 };

    /// `text` in a colour, given as the parameter of the terminal's "select graphic rendition".
    pub fn paint(self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

pub const RED: &str = "1;31";
pub const CYAN: &str = "36";

/// Where a label leaves no room, a part must still be seen.
const WIDTH_MIN: usize = 20;
/// Tabs are printed as spaces, since a label stands in front of the line.
const TAB_WIDTH: usize = 4;

/// A line, and the part that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    label: String,
    line: String,
    part: Option<Range<usize>>,
    /// Behind the underline.
    note: String,
}

impl Excerpt {
    /// The line of `text` in which `part` begins; the label is made of the number of the line. A part that is empty
    /// stands for the place in front of it.
    pub fn of_text(text: &str, part: Range<usize>, label: impl FnOnce(usize) -> String) -> Excerpt {
        let begin = floor(text, part.start);
        let line_begin = text[..begin].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[begin..].find('\n').map_or(text.len(), |at| begin + at);
        let number = 1 + text[..line_begin].matches('\n').count();
        let line = text[line_begin..line_end].trim_end_matches('\r');
        let end = floor(text, part.end).clamp(begin, line_end);
        let inside = |at: usize| (at - line_begin).min(line.len());
        Excerpt {
            label: label(number),
            part: Some(inside(begin)..inside(end)),
            line: line.to_owned(),
            note: String::new(),
        }
    }

    /// The first line of a part, without underline.
    pub fn beginning(text: &str, part: Range<usize>, label: impl FnOnce(usize) -> String) -> Excerpt {
        Excerpt { part: None, ..Excerpt::of_text(text, part, label) }
    }

    /// A line that stands alone, underlined or not.
    pub fn of_line(label: String, line: String, part: Option<Range<usize>>, note: String) -> Excerpt {
        Excerpt { label, line, part, note }
    }

    /// The line, and the underline below it, each with its line end.
    pub fn render(&self, look: Look) -> String {
        let label = visible(&self.label);
        let label_width = measure_text_width(&label);
        let width = look.width.saturating_sub(label_width).max(WIDTH_MIN);
        let shown = Shown::of(&self.line, self.part.clone().unwrap_or(0..0), width);
        let mut text = format!("{label}{}", shown.text);
        text.truncate(text.trim_end().len());
        text.push('\n');
        if self.part.is_some() {
            let underline = format!("^{}", "~".repeat(shown.part_width.saturating_sub(1)));
            text.push_str(&" ".repeat(label_width + shown.part_at));
            text.push_str(&look.paint(RED, &underline));
            if !self.note.is_empty() {
                text.push_str(&format!(" {}", visible(&self.note)));
            }
            text.push('\n');
        }
        text
    }
}

/// A line as it is printed.
struct Shown {
    text: String,
    part_at: usize,
    part_width: usize,
}

struct Cell {
    text: String,
    width: usize,
    is_part: bool,
}

impl Shown {
    fn of(line: &str, part: Range<usize>, width: usize) -> Shown {
        let (mut before, behind) = cells(line, &part, width);
        let behind_width: usize = behind.iter().map(|cell| cell.width).sum();
        // The part begins in the middle at the latest, and further right if there is not much behind it.
        let room_before = (width / 2).max(width.saturating_sub(behind_width));
        let mut cut_before = line[..part.start].chars().count() > before.len();
        let mut used: usize = before.iter().map(|cell| cell.width).sum();
        while used + usize::from(cut_before) > room_before && !before.is_empty() {
            used -= before.remove(0).width;
            cut_before = true;
        }
        let mut text = String::from(if cut_before { "…" } else { "" });
        before.iter().for_each(|cell| text.push_str(&cell.text));
        let part_at = used + usize::from(cut_before);
        let mut part_width = 0;
        let mut room = width.saturating_sub(part_at);
        let cut_behind = line[part.start..].chars().count() > behind.len() || behind_width > room;
        if cut_behind {
            room = room.saturating_sub(1);
        }
        for cell in &behind {
            if cell.width > room {
                break;
            }
            room -= cell.width;
            text.push_str(&cell.text);
            part_width += if cell.is_part { cell.width } else { 0 };
        }
        if cut_behind {
            text.push('…');
        }
        Shown { text, part_at, part_width }
    }
}

/// What is printed in front of the part and from its beginning on; of a long line no more than can be seen.
fn cells(line: &str, part: &Range<usize>, width: usize) -> (Vec<Cell>, Vec<Cell>) {
    let first = line[..part.start].char_indices().rev().take(width).last().map_or(part.start, |(at, _)| at);
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    let mut column = 0;
    for (at, character) in line[first..].char_indices().map(|(at, character)| (first + at, character)) {
        if behind.len() > width {
            break;
        }
        let text = match character {
            '\t' => " ".repeat(TAB_WIDTH - column % TAB_WIDTH),
            other => visible(other.encode_utf8(&mut [0; 4])),
        };
        let width = measure_text_width(&text);
        column += width;
        let side = if at < part.start { &mut before } else { &mut behind };
        side.push(Cell { text, width, is_part: part.contains(&at) });
    }
    (before, behind)
}

/// The nearest place not behind `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The excerpt of the part between « and ».
    fn excerpt(marked: &str, width: usize) -> String {
        let begin = marked.find('«').unwrap();
        let end = marked.find('»').unwrap() - '«'.len_utf8();
        let text = marked.replace(['«', '»'], "");
        Excerpt::of_text(&text, begin..end, |line| format!("LINE {line}: "))
            .render(Look { colour: false, width })
    }

    #[test]
    fn one_of_several_lines() {
        insta::assert_snapshot!(excerpt("SELECT id,\r\n  «nmae»\r\nFROM trips", 80), @r"
        LINE 2:   nmae
                  ^~~~
        ");
    }

    #[test]
    fn wide_characters_tabs_and_control_characters() {
        insta::assert_snapshot!(excerpt("SELECT '東京', «größe»", 80), @r"
        LINE 1: SELECT '東京', größe
                               ^~~~~
        ");
        insta::assert_snapshot!(excerpt("SELECT «東京», 1", 80), @r"
        LINE 1: SELECT 東京, 1
                       ^~~~
        ");
        insta::assert_snapshot!(excerpt("a\t«bc»\t\u{1b}[31m«\u{202e}»".replacen('«', "\0", 2).replacen('\0', "«", 1).replace('\0', "").as_str(), 80), @r"
        LINE 1: a   bc  \x1b[31m\u{202e}
                    ^~
        ");
    }

    #[test]
    fn a_place_without_extent() {
        insta::assert_snapshot!(excerpt("SELECT (1«»", 80), @r"
        LINE 1: SELECT (1
                         ^
        ");
        insta::assert_snapshot!(excerpt("«»", 80), @r"
        LINE 1:
                ^
        ");
    }

    #[test]
    fn a_part_of_several_lines_ends_with_its_first() {
        insta::assert_snapshot!(excerpt("SELECT «(1,\n2)», 3", 80), @r"
        LINE 1: SELECT (1,
                       ^~~
        ");
    }

    #[test]
    fn long_lines_are_cut() {
        let many = "column, ".repeat(100);
        insta::assert_snapshot!(excerpt(&format!("SELECT {many}«nmae», {many} FROM t"), 60), @r"
        LINE 1: … column, column, column, nmae, column, column, col…
                                          ^~~~
        ");
        insta::assert_snapshot!(excerpt(&format!("«nmae», {many}"), 40), @r"
        LINE 1: nmae, column, column, column, c…
                ^~~~
        ");
        insta::assert_snapshot!(excerpt(&format!("{many}«nmae»"), 40), @r"
        LINE 1: …n, column, column, column, nmae
                                            ^~~~
        ");
        insta::assert_snapshot!(excerpt(&format!("x «{many}»"), 40), @r"
        LINE 1: x column, column, column, colum…
                  ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
        ");
        let long = "x".repeat(1 << 20);
        assert!(excerpt(&format!("{long}«y»{long}"), 80).len() < 400);
    }
}
