//! Field bytes to column values, and expressions over them.

use super::{CompileError, Fold, NUMBER_REFUSED, is_string};
use crate::fragment::{
    Aggregate, AggregateFunction, Arithmetic, ColumnType, Expr, Output, Overflow, Predicate,
};

impl Fold<'_> {
    /// Sets r1 to the window offset of a field's content and r2 to its length. Changes r3.
    pub(super) fn field_bounds(&mut self, column: usize) -> Result<(), CompileError> {
        let entry = 4 * self.fragment.columns[column].field;
        self.code.template("field", bpf_templates::FIELD, &[("entry", &entry)])
    }

    /// Value and NULL flag of a column into its slots; the record is an exception record if its text is not in the
    /// grammar of the type.
    pub(super) fn column(&mut self, index: usize) -> Result<(), CompileError> {
        let column = &self.fragment.columns[index];
        let (value, null) = (self.columns[index], self.columns[index] + 8);
        if column.ty == ColumnType::String && column.nullable && !self.is_used(index) {
            return Ok(());
        }
        self.code.comment(&format!("column {} {}", index, column.name));
        let done = self.code.label("column");
        let absent = self.code.label("null");
        self.field_bounds(index)?;
        self.code.line(format!("if r2 == 0 goto {absent}"));
        if column.ty != ColumnType::String {
            self.parse(column.ty)?;
            self.code.line(format!("*(u64 *)(r7 + {value}) = r3"));
        }
        self.code.line(format!("*(u64 *)(r7 + {null}) = 0"));
        self.code.line(format!("goto {done}"));
        self.code.line(format!("{absent}:"));
        if column.nullable {
            self.code.line(format!("*(u64 *)(r7 + {value}) = 0"));
            self.code.line(format!("*(u64 *)(r7 + {null}) = 1"));
        } else {
            self.code.line("goto @exception");
        }
        self.code.line(format!("{done}:"));
        self.code.line("forget");
        Ok(())
    }

    /// Content at r1 of length r2 to the value r3.
    fn parse(&mut self, ty: ColumnType) -> Result<(), CompileError> {
        match ty {
            ColumnType::Int { bits, signed } => {
                self.parse_integer(signed, 16, 18, false)?;
                if bits < 64 {
                    let (least, greatest) = if signed {
                        (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
                    } else {
                        (0, (1i64 << bits) - 1)
                    };
                    self.require_range("r3", least, greatest);
                }
            }
            ColumnType::Float { scale } => self.parse_scaled(scale, 15, true)?,
            ColumnType::Decimal { precision, scale } => {
                self.parse_scaled(scale, 18, false)?;
                if precision < 18 {
                    let limit = 10i64.pow(u32::from(precision)) - 1;
                    self.require_range("r3", -limit, limit);
                }
            }
            ColumnType::Date => self.code.template("date", bpf_templates::DATE, &[])?,
            ColumnType::Boolean => self.code.template("boolean", bpf_templates::BOOLEAN, &[])?,
            ColumnType::String => {}
        }
        Ok(())
    }

    fn parse_integer(
        &mut self,
        signed: bool,
        fast_digits: u32,
        digits_max: u32,
        refuse_negative_zero: bool,
    ) -> Result<(), CompileError> {
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
        )
    }

    fn parse_scaled(
        &mut self,
        scale: u8,
        digits_max: u32,
        refuse_negative_zero: bool,
    ) -> Result<(), CompileError> {
        let refuse = u8::from(refuse_negative_zero);
        if scale == 0 {
            return self.parse_integer(true, digits_max.min(16), digits_max, refuse_negative_zero);
        }
        self.calls_number = true;
        if scale > 6 {
            // The eight characters at the end would not hold the point and a digit before it.
            self.code.line(format!("r3 = {scale}"));
            self.code.line(format!("r4 = {}", digits_max + 256 * u32::from(refuse)));
            self.code.line("call @number");
            self.code.line(format!("r1 = *(u64 *)(r7 + {NUMBER_REFUSED})"));
            self.code.line("if r1 != 0 goto @exception");
            self.code.line("r3 = r0");
            return Ok(());
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
        )
    }

    /// Refuses a record whose `register` is outside a range. Changes r4.
    fn require_range(&mut self, register: &str, least: i64, greatest: i64) {
        self.code.constant("r4", greatest);
        self.code.line(format!("if {register} s> r4 goto @exception"));
        self.code.constant("r4", least);
        self.code.line(format!("if {register} s< r4 goto @exception"));
    }

    /// Goes to `target` when one of the columns of `expr` is NULL. Changes r1.
    pub(super) fn branch_if_null(&mut self, expr: &Expr, target: &str) {
        self.branch_if_any_null(&expr.columns(), target);
    }

    /// Goes to `target` when one of the columns is NULL. Changes r1.
    pub(super) fn branch_if_any_null(&mut self, columns: &[usize], target: &str) {
        for &column in columns {
            if self.fragment.columns[column].nullable {
                self.code.line(format!("r1 = *(u64 *)(r7 + {})", self.columns[column] + 8));
                self.code.line(format!("if r1 != 0 goto {target}"));
            }
        }
    }

    /// The value of an expression that is not NULL into r1. Changes r2 to r5. A checked expression must have been
    /// evaluated by [`Fold::evaluate_once`] before.
    pub(super) fn load(&mut self, expr: &Expr) -> Result<(), CompileError> {
        match self.evaluated.iter().find(|(each, _)| each == expr) {
            Some((_, slot)) => {
                let line = format!("r1 = *(u64 *)(r7 + {slot})");
                self.code.line(line);
                Ok(())
            }
            None => self.compute(expr),
        }
    }

    /// Computes an expression into r1. An overflow of a checked operation makes the record an exception record.
    pub(super) fn compute(&mut self, expr: &Expr) -> Result<(), CompileError> {
        match expr {
            Expr::Column(column) => self.code.line(format!("r1 = *(u64 *)(r7 + {})", self.columns[*column])),
            Expr::Literal(value) => self.code.constant("r1", *value),
            Expr::Bound { argument, magnitude_max } => {
                self.compute(argument)?;
                self.require_range("r1", -magnitude_max, *magnitude_max);
            }
            Expr::Binary { op, overflow, left, right } => {
                self.compute(left)?;
                match right.as_ref() {
                    Expr::Column(column) => {
                        self.code.line(format!("r2 = *(u64 *)(r7 + {})", self.columns[*column]));
                    }
                    Expr::Literal(value) => self.code.constant("r2", *value),
                    right => {
                        let spilled = self.slots(1);
                        self.code.line(format!("*(u64 *)(r7 + {spilled}) = r1"));
                        self.compute(right)?;
                        self.code.line("r2 = r1");
                        self.code.line(format!("r1 = *(u64 *)(r7 + {spilled})"));
                    }
                }
                self.arithmetic(*op, *overflow)?;
            }
        }
        Ok(())
    }

    /// r1 = r1 op r2.
    fn arithmetic(&mut self, op: Arithmetic, overflow: Overflow) -> Result<(), CompileError> {
        let sign = match op {
            Arithmetic::Add => "+=",
            Arithmetic::Sub => "-=",
            Arithmetic::Mul => "*=",
        };
        match (overflow, op) {
            (Overflow::Wrap, _) => self.code.line(format!("r1 {sign} r2")),
            (Overflow::Exception, Arithmetic::Mul) => {
                self.code.template("multiply", bpf_templates::MULTIPLY, &[])?;
            }
            (Overflow::Exception, Arithmetic::Add | Arithmetic::Sub) => {
                // Overflow: the operands agree in sign (a sum), or differ (a difference), and the result's sign is not
                // that of the left operand.
                self.code.line("r3 = r1");
                self.code.line(format!("r1 {sign} r2"));
                self.code.line("r4 = r3");
                self.code.line("r4 ^= r1");
                self.code.line("r5 = r3");
                self.code.line("r5 ^= r2");
                if op == Arithmetic::Add {
                    self.code.line("r5 ^= -1");
                }
                self.code.line("r4 &= r5");
                self.code.line("if r4 s< 0 goto @exception");
                self.code.constant("r4", i64::MIN);
                self.code.line("if r1 == r4 goto @exception");
            }
        }
        Ok(())
    }

    /// Evaluates a checked expression for every record that gets here, and remembers its slot. Others are computed
    /// where they are used.
    pub(super) fn evaluate_once(&mut self, expr: &Expr) -> Result<(), CompileError> {
        if !expr.is_checked() || self.evaluated.iter().any(|(each, _)| each == expr) {
            return Ok(());
        }
        let slot = self.evaluate(expr)?;
        self.evaluated.push((expr.clone(), slot));
        Ok(())
    }

    /// Computes an expression into a new slot, unless it is NULL.
    pub(super) fn evaluate(&mut self, expr: &Expr) -> Result<usize, CompileError> {
        let slot = self.slots(1);
        let absent = self.code.label("absent");
        self.branch_if_null(expr, &absent);
        self.compute(expr)?;
        self.code.line(format!("*(u64 *)(r7 + {slot}) = r1"));
        self.code.line(format!("{absent}:"));
        self.code.line("forget");
        Ok(slot)
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
