//! Macros: fills holes, unrolls repetitions, drops lines of conditions that do not hold, puts the lines of a macro
//! where it is used. Knows lines, not statements; after it there is no brace in a line of code and no block left.

use std::collections::BTreeMap;

use super::{AsmError, AsmErrorKind, Holes, LINES_MAX};

/// A line after expansion.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number in the text it came from, from 1.
    pub number: usize,
    /// Trimmed; empty if there is only a comment.
    pub code: String,
    /// Trimmed.
    pub comment: Option<String>,
}

/// A line before expansion.
#[derive(Clone, Copy)]
struct Source<'a> {
    number: usize,
    code: &'a str,
    comment: Option<&'a str>,
}

impl Source<'_> {
    fn error(&self, kind: AsmErrorKind) -> AsmError {
        AsmError { line: self.number, text: self.code.to_string(), kind }
    }
}

/// Expands a text. Blank lines vanish.
pub(super) fn expand(text: &str, holes: &Holes) -> Result<Vec<Line>, AsmError> {
    let mut expansion =
        Expansion { holes, variables: Vec::new(), macros: None, macro_depth: 0, lines: Vec::new() };
    expansion.block(&sources(text))?;
    Ok(expansion.lines)
}

fn sources(text: &str) -> Vec<Source<'_>> {
    text.lines().enumerate().map(|(index, line)| split(index + 1, line)).collect()
}

fn split(number: usize, line: &str) -> Source<'_> {
    let begin = [";", "//", "#"].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
    let (code, comment) = line.split_at(begin);
    let comment = comment.strip_prefix("//").or_else(|| comment.get(1..)).map(str::trim);
    Source { number, code: code.trim(), comment }
}

struct Expansion<'a> {
    holes: &'a Holes,
    /// Variables of the enclosing repetitions and macros.
    variables: Vec<(&'a str, String)>,
    /// Read when one is used: most texts use none.
    macros: Option<BTreeMap<&'a str, Macro<'a>>>,
    /// Macros that are being expanded, one inside the other.
    macro_depth: usize,
    lines: Vec<Line>,
}

/// What stands for a name.
#[derive(Clone)]
struct Macro<'a> {
    parameters: Vec<&'a str>,
    body: Vec<Source<'a>>,
}

impl<'a> Expansion<'a> {
    fn block(&mut self, lines: &[Source<'a>]) -> Result<(), AsmError> {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            match directive(line.code) {
                Some(".repeat" | ".if") => {
                    let block = Block::find(lines, at)?;
                    // A comment behind a directive is about the template, not about the program.
                    self.directive(line, &lines[at + 1..block.middle], block.otherwise(lines))?;
                    at = block.end + 1;
                }
                Some(".end" | ".else") => return Err(line.error(AsmErrorKind::NoBlock)),
                Some(".raw") | None => {
                    self.line(line)?;
                    at += 1;
                }
                Some(name) => {
                    self.use_macro(line, name)?;
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn directive(
        &mut self,
        line: &Source<'a>,
        body: &[Source<'a>],
        otherwise: &[Source<'a>],
    ) -> Result<(), AsmError> {
        let bad = || line.error(AsmErrorKind::BadDirective);
        if let Some(condition) = line.code.strip_prefix(".if") {
            let value = number(&self.fill(condition).map_err(|kind| line.error(kind))?).ok_or_else(bad)?;
            return self.block(if value != 0 { body } else { otherwise });
        }
        let operands = line.code.strip_prefix(".repeat").ok_or_else(bad)?.trim();
        let (count, variable) = operands.rsplit_once(char::is_whitespace).ok_or_else(bad)?;
        let count = number(&self.fill(count).map_err(|kind| line.error(kind))?).ok_or_else(bad)?;
        let count = usize::try_from(count).map_err(|_| bad())?;
        if !is_name(variable) {
            return Err(bad());
        }
        if self.is_taken(variable) {
            return Err(line.error(AsmErrorKind::NameTaken(variable.to_string())));
        }
        if count > LINES_MAX {
            return Err(line.error(AsmErrorKind::TooLong));
        }
        for value in 0..count {
            self.variables.push((variable, value.to_string()));
            self.block(body)?;
            self.variables.pop();
        }
        Ok(())
    }

    /// `.name operand operand`. An error in its lines is one of the line that uses it.
    fn use_macro(&mut self, line: &Source<'a>, name: &str) -> Result<(), AsmError> {
        if self.macros.is_none() {
            self.macros = Some(definitions(&self.holes.macros)?);
        }
        let used = self.macros.as_ref().and_then(|macros| macros.get(&name[1..])).cloned();
        let used = used.ok_or_else(|| line.error(AsmErrorKind::BadDirective))?;
        let operands = self.fill(&line.code[name.len()..]).map_err(|kind| line.error(kind))?;
        let operands: Vec<&str> = operands.split_whitespace().collect();
        if operands.len() != used.parameters.len() {
            return Err(line.error(AsmErrorKind::BadDirective));
        }
        if self.macro_depth == MACRO_DEPTH_MAX {
            return Err(line.error(AsmErrorKind::TooLong));
        }
        let outside = self.variables.len();
        for (parameter, operand) in used.parameters.iter().zip(operands) {
            // A macro that uses another may call its parameters the same.
            if self.holes.get(parameter).is_some() {
                return Err(line.error(AsmErrorKind::NameTaken(parameter.to_string())));
            }
            self.variables.push((parameter, operand.to_string()));
        }
        let body: Vec<Source> =
            used.body.iter().map(|each| Source { number: line.number, ..*each }).collect();
        self.macro_depth += 1;
        self.block(&body)?;
        self.macro_depth -= 1;
        self.variables.truncate(outside);
        Ok(())
    }

    fn is_taken(&self, name: &str) -> bool {
        self.holes.get(name).is_some() || self.variables.iter().any(|(variable, _)| *variable == name)
    }

    fn line(&mut self, line: &Source<'a>) -> Result<(), AsmError> {
        if line.code.is_empty() && line.comment.is_none() {
            return Ok(());
        }
        if self.lines.len() >= LINES_MAX {
            return Err(line.error(AsmErrorKind::TooLong));
        }
        let code = self.fill(line.code).map_err(|kind| line.error(kind))?;
        // A comment may hold braces of its own.
        let comment = line.comment.map(|text| self.fill(text).unwrap_or_else(|_| text.to_string()));
        self.lines.push(Line { number: line.number, code, comment });
        Ok(())
    }

    fn fill(&self, text: &str) -> Result<String, AsmErrorKind> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(begin) = rest.find('{') {
            filled.push_str(&rest[..begin]);
            let hole = &rest[begin + 1..];
            let end = hole.find('}').ok_or(AsmErrorKind::UnclosedBrace)?;
            filled.push_str(&self.value(hole[..end].trim())?);
            rest = &hole[end + 1..];
        }
        filled.push_str(rest);
        Ok(filled.trim().to_string())
    }

    /// The text of a hole, or the value of arithmetic with them.
    fn value(&self, hole: &str) -> Result<String, AsmErrorKind> {
        if is_name(hole) {
            return self.lookup(hole).ok_or_else(|| AsmErrorKind::MissingHole(hole.to_string()));
        }
        let mut arithmetic = Arithmetic { expansion: self, hole, rest: hole };
        let value = arithmetic.sum()?;
        if arithmetic.rest.trim().is_empty() { Ok(value.to_string()) } else { Err(arithmetic.bad()) }
    }

    fn lookup(&self, name: &str) -> Option<String> {
        let variable = self.variables.iter().rev().find(|(variable, _)| *variable == name);
        variable.map(|(_, value)| value.clone()).or_else(|| self.holes.get(name).map(str::to_string))
    }
}

/// Where a block that begins at some line has its parts.
struct Block {
    /// Line of `.else`, or of `.end` if there is none.
    middle: usize,
    end: usize,
}

impl Block {
    fn find(lines: &[Source], begin: usize) -> Result<Block, AsmError> {
        let takes_else = directive(lines[begin].code) == Some(".if");
        let mut depth = 0_usize;
        let mut middle = None;
        for (at, line) in lines.iter().enumerate().skip(begin + 1) {
            match directive(line.code) {
                Some(".repeat" | ".if" | ".macro") => depth += 1,
                Some(".else") if depth == 0 => {
                    if !takes_else || middle.is_some() {
                        return Err(line.error(AsmErrorKind::NoBlock));
                    }
                    middle = Some(at);
                }
                Some(".end") if depth == 0 => return Ok(Block { middle: middle.unwrap_or(at), end: at }),
                Some(".end") => depth -= 1,
                _ => {}
            }
        }
        Err(lines[begin].error(AsmErrorKind::UnclosedBlock))
    }

    /// The lines between `.else` and `.end`.
    fn otherwise<'s, 'a>(&self, lines: &'s [Source<'a>]) -> &'s [Source<'a>] {
        lines.get(self.middle + 1..self.end).unwrap_or_default()
    }
}

/// The macros of a text: `.macro name parameter parameter`, their lines, `.end`. What stands between them is for readers.
fn definitions(text: &str) -> Result<BTreeMap<&str, Macro<'_>>, AsmError> {
    let lines = sources(text);
    let mut macros = BTreeMap::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        if line.code.is_empty() {
            continue;
        }
        let mut words = line.code.split_whitespace();
        let (Some(".macro"), Some(name)) = (words.next(), words.next()) else {
            return Err(line.error(AsmErrorKind::BadDirective));
        };
        let parameters: Vec<&str> = words.collect();
        if !is_name(name) || !parameters.iter().all(|parameter| is_name(parameter)) {
            return Err(line.error(AsmErrorKind::BadDirective));
        }
        let end = Block::find(&lines, at - 1)?.end;
        let body = lines[at..end].to_vec();
        at = end + 1;
        if macros.insert(name, Macro { parameters, body }).is_some() {
            return Err(line.error(AsmErrorKind::NameTaken(name.to_string())));
        }
    }
    Ok(macros)
}

/// How deep macros may use each other.
const MACRO_DEPTH_MAX: usize = 8;

fn directive(code: &str) -> Option<&str> {
    code.starts_with('.').then(|| code.split_whitespace().next()).flatten()
}

fn is_name(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

/// A decimal or hexadecimal number, which may have a sign and `_` between its digits.
pub(super) fn number(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.replace('_', "");
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    magnitude.ok().map(|magnitude| sign * i128::from(magnitude))
}

/// Arithmetic in a hole, by recursive descent: a method reads an operand of its level from `rest`.
struct Arithmetic<'a> {
    expansion: &'a Expansion<'a>,
    hole: &'a str,
    rest: &'a str,
}

impl Arithmetic<'_> {
    fn bad(&self) -> AsmErrorKind {
        AsmErrorKind::BadHole(self.hole.to_string())
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn sum(&mut self) -> Result<i128, AsmErrorKind> {
        let mut value = self.product()?;
        loop {
            value = if self.eat("+") {
                value.checked_add(self.product()?)
            } else if self.eat("-") {
                value.checked_sub(self.product()?)
            } else {
                return Ok(value);
            }
            .ok_or_else(|| self.bad())?;
        }
    }

    fn product(&mut self) -> Result<i128, AsmErrorKind> {
        let mut value = self.operand()?;
        loop {
            value = if self.eat("*") {
                value.checked_mul(self.operand()?)
            } else if self.eat("<<") {
                let count = u32::try_from(self.operand()?).ok().filter(|count| *count < 64);
                count.and_then(|count| value.checked_mul(1 << count))
            } else {
                return Ok(value);
            }
            .ok_or_else(|| self.bad())?;
        }
    }

    fn operand(&mut self) -> Result<i128, AsmErrorKind> {
        if self.eat("-") {
            return Ok(-self.operand()?);
        }
        if self.eat("(") {
            let value = self.sum()?;
            return if self.eat(")") { Ok(value) } else { Err(self.bad()) };
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        if is_name(word) {
            let text =
                self.expansion.lookup(word).ok_or_else(|| AsmErrorKind::MissingHole(word.to_string()))?;
            return number(&text).ok_or_else(|| self.bad());
        }
        number(word).ok_or_else(|| self.bad())
    }
}
