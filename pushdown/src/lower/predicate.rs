//! Predicates to branches. After normalization no NOT is left, and in such a positive tree NULL may be taken for false:
//! a branch falls through when the predicate is true and leaves when it is false or NULL.

use super::{Fold, ZERO};
use crate::emit::Register::{self, R1, R2, R3, R4, R5};
use crate::emit::Relation;
use crate::fragment::{Comparison, Expr, Predicate};

impl Fold<'_> {
    /// Evaluates the checked expressions of a predicate, whatever the outcome of the rest of it.
    pub(super) fn evaluate_checked(&mut self, predicate: &Predicate) {
        match predicate {
            Predicate::Compare { left, right, .. } => {
                self.evaluate_once(left);
                self.evaluate_once(right);
            }
            Predicate::In { expr, .. } => self.evaluate_once(expr),
            Predicate::And(all) | Predicate::Or(all) => {
                all.iter().for_each(|each| self.evaluate_checked(each));
            }
            Predicate::Not(inner) => self.evaluate_checked(inner),
            Predicate::Literal(_) | Predicate::StringIn { .. } | Predicate::IsNull { .. } => {}
        }
    }

    /// Falls through when the predicate is true, else goes to `otherwise`.
    pub(super) fn branch(&mut self, predicate: &Predicate, otherwise: &str) {
        match predicate {
            Predicate::Literal(Some(true)) => {}
            Predicate::Literal(_) => {
                // The verifier refuses code that it can see is never reached, so the jump is conditional on a word
                // that it cannot see is zero.
                self.code.load(R1, ZERO);
                self.code.jump_if(R1, Relation::Equal, 0, otherwise);
            }
            Predicate::Compare { op, left, right } => self.compare(*op, left, right, otherwise),
            Predicate::In { expr, values, negated } => self.is_in(expr, values, *negated, otherwise),
            Predicate::StringIn { column, values, negated } => {
                self.string_is_in(*column, values, *negated, otherwise);
            }
            Predicate::IsNull { column, negated } => {
                self.code.load(R1, self.columns[*column].null);
                let leaves = if *negated { Relation::NotEqual } else { Relation::Equal };
                self.code.jump_if(R1, leaves, 0, otherwise);
            }
            Predicate::And(all) => {
                for each in all {
                    self.branch(each, otherwise);
                }
            }
            Predicate::Or(any) => self.any(any, otherwise),
            Predicate::Not(_) => unreachable!("normalize() leaves no NOT"),
        }
    }

    fn any(&mut self, any: &[Predicate], otherwise: &str) {
        let Some((last, others)) = any.split_last() else {
            return self.branch(&Predicate::Literal(Some(false)), otherwise);
        };
        let holds = self.code.label("or");
        for each in others {
            let next = self.code.label("or_next");
            self.branch(each, &next);
            self.code.jump(&holds);
            self.code.join(&next);
        }
        self.branch(last, otherwise);
        self.code.join(&holds);
    }

    fn compare(&mut self, op: Comparison, left: &Expr, right: &Expr, otherwise: &str) {
        // The jump is taken when the comparison does not hold.
        let opposite = match op {
            Comparison::Eq => Relation::NotEqual,
            Comparison::NotEq => Relation::Equal,
            Comparison::Lt => Relation::GreaterOrEqual,
            Comparison::LtEq => Relation::Greater,
            Comparison::Gt => Relation::LessOrEqual,
            Comparison::GtEq => Relation::Less,
        };
        self.branch_if_null(left, otherwise);
        self.branch_if_null(right, otherwise);
        self.load(left);
        if let Expr::Literal(value) = right {
            return self.jump_if_constant(R1, opposite, *value, otherwise);
        }
        let spilled = self.words(1);
        self.code.store(spilled, R1);
        self.load(right);
        self.code.load(R2, spilled);
        self.code.jump_if(R2, opposite, R1, otherwise);
    }

    /// `if register relation value goto target`. Changes r2.
    fn jump_if_constant(&mut self, register: Register, relation: Relation, value: i64, target: &str) {
        match i32::try_from(value) {
            Ok(value) => self.code.jump_if(register, relation, value, target),
            Err(_) => {
                self.code.constant(R2, value);
                self.code.jump_if(register, relation, R2, target);
            }
        }
    }

    fn is_in(&mut self, expr: &Expr, values: &[i64], negated: bool, otherwise: &str) {
        self.branch_if_null(expr, otherwise);
        self.load(expr);
        let found = self.code.label("in");
        for &value in values {
            self.jump_if_constant(R1, Relation::Equal, value, if negated { otherwise } else { &found });
        }
        if !negated {
            self.code.jump(otherwise);
        }
        self.code.join(&found);
    }

    /// Compares lengths, then eight bytes at a time; the last word is shifted so that only the field's bytes count.
    fn string_is_in(&mut self, column: usize, values: &[Vec<u8>], negated: bool, otherwise: &str) {
        self.field_bounds(column);
        self.code.jump_if(R2, Relation::Equal, 0, otherwise);
        let found = self.code.label("in");
        for value in values.iter().filter(|value| !value.is_empty()) {
            let next = self.code.label("in_next");
            self.code.jump_if(R2, Relation::NotEqual, value.len(), &next);
            for (turn, bytes) in value.chunks(8).enumerate() {
                let mut word = [0; 8];
                word[8 - bytes.len()..].copy_from_slice(bytes);
                self.code.set(R3, R1);
                self.code.add(R3, 8 * turn);
                self.code.load_chunk(R4, R3, R4);
                if bytes.len() < 8 {
                    self.code.shift_left(R4, 64 - 8 * bytes.len());
                }
                self.code.constant_word(R5, u64::from_le_bytes(word));
                self.code.jump_if(R4, Relation::NotEqual, R5, &next);
            }
            self.code.jump(if negated { otherwise } else { &found });
            self.code.place(&next);
        }
        if !negated {
            self.code.jump(otherwise);
        }
        self.code.join(&found);
    }
}
