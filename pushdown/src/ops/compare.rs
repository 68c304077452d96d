//! Comparisons of two numbers or two truth values (false < true). NULL when a side is NULL.

use super::{
    Expr, Family, Literal, Lowering, Notation, NullRule, Parameter, Parameters, Relation, Signature,
    ValueType,
};
use crate::emit::Register::{R1, R2};

/// An operator of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

// Not `Eq`, which is the name of a trait, too.
use Comparison::{Gt, GtEq, Lt, LtEq, NotEq};

const I64: Parameter = Parameter::Value(ValueType::I64);
const BOOL: Parameter = Parameter::Plain(ValueType::Bool);

impl Family for Comparison {
    const ALL: &'static [Comparison] = &[Comparison::Eq, NotEq, Lt, LtEq, Gt, GtEq];

    fn signature(self) -> Signature {
        Signature {
            name: match self {
                Comparison::Eq => "=",
                NotEq => "<>",
                Lt => "<",
                LtEq => "<=",
                Gt => ">",
                GtEq => ">=",
            },
            notation: Notation::Relation,
            takes: const { &[Parameters::exactly(&[I64, I64]), Parameters::exactly(&[BOOL, BOOL])] },
            gives: ValueType::Bool,
            nulls: NullRule::Strict,
            can_fail: false,
        }
    }

    /// A constant stands on the right side only.
    fn simplify(self, mut arguments: Vec<Expr>, _: &[bool]) -> Expr {
        let (left, right) = sides(&arguments);
        match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => Literal::Bool(Some(self.holds(left, right))).into(),
            (Some(_), None) => {
                arguments.swap(0, 1);
                Expr::call(self.mirrored(), arguments)
            }
            (None, _) => Expr::call(self, arguments),
        }
    }

    fn negated(self) -> Comparison {
        match self {
            Comparison::Eq => NotEq,
            NotEq => Comparison::Eq,
            Lt => GtEq,
            LtEq => Gt,
            Gt => LtEq,
            GtEq => Lt,
        }
    }

    fn branch(self, arguments: &[Expr], lowering: &mut Lowering, otherwise: &str) {
        let (left, right) = sides(arguments);
        // The jump is taken when the comparison does not hold.
        let opposite = match self {
            Comparison::Eq => Relation::NotEqual,
            NotEq => Relation::Equal,
            Lt => Relation::GreaterOrEqual,
            LtEq => Relation::Greater,
            Gt => Relation::LessOrEqual,
            GtEq => Relation::Less,
        };
        lowering.branch_if_null(left, otherwise);
        lowering.branch_if_null(right, otherwise);
        lowering.load(left);
        if let Some(value) = right.as_number() {
            return lowering.jump_if_constant(R1, opposite, value, otherwise);
        }
        let spilled = lowering.words(1);
        lowering.code.store(spilled, R1);
        lowering.load(right);
        lowering.code.load(R2, spilled);
        lowering.code.jump_if(R2, opposite, R1, otherwise);
    }
}

impl Comparison {
    /// What it is for its operands in the opposite order.
    pub fn mirrored(self) -> Comparison {
        match self {
            Comparison::Eq | NotEq => self,
            Lt => Gt,
            LtEq => GtEq,
            Gt => Lt,
            GtEq => LtEq,
        }
    }

    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Comparison::Eq => left == right,
            NotEq => left != right,
            Lt => left < right,
            LtEq => left <= right,
            Gt => left > right,
            GtEq => left >= right,
        }
    }
}

fn sides(arguments: &[Expr]) -> (&Expr, &Expr) {
    match arguments {
        [left, right] => (left, right),
        _ => unreachable!("validate() counts arguments"),
    }
}
