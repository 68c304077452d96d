//! x86-64 with AVX2: two registers of 32 bytes a block.

#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::{__m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_set1_epi8};

use pushdown::fragment::StructuralBytes;

use crate::blocks::{self, BLOCK_BYTES, Block, Masks, Signed};
use crate::swar;
use crate::walker::{Indexed, Walker};

/// The bytes that mean something. Made only by [`run`], on a processor with AVX2.
struct Avx2(Signed);

/// Whether this processor has it.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt")
}

/// The index stage.
///
/// # Panics
///
/// Without AVX2.
pub fn run(walker: Walker<'_>) -> Indexed {
    assert!(is_available(), "a processor with AVX2");
    // SAFETY: the processor has all that the function asks for.
    unsafe { with_avx2(walker) }
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn with_avx2(walker: Walker<'_>) -> Indexed {
    blocks::run::<Avx2>(walker)
}

/// The highest bit of each byte. An instruction that the compiler cannot look into: it would take the comparisons in front of it for
/// masks of single bits, and join those byte by byte (seen with LLVM 22: 76 ns a record of lineitem, and 42 without).
#[inline]
#[target_feature(enable = "avx2")]
fn high_bits(bytes: __m256i) -> u32 {
    let bits: u32;
    // SAFETY: it changes nothing but `bits`.
    unsafe {
        asm!("vpmovmskb {bits:e}, {bytes}", bits = out(reg) bits, bytes = in(ymm_reg) bytes, options(pure, nomem, nostack));
    }
    bits
}

impl Block for Avx2 {
    fn new(dialect: &StructuralBytes) -> Avx2 {
        Avx2(Signed::of(dialect))
    }

    #[inline(always)]
    fn masks(&self, block: &[u8; BLOCK_BYTES]) -> Masks {
        let (halves, _) = block.as_chunks::<32>();
        // SAFETY: an `Avx2` is only made on a processor with AVX2; each half has the 32 bytes of a load, which need not be aligned.
        unsafe {
            let low = _mm256_loadu_si256(halves[0].as_ptr().cast());
            let high = _mm256_loadu_si256(halves[1].as_ptr().cast());
            let both =
                |low: __m256i, high: __m256i| u64::from(high_bits(low)) | u64::from(high_bits(high)) << 32;
            let is = |half: __m256i, byte: i8| _mm256_cmpeq_epi8(half, _mm256_set1_epi8(byte));
            let equals = |byte: i8| both(is(low, byte), is(high, byte));
            Masks {
                delimiters: equals(self.0.delimiter),
                ends: equals(10) | equals(13),
                quotes: equals(self.0.quote),
                escapes: self.0.escape.map_or(0, equals),
                high: both(low, high),
            }
        }
    }

    #[inline(always)]
    fn offsets(&self, mask: u64, base: u32, to: &mut [u32; BLOCK_BYTES]) {
        swar::offsets(mask, base, to);
    }
}
