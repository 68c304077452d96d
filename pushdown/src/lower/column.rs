//! Field bytes to column values.

use super::fold::Fold;
use super::words::NUMBER_REFUSED;
use crate::emit::Register::{R0, R1, R2, R3, R4};
use crate::emit::{EXCEPTION, Relation};
use crate::fragment::{ColumnType, Expr, Output};

impl Fold<'_> {
    /// Value and NULL flag of a column into its slots; the record is an exception record if its text is not in the
    /// grammar of the type.
    pub(super) fn column(&mut self, index: usize) {
        let column = &self.fragment.columns[index];
        let slot = self.lowering.column(index).slot;
        if column.ty == ColumnType::String && column.nullable && !self.is_used(index) {
            return;
        }
        self.lowering.code.comment(&format!("column {} {}", index, column.name));
        let done = self.lowering.code.label("column");
        let absent = self.lowering.code.label("null");
        self.lowering.field_bounds(index);
        self.lowering.code.jump_if(R2, Relation::Equal, 0, &absent);
        if column.ty != ColumnType::String {
            self.parse(column.ty, column.unpadded);
            self.lowering.code.store(slot.value, R3);
        }
        self.lowering.code.store(slot.null, 0);
        self.lowering.code.jump(&done);
        self.lowering.code.place(&absent);
        if column.nullable {
            self.lowering.code.store(slot.value, 0);
            self.lowering.code.store(slot.null, 1);
        } else {
            self.lowering.code.jump(EXCEPTION);
        }
        self.lowering.code.join(&done);
    }

    /// Content at r1 of length r2 to the value r3.
    fn parse(&mut self, ty: ColumnType, unpadded: bool) {
        match ty {
            ColumnType::Int { bits, signed } => {
                self.parse_integer(signed, 16, 18, false, unpadded);
                if bits < 64 {
                    let (least, greatest) = if signed {
                        (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
                    } else {
                        (0, (1i64 << bits) - 1)
                    };
                    self.lowering.code.require_range(R3, least, greatest);
                }
            }
            ColumnType::Float { scale } => self.parse_scaled(scale, 15, true, unpadded),
            ColumnType::Decimal { precision, scale } => {
                self.parse_scaled(scale, 18, false, unpadded);
                if precision < 18 {
                    let limit = 10i64.pow(u32::from(precision)) - 1;
                    self.lowering.code.require_range(R3, -limit, limit);
                }
            }
            ColumnType::Date => self.lowering.code.template("date", bpf_templates::DATE, &[]),
            ColumnType::Boolean => self.lowering.code.template("boolean", bpf_templates::BOOLEAN, &[]),
            ColumnType::String => {}
        }
    }

    fn parse_integer(
        &mut self,
        signed: bool,
        fast_digits: i32,
        digits_max: i32,
        refuse_negative_zero: bool,
        unpadded: bool,
    ) {
        self.calls_number = true;
        self.lowering.code.template(
            "integer",
            bpf_templates::INTEGER,
            &[
                ("signed", &u8::from(signed)),
                ("fast_digits", &fast_digits),
                ("digits_max", &digits_max),
                ("refuse_negative_zero", &u8::from(refuse_negative_zero)),
                ("unpadded", &u8::from(unpadded)),
            ],
        );
    }

    fn parse_scaled(&mut self, scale: u8, digits_max: i32, refuse_negative_zero: bool, unpadded: bool) {
        let refuse = u8::from(refuse_negative_zero);
        if scale == 0 {
            return self.parse_integer(true, digits_max.min(16), digits_max, refuse_negative_zero, unpadded);
        }
        self.calls_number = true;
        if scale > 6 {
            if unpadded {
                self.lowering.code.template("unpadded", bpf_templates::UNPADDED, &[]);
            }
            // The eight characters at the end would not hold the point and a digit before it.
            self.lowering.code.set(R3, i32::from(scale));
            self.lowering.code.set(R4, digits_max + 256 * i32::from(refuse));
            self.lowering.code.line("call @number");
            self.lowering.code.load(R1, NUMBER_REFUSED);
            self.lowering.code.jump_if(R1, Relation::NotEqual, 0, EXCEPTION);
            self.lowering.code.set(R3, R0);
            return;
        }
        // The last `scale` characters are the highest bytes of the word that ends with the field.
        let fraction_mask = u64::MAX << (8 * (8 - scale));
        self.lowering.code.template(
            "fixed_point",
            bpf_templates::FIXED_POINT,
            &[
                ("scale", &scale),
                ("length_min", &(scale + 2)),
                ("point_shift", &(8 * (7 - scale))),
                ("fraction_mask", &fraction_mask),
                ("digits_max", &digits_max),
                ("refuse_negative_zero", &refuse),
                ("unpadded", &u8::from(unpadded)),
            ],
        );
    }

    /// Whether anything beyond its being valid is wanted of a column.
    fn is_used(&self, column: usize) -> bool {
        let reads = |expr: &Expr| expr.columns().contains(&column);
        let in_filter = self.fragment.filter.as_ref().is_some_and(reads);
        in_filter
            || match &self.fragment.output {
                // Where the bytes of a string lie is looked up when its row is written.
                Output::Records | Output::Values => false,
                Output::Aggregates { keys, aggregates } => {
                    keys.iter().any(|key| key.column == column)
                        || aggregates.iter().any(|each| each.arguments.iter().chain(&each.filter).any(reads))
                }
            }
    }
}
