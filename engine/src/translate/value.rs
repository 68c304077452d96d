//! A translated operand: its expression, and what its integer stands for.

use pushdown::fragment::Expr;

/// What the integer of an expression stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// Itself.
    Int,
    /// A double: a number of `10^-scale`.
    Float {
        /// Digits behind the point.
        scale: u8,
        /// Whether DataFusion has rounded on the way to this value. If not, it is the double nearest to a number of at
        /// most 15 digits.
        rounded: bool,
    },
    /// A decimal: a number of `10^-scale`.
    Decimal {
        /// Digits behind the point.
        scale: u8,
    },
    /// `YYYYMMDD`.
    Date,
    /// No integer: a truth value.
    Boolean,
}

/// A translated expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub expr: Expr,
    pub kind: ValueKind,
}

impl Value {
    pub fn new(expr: Expr, kind: ValueKind) -> Self {
        Value { expr, kind }
    }
}
