//! Arithmetic of 64-bit integers. NULL when an argument is; what happens beyond 64 bits is part of the operator.

use super::{
    EXCEPTION, Expr, Family, Lowering, Notation, NullRule, Parameter, Parameters, Relation, Signature,
    ValueType,
};
use crate::emit::Register::{R1, R2, R3, R4, R5};

/// What happens when a result does not fit into 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// It wraps, as DataFusion's integers do.
    Wrap,
    /// The record becomes an exception record. A result of `i64::MIN` counts as an overflow, too, because that makes
    /// the check shorter.
    Exception,
}

/// An operator of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `a + b`, or `a +! b`
    Add(Overflow),
    /// `a - b`, or `a -! b`
    Sub(Overflow),
    /// `a * b`, or `a *! b`
    Mul(Overflow),
    /// `abs(a)`: `i64::MIN` makes the record an exception record.
    Abs,
}

use Arithmetic::{Abs, Add, Mul, Sub};
use Overflow::{Exception, Wrap};

const I64: Parameter = Parameter::Value(ValueType::I64);

impl Family for Arithmetic {
    const ALL: &'static [Arithmetic] =
        &[Add(Wrap), Add(Exception), Sub(Wrap), Sub(Exception), Mul(Wrap), Mul(Exception), Abs];

    fn signature(self) -> Signature {
        let (name, can_fail) = match self {
            Add(Wrap) => ("+", false),
            Add(Exception) => ("+!", true),
            Sub(Wrap) => ("-", false),
            Sub(Exception) => ("-!", true),
            Mul(Wrap) => ("*", false),
            Mul(Exception) => ("*!", true),
            Abs => ("abs", true),
        };
        let (notation, takes): (_, &[Parameters]) = match self {
            Abs => (Notation::Function, const { &[Parameters::exactly(&[I64])] }),
            _ => (Notation::Term, const { &[Parameters::exactly(&[I64, I64])] }),
        };
        Signature { name, notation, takes, gives: ValueType::I64, nulls: NullRule::Strict, can_fail }
    }

    fn simplify(self, arguments: Vec<Expr>, _: &[bool]) -> Expr {
        let constants: Option<Vec<i64>> = arguments.iter().map(Expr::as_integer).collect();
        match constants.and_then(|constants| self.fold(&constants)) {
            Some(value) => Expr::integer(value),
            None => Expr::call(self, arguments),
        }
    }

    fn compute(self, arguments: &[Expr], lowering: &mut Lowering) {
        match arguments {
            [argument] => lowering.load(argument),
            [left, right] => lowering.load_pair(left, right),
            _ => unreachable!("validate() counts arguments"),
        }
        match self {
            Add(Wrap) | Sub(Wrap) | Mul(Wrap) => self.apply(lowering),
            Mul(Exception) => lowering.code.template("multiply", bpf_templates::MULTIPLY, &[]),
            Add(Exception) | Sub(Exception) => self.apply_checked(lowering),
            Abs => absolute(lowering),
        }
    }
}

impl Arithmetic {
    /// None when the result is an exception, which stays to be found out for each record.
    fn fold(self, arguments: &[i64]) -> Option<i64> {
        let checked = |result: Option<i64>| result.filter(|&result| result != i64::MIN);
        match (self, arguments) {
            (Add(Wrap), &[left, right]) => Some(left.wrapping_add(right)),
            (Sub(Wrap), &[left, right]) => Some(left.wrapping_sub(right)),
            (Mul(Wrap), &[left, right]) => Some(left.wrapping_mul(right)),
            (Add(Exception), &[left, right]) => checked(left.checked_add(right)),
            (Sub(Exception), &[left, right]) => checked(left.checked_sub(right)),
            (Mul(Exception), &[left, right]) => checked(left.checked_mul(right)),
            (Abs, &[value]) => value.checked_abs(),
            _ => None,
        }
    }

    /// r1 = r1 op r2, modulo 2^64.
    fn apply(self, lowering: &mut Lowering) {
        match self {
            Add(_) => lowering.code.add(R1, R2),
            Sub(_) => lowering.code.subtract(R1, R2),
            Mul(_) => lowering.code.multiply(R1, R2),
            Abs => unreachable!("abs has one operand"),
        }
    }

    /// r1 = r1 op r2 for a sum or a difference. It overflows if the operands agree in sign (a sum), or differ (a
    /// difference), and the result's sign is not that of the left operand.
    fn apply_checked(self, lowering: &mut Lowering) {
        lowering.code.set(R3, R1);
        self.apply(lowering);
        let code = &mut lowering.code;
        code.set(R4, R3);
        code.xor(R4, R1);
        code.set(R5, R3);
        code.xor(R5, R2);
        if matches!(self, Add(_)) {
            code.xor(R5, -1);
        }
        code.and(R4, R5);
        code.jump_if(R4, Relation::Less, 0, EXCEPTION);
        code.constant(R4, i64::MIN);
        code.jump_if(R1, Relation::Equal, R4, EXCEPTION);
    }
}

/// r1 = |r1|, without a branch: r2 is -1 for a negative number, else 0, and -x is !x + 1. `i64::MIN` stays negative.
fn absolute(lowering: &mut Lowering) {
    let code = &mut lowering.code;
    code.set(R2, R1);
    code.shift_right_signed(R2, 63);
    code.xor(R1, R2);
    code.subtract(R1, R2);
    code.jump_if(R1, Relation::Less, 0, EXCEPTION);
}
