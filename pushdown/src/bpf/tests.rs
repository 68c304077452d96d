//! Tests of the assembler, the listing and the interpreter, and of their agreement.

mod asm;
mod interpret;
mod listing;

use super::Insn;
use super::asm::{GuardTarget, Holes, Item, link, parse};

const WINDOW: GuardTarget = GuardTarget::Window { window_bytes: 4096 };

fn items(text: &str) -> Vec<Item> {
    parse(text, &Holes::new(), "").unwrap_or_else(|error| panic!("{error}"))
}

fn assemble(text: &str) -> Vec<Insn> {
    link(&items(text), &WINDOW).unwrap_or_else(|error| panic!("{error}"))
}

/// A small generator of numbers (xorshift64*), so that failures repeat.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Numbers around the edges of the widths, and others.
    fn number(&mut self) -> i64 {
        let edge = self.pick(&[
            0_i64,
            1,
            -1,
            127,
            255,
            0x7fff,
            0xffff,
            0x7fff_ffff,
            0xffff_ffff,
            i64::MAX,
            i64::MIN,
        ]);
        match self.below(3) {
            0 => edge,
            1 => edge.wrapping_add(self.below(5) as i64 - 2),
            _ => self.next() as i64 >> self.below(64),
        }
    }
}
