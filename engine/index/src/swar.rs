//! Eight bytes in a register: for processors of which nothing is known.

use pushdown::fragment::StructuralBytes;

use crate::blocks::{BLOCK_BYTES, Block, Masks};

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// A pattern of each byte that means something.
#[derive(Debug, Clone, Copy)]
pub struct Swar {
    delimiter: u64,
    quote: u64,
    escape: Option<u64>,
}

impl Block for Swar {
    fn new(dialect: &StructuralBytes) -> Swar {
        let pattern = |byte: u8| ONES * u64::from(byte);
        let escape = dialect.own_escape().map(pattern);
        Swar { delimiter: pattern(dialect.delimiter), quote: pattern(dialect.quote), escape }
    }

    #[inline(always)]
    fn masks(&self, block: &[u8; BLOCK_BYTES]) -> Masks {
        let mut masks = Masks::default();
        let (words, _) = block.as_chunks::<8>();
        for (at, word) in words.iter().enumerate() {
            let (word, shift) = (u64::from_le_bytes(*word), 8 * at);
            let equals = |pattern: u64| gather(zero_bytes(word ^ pattern)) << shift;
            masks.delimiters |= equals(self.delimiter);
            masks.ends |= equals(ONES * 10) | equals(ONES * 13);
            masks.quotes |= equals(self.quote);
            masks.escapes |= self.escape.map_or(0, equals);
            masks.high |= gather(word & HIGH) << shift;
        }
        masks
    }

    #[inline(always)]
    fn offsets(&self, mask: u64, base: u32, to: &mut [u32; BLOCK_BYTES]) {
        offsets(mask, base, to);
    }
}

/// Bit 7 of each byte that is zero, and no other bit.
fn zero_bytes(word: u64) -> u64 {
    !(((word & !HIGH) + !HIGH) | word | !HIGH)
}

/// Bit 7 of each byte, as the eight lowest bits.
fn gather(bits: u64) -> u64 {
    ((bits >> 7).wrapping_mul(0x0102_0408_1020_4080)) >> 56
}

/// One bit after the other.
#[inline(always)]
pub fn offsets(mut mask: u64, base: u32, to: &mut [u32; BLOCK_BYTES]) {
    for entry in to {
        if mask == 0 {
            return;
        }
        *entry = base + mask.trailing_zeros();
        mask &= mask - 1;
    }
}
