//! Where the bytes are that may mean something: the fast part of finding fields.
//!
//! In: text, 64 bytes at a time. Out: two words with a bit for each byte: the *structural* ones (the first byte of a delimiter,
//! CR, LF) and the *quoting* ones (quote, escape). A [`Cursor`] walks them from front to back, so that the bytes between them
//! are never looked at one by one.
//!
//! The compiler turns the comparisons into vector instructions of whatever the target has. A word of comparison bytes becomes
//! eight bits by a multiplication: in `bytes * MAGIC` the lowest bit of byte i lands at bit 56 + i, and nothing carries into it.

/// Bytes looked at together: as many as a word has bits.
const BLOCK_BYTES: usize = 64;
/// Bit 7 * (8 - i) of it moves bit 8 * i of a product's other side to bit 56 + i.
const MAGIC: u64 = 0x0102_0408_1020_4080;

/// The bytes to look for.
#[derive(Debug, Clone, Copy)]
pub struct Needles {
    delimiter: u8,
    quote: u8,
    escape: u8,
    has_quote: bool,
}

impl Needles {
    /// `delimiter` is the first byte of it. An escape means nothing where there is no quote.
    pub fn new(delimiter: u8, quote: Option<u8>, escape: Option<u8>) -> Self {
        let stand_in = quote.unwrap_or(b'"');
        Needles { delimiter, quote: stand_in, escape: escape.unwrap_or(stand_in), has_quote: quote.is_some() }
    }

    /// The first byte of the text that quotes.
    #[inline]
    fn next_quoting(&self, text: &[u8]) -> Option<usize> {
        if !self.has_quote {
            None
        } else if self.quote == self.escape {
            memchr::memchr(self.quote, text)
        } else {
            memchr::memchr2(self.quote, self.escape, text)
        }
    }

    /// The bits of a block: all that may mean something, and which of them quote.
    #[inline]
    fn bits(&self, block: &[u8; BLOCK_BYTES]) -> (u64, u64) {
        let mut structural = [0u8; BLOCK_BYTES];
        let mut quoting = [0u8; BLOCK_BYTES];
        for (mark, &byte) in structural.iter_mut().zip(block) {
            *mark = u8::from(byte == self.delimiter) | u8::from(byte == b'\n') | u8::from(byte == b'\r');
        }
        if !self.has_quote {
            return (gather(&structural), 0);
        }
        for (mark, &byte) in quoting.iter_mut().zip(block) {
            *mark = u8::from(byte == self.quote) | u8::from(byte == self.escape);
        }
        let quotes = gather(&quoting);
        (gather(&structural) | quotes, quotes)
    }
}

/// One bit for each byte that is 1 and not 0.
#[inline]
fn gather(marks: &[u8; BLOCK_BYTES]) -> u64 {
    let mut bits = 0;
    for (index, bytes) in marks.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes);
        bits |= (word.wrapping_mul(MAGIC) >> 56) << (8 * index);
    }
    bits
}

/// Walks the bytes of a text that may mean something.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a [u8],
    needles: Needles,
    /// Where the block begins.
    base: usize,
    /// Not yet visited, of the block.
    all: u64,
    /// Those that quote, of the block, visited or not.
    quotes: u64,
}

impl<'a> Cursor<'a> {
    /// At the beginning of the text.
    pub fn new(text: &'a [u8], needles: Needles) -> Self {
        let mut cursor = Cursor { text, needles, base: 0, all: 0, quotes: 0 };
        cursor.load();
        cursor
    }

    /// The next byte that may mean something.
    #[inline]
    pub fn next_any(&mut self) -> Option<usize> {
        while self.all == 0 {
            self.advance()?;
        }
        let bit = self.all.trailing_zeros() as usize;
        self.all &= self.all - 1;
        Some(self.base + bit)
    }

    /// The next byte that quotes. The structural ones before it are passed over: quoted texts are long, and nothing else of
    /// them matters.
    #[inline]
    pub fn next_quoting(&mut self) -> Option<usize> {
        if self.all & self.quotes == 0 {
            let from = (self.base + BLOCK_BYTES).min(self.text.len());
            self.all = 0;
            let ahead = self.needles.next_quoting(&self.text[from..])?;
            self.base = from + ahead;
            self.load();
        }
        let bit = (self.all & self.quotes).trailing_zeros();
        self.all &= !1 << bit;
        Some(self.base + bit as usize)
    }

    /// Goes on at `position`, which is not before where the cursor is.
    #[inline]
    pub fn seek(&mut self, position: usize) {
        let ahead = position - self.base;
        if ahead < BLOCK_BYTES {
            self.all &= !0 << ahead;
        } else {
            self.base = position;
            self.load();
        }
    }

    #[inline]
    fn advance(&mut self) -> Option<()> {
        if self.text.len().saturating_sub(self.base) <= BLOCK_BYTES {
            self.all = 0;
            return None;
        }
        self.base += BLOCK_BYTES;
        self.load();
        Some(())
    }

    #[inline]
    fn load(&mut self) {
        let rest = self.text.get(self.base..).unwrap_or_default();
        if let Some(block) = rest.first_chunk() {
            (self.all, self.quotes) = self.needles.bits(block);
        } else {
            let mut block = [0; BLOCK_BYTES];
            block[..rest.len()].copy_from_slice(rest);
            let inside = !(!0 << rest.len());
            let (all, quotes) = self.needles.bits(&block);
            (self.all, self.quotes) = (all & inside, quotes & inside);
        }
    }
}

/// How often a line ends in the text: at each LF, CR or CRLF. A CRLF is not cut by the caller.
pub fn count_line_ends(text: &[u8]) -> u64 {
    let mut count = 0;
    let mut blocks = text.as_chunks::<BLOCK_BYTES>();
    let mut after_cr = false;
    let mut tail = [0; BLOCK_BYTES];
    if !blocks.1.is_empty() {
        tail[..blocks.1.len()].copy_from_slice(blocks.1);
        blocks.1 = &[];
    }
    for block in blocks.0.iter().chain(std::iter::once(&tail)) {
        let mut line_feeds = [0u8; BLOCK_BYTES];
        let mut returns = 0u8;
        for (mark, &byte) in line_feeds.iter_mut().zip(block) {
            *mark = u8::from(byte == b'\n');
            returns |= u8::from(byte == b'\r');
        }
        let line_feeds = gather(&line_feeds);
        count += u64::from(line_feeds.count_ones());
        if returns == 0 && !after_cr {
            continue;
        }
        let mut marks = [0u8; BLOCK_BYTES];
        for (mark, &byte) in marks.iter_mut().zip(block) {
            *mark = u8::from(byte == b'\r');
        }
        let returns = gather(&marks);
        // The LF of a CRLF was counted; its CR is the same line end.
        let both = line_feeds & (returns << 1 | u64::from(after_cr));
        count += u64::from(returns.count_ones());
        count -= u64::from(both.count_ones());
        after_cr = returns >> (BLOCK_BYTES - 1) == 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn every_byte_is_found_wherever_it_stands() {
        let mut random = Random::new(1);
        for round in 0..2000 {
            let text = random.text(b"a\",\n\r\\\0\xff", random.clone().below(200) + round % 7);
            let needles = Needles::new(b',', Some(b'"'), Some(b'\\'));
            let mut cursor = Cursor::new(&text, needles);
            let found: Vec<usize> = std::iter::from_fn(|| cursor.next_any()).collect();
            let expected: Vec<usize> =
                (0..text.len()).filter(|&at| b"\",\n\r\\".contains(&text[at])).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn a_cursor_that_seeks_forgets_what_is_behind_it() {
        let mut random = Random::new(2);
        for _ in 0..2000 {
            let length = random.below(300) + 1;
            let text = random.text(b"aaa\",\n", length);
            let mut cursor = Cursor::new(&text, Needles::new(b',', Some(b'"'), None));
            let mut at = 0;
            while at < text.len() {
                let quoting = random.below(2) == 0;
                let wanted: &[u8] = if quoting { b"\"" } else { b"\",\n" };
                let expected = (at..text.len()).find(|&at| wanted.contains(&text[at]));
                let found = if quoting { cursor.next_quoting() } else { cursor.next_any() };
                assert_eq!(found, expected);
                let Some(found) = found else { break };
                at = found + 1 + random.below(100);
                cursor.seek(at);
            }
        }
    }

    #[test]
    fn line_ends_are_counted_as_one_by_one() {
        let mut random = Random::new(3);
        for _ in 0..2000 {
            let length = random.below(300);
            let text = random.text(b"a\n\rb", length);
            let slow = (0..text.len())
                .filter(|&at| text[at] == b'\n' || text[at] == b'\r' && text.get(at + 1) != Some(&b'\n'))
                .count();
            assert_eq!(count_line_ends(&text), slow as u64, "{text:?}");
        }
    }
}
