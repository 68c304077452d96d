//! Random queries over one table, and smaller ones of the same kind.

use pushdown::testing::Random;

use crate::answer::Tolerance;
use crate::expression::{Condition, Scope};
use crate::table::{Column, Table};

/// An expression of a SELECT list.
#[derive(Debug, Clone)]
struct Item {
    sql: String,
    /// It is also a GROUP BY expression.
    is_key: bool,
    /// A sum of floating point numbers: the degree of what is summed.
    approximate: Option<i32>,
}

/// A query over the table `t`.
#[derive(Debug, Clone)]
pub struct Query {
    items: Vec<Item>,
    distinct: bool,
    from: String,
    /// Relations that are multiplied.
    relations: i32,
    filter: Option<Condition>,
    having: Option<String>,
    /// `DESC NULLS FIRST`, and so on, for all items.
    order: Option<&'static str>,
    limit: Option<usize>,
    offset: usize,
}

impl Query {
    /// A random query.
    pub fn random(random: &mut Random, table: &Table) -> Query {
        let filter = (!random.one_in(8)).then(|| {
            let depth = random.below(4);
            Scope { random, prefix: "", columns: &table.columns }.condition(depth)
        });
        let mut query = Query {
            items: Vec::new(),
            distinct: false,
            from: "t".to_owned(),
            relations: 1,
            filter,
            having: None,
            order: None,
            limit: None,
            offset: 0,
        };
        let keys = 1 + random.below(3);
        match random.below(12) {
            0..=2 => query.rows(random, table, ""),
            3 | 4 => query.grouped(random, table, keys),
            5 => query.grouped(random, table, 1),
            6 if table.record_count() < 60 => query.joined(random, table),
            7 if random.one_in(2) => query.nested(random, table),
            _ => query.grouped(random, table, 0),
        }
        query
    }

    fn rows(&mut self, random: &mut Random, table: &Table, prefix: &'static str) {
        if prefix.is_empty() && random.one_in(5) {
            self.items.push(Item { sql: "*".to_owned(), is_key: false, approximate: None });
        } else {
            for _ in 0..1 + random.below(3) {
                let sql = Scope { random, prefix, columns: &table.columns }.value();
                self.items.push(Item { sql, is_key: false, approximate: None });
            }
            self.distinct = random.one_in(10);
        }
        let is_star = self.items.iter().any(|item| item.sql == "*");
        if !is_star && random.one_in(3) {
            self.order = Some(*random.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]));
            self.limit = random.one_in(2).then(|| random.below(12));
        } else if !self.distinct && self.relations == 1 && keeps_order(table) && random.one_in(4) {
            // In one partition the order is that of the file.
            self.limit = Some(random.below(8));
            self.offset = if random.one_in(3) { random.below(4) } else { 0 };
        }
    }

    fn grouped(&mut self, random: &mut Random, table: &Table, keys: usize) {
        for _ in 0..keys {
            let mut scope = Scope { random, prefix: "", columns: &table.columns };
            let sql = if scope.random.one_in(12) {
                scope.value()
            } else {
                let column = scope.any();
                scope.name(column)
            };
            if self.items.iter().all(|item| item.sql != sql) {
                self.items.push(Item { sql, is_key: true, approximate: None });
            }
        }
        let least = usize::from(keys == 0);
        for _ in 0..least + random.below(4) {
            let item = aggregate(random, &table.columns);
            self.items.push(item);
        }
        if keys > 0 && random.one_in(6) {
            let column = Scope { random, prefix: "", columns: &table.columns }.any();
            self.having = Some(match random.below(3) {
                0 => format!("count({}) > 1", column.name),
                1 => format!("min({0}) <> max({0})", column.name),
                _ => "count(*) BETWEEN 2 AND 5".to_owned(),
            });
        }
        if keys > 0 && random.one_in(4) {
            self.order = Some(*random.pick(&["", " DESC"]));
            let exact = self.items.iter().all(|item| item.approximate.is_none());
            self.limit = (exact && random.one_in(2)).then(|| random.below(5));
        }
    }

    fn joined(&mut self, random: &mut Random, table: &Table) {
        let column = &random.pick(&table.columns).name.clone();
        let kind = random.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        self.from = format!("t a {kind} t b ON a.{column} = b.{column}");
        self.relations = 2;
        let (prefix, other) = if random.one_in(2) { ("a.", "b.") } else { ("b.", "a.") };
        self.filter = Some(Condition::And(vec![
            Scope { random, prefix, columns: &table.columns }.condition(1),
            Scope { random, prefix: other, columns: &table.columns }.condition(1),
        ]));
        if random.one_in(2) {
            self.items.push(Item { sql: "count(*)".to_owned(), is_key: false, approximate: None });
        } else {
            self.rows(random, table, prefix);
        }
    }

    fn nested(&mut self, random: &mut Random, table: &Table) {
        let mut scope = Scope { random, prefix: "", columns: &table.columns };
        let (inner, column) = (scope.condition(1).sql(), scope.any());
        let name = &column.name;
        let nested = match scope.random.below(8) {
            0 => {
                self.from = format!("(SELECT * FROM t WHERE {inner} UNION ALL SELECT * FROM t) t");
                None
            }
            1 => {
                self.from = format!("(SELECT * FROM t WHERE {inner}) t");
                None
            }
            6 if keeps_order(table) => {
                let limit = scope.random.below(9);
                self.from = format!("(SELECT * FROM t WHERE {inner} LIMIT {limit}) t");
                None
            }
            7 => {
                // By all columns: which of two rows comes first is only open if they are the same.
                let all: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
                let window = format!("row_number() OVER (PARTITION BY {name} ORDER BY {})", all.join(", "));
                self.from = format!("(SELECT *, {window} AS row FROM t WHERE {inner}) t");
                Some("row = 1 OR row > 3".to_owned()).filter(|_| scope.random.one_in(2))
            }
            2 => Some(format!("{name} IN (SELECT {name} FROM t WHERE {inner})")),
            3 => Some(format!("{name} NOT IN (SELECT {name} FROM t WHERE {inner})")),
            4 => Some(format!("{name} >= (SELECT min({name}) FROM t WHERE {inner})")),
            _ => Some(format!("EXISTS (SELECT 1 FROM t u WHERE u.{name} = t.{name})")),
        };
        if let Some(nested) = nested {
            let parts = [Some(Condition::Leaf(nested)), self.filter.take()];
            self.filter = Some(Condition::And(parts.into_iter().flatten().collect()));
        }
        if random.one_in(2) {
            self.grouped(random, table, 0);
        } else {
            self.rows(random, table, "");
            if self.order.is_none() {
                (self.limit, self.offset) = (None, 0);
            }
        }
    }

    /// As SQL.
    pub fn sql(&self) -> String {
        let item = |at: usize| {
            let sql = &self.items[at].sql;
            // Two columns may not have the same name.
            let again = self.items[..at].iter().any(|item| item.sql == *sql);
            if again { format!("{sql} AS again{at}") } else { sql.clone() }
        };
        let items: Vec<String> = (0..self.items.len()).map(item).collect();
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let mut sql = format!("SELECT {distinct}{} FROM {}", items.join(", "), self.from);
        if let Some(filter) = &self.filter {
            sql += &format!(" WHERE {}", filter.sql());
        }
        let keys: Vec<&str> =
            self.items.iter().filter(|item| item.is_key).map(|item| item.sql.as_str()).collect();
        if !keys.is_empty() {
            sql += &format!(" GROUP BY {}", keys.join(", "));
        }
        if let Some(having) = &self.having {
            sql += &format!(" HAVING {having}");
        }
        if let Some(order) = self.order {
            let columns: Vec<String> = (1..=self.items.len()).map(|at| format!("{at}{order}")).collect();
            sql += &format!(" ORDER BY {}", columns.join(", "));
        }
        if let Some(limit) = self.limit {
            sql += &format!(" LIMIT {limit}");
        }
        if self.offset > 0 {
            sql += &format!(" OFFSET {}", self.offset);
        }
        sql
    }

    /// Positions of the columns that hold sums of floating point numbers.
    pub fn approximate(&self) -> Vec<usize> {
        (0..self.items.len()).filter(|&at| self.items[at].approximate.is_some()).collect()
    }

    /// How far these may be apart over this table. The error of a sum of n terms added one by one is at most
    /// n * epsilon times the sum of their magnitudes.
    pub fn tolerance(&self, table: &Table) -> Tolerance {
        let degree = self.items.iter().filter_map(|item| item.approximate).max().unwrap_or(0);
        let terms = (2.0 * table.record_count() as f64 + 2.0).powi(self.relations);
        let absolute = terms * terms * (table.magnitude() + 1.0).powi(degree) * 4.0 * f64::EPSILON;
        Tolerance { relative: 1e-9, absolute }
    }

    /// How often it reads the table.
    pub fn scans(&self) -> usize {
        let sql = self.sql();
        ["FROM t", "JOIN t"].iter().map(|scan| sql.matches(scan).count()).sum()
    }

    /// Whether its rows are groups.
    pub fn is_grouped(&self) -> bool {
        self.distinct || self.items.iter().any(|item| item.is_key)
    }

    /// Queries with a part less.
    pub fn smaller(&self) -> Vec<Query> {
        let mut smaller = Vec::new();
        let mut push = |change: &dyn Fn(&mut Query)| {
            let mut query = self.clone();
            change(&mut query);
            smaller.push(query);
        };
        if self.filter.is_some() {
            push(&|query| query.filter = None);
        }
        for filter in self.filter.iter().flat_map(Condition::smaller) {
            push(&|query| query.filter = Some(filter.clone()));
        }
        if self.items.len() > 1 {
            for at in 0..self.items.len() {
                push(&|query| drop(query.items.remove(at)));
            }
        }
        if self.having.is_some() {
            push(&|query| query.having = None);
        }
        if self.offset > 0 {
            push(&|query| query.offset = 0);
        } else if self.limit.is_some() {
            push(&|query| query.limit = None);
        } else if self.order.is_some() {
            push(&|query| query.order = None);
        }
        if self.distinct {
            push(&|query| query.distinct = false);
        }
        if self.relations == 1 && self.from != "t" {
            push(&|query| query.from = "t".to_owned());
        }
        smaller
    }
}

/// Whether the rows of a scan come in one order only.
fn keeps_order(table: &Table) -> bool {
    table.threads == 1 && table.files.len() == 1
}

fn aggregate(random: &mut Random, columns: &[Column]) -> Item {
    let mut scope = Scope { random, prefix: "", columns };
    let column = scope.any();
    let name = scope.name(column);
    let mut approximate = None;
    let mut sql = match scope.random.below(14) {
        0 | 1 => "count(*)".to_owned(),
        2 => format!("count({name})"),
        3 if scope.random.one_in(2) => format!("count(DISTINCT {name})"),
        4 if scope.random.one_in(3) => {
            format!("sum(DISTINCT {})", scope.number_column().map_or("1", |column| &column.name))
        }
        5 if scope.random.one_in(4) => {
            let other = scope.any();
            format!("count({name}, {})", other.name)
        }
        6 => format!("min({name})"),
        7 => format!("max({name})"),
        _ => match scope.number_column() {
            None => format!("count({name})"),
            Some(column) => {
                let (argument, degree) = scope.argument(column);
                let function = *scope.random.pick(&["sum", "sum", "avg", "min", "max", "count"]);
                // The types of an inferred table, and of what is computed, are not known here.
                if function == "sum" || function == "avg" {
                    approximate = Some(degree);
                }
                format!("{function}({argument})")
            }
        },
    };
    if sql.starts_with("sum(DISTINCT") {
        approximate = Some(1);
    }
    if scope.random.one_in(6) {
        sql += &format!(" FILTER (WHERE {})", scope.condition(1).sql());
    }
    Item { sql, is_key: false, approximate }
}
