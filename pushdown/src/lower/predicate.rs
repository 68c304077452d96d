//! Predicates to branches. After normalization no NOT is left, and in such a positive tree NULL may be taken for false:
//! a branch falls through when the predicate is true and leaves when it is false or NULL.

use super::{CompileError, Fold};
use crate::fragment::{Comparison, Expr, Predicate};

impl Fold<'_> {
    /// Evaluates the checked expressions of a predicate, whatever the outcome of the rest of it.
    pub(super) fn evaluate_checked(&mut self, predicate: &Predicate) -> Result<(), CompileError> {
        match predicate {
            Predicate::Compare { left, right, .. } => {
                self.evaluate_once(left)?;
                self.evaluate_once(right)
            }
            Predicate::In { expr, .. } => self.evaluate_once(expr),
            Predicate::And(all) | Predicate::Or(all) => {
                all.iter().try_for_each(|each| self.evaluate_checked(each))
            }
            Predicate::Not(inner) => self.evaluate_checked(inner),
            Predicate::Literal(_) | Predicate::StringIn { .. } | Predicate::IsNull { .. } => Ok(()),
        }
    }

    /// Falls through when the predicate is true, else goes to `otherwise`.
    pub(super) fn branch(&mut self, predicate: &Predicate, otherwise: &str) -> Result<(), CompileError> {
        match predicate {
            Predicate::Literal(Some(true)) => {}
            Predicate::Literal(_) => {
                // The verifier refuses code that it can see is never reached, so the jump is conditional on a word
                // that it cannot see is zero.
                self.code.line(format!("r1 = *(u64 *)(r7 + {})", super::ZERO));
                self.code.line(format!("if r1 == 0 goto {otherwise}"));
            }
            Predicate::Compare { op, left, right } => self.compare(*op, left, right, otherwise)?,
            Predicate::In { expr, values, negated } => self.is_in(expr, values, *negated, otherwise)?,
            Predicate::StringIn { column, values, negated } => {
                self.string_is_in(*column, values, *negated, otherwise)?;
            }
            Predicate::IsNull { column, negated } => {
                self.code.line(format!("r1 = *(u64 *)(r7 + {})", self.columns[*column] + 8));
                let relation = if *negated { "!=" } else { "==" };
                self.code.line(format!("if r1 {relation} 0 goto {otherwise}"));
            }
            Predicate::And(all) => {
                for each in all {
                    self.branch(each, otherwise)?;
                }
            }
            Predicate::Or(any) => self.any(any, otherwise)?,
            Predicate::Not(_) => unreachable!("normalize() leaves no NOT"),
        }
        Ok(())
    }

    fn any(&mut self, any: &[Predicate], otherwise: &str) -> Result<(), CompileError> {
        let Some((last, others)) = any.split_last() else {
            return self.branch(&Predicate::Literal(Some(false)), otherwise);
        };
        let holds = self.code.label("or");
        for each in others {
            let next = self.code.label("or_next");
            self.branch(each, &next)?;
            self.code.line(format!("goto {holds}"));
            self.code.line(format!("{next}:"));
            self.code.line("forget");
        }
        self.branch(last, otherwise)?;
        self.code.line(format!("{holds}:"));
        self.code.line("forget");
        Ok(())
    }

    fn compare(
        &mut self,
        op: Comparison,
        left: &Expr,
        right: &Expr,
        otherwise: &str,
    ) -> Result<(), CompileError> {
        // The jump is taken when the comparison does not hold.
        let opposite = match op {
            Comparison::Eq => "!=",
            Comparison::NotEq => "==",
            Comparison::Lt => "s>=",
            Comparison::LtEq => "s>",
            Comparison::Gt => "s<=",
            Comparison::GtEq => "s<",
        };
        self.branch_if_null(left, otherwise);
        self.branch_if_null(right, otherwise);
        if let Expr::Literal(value) = right {
            self.load(left)?;
            return self.jump(opposite, *value, otherwise);
        }
        self.load(left)?;
        let spilled = self.slots(1);
        self.code.line(format!("*(u64 *)(r7 + {spilled}) = r1"));
        self.load(right)?;
        self.code.line(format!("r2 = *(u64 *)(r7 + {spilled})"));
        self.code.line(format!("if r2 {opposite} r1 goto {otherwise}"));
        Ok(())
    }

    /// `if r1 relation value goto target`. Changes r2.
    fn jump(&mut self, relation: &str, value: i64, target: &str) -> Result<(), CompileError> {
        match i32::try_from(value) {
            Ok(value) => self.code.line(format!("if r1 {relation} {value} goto {target}")),
            Err(_) => {
                self.code.constant("r2", value);
                self.code.line(format!("if r1 {relation} r2 goto {target}"));
            }
        }
        Ok(())
    }

    fn is_in(
        &mut self,
        expr: &Expr,
        values: &[i64],
        negated: bool,
        otherwise: &str,
    ) -> Result<(), CompileError> {
        self.branch_if_null(expr, otherwise);
        self.load(expr)?;
        let found = self.code.label("in");
        for &value in values {
            self.jump("==", value, if negated { otherwise } else { &found })?;
        }
        if !negated {
            self.code.line(format!("goto {otherwise}"));
        }
        self.code.line(format!("{found}:"));
        self.code.line("forget");
        Ok(())
    }

    /// Compares lengths, then eight bytes at a time; the last word is shifted so that only the field's bytes count.
    fn string_is_in(
        &mut self,
        column: usize,
        values: &[Vec<u8>],
        negated: bool,
        otherwise: &str,
    ) -> Result<(), CompileError> {
        self.field_bounds(column)?;
        self.code.line(format!("if r2 == 0 goto {otherwise}"));
        let found = self.code.label("in");
        for value in values.iter().filter(|value| !value.is_empty()) {
            let next = self.code.label("in_next");
            self.code.line(format!("if r2 != {} goto {next}", value.len()));
            for (turn, bytes) in value.chunks(8).enumerate() {
                let mut word = [0; 8];
                word[8 - bytes.len()..].copy_from_slice(bytes);
                self.code.line("r3 = r1");
                self.code.line(format!("r3 += {}", 8 * turn));
                self.code.line("r4 = window(r3, 8)");
                self.code.line("r4 = *(u64 *)(r4 + 0)");
                if bytes.len() < 8 {
                    self.code.line(format!("r4 <<= {}", 64 - 8 * bytes.len()));
                }
                self.code.line(format!("r5 = {} ll", u64::from_le_bytes(word)));
                self.code.line(format!("if r4 != r5 goto {next}"));
            }
            self.code.line(format!("goto {}", if negated { otherwise } else { &found }));
            self.code.line(format!("{next}:"));
        }
        if !negated {
            self.code.line(format!("goto {otherwise}"));
        }
        self.code.line(format!("{found}:"));
        self.code.line("forget");
        Ok(())
    }
}
