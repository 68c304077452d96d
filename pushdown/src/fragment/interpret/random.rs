//! Seeded random fragments and CSV for them: small, valid, and odd in every way that the compiler knows.

use crate::fragment::*;

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
            0 => Dialect { delimiter: b'\t', quote: b'\'', escape: None },
            1 => Dialect { escape: Some(b'\\'), ..Dialect::default() },
            2 => Dialect { delimiter: b';', quote: b'|', escape: None },
            _ => Dialect::default(),
        };
        let field_count = 1 + self.below(5);
        let mut columns = Vec::new();
        for field in 0..field_count {
            if !self.one_in(4) {
                let name = self.pick(&["a", "b", "c", "odd \"name\"", "null", "x_1", "größe"]).to_string();
                columns.push(Column { name, field, ty: self.column_type(), nullable: !self.one_in(4) });
            }
        }
        if self.one_in(3) {
            columns.reverse();
        }
        let filter = (!self.one_in(4)).then(|| self.predicate(&columns, 3));
        let output = if self.one_in(3) { Output::Records } else { self.aggregates(&columns) };
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
        let aggregates = (0..least + self.below(4))
            .map(|_| {
                let function = match self.below(5) {
                    0 => {
                        let non_null = (0..columns.len()).filter(|_| self.one_in(3)).collect();
                        AggregateFunction::Count { non_null }
                    }
                    1 => AggregateFunction::SumWrap(self.expr(columns, 2)),
                    2 => AggregateFunction::SumExact(self.expr(columns, 2)),
                    3 => AggregateFunction::Min(self.expr(columns, 2)),
                    _ => AggregateFunction::Max(self.expr(columns, 2)),
                };
                Aggregate { function, filter: self.one_in(3).then(|| self.predicate(columns, 1)) }
            })
            .collect();
        Output::Aggregates { keys, aggregates }
    }

    /// A predicate of at most `depth` levels above the leaves.
    pub fn predicate(&mut self, columns: &[Column], depth: usize) -> Predicate {
        if depth > 0 && !self.one_in(3) {
            let count = self.below(4);
            return match self.below(3) {
                0 => Predicate::And((0..count).map(|_| self.predicate(columns, depth - 1)).collect()),
                1 => Predicate::Or((0..count).map(|_| self.predicate(columns, depth - 1)).collect()),
                _ => Predicate::Not(Box::new(self.predicate(columns, depth - 1))),
            };
        }
        let negated = self.one_in(2);
        let strings: Vec<usize> = positions(columns, |ty| ty == ColumnType::String);
        match self.below(8) {
            0 => Predicate::Literal(*self.pick(&[None, Some(true), Some(false)])),
            1 if !columns.is_empty() => Predicate::IsNull { column: self.below(columns.len()), negated },
            2 | 3 if !strings.is_empty() => {
                let values = (0..1 + self.below(3)).map(|_| self.string()).collect();
                Predicate::StringIn { column: *self.pick(&strings), values, negated }
            }
            4 => {
                let values = (0..1 + self.below(4)).map(|_| *self.pick(&INTEGERS)).collect();
                Predicate::In { expr: self.expr(columns, 1), values, negated }
            }
            _ => {
                use Comparison::*;
                let op = *self.pick(&[Eq, NotEq, Lt, LtEq, Gt, GtEq]);
                Predicate::Compare { op, left: self.expr(columns, 1), right: self.expr(columns, 1) }
            }
        }
    }

    /// An expression of at most `depth` levels above the leaves.
    pub fn expr(&mut self, columns: &[Column], depth: usize) -> Expr {
        if depth > 0 && self.one_in(2) {
            if self.one_in(4) {
                let magnitude_max = *self.pick(&[0, 3, 1000, i64::MAX]);
                return Expr::Bound { argument: Box::new(self.expr(columns, depth - 1)), magnitude_max };
            }
            return Expr::Binary {
                op: *self.pick(&[Arithmetic::Add, Arithmetic::Sub, Arithmetic::Mul]),
                overflow: *self.pick(&[Overflow::Wrap, Overflow::Exception]),
                left: Box::new(self.expr(columns, depth - 1)),
                right: Box::new(self.expr(columns, depth - 1)),
            };
        }
        let integers = positions(columns, |ty| ty != ColumnType::String);
        if integers.is_empty() || self.one_in(3) {
            Expr::Literal(*self.pick(&INTEGERS))
        } else {
            Expr::Column(*self.pick(&integers))
        }
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

    fn put_field(&mut self, dialect: Dialect, text: &[u8], bytes: &mut Vec<u8>) {
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

fn positions(columns: &[Column], wanted: impl Fn(ColumnType) -> bool) -> Vec<usize> {
    (0..columns.len()).filter(|index| wanted(columns[*index].ty)).collect()
}
