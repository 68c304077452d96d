//! Program text in the making: registers, words and jumps by name in, assembled instructions out.
//!
//! A line is one statement of the assembly notation (see [`crate::bpf::asm`]). Everything that the generator says often
//! has a method here, so that it never puts an address together itself: a [`Word`] knows its base and its offset, a
//! [`Slot`] knows where its value and its NULL flag lie. What is said once is a [`Code::line`].
//!
//! Nothing here can fail: a line that cannot be assembled is a defect of a template or of the generator, not of the
//! query. The first of them is kept and comes out of [`Code::finish`].

mod place;

pub(crate) use place::{Operand, Register, Relation, Slot, Word};

use crate::bpf::asm::{self, AsmError, GuardTarget, Holes, Item};
use crate::bpf::{Insn, listing};
use crate::contract::layout;
use std::fmt::Display;

/// Where a record goes that cannot be decided.
pub(crate) const EXCEPTION: &str = "@exception";
/// Where a record goes that is done with.
pub(crate) const NEXT: &str = "@next";

/// A word of the state map that is 0, which the verifier cannot see.
pub(crate) const ZERO: Word = Word::state(layout::SCRATCH);

/// Comments around a template in the listing.
pub(crate) const TEMPLATE_BEGIN: &str = "begin of template ";
/// The other one.
pub(crate) const TEMPLATE_END: &str = "end of template ";

/// A list of a thousand constants is in the fragment's own text.
const COMMENT_CHARACTERS_MAX: usize = 200;

/// Collects lines and templates, assembled one after the other.
pub(crate) struct Code {
    items: Vec<Item>,
    pending: String,
    holes: Holes,
    label_count: usize,
    defect: Option<AsmError>,
}

impl Code {
    pub(crate) fn new(holes: Holes) -> Self {
        Code { items: Vec::new(), pending: String::new(), holes, label_count: 0, defect: None }
    }

    /// Adds one statement or label.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        self.pending.push_str(line.as_ref());
        self.pending.push('\n');
    }

    /// Adds a comment of its own line to the listing.
    pub(crate) fn comment(&mut self, text: &str) {
        // What people name their columns must not end a comment.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let mut text: String = text.chars().map(plain).take(COMMENT_CHARACTERS_MAX + 1).collect();
        if text.chars().count() > COMMENT_CHARACTERS_MAX {
            text.pop();
            text.push('…');
        }
        self.line(format!("; {text}"));
    }

    /// Adds a template with more holes than the general ones; its local labels are its own.
    pub(crate) fn template(&mut self, name: &str, text: &str, holes: &[(&str, &dyn Display)]) {
        self.flush();
        let mut all = self.holes.clone();
        for (hole, value) in holes {
            all.set(*hole, value);
        }
        self.label_count += 1;
        let prefix = format!("{name}{}_", self.label_count);
        self.items.push(Item::Comment(format!("{TEMPLATE_BEGIN}{name}")));
        self.assemble(text, &all, &prefix);
        self.items.push(Item::Comment(format!("{TEMPLATE_END}{name}")));
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.pending);
        let holes = std::mem::take(&mut self.holes);
        self.assemble(&text, &holes, "");
        self.holes = holes;
    }

    fn assemble(&mut self, text: &str, holes: &Holes, prefix: &str) {
        match asm::parse(text, holes, prefix) {
            Ok(items) => self.items.extend(items),
            Err(defect) => self.defect = self.defect.take().or(Some(defect)),
        }
    }

    /// The instructions, and their listing.
    pub(crate) fn finish(mut self, target: &GuardTarget) -> Result<(Vec<Insn>, String), AsmError> {
        self.flush();
        if let Some(defect) = self.defect {
            return Err(defect);
        }
        Ok((asm::link(&self.items, target)?, listing::print_items(&self.items)))
    }
}

// Jumps.
impl Code {
    /// A label that is used nowhere else.
    pub(crate) fn label(&mut self, name: &str) -> String {
        self.label_count += 1;
        format!("@{name}_{}", self.label_count)
    }

    /// The label stands for the next instruction.
    pub(crate) fn place(&mut self, label: &str) {
        self.line(format!("{label}:"));
    }

    /// The same where paths meet and no temporary register is alive: see [`Item::Forget`].
    pub(crate) fn join(&mut self, label: &str) {
        self.place(label);
        self.line("forget");
    }

    /// `goto label`
    pub(crate) fn jump(&mut self, label: &str) {
        self.line(format!("goto {label}"));
    }

    /// `if left relation right goto label`. A constant must fit into 32 bits.
    pub(crate) fn jump_if(
        &mut self,
        left: Register,
        relation: Relation,
        right: impl Into<Operand>,
        label: &str,
    ) {
        self.line(format!("if {left} {relation} {} goto {label}", right.into()));
    }
}

// Memory.
impl Code {
    /// `register = word`
    pub(crate) fn load(&mut self, register: Register, word: Word) {
        self.line(format!("{register} = {word}"));
    }

    /// `word = what`. A constant must fit into 32 bits.
    pub(crate) fn store(&mut self, word: Word, what: impl Into<Operand>) {
        self.line(format!("{word} = {}", what.into()));
    }

    /// Adds one to a word in memory. Changes `temporary`.
    pub(crate) fn increment(&mut self, word: Word, temporary: Register) {
        self.load(temporary, word);
        self.add(temporary, 1);
        self.store(word, temporary);
    }

    /// `address = window(offset, 8)`, then `register = *(u64 *)(address + 0)`: eight bytes of the chunk.
    pub(crate) fn load_chunk(&mut self, register: Register, offset: Register, address: Register) {
        self.line(format!("{address} = window({offset}, 8)"));
        self.load(register, Word::new(address, 0));
    }
}

// Arithmetic. Constants must fit into 32 bits, but for `constant` and `constant_word`.
impl Code {
    /// `register = value`, in the shorter form when it fits.
    pub(crate) fn constant(&mut self, register: Register, value: i64) {
        match i32::try_from(value) {
            Ok(value) => self.set(register, value),
            Err(_) => self.line(format!("{register} = {value} ll")),
        }
    }

    /// `register = value`, always in the long form.
    pub(crate) fn constant_word(&mut self, register: Register, value: u64) {
        self.line(format!("{register} = {value} ll"));
    }

    pub(crate) fn set(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "=", what.into());
    }

    pub(crate) fn add(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "+=", what.into());
    }

    pub(crate) fn subtract(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "-=", what.into());
    }

    pub(crate) fn multiply(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "*=", what.into());
    }

    pub(crate) fn and(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "&=", what.into());
    }

    pub(crate) fn or(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "|=", what.into());
    }

    pub(crate) fn xor(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "^=", what.into());
    }

    pub(crate) fn shift_left(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "<<=", what.into());
    }

    pub(crate) fn shift_right(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, ">>=", what.into());
    }

    /// Keeps the sign.
    pub(crate) fn shift_right_signed(&mut self, register: Register, what: impl Into<Operand>) {
        self.assign(register, "s>>=", what.into());
    }

    fn assign(&mut self, register: Register, operator: &str, what: Operand) {
        self.line(format!("{register} {operator} {what}"));
    }

    /// Refuses a record whose `register` is outside a range: it is an exception record. Changes r4.
    pub(crate) fn require_range(&mut self, register: Register, least: i64, greatest: i64) {
        self.constant(Register::R4, greatest);
        self.jump_if(register, Relation::Greater, Register::R4, EXCEPTION);
        self.constant(Register::R4, least);
        self.jump_if(register, Relation::Less, Register::R4, EXCEPTION);
    }
}
