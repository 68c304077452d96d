//! From a fragment to its text.

use super::is_plain;
use crate::fragment::{
    Aggregate, AggregateFunction, Arithmetic, Column, ColumnType, Comparison, Expr, Fragment, Output,
    Overflow, Predicate,
};
use std::fmt::{self, Display, Formatter};

impl Display for Fragment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let dialect = &self.dialect;
        let (delimiter, quote) = ([dialect.delimiter], [dialect.quote]);
        let (delimiter, quote) = (Quoted(&delimiter), Quoted(&quote));
        write!(f, "fragment fields={} delimiter={delimiter} quote={quote}", self.field_count)?;
        if let Some(escape) = dialect.escape {
            write!(f, " escape={}", Quoted(&[escape]))?;
        }
        writeln!(f)?;
        for column in &self.columns {
            writeln!(f, "{column}")?;
        }
        let names = Names::new(&self.columns);
        if let Some(filter) = &self.filter {
            write!(f, "filter ")?;
            names.predicate(f, filter)?;
            writeln!(f)?;
        }
        let Output::Aggregates { keys, aggregates } = &self.output else {
            return writeln!(f, "output records");
        };
        writeln!(f, "output aggregates")?;
        for key in keys {
            write!(f, "key ")?;
            names.column(f, key.column)?;
            if key.string_bytes_max > 0 {
                write!(f, " bytes={}", key.string_bytes_max)?;
            }
            writeln!(f)?;
        }
        aggregates.iter().try_for_each(|aggregate| names.aggregate(f, aggregate))
    }
}

impl Fragment {
    /// A predicate over the columns of this fragment, as its text has it.
    pub(crate) fn predicate_text(&self, predicate: &Predicate) -> String {
        let names = Names::new(&self.columns);
        fmt::from_fn(|f| names.predicate(f, predicate)).to_string()
    }

    /// The same of an aggregate, its FILTER left out.
    pub(crate) fn aggregate_text(&self, function: &AggregateFunction) -> String {
        let names = Names::new(&self.columns);
        fmt::from_fn(|f| names.function(f, function)).to_string()
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "column {} ", self.field)?;
        if is_plain(&self.name) {
            write!(f, "{}", self.name)?;
        } else {
            write!(f, "{}", Quoted(self.name.as_bytes()))?;
        }
        write!(f, " {}{}", self.ty, if self.nullable { "" } else { " not null" })
    }
}

impl Display for ColumnType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::Int { bits, signed: true } => write!(f, "i{bits}"),
            ColumnType::Int { bits, signed: false } => write!(f, "u{bits}"),
            ColumnType::Float { scale } => write!(f, "float({scale})"),
            ColumnType::Decimal { precision, scale } => write!(f, "decimal({precision}, {scale})"),
            ColumnType::Date => write!(f, "date"),
            ColumnType::Boolean => write!(f, "boolean"),
            ColumnType::String => write!(f, "string"),
        }
    }
}

/// Bytes as a string constant.
struct Quoted<'a>(&'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"")?;
        for &byte in self.0 {
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                b' '..=b'~' => write!(f, "{}", char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        write!(f, "\"")
    }
}

/// How each column is referred to: by its name, or by its index if it has no name of its own.
struct Names<'a>(Vec<Option<&'a str>>);

impl<'a> Names<'a> {
    fn new(columns: &'a [Column]) -> Self {
        let unique = |name: &str| columns.iter().filter(|column| column.name == name).count() == 1;
        let name = |column: &'a Column| Some(&*column.name).filter(|name| is_plain(name) && unique(name));
        Names(columns.iter().map(name).collect())
    }

    fn column(&self, f: &mut Formatter<'_>, index: usize) -> fmt::Result {
        match self.0.get(index) {
            Some(Some(name)) => write!(f, "{name}"),
            _ => write!(f, "${index}"),
        }
    }

    fn aggregate(&self, f: &mut Formatter<'_>, aggregate: &Aggregate) -> fmt::Result {
        write!(f, "aggregate ")?;
        self.function(f, &aggregate.function)?;
        if let Some(filter) = &aggregate.filter {
            write!(f, " filter ")?;
            self.predicate(f, filter)?;
        }
        writeln!(f)
    }

    fn function(&self, f: &mut Formatter<'_>, function: &AggregateFunction) -> fmt::Result {
        let name = match function {
            AggregateFunction::Count { .. } => "count",
            AggregateFunction::SumWrap(_) => "sum_wrap",
            AggregateFunction::SumExact(_) => "sum_exact",
            AggregateFunction::Min(_) => "min",
            AggregateFunction::Max(_) => "max",
        };
        write!(f, "{name}(")?;
        if let Some(argument) = function.argument() {
            self.expr(f, argument)?;
        }
        if let AggregateFunction::Count { non_null } = function {
            separated(f, non_null, |f, column| self.column(f, *column))?;
        }
        write!(f, ")")
    }

    fn predicate(&self, f: &mut Formatter<'_>, predicate: &Predicate) -> fmt::Result {
        let not = |negated: &bool| if *negated { "not " } else { "" };
        match predicate {
            Predicate::Literal(None) => return write!(f, "null"),
            Predicate::Literal(Some(value)) => return write!(f, "{value}"),
            Predicate::IsNull { column, negated } => {
                self.column(f, *column)?;
                return write!(f, " is {}null", not(negated));
            }
            Predicate::Compare { op, left, right } => {
                self.expr(f, left)?;
                write!(f, " {op} ")?;
                return self.expr(f, right);
            }
            Predicate::In { expr, values, negated } => {
                self.expr(f, expr)?;
                write!(f, " {}in (", not(negated))?;
                separated(f, values, |f, value| write!(f, "{value}"))?;
            }
            Predicate::StringIn { column, values, negated } => {
                self.column(f, *column)?;
                write!(f, " {}in (", not(negated))?;
                separated(f, values, |f, value| write!(f, "{}", Quoted(value)))?;
            }
            Predicate::And(parts) => {
                write!(f, "and(")?;
                separated(f, parts, |f, part| self.predicate(f, part))?;
            }
            Predicate::Or(parts) => {
                write!(f, "or(")?;
                separated(f, parts, |f, part| self.predicate(f, part))?;
            }
            Predicate::Not(inner) => {
                write!(f, "not(")?;
                self.predicate(f, inner)?;
            }
        }
        write!(f, ")")
    }

    fn expr(&self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        let Expr::Binary { op, overflow, left, right } = expr else { return self.operand(f, expr) };
        self.operand(f, left)?;
        let mark = match overflow {
            Overflow::Wrap => "",
            Overflow::Exception => "!",
        };
        write!(f, " {op}{mark} ")?;
        self.operand(f, right)
    }

    fn operand(&self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        match expr {
            Expr::Column(column) => self.column(f, *column),
            Expr::Literal(value) => write!(f, "{value}"),
            Expr::Binary { .. } => {
                write!(f, "(")?;
                self.expr(f, expr)?;
                write!(f, ")")
            }
            Expr::Bound { argument, magnitude_max } => {
                write!(f, "bound(")?;
                self.expr(f, argument)?;
                write!(f, ", {magnitude_max})")
            }
        }
    }
}

fn separated<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    mut print: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            write!(f, ", ")?;
        }
        print(f, item)?;
    }
    Ok(())
}

impl Display for Arithmetic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arithmetic::Add => "+",
            Arithmetic::Sub => "-",
            Arithmetic::Mul => "*",
        })
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Eq => "=",
            Comparison::NotEq => "<>",
            Comparison::Lt => "<",
            Comparison::LtEq => "<=",
            Comparison::Gt => ">",
            Comparison::GtEq => ">=",
        })
    }
}
