//! Encodings, macros, labels, guards, and one test for each error.

use super::{Insn, WINDOW, assemble, items};
use crate::bpf::asm::{AsmError, AsmErrorKind, GuardTarget, Holes, Item, LINES_MAX, link, parse};
use crate::bpf::listing::print_items;
use crate::contract::layout::GUARD_BYTES_MAX;

/// The slots as the kernel would show them in a dump of bytes: code, registers, off, imm.
fn check(text: &str, expected: &[&str]) {
    let slots: Vec<String> =
        assemble(text).iter().map(|insn| insn.to_u64().to_le_bytes()).map(|bytes| hex(&bytes)).collect();
    assert_eq!(slots, expected, "{text}");
}

fn hex(bytes: &[u8; 8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {} {} {}", digits[0], digits[1], digits[2..4].concat(), digits[4..].concat())
}

// The expected bytes are in the form of `llvm-mc -triple bpfel -show-encoding`, to compare with.
#[test]
fn encodings() {
    check("r1 = r2", &["bf 21 0000 00000000"]);
    check("w1 = w2", &["bc 21 0000 00000000"]);
    check("r1 = -5", &["b7 01 0000 fbffffff"]);
    check("w9 = 0xffffffff", &["b4 09 0000 ffffffff"]);
    check("r1 += r2", &["0f 21 0000 00000000"]);
    check("r1 -= 5", &["17 01 0000 05000000"]);
    check("w1 *= w2", &["2c 21 0000 00000000"]);
    check("r1 /= r2", &["3f 21 0000 00000000"]);
    check("r1 s/= r2", &["3f 21 0100 00000000"]);
    check("w1 %= 10", &["94 01 0000 0a000000"]);
    check("w1 s%= 10", &["94 01 0100 0a000000"]);
    check("r1 &= 0xff", &["57 01 0000 ff000000"]);
    check("r1 |= r2", &["4f 21 0000 00000000"]);
    check("r1 ^= -1", &["a7 01 0000 ffffffff"]);
    check("r1 <<= 32", &["67 01 0000 20000000"]);
    check("r1 >>= r0", &["7f 01 0000 00000000"]);
    check("w1 s>>= 31", &["c4 01 0000 1f000000"]);
    check("r1 = -r1", &["87 01 0000 00000000"]);
    check("w1 = -w1", &["84 01 0000 00000000"]);
    check("r1 = (s8)r2", &["bf 21 0800 00000000"]);
    check("r1 = (s16)r2", &["bf 21 1000 00000000"]);
    check("r1 = (s32)r2", &["bf 21 2000 00000000"]);
    check("w1 = (s8)w2", &["bc 21 0800 00000000"]);
    check("r1 = bswap64 r1", &["d7 01 0000 40000000"]);
    check("r1 = be16 r1", &["dc 01 0000 10000000"]);
    check("r1 = le32 r1", &["d4 01 0000 20000000"]);
    check("r1 = *(u8 *)(r2 + 8)", &["71 21 0800 00000000"]);
    check("r1 = *(u16 *)(r2 - 8)", &["69 21 f8ff 00000000"]);
    check("w1 = *(u32 *)(r2 + 0)", &["61 21 0000 00000000"]);
    check("r1 = *(u64 *)(r10 - 8)", &["79 a1 f8ff 00000000"]);
    check("r1 = *(s8 *)(r2 + 8)", &["91 21 0800 00000000"]);
    check("r1 = *(s16 *)(r2 + 8)", &["89 21 0800 00000000"]);
    check("r1 = *(s32 *)(r2 + 8)", &["81 21 0800 00000000"]);
    check("*(u8 *)(r1 + 1) = r2", &["73 21 0100 00000000"]);
    check("*(u64 *)(r10 - 16) = r2", &["7b 2a f0ff 00000000"]);
    check("*(u16 *)(r1 + 0) = 0xffff", &["6a 01 0000 ffff0000"]);
    check("*(u32 *)(r1 + 0) = 0xffffffff", &["62 01 0000 ffffffff"]);
    check("*(u64 *)(r1 + 0) = -1", &["7a 01 0000 ffffffff"]);
    check("exit", &["95 00 0000 00000000"]);
    check("call 5", &["85 00 0000 05000000"]);
    check(".raw 0x95", &["95 00 0000 00000000"]);
    let comma = ["18 01 0000 2c2c2c2c", "00 00 0000 2c2c2c2c"];
    check("r1 = 0x2c2c2c2c2c2c2c2c ll", &comma);
    check("r1 = 0xffff_ffff_ffff_fffe ll", &["18 01 0000 feffffff", "00 00 0000 ffffffff"]);
    check("r1 = -2 ll", &["18 01 0000 feffffff", "00 00 0000 ffffffff"]);
    check("r1 = map[state][0] + 128", &["18 61 0000 02000000", "00 00 0000 80000000"]);
    check("r1 = map[window][0]", &["18 61 0000 00000000", "00 00 0000 00000000"]);
}

#[test]
fn jumps_and_calls() {
    let text =
        "top:\n if r1 == r2 goto top\n if w1 s< -5 goto end\n if r1 & 7 goto top\n if r3 s>= r4 goto top
        r1 = 1 ll\n may_goto end\n gotol top\n goto end\n call end\nend:\n exit";
    let expected = [
        "1d 21 ffff 00000000",
        "c6 01 0800 fbffffff",
        "45 01 fdff 07000000",
        "7d 43 fcff 00000000",
        "18 01 0000 01000000",
        "00 00 0000 00000000",
        "e5 00 0300 00000000",
        "06 00 0000 f8ffffff",
        "05 00 0100 00000000",
        "85 10 0000 00000000",
        "95 00 0000 00000000",
    ];
    check(text, &expected);
    let codes = |class: u8| {
        [0x1d, 0x5d, 0x2d, 0x3d, 0xad, 0xbd, 0x6d, 0x7d, 0xcd, 0xdd, 0x4d].map(|code| code - 5 + class)
    };
    for (letter, class) in [('r', 5), ('w', 6)] {
        for (symbol, code) in
            ["==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"].iter().zip(codes(class))
        {
            let insns = assemble(&format!("l:\nif {letter}1 {symbol} {letter}2 goto l"));
            assert_eq!(insns[0].code, code, "{letter} {symbol}");
            let insns = assemble(&format!("l:\nif {letter}1 {symbol}7 goto l"));
            assert_eq!((insns[0].code, insns[0].imm), (code - 8, 7), "{letter} {symbol}");
        }
    }
}

#[test]
fn slots_are_numbers_and_back() {
    let insn = Insn { code: 0x7b, dst: 10, src: 2, off: -16, imm: -3 };
    assert_eq!(insn.to_u64(), 0xffff_fffd_fff0_2a7b);
    assert_eq!(Insn::from_u64(insn.to_u64()), insn);
}

#[test]
fn blanks_and_comments() {
    let text = "  r1=r2;move\n\n// whole\n\t# another\n r2 = *(u64*)( r1+8 ) // load\n r3 = map [ index ] [0]+8 # map";
    let listing = "    ; move\n    r1 = r2\n    ; whole\n    ; another\n    ; load\n    r2 = *(u64 *)(r1 + 8)\n    ; map\n    r3 = map[index][0] + 8\n";
    assert_eq!(print_items(&items(text)), listing);
    assert_eq!(items(&print_items(&items(text))), items(text));
}

#[test]
fn prefixes_make_labels_unique_unless_global() {
    let text = "loop:\n goto loop\n goto @done\n@here:\n call loop";
    let parsed = parse(text, &Holes::new(), "scan_").unwrap();
    let listing = "scan_loop:\n    goto scan_loop\n    goto @done\n@here:\n    call scan_loop\n";
    assert_eq!(print_items(&parsed), listing);
}

#[test]
fn holes_and_arithmetic() {
    let holes = Holes::new().with("base", 16).with("reg", "r6").with("at", -8).with("big", u64::MAX);
    let text =
        "{reg} = {base}\nr1 = *(u64 *)(r10 + {at})\nr2 = {base*2 + 1}\nr3 = {(base - 1) << 4}\nr4 = { -base }
        r5 = {big} ll ; {reg} in {braces\nl{base}:\ngoto l{base}";
    let listing = "    r6 = 16\n    r1 = *(u64 *)(r10 - 8)\n    r2 = 33\n    r3 = 240\n    r4 = -16
    ; {reg} in {braces\n    r5 = 0xffffffffffffffff ll\nl16:\n    goto l16\n";
    assert_eq!(print_items(&parse(text, &holes, "").unwrap()), listing);
}

#[test]
fn repetitions_and_conditions() {
    let holes = Holes::new().with("n", 2).with("yes", 1).with("no", 0);
    let text = ".repeat {n} i\nl{i}:\n.repeat 2 j ; of the template\nr1 = {i*2 + j}\n.end\n.end
        .if {yes}\nr2 = 1\n.else\nr2 = {missing}\n.end\n.if {no}\nr3 = 1\n.else\n.if {n - 2}\nr3 = 2\n.end\nr3 = 3\n.end
        .repeat 0 i\nnonsense\n.end\n.if {no}\nnonsense\n.end";
    let listing = "l0:\n    r1 = 0\n    r1 = 1\nl1:\n    r1 = 2\n    r1 = 3\n    r2 = 1\n    r3 = 3\n";
    assert_eq!(print_items(&parse(text, &holes, "").unwrap()), listing);
}

#[test]
fn guards_mask_windows() {
    let guarded = items("r2 = window(r1, 8)\nl:\ngoto l");
    assert_eq!(guarded[0], Item::Guard { dst: 2, offset: 1, bytes: 8 });
    assert_eq!(print_items(&guarded), "    r2 = window(r1, 8)\nl:\n    goto l\n");
    let lowered = assemble("r1 &= 4095\nr2 = map[window][0]\nr2 += r1\nl:\ngoto l");
    assert_eq!(link(&guarded, &WINDOW).unwrap(), lowered);
    let largest = GuardTarget::Window { window_bytes: 1 << 31 };
    assert_eq!(link(&guarded, &largest).unwrap()[0].imm, i32::MAX);
}

#[test]
fn temporary_registers_are_forgotten() {
    let forgotten = items("forget");
    assert_eq!(print_items(&forgotten), "    forget\n");
    let lowered = assemble("r0 = 0\nr1 = 0\nr2 = 0\nr3 = 0\nr4 = 0\nr5 = 0");
    assert_eq!(link(&forgotten, &WINDOW).unwrap(), lowered);
}

/// The error of a text, and the line it is on.
fn error(text: &str, holes: &Holes) -> AsmError {
    let linked = parse(text, holes, "").and_then(|items| link(&items, &WINDOW).map(|_| items));
    linked.expect_err(text)
}

fn rejects(text: &str, kind: AsmErrorKind) {
    // The line is told.
    let error = error(&format!("r0 = 0\n{text}"), &Holes::new().with("taken", 1).with("word", "r1"));
    assert_eq!(error.kind, kind, "{text}");
    let lines = text.lines().count();
    assert!((2..=lines + 1).contains(&error.line), "{text}: {error}");
    assert!(
        !error.text.is_empty() && error.to_string().starts_with(&format!("line {}: ", error.line)),
        "{error}"
    );
}

#[test]
fn errors_of_statements() {
    rejects("jump l", AsmErrorKind::UnknownStatement);
    rejects("= r1", AsmErrorKind::UnknownStatement);
    rejects("r1", AsmErrorKind::Expected("an assignment"));
    rejects("r1 =", AsmErrorKind::Expected("a number"));
    rejects("r1 = five", AsmErrorKind::Expected("a number"));
    rejects("r1 = *(u12 *)(r2 + 0)", AsmErrorKind::Expected("u8, u16, u32, u64, s8, s16 or s32"));
    rejects("r1 = *(u8 *)(r2", AsmErrorKind::Expected(")"));
    rejects("if r1 = 5 goto l", AsmErrorKind::Expected("a comparison"));
    rejects("if r1 == 5 l", AsmErrorKind::Expected("goto"));
    rejects("*(s8 *)(r1 + 0) = 5", AsmErrorKind::Expected("an unsigned width: stores extend nothing"));
    rejects("r1 = map[window][1]", AsmErrorKind::Expected("entry 0"));
    rejects("exit 5", AsmErrorKind::Trailing("5".into()));
    rejects("r1 = r2 r3", AsmErrorKind::Trailing("r3".into()));
    rejects("r11 = 1", AsmErrorKind::NoSuchRegister("r11".into()));
    rejects("r1 = w99", AsmErrorKind::NoSuchRegister("w99".into()));
    rejects("r10 = 1", AsmErrorKind::FramePointerWritten);
    rejects("r10 += r1", AsmErrorKind::FramePointerWritten);
    rejects("r10 = window(r1, 8)", AsmErrorKind::FramePointerWritten);
    for text in [
        "r1 = w2",
        "w1 += r2",
        "if r1 == w2 goto l",
        "w1 = 5 ll",
        "w1 = *(u64 *)(r2 + 0)",
        "w1 = *(s8 *)(r2 + 0)",
        "*(u64 *)(r1 + 0) = w2",
        "r1 = *(u8 *)(w2 + 0)",
        "r1 = (s8)w1",
        "w1 = (s32)w1",
        "w1 = be16 w1",
        "w1 = map[state][0]",
        "w1 = window(r2, 8)",
    ] {
        rejects(text, AsmErrorKind::WidthMismatch);
    }
    rejects("r1 = -r2", AsmErrorKind::NotInPlace);
    rejects("r1 = be16 r2", AsmErrorKind::NotInPlace);
    rejects("r1 = map[windows][0]", AsmErrorKind::UnknownMap("windows".into()));
    rejects("5l:", AsmErrorKind::BadLabel("5l".into()));
    rejects("goto", AsmErrorKind::BadLabel("".into()));
    rejects("@:", AsmErrorKind::BadLabel("@".into()));
}

#[test]
fn errors_of_numbers() {
    for (text, value) in [
        ("r1 = 0xffffffff", 0xffff_ffff_i128),
        ("r1 += 0x80000000", 0x8000_0000),
        ("w1 = 0x100000000", 0x1_0000_0000),
        ("if r1 > 0xffffffff goto l", 0xffff_ffff),
        ("r1 = -0x8000000000000001 ll", -0x8000_0000_0000_0001),
        ("*(u64 *)(r1 + 0) = 0xffffffff", 0xffff_ffff),
        ("*(u8 *)(r1 + 0) = 256", 256),
        ("*(u16 *)(r1 + 0) = -32769", -32769),
        ("r1 <<= 64", 64),
        ("w1 >>= 32", 32),
        ("r1 s>>= -1", -1),
        ("r1 /= 0", 0),
        ("w1 s%= 0", 0),
        ("call 0x80000000", 0x8000_0000),
        (".raw -1", -1),
    ] {
        rejects(text, AsmErrorKind::ImmediateRange(value));
    }
    rejects("r1 = *(u8 *)(r2 + 32768)", AsmErrorKind::OffsetRange(32768));
    rejects("r1 = *(u8 *)(r2 - 32769)", AsmErrorKind::OffsetRange(-32769));
    rejects("r1 = map[state][0] + 0x100000000", AsmErrorKind::OffsetRange(0x1_0000_0000));
    rejects("r1 = 0x1_0000_0000_0000_0000 ll", AsmErrorKind::Expected("a number"));
}

#[test]
fn errors_of_macros() {
    rejects("r1 = {missing}", AsmErrorKind::MissingHole("missing".into()));
    rejects("r1 = {taken + missing}", AsmErrorKind::MissingHole("missing".into()));
    rejects(".repeat {missing} i\n.end", AsmErrorKind::MissingHole("missing".into()));
    rejects("r1 = {}", AsmErrorKind::BadHole("".into()));
    rejects("r1 = {taken +}", AsmErrorKind::BadHole("taken +".into()));
    rejects("r1 = {1 + word}", AsmErrorKind::BadHole("1 + word".into()));
    rejects("r1 = {1 << 64}", AsmErrorKind::BadHole("1 << 64".into()));
    rejects("r1 = {(1}", AsmErrorKind::BadHole("(1".into()));
    rejects("r1 = {taken taken}", AsmErrorKind::BadHole("taken taken".into()));
    rejects("r1 = {taken", AsmErrorKind::UnclosedBrace);
    for text in
        [".macro", ".l:", ".repeat 4\n.end", ".repeat x i\n.end", ".repeat -1 i\n.end", ".repeat 1 5\n.end"]
    {
        rejects(text, AsmErrorKind::BadDirective);
    }
    rejects(".if maybe\n.end", AsmErrorKind::BadDirective);
    rejects(".repeat 1 taken\n.end", AsmErrorKind::NameTaken("taken".into()));
    rejects(".repeat 1 i\n.repeat 1 i\n.end\n.end", AsmErrorKind::NameTaken("i".into()));
    rejects(".repeat 1 i\nr1 = 1", AsmErrorKind::UnclosedBlock);
    rejects(".if 1\n.if 0\n.end", AsmErrorKind::UnclosedBlock);
    rejects(".end", AsmErrorKind::NoBlock);
    rejects(".else", AsmErrorKind::NoBlock);
    rejects(".repeat 1 i\n.else\n.end", AsmErrorKind::NoBlock);
    rejects(".if 1\n.else\n.else\n.end", AsmErrorKind::NoBlock);
    rejects(&format!(".repeat {} i\n.end", LINES_MAX + 1), AsmErrorKind::TooLong);
    rejects(".repeat 1025 i\n.repeat 1024 j\nexit\n.end\n.end", AsmErrorKind::TooLong);
}

#[test]
fn errors_of_linking() {
    rejects("r1 = window(r1, 8)", AsmErrorKind::GuardRegisters);
    rejects("r1 = window(r2, 0)", AsmErrorKind::GuardWidth { bytes: 0 });
    let bytes = GUARD_BYTES_MAX + 1;
    rejects(&format!("r1 = window(r2, {bytes})"), AsmErrorKind::GuardWidth { bytes });
    let guard = items("r1 = window(r2, 8)");
    let packet = GuardTarget::Packet { packet_bytes_max: 4096 };
    assert_eq!(link(&guard, &packet).unwrap_err().kind, AsmErrorKind::NoEnter);
    let call = items("call f\nexit\nf:\nexit");
    assert_eq!(link(&call, &packet).unwrap_err().kind, AsmErrorKind::NoEnter);
    assert!(link(&items("enter\nr2 = window(r1, 8)\nexit"), &packet).is_ok());
    for window_bytes in [0, 3000, 1 << 32] {
        let error = link(&guard, &GuardTarget::Window { window_bytes }).unwrap_err();
        assert_eq!(error.kind, AsmErrorKind::WindowSize(window_bytes));
    }
    rejects("goto nowhere", AsmErrorKind::UnknownLabel("nowhere".into()));
    rejects("twice:\nexit\ntwice:", AsmErrorKind::DuplicateLabel("twice".into()));
    let distance = 32768;
    let far = format!("goto far\n.repeat {distance} i\nexit\n.end\nfar:\nexit");
    rejects(&far, AsmErrorKind::JumpRange { label: "far".into(), distance });
    // One slot nearer it reaches, and so does the long form.
    assert_eq!(assemble(&far.replace("32768", "32767"))[0].off, i16::MAX);
    assert_eq!(assemble(&far.replace("goto", "gotol"))[0].imm, 32768);
    // The line is that of the listing, the text that of the item.
    let error = link(&items("; one\nr1 = 1\n@l:\nif r1 == 1 goto nowhere"), &WINDOW).unwrap_err();
    assert_eq!((error.line, error.text.as_str()), (4, "if r1 == 1 goto nowhere"));
}

#[test]
fn macros_stand_for_lines() {
    let mut holes = Holes::new().with("eight", 8);
    holes.define("; on top\n.macro add to what ; adds\n  {to} += {what}\n.end\n.macro twice to\n.add {to} {eight}\n.add {to} r2\n.end\n");
    let items = |text: &str| parse(text, &holes, "");
    assert_eq!(items("r1 = 0\n.twice r1\n.add r1 {eight*2}"), items("r1 = 0\nr1 += 8\nr1 += r2\nr1 += 16"));
    // Labels are those of the text, so a macro with one can be used once, or be told its name.
    holes.define(".macro skip label\ngoto {label}\n{label}:\n.end\n");
    let items = parse(".skip a\n.skip b", &holes, "p_").unwrap();
    assert_eq!(items, parse("goto a\na:\ngoto b\nb:", &holes, "p_").unwrap());
}

#[test]
fn macros_that_make_no_sense() {
    let kind = |macros: &str, text: &str| {
        let mut holes = Holes::new().with("hole", 1);
        holes.define(macros);
        let error = parse(text, &holes, "").unwrap_err();
        (error.line, error.kind)
    };
    let one = ".macro one to\n{to} = 1\n.end\n";
    assert_eq!(kind(one, "r0 = 0\n.one"), (2, AsmErrorKind::BadDirective));
    assert_eq!(kind(one, "\n.one r1 r2"), (2, AsmErrorKind::BadDirective));
    assert_eq!(kind(one, ".two r1"), (1, AsmErrorKind::BadDirective));
    assert_eq!(kind(one, "exit\nexit\n.one r11"), (3, AsmErrorKind::NoSuchRegister("r11".to_owned())));
    assert_eq!(kind(".macro m hole\n.end\n", ".m 1"), (1, AsmErrorKind::NameTaken("hole".to_owned())));
    assert_eq!(kind(&[one, one].concat(), ".one r1"), (4, AsmErrorKind::NameTaken("one".to_owned())));
    assert_eq!(kind(".macro m\n.m\n.end\n", ".m"), (1, AsmErrorKind::TooLong));
    assert_eq!(kind(".macro m\nexit\n", ".m"), (1, AsmErrorKind::UnclosedBlock));
    assert_eq!(kind(".macro m 1\n.end\n", ".m 1"), (1, AsmErrorKind::BadDirective));
    assert_eq!(kind("exit\n", ".m"), (1, AsmErrorKind::BadDirective));
}
