//! A limit that a value must keep, for values that further steps need exact.

use super::{Expr, Family, Lowering, Notation, NullRule, Parameter, Parameters, Signature, ValueType};
use crate::emit::Register::R1;

/// An operator of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// `bound(a, magnitude_max)`: `a` itself; a magnitude above `magnitude_max` makes the record an exception record.
    Magnitude,
}

impl Family for Bound {
    const ALL: &'static [Bound] = &[Bound::Magnitude];

    fn signature(self) -> Signature {
        Signature {
            name: "bound",
            notation: Notation::Function,
            takes: const { &[Parameters::exactly(&[Parameter::Value(ValueType::I64), Parameter::Natural])] },
            gives: ValueType::I64,
            nulls: NullRule::Strict,
            can_fail: true,
        }
    }

    fn simplify(self, mut arguments: Vec<Expr>, _: &[bool]) -> Expr {
        let (argument, magnitude_max) = parts(&arguments);
        match argument.as_integer() {
            Some(value) if value.unsigned_abs() <= magnitude_max.unsigned_abs() => arguments.swap_remove(0),
            _ => Expr::call(self, arguments),
        }
    }

    fn compute(self, arguments: &[Expr], lowering: &mut Lowering) {
        let (argument, magnitude_max) = parts(arguments);
        lowering.load(argument);
        lowering.code.require_range(R1, -magnitude_max, magnitude_max);
    }
}

fn parts(arguments: &[Expr]) -> (&Expr, i64) {
    match arguments {
        [argument, limit] if let Some(magnitude_max) = limit.as_integer() => (argument, magnitude_max),
        _ => unreachable!("validate() wants a value and a limit"),
    }
}
