//! What each family says of its functions.

use crate::emit::Word;
use crate::ops::{Lowering, Parameters};

/// What is known of an aggregate function without looking at its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateSignature {
    /// In the text of a fragment.
    pub name: &'static str,
    /// The arguments it takes. A record is ignored when one of them is NULL.
    pub takes: Parameters,
    /// Size of the partial state in 64-bit words.
    pub state_words: usize,
}

/// What a family says about each of its functions.
pub(super) trait Family: Copy + 'static {
    /// Its functions.
    const ALL: &'static [Self];

    fn signature(self) -> AggregateSignature;

    /// Adds a record to the state: the value of the argument is in r1 if the function takes a value. Nothing may fail
    /// here. Changes r2 to r5.
    fn accumulate(self, state: Word, lowering: &mut Lowering);
}
