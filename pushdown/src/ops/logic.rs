//! AND, OR and NOT under SQL's three-valued logic.

use super::{
    Expr, Family, Literal, Lowering, Notation, NullRule, Parameter, Parameters, Signature, ValueType,
};

/// An operator of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Logic {
    /// `and(a, ...)`: true when all are, false when one is, else NULL.
    And,
    /// `or(a, ...)`: true when one is, false when all are, else NULL.
    Or,
    /// `not(a)`: swaps true and false, keeps NULL.
    Not,
}

const CONDITION: Parameter = Parameter::Value(ValueType::Bool);

impl Family for Logic {
    const ALL: &'static [Logic] = &[Logic::And, Logic::Or, Logic::Not];

    fn signature(self) -> Signature {
        let (name, takes): (_, &[Parameters]) = match self {
            Logic::And => ("and", const { &[Parameters::any_number_of(CONDITION)] }),
            Logic::Or => ("or", const { &[Parameters::any_number_of(CONDITION)] }),
            Logic::Not => ("not", const { &[Parameters::exactly(&[CONDITION])] }),
        };
        Signature {
            name,
            notation: Notation::Function,
            takes,
            gives: ValueType::Bool,
            nulls: NullRule::Own,
            can_fail: false,
        }
    }

    /// At least two parts, none of its parent's kind; a literal only last, among parts that may fail.
    fn simplify(self, arguments: Vec<Expr>, _: &[bool]) -> Expr {
        match self {
            Logic::And => junction(self, true, arguments),
            Logic::Or => junction(self, false, arguments),
            Logic::Not => unreachable!("normalize() pushes NOT to the leaves"),
        }
    }

    /// By De Morgan's laws, if the arguments are negated, too.
    fn negated(self) -> Logic {
        match self {
            Logic::And => Logic::Or,
            Logic::Or => Logic::And,
            Logic::Not => unreachable!("normalize() pushes NOT to the leaves"),
        }
    }

    fn branch(self, arguments: &[Expr], lowering: &mut Lowering, otherwise: &str) {
        match (self, arguments.split_last()) {
            (Logic::And, _) => arguments.iter().for_each(|each| lowering.branch(each, otherwise)),
            (Logic::Or, Some((last, others))) => any(others, last, lowering, otherwise),
            (Logic::Or, None) => lowering.branch(&Expr::FALSE, otherwise),
            (Logic::Not, _) => unreachable!("normalize() leaves no NOT"),
        }
    }
}

/// `And` or `Or` of parts in normal form. `neutral` is what changes nothing: true of And, false of Or.
fn junction(op: Logic, neutral: bool, parts: Vec<Expr>) -> Expr {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Expr::Call(inner, parts) if inner == op.into() => flat.extend(parts),
            Expr::Literal(Literal::Bool(Some(value))) if value == neutral => {}
            part => flat.push(part),
        }
    }
    let decides = Expr::Literal(Literal::Bool(Some(!neutral)));
    if flat.contains(&decides) {
        flat.retain(Expr::can_fail);
        // Last, so that the code of no part stands behind a decision that is always taken: the verifier refuses
        // code that cannot be reached.
        flat.push(decides);
    }
    match flat.len() {
        0 => Literal::Bool(Some(neutral)).into(),
        1 => flat.swap_remove(0),
        _ => Expr::call(op, flat),
    }
}

fn any(others: &[Expr], last: &Expr, lowering: &mut Lowering, otherwise: &str) {
    let holds = lowering.code.label("or");
    for each in others {
        let next = lowering.code.label("or_next");
        lowering.branch(each, &next);
        lowering.code.jump(&holds);
        lowering.code.join(&next);
    }
    lowering.branch(last, otherwise);
    lowering.code.join(&holds);
}
