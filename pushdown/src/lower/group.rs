//! The group table: open addressing with linear probing in a map, keys stored whole.
//!
//! The record's key is encoded into the state map, hashed, and compared word by word with the entries from its hash on.
//! A table that is three quarters full, or a run of [`PROBE_COUNT_MAX`] other groups, stops the program before this
//! record; user space drains the table as partial state and the record starts an empty one.

use super::{CompileError, Fold, ZERO};
use crate::fragment::{Aggregate, ColumnType, Key};
use crate::layout;

/// At three quarters full, a run this long is rarer than one in 10^5 inserts with a good hash.
const PROBE_COUNT_MAX: usize = 64;
/// The odd 64-bit constant of Fibonacci hashing: 2^64 divided by the golden ratio.
const HASH_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl Fold<'_> {
    /// Finds or makes the group entry of the record: its address into r9. Returns the offset in it of the
    /// accumulators.
    pub(super) fn group_entry(
        &mut self,
        keys: &[Key],
        aggregates: &[Aggregate],
    ) -> Result<usize, CompileError> {
        let key_words = 1 + keys.iter().map(Key::words).sum::<usize>();
        let state_words: usize = aggregates.iter().map(|each| each.function.state_words()).sum();
        self.group_entry_bytes = 8 * (key_words + state_words);
        let encoded = self.slots(key_words);
        self.encode_key(keys, encoded)?;
        self.probe(encoded, key_words);
        Ok(8 * key_words)
    }

    /// Null bits into r0, then all words of the key into the state map.
    fn encode_key(&mut self, keys: &[Key], encoded: usize) -> Result<(), CompileError> {
        self.code.comment("group key");
        self.code.line("r0 = 1");
        let mut offset = encoded + 8;
        for (index, key) in keys.iter().enumerate() {
            self.code.comment(&format!("key {index} {}", self.fragment.columns[key.column].name));
            let slot = self.columns[key.column];
            if self.fragment.columns[key.column].nullable {
                self.code.line(format!("r1 = *(u64 *)(r7 + {})", slot + 8));
                self.code.line(format!("r1 <<= {}", 1 + index));
                self.code.line("r0 |= r1");
            }
            if self.fragment.columns[key.column].ty == ColumnType::String {
                self.encode_string(key, offset)?;
            } else {
                self.code.line(format!("r1 = *(u64 *)(r7 + {slot})"));
                self.code.line(format!("*(u64 *)(r7 + {offset}) = r1"));
            }
            offset += 8 * key.words();
        }
        self.code.line(format!("*(u64 *)(r7 + {encoded}) = r0"));
        Ok(())
    }

    /// Length and zero-padded bytes. Keeps r0.
    fn encode_string(&mut self, key: &Key, offset: usize) -> Result<(), CompileError> {
        self.field_bounds(key.column)?;
        self.code.line(format!("if r2 > {} goto @exception", key.string_bytes_max));
        self.code.line(format!("*(u64 *)(r7 + {offset}) = r2"));
        for turn in 0..key.string_bytes_max / 8 {
            let store = self.code.label("key");
            self.code.line("r3 = 0");
            self.code.line(format!("if r2 <= {} goto {store}", 8 * turn));
            self.code.line("r4 = r1");
            self.code.line(format!("r4 += {}", 8 * turn));
            self.code.line("r5 = window(r4, 8)");
            self.code.line("r3 = *(u64 *)(r5 + 0)");
            self.code.line(format!("if r2 >= {} goto {store}", 8 * turn + 8));
            self.code.line(format!("r4 = {}", 8 * turn + 8));
            self.code.line("r4 -= r2");
            self.code.line("r4 <<= 3");
            self.code.line("r3 <<= r4");
            self.code.line("r3 >>= r4");
            self.code.line(format!("{store}:"));
            self.code.line(format!("*(u64 *)(r7 + {}) = r3", offset + 8 * (turn + 1)));
        }
        Ok(())
    }

    /// Registers: r9 hash, then the entry's address; r0 number of probes; r2 address of the probed entry.
    fn probe(&mut self, encoded: usize, key_words: usize) {
        self.code.comment("group table");
        self.code.line("r9 = 0");
        self.code.line(format!("r2 = {HASH_MULTIPLIER} ll"));
        for word in 0..key_words {
            self.code.line(format!("r1 = *(u64 *)(r7 + {})", encoded + 8 * word));
            self.code.line("r9 ^= r1");
            self.code.line("r9 *= r2");
            self.code.line("r1 = r9");
            self.code.line("r1 >>= 32");
            self.code.line("r9 ^= r1");
        }
        let [probe, next, found, free] =
            ["probe", "probe_next", "found", "free"].map(|name| self.code.label(name));
        // A zero that the verifier cannot see: each turn looks like the first.
        self.code.line(format!("r0 = *(u64 *)(r7 + {ZERO})"));
        self.code.line(format!("{probe}:"));
        self.code.line(format!("r1 = *(u64 *)(r7 + {ZERO})"));
        self.code.line("r9 += r1");
        self.code.line("r0 += r1");
        for dead in ["r2", "r3", "r4", "r5"] {
            self.code.line(format!("{dead} = 0"));
        }
        self.code.line("may_goto @groups_full");
        self.code.line("r1 = r9");
        self.code.line(format!("r1 &= {}", self.sizes.group_capacity - 1));
        self.code.line(format!("r1 *= {}", self.group_entry_bytes));
        self.code.line("r2 = map[groups][0]");
        self.code.line("r2 += r1");
        self.code.line("r3 = *(u64 *)(r2 + 0)");
        self.code.line(format!("if r3 == 0 goto {free}"));
        for word in 0..key_words {
            if word > 0 {
                self.code.line(format!("r3 = *(u64 *)(r2 + {})", 8 * word));
            }
            self.code.line(format!("r4 = *(u64 *)(r7 + {})", encoded + 8 * word));
            self.code.line(format!("if r3 != r4 goto {next}"));
        }
        self.code.line(format!("goto {found}"));
        self.code.line(format!("{next}:"));
        self.code.line("r9 += 1");
        self.code.line("r0 += 1");
        self.code.line(format!("if r0 >= {PROBE_COUNT_MAX} goto @groups_full"));
        self.code.line(format!("goto {probe}"));
        self.code.line(format!("{free}:"));
        self.code.line(format!("r3 = *(u64 *)(r7 + {})", layout::GROUP_COUNT));
        self.code.line(format!("if r3 >= {} goto @groups_full", self.sizes.group_capacity / 4 * 3));
        self.code.line("r3 += 1");
        self.code.line(format!("*(u64 *)(r7 + {}) = r3", layout::GROUP_COUNT));
        for word in 0..key_words {
            self.code.line(format!("r3 = *(u64 *)(r7 + {})", encoded + 8 * word));
            self.code.line(format!("*(u64 *)(r2 + {}) = r3", 8 * word));
        }
        self.code.line(format!("{found}:"));
        self.code.line("r9 = r2");
    }
}
