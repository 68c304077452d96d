//! Where a chunk is not UTF-8.

/// The offsets in `[begin, end)` of the window at which no well-formed sequence of Unicode's table 3-7 begins, ascending. Behind such a byte
/// the next one is tried, as the template does it.
pub fn ill_formed(window: &[u8], begin: usize, end: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = begin;
    if simdutf8::basic::from_utf8(&window[begin..end]).is_ok() {
        return found;
    }
    while let Err(error) = std::str::from_utf8(&window[at..end]) {
        at += error.valid_up_to();
        found.push(at);
        at += 1;
    }
    found
}
