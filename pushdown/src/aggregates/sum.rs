//! Sums of 64-bit integers.

use super::family::{AggregateSignature, Family};
use crate::emit::Register::{R1, R2, R3};
use crate::emit::{Relation, Word};
use crate::ops::{Lowering, Parameter, Parameters, ValueType};

/// A function of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sum {
    /// `sum_wrap(a)`: modulo 2^64. State: `[sum, non-null count]`.
    Wrap,
    /// `sum_exact(a)`: in 128 bits, two's complement. State: `[low, high, non-null count]`.
    Exact,
}

impl Family for Sum {
    const ALL: &'static [Sum] = &[Sum::Wrap, Sum::Exact];

    fn signature(self) -> AggregateSignature {
        let (name, state_words) = match self {
            Sum::Wrap => ("sum_wrap", 2),
            Sum::Exact => ("sum_exact", 3),
        };
        let takes = Parameters::exactly(&[Parameter::Value(ValueType::I64)]);
        AggregateSignature { name, takes, state_words }
    }

    fn accumulate(self, state: Word, lowering: &mut Lowering) {
        match self {
            Sum::Wrap => {
                lowering.code.load(R2, state);
                lowering.code.add(R2, R1);
                lowering.code.store(state, R2);
                lowering.code.increment(state.plus(1), R2);
            }
            Sum::Exact => exact(state, lowering),
        }
    }
}

/// The high half of the addend is its sign; the low halves carried if their sum is less than one of them.
fn exact(state: Word, lowering: &mut Lowering) {
    let code = &mut lowering.code;
    let carried = code.label("carried");
    code.load(R2, state);
    code.add(R2, R1);
    code.store(state, R2);
    code.set(R3, R1);
    code.shift_right_signed(R3, 63);
    code.jump_if(R2, Relation::AboveOrEqual, R1, &carried);
    code.add(R3, 1);
    code.place(&carried);
    code.load(R2, state.plus(1));
    code.add(R2, R3);
    code.store(state.plus(1), R2);
    code.increment(state.plus(2), R2);
}
