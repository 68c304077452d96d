//! x86-64 with AVX-512: a block is one register, and its offsets are pressed together by one instruction.

#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_add_epi32, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32,
    _mm512_loadu_si512, _mm512_maskz_compress_epi8, _mm512_movepi8_mask, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

use pushdown::fragment::StructuralBytes;

use crate::blocks::{self, BLOCK_BYTES, Block, Masks, Signed};
use crate::walker::{Indexed, Walker};

/// 0, 1, 2, ...: the offset of each byte of a block.
const PLACES: [u8; BLOCK_BYTES] = {
    let mut places = [0; BLOCK_BYTES];
    let mut at = 0;
    while at < BLOCK_BYTES {
        places[at] = at as u8;
        at += 1;
    }
    places
};

/// The bytes that mean something. Made only by [`run`], on a processor with AVX-512.
struct Avx512(Signed);

/// Whether this processor has it.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
}

/// The index stage.
///
/// # Panics
///
/// Without AVX-512.
pub fn run(walker: Walker<'_>) -> Indexed {
    assert!(is_available(), "a processor with AVX-512");
    // SAFETY: the processor has all that the function asks for.
    unsafe { with_avx512(walker) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
fn with_avx512(walker: Walker<'_>) -> Indexed {
    blocks::run::<Avx512>(walker)
}

impl Block for Avx512 {
    fn new(dialect: &StructuralBytes) -> Avx512 {
        Avx512(Signed::of(dialect))
    }

    #[inline(always)]
    fn masks(&self, block: &[u8; BLOCK_BYTES]) -> Masks {
        // SAFETY: an `Avx512` is only made on a processor with AVX-512; the block has the 64 bytes of the load.
        unsafe {
            let bytes: __m512i = _mm512_loadu_si512(block.as_ptr().cast());
            let equals = |byte: i8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte));
            Masks {
                delimiters: equals(self.0.delimiter),
                ends: equals(10) | equals(13),
                quotes: equals(self.0.quote),
                escapes: self.0.escape.map_or(0, equals),
                high: _mm512_movepi8_mask(bytes),
            }
        }
    }

    #[inline(always)]
    fn offsets(&self, mask: u64, base: u32, to: &mut [u32; BLOCK_BYTES]) {
        let count = mask.count_ones() as usize;
        let mut pressed = [0u8; BLOCK_BYTES];
        // SAFETY: as above; `PLACES` and `pressed` have the 64 bytes of a register.
        unsafe {
            let places = _mm512_loadu_si512(PLACES.as_ptr().cast());
            _mm512_storeu_si512(pressed.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(mask, places));
        }
        let (quarters, _) = pressed.as_chunks::<16>();
        let (targets, _) = to.as_chunks_mut::<16>();
        for (at, (quarter, target)) in quarters.iter().zip(targets).enumerate() {
            if at > 0 && 16 * at >= count {
                break;
            }
            // SAFETY: as above; the quarter has the 16 bytes of the load, the target the 16 entries, 64 bytes, of the store.
            unsafe {
                let wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(quarter.as_ptr().cast()));
                let offsets = _mm512_add_epi32(wide, _mm512_set1_epi32(base.cast_signed()));
                _mm512_storeu_si512(target.as_mut_ptr().cast(), offsets);
            }
        }
    }
}
