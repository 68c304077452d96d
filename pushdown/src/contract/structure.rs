//! The structure of a CSV file, as far as a program and its index stage know it: of its dialect these bytes.

/// The bytes that give a CSV file its structure. CR and LF always end a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StructuralBytes {
    /// Separates the fields of a record.
    pub delimiter: u8,
    /// Encloses a field, when it is the first byte of it.
    pub quote: u8,
    /// Makes the next byte of a quoted field literal.
    pub escape: Option<u8>,
}

impl StructuralBytes {
    /// The escape, if it is another byte than the quote: else a quote is written as two.
    pub fn own_escape(&self) -> Option<u8> {
        self.escape.filter(|byte| *byte != self.quote)
    }
}

impl Default for StructuralBytes {
    fn default() -> Self {
        StructuralBytes { delimiter: b',', quote: b'"', escape: None }
    }
}
