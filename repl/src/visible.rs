//! Text of files and users on a terminal: what would do anything but stand there is shown as an escape.

use std::fmt::Write;

/// The text with escapes.
pub fn visible(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    push_visible(&mut seen, text);
    seen
}

/// Appends a text with escapes in the place of line ends, control characters, and those that turn the direction of
/// what follows them.
pub fn push_visible(to: &mut String, text: &str) {
    let mut copied = 0;
    for (at, character) in text.char_indices().filter(|(_, character)| !is_visible(*character)) {
        to.push_str(&text[copied..at]);
        push_escape(to, character);
        copied = at + character.len_utf8();
    }
    to.push_str(&text[copied..]);
}

/// Appends the escape of one character.
pub fn push_escape(to: &mut String, character: char) {
    // Writing to a String cannot fail.
    let _ = match character {
        '\n' => write!(to, "\\n"),
        '\r' => write!(to, "\\r"),
        '\t' => write!(to, "\\t"),
        '\0'..='\x7f' => write!(to, "\\x{:02x}", u32::from(character)),
        other => write!(to, "\\u{{{:x}}}", u32::from(other)),
    };
}

/// Whether a character may be sent to a terminal as it is: no line end, nothing that moves the cursor, turns the
/// direction of what follows, or hides. Unicode's other format characters may, for emoji and the scripts that need them.
pub fn is_visible(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hides = matches!(character, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    !character.is_control() && !turns && !hides
}
