//! The tree of an expression, and the walks over it.

use super::{Literal, Op, ValueType};

/// A typed expression over the columns of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// The value of a column: an index into [`Fragment::columns`](crate::fragment::Fragment::columns).
    Column(usize),
    /// A constant.
    Literal(Literal),
    /// An operator on arguments.
    Call(Op, Vec<Expr>),
}

impl Expr {
    /// True in a place for a condition.
    pub const TRUE: Expr = Expr::Literal(Literal::Bool(Some(true)));
    /// False in a place for a condition.
    pub const FALSE: Expr = Expr::Literal(Literal::Bool(Some(false)));
    /// NULL in a place for a condition.
    pub const NULL: Expr = Expr::Literal(Literal::Bool(None));

    /// An operator on arguments.
    pub fn call(op: impl Into<Op>, arguments: impl Into<Vec<Expr>>) -> Expr {
        Expr::Call(op.into(), arguments.into())
    }

    /// An integer constant.
    pub fn integer(value: i64) -> Expr {
        Expr::Literal(Literal::I64(value))
    }

    /// The value of an integer constant.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Expr::Literal(Literal::I64(value)) => Some(*value),
            _ => None,
        }
    }

    /// The constant that it is.
    pub fn as_literal(&self) -> Option<&Literal> {
        match self {
            Expr::Literal(literal) => Some(literal),
            Expr::Column(_) | Expr::Call(..) => None,
        }
    }

    /// The 64-bit number of a constant: see [`Literal::number`].
    pub(super) fn as_number(&self) -> Option<i64> {
        self.as_literal().and_then(Literal::number)
    }

    /// Its type, when the columns have these types.
    pub fn value_type(&self, column_type: impl Fn(usize) -> ValueType) -> ValueType {
        match self {
            Expr::Column(column) => column_type(*column),
            Expr::Literal(literal) => literal.value_type(),
            Expr::Call(op, _) => op.signature().gives,
        }
    }

    /// Shows each node, those that contain others first.
    pub fn visit(&self, see: &mut impl FnMut(&Expr)) {
        see(self);
        if let Expr::Call(_, arguments) = self {
            arguments.iter().for_each(|argument| argument.visit(see));
        }
    }

    /// The columns it reads, in order of appearance, each once.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.visit(&mut |node| {
            if let Expr::Column(column) = node
                && !columns.contains(column)
            {
                columns.push(*column);
            }
        });
        columns
    }

    /// Whether evaluating it can make the record an exception record.
    pub fn can_fail(&self) -> bool {
        let mut can_fail = false;
        self.visit(&mut |node| {
            can_fail |= matches!(node, Expr::Call(op, _) if op.signature().can_fail);
        });
        can_fail
    }
}

impl From<Literal> for Expr {
    fn from(literal: Literal) -> Expr {
        Expr::Literal(literal)
    }
}
