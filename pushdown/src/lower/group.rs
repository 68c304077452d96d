//! The group table: open addressing with linear probing in a map, keys stored whole.
//!
//! The record's key is encoded into the state map, hashed, and compared word by word with the entries from its hash on.
//! A table that is three quarters full, or a run of [`PROBE_COUNT_MAX`] other groups, stops the program before this
//! record; user space drains the table as partial state and the record starts an empty one.

use super::fold::Fold;
use crate::contract::groups::GroupLayout;
use crate::contract::layout;
use crate::emit::Register::{self, R0, R1, R2, R3, R4, R5};
use crate::emit::{EXCEPTION, Relation, Word, ZERO};
use crate::fragment::{Aggregate, ColumnType, Key};

/// At three quarters full, a run this long is rarer than one in 10^5 inserts with a good hash.
const PROBE_COUNT_MAX: usize = 64;
/// The odd 64-bit constant of Fibonacci hashing: 2^64 divided by the golden ratio.
const HASH_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Where a record goes that the table has no room for.
const GROUPS_FULL: &str = "@groups_full";

impl Fold<'_> {
    /// Finds or makes the group entry of the record: its address into r9. Returns the first word of the accumulators.
    pub(super) fn group_entry(&mut self, keys: &[Key], aggregates: &[Aggregate]) -> Word {
        let state_words = aggregates.iter().map(|each| each.function.state_words()).sum();
        let group = GroupLayout::new(keys.iter().map(Key::words).sum(), state_words);
        self.groups = Some(group);
        let encoded = self.lowering.words(group.state());
        self.encode_key(keys, encoded);
        self.hash(keys, encoded);
        self.probe(encoded, group);
        Word::new(Register::GROUP, 0).plus(group.state())
    }

    /// Null bits into r0, then all words of the key into the state map.
    fn encode_key(&mut self, keys: &[Key], encoded: Word) {
        self.lowering.code.comment("group key");
        self.lowering.code.set(R0, GroupLayout::OCCUPIED as usize);
        let mut word = encoded.plus(GroupLayout::KEYS);
        for (index, key) in keys.iter().enumerate() {
            self.lowering.code.comment(&format!("key {index} {}", self.fragment.columns[key.column].name));
            let slot = self.lowering.column(key.column).slot;
            if self.fragment.columns[key.column].nullable {
                self.lowering.code.load(R1, slot.null);
                self.lowering.code.shift_left(R1, GroupLayout::null_bit(index));
                self.lowering.code.or(R0, R1);
            }
            if self.fragment.columns[key.column].ty == ColumnType::String {
                self.encode_string(key, word);
            } else {
                self.lowering.code.load(R1, slot.value);
                self.lowering.code.store(word, R1);
            }
            word = word.plus(key.words());
        }
        self.lowering.code.store(encoded.plus(GroupLayout::HEAD), R0);
    }

    /// Length and zero-padded bytes. Keeps r0.
    fn encode_string(&mut self, key: &Key, length: Word) {
        self.lowering.field_bounds(key.column);
        self.lowering.code.jump_if(R2, Relation::Above, key.string_bytes_max, EXCEPTION);
        self.lowering.code.store(length, R2);
        for turn in 0..key.string_bytes_max / 8 {
            let store = self.lowering.code.label("key");
            self.lowering.code.set(R3, 0);
            self.lowering.code.jump_if(R2, Relation::BelowOrEqual, 8 * turn, &store);
            self.lowering.code.set(R4, R1);
            self.lowering.code.add(R4, 8 * turn);
            self.lowering.code.load_chunk(R3, R4, R5);
            self.lowering.code.jump_if(R2, Relation::AboveOrEqual, 8 * turn + 8, &store);
            self.lowering.code.set(R4, 8 * turn + 8);
            self.lowering.code.subtract(R4, R2);
            self.lowering.code.shift_left(R4, 3);
            self.lowering.code.shift_left(R3, R4);
            self.lowering.code.shift_right(R3, R4);
            self.lowering.code.place(&store);
            self.lowering.code.store(length.plus(turn + 1), R3);
        }
    }

    /// Registers: r9 the hash, then the entry's address; r0 number of probes; r2 address of the probed entry.
    fn probe(&mut self, encoded: Word, group: GroupLayout) {
        let key_words = group.state();
        self.lowering.code.comment("group table");
        let [probe, next, found, free] =
            ["probe", "probe_next", "found", "free"].map(|name| self.lowering.code.label(name));
        let entry = Word::new(R2, 0);
        // A zero that the verifier cannot see: each turn looks like the first.
        self.lowering.code.load(R0, ZERO);
        self.lowering.code.place(&probe);
        self.lowering.code.load(R1, ZERO);
        self.lowering.code.add(Register::GROUP, R1);
        self.lowering.code.add(R0, R1);
        for dead in [R2, R3, R4, R5] {
            self.lowering.code.set(dead, 0);
        }
        self.lowering.code.line(format!("may_goto {GROUPS_FULL}"));
        self.lowering.code.set(R1, Register::GROUP);
        self.lowering.code.and(R1, self.sizes.group_capacity - 1);
        self.lowering.code.multiply(R1, group.bytes());
        self.lowering.code.line("r2 = map[groups][0]");
        self.lowering.code.add(R2, R1);
        self.lowering.code.load(R3, entry);
        self.lowering.code.jump_if(R3, Relation::Equal, 0, &free);
        for word in 0..key_words {
            if word > 0 {
                self.lowering.code.load(R3, entry.plus(word));
            }
            self.lowering.code.load(R4, encoded.plus(word));
            self.lowering.code.jump_if(R3, Relation::NotEqual, R4, &next);
        }
        self.lowering.code.jump(&found);
        self.lowering.code.place(&next);
        self.lowering.code.add(Register::GROUP, 1);
        self.lowering.code.add(R0, 1);
        self.lowering.code.jump_if(R0, Relation::AboveOrEqual, PROBE_COUNT_MAX, GROUPS_FULL);
        self.lowering.code.jump(&probe);
        self.lowering.code.place(&free);
        let group_count = Word::state(layout::GROUP_COUNT);
        self.lowering.code.load(R3, group_count);
        self.lowering.code.jump_if(
            R3,
            Relation::AboveOrEqual,
            self.sizes.group_capacity / 4 * 3,
            GROUPS_FULL,
        );
        self.lowering.code.add(R3, 1);
        self.lowering.code.store(group_count, R3);
        for word in 0..key_words {
            self.lowering.code.load(R3, encoded.plus(word));
            self.lowering.code.store(entry.plus(word), R3);
        }
        self.lowering.code.place(&found);
        self.lowering.code.set(Register::GROUP, R2);
    }

    /// The hash of the key into r9. Changes r1 and r2. Lengths are left out of it: where strings differ in nothing else, which
    /// takes NUL characters, the next entry is tried. The products do not wait for each other; only their sum is mixed.
    fn hash(&mut self, keys: &[Key], encoded: Word) {
        let code = &mut self.lowering.code;
        code.comment("hash");
        code.set(Register::GROUP, 0);
        let mut words = Vec::new();
        // A NULL has the value 0.
        if keys.iter().any(|key| self.fragment.columns[key.column].nullable) {
            words.push(GroupLayout::HEAD);
        }
        let mut at = GroupLayout::KEYS;
        for key in keys {
            let is_string = self.fragment.columns[key.column].ty == ColumnType::String;
            words.extend(at + usize::from(is_string)..at + key.words());
            at += key.words();
        }
        for word in words {
            code.load(R1, encoded.plus(word));
            code.constant_word(R2, multiplier(word));
            code.multiply(R1, R2);
            code.add(Register::GROUP, R1);
        }
        code.constant_word(R2, HASH_MULTIPLIER);
        for turn in 0..3 {
            if turn > 0 {
                code.multiply(Register::GROUP, R2);
            }
            code.set(R1, Register::GROUP);
            code.shift_right(R1, 32);
            code.xor(Register::GROUP, R1);
        }
    }
}

/// An odd number for each word of a key: the outputs of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014).
fn multiplier(word: usize) -> u64 {
    let mut bits = HASH_MULTIPLIER.wrapping_mul(word as u64 + 1);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ bits >> 31) | 1
}
