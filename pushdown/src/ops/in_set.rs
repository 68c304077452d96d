//! Numbers, or truth values, in a list of constants. NULL when what is looked for is NULL.

use super::{
    Comparison, Expr, Family, Literal, Lowering, Notation, NullRule, Parameter, Parameters, Relation,
    Signature, ValueType,
};
use crate::emit::Register::R1;

/// An operator of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InSet {
    /// `a in (b, ...)`
    In,
    /// `a not in (b, ...)`
    NotIn,
}

impl Family for InSet {
    const ALL: &'static [InSet] = &[InSet::In, InSet::NotIn];

    fn signature(self) -> Signature {
        use Parameter::{Constant, Plain, Value};
        use ValueType::{Bool, I64};
        Signature {
            name: match self {
                InSet::In => "in",
                InSet::NotIn => "not in",
            },
            notation: Notation::List,
            takes: const {
                &[
                    Parameters::repeating(&[Value(I64), Constant(I64)]),
                    Parameters::repeating(&[Plain(Bool), Constant(Bool)]),
                ]
            },
            gives: Bool,
            nulls: NullRule::Strict,
            can_fail: false,
        }
    }

    /// The list is sorted, without duplicates, and has two values at least: one is a comparison.
    fn simplify(self, mut arguments: Vec<Expr>, nullable: &[bool]) -> Expr {
        arguments[1..].sort_unstable_by_key(Expr::as_number);
        let mut values = arguments.split_off(1);
        values.dedup();
        let sought = arguments.swap_remove(0);
        if sought.as_number().is_some() {
            return Literal::Bool(Some(values.contains(&sought) == (self == InSet::In))).into();
        }
        if values.len() == 1 {
            let op = if self == InSet::In { Comparison::Eq } else { Comparison::NotEq };
            return op.simplify(vec![sought, values.swap_remove(0)], nullable);
        }
        values.insert(0, sought);
        Expr::call(self, values)
    }

    fn negated(self) -> InSet {
        match self {
            InSet::In => InSet::NotIn,
            InSet::NotIn => InSet::In,
        }
    }

    fn branch(self, arguments: &[Expr], lowering: &mut Lowering, otherwise: &str) {
        let [sought, values @ ..] = arguments else { unreachable!("validate() counts arguments") };
        lowering.branch_if_null(sought, otherwise);
        lowering.load(sought);
        let found = lowering.code.label("in");
        let hit = if self == InSet::In { &found } else { otherwise };
        for value in values.iter().filter_map(Expr::as_number) {
            lowering.jump_if_constant(R1, Relation::Equal, value, hit);
        }
        if self == InSet::In {
            lowering.code.jump(otherwise);
        }
        lowering.code.join(&found);
    }
}
