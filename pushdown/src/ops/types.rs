//! What an expression is made of besides operators: types, constants, and signatures.

use std::fmt;

/// The type of a value. The values of a type have one form in the program and one in the reference; a family that
/// needs another type brings it here, with its [`Literal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// True or false. A predicate is an expression of this type.
    Bool,
    /// A 64-bit signed integer. Whether it is itself, a number of hundredths or a date (`YYYYMMDD`) is known to the
    /// column's type and to the engine, not to the operators: they are the same for all of these.
    I64,
    /// The bytes of a string, never empty: an empty field is NULL.
    Bytes,
}

impl ValueType {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Bool => "a condition",
            ValueType::I64 => "an integer",
            ValueType::Bytes => "a string",
        }
    }
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Literal {
    /// True, false, or NULL. Only conditions have a NULL constant: any other operand of NULL makes a condition NULL.
    Bool(Option<bool>),
    /// An integer.
    I64(i64),
    /// A string, at most [`STRING_LITERAL_BYTES_MAX`](crate::fragment::STRING_LITERAL_BYTES_MAX) long. An empty one
    /// never equals anything.
    Bytes(Vec<u8>),
}

impl Literal {
    /// Its type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Literal::Bool(_) => ValueType::Bool,
            Literal::I64(_) => ValueType::I64,
            Literal::Bytes(_) => ValueType::Bytes,
        }
    }

    /// As the 64-bit number that a program computes with: 0 or 1 for a truth value. None for a string and for NULL.
    pub fn number(&self) -> Option<i64> {
        match self {
            Literal::Bool(truth) => truth.map(i64::from),
            Literal::I64(value) => Some(*value),
            Literal::Bytes(_) => None,
        }
    }
}

/// What may stand in one place of an argument list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// An expression of this type.
    Value(ValueType),
    /// A column or a constant of this type, the constant not NULL.
    Plain(ValueType),
    /// A column of this type.
    Column(ValueType),
    /// A column of any type.
    AnyColumn,
    /// A constant of this type, not NULL.
    Constant(ValueType),
    /// An integer constant that is not negative.
    Natural,
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Parameter::Value(ty) => f.write_str(ty.name()),
            Parameter::Plain(ty) => write!(f, "{}, as a column or a constant", ty.name()),
            Parameter::Column(ty) => write!(f, "{}, as a column", ty.name()),
            Parameter::AnyColumn => write!(f, "a column"),
            Parameter::Constant(ty) => write!(f, "{}, as a constant", ty.name()),
            Parameter::Natural => write!(f, "a constant that is not negative"),
        }
    }
}

/// One list of arguments that an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// One for each of the first arguments.
    pub first: &'static [Parameter],
    /// What may follow them any number of times.
    pub rest: Option<Parameter>,
}

impl Parameters {
    /// Exactly these.
    pub const fn exactly(first: &'static [Parameter]) -> Parameters {
        Parameters { first, rest: None }
    }

    /// Any number of these.
    pub const fn any_number_of(parameter: Parameter) -> Parameters {
        Parameters { first: &[], rest: Some(parameter) }
    }

    /// These, and any number of the last one.
    pub const fn repeating(first: &'static [Parameter]) -> Parameters {
        Parameters { first, rest: first.last().copied() }
    }

    /// What stands in a place, if anything may.
    pub fn at(&self, index: usize) -> Option<Parameter> {
        self.first.get(index).copied().or(self.rest)
    }

    /// Whether a list may be so long.
    pub fn allow(&self, count: usize) -> bool {
        count >= self.first.len() && (count == self.first.len() || self.rest.is_some())
    }
}

/// How an operator is written in the text of a fragment, around its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// `a name b`, of operands.
    Term,
    /// `a name b`, of terms.
    Relation,
    /// `a name (b, c)`
    List,
    /// `a name`
    Postfix,
    /// `name(a, b)`
    Function,
}

/// When the result is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullRule {
    /// When an argument is. Then nothing else of the operator happens, so it does not fail either.
    Strict,
    /// What the operator's documentation says.
    Own,
}

/// What is known of an operator without looking at its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// In the text of a fragment. Operators of one name differ in what they take.
    pub name: &'static str,
    /// How that is written.
    pub notation: Notation,
    /// The argument lists it takes.
    pub takes: &'static [Parameters],
    /// The type of its result.
    pub gives: ValueType,
    /// Its NULL rule.
    pub nulls: NullRule,
    /// Its failure rule: whether there are arguments for which the record is an exception record.
    pub can_fail: bool,
}
