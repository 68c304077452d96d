//! Words of the state map that are the matter of the program alone.

use crate::contract::layout;
use crate::emit::Word;

/// Bytes of the index array that complete records fill.
pub(super) const INDEX_END: Word = Word::state(layout::INDEX_END);
/// Where a character ends that began in a word before.
pub(super) const UTF8_END: Word = Word::state(layout::SCRATCH + 16);
/// The number that was read digit by digit makes the record an exception record.
pub(super) const NUMBER_REFUSED: Word = Word::state(layout::SCRATCH + 24);
/// 10^0 to 10^18.
pub(super) const POWERS_OF_TEN: usize = layout::SCRATCH + 32;
/// Behind them: words for the fragment.
pub(super) const FIRST_WORD: usize = POWERS_OF_TEN + 19 * 8;
