//! The least and the greatest value. State: `[value, non-null count]`; the value means nothing while the count is 0.

use super::family::{AggregateSignature, Family};
use crate::emit::Register::{R1, R2, R3};
use crate::emit::{Relation, Word};
use crate::ops::{Lowering, Parameter, Parameters, ValueType};

/// A function of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MinMax {
    /// `min(a)`
    Min,
    /// `max(a)`
    Max,
}

impl Family for MinMax {
    const ALL: &'static [MinMax] = &[MinMax::Min, MinMax::Max];

    fn signature(self) -> AggregateSignature {
        let name = match self {
            MinMax::Min => "min",
            MinMax::Max => "max",
        };
        let takes = Parameters::exactly(&[Parameter::Value(ValueType::I64)]);
        AggregateSignature { name, takes, state_words: 2 }
    }

    fn accumulate(self, state: Word, lowering: &mut Lowering) {
        // The value so far stays if it stands in this relation to the new one.
        let stays = match self {
            MinMax::Min => Relation::LessOrEqual,
            MinMax::Max => Relation::GreaterOrEqual,
        };
        let code = &mut lowering.code;
        let (set, keep) = (code.label("set"), code.label("keep"));
        code.load(R2, state.plus(1));
        code.jump_if(R2, Relation::Equal, 0, &set);
        code.load(R3, state);
        code.jump_if(R3, stays, R1, &keep);
        code.place(&set);
        code.store(state, R1);
        code.place(&keep);
        code.increment(state.plus(1), R2);
    }
}
