//! A dialect that is tried, and the delimiters that are.

use crate::spec::Dialect;

/// Delimiters, and how ready we are to believe in each. Blanks and colons are in every text.
pub(super) const DELIMITERS: [(&[u8], f64); 14] = [
    (b",", 1.0),
    (b"\t", 1.0),
    (b";", 1.0),
    (b"|", 1.0),
    (b"\x01", 1.0),
    (b"\x1f", 1.0),
    (b"|~|", 1.0),
    (b"~|~", 1.0),
    (b"@@", 0.9),
    (b"\\t", 0.95),
    (b"^", 0.9),
    (b"~", 0.9),
    (b":", 0.65),
    (b" ", 0.7),
];
/// Whether a delimiter is one of those that people mean when they write a table.
pub(super) fn is_usual(delimiter: &[u8]) -> bool {
    DELIMITERS.iter().any(|(usual, prior)| *usual == delimiter && *prior == 1.0)
}

/// A dialect and what came out under it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub dialect: Dialect,
    pub count: usize,
    pub score: f64,
    pub modal: usize,
    pub records: usize,
    pub short: bool,
}
