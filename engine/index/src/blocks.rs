//! 64 bytes at a time.
//!
//! ```text
//! block --[ Block::masks ]--> a bit for each delimiter, line end, quote, escape, byte above 0x7f
//!    within quotes, and none that ends them .. nothing
//!    quotes only around whole fields ......... all offsets of a record's part of the block at once (whole)
//!    else .................................... one structural byte after the other (walk)
//! ```
//!
//! Which bytes are within quotes is the prefix XOR of the quotes' bits (Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
//! section 3.1.1): bit n is the XOR of the bits up to n, so that it is set from an opening quote up to a closing one.

use pushdown::contract::index::Entry;
use pushdown::contract::layout::WINDOW_SLACK_BYTES;
use pushdown::fragment::StructuralBytes;

use crate::utf8::ill_formed;
use crate::walker::{Indexed, Walker};

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 64;
// The last block of a chunk is read as a whole.
const _: () = assert!(BLOCK_BYTES <= WINDOW_SLACK_BYTES);

/// The bytes of a block that mean something, from the lowest bit on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Masks {
    pub delimiters: u64,
    /// LF and CR.
    pub ends: u64,
    pub quotes: u64,
    pub escapes: u64,
    /// Above 0x7f.
    pub high: u64,
}

impl Masks {
    fn kept(self, bits: u64) -> Masks {
        Masks {
            delimiters: self.delimiters & bits,
            ends: self.ends & bits,
            quotes: self.quotes & bits,
            escapes: self.escapes & bits,
            high: self.high & bits,
        }
    }
}

/// The ends of fields in a block.
struct Fields {
    /// Delimiters and line ends outside of quotes.
    structural: u64,
    /// The line ends among them.
    ends: u64,
    /// Those that follow a closing quote.
    quoted: u64,
}

impl Fields {
    /// Of a block with quotes, and whether it ends within quotes. None: not every quote opens or closes a whole field.
    #[inline(always)]
    fn quoted(masks: &Masks, state: &State, walker: &Walker<'_>, at: usize) -> Option<(Fields, bool)> {
        let inside = prefix_xor(masks.quotes) ^ if state.in_quotes { !0 } else { 0 };
        let (opening, closing) = (masks.quotes & inside, masks.quotes & !inside);
        let ends = masks.ends & !inside;
        let structural = masks.delimiters & !inside | ends;
        // What follows the last byte of the block is not known here.
        let is_known = closing >> (BLOCK_BYTES - 1) == 0;
        let begin = walker.field_begin().checked_sub(at).filter(|begin| *begin < BLOCK_BYTES);
        let begins = structural << 1 | begin.map_or(0, |begin| 1 << begin);
        let is_whole = is_known && opening & !begins == 0 && closing << 1 & !structural == 0;
        let fields = Fields { structural, ends, quoted: closing << 1 };
        is_whole.then_some((fields, inside >> (BLOCK_BYTES - 1) == 1))
    }
}

/// Bit n is the XOR of the bits up to n.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// How a processor looks at a block.
pub trait Block {
    fn new(dialect: &StructuralBytes) -> Self;

    fn masks(&self, block: &[u8; BLOCK_BYTES]) -> Masks;

    /// For each bit `b` of `mask` the entry `base + b`. What is written behind them does not count.
    fn offsets(&self, mask: u64, base: u32, to: &mut [u32; BLOCK_BYTES]);
}

/// The bytes that mean something, as vector instructions take them.
#[derive(Debug, Clone, Copy)]
pub struct Signed {
    pub delimiter: i8,
    pub quote: i8,
    pub escape: Option<i8>,
}

impl Signed {
    pub fn of(dialect: &StructuralBytes) -> Signed {
        Signed {
            delimiter: dialect.delimiter.cast_signed(),
            quote: dialect.quote.cast_signed(),
            escape: dialect.own_escape().map(u8::cast_signed),
        }
    }
}

/// What is known from one block to the next.
struct State {
    in_quotes: bool,
    /// Bytes in front of it were looked at already.
    resume: usize,
    /// Of the chunk, once a byte above 0x7f was met; the last first.
    bad: Option<Vec<usize>>,
}

/// The index stage with blocks.
#[inline(always)]
pub fn run<B: Block>(mut walker: Walker<'_>) -> Indexed {
    let blocks = B::new(&walker.indexing.dialect);
    let mut at = walker.begin;
    let mut state = State { in_quotes: false, resume: at, bad: None };
    while at < walker.end && !walker.is_full {
        let Some(block) = walker.window[at..].first_chunk::<BLOCK_BYTES>() else { break };
        let mut masks = blocks.masks(block);
        let left = walker.end - at;
        if left < BLOCK_BYTES {
            masks = masks.kept((1 << left) - 1);
        }
        if state.resume > at {
            // Whether the bytes are UTF-8 is asked of all of them.
            masks = Masks { high: masks.high, ..masks.kept(!0 << (state.resume - at)) };
        }
        let is_bad = masks.high != 0 && state.is_bad(&walker, at + BLOCK_BYTES);
        let is_quoted = state.in_quotes || masks.quotes != 0;
        if is_bad || is_quoted && masks.escapes != 0 {
            walk(&mut walker, &mut state, at, &masks);
        } else if !is_quoted {
            let structural = masks.delimiters | masks.ends;
            whole(&blocks, &mut walker, at, &Fields { structural, ends: masks.ends, quoted: 0 });
        } else if masks.quotes != 0 {
            match Fields::quoted(&masks, &state, &walker, at) {
                Some((fields, in_quotes)) => {
                    whole(&blocks, &mut walker, at, &fields);
                    state.in_quotes = in_quotes;
                }
                None => walk(&mut walker, &mut state, at, &masks),
            }
        }
        at += BLOCK_BYTES;
    }
    walker.indexed()
}

impl State {
    /// Whether a sequence that is not well formed begins in front of `behind`, and was not met yet.
    #[cold]
    fn is_bad(&mut self, walker: &Walker<'_>, behind: usize) -> bool {
        let bad = self.bad.get_or_insert_with(|| {
            let mut bad = ill_formed(walker.window, walker.begin, walker.end);
            bad.reverse();
            bad
        });
        bad.last().is_some_and(|bad| *bad < behind)
    }

    /// The record in which a sequence begins that is not well formed is an exception record.
    fn charge(&mut self, walker: &mut Walker<'_>, behind: usize) {
        while let Some(bad) = &mut self.bad
            && bad.pop_if(|bad| *bad < behind).is_some()
        {
            walker.exception();
        }
    }
}

/// A block of which it is known where fields end. What belongs to one record goes straight to its entries: through a place between
/// them it took a sixth of the time of `count(*)`.
#[inline(always)]
fn whole<B: Block>(blocks: &B, walker: &mut Walker<'_>, at: usize, fields: &Fields) {
    let base = at as u32 + 1;
    let mut rest = fields.structural;
    let mut ends = fields.ends;
    while ends != 0 {
        let end = ends & ends.wrapping_neg();
        let part = rest & (end | (end - 1));
        store(blocks, walker, base, part, fields.quoted);
        walker.next += part.count_ones() as usize - 1;
        let behind = base + end.trailing_zeros();
        if walker.next - walker.record == walker.last && walker.last > 1 {
            walker.begin_record(behind);
        } else {
            walker.terminator(behind as usize, walker.entry(walker.next) & Entry::FLAG);
        }
        if walker.is_full {
            return;
        }
        rest ^= part;
        ends ^= end;
    }
    store(blocks, walker, base, rest, fields.quoted);
    walker.next += rest.count_ones() as usize;
}

/// Stores the ends of fields in the next entries, and perhaps something behind them.
#[inline(always)]
fn store<B: Block>(blocks: &B, walker: &mut Walker<'_>, base: u32, ends: u64, quoted: u64) {
    match walker.entries[walker.next..].first_chunk_mut::<BLOCK_BYTES>() {
        Some(to) => blocks.offsets(ends, base, to),
        // At the end of the array.
        None => {
            let mut to = [0; BLOCK_BYTES];
            blocks.offsets(ends, base, &mut to);
            let count = ends.count_ones() as usize;
            walker.entries[walker.next..][..count].copy_from_slice(&to[..count]);
        }
    }
    let mut quoted = quoted & ends;
    while quoted != 0 {
        let bit = quoted & quoted.wrapping_neg();
        walker.entries[walker.next + (ends & (bit - 1)).count_ones() as usize] |= Entry::FLAG;
        quoted ^= bit;
    }
}

/// A block in which single bytes must be looked at.
#[cold]
#[inline(never)]
fn walk(walker: &mut Walker<'_>, state: &mut State, at: usize, masks: &Masks) {
    let dialect = walker.indexing.dialect;
    let mut bits = masks.delimiters | masks.ends | masks.quotes | masks.escapes;
    while bits != 0 && !walker.is_full {
        let bit = bits & bits.wrapping_neg();
        let place = at + bits.trailing_zeros() as usize;
        bits &= bits - 1;
        if place < state.resume {
            continue;
        }
        state.charge(walker, place);
        if !state.in_quotes {
            if masks.delimiters & bit != 0 {
                walker.field(place + 1, 0);
            } else if masks.ends & bit != 0 {
                walker.terminator(place + 1, 0);
            } else if masks.quotes & bit != 0 {
                state.in_quotes = walker.field_begin() == place;
            }
        } else if masks.escapes & bit != 0 {
            walker.exception();
            state.resume = place + 2;
        } else if masks.quotes & bit != 0 {
            let next = walker.window[place + 1];
            state.in_quotes = next == dialect.quote;
            state.resume = place + 2;
            match next {
                next if next == dialect.delimiter => walker.field(place + 2, Entry::FLAG),
                b'\n' | b'\r' => walker.terminator(place + 2, Entry::FLAG),
                next => {
                    walker.exception();
                    if next != dialect.quote {
                        state.resume = place + 1;
                    }
                }
            }
        }
    }
    if !walker.is_full {
        state.charge(walker, at + BLOCK_BYTES);
    }
}
