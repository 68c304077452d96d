//! Counting. State: `[count]`.

use super::family::{AggregateSignature, Family};
use crate::emit::Register::R2;
use crate::emit::Word;
use crate::ops::{Lowering, Parameter, Parameters};

/// A function of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Count {
    /// `count(a, ...)`: the number of records in which none of these columns is NULL; all records when there are none
    /// listed.
    NonNull,
}

impl Family for Count {
    const ALL: &'static [Count] = &[Count::NonNull];

    fn signature(self) -> AggregateSignature {
        AggregateSignature {
            name: "count",
            takes: Parameters::any_number_of(Parameter::AnyColumn),
            state_words: 1,
        }
    }

    fn accumulate(self, state: Word, lowering: &mut Lowering) {
        lowering.code.increment(state, R2);
    }
}
