//! Field bytes to column values, and expressions over them.

use super::{Fold, NUMBER_REFUSED, is_string};
use crate::emit::Register::{R0, R1, R2, R3, R4, R5};
use crate::emit::{EXCEPTION, Relation, Word};
use crate::fragment::{
    Aggregate, AggregateFunction, Arithmetic, ColumnType, Expr, Output, Overflow, Predicate,
};

impl Fold<'_> {
    /// Sets r1 to the window offset of a field's content and r2 to its length. Changes r3.
    pub(super) fn field_bounds(&mut self, column: usize) {
        let entry = 4 * self.fragment.columns[column].field;
        self.code.template("field", bpf_templates::FIELD, &[("entry", &entry)]);
    }

    /// Value and NULL flag of a column into its slots; the record is an exception record if its text is not in the
    /// grammar of the type.
    pub(super) fn column(&mut self, index: usize) {
        let column = &self.fragment.columns[index];
        let slot = self.columns[index];
        if column.ty == ColumnType::String && column.nullable && !self.is_used(index) {
            return;
        }
        self.code.comment(&format!("column {} {}", index, column.name));
        let done = self.code.label("column");
        let absent = self.code.label("null");
        self.field_bounds(index);
        self.code.jump_if(R2, Relation::Equal, 0, &absent);
        if column.ty != ColumnType::String {
            self.parse(column.ty);
            self.code.store(slot.value, R3);
        }
        self.code.store(slot.null, 0);
        self.code.jump(&done);
        self.code.place(&absent);
        if column.nullable {
            self.code.store(slot.value, 0);
            self.code.store(slot.null, 1);
        } else {
            self.code.jump(EXCEPTION);
        }
        self.code.join(&done);
    }

    /// Content at r1 of length r2 to the value r3.
    fn parse(&mut self, ty: ColumnType) {
        match ty {
            ColumnType::Int { bits, signed } => {
                self.parse_integer(signed, 16, 18, false);
                if bits < 64 {
                    let (least, greatest) = if signed {
                        (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
                    } else {
                        (0, (1i64 << bits) - 1)
                    };
                    self.code.require_range(R3, least, greatest);
                }
            }
            ColumnType::Float { scale } => self.parse_scaled(scale, 15, true),
            ColumnType::Decimal { precision, scale } => {
                self.parse_scaled(scale, 18, false);
                if precision < 18 {
                    let limit = 10i64.pow(u32::from(precision)) - 1;
                    self.code.require_range(R3, -limit, limit);
                }
            }
            ColumnType::Date => self.code.template("date", bpf_templates::DATE, &[]),
            ColumnType::Boolean => self.code.template("boolean", bpf_templates::BOOLEAN, &[]),
            ColumnType::String => {}
        }
    }

    fn parse_integer(&mut self, signed: bool, fast_digits: i32, digits_max: i32, refuse_negative_zero: bool) {
        self.calls_number = true;
        self.code.template(
            "integer",
            &bpf_templates::integer(),
            &[
                ("signed", &u8::from(signed)),
                ("fast_digits", &fast_digits),
                ("digits_max", &digits_max),
                ("refuse_negative_zero", &u8::from(refuse_negative_zero)),
            ],
        );
    }

    fn parse_scaled(&mut self, scale: u8, digits_max: i32, refuse_negative_zero: bool) {
        let refuse = u8::from(refuse_negative_zero);
        if scale == 0 {
            return self.parse_integer(true, digits_max.min(16), digits_max, refuse_negative_zero);
        }
        self.calls_number = true;
        if scale > 6 {
            // The eight characters at the end would not hold the point and a digit before it.
            self.code.set(R3, i32::from(scale));
            self.code.set(R4, digits_max + 256 * i32::from(refuse));
            self.code.line("call @number");
            self.code.load(R1, NUMBER_REFUSED);
            self.code.jump_if(R1, Relation::NotEqual, 0, EXCEPTION);
            self.code.set(R3, R0);
            return;
        }
        // The last `scale` characters are the highest bytes of the word that ends with the field.
        let fraction_mask = u64::MAX << (8 * (8 - scale));
        self.code.template(
            "fixed_point",
            &bpf_templates::fixed_point(),
            &[
                ("scale", &scale),
                ("length_min", &(scale + 2)),
                ("point_shift", &(8 * (7 - scale))),
                ("fraction_mask", &fraction_mask),
                ("digits_max", &digits_max),
                ("refuse_negative_zero", &refuse),
            ],
        );
    }

    /// Goes to `target` when one of the columns of `expr` is NULL. Changes r1.
    pub(super) fn branch_if_null(&mut self, expr: &Expr, target: &str) {
        self.branch_if_any_null(&expr.columns(), target);
    }

    /// Goes to `target` when one of the columns is NULL. Changes r1.
    pub(super) fn branch_if_any_null(&mut self, columns: &[usize], target: &str) {
        for &column in columns {
            if self.fragment.columns[column].nullable {
                self.code.load(R1, self.columns[column].null);
                self.code.jump_if(R1, Relation::NotEqual, 0, target);
            }
        }
    }

    /// The value of an expression that is not NULL into r1. Changes r2 to r5. A checked expression must have been
    /// evaluated by [`Fold::evaluate_once`] before.
    pub(super) fn load(&mut self, expr: &Expr) {
        match self.evaluated.iter().find(|(each, _)| each == expr) {
            Some((_, value)) => self.code.load(R1, *value),
            None => self.compute(expr),
        }
    }

    /// Computes an expression into r1. An overflow of a checked operation makes the record an exception record.
    pub(super) fn compute(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(column) => self.code.load(R1, self.columns[*column].value),
            Expr::Literal(value) => self.code.constant(R1, *value),
            Expr::Bound { argument, magnitude_max } => {
                self.compute(argument);
                self.code.require_range(R1, -magnitude_max, *magnitude_max);
            }
            Expr::Binary { op, overflow, left, right } => {
                self.compute(left);
                match right.as_ref() {
                    Expr::Column(column) => self.code.load(R2, self.columns[*column].value),
                    Expr::Literal(value) => self.code.constant(R2, *value),
                    right => {
                        let spilled = self.words(1);
                        self.code.store(spilled, R1);
                        self.compute(right);
                        self.code.set(R2, R1);
                        self.code.load(R1, spilled);
                    }
                }
                self.arithmetic(*op, *overflow);
            }
        }
    }

    /// r1 = r1 op r2.
    fn arithmetic(&mut self, op: Arithmetic, overflow: Overflow) {
        match (overflow, op) {
            (Overflow::Wrap, _) => self.apply(op),
            (Overflow::Exception, Arithmetic::Mul) => {
                self.code.template("multiply", bpf_templates::MULTIPLY, &[]);
            }
            (Overflow::Exception, Arithmetic::Add | Arithmetic::Sub) => {
                // Overflow: the operands agree in sign (a sum), or differ (a difference), and the result's sign is not
                // that of the left operand.
                self.code.set(R3, R1);
                self.apply(op);
                self.code.set(R4, R3);
                self.code.xor(R4, R1);
                self.code.set(R5, R3);
                self.code.xor(R5, R2);
                if op == Arithmetic::Add {
                    self.code.xor(R5, -1);
                }
                self.code.and(R4, R5);
                self.code.jump_if(R4, Relation::Less, 0, EXCEPTION);
                self.code.constant(R4, i64::MIN);
                self.code.jump_if(R1, Relation::Equal, R4, EXCEPTION);
            }
        }
    }

    /// r1 = r1 op r2, modulo 2^64.
    fn apply(&mut self, op: Arithmetic) {
        match op {
            Arithmetic::Add => self.code.add(R1, R2),
            Arithmetic::Sub => self.code.subtract(R1, R2),
            Arithmetic::Mul => self.code.multiply(R1, R2),
        }
    }

    /// Evaluates a checked expression for every record that gets here, and remembers where its value is. Others are
    /// computed where they are used.
    pub(super) fn evaluate_once(&mut self, expr: &Expr) {
        if expr.is_checked() && !self.evaluated.iter().any(|(each, _)| each == expr) {
            let value = self.evaluate(expr);
            self.evaluated.push((expr.clone(), value));
        }
    }

    /// Computes an expression into a new word, unless it is NULL.
    pub(super) fn evaluate(&mut self, expr: &Expr) -> Word {
        let value = self.words(1);
        let absent = self.code.label("absent");
        self.branch_if_null(expr, &absent);
        self.compute(expr);
        self.code.store(value, R1);
        self.code.join(&absent);
        value
    }

    /// Whether anything beyond its being valid is wanted of a column.
    fn is_used(&self, column: usize) -> bool {
        debug_assert!(is_string(self.fragment, column));
        let in_predicate = |predicate: &Option<Predicate>| {
            predicate.as_ref().is_some_and(|predicate| predicate.columns().contains(&column))
        };
        let in_aggregate = |aggregate: &Aggregate| {
            let counted = matches!(&aggregate.function,
                AggregateFunction::Count { non_null } if non_null.contains(&column));
            counted || in_predicate(&aggregate.filter)
        };
        in_predicate(&self.fragment.filter)
            || match &self.fragment.output {
                Output::Records => false,
                Output::Aggregates { keys, aggregates } => {
                    keys.iter().any(|key| key.column == column) || aggregates.iter().any(in_aggregate)
                }
            }
    }
}
