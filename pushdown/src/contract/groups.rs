//! The group table: what lies where in one of its entries, by words.
//!
//! ```text
//! [ head | words of key 0 | words of key 1 | ... | words of aggregate 0 | ... ]
//! ```
//!
//! The head is 0 in a free entry; else it has the bit [`GroupLayout::OCCUPIED`], and a bit for each key that is NULL. A key
//! has the words of `Key::words`, an aggregate those of `AggregateFunction::state_words`.

/// What lies where in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLayout {
    key_words: usize,
    state_words: usize,
}

impl GroupLayout {
    /// The word that tells a free entry from others.
    pub const HEAD: usize = 0;
    /// Its bit in an entry that is not free. The lowest, so that the first byte of the entry is not 0.
    pub const OCCUPIED: u64 = 1;
    /// The first word of the first key.
    pub const KEYS: usize = Self::HEAD + 1;

    /// Of keys and aggregates with so many words in all.
    pub fn new(key_words: usize, state_words: usize) -> GroupLayout {
        GroupLayout { key_words, state_words }
    }

    /// The bit of the head that says that a key is NULL.
    pub fn null_bit(key: usize) -> usize {
        1 + key
    }

    /// The first word behind the keys: that of the first aggregate.
    pub fn state(self) -> usize {
        Self::KEYS + self.key_words
    }

    /// Words of an entry.
    pub fn words(self) -> usize {
        self.state() + self.state_words
    }

    /// Bytes of an entry.
    pub fn bytes(self) -> usize {
        8 * self.words()
    }
}
