//! What the terminal is like that a result is printed on, and the escape sequences for it.

use std::io::IsTerminal;

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    pub rows: usize,
    pub columns: usize,
}

impl TerminalSize {
    /// Of standard output, if that is a terminal. It may change at any time.
    pub fn of_stdout() -> Option<TerminalSize> {
        if !std::io::stdout().is_terminal() {
            return None;
        }
        // A serial line, or a pseudo-terminal that nobody gave a size, says 0 by 0.
        match console::Term::stdout().size_checked() {
            Some((rows, columns)) if rows > 0 && columns > 0 => {
                Some(TerminalSize { rows: rows.into(), columns: columns.into() })
            }
            _ => Some(TerminalSize { rows: 24, columns: 80 }),
        }
    }
}

/// Whether the locale says that characters outside ASCII can be shown. An unset one, as in a container, says nothing,
/// and there is hardly a terminal left that cannot.
pub fn shows_unicode() -> bool {
    locale_is_utf8(|name| std::env::var(name).ok())
}

fn locale_is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    set.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Whether standard output takes colours: a terminal, not a dumb one, and `NO_COLOR` is not set.
pub fn shows_color() -> bool {
    std::io::stdout().is_terminal() && console::colors_enabled()
}

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Normal,
    Bold,
    Dim,
}

impl Ink {
    /// Appends `text` in this ink, if there is colour.
    pub fn push(self, to: &mut String, text: &str, color: bool) {
        let begin = match self {
            Ink::Bold if color => "\x1b[1m",
            Ink::Dim if color => "\x1b[2m",
            _ => return to.push_str(text),
        };
        to.push_str(begin);
        to.push_str(text);
        to.push_str("\x1b[0m");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        let utf8 = |values: [&str; 3]| {
            locale_is_utf8(|name| {
                let at = ["LC_ALL", "LC_CTYPE", "LANG"].iter().position(|one| *one == name)?;
                Some(values[at].to_owned())
            })
        };
        assert!(utf8(["", "", "en_US.UTF-8"]));
        assert!(utf8(["", "C.utf8", "C"]));
        assert!(!utf8(["C", "C.utf8", "C.utf8"]));
        assert!(!utf8(["", "", "de_DE.ISO-8859-1"]));
        assert!(utf8(["", "", ""]));
        assert!(locale_is_utf8(|_| None));
    }
}
