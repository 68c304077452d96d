//! Rows as values to the output area.

use super::fold::Fold;
use crate::contract::layout;
use crate::contract::rows::{Place, RowLayout};
use crate::emit::Register::{self, R1, R2, R4, R5};
use crate::emit::{EXCEPTION, NEXT, Word};
use crate::fragment::ColumnType;

impl Fold<'_> {
    /// The entry of a matching record: nothing of it can fail.
    pub(super) fn row(&mut self, row: RowLayout) {
        self.lowering.code.comment("a row to the output area");
        self.row_place(row, false);
        let entry = |word| Word::new(Register::GROUP, 8 * word);
        let mut null_bits = RowLayout::PLACE;
        for (index, column) in self.fragment.columns.iter().enumerate() {
            let (null_word, bit) = row.null_bit(index);
            if null_bits != null_word {
                self.finish_null_bits(null_bits);
                self.lowering.code.set(R5, 0);
                null_bits = null_word;
            }
            let slot = self.lowering.column(index).slot;
            if column.ty == ColumnType::String {
                // The length is 0 if it is NULL.
                self.lowering.field_bounds(index);
                self.lowering.code.shift_left(R2, Place::LENGTH_SHIFT as usize);
                self.lowering.code.or(R1, R2);
            } else {
                self.lowering.code.load(R1, slot.value);
                if column.nullable {
                    self.lowering.code.load(R4, slot.null);
                    self.lowering.code.shift_left(R4, bit);
                    self.lowering.code.or(R5, R4);
                }
            }
            self.lowering.code.store(entry(row.value(index)), R1);
        }
        self.finish_null_bits(null_bits);
        self.lowering.code.increment(Word::state(layout::MATCHED), R1);
        self.lowering.code.jump(NEXT);
    }

    fn finish_null_bits(&mut self, word: usize) {
        if word != RowLayout::PLACE {
            self.lowering.code.store(Word::new(Register::GROUP, 8 * word), R5);
        }
    }

    /// The entry of an exception record.
    pub(super) fn exception_row(&mut self, row: RowLayout) {
        self.lowering.code.comment("the place of an exception record to the output area");
        self.lowering.code.place(EXCEPTION);
        self.lowering.code.line(".entries r8 r6");
        self.row_place(row, true);
        self.lowering.code.increment(Word::state(layout::EXCEPTIONS), R1);
        self.lowering.code.jump(NEXT);
    }

    fn row_place(&mut self, row: RowLayout, flagged: bool) {
        let holes: [(&str, &dyn std::fmt::Display); 2] =
            [("row_bytes", &row.bytes()), ("flagged", &u8::from(flagged))];
        self.lowering.code.template("row", bpf_templates::ROW, &holes);
    }
}
