//! Equality of strings: a string column in a list of constants, so also `=` and `<>`. NULL when the column is NULL.

use super::{
    Expr, Family, Literal, Lowering, Notation, NullRule, NullTest, Parameter, Parameters, Relation,
    Signature, ValueType,
};
use crate::emit::Register::{R1, R2, R3, R4, R5};

/// An operator of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StringSet {
    /// `s in ("b", ...)`
    In,
    /// `s not in ("b", ...)`
    NotIn,
}

impl Family for StringSet {
    const ALL: &'static [StringSet] = &[StringSet::In, StringSet::NotIn];

    fn signature(self) -> Signature {
        use Parameter::{Column, Constant};
        use ValueType::Bytes;
        Signature {
            name: match self {
                StringSet::In => "in",
                StringSet::NotIn => "not in",
            },
            notation: Notation::List,
            takes: const { &[Parameters::repeating(&[Column(Bytes), Constant(Bytes)])] },
            gives: ValueType::Bool,
            nulls: NullRule::Strict,
            can_fail: false,
        }
    }

    /// The list is sorted, without duplicates and without the empty string, and not empty.
    fn simplify(self, mut arguments: Vec<Expr>, nullable: &[bool]) -> Expr {
        // An empty field is NULL, so no string is empty.
        arguments.retain(|argument| bytes(argument).is_none_or(|value| !value.is_empty()));
        arguments[1..].sort_unstable_by(|left, right| bytes(left).cmp(&bytes(right)));
        arguments.dedup();
        match (arguments.len(), self) {
            (1, StringSet::In) => Expr::FALSE,
            (1, StringSet::NotIn) => NullTest::IsNotNull.simplify(arguments, nullable),
            _ => Expr::call(self, arguments),
        }
    }

    fn negated(self) -> StringSet {
        match self {
            StringSet::In => StringSet::NotIn,
            StringSet::NotIn => StringSet::In,
        }
    }

    fn branch(self, arguments: &[Expr], lowering: &mut Lowering, otherwise: &str) {
        let [Expr::Column(column), values @ ..] = arguments else {
            unreachable!("validate() wants a column")
        };
        lowering.field_bounds(*column);
        lowering.code.jump_if(R2, Relation::Equal, 0, otherwise);
        let found = lowering.code.label("in");
        for value in values.iter().filter_map(bytes) {
            let next = lowering.code.label("in_next");
            jump_unless_equal(value, lowering, &next);
            lowering.code.jump(if self == StringSet::In { &found } else { otherwise });
            lowering.code.place(&next);
        }
        if self == StringSet::In {
            lowering.code.jump(otherwise);
        }
        lowering.code.join(&found);
    }
}

/// Compares the string at r1 of length r2 with a constant: the lengths, then eight bytes at a time; the last word is
/// shifted so that only the string's bytes count. Changes r3 to r5.
fn jump_unless_equal(value: &[u8], lowering: &mut Lowering, target: &str) {
    let code = &mut lowering.code;
    code.jump_if(R2, Relation::NotEqual, value.len(), target);
    for (turn, bytes) in value.chunks(8).enumerate() {
        let mut word = [0; 8];
        word[8 - bytes.len()..].copy_from_slice(bytes);
        code.set(R3, R1);
        code.add(R3, 8 * turn);
        code.load_chunk(R4, R3, R4);
        if bytes.len() < 8 {
            code.shift_left(R4, 64 - 8 * bytes.len());
        }
        code.constant_word(R5, u64::from_le_bytes(word));
        code.jump_if(R4, Relation::NotEqual, R5, target);
    }
}

fn bytes(expr: &Expr) -> Option<&[u8]> {
    match expr {
        Expr::Literal(Literal::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}
