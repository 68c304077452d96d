//! Expressions to instructions: what all operators share.
//!
//! Values lie in words of the state map: those of columns in slots, which the record loop has filled, those of operands
//! that can fail in words of their own, which are computed once for every record. Registers: r1 is the value, r2 to
//! r5 are temporary, r7 is the address of the state map, r8 of the record's index entries.
//!
//! **Conditions are branches.** After normalization no NOT is left, and in such a positive tree NULL may be taken for
//! false: a branch falls through when the condition is true and leaves when it is false or NULL.

use super::{Expr, Literal, Relation, ValueType};
use crate::bpf::asm::Holes;
use crate::contract::index::Entry;
use crate::emit::Register::{R1, R2};
use crate::emit::{Code, Register, Slot, Word, ZERO};

/// A column as the program has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnPlace {
    /// Where its value and its NULL flag lie. Those of a string hold the flag only.
    pub(crate) slot: Slot,
    /// Whether it may be NULL.
    pub(crate) nullable: bool,
    /// Which field of the record it is.
    pub(crate) field: usize,
}

/// The program in the making, as far as expressions are concerned.
pub(crate) struct Lowering {
    pub(crate) code: Code,
    /// First free byte of the state map.
    word_next: usize,
    columns: Vec<ColumnPlace>,
    /// Operands that can fail, evaluated so far for every record, and where their values lie.
    evaluated: Vec<(Expr, Word)>,
}

impl Lowering {
    /// `first_word`: offset in the state map of the first word that is free. `columns`: field and whether it is
    /// nullable, of each column.
    pub(crate) fn new(
        holes: Holes,
        first_word: usize,
        columns: impl Iterator<Item = (usize, bool)>,
    ) -> Lowering {
        let mut lowering = Lowering {
            code: Code::new(holes),
            word_next: first_word,
            columns: Vec::new(),
            evaluated: Vec::new(),
        };
        for (field, nullable) in columns {
            let value = lowering.words(2);
            let slot = Slot { value, null: value.plus(1) };
            lowering.columns.push(ColumnPlace { slot, nullable, field });
        }
        lowering
    }

    /// Reserves words of the state map.
    pub(crate) fn words(&mut self, count: usize) -> Word {
        let word = Word::state(self.word_next);
        self.word_next += 8 * count;
        word
    }

    /// Bytes of the state map in use.
    pub(crate) fn state_bytes(&self) -> usize {
        self.word_next
    }

    /// Where a column lies.
    pub(crate) fn column(&self, column: usize) -> ColumnPlace {
        self.columns[column]
    }

    /// Sets r1 to the window offset of a field's content and r2 to its length. Changes r3.
    pub(crate) fn field_bounds(&mut self, column: usize) {
        let entry = Entry::BYTES * self.columns[column].field;
        self.code.template("field", bpf_templates::FIELD, &[("entry", &entry)]);
    }

    /// Goes to `target` when one of the columns of `expr` is NULL. Changes r1.
    pub(crate) fn branch_if_null(&mut self, expr: &Expr, target: &str) {
        for column in expr.columns() {
            if self.columns[column].nullable {
                self.code.load(R1, self.columns[column].slot.null);
                self.code.jump_if(R1, Relation::NotEqual, 0, target);
            }
        }
    }

    /// Where the value of an expression is that was evaluated already. It is there if none of its columns is NULL, so also where
    /// it is a part of an expression that is not NULL.
    fn evaluated(&self, expr: &Expr) -> Option<Word> {
        self.evaluated.iter().find(|(each, _)| each == expr).map(|(_, value)| *value)
    }

    /// The value of an expression that is not NULL into r1, computed from what was evaluated already. Changes r2 to r5. Where it
    /// must not fail any more, what can fail was evaluated by [`Lowering::evaluate_once`] before.
    pub(crate) fn load(&mut self, expr: &Expr) {
        if let Some(value) = self.evaluated(expr) {
            self.code.load(R1, value);
            return;
        }
        match expr {
            Expr::Column(column) => self.code.load(R1, self.columns[*column].slot.value),
            Expr::Literal(literal) => self.constant(R1, literal),
            Expr::Call(op, arguments) => op.compute(arguments, self),
        }
    }

    /// The values of two expressions that are not NULL into r1 and r2. Changes r3 to r5.
    pub(super) fn load_pair(&mut self, left: &Expr, right: &Expr) {
        self.load(left);
        if let Some(value) = self.evaluated(right) {
            self.code.load(R2, value);
            return;
        }
        match right {
            Expr::Column(column) => self.code.load(R2, self.columns[*column].slot.value),
            Expr::Literal(literal) => self.constant(R2, literal),
            Expr::Call(..) => {
                let spilled = self.words(1);
                self.code.store(spilled, R1);
                self.load(right);
                self.code.set(R2, R1);
                self.code.load(R1, spilled);
            }
        }
    }

    fn constant(&mut self, register: Register, literal: &Literal) {
        match literal.number() {
            Some(number) => self.code.constant(register, number),
            None => unreachable!("no operator computes with NULL constants or strings"),
        }
    }

    /// Evaluates an operand for every record that gets here, if it can fail, and remembers where its value is. Others
    /// are computed where they are used.
    pub(crate) fn evaluate_once(&mut self, expr: &Expr) {
        if expr.can_fail() && !self.evaluated.iter().any(|(each, _)| each == expr) {
            let value = self.evaluate(expr);
            self.evaluated.push((expr.clone(), value));
        }
    }

    /// Computes an expression into a new word, unless it is NULL.
    pub(crate) fn evaluate(&mut self, expr: &Expr) -> Word {
        let value = self.words(1);
        let absent = self.code.label("absent");
        self.branch_if_null(expr, &absent);
        self.load(expr);
        self.code.store(value, R1);
        self.code.join(&absent);
        value
    }

    /// Evaluates the operands of a condition that can fail, whatever the outcome of the rest of it.
    pub(crate) fn evaluate_operands(&mut self, condition: &Expr) {
        match condition {
            Expr::Call(op, arguments) if op.signature().gives == ValueType::Bool => {
                arguments.iter().for_each(|argument| self.evaluate_operands(argument));
            }
            operand => self.evaluate_once(operand),
        }
    }

    /// Falls through when the condition is true, else goes to `otherwise`.
    pub(crate) fn branch(&mut self, condition: &Expr, otherwise: &str) {
        match condition {
            Expr::Literal(Literal::Bool(Some(true))) => {}
            Expr::Literal(_) => {
                // The verifier refuses code that it can see is never reached, so the jump is conditional on a word
                // that it cannot see is zero.
                self.code.load(R1, ZERO);
                self.code.jump_if(R1, Relation::Equal, 0, otherwise);
            }
            Expr::Column(_) => unreachable!("normalize() compares a column with true"),
            Expr::Call(op, arguments) => op.branch(arguments, self, otherwise),
        }
    }

    /// `if register relation value goto target`. Changes r2.
    pub(super) fn jump_if_constant(
        &mut self,
        register: Register,
        relation: Relation,
        value: i64,
        target: &str,
    ) {
        match i32::try_from(value) {
            Ok(value) => self.code.jump_if(register, relation, value, target),
            Err(_) => {
                self.code.constant(R2, value);
                self.code.jump_if(register, relation, R2, target);
            }
        }
    }
}
