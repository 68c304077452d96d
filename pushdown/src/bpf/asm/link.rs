//! Items to instructions: guards become code for one kind of memory, names become distances.

use std::collections::HashMap;

use super::{AsmError, AsmErrorKind as Kind, GuardTarget, Item, Symbolic, check_guard};
use crate::bpf::opcode as op;
use crate::bpf::{Insn, listing};
use crate::layout::Map;

/// Slots of a guard on a window: a mask, a map address, an addition.
const WINDOW_GUARD_SLOTS: usize = 4;

/// Lowers guards for the target and resolves labels.
pub fn link(items: &[Item], target: &GuardTarget) -> Result<Vec<Insn>, AsmError> {
    let error = |index: usize, kind| AsmError {
        line: index + 1,
        text: listing::print_item(&items[index]).trim().to_string(),
        kind,
    };
    let mut labels: HashMap<&str, usize> = HashMap::new();
    let mut slot_count = 0;
    for (index, item) in items.iter().enumerate() {
        match item {
            Item::Label(name) => {
                if labels.insert(name, slot_count).is_some() {
                    return Err(error(index, Kind::DuplicateLabel(name.clone())));
                }
            }
            Item::Insn(symbolic) => slot_count += if symbolic.high.is_some() { 2 } else { 1 },
            Item::Guard { .. } => slot_count += WINDOW_GUARD_SLOTS,
            Item::Comment(_) => {}
        }
    }
    let mut insns = Vec::with_capacity(slot_count);
    for (index, item) in items.iter().enumerate() {
        match item {
            Item::Insn(symbolic) => resolve(symbolic, &labels, &mut insns),
            Item::Guard { dst, offset, bytes } => guard(*dst, *offset, *bytes, target, &mut insns),
            Item::Label(_) | Item::Comment(_) => Ok(()),
        }
        .map_err(|kind| error(index, kind))?;
    }
    debug_assert_eq!(insns.len(), slot_count, "both passes must agree about the places");
    Ok(insns)
}

fn resolve(symbolic: &Symbolic, labels: &HashMap<&str, usize>, insns: &mut Vec<Insn>) -> Result<(), Kind> {
    let mut insn = symbolic.insn;
    if let Some(label) = &symbolic.target {
        let place = *labels.get(label.as_str()).ok_or_else(|| Kind::UnknownLabel(label.clone()))?;
        let distance = place as i64 - (insns.len() as i64 + 1);
        let out_of_range = |_| Kind::JumpRange { label: label.clone(), distance };
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

fn guard(dst: u8, offset: u8, bytes: usize, target: &GuardTarget, insns: &mut Vec<Insn>) -> Result<(), Kind> {
    check_guard(dst, offset, bytes)?;
    let window_bytes = match target {
        GuardTarget::Window { window_bytes } => *window_bytes,
        GuardTarget::Packet => return Err(Kind::GuardUnsupported),
    };
    let mask = i32::try_from(window_bytes.wrapping_sub(1)).ok().filter(|_| window_bytes.is_power_of_two());
    let mask = mask.ok_or(Kind::WindowSize(window_bytes))?;
    // The verifier then knows offset <= mask, and that dst points into the window with at least the slack behind.
    insns.extend([
        Insn { code: op::ALU64 | op::AND, dst: offset, imm: mask, ..Insn::default() },
        Insn {
            code: op::LD_IMM64,
            dst,
            src: op::PSEUDO_MAP_IDX_VALUE,
            imm: Map::Window as i32,
            ..Insn::default()
        },
        Insn::default(),
        Insn { code: op::ALU64 | op::ADD | op::X, dst, src: offset, ..Insn::default() },
    ]);
    Ok(())
}
