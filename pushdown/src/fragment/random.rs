//! Seeded random fragments and CSV for them: small, valid, and odd in every way that the compiler knows.
//!
//! Operators and aggregates are drawn from the tables of [`crate::ops`] and [`crate::aggregates`] and get arguments by
//! their signatures, so that a new one is generated as soon as it is there.

use crate::fragment::*;
use crate::ops::{Op, Parameter, Parameters};

/// xorshift64*, so that a seed means the same everywhere.
pub struct Random(u64);

/// Integers at which something changes for some type or operator.
const INTEGERS: [i64; 18] = [
    -129,
    -128,
    -3,
    -1,
    0,
    0,
    1,
    1,
    2,
    3,
    100,
    255,
    256,
    19940101,
    999_999_999_999_999_999,
    -999_999_999_999_999_999,
    i64::MAX,
    i64::MIN,
];

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.word();
        random
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 to `limit - 1`.
    pub fn below(&mut self, limit: usize) -> usize {
        ((self.word() >> 32) as usize) % limit
    }

    /// True once in `count` times.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A valid fragment.
    pub fn fragment(&mut self) -> Fragment {
        let dialect = match self.below(6) {
            0 => StructuralBytes { delimiter: b'\t', quote: b'\'', escape: None },
            1 => StructuralBytes { escape: Some(b'\\'), ..StructuralBytes::default() },
            2 => StructuralBytes { delimiter: b';', quote: b'|', escape: None },
            _ => StructuralBytes::default(),
        };
        let field_count = 1 + self.below(5);
        let mut columns = Vec::new();
        for field in 0..field_count {
            if !self.one_in(4) {
                let name = self.pick(&["a", "b", "c", "odd \"name\"", "null", "x_1", "größe"]).to_string();
                let ty = self.column_type();
                columns.push(Column { name, field, ty, nullable: !self.one_in(4), unpadded: self.one_in(3) });
            }
        }
        if self.one_in(3) {
            columns.reverse();
        }
        let filter = (!self.one_in(4)).then(|| self.expr(ValueType::Bool, &columns, 3));
        let output = match self.below(6) {
            0 => Output::Records,
            1 | 2 => Output::Values,
            _ => self.aggregates(&columns),
        };
        Fragment { dialect, field_count, columns, filter, output }
    }

    fn column_type(&mut self) -> ColumnType {
        match self.below(10) {
            0 | 1 => ColumnType::Int { bits: *self.pick(&[8, 16, 32, 64]), signed: true },
            2 => ColumnType::Int { bits: *self.pick(&[8, 16, 32, 64]), signed: false },
            3 | 4 => ColumnType::Float { scale: *self.pick(&[0, 1, 2, 15]) },
            5 => {
                ColumnType::Decimal { precision: *self.pick(&[1, 4, 18, 38]), scale: *self.pick(&[0, 2, 18]) }
            }
            6 => ColumnType::Date,
            7 => ColumnType::Boolean,
            _ => ColumnType::String,
        }
    }

    fn aggregates(&mut self, columns: &[Column]) -> Output {
        let mut keys = Vec::new();
        for (column, Column { ty, .. }) in columns.iter().enumerate() {
            if self.one_in(4) {
                let is_string = *ty == ColumnType::String;
                let string_bytes_max = if is_string { *self.pick(&[8, 16, 64]) } else { 0 };
                keys.push(Key { column, string_bytes_max });
            }
        }
        let least = usize::from(keys.is_empty());
        let aggregates = (0..least + self.below(4)).map(|_| self.aggregate(columns)).collect();
        Output::Aggregates { keys, aggregates }
    }

    fn aggregate(&mut self, columns: &[Column]) -> Aggregate {
        let all = AggregateFunction::all();
        loop {
            let function = *self.pick(&all);
            if let Some(arguments) = self.arguments(function.signature().takes, columns, 2, 2) {
                let filter = self.one_in(3).then(|| self.expr(ValueType::Bool, columns, 1));
                return Aggregate { function, arguments, filter };
            }
        }
    }

    /// An expression with at most `depth` levels above the leaves. A condition's leaves are operators with operands.
    pub fn expr(&mut self, ty: ValueType, columns: &[Column], depth: usize) -> Expr {
        let is_condition = ty == ValueType::Bool;
        let wants_call = if is_condition { !self.one_in(8) } else { depth > 0 && self.one_in(2) };
        if wants_call {
            // Of conditions only, or of other operands.
            let is_inner = is_condition && depth > 0 && !self.one_in(3);
            let ops: Vec<Op> = Op::all()
                .into_iter()
                .filter(|op| {
                    op.signature().gives == ty && (!is_condition || takes_conditions(*op) == is_inner)
                })
                .collect();
            // An operator for which the fragment has no columns is not tried for ever.
            for _ in 0..if ops.is_empty() { 0 } else { 4 } {
                let op = *self.pick(&ops);
                let takes = *self.pick(op.signature().takes);
                let operand_depth = if is_condition { 1 } else { depth - 1 };
                let condition_depth = depth.saturating_sub(1);
                if let Some(arguments) = self.arguments(takes, columns, operand_depth, condition_depth) {
                    return Expr::call(op, arguments);
                }
            }
        }
        if !self.one_in(3)
            && let Some(column) = self.column(columns, |column| column == ty)
        {
            return column;
        }
        if is_condition && self.one_in(3) { Expr::NULL } else { self.constant(ty) }
    }

    /// Arguments that are taken. None if there is no column that would be right.
    fn arguments(
        &mut self,
        takes: Parameters,
        columns: &[Column],
        operand_depth: usize,
        condition_depth: usize,
    ) -> Option<Vec<Expr>> {
        let count = takes.first.len() + if takes.rest.is_some() { self.below(4) } else { 0 };
        (0..count)
            .map(|index| match takes.at(index)? {
                Parameter::Value(ValueType::Bool) => {
                    Some(self.expr(ValueType::Bool, columns, condition_depth))
                }
                Parameter::Value(ty) => Some(self.expr(ty, columns, operand_depth)),
                Parameter::Plain(ty) if self.one_in(3) => Some(self.constant(ty)),
                Parameter::Plain(ty) | Parameter::Column(ty) => self.column(columns, |column| column == ty),
                Parameter::AnyColumn => self.column(columns, |_| true),
                Parameter::Constant(ty) => Some(self.constant(ty)),
                Parameter::Natural => Some(Expr::integer(*self.pick(&[0, 3, 1000, i64::MAX]))),
            })
            .collect()
    }

    fn column(&mut self, columns: &[Column], wanted: impl Fn(ValueType) -> bool) -> Option<Expr> {
        let found: Vec<usize> =
            (0..columns.len()).filter(|index| wanted(columns[*index].ty.value_type())).collect();
        (!found.is_empty()).then(|| Expr::Column(*self.pick(&found)))
    }

    fn constant(&mut self, ty: ValueType) -> Expr {
        Expr::Literal(match ty {
            ValueType::Bool => Literal::Bool(Some(self.one_in(2))),
            ValueType::I64 => Literal::I64(*self.pick(&INTEGERS)),
            ValueType::Bytes => Literal::Bytes(self.string()),
        })
    }

    fn string(&mut self) -> Vec<u8> {
        match self.below(6) {
            0 => vec![],
            1 => "ä".into(),
            2 => b"a,\n\"\\".to_vec(),
            3 => vec![b'x'; *self.pick(&[7, 8, 9, 16, 17, 63, 64])],
            _ => self.pick(&["a", "b", "AIR", "true"]).as_bytes().to_vec(),
        }
    }

    /// Up to 16 records, most of them good, and perhaps the beginning of another.
    pub fn csv(&mut self, fragment: &Fragment) -> Vec<u8> {
        let mut bytes = Vec::new();
        let types: Vec<_> = (0..fragment.field_count)
            .map(|field| fragment.columns.iter().find(|column| column.field == field).map(|column| column.ty))
            .collect();
        for _ in 0..self.below(17) {
            let count = match self.below(20) {
                0 => self.below(types.len()),
                1 => types.len() + 1,
                _ => types.len(),
            };
            for index in 0..count {
                if index > 0 {
                    bytes.push(fragment.dialect.delimiter);
                }
                let ty = types.get(index).copied().flatten().unwrap_or(ColumnType::String);
                let text = self.field_text(ty);
                self.put_field(fragment.dialect, &text, &mut bytes);
            }
            bytes.extend_from_slice(
                self.pick(&["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n\r\r\n"]).as_bytes(),
            );
        }
        if self.one_in(3) {
            bytes.truncate(bytes.len().saturating_sub(1 + self.below(6)));
        }
        bytes
    }

    fn field_text(&mut self, ty: ColumnType) -> Vec<u8> {
        if self.one_in(10) {
            return vec![];
        }
        let any = self.one_in(25);
        let texts: &[&str] = match ty {
            _ if any => &["-", ".", "1.", ".5", "1e3", " 1", "inf", "True", "+1", "--1", "0x1", "1-1-1"],
            ColumnType::Int { signed: true, .. } => {
                &["0", "1", "2", "-1", "-0", "007", "127", "-128", "100", "3", "999999999999999999"]
            }
            ColumnType::Int { .. } => &["0", "1", "2", "3", "255", "100", "00", "65535", "4294967295"],
            ColumnType::Float { .. } => {
                &["0", "1", "-1", "2.5", "-0", "1.25", "100", "0.01", "123456789012345"]
            }
            ColumnType::Decimal { .. } => &["0", "1", "-1", "2.5", "-0.0", "3.25", "7", "123456789012345678"],
            ColumnType::Date => {
                &["1994-01-01", "1994-12-31", "2000-02-29", "0001-01-01", "1900-02-29", "9999-12-31"]
            }
            ColumnType::Boolean => &["true", "false"],
            ColumnType::String => return self.string(),
        };
        self.pick(texts).as_bytes().to_vec()
    }

    fn put_field(&mut self, dialect: StructuralBytes, text: &[u8], bytes: &mut Vec<u8>) {
        let needs_quotes = |byte: &u8| [dialect.delimiter, dialect.quote, b'\r', b'\n'].contains(byte);
        let quoted = text.iter().any(needs_quotes) || self.one_in(6);
        if quoted {
            bytes.push(dialect.quote);
            for &byte in text {
                if byte == dialect.quote || dialect.escape == Some(byte) {
                    bytes.push(dialect.escape.unwrap_or(dialect.quote));
                }
                bytes.push(byte);
            }
            bytes.push(dialect.quote);
        } else {
            bytes.extend_from_slice(text);
        }
        if self.one_in(40) {
            bytes.push(*self.pick(&[dialect.quote, b'x', 0xff, 0]));
        }
    }
}

/// Whether an operator makes conditions of conditions.
fn takes_conditions(op: Op) -> bool {
    op.signature().takes.iter().any(|takes| takes.at(0) == Some(Parameter::Value(ValueType::Bool)))
}
