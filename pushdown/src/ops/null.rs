//! Tests for NULL of a column of any type. Never NULL themselves.

use super::{
    Expr, Family, Literal, Lowering, Notation, NullRule, Parameter, Parameters, Relation, Signature,
    ValueType,
};
use crate::emit::Register::R1;

/// An operator of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullTest {
    /// `a is null`
    IsNull,
    /// `a is not null`
    IsNotNull,
}

impl Family for NullTest {
    const ALL: &'static [NullTest] = &[NullTest::IsNull, NullTest::IsNotNull];

    fn signature(self) -> Signature {
        Signature {
            name: match self {
                NullTest::IsNull => "is null",
                NullTest::IsNotNull => "is not null",
            },
            notation: Notation::Postfix,
            takes: const { &[Parameters::exactly(&[Parameter::AnyColumn])] },
            gives: ValueType::Bool,
            nulls: NullRule::Own,
            can_fail: false,
        }
    }

    fn simplify(self, arguments: Vec<Expr>, nullable: &[bool]) -> Expr {
        if nullable[column(&arguments)] {
            Expr::call(self, arguments)
        } else {
            // A record with an empty field there is an exception before any condition is asked.
            Literal::Bool(Some(self == NullTest::IsNotNull)).into()
        }
    }

    fn negated(self) -> NullTest {
        match self {
            NullTest::IsNull => NullTest::IsNotNull,
            NullTest::IsNotNull => NullTest::IsNull,
        }
    }

    fn branch(self, arguments: &[Expr], lowering: &mut Lowering, otherwise: &str) {
        let null = lowering.column(column(arguments)).slot.null;
        lowering.code.load(R1, null);
        let leaves = match self {
            NullTest::IsNull => Relation::Equal,
            NullTest::IsNotNull => Relation::NotEqual,
        };
        lowering.code.jump_if(R1, leaves, 0, otherwise);
    }
}

fn column(arguments: &[Expr]) -> usize {
    match arguments {
        [Expr::Column(column)] => *column,
        _ => unreachable!("validate() wants a column"),
    }
}
