//! Tests of the assembler, the listing and the interpreter, and of their agreement.

mod asm;
mod interpret;
mod listing;

use super::Insn;
use super::asm::{GuardTarget, Holes, Item, link, parse};
use crate::testing::Random;

const WINDOW: GuardTarget = GuardTarget::Window { window_bytes: 4096 };

fn items(text: &str) -> Vec<Item> {
    parse(text, &Holes::new(), "").unwrap_or_else(|error| panic!("{error}"))
}

fn assemble(text: &str) -> Vec<Insn> {
    link(&items(text), &WINDOW).unwrap_or_else(|error| panic!("{error}"))
}

/// Numbers around the edges of the widths, and others.
fn number(random: &mut Random) -> i64 {
    let edge =
        *random.pick(&[0_i64, 1, -1, 127, 255, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX, i64::MIN]);
    match random.below(3) {
        0 => edge,
        1 => edge.wrapping_add(random.below(5) as i64 - 2),
        _ => random.word() as i64 >> random.below(64),
    }
}
