//! Program text in the making: lines of the assembly notation, with names for labels and constants.

use super::CompileError;
use crate::bpf::asm::{self, AsmError, AsmErrorKind, GuardTarget, Holes, Item};
use crate::bpf::{Insn, listing};
use std::fmt::Display;

/// Comments around a template in the listing.
pub(super) const TEMPLATE_BEGIN: &str = "begin of template ";
/// The other one.
pub(super) const TEMPLATE_END: &str = "end of template ";

/// Collects lines and templates, assembled one after the other.
pub(super) struct Code {
    items: Vec<Item>,
    pending: String,
    holes: Holes,
    label_count: usize,
}

/// A list of a thousand constants is in the fragment's own text.
const COMMENT_CHARACTERS_MAX: usize = 200;

impl Code {
    pub(super) fn new(holes: Holes) -> Self {
        Code { items: Vec::new(), pending: String::new(), holes, label_count: 0 }
    }

    /// Adds one statement or label.
    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        self.pending.push_str(line.as_ref());
        self.pending.push('\n');
    }

    /// Adds a comment of its own line to the listing.
    pub(super) fn comment(&mut self, text: &str) {
        // What people name their columns must not end a comment.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let mut text: String = text.chars().map(plain).take(COMMENT_CHARACTERS_MAX + 1).collect();
        if text.chars().count() > COMMENT_CHARACTERS_MAX {
            text.pop();
            text.push('…');
        }
        self.line(format!("; {text}"));
    }

    /// A label that is used nowhere else.
    pub(super) fn label(&mut self, name: &str) -> String {
        self.label_count += 1;
        format!("@{name}_{}", self.label_count)
    }

    /// `register = value`, in the shorter form when it fits.
    pub(super) fn constant(&mut self, register: &str, value: i64) {
        match i32::try_from(value) {
            Ok(value) => self.line(format!("{register} = {value}")),
            Err(_) => self.line(format!("{register} = {value} ll")),
        }
    }

    /// Adds a template with more holes than the general ones; its local labels are its own.
    pub(super) fn template(
        &mut self,
        name: &str,
        text: &str,
        holes: &[(&str, &dyn Display)],
    ) -> Result<(), CompileError> {
        self.flush()?;
        let mut all = self.holes.clone();
        for (hole, value) in holes {
            all.set(*hole, value);
        }
        self.label_count += 1;
        let prefix = format!("{name}{}_", self.label_count);
        self.items.push(Item::Comment(format!("{TEMPLATE_BEGIN}{name}")));
        self.items.extend(asm::parse(text, &all, &prefix)?);
        self.items.push(Item::Comment(format!("{TEMPLATE_END}{name}")));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CompileError> {
        let text = std::mem::take(&mut self.pending);
        self.items.extend(asm::parse(&text, &self.holes, "")?);
        Ok(())
    }

    pub(super) fn finish(mut self, target: &GuardTarget) -> Result<(Vec<Insn>, String), CompileError> {
        self.flush()?;
        let insns = asm::link(&self.items, target).map_err(|error| match error {
            AsmError { kind: AsmErrorKind::JumpRange { .. }, .. } => CompileError::TooLarge,
            error => CompileError::Defect(error),
        })?;
        Ok((insns, listing::print_items(&self.items)))
    }
}
