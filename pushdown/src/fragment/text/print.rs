//! From a fragment to its text.

use super::is_plain;
use crate::fragment::{Aggregate, Column, ColumnType, Expr, Fragment, Literal, Output};
use crate::ops::Notation;
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
            names.expr(f, filter)?;
            writeln!(f)?;
        }
        let (keys, aggregates) = match &self.output {
            Output::Records => return writeln!(f, "output records"),
            Output::Values => return writeln!(f, "output values"),
            Output::Aggregates { keys, aggregates } => (keys, aggregates),
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
    /// An expression over the columns of this fragment, as its text has it.
    pub(crate) fn expr_text(&self, expr: &Expr) -> String {
        let names = Names::new(&self.columns);
        fmt::from_fn(|f| names.expr(f, expr)).to_string()
    }

    /// The same of an aggregate, its FILTER left out.
    pub(crate) fn aggregate_text(&self, aggregate: &Aggregate) -> String {
        let names = Names::new(&self.columns);
        fmt::from_fn(|f| names.call(f, aggregate.function.signature().name, &aggregate.arguments)).to_string()
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
        write!(f, " {}{}", self.ty, if self.nullable { "" } else { " not null" })?;
        f.write_str(if self.unpadded { " unpadded" } else { "" })
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
        self.call(f, aggregate.function.signature().name, &aggregate.arguments)?;
        if let Some(filter) = &aggregate.filter {
            write!(f, " filter ")?;
            self.expr(f, filter)?;
        }
        writeln!(f)
    }

    fn expr(&self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        let Expr::Call(op, arguments) = expr else { return self.operand(f, expr) };
        let signature = op.signature();
        match (signature.notation, arguments.as_slice()) {
            (Notation::Relation, [left, right]) => {
                self.term(f, left)?;
                write!(f, " {} ", signature.name)?;
                self.term(f, right)
            }
            (Notation::List, [sought, values @ ..]) => {
                self.term(f, sought)?;
                write!(f, " ")?;
                self.call(f, &format!("{} ", signature.name), values)
            }
            (Notation::Postfix, [argument]) => {
                self.term(f, argument)?;
                write!(f, " {}", signature.name)
            }
            _ => self.term(f, expr),
        }
    }

    /// What stands beside a relation.
    fn term(&self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        match expr {
            Expr::Call(op, arguments) if op.signature().notation == Notation::Term => {
                let [left, right] = arguments.as_slice() else { return self.operand(f, expr) };
                self.operand(f, left)?;
                write!(f, " {} ", op.signature().name)?;
                self.operand(f, right)
            }
            _ => self.operand(f, expr),
        }
    }

    /// What stands beside an operator: anything else is in parentheses.
    fn operand(&self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        match expr {
            Expr::Column(column) => self.column(f, *column),
            Expr::Literal(Literal::Bool(None)) => write!(f, "null"),
            Expr::Literal(Literal::Bool(Some(truth))) => write!(f, "{truth}"),
            Expr::Literal(Literal::I64(value)) => write!(f, "{value}"),
            Expr::Literal(Literal::Bytes(bytes)) => write!(f, "{}", Quoted(bytes)),
            Expr::Call(op, arguments) => {
                let signature = op.signature();
                // An operator with a number of arguments that it does not take has no other form.
                let is_infix = match signature.notation {
                    Notation::Term | Notation::Relation => arguments.len() == 2,
                    Notation::List => !arguments.is_empty(),
                    Notation::Postfix => arguments.len() == 1,
                    Notation::Function => false,
                };
                if !is_infix {
                    return self.call(f, signature.name, arguments);
                }
                write!(f, "(")?;
                self.expr(f, expr)?;
                write!(f, ")")
            }
        }
    }

    /// `name(argument, ...)`
    fn call(&self, f: &mut Formatter<'_>, name: &str, arguments: &[Expr]) -> fmt::Result {
        write!(f, "{name}(")?;
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                write!(f, ", ")?;
            }
            self.expr(f, argument)?;
        }
        write!(f, ")")
    }
}
