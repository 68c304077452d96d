//! One statement: its text to an item. Knows nothing of other lines.

use super::expand::number;
use super::{AsmErrorKind, Item, Symbolic, check_guard};
use crate::bpf::Insn;
use crate::bpf::opcode::{self as op, ACCESSES, ASSIGNMENTS, CONDITIONS};
use crate::contract::layout::Map;

/// Reads a line of code without holes and comments.
pub(super) fn statement(text: &str, prefix: &str) -> Result<Item, AsmErrorKind> {
    if let Some(name) = text.strip_suffix(':') {
        return Ok(Item::Label(label(name.trim_end(), prefix)?));
    }
    let mut cursor = Cursor { rest: text.trim() };
    let item = if cursor.eat("*") {
        store(&mut cursor)?.into()
    } else {
        match cursor.peek_word() {
            "if" => conditional_jump(&mut cursor, prefix)?,
            "goto" => jump(&mut cursor, op::GOTO, prefix)?,
            "gotol" => jump(&mut cursor, op::GOTOL, prefix)?,
            "may_goto" => jump(&mut cursor, op::MAY_GOTO, prefix)?,
            "call" => call(&mut cursor, prefix)?,
            "exit" => {
                cursor.word();
                plain(op::JMP | op::EXIT).into()
            }
            ".raw" => raw(&mut cursor)?,
            "enter" => {
                cursor.word();
                Item::Enter
            }
            "forget" => {
                cursor.word();
                Item::Forget
            }
            _ => operation(&mut cursor)?,
        }
    };
    match cursor.rest.trim() {
        "" => Ok(item),
        rest => Err(AsmErrorKind::Trailing(rest.to_string())),
    }
}

/// The unread rest of a statement. Methods skip the blanks before what they read.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn eat(&mut self, symbol: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), AsmErrorKind> {
        if self.eat(symbol) { Ok(()) } else { Err(AsmErrorKind::Expected(symbol)) }
    }

    fn peek_word(&self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.@".contains(c));
        &rest[..end.unwrap_or(rest.len())]
    }

    fn word(&mut self) -> &'a str {
        let word = self.peek_word();
        self.rest = &self.rest.trim_start()[word.len()..];
        word
    }

    fn number(&mut self) -> Result<i128, AsmErrorKind> {
        let sign = if self.eat("-") { -1 } else { 1 };
        number(self.word()).map(|value| sign * value).ok_or(AsmErrorKind::Expected("a number"))
    }

    fn register(&mut self) -> Result<Register, AsmErrorKind> {
        parse_register(self.word())?.ok_or(AsmErrorKind::Expected("a register"))
    }

    /// A 64-bit register.
    fn address(&mut self) -> Result<u8, AsmErrorKind> {
        let register = self.register()?;
        if register.wide { Ok(register.number) } else { Err(AsmErrorKind::WidthMismatch) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Register {
    number: u8,
    /// `r`, not `w`.
    wide: bool,
}

impl Register {
    fn written(self) -> Result<Register, AsmErrorKind> {
        if self.number == op::FRAME_POINTER { Err(AsmErrorKind::FramePointerWritten) } else { Ok(self) }
    }

    fn alu_class(self) -> u8 {
        if self.wide { op::ALU64 } else { op::ALU }
    }
}

/// `None` if the word does not look like a register at all.
fn parse_register(word: &str) -> Result<Option<Register>, AsmErrorKind> {
    let (wide, digits) = match (word.strip_prefix('r'), word.strip_prefix('w')) {
        (Some(digits), _) => (true, digits),
        (_, Some(digits)) => (false, digits),
        _ => return Ok(None),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match digits.parse() {
        Ok(number) if number <= op::FRAME_POINTER => Ok(Some(Register { number, wide })),
        _ => Err(AsmErrorKind::NoSuchRegister(word.to_string())),
    }
}

fn label(name: &str, prefix: &str) -> Result<String, AsmErrorKind> {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let full = if name.starts_with('@') { name.to_string() } else { format!("{prefix}{name}") };
    let plain = full.strip_prefix('@').unwrap_or(&full);
    let is_label = !name.is_empty()
        && plain.starts_with(is_first)
        && plain.chars().all(|c| is_first(c) || c.is_ascii_digit() || c == '.');
    if is_label { Ok(full) } else { Err(AsmErrorKind::BadLabel(name.to_string())) }
}

fn plain(code: u8) -> Insn {
    Insn { code, ..Insn::default() }
}

/// An immediate is sign-extended by the processor, so an unsigned number with the high bit set is only the same
/// number where just 32 bits of it count.
fn immediate(value: i128, wide: bool) -> Result<i32, AsmErrorKind> {
    if let Ok(value) = i32::try_from(value) {
        return Ok(value);
    }
    match u32::try_from(value) {
        Ok(value) if !wide => Ok(value as i32),
        _ => Err(AsmErrorKind::ImmediateRange(value)),
    }
}

/// `(u64 *)(r1 + 8)`, behind the first `*`: bytes and code of the access, base register, displacement.
fn memory(cursor: &mut Cursor) -> Result<(usize, u8, u8, i16), AsmErrorKind> {
    cursor.expect("(")?;
    let name = cursor.word();
    let access = ACCESSES.iter().find(|(known, ..)| *known == name);
    let &(_, bytes, code) = access.ok_or(AsmErrorKind::Expected("u8, u16, u32, u64, s8, s16 or s32"))?;
    cursor.expect("*")?;
    cursor.expect(")")?;
    cursor.expect("(")?;
    let base = cursor.address()?;
    let displacement = if cursor.eat("+") {
        cursor.number()?
    } else if cursor.eat("-") {
        -cursor.number()?
    } else {
        0
    };
    cursor.expect(")")?;
    let off = i16::try_from(displacement).map_err(|_| AsmErrorKind::OffsetRange(displacement))?;
    Ok((bytes, code, base, off))
}

fn store(cursor: &mut Cursor) -> Result<Insn, AsmErrorKind> {
    let (bytes, code, dst, off) = memory(cursor)?;
    if code & op::MEMSX == op::MEMSX {
        return Err(AsmErrorKind::Expected("an unsigned width: stores extend nothing"));
    }
    cursor.expect("=")?;
    if let Some(source) = parse_register(cursor.peek_word())? {
        cursor.word();
        if !source.wide && bytes == 8 {
            return Err(AsmErrorKind::WidthMismatch);
        }
        return Ok(Insn { code: op::STX | code, dst, src: source.number, off, imm: 0 });
    }
    let value = cursor.number()?;
    let bits = 8 * bytes as u32;
    if bytes < 4 && !(-1 << (bits - 1)..1 << bits).contains(&value) {
        return Err(AsmErrorKind::ImmediateRange(value));
    }
    Ok(Insn { code: op::ST | code, dst, src: 0, off, imm: immediate(value, bytes == 8)? })
}

fn target(cursor: &mut Cursor, prefix: &str) -> Result<Option<String>, AsmErrorKind> {
    label(cursor.word(), prefix).map(Some)
}

fn jump(cursor: &mut Cursor, code: u8, prefix: &str) -> Result<Item, AsmErrorKind> {
    cursor.word();
    Ok(Item::Insn(Symbolic { insn: plain(code), high: None, target: target(cursor, prefix)? }))
}

fn call(cursor: &mut Cursor, prefix: &str) -> Result<Item, AsmErrorKind> {
    cursor.word();
    let code = op::JMP | op::CALL;
    if cursor.peek_word().starts_with(|c: char| c.is_ascii_digit()) {
        let helper = cursor.number()?;
        let imm = i32::try_from(helper).map_err(|_| AsmErrorKind::ImmediateRange(helper))?;
        return Ok(Insn { imm, ..plain(code) }.into());
    }
    let insn = Insn { src: op::PSEUDO_CALL, ..plain(code) };
    Ok(Item::Insn(Symbolic { insn, high: None, target: target(cursor, prefix)? }))
}

fn conditional_jump(cursor: &mut Cursor, prefix: &str) -> Result<Item, AsmErrorKind> {
    cursor.word();
    let left = cursor.register()?;
    let condition = CONDITIONS.iter().find(|(symbol, _)| cursor.eat(symbol));
    let &(_, operation) = condition.ok_or(AsmErrorKind::Expected("a comparison"))?;
    let class = if left.wide { op::JMP } else { op::JMP32 };
    let mut insn = Insn { code: class | operation, dst: left.number, ..Insn::default() };
    match parse_register(cursor.peek_word())? {
        Some(right) if right.wide != left.wide => return Err(AsmErrorKind::WidthMismatch),
        Some(right) => {
            cursor.word();
            insn.code |= op::X;
            insn.src = right.number;
        }
        None => insn.imm = immediate(cursor.number()?, left.wide)?,
    }
    if cursor.word() != "goto" {
        return Err(AsmErrorKind::Expected("goto"));
    }
    Ok(Item::Insn(Symbolic { insn, high: None, target: target(cursor, prefix)? }))
}

fn raw(cursor: &mut Cursor) -> Result<Item, AsmErrorKind> {
    cursor.word();
    let value = cursor.number()?;
    let slot = u64::try_from(value).map_err(|_| AsmErrorKind::ImmediateRange(value))?;
    Ok(Insn::from_u64(slot).into())
}

/// Statements that begin with a destination register.
fn operation(cursor: &mut Cursor) -> Result<Item, AsmErrorKind> {
    let dst = parse_register(cursor.word())?.ok_or(AsmErrorKind::UnknownStatement)?.written()?;
    let assignment = ASSIGNMENTS.iter().find(|(symbol, ..)| cursor.eat(symbol));
    if let Some(&(_, operation, off)) = assignment {
        return Ok(arithmetic(cursor, dst, operation, off)?.into());
    }
    if !cursor.eat("=") {
        return Err(AsmErrorKind::Expected("an assignment"));
    }
    if cursor.eat("*") {
        return load(cursor, dst);
    }
    if cursor.eat("(") {
        return Ok(sign_extension(cursor, dst)?.into());
    }
    if cursor
        .rest
        .trim_start()
        .strip_prefix('-')
        .is_some_and(|rest| rest.trim_start().starts_with(['r', 'w']))
    {
        cursor.eat("-");
        let in_place = cursor.register()? == dst;
        let insn = Insn { code: dst.alu_class() | op::NEG, dst: dst.number, ..Insn::default() };
        return if in_place { Ok(insn.into()) } else { Err(AsmErrorKind::NotInPlace) };
    }
    match cursor.peek_word() {
        "map" => map_address(cursor, dst),
        "window" => guard(cursor, dst),
        word => match byte_order(word) {
            Some((code, bits)) => {
                cursor.word();
                let in_place = cursor.register()? == dst;
                if !dst.wide {
                    return Err(AsmErrorKind::WidthMismatch);
                }
                let insn = Insn { code, dst: dst.number, src: 0, off: 0, imm: bits };
                if in_place { Ok(insn.into()) } else { Err(AsmErrorKind::NotInPlace) }
            }
            None => assign(cursor, dst),
        },
    }
}

/// Operands of `+=` and the like, where the operand may be a register or an immediate.
fn arithmetic(cursor: &mut Cursor, dst: Register, operation: u8, off: i16) -> Result<Insn, AsmErrorKind> {
    let insn = Insn { code: dst.alu_class() | operation, dst: dst.number, src: 0, off, imm: 0 };
    if let Some(source) = parse_register(cursor.peek_word())? {
        cursor.word();
        if source.wide != dst.wide {
            return Err(AsmErrorKind::WidthMismatch);
        }
        return Ok(Insn { code: insn.code | op::X, src: source.number, ..insn });
    }
    let value = cursor.number()?;
    if op::is_meaningless(operation, dst.wide, value) {
        return Err(AsmErrorKind::ImmediateRange(value));
    }
    Ok(Insn { imm: immediate(value, dst.wide)?, ..insn })
}

/// `r1 = r2`, `r1 = 5`, `r1 = 5 ll`.
fn assign(cursor: &mut Cursor, dst: Register) -> Result<Item, AsmErrorKind> {
    if parse_register(cursor.peek_word())?.is_some() {
        return Ok(arithmetic(cursor, dst, op::MOV, 0)?.into());
    }
    let value = cursor.number()?;
    if cursor.peek_word() != "ll" {
        let code = dst.alu_class() | op::MOV;
        return Ok(Insn { code, dst: dst.number, imm: immediate(value, dst.wide)?, ..Insn::default() }.into());
    }
    cursor.word();
    if !dst.wide {
        return Err(AsmErrorKind::WidthMismatch);
    }
    if !(i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) {
        return Err(AsmErrorKind::ImmediateRange(value));
    }
    let bits = value as u64;
    Ok(wide(dst.number, 0, bits as i32, (bits >> 32) as i32))
}

fn wide(dst: u8, src: u8, low: i32, high: i32) -> Item {
    let insn = Insn { code: op::LD_IMM64, dst, src, off: 0, imm: low };
    Item::Insn(Symbolic { insn, high: Some(high), target: None })
}

fn load(cursor: &mut Cursor, dst: Register) -> Result<Item, AsmErrorKind> {
    let (bytes, code, src, off) = memory(cursor)?;
    // LLVM writes `w1 = *(u32 *)...` for the same instruction; the upper half would not be zero in these.
    if !dst.wide && (bytes == 8 || code & op::MEMSX == op::MEMSX) {
        return Err(AsmErrorKind::WidthMismatch);
    }
    Ok(Insn { code: op::LDX | code, dst: dst.number, src, off, imm: 0 }.into())
}

fn sign_extension(cursor: &mut Cursor, dst: Register) -> Result<Insn, AsmErrorKind> {
    let off = match cursor.word() {
        "s8" => 8,
        "s16" => 16,
        "s32" if dst.wide => 32,
        "s32" => return Err(AsmErrorKind::WidthMismatch),
        _ => return Err(AsmErrorKind::Expected("s8, s16 or s32")),
    };
    cursor.expect(")")?;
    let source = cursor.register()?;
    if source.wide != dst.wide {
        return Err(AsmErrorKind::WidthMismatch);
    }
    Ok(Insn { code: dst.alu_class() | op::MOV | op::X, dst: dst.number, src: source.number, off, imm: 0 })
}

/// Code and bits of `be16` and the like.
fn byte_order(word: &str) -> Option<(u8, i32)> {
    let (code, bits) = if let Some(bits) = word.strip_prefix("be") {
        (op::ALU | op::END | op::X, bits)
    } else if let Some(bits) = word.strip_prefix("le") {
        (op::ALU | op::END, bits)
    } else {
        (op::ALU64 | op::END, word.strip_prefix("bswap")?)
    };
    let bits = match bits {
        "16" => 16,
        "32" => 32,
        "64" => 64,
        _ => return None,
    };
    Some((code, bits))
}

/// `map[window][0] + 16`: the first index names the map, the second is the entry of the array, always 0.
fn map_address(cursor: &mut Cursor, dst: Register) -> Result<Item, AsmErrorKind> {
    cursor.word();
    cursor.expect("[")?;
    let name = cursor.word();
    let map = Map::ALL.into_iter().find(|map| map.name() == name);
    let map = map.ok_or_else(|| AsmErrorKind::UnknownMap(name.to_string()))?;
    cursor.expect("]")?;
    cursor.expect("[")?;
    if cursor.number()? != 0 {
        return Err(AsmErrorKind::Expected("entry 0"));
    }
    cursor.expect("]")?;
    let offset = if cursor.eat("+") { cursor.number()? } else { 0 };
    let bits = u32::try_from(offset).map_err(|_| AsmErrorKind::OffsetRange(offset))?;
    if !dst.wide {
        return Err(AsmErrorKind::WidthMismatch);
    }
    Ok(wide(dst.number, op::PSEUDO_MAP_IDX_VALUE, map as i32, bits as i32))
}

fn guard(cursor: &mut Cursor, dst: Register) -> Result<Item, AsmErrorKind> {
    cursor.word();
    cursor.expect("(")?;
    let offset = cursor.address()?;
    cursor.expect(",")?;
    let bytes = cursor.number()?;
    cursor.expect(")")?;
    if !dst.wide {
        return Err(AsmErrorKind::WidthMismatch);
    }
    let bytes = usize::try_from(bytes).map_err(|_| AsmErrorKind::ImmediateRange(bytes))?;
    check_guard(dst.number, offset, bytes)?;
    Ok(Item::Guard { dst: dst.number, offset, bytes })
}
