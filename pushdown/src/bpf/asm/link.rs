//! Items to instructions: guards become code for one kind of memory, names become distances.

use std::collections::HashMap;

use super::{AsmError, AsmErrorKind, GuardTarget, Item, Symbolic, check_guard};
use crate::bpf::opcode as op;
use crate::bpf::{Insn, listing};
use crate::contract::hook::Context;
use crate::contract::layout::{self, Map};

/// What [`Item::Enter`] keeps at the end of the stack frame, in a program that gets a packet: the pointers to its
/// first byte and behind its last, and the context. A guard puts its offset aside there, too.
const DATA: i16 = -8;
const DATA_END: i16 = -16;
const CONTEXT: i16 = -24;
const OFFSET: i16 = -32;

const R0: u8 = 0;
/// Carries the context into a function.
const R5: u8 = 5;
const FP: u8 = op::FRAME_POINTER;
const LOAD64: u8 = op::LDX | op::MEM | op::DW;
const STORE64: u8 = op::STX | op::MEM | op::DW;
const ADD: u8 = op::ALU64 | op::ADD;

/// Lowers guards for the target and resolves labels.
pub fn link(items: &[Item], target: &GuardTarget) -> Result<Vec<Insn>, AsmError> {
    let error = |index: usize, kind| AsmError {
        line: index + 1,
        text: listing::print_item(&items[index]).trim().to_string(),
        kind,
    };
    let mut labels: HashMap<String, usize> = HashMap::new();
    let mut lowered = Vec::with_capacity(items.len());
    let mut slot_count = 0;
    let mut outside = None;
    for (index, item) in items.iter().enumerate() {
        if *item == Item::Enter {
            outside = Some(format!("@outside_{index}"));
        }
        let pieces = lower(item, &items[index + 1..], target, outside.as_deref());
        for piece in pieces.map_err(|kind| error(index, kind))? {
            match piece {
                Piece::Label(name) => {
                    if labels.insert(name.clone(), slot_count).is_some() {
                        return Err(error(index, AsmErrorKind::DuplicateLabel(name)));
                    }
                }
                Piece::Insn(symbolic) => {
                    slot_count += if symbolic.high.is_some() { 2 } else { 1 };
                    lowered.push((index, symbolic));
                }
            }
        }
    }
    let mut insns = Vec::with_capacity(slot_count);
    for (index, symbolic) in lowered {
        resolve(&symbolic, &labels, &mut insns).map_err(|kind| error(index, kind))?;
    }
    Ok(insns)
}

/// What items become.
enum Piece {
    Label(String),
    Insn(Symbolic),
}

impl From<Insn> for Piece {
    fn from(insn: Insn) -> Piece {
        Piece::Insn(Symbolic { insn, high: None, target: None })
    }
}

/// One item. `following` are those behind it, `outside` is the label for failing guards of its function.
fn lower(
    item: &Item,
    following: &[Item],
    target: &GuardTarget,
    outside: Option<&str>,
) -> Result<Vec<Piece>, AsmErrorKind> {
    match (item, target) {
        (Item::Label(name), _) => Ok(vec![Piece::Label(name.clone())]),
        (Item::Comment(_), _) | (Item::Enter, GuardTarget::Window { .. }) => Ok(Vec::new()),
        (Item::Forget, _) => Ok((R0..=R5)
            .map(|dst| Insn { code: op::ALU64 | op::MOV, dst, ..Insn::default() }.into())
            .collect()),
        (Item::Insn(symbolic), _) => {
            let is_call = symbolic.insn.code == op::JMP | op::CALL && symbolic.target.is_some();
            let mut pieces = Vec::new();
            if is_call && matches!(target, GuardTarget::Packet { .. }) {
                outside.ok_or(AsmErrorKind::NoEnter)?;
                pieces.push(load(R5, FP, CONTEXT).into());
            }
            pieces.push(Piece::Insn(symbolic.clone()));
            Ok(pieces)
        }
        (Item::Enter, GuardTarget::Packet { .. }) => {
            let function = following.iter().take_while(|item| **item != Item::Enter);
            let guarded = function.into_iter().any(|item| matches!(item, Item::Guard { .. }));
            Ok(enter(outside.filter(|_| guarded)))
        }
        (Item::Guard { dst, offset, bytes }, GuardTarget::Window { window_bytes }) => {
            check_guard(*dst, *offset, *bytes)?;
            Ok(window_guard(*dst, *offset, mask(*window_bytes)?))
        }
        (Item::Guard { dst, offset, bytes }, GuardTarget::Packet { packet_bytes_max }) => {
            check_guard(*dst, *offset, *bytes)?;
            let outside = outside.ok_or(AsmErrorKind::NoEnter)?;
            Ok(packet_guard(*dst, *offset, *bytes, mask(*packet_bytes_max)?, outside))
        }
    }
}

/// Of a window, or of the largest packet.
fn mask(window_bytes: usize) -> Result<i32, AsmErrorKind> {
    let mask = i32::try_from(window_bytes.wrapping_sub(1)).ok().filter(|_| window_bytes.is_power_of_two());
    mask.ok_or(AsmErrorKind::WindowSize(window_bytes))
}

/// The verifier then knows offset <= mask, and that dst points into the window; whatever a guard can ask for lies behind.
fn window_guard(dst: u8, offset: u8, mask: i32) -> Vec<Piece> {
    vec![
        Insn { code: op::ALU64 | op::AND, dst: offset, imm: mask, ..Insn::default() }.into(),
        map_value(dst, Map::Window, 0),
        Insn { code: ADD | op::X, dst, src: offset, ..Insn::default() }.into(),
    ]
}

/// The verifier learns from the comparison that `bytes` bytes from dst on belong to the packet
/// (`find_good_pkt_pointers`, kernel/bpf/verifier.c). It takes no other register: that of the offset holds the
/// end of the packet for a moment.
fn packet_guard(dst: u8, offset: u8, bytes: usize, mask: i32, outside: &str) -> Vec<Piece> {
    let bytes = bytes as i32;
    vec![
        Insn { code: op::ALU64 | op::AND, dst: offset, imm: mask, ..Insn::default() }.into(),
        store(OFFSET, offset).into(),
        load(dst, FP, DATA).into(),
        Insn { code: ADD | op::X, dst, src: offset, ..Insn::default() }.into(),
        Insn { code: ADD, dst, imm: bytes, ..Insn::default() }.into(),
        load(offset, FP, DATA_END).into(),
        Piece::Insn(Symbolic {
            insn: Insn { code: op::JMP | op::JGT | op::X, dst, src: offset, ..Insn::default() },
            high: None,
            target: Some(outside.to_owned()),
        }),
        Insn { code: ADD, dst, imm: -bytes, ..Insn::default() }.into(),
        load(offset, FP, OFFSET).into(),
    ]
}

/// The context is in r5. In a function with guards, where control goes from one that fails stands first.
fn enter(outside: Option<&str>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if let Some(outside) = outside {
        let inside = format!("{outside}_not");
        pieces.extend([
            Piece::Insn(Symbolic {
                insn: Insn { code: op::GOTO, ..Insn::default() },
                high: None,
                target: Some(inside.clone()),
            }),
            Piece::Label(outside.to_owned()),
            map_value(R0, Map::State, layout::OUTSIDE as i32),
            Insn { code: op::ST | op::MEM | op::DW, dst: R0, imm: 1, ..Insn::default() }.into(),
            Insn { code: op::ALU64 | op::MOV, dst: R0, ..Insn::default() }.into(),
            Insn { code: op::JMP | op::EXIT, ..Insn::default() }.into(),
            Piece::Label(inside),
        ]);
    }
    pieces.extend([
        store(CONTEXT, R5).into(),
        load(R0, R5, Context::Data as i16).into(),
        store(DATA, R0).into(),
        load(R0, R5, Context::DataEnd as i16).into(),
        store(DATA_END, R0).into(),
    ]);
    pieces
}

fn load(dst: u8, src: u8, off: i16) -> Insn {
    Insn { code: LOAD64, dst, src, off, ..Insn::default() }
}

fn store(off: i16, src: u8) -> Insn {
    Insn { code: STORE64, dst: FP, src, off, ..Insn::default() }
}

fn map_value(dst: u8, map: Map, offset: i32) -> Piece {
    let insn =
        Insn { code: op::LD_IMM64, dst, src: op::PSEUDO_MAP_IDX_VALUE, imm: map as i32, ..Insn::default() };
    Piece::Insn(Symbolic { insn, high: Some(offset), target: None })
}

fn resolve(
    symbolic: &Symbolic,
    labels: &HashMap<String, usize>,
    insns: &mut Vec<Insn>,
) -> Result<(), AsmErrorKind> {
    let mut insn = symbolic.insn;
    if let Some(label) = &symbolic.target {
        let place = *labels.get(label.as_str()).ok_or_else(|| AsmErrorKind::UnknownLabel(label.clone()))?;
        let distance = place as i64 - (insns.len() as i64 + 1);
        let out_of_range = |_| AsmErrorKind::JumpRange { label: label.clone(), distance };
        if insn.code == op::GOTOL || insn.code == op::JMP | op::CALL {
            insn.imm = i32::try_from(distance).map_err(out_of_range)?;
        } else {
            insn.off = i16::try_from(distance).map_err(out_of_range)?;
        }
    }
    insns.push(insn);
    insns.extend(symbolic.high.map(|imm| Insn { imm, ..Insn::default() }));
    Ok(())
}
