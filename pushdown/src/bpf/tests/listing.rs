//! Every program is printed as text that assembles to the same program.

use super::{Insn, Random, assemble, number};
use crate::bpf::interpret;
use crate::bpf::listing::print;
use crate::bpf::opcode as op;

fn again(insns: &[Insn]) -> String {
    let listing = print(insns);
    assert_eq!(assemble(&listing), insns, "{listing}");
    listing
}

#[test]
fn a_listing() {
    let text = "r1 = 5\nloop:\nr1 += -1\nr2 = map[groups][0] + 8\n*(u8 *)(r2 - 1) = 44\nif r1 != 0 goto loop\nr0 = 0x10 ll\nw0 s>>= 1\ncall f\nexit\nf:\nr0 = (s16)r1\nexit";
    let expected = "    r1 = 5
L1:
    r1 += -1
    r2 = map[groups][0] + 8
    *(u8 *)(r2 - 1) = 44
    if r1 != 0 goto L1
    r0 = 0x10 ll
    w0 s>>= 1
    call L11
    exit
L11:
    r0 = (s16)r1
    exit
";
    assert_eq!(print(&assemble(text)), expected);
}

/// A statement of any kind, with targets among `count` labels.
pub(super) fn statement(random: &mut Random, count: usize) -> String {
    let register = |random: &mut Random| random.below(11);
    let letter = *random.pick(&['r', 'w']);
    let (dst, src) = (random.below(10), register(random));
    let imm = number(random) as i32;
    let displacement = number(random) as i16;
    let label = format!("l{}", random.below(count));
    let width = *random.pick(&["u8", "u16", "u32", "u64"]);
    let operand = if random.below(2) == 0 { imm.to_string() } else { format!("{letter}{src}") };
    match random.below(12) {
        0 => format!("{letter}{dst} = {operand}"),
        1 => format!("r{dst} = {} ll", number(random)),
        2 => format!(
            "r{dst} = map[{}][0] + {}",
            random.pick(&["window", "index", "state", "groups", "output"]),
            random.below(1 << 32)
        ),
        3 => format!("{letter}{dst} {} {operand}", random.pick(&["+=", "-=", "*=", "&=", "|=", "^="])),
        4 => {
            let count =
                if random.below(2) == 0 { random.below(32).to_string() } else { format!("{letter}{src}") };
            format!("{letter}{dst} {} {count}", random.pick(&["<<=", ">>=", "s>>="]))
        }
        5 => {
            let operand = if operand == "0" { "1" } else { &operand };
            format!("{letter}{dst} {} {operand}", random.pick(&["/=", "%=", "s/=", "s%="]))
        }
        6 => {
            let bits = *random.pick(&[16, 32, 64]);
            match random.below(5) {
                0 => format!("{letter}{dst} = -{letter}{dst}"),
                1 => format!("{letter}{dst} = (s{}){letter}{src}", random.pick(&[8, 16])),
                2 => format!("r{dst} = (s32)r{src}"),
                _ => format!("r{dst} = {}{bits} r{dst}", random.pick(&["be", "le", "bswap"])),
            }
        }
        7 => {
            let width = *random.pick(&[width, "s8", "s16", "s32"]);
            format!("r{dst} = *({width} *)(r{src} + {displacement})")
        }
        8 => format!("*({width} *)(r{src} + {displacement}) = r{dst}"),
        9 => format!("*({width} *)(r{src} + {displacement}) = {}", random.below(128) as i64 - 64),
        10 => {
            let condition = random.pick(&["==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"]);
            format!("if {letter}{} {condition} {operand} goto {label}", register(random))
        }
        _ => match random.below(6) {
            0 => "exit".to_string(),
            1 => format!("call {}", random.below(300)),
            2 => format!("call {label}"),
            3 => format!("may_goto {label}"),
            4 => format!("gotol {label}"),
            _ => format!("goto {label}"),
        },
    }
}

#[test]
fn generated_programs_come_back() {
    let mut random = Random::new(0x5eed_0001);
    for _ in 0..2000 {
        let count = 1 + random.below(40);
        let lines: Vec<String> =
            (0..count).map(|line| format!("l{line}:\n{}", statement(&mut random, count))).collect();
        let insns = assemble(&lines.join("\n"));
        let listing = again(&insns);
        // All of this has a notation.
        assert!(!listing.contains(".raw"), "{listing}");
        // What the listing names are the labels that are used, and the statements are as written.
        assert_eq!(listing.lines().filter(|line| line.starts_with(' ')).count(), count);
    }
}

#[test]
fn any_slots_come_back() {
    let mut random = Random::new(0x5eed_0002);
    for _ in 0..5000 {
        let count = 1 + random.below(8);
        let slots: Vec<Insn> = (0..count)
            .map(|_| match random.below(3) {
                0 => Insn::from_u64(random.word()),
                // Mostly empty fields, so that many of them are instructions.
                1 => Insn { code: random.word() as u8, dst: random.below(12) as u8, ..Insn::default() },
                _ => {
                    let mut insn = assemble(&format!("l0:\n{}", statement(&mut random, 1)))[0];
                    match random.below(6) {
                        0 => insn.code ^= 1 << random.below(8),
                        1 => insn.dst = random.below(16) as u8,
                        2 => insn.src = random.below(16) as u8,
                        3 => insn.off = random.below(12) as i16 - 6,
                        4 => insn.imm = number(&mut random) as i32,
                        _ => {}
                    }
                    insn
                }
            })
            .collect();
        again(&slots);
    }
}

/// The interpreter knows the instructions that have a notation, and no others.
#[test]
fn notation_and_interpreter_know_the_same() {
    let mut random = Random::new(0x5eed_0003);
    let (mut known, mut unknown) = (0, 0);
    for _ in 0..200_000 {
        let mut insn = assemble(&format!("l0:\n{}", statement(&mut random, 1)))[0];
        match random.below(6) {
            0 => insn.code ^= 1 << random.below(8),
            1 => insn.dst = random.below(16) as u8,
            2 => insn.src = random.below(16) as u8,
            3 => insn.off ^= 1 << random.below(16),
            4 => insn.imm ^= 1 << random.below(32),
            _ => {}
        }
        let is_jump = op::class(insn.code) == op::JMP || op::class(insn.code) == op::JMP32;
        let is_call = insn.code == op::JMP | op::CALL;
        if is_jump && !is_call && insn.code != op::GOTOL {
            insn.off = insn.off.clamp(-1, 0);
        } else if insn.code == op::GOTOL || is_call && insn.src == op::PSEUDO_CALL {
            insn.imm = -1;
        }
        if insn.code & 0x87 == op::ST && insn.code != 0x7a || is_call && insn.imm < 0 && insn.src == 0 {
            // Immediates that do not fit the store, and negative helpers, have no notation.
            insn.imm &= 0x7f;
        }
        // With a second slot for those that need one.
        let second = (insn.code == op::LD_IMM64).then(Insn::default);
        let slots: Vec<Insn> = [insn].into_iter().chain(second).collect();
        let has_notation = !print(&slots).contains(".raw");
        assert_eq!(has_notation, interpret::is_known(&slots), "{insn:x?} {}", print(&slots));
        *if has_notation { &mut known } else { &mut unknown } += 1;
    }
    assert!(known > 10_000 && unknown > 10_000, "{known} {unknown}");
}
