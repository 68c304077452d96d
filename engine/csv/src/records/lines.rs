//! Line ends: CR, LF and CRLF.

/// The place behind the line end at `at`, where a CR or LF is. None: a CR is the last byte, and what follows is not known.
#[inline]
pub fn end_of_line(text: &[u8], at: usize, is_last: bool) -> Option<usize> {
    if text[at] == b'\n' {
        return Some(at + 1);
    }
    match text.get(at + 1) {
        Some(b'\n') => Some(at + 2),
        Some(_) => Some(at + 1),
        None => is_last.then_some(at + 1),
    }
}

/// Where the line ends that goes on at `from`, and where the next one begins. A text that is the last ends its last line. None:
/// more text is needed.
pub fn first_line_end(text: &[u8], from: usize, is_last: bool) -> Option<(usize, usize)> {
    match memchr::memchr2(b'\n', b'\r', &text[from..]) {
        Some(distance) => {
            let at = from + distance;
            end_of_line(text, at, is_last).map(|next| (at, next))
        }
        None => is_last.then_some((text.len(), text.len())),
    }
}
