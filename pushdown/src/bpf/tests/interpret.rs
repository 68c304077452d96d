//! What each instruction computes (`instruction-set.rst`), and each fault.

use super::listing::statement as random_statement;
use super::{Insn, Random, assemble, number};
use crate::bpf::interpret::{
    Decoded, FRAMES_MAX, Fault, FaultKind, Limits, Memory, Outcome, Region, STACK_BYTES, run,
};
use crate::contract::layout::Map;

fn memory() -> Memory {
    memory_of([vec![0; 64], vec![0; 64], vec![0; 64], vec![], vec![0; 8]])
}

fn memory_of(maps: [Vec<u8>; 5]) -> Memory {
    let mut memory = Memory::default();
    memory.maps = maps;
    memory
}

fn value(text: &str) -> u64 {
    run(&assemble(&format!("{text}\nexit")), &mut memory()).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

fn fault(text: &str) -> Fault {
    run(&assemble(text), &mut memory()).expect_err(text)
}

/// `r0 = x op y`, with the operand in a register, and as immediate if it fits.
fn check(x: i64, symbol: &str, y: i64, in_64: i64, in_32: u32) {
    for (letter, expected) in [('r', in_64 as u64), ('w', u64::from(in_32))] {
        let setup = format!("r0 = {x} ll\nr2 = {y} ll");
        assert_eq!(
            value(&format!("{setup}\n{letter}0 {symbol} {letter}2")),
            expected,
            "{letter}: {x} {symbol} {y}"
        );
        let is_shift = symbol.contains("<<") || symbol.contains(">>");
        let is_division = symbol.contains(['/', '%']);
        let has_meaning = (!is_shift || (0..32).contains(&y)) && (!is_division || y != 0);
        if i32::try_from(y).is_ok() && has_meaning {
            let text = format!("{setup}\n{letter}0 {symbol} {y}");
            assert_eq!(value(&text), expected, "{letter}: {x} {symbol} immediate {y}");
        }
    }
}

#[test]
fn arithmetic() {
    let min = i64::MIN;
    check(5, "=", -7, -7, 0xffff_fff9);
    check(-1, "+=", 1, 0, 0);
    check(0x7fff_ffff, "+=", 1, 0x8000_0000, 0x8000_0000);
    check(i64::MAX, "+=", 1, min, 0);
    check(0, "-=", 1, -1, 0xffff_ffff);
    check(0x1_0000_0003, "*=", 0x1_0000_0005, 0x8_0000_000f, 15);
    check(-3, "*=", 5, -15, 0xffff_fff1);
    check(0x1_0000_0007, "/=", 2, 0x8000_0003, 3);
    // The immediate of an unsigned 64-bit division is sign-extended first.
    check(-1, "/=", -1, 1, 1);
    check(7, "/=", -1, 0, 0);
    check(7, "/=", 0, 0, 0);
    check(-7, "s/=", 2, -3, -3_i32 as u32);
    check(7, "s/=", -2, -3, -3_i32 as u32);
    check(-7, "s/=", 0, 0, 0);
    check(min, "s/=", -1, min, 0);
    check(0x8000_0000, "s/=", -1, -0x8000_0000, 0x8000_0000);
    check(0x1_0000_0007, "%=", 4, 3, 3);
    check(7, "%=", -1, 7, 7);
    // The dividend; in 32 bits with the upper half cleared.
    check(-7, "%=", 0, -7, 0xffff_fff9);
    check(-7, "s%=", 2, -1, 0xffff_ffff);
    check(7, "s%=", -2, 1, 1);
    check(min, "s%=", -1, 0, 0);
    check(0x8000_0000, "s%=", -1, 0, 0);
    check(-7, "s%=", 0, -7, 0xffff_fff9);
    check(0x0f0f_0000_0000_00f0, "|=", -256, -16, 0xffff_fff0);
    check(-1, "&=", 0xff, 0xff, 0xff);
    check(-1, "&=", -256, -256, 0xffff_ff00);
    check(0x5_0000_0005, "^=", -1, !0x5_0000_0005, 0xffff_fffa);
    check(1, "<<=", 31, 1 << 31, 1 << 31);
    check(3, "<<=", 63, min, 0x8000_0000);
    // Counts in registers are masked to the width.
    check(3, "<<=", 65, 6, 6);
    check(3, "<<=", 33, 3 << 33, 6);
    check(-1, ">>=", 4, 0x0fff_ffff_ffff_ffff, 0x0fff_ffff);
    check(-16, ">>=", 68, 0x0fff_ffff_ffff_ffff, 0x0fff_ffff);
    check(-256, "s>>=", 4, -16, 0xffff_fff0);
    check(0x8000_0000, "s>>=", 31, 1, 0xffff_ffff);
    check(-256, "s>>=", 100, -1, 0xffff_fff0);
}

#[test]
fn unary() {
    for (x, statement, expected) in [
        (5, "r0 = -r0", -5),
        (i64::MIN, "r0 = -r0", i64::MIN),
        (5, "w0 = -w0", 0xffff_fffb),
        (0x1ff, "r0 = (s8)r0", -1),
        (0x17f, "r0 = (s8)r0", 0x7f),
        (0x1_8000, "r0 = (s16)r0", -0x8000),
        (0x1_8000_0000, "r0 = (s32)r0", -0x8000_0000),
        (0x1ff, "w0 = (s8)w0", 0xffff_ffff),
        (0x1_8000, "w0 = (s16)w0", 0xffff_8000),
        (0x0102_0304_0506_0708, "r0 = le16 r0", 0x0708),
        (0x0102_0304_0506_0708, "r0 = le32 r0", 0x0506_0708),
        (0x0102_0304_0506_0708, "r0 = le64 r0", 0x0102_0304_0506_0708),
        (0x0102_0304_0506_0708, "r0 = be16 r0", 0x0807),
        (0x0102_0304_0506_0708, "r0 = be32 r0", 0x0807_0605),
        (0x0102_0304_0506_0708, "r0 = be64 r0", 0x0807_0605_0403_0201),
        (0x0102_0304_0506_0708, "r0 = bswap16 r0", 0x0807),
        (0x0102_0304_0506_0708, "r0 = bswap32 r0", 0x0807_0605),
        (0x0102_0304_0506_0708, "r0 = bswap64 r0", 0x0807_0605_0403_0201),
    ] {
        assert_eq!(value(&format!("r0 = {x} ll\n{statement}")), expected as u64, "{x:#x} {statement}");
    }
    assert_eq!(value("r1 = 0x80\nr0 = (s8)r1\nr0 += r1"), 0);
}

#[test]
fn moves() {
    assert_eq!(value("r0 = -5"), -5_i64 as u64);
    assert_eq!(value("w0 = -5"), 0xffff_fffb);
    assert_eq!(value("r1 = -5\nw0 = w1"), 0xffff_fffb);
    assert_eq!(value("r1 = -5\nr0 = r1"), -5_i64 as u64);
    assert_eq!(value("r0 = 0x8000000080000000 ll"), 0x8000_0000_8000_0000);
    // No context.
    assert_eq!(value("r0 = r1"), 0);
}

#[test]
fn accesses() {
    let bytes = "r2 = map[state][0] + 8\nr1 = 0xf1f2f3f4f5f6f7f8 ll\n*(u64 *)(r2 + 8) = r1\n";
    for (load, expected) in [
        ("u8", 0xf8),
        ("u16", 0xf7f8),
        ("u32", 0xf5f6_f7f8),
        ("u64", 0xf1f2_f3f4_f5f6_f7f8_u64),
        ("s8", 0xffff_ffff_ffff_fff8),
        ("s16", 0xffff_ffff_ffff_f7f8),
        ("s32", 0xffff_ffff_f5f6_f7f8),
    ] {
        assert_eq!(value(&format!("{bytes}r0 = *({load} *)(r2 + 8)")), expected, "{load}");
        assert_eq!(value(&format!("{bytes}r2 += 24\nr0 = *({load} *)(r2 - 16)")), expected, "{load}");
    }
    for (store, of_register, of_immediate) in [
        ("u8", 0xf1f2_f3f4_f5f6_f702, 0xf1f2_f3f4_f5f6_f7fe_u64),
        ("u16", 0xf1f2_f3f4_f5f6_0102, 0xf1f2_f3f4_f5f6_fffe),
        ("u32", 0xf1f2_f3f4_0000_0102, 0xf1f2_f3f4_ffff_fffe),
        ("u64", 0x0102, 0xffff_ffff_ffff_fffe),
    ] {
        let read = "r0 = *(u64 *)(r2 + 8)";
        assert_eq!(value(&format!("{bytes}r3 = 0x102\n*({store} *)(r2 + 8) = r3\n{read}")), of_register);
        assert_eq!(value(&format!("{bytes}*({store} *)(r2 + 8) = -2\n{read}")), of_immediate);
    }
    // The maps are the caller's, unaligned access is fine there, and on the stack each byte counts.
    let mut memory = memory();
    memory.map_mut(Map::Window)[3..11].copy_from_slice(b"12345678");
    let text = "r2 = map[window][0]\nr1 = *(u64 *)(r2 + 3)\nr3 = map[output][0]\n*(u64 *)(r3 + 0) = r1\nr0 = 0\nexit";
    run(&assemble(text), &mut memory).unwrap();
    assert_eq!(memory.map(Map::Output), b"12345678");
    let halves = "*(u32 *)(r10 - 8) = 1\n*(u32 *)(r10 - 4) = 2\nr0 = *(u64 *)(r10 - 8)";
    assert_eq!(value(halves), 0x2_0000_0001);
    assert_eq!(value("*(u64 *)(r10 - 512) = 7\nr0 = *(u8 *)(r10 - 512)"), 7);
}

#[test]
fn jumps() {
    let (low, high) = (i64::from(u32::MAX), -1);
    for (x, y, in_64, in_32) in [
        (1_i64, 1_i64, "== >= <= s>= s<= &", "== >= <= s>= s<= &"),
        (1, 2, "!= < <= s< s<=", "!= < <= s< s<="),
        (2, 1, "!= > >= s> s>=", "!= > >= s> s>="),
        (-1, 1, "!= > >= s< s<= &", "!= > >= s< s<= &"),
        (1, -1, "!= < <= s> s>= &", "!= < <= s> s>= &"),
        (low, high, "!= < <= s> s>= &", "== >= <= s>= s<= &"),
        (1 << 40, 1 << 40, "== >= <= s>= s<= &", "== >= <= s>= s<="),
        (i64::MIN, i64::MAX, "!= > >= s< s<=", "!= < <= s> s>="),
        (i64::MIN, -0x8000_0000, "!= < <= s< s<= &", "!= < <= s> s>="),
    ] {
        for condition in ["==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"] {
            for (letter, holds) in [('r', in_64), ('w', in_32)] {
                let expected = u64::from(holds.split(' ').any(|symbol| symbol == condition));
                let mut operands = vec![format!("{letter}2")];
                operands.extend(i32::try_from(y).ok().map(|y| y.to_string()));
                for operand in operands {
                    let text = format!(
                        "r1 = {x} ll\nr2 = {y} ll\nr0 = 1\nif {letter}1 {condition} {operand} goto l\nr0 = 0\nl:"
                    );
                    assert_eq!(value(&text), expected, "{letter}: {x} {condition} {y} ({operand})");
                }
            }
        }
    }
    assert_eq!(value("r0 = 1\ngoto l\nr0 = 2\nl:"), 1);
    assert_eq!(value("r0 = 1\ngotol l\nr0 = 2\nl:"), 1);
    assert_eq!(value("r0 = 0\nr1 = 10\nl:\nr0 += r1\nr1 -= 1\nif r1 != 0 goto l"), 55);
}

#[test]
fn calls() {
    // r6 to r9 and the frame are the caller's own, r1 to r5 reach the callee.
    let text = "r6 = 60\nr9 = 90\n*(u64 *)(r10 - 8) = 8\nr1 = 1\nr5 = 5\ncall f\nr0 += r6\nr0 += r9
        r1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit
        f:\nr6 = 1000\nr9 = 1000\n*(u64 *)(r10 - 8) = 1000\nr0 = r1\nr0 += r5";
    assert_eq!(value(text), 164);
    // A callee may write into its caller's frame.
    assert_eq!(value("r1 = r10\ncall f\nr0 = *(u64 *)(r10 - 8)\nexit\nf:\n*(u64 *)(r1 - 8) = 7\nr0 = 0"), 7);
    let deep = |frames: usize| {
        let functions = (1..frames).map(|i| format!("call f{i}\nexit\nf{i}:\n")).collect::<String>();
        assemble(&format!("{functions}r0 = 7\nexit"))
    };
    assert_eq!(run(&deep(FRAMES_MAX), &mut memory()), Ok(7));
    assert_eq!(run(&deep(FRAMES_MAX + 1), &mut memory()).unwrap_err().kind, FaultKind::CallDepth);
}

#[test]
fn may_goto_has_a_budget_for_each_call() {
    let text = "r6 = 0\nl:\nmay_goto done\nr6 += 1\ngoto l\ndone:\ncall f\nr0 += r6\nexit
        f:\nr0 = 0\nm:\nmay_goto out\nr0 += 1000\nmay_goto out\ngoto m\nout:\nexit";
    let limits = Limits { loops: 5, ..Limits::default() };
    let outcome = Decoded::new(&assemble(text)).run(&mut memory(), limits).unwrap();
    assert_eq!(outcome.value, 3005);
    assert_eq!(value("r0 = 0\nl:\nmay_goto done\nr0 += 1\ngoto l\ndone:"), 8 << 20);
}

#[test]
fn steps_are_counted_and_limited() {
    let prepared = Decoded::new(&assemble("r0 = 1 ll\nr0 += 1\nexit"));
    let run = |steps| prepared.run(&mut memory(), Limits { steps, ..Limits::default() });
    assert_eq!(run(3), Ok(Outcome { value: 2, steps: 3 }));
    assert_eq!(run(2), Err(Fault { pc: 3, kind: FaultKind::StepLimit }));
    let forever = Decoded::new(&assemble("l:\ngoto l"));
    let limits = Limits { steps: 1000, ..Limits::default() };
    assert_eq!(forever.run(&mut memory(), limits), Err(Fault { pc: 0, kind: FaultKind::StepLimit }));
}

#[track_caller]
fn faults(text: &str, pc: usize, kind: FaultKind) {
    assert_eq!(fault(text), Fault { pc, kind }, "{text}");
}

#[test]
fn uninitialised_values() {
    let register = |register| FaultKind::UninitialisedRegister { register };
    faults("exit", 0, register(0));
    faults("r0 = 0\nr0 = r2\nexit", 1, register(2));
    faults("r3 += 1\nexit", 0, register(3));
    faults("r0 = 0\nr0 += r4\nexit", 1, register(4));
    faults("r5 = -r5", 0, register(5));
    faults("r5 = be16 r5", 0, register(5));
    faults("w0 = (s8)w6", 0, register(6));
    faults("if r7 == 0 goto l\nl:\nexit", 0, register(7));
    faults("if w1 == w7 goto l\nl:\nexit", 0, register(7));
    faults("r0 = *(u8 *)(r8 + 0)", 0, register(8));
    faults("*(u8 *)(r8 + 0) = 0", 0, register(8));
    faults("*(u8 *)(r10 - 1) = r9", 0, register(9));
    // Calls take the arguments, callees begin without the rest, results may have no value.
    faults("r2 = 1\ncall f\nr0 = r2\nexit\nf:\nr0 = 0\nexit", 2, register(2));
    faults("r6 = 1\ncall f\nexit\nf:\nr0 = r6\nexit", 3, register(6));
    faults("r0 = 1\ncall f\nexit\nf:\nr0 += 1\nexit", 3, register(0));
    faults("r0 = 1\ncall f\nexit\nf:\nexit", 2, register(0));
    let stack = |offset| FaultKind::UninitialisedStack { offset };
    faults("r0 = *(u8 *)(r10 - 1)", 0, stack(-1));
    faults("*(u32 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)", 1, stack(-8));
    // A later frame does not see an earlier one's.
    let twice =
        "call f\ncall g\nexit\nf:\n*(u64 *)(r10 - 8) = 1\nr0 = 0\nexit\ng:\nr0 = *(u64 *)(r10 - 8)\nexit";
    faults(twice, 6, stack(-8));
}

#[test]
fn bad_accesses() {
    let outside = |region, offset, bytes| FaultKind::OutOfBounds { region, offset, bytes };
    let state = Region::Map(Map::State);
    faults("r1 = map[state][0]\nr0 = *(u64 *)(r1 + 57)", 2, outside(state, 57, 8));
    faults("r1 = map[state][0] + 60\n*(u64 *)(r1 + 0) = 1", 2, outside(state, 60, 8));
    faults("r1 = map[groups][0]\nr0 = *(u8 *)(r1 + 0)", 2, outside(Region::Map(Map::Groups), 0, 1));
    // Before the beginning is far behind the end of the region before.
    let before = outside(Region::Map(Map::Index), (1 << 40) - 1, 1);
    faults("r1 = map[state][0]\nr0 = *(u8 *)(r1 - 1)", 2, before);
    let frame = Region::Frame(0);
    faults("*(u64 *)(r10 + 0) = 1", 0, outside(frame, STACK_BYTES as u64, 8));
    faults("*(u64 *)(r10 - 4) = 1", 0, outside(frame, STACK_BYTES as u64 - 4, 8));
    faults("*(u64 *)(r10 - 520) = 1", 0, FaultKind::NoAddress { address: (9 << 40) - 8 });
    faults("*(u32 *)(r10 - 6) = 1", 0, FaultKind::MisalignedStack { offset: -6, bytes: 4 });
    faults("r0 = *(u8 *)(r1 + 0)", 0, FaultKind::NoAddress { address: 0 });
    faults("r1 = -1\nr0 = *(u64 *)(r1 + 0)", 1, FaultKind::NoAddress { address: u64::MAX });
    // The frame of a function that returned.
    let gone = "call f\nr0 = *(u64 *)(r0 - 8)\nexit\nf:\n*(u64 *)(r10 - 8) = 1\nr0 = r10\nexit";
    faults(gone, 1, outside(Region::Frame(1), STACK_BYTES as u64 - 8, 8));
}

#[test]
fn bad_control() {
    let unknown = |slot| FaultKind::UnknownInstruction { slot };
    let goto = |off: i16| Insn { code: 0x05, off, ..Insn::default() }.to_u64();
    faults("r0 = 0", 1, FaultKind::EndReached);
    faults("", 0, FaultKind::EndReached);
    faults("r0 = 0\nr0 = 0 ll", 3, FaultKind::EndReached);
    faults(&format!("r0 = 0\n.raw {:#x}", goto(0)), 1, FaultKind::JumpOutside);
    faults(&format!(".raw {:#x}\nexit", goto(5)), 0, FaultKind::JumpOutside);
    faults(&format!("r0 = 0\n.raw {:#x}\nexit", goto(-3)), 1, FaultKind::JumpOutside);
    faults("r0 = 0\n.raw 0x0000006400001085\nexit", 1, FaultKind::JumpOutside);
    faults(&format!(".raw {:#x}\nr0 = 1 ll\nexit", goto(1)), 2, FaultKind::SecondSlot);
    // Only the path that is taken counts.
    assert_eq!(value(&format!("r0 = 0\nif r0 == 0 goto l\n.raw {:#x}\n.raw 0xff\nl:", goto(77))), 0);
    faults(".raw 0xff\nexit", 0, unknown(0xff));
    faults(".raw 0x18", 0, unknown(0x18));
    faults("call 5\nexit", 0, FaultKind::UnsupportedHelper { helper: 5 });
    // An atomic addition, a map by descriptor, a reserved field, a twelfth register.
    faults(".raw 0xdb\nexit", 0, unknown(0xdb));
    faults(".raw 0x1118\n.raw 0\nexit", 0, unknown(0x1118));
    faults(".raw 0x0000000100000095", 0, unknown(0x1_0000_0095));
    faults(".raw 0xbb7", 0, unknown(0xbb7));
    faults(".raw 0xab7\nexit", 0, FaultKind::FramePointerWritten);
    assert_eq!(fault(".raw 0xff").to_string(), "instruction 0: unknown instruction 0x00000000000000ff");
}

/// Any slots at all end in a result or a fault.
#[test]
fn never_panics() {
    let mut random = Random::new(0x5eed_0004);
    let limits = Limits { steps: 200, loops: 3 };
    let (mut finished, mut faulted) = (0, 0);
    for _ in 0..20_000 {
        let count = 1 + random.below(12);
        // Most registers have a value, so that some programs come to their end.
        let mut text: String =
            (0..10).map(|register| format!("r{register} = {} ll\n", number(&mut random))).collect();
        (0..count)
            .for_each(|line| text.push_str(&format!("l{line}:\n{}\n", random_statement(&mut random, count))));
        let mut slots = assemble(&format!("{text}exit"));
        if random.below(2) == 0 {
            let index = random.below(slots.len());
            slots[index] = Insn::from_u64(slots[index].to_u64() ^ 1 << random.below(64));
        }
        match Decoded::new(&slots).run(&mut memory(), limits) {
            Ok(_) => finished += 1,
            Err(_) => faulted += 1,
        }
    }
    assert!(finished > 1000 && faulted > 1000, "{finished} {faulted}");
}
