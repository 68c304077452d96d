//! Instructions and items as text, in the notation that the assembler reads. There are no addresses, file
//! descriptors or distances in a listing, so that it only changes where the program does.
//!
//! What is printed assembles to the same instructions: a slot for which the notation has no words, or not these
//! very words, is printed as a number (`.raw`).

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Insn;
use super::asm::{self, Holes, Item, Symbolic};
use super::opcode::{self as op, ACCESSES, ASSIGNMENTS, CONDITIONS};
use crate::contract::layout::Map;

/// Lists instructions. Targets of jumps and calls are labels `L12` with the number of their slot.
pub fn print(insns: &[Insn]) -> String {
    let items = disassemble(insns);
    print_items(&items)
}

/// Lists items: labels at the margin, everything else indented, one line each.
pub fn print_items(items: &[Item]) -> String {
    let mut listing = String::new();
    for item in items {
        listing.push_str(&print_item(item));
        listing.push('\n');
    }
    listing
}

/// One line of a listing.
pub(super) fn print_item(item: &Item) -> String {
    match item {
        Item::Label(name) => format!("{name}:"),
        Item::Comment(text) => format!("    ; {}", text.replace('\n', " ")).trim_end().to_string(),
        Item::Enter => "    enter".to_string(),
        Item::Forget => "    forget".to_string(),
        Item::Guard { dst, offset, bytes } => format!("    r{dst} = window(r{offset}, {bytes})"),
        Item::Insn(symbolic) => match statement(symbolic) {
            Some(statement) => format!("    {statement}"),
            None => raw(symbolic),
        },
    }
}

fn raw(symbolic: &Symbolic) -> String {
    let mut text = format!("    .raw {:#018x}", symbolic.insn.to_u64());
    if let Some(imm) = symbolic.high {
        let high = Insn { imm, ..Insn::default() };
        text.push_str(&format!("\n    .raw {:#018x}", high.to_u64()));
    }
    text
}

/// The items of a sequence of slots: what has a notation as that, the rest as raw slots.
fn disassemble(insns: &[Insn]) -> Vec<Item> {
    // A label can stand before any slot and behind the last, but not between the two of an immediate load.
    let mut places = vec![true; insns.len() + 1];
    let mut symbolics = Vec::new();
    let mut at = 0;
    while let Some(insn) = insns.get(at) {
        let high = insns.get(at + 1).filter(|high| **high == Insn { imm: high.imm, ..Insn::default() });
        let high = high.filter(|_| insn.code == op::LD_IMM64).map(|high| high.imm);
        let symbolic = Symbolic { insn: *insn, high, target: None };
        if high.is_some() && has_notation(&symbolic) {
            places[at + 1] = false;
            symbolics.push((at, symbolic));
            at += 2;
        } else {
            symbolics.push((at, Symbolic { high: None, ..symbolic }));
            at += 1;
        }
    }
    let mut targets = BTreeSet::new();
    for (at, symbolic) in &mut symbolics {
        let Some((place, bare)) = distance(symbolic.insn).and_then(|(distance, bare)| {
            let place = usize::try_from(*at as i64 + 1 + distance).ok()?;
            places.get(place).is_some_and(|can| *can).then_some((place, bare))
        }) else {
            continue;
        };
        let named = Symbolic { insn: bare, high: None, target: Some(format!("L{place}")) };
        if has_notation(&named) {
            *symbolic = named;
            targets.insert(place);
        }
    }
    let mut items = Vec::with_capacity(symbolics.len() + targets.len());
    for (at, symbolic) in symbolics {
        items.extend(targets.contains(&at).then(|| Item::Label(format!("L{at}"))));
        items.push(Item::Insn(symbolic));
    }
    items.extend(targets.contains(&insns.len()).then(|| Item::Label(format!("L{}", insns.len()))));
    items
}

/// How far a jump or call goes, and the same without its distance.
fn distance(insn: Insn) -> Option<(i64, Insn)> {
    let calls = insn.code == op::JMP | op::CALL && insn.src == op::PSEUDO_CALL;
    if insn.code == op::GOTOL || calls {
        return Some((i64::from(insn.imm), Insn { imm: 0, ..insn }));
    }
    let jumps = insn.code == op::GOTO || insn.code == op::MAY_GOTO || insn.conditional_jump().is_some();
    jumps.then(|| (i64::from(insn.off), Insn { off: 0, ..insn }))
}

/// Whether its statement assembles to the very same.
fn has_notation(symbolic: &Symbolic) -> bool {
    statement(symbolic).is_some()
}

fn statement(symbolic: &Symbolic) -> Option<String> {
    let text = words(symbolic)?;
    // Fields that the words do not show (reserved ones, odd sizes) come out different.
    let items = asm::parse(&text, &Holes::new(), "").ok()?;
    (items.len() == 1 && items[0] == Item::Insn(symbolic.clone())).then_some(text)
}

/// The statement for the fields that matter to the code.
fn words(symbolic: &Symbolic) -> Option<String> {
    let insn = symbolic.insn;
    let Insn { code, dst, src, imm, .. } = insn;
    match op::class(code) {
        op::LD => wide(symbolic),
        op::LDX => Some(format!("r{dst} = {}", memory(code, src, insn.off)?)),
        op::ST => Some(format!("{} = {imm}", memory(code, dst, insn.off)?)),
        op::STX => Some(format!("{} = r{src}", memory(code, dst, insn.off)?)),
        op::ALU | op::ALU64 => arithmetic(insn),
        _ => jump(symbolic),
    }
}

fn wide(symbolic: &Symbolic) -> Option<String> {
    let Insn { dst, src, imm, .. } = symbolic.insn;
    let high = symbolic.high?;
    if src == 0 {
        let value = u64::from(imm as u32) | u64::from(high as u32) << 32;
        return Some(format!("r{dst} = {value:#x} ll"));
    }
    let map = Map::ALL.into_iter().find(|map| *map as i32 == imm)?;
    let mut text = format!("r{dst} = map[{}][0]", map.name());
    if high != 0 {
        write!(text, " + {}", high as u32).ok()?;
    }
    Some(text)
}

fn memory(code: u8, base: u8, off: i16) -> Option<String> {
    let (name, ..) = ACCESSES.iter().find(|(.., access)| *access == code & !0x07)?;
    let sign = if off < 0 { '-' } else { '+' };
    Some(format!("*({name} *)(r{base} {sign} {})", off.unsigned_abs()))
}

fn arithmetic(insn: Insn) -> Option<String> {
    let Insn { code, dst, src, off, imm } = insn;
    let letter = if op::class(code) == op::ALU64 { 'r' } else { 'w' };
    let from_register = code & op::X != 0;
    let operation = op::operation(code);
    let operand = if from_register { format!("{letter}{src}") } else { imm.to_string() };
    Some(match operation {
        op::MOV if off != 0 => format!("{letter}{dst} = (s{off}){operand}"),
        op::MOV => format!("{letter}{dst} = {operand}"),
        op::NEG => format!("{letter}{dst} = -{letter}{dst}"),
        op::END => {
            let name = match (letter, from_register) {
                ('r', _) => "bswap",
                (_, true) => "be",
                (_, false) => "le",
            };
            format!("r{dst} = {name}{imm} r{dst}")
        }
        _ => {
            let (symbol, ..) = ASSIGNMENTS.iter().find(|(_, op, kind)| (*op, *kind) == (operation, off))?;
            format!("{letter}{dst} {symbol} {operand}")
        }
    })
}

fn jump(symbolic: &Symbolic) -> Option<String> {
    let Insn { code, dst, src, imm, .. } = symbolic.insn;
    if code == op::JMP | op::EXIT {
        return Some("exit".to_string());
    }
    if code == op::JMP | op::CALL && src == 0 {
        return Some(format!("call {imm}"));
    }
    let target = symbolic.target.as_ref()?;
    match code {
        op::GOTO => return Some(format!("goto {target}")),
        op::GOTOL => return Some(format!("gotol {target}")),
        op::MAY_GOTO => return Some(format!("may_goto {target}")),
        _ if code == op::JMP | op::CALL => return Some(format!("call {target}")),
        _ => {}
    }
    let letter = if op::class(code) == op::JMP { 'r' } else { 'w' };
    let (symbol, _) = CONDITIONS.iter().find(|(_, condition)| *condition == op::operation(code))?;
    let operand = if code & op::X != 0 { format!("{letter}{src}") } else { imm.to_string() };
    Some(format!("if {letter}{dst} {symbol} {operand} goto {target}"))
}
