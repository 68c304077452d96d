//! Random SQL expressions over the columns of a table. Conditions are trees, so that a failing one can be cut down.

use pushdown::testing::Random;

use crate::one_of;
use crate::table::Column;
use crate::types::Type;

/// A condition.
#[derive(Debug, Clone)]
pub enum Condition {
    /// SQL without AND, OR and NOT at its top.
    Leaf(String),
    /// All of them.
    And(Vec<Condition>),
    /// One of them.
    Or(Vec<Condition>),
    /// Not this one.
    Not(Box<Condition>),
}

impl Condition {
    /// As SQL.
    pub fn sql(&self) -> String {
        let all = |parts: &[Condition], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| format!("({})", part.sql())).collect();
            parts.join(word)
        };
        match self {
            Condition::Leaf(sql) => sql.clone(),
            Condition::And(parts) => all(parts, " AND "),
            Condition::Or(parts) => all(parts, " OR "),
            Condition::Not(part) => format!("NOT ({})", part.sql()),
        }
    }

    /// Conditions with a part less.
    pub fn smaller(&self) -> Vec<Condition> {
        let with_part = |parts: &[Condition], make: fn(Vec<Condition>) -> Condition| {
            let mut smaller: Vec<Condition> = parts.to_vec();
            for at in 0..parts.len() {
                for part in parts[at].smaller() {
                    let mut changed = parts.to_vec();
                    changed[at] = part;
                    smaller.push(make(changed));
                }
                if parts.len() > 2 {
                    let mut fewer = parts.to_vec();
                    fewer.remove(at);
                    smaller.push(make(fewer));
                }
            }
            smaller
        };
        match self {
            Condition::Leaf(_) => Vec::new(),
            Condition::And(parts) => with_part(parts, Condition::And),
            Condition::Or(parts) => with_part(parts, Condition::Or),
            Condition::Not(part) => {
                let mut smaller = vec![part.as_ref().clone()];
                smaller.extend(part.smaller().into_iter().map(|part| Condition::Not(Box::new(part))));
                smaller
            }
        }
    }
}

/// Columns of one relation, by the names that a query has for them.
pub struct Scope<'r, 'c> {
    /// The random sequence.
    pub random: &'r mut Random,
    /// Empty, or `alias.`
    pub prefix: &'static str,
    /// The columns.
    pub columns: &'c [Column],
}

/// A comparison operator.
fn operator(random: &mut Random) -> &'static str {
    one_of(random, ["=", "<>", "<", "<=", ">", ">=", "=", "<", ">="])
}

/// A string as SQL.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl<'c> Scope<'_, 'c> {
    /// The SQL of a column.
    pub fn name(&self, column: &Column) -> String {
        format!("{}{}", self.prefix, column.name)
    }

    /// Any column.
    pub fn any(&mut self) -> &'c Column {
        let columns = self.columns;
        self.random.pick(columns)
    }

    fn of(&mut self, wanted: impl Fn(Type) -> bool) -> Option<&'c Column> {
        let columns: Vec<&Column> = self.columns.iter().filter(|column| wanted(column.ty)).collect();
        if columns.is_empty() { None } else { Some(*self.random.pick(&columns)) }
    }

    /// A column of numbers.
    pub fn number_column(&mut self) -> Option<&'c Column> {
        self.of(Type::is_number)
    }

    /// A tree with at most `depth` levels above the leaves.
    pub fn condition(&mut self, depth: usize) -> Condition {
        if depth == 0 || self.random.one_in(3) {
            return Condition::Leaf(self.leaf());
        }
        let parts =
            |scope: &mut Self| (0..2 + scope.random.below(2)).map(|_| scope.condition(depth - 1)).collect();
        match self.random.below(5) {
            0 | 1 => Condition::And(parts(self)),
            2 | 3 => Condition::Or(parts(self)),
            _ => Condition::Not(Box::new(self.condition(depth - 1))),
        }
    }

    /// A text of a column as it may stand in its file.
    fn pool_text(&mut self, column: &Column) -> String {
        self.random.pick(&column.pool).clone()
    }

    /// A constant that is comparable with a column.
    fn constant(&mut self, column: &Column) -> String {
        let text = self.pool_text(column);
        match column.ty {
            _ if self.random.one_in(60) => "NULL".to_owned(),
            Type::Integer(_) => match self.random.below(8) {
                0 => self
                    .random
                    .pick(&[
                        "0",
                        "-1",
                        "3000000000",
                        "9223372036854775807",
                        "1.5",
                        "-9223372036854775808",
                        "300",
                    ])
                    .to_string(),
                _ => text,
            },
            Type::Double | Type::Real => match self.random.below(7) {
                0 => self
                    .random
                    .pick(&[
                        "0",
                        "0.0",
                        "-0.0",
                        "1e300",
                        "0.1 + 0.2",
                        "1e-5",
                        "0.123456789",
                        "'NaN'::DOUBLE",
                        "24",
                        "0.05",
                    ])
                    .to_string(),
                _ => text,
            },
            Type::Decimal(..) => match self.random.below(7) {
                0 => self
                    .random
                    .pick(&["0", "1e2", "0.005", "12345678901234567890", "0.06::DECIMAL(4,3)", "24", "5.0"])
                    .to_string(),
                _ => text,
            },
            Type::Date => match self.random.below(7) {
                0 => {
                    self.random.pick(&["'1994-06-01'", "DATE '0001-01-01'", "DATE '9999-12-31'"]).to_string()
                }
                5 if self.random.one_in(8) => format!("TIMESTAMP '{} 12:00:00'", text),
                1 => format!("DATE {} + INTERVAL '1 month'", quoted(&text)),
                _ => format!("DATE {}", quoted(&text)),
            },
            Type::Timestamp => format!("TIMESTAMP {}", quoted(&text)),
            Type::Boolean => text,
            Type::Varchar if self.random.one_in(8) => {
                let long = quoted(&"x".repeat(60 + self.random.below(8)));
                self.random.pick(&["''", "'no such text'", "'NULL'", &long]).to_string()
            }
            Type::Varchar => quoted(&text),
        }
    }

    /// A condition on one or two columns.
    pub fn leaf(&mut self) -> String {
        let column = self.any();
        let name = self.name(column);
        match self.random.below(24) {
            0 => return format!("{name} IS NULL"),
            1 => return format!("{name} IS NOT NULL"),
            2 | 3 => {
                let not = self.random.pick(&["", "NOT "]);
                let count = 1 + self.random.below(5);
                let values: Vec<String> = (0..count).map(|_| self.constant(column)).collect();
                return format!("{name} {not}IN ({})", values.join(", "));
            }
            4 => {
                let not = self.random.pick(&["", "NOT "]);
                let (low, high) = (self.constant(column), self.constant(column));
                if column.ty != Type::Varchar || self.random.one_in(10) {
                    return format!("{name} {not}BETWEEN {low} AND {high}");
                }
            }
            5 => {
                let other = self.any();
                let comparable = other.ty == column.ty && column.ty != Type::Varchar;
                if comparable || other.ty.is_number() && column.ty.is_number() {
                    return format!("{name} {} {}", operator(self.random), self.name(other));
                }
            }
            6 if self.random.one_in(2) => {
                let constant = self.constant(column);
                return format!("{constant} {} {name}", operator(self.random));
            }
            7 if self.random.one_in(12) => {
                let constant = self.constant(column);
                let operator = self.random.pick(&["IS DISTINCT FROM", "IS NOT DISTINCT FROM"]);
                return format!("{name} {operator} {constant}");
            }
            8 if self.random.one_in(6) => {
                return self.random.pick(&["TRUE", "FALSE", "NULL", "1 = 1", "NULL IS NULL"]).to_string();
            }
            _ => {}
        }
        match column.ty {
            Type::Boolean => match self.random.below(6) {
                0 => format!("{name} IS TRUE"),
                1 => format!("{name} IS NOT FALSE"),
                2 => format!("{name} IS UNKNOWN"),
                3 => format!("{name} = {}", self.constant(column)),
                _ => name,
            },
            Type::Varchar => {
                let constant = self.constant(column);
                match self.random.below(60) {
                    0 => format!("{name} LIKE '%a%'"),
                    1 => format!("length({name}) > 3"),
                    2 => format!("{name} {} {constant}", operator(self.random)),
                    3 => format!("coalesce({name}, '') = {constant}"),
                    4..=15 => format!("{name} <> {constant}"),
                    _ => format!("{name} = {constant}"),
                }
            }
            Type::Integer(_) => {
                let value = self.integer_value(name);
                format!("{value} {} {}", operator(self.random), self.constant(column))
            }
            Type::Date if self.random.one_in(8) => format!("extract(year FROM {name}) = 1994"),
            Type::Date if self.random.one_in(8) => {
                let constant = self.constant(column);
                format!("{name} + INTERVAL '1 day' {} {constant}", operator(self.random))
            }
            _ => {
                let constant = self.constant(column);
                format!("{name} {} {constant}", operator(self.random))
            }
        }
    }

    /// A column of integers, sometimes computed with.
    fn integer_value(&mut self, name: String) -> String {
        match self.random.below(16) {
            0 => format!("{name} + 1"),
            1 => format!("{name} * 2"),
            2 => format!("-{name}"),
            3 if self.random.one_in(4) => format!("{name} % 3"),
            4 if self.random.one_in(3) => format!("10 / {name}"),
            5 => match self.of(|ty| matches!(ty, Type::Integer(_))) {
                Some(other) => {
                    let operator = self.random.pick(&["+", "-", "*"]);
                    format!("{name} {operator} {}", self.name(other))
                }
                None => name,
            },
            6 => format!("abs({name})"),
            7 if self.random.one_in(2) => format!("CAST({name} AS BIGINT)"),
            8 if self.random.one_in(2) => format!("CAST({name} AS SMALLINT)"),
            9 if self.random.one_in(2) => format!("CAST({name} AS DOUBLE)"),
            10 if self.random.one_in(4) => format!("CASE WHEN {name} > 3 THEN {name} ELSE 0 END"),
            _ => name,
        }
    }

    /// An argument of sum, avg, min and max, and the degree of the polynomial that it is.
    pub fn argument(&mut self, column: &Column) -> (String, i32) {
        let name = self.name(column);
        let Some(other) = self.number_column() else { return (name, 1) };
        let other = self.name(other);
        match self.random.below(14) {
            0 => (format!("{name} * (1 - {other})"), 2),
            1 => (format!("{name} * (1 - {other}) * (1 + {name})"), 3),
            2 => (format!("{name} * {other}"), 2),
            3 => (format!("{name} + {other}"), 1),
            4 => (format!("{name} - 1"), 1),
            5 => (format!("2 * {name}"), 1),
            6 if self.random.one_in(3) => (format!("-{name}"), 1),
            7 if self.random.one_in(3) => (format!("{name} / 4"), 1),
            8 if self.random.one_in(3) => (format!("CAST({name} AS DOUBLE)"), 1),
            9 if self.random.one_in(3) => (format!("coalesce({name}, 0)"), 1),
            _ => (name, 1),
        }
    }

    /// A value for a SELECT list.
    pub fn value(&mut self) -> String {
        let column = self.any();
        let name = self.name(column);
        match column.ty {
            _ if !self.random.one_in(4) => name,
            Type::Integer(_) => self.integer_value(name),
            Type::Varchar => {
                self.random.pick(&["upper", "length", "lower", "reverse"]).to_string() + &format!("({name})")
            }
            Type::Boolean => format!("NOT {name}"),
            Type::Date => format!("extract(month FROM {name})"),
            Type::Double | Type::Real | Type::Decimal(..) => self.argument(column).0,
            Type::Timestamp => name,
        }
    }
}
