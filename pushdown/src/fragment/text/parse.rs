//! From tokens to a fragment: recursive descent, one function per line of the grammar.

use super::lex::{Placed, Token, lex};
use super::{KEYWORDS, ParseError, ParseErrorKind};
use crate::fragment::{
    Aggregate, AggregateFunction, Column, ColumnType, Expr, Fragment, Key, Literal, Output, StructuralBytes,
};
use crate::ops::{Notation, Op, Parameter, ValueType};

/// Deepest nesting of a text: the parser recurses on the stack. Far above what a person writes.
const DEPTH_MAX: usize = 500;

type Result<T> = std::result::Result<T, ParseError>;

/// Reads the text of a fragment; checks its grammar, not its meaning (see [`crate::fragment::validate`]).
pub fn parse(text: &str) -> Result<Fragment> {
    let mut parser = Parser { tokens: lex(text)?, position: 0, depth: 0, columns: Vec::new() };
    let fragment = parser.fragment()?;
    match parser.peek() {
        Token::End => Ok(fragment),
        _ => Err(parser.expected("the end")),
    }
}

struct Parser<'a> {
    tokens: Vec<Placed<'a>>,
    position: usize,
    depth: usize,
    /// As far as read: expressions refer to them.
    columns: Vec<Column>,
}

// Tokens.
impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        &self.tokens[self.position].token
    }

    /// Takes a token. The last one, [`Token::End`], stays.
    fn skip(&mut self) {
        self.position = (self.position + 1).min(self.tokens.len() - 1);
    }

    /// An error at the current token.
    fn error(&self, kind: ParseErrorKind) -> ParseError {
        let Placed { line, column, .. } = self.tokens[self.position];
        ParseError { line, column, kind }
    }

    fn expected(&self, expected: &'static str) -> ParseError {
        let found = match self.peek() {
            Token::Word(word) => word.to_string(),
            Token::Number(number) => number.to_string(),
            Token::Text(_) => "a string".to_string(),
            Token::Index(index) => format!("${index}"),
            Token::Symbol(symbol) => symbol.to_string(),
            Token::Newline => "the end of the line".to_string(),
            Token::End => "the end".to_string(),
        };
        self.error(ParseErrorKind::Expected { expected, found })
    }

    fn accept(&mut self, token: &Token<'_>) -> bool {
        let found = self.peek() == token;
        if found {
            self.skip();
        }
        found
    }

    fn accept_word(&mut self, word: &'static str) -> bool {
        self.accept(&Token::Word(word))
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        if self.accept_word(word) { Ok(()) } else { Err(self.expected(word)) }
    }

    fn symbol(&mut self, symbol: &'static str) -> Result<()> {
        if self.accept(&Token::Symbol(symbol)) { Ok(()) } else { Err(self.expected(symbol)) }
    }

    fn newline(&mut self) -> Result<()> {
        match self.peek() {
            Token::Newline => self.skip(),
            Token::End => {}
            _ => return Err(self.expected("the end of the line")),
        }
        Ok(())
    }

    fn text(&mut self) -> Result<Vec<u8>> {
        let Token::Text(bytes) = self.peek() else { return Err(self.expected("a string")) };
        let bytes = bytes.clone();
        self.skip();
        Ok(bytes)
    }

    /// A number without a sign that fits into `T`.
    fn number<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let &Token::Number(number) = self.peek() else { return Err(self.expected("a number")) };
        let number = T::try_from(number).map_err(|_| self.error(ParseErrorKind::Number))?;
        self.skip();
        Ok(number)
    }

    fn integer(&mut self) -> Result<i64> {
        let negative = self.accept(&Token::Symbol("-"));
        let &Token::Number(magnitude) = self.peek() else { return Err(self.expected("an integer")) };
        let value = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
        let value = i64::try_from(value).map_err(|_| self.error(ParseErrorKind::Number))?;
        self.skip();
        Ok(value)
    }

    /// `(item, ...)`
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.symbol("(")?;
        let mut items = Vec::new();
        if self.accept(&Token::Symbol(")")) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.accept(&Token::Symbol(")")) {
                return Ok(items);
            }
            if !self.accept(&Token::Symbol(",")) {
                return Err(self.expected(") or a comma"));
            }
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(ParseErrorKind::Depth));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }
}

// Statements.
impl Parser<'_> {
    fn fragment(&mut self) -> Result<Fragment> {
        self.word("fragment")?;
        self.word("fields")?;
        self.symbol("=")?;
        let field_count = self.number()?;
        let mut dialect = StructuralBytes::default();
        dialect.delimiter = self.dialect_byte("delimiter")?.unwrap_or(dialect.delimiter);
        dialect.quote = self.dialect_byte("quote")?.unwrap_or(dialect.quote);
        dialect.escape = self.dialect_byte("escape")?;
        self.newline()?;
        while self.accept_word("column") {
            let column = self.column_statement()?;
            self.columns.push(column);
            self.newline()?;
        }
        let filter = self.filter()?;
        if filter.is_some() {
            self.newline()?;
        }
        self.word("output")?;
        let output = self.output()?;
        let columns = std::mem::take(&mut self.columns);
        Ok(Fragment { dialect, field_count, columns, filter, output })
    }

    /// `name="byte"`, if it stands here.
    fn dialect_byte(&mut self, name: &'static str) -> Result<Option<u8>> {
        if !self.accept_word(name) {
            return Ok(None);
        }
        self.symbol("=")?;
        match self.peek() {
            Token::Text(bytes) if bytes.len() != 1 => Err(self.error(ParseErrorKind::NotOneByte)),
            _ => Ok(self.text()?.first().copied()),
        }
    }

    fn column_statement(&mut self) -> Result<Column> {
        let field = self.number()?;
        let name = match self.peek() {
            Token::Word(name) => name.to_string(),
            Token::Text(bytes) => {
                String::from_utf8(bytes.clone()).map_err(|_| self.error(ParseErrorKind::NameEncoding))?
            }
            _ => return Err(self.expected("a name")),
        };
        self.skip();
        let ty = self.column_type()?;
        let not_null = self.accept_word("not");
        if not_null {
            self.word("null")?;
        }
        let unpadded = self.accept_word("unpadded");
        Ok(Column { name, field, ty, nullable: !not_null, unpadded })
    }

    fn column_type(&mut self) -> Result<ColumnType> {
        let &Token::Word(word) = self.peek() else { return Err(self.expected("a type")) };
        let integer = |prefix| word.strip_prefix(prefix).and_then(|bits| bits.parse().ok());
        let ty = match word {
            "date" => ColumnType::Date,
            "boolean" => ColumnType::Boolean,
            "string" => ColumnType::String,
            "float" => {
                self.skip();
                self.symbol("(")?;
                let scale = self.number()?;
                self.symbol(")")?;
                return Ok(ColumnType::Float { scale });
            }
            "decimal" => {
                self.skip();
                self.symbol("(")?;
                let precision = self.number()?;
                self.symbol(",")?;
                let scale = self.number()?;
                self.symbol(")")?;
                return Ok(ColumnType::Decimal { precision, scale });
            }
            _ => match (integer('i'), integer('u')) {
                (Some(bits), _) => ColumnType::Int { bits, signed: true },
                (_, Some(bits)) => ColumnType::Int { bits, signed: false },
                _ => return Err(self.expected("a type")),
            },
        };
        self.skip();
        Ok(ty)
    }

    fn filter(&mut self) -> Result<Option<Expr>> {
        if self.accept_word("filter") { self.expr().map(Some) } else { Ok(None) }
    }

    fn output(&mut self) -> Result<Output> {
        for (word, output) in [("records", Output::Records), ("values", Output::Values)] {
            if self.accept_word(word) {
                self.newline()?;
                return Ok(output);
            }
        }
        if !self.accept_word("aggregates") {
            return Err(self.expected("records, values or aggregates"));
        }
        self.newline()?;
        let (mut keys, mut aggregates) = (Vec::new(), Vec::new());
        while self.accept_word("key") {
            let column = self.column()?;
            let mut string_bytes_max = 0;
            if self.accept_word("bytes") {
                self.symbol("=")?;
                string_bytes_max = self.number()?;
            }
            self.newline()?;
            keys.push(Key { column, string_bytes_max });
        }
        while self.accept_word("aggregate") {
            let function = self.function()?;
            let arguments = self.list(Self::expr)?;
            let filter = self.filter()?;
            self.newline()?;
            aggregates.push(Aggregate { function, arguments, filter });
        }
        Ok(Output::Aggregates { keys, aggregates })
    }

    fn function(&mut self) -> Result<AggregateFunction> {
        let &Token::Word(name) = self.peek() else { return Err(self.expected("an aggregate function")) };
        let all = AggregateFunction::all();
        let found = all.into_iter().find(|function| function.signature().name == name);
        let function = found.ok_or_else(|| self.expected("an aggregate function"))?;
        self.skip();
        Ok(function)
    }
}

// Expressions. Operators are found by their signatures.
impl Parser<'_> {
    fn expr(&mut self) -> Result<Expr> {
        let left = self.term()?;
        if let Some(op) = self.infix(Notation::Relation) {
            let right = self.term()?;
            return Ok(Expr::call(op, [left, right]));
        }
        if self.accept_word("is") {
            let negated = self.accept_word("not");
            self.word("null")?;
            let name = if negated { "is not null" } else { "is null" };
            return self.named(Notation::Postfix, name, vec![left]);
        }
        let negated = *self.peek() == Token::Word("not");
        if !negated && *self.peek() != Token::Word("in") {
            return Ok(left);
        }
        self.accept_word("not");
        self.word("in")?;
        let mut arguments = vec![left];
        arguments.extend(self.list(Self::operand)?);
        self.named(Notation::List, if negated { "not in" } else { "in" }, arguments)
    }

    fn term(&mut self) -> Result<Expr> {
        let left = self.operand()?;
        match self.infix(Notation::Term) {
            Some(op) => Ok(Expr::call(op, [left, self.operand()?])),
            None => Ok(left),
        }
    }

    /// The operator at a symbol.
    fn infix(&mut self, notation: Notation) -> Option<Op> {
        let &Token::Symbol(symbol) = self.peek() else { return None };
        let op = named(notation, symbol).next()?;
        self.skip();
        Some(op)
    }

    fn operand(&mut self) -> Result<Expr> {
        let literal = match self.peek() {
            Token::Number(_) | Token::Symbol("-") => return Ok(Expr::integer(self.integer()?)),
            Token::Text(_) => return Ok(Literal::Bytes(self.text()?).into()),
            Token::Word("null") => Expr::NULL,
            Token::Word("true") => Expr::TRUE,
            Token::Word("false") => Expr::FALSE,
            Token::Symbol("(") => {
                self.skip();
                let expr = self.deeper(Self::expr)?;
                self.symbol(")")?;
                return Ok(expr);
            }
            &Token::Word(name) if self.is_function(name) => {
                self.skip();
                let arguments = self.deeper(|parser| parser.list(Self::expr))?;
                return self.named(Notation::Function, name, arguments);
            }
            _ => return Ok(Expr::Column(self.column()?)),
        };
        self.skip();
        Ok(literal)
    }

    /// Whether the name at the current token begins a call. A column may have the name of a function.
    fn is_function(&self, name: &str) -> bool {
        let open = self.tokens.get(self.position + 1).map(|next| &next.token);
        named(Notation::Function, name).next().is_some()
            && (open == Some(&Token::Symbol("(")) || KEYWORDS.contains(&name))
    }

    /// The operator of this name: the first that takes the arguments, else the first.
    fn named(&self, notation: Notation, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let takes = |op: &Op| {
            op.signature().takes.iter().any(|parameters| {
                arguments.iter().enumerate().all(|(index, argument)| {
                    let ty = argument.value_type(|column| self.column_value_type(column));
                    parameters.at(index).is_some_and(|parameter| may_be(parameter, ty))
                })
            })
        };
        let op = named(notation, name).find(takes).or_else(|| named(notation, name).next());
        Ok(Expr::call(op.ok_or_else(|| self.expected("an operator"))?, arguments))
    }

    fn column_value_type(&self, column: usize) -> ValueType {
        self.columns.get(column).map_or(ValueType::I64, |column| column.ty.value_type())
    }

    fn column(&mut self) -> Result<usize> {
        let index = match *self.peek() {
            Token::Index(index) => index,
            Token::Word(name) if !KEYWORDS.contains(&name) => {
                let mut named = (0..self.columns.len()).filter(|index| self.columns[*index].name == name);
                match (named.next(), named.next()) {
                    (Some(index), None) => index,
                    (None, _) => return Err(self.error(ParseErrorKind::UnknownColumn(name.to_string()))),
                    _ => return Err(self.error(ParseErrorKind::AmbiguousColumn(name.to_string()))),
                }
            }
            _ => return Err(self.expected("an operand")),
        };
        self.skip();
        Ok(index)
    }
}

/// The operators with a name.
fn named(notation: Notation, name: &str) -> impl Iterator<Item = Op> {
    Op::all().into_iter().filter(move |op| {
        let signature = op.signature();
        signature.notation == notation && signature.name == name
    })
}

/// Whether an argument of a type may be meant.
fn may_be(parameter: Parameter, argument: ValueType) -> bool {
    match parameter {
        Parameter::Value(ty) | Parameter::Plain(ty) | Parameter::Column(ty) | Parameter::Constant(ty) => {
            ty == argument
        }
        Parameter::Natural => argument == ValueType::I64,
        Parameter::AnyColumn => true,
    }
}
