//! The text that was not read yet, and its place in the file.

use crate::records::count_line_ends;

use super::options::Start;

/// Bytes that are asked for at a time: they stay in the second cache of a core while they are split and parsed.
const BUFFER_BYTES: usize = 256 << 10;

/// A window on the text that moves forward.
#[derive(Debug)]
pub struct Input {
    buffer: Vec<u8>,
    /// The text that was not read yet is `buffer[position..filled]`.
    position: usize,
    filled: usize,
    /// Of the first byte of the buffer.
    offset: u64,
    /// Of the byte at `counted`, which is not behind `position`.
    line: u64,
    counted: usize,
    /// Whether nothing follows what is in the buffer.
    has_ended: bool,
}

impl Input {
    /// Nothing is there yet.
    pub fn new(start: Start) -> Self {
        Input {
            buffer: Vec::new(),
            position: 0,
            filled: 0,
            offset: start.offset,
            line: start.line,
            counted: 0,
            has_ended: false,
        }
    }

    /// The text that is there.
    pub fn text(&self) -> &[u8] {
        &self.buffer[self.position..self.filled]
    }

    /// Whether nothing follows it.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Nothing follows.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// The byte of the file where the text begins.
    pub fn offset(&self) -> u64 {
        self.offset + self.position as u64
    }

    /// The line of the file where the text goes on after `ahead` bytes of it.
    pub fn line(&self, ahead: usize) -> u64 {
        self.line + count_line_ends(&self.buffer[self.counted..self.position + ahead])
    }

    /// The beginning of the text was read.
    pub fn consume(&mut self, bytes: usize) {
        self.position += bytes;
        // So that no line is counted again and again where a large text was pushed in.
        if self.position - self.counted >= BUFFER_BYTES {
            self.count();
        }
    }

    fn count(&mut self) {
        self.line = self.line(0);
        self.counted = self.position;
    }

    /// Room behind the text, never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.compact();
        // A record that fills half of the buffer makes it grow, so that each byte is moved a few times at most.
        if self.buffer.len() - self.filled < self.buffer.len() / 2 || self.buffer.is_empty() {
            let bytes = (self.buffer.len() * 2).max(BUFFER_BYTES);
            self.buffer.resize(bytes, 0);
        }
        &mut self.buffer[self.filled..]
    }

    /// So many bytes were written to the room.
    pub fn advance(&mut self, bytes: usize) {
        self.filled = (self.filled + bytes).min(self.buffer.len());
    }

    /// Appends text.
    pub fn push(&mut self, text: &[u8]) {
        if self.filled + text.len() > self.buffer.len() {
            self.compact();
            self.buffer.truncate(self.filled);
            self.buffer.extend_from_slice(text);
        } else {
            self.buffer[self.filled..self.filled + text.len()].copy_from_slice(text);
        }
        self.filled += text.len();
    }

    /// Forgets what was read.
    fn compact(&mut self) {
        if self.position == 0 {
            return;
        }
        self.count();
        self.offset = self.offset();
        self.buffer.copy_within(self.position..self.filled, 0);
        self.filled -= self.position;
        (self.position, self.counted) = (0, 0);
    }
}
