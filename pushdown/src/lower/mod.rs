//! Fragment to program: the index stage is a template, the fold is generated for the query.
//!
//! ```text
//! main ---> index (template) ---> fold: for each record
//!                                   column values  -> slots in the state map     [column]
//!                                   filter         -> goto @next when not true   (crate::ops)
//!                                   raw record     -> output area                (template)
//!                                   values         -> output area                [rows]
//!                                   group entry    -> r9                         [group]
//!                                   accumulators   += arguments                  [aggregate]
//! ```
//!
//! Registers of the fold: r6 byte offset of the record in the index array, r7 address of the state map, r8 address of
//! the record's index entries, r9 address of the group entry; r0 to r5 are temporary. Values and NULL flags go
//! through the state map and not through registers or the stack, because there the verifier does not track them:
//! wherever two paths meet their states are equal, and a fragment with n columns costs n checks and not 2^n.
//!
//! A record that cannot be decided leaves through `@exception` *before* anything was accumulated.

mod aggregate;
mod column;
mod fold;
mod group;
mod holes;
mod rows;
#[cfg(test)]
mod tests;
mod words;

use crate::bpf::asm::{AsmError, AsmErrorKind, GuardTarget};
use crate::contract::hook::PACKET_BYTES_MAX;
use crate::contract::index::{INDEX_FRONT_BYTES, Indexing};
use crate::contract::layout::{self, GUARD_BYTES_MAX, Layout, Map, Sizes};
use crate::contract::rows::RowLayout;
use crate::emit::Register::{self, R0, R1, R2, R3, R4, R5};
use crate::emit::{EXCEPTION, NEXT, Relation, Word, ZERO};
use crate::fragment::normalize::normalize;
use crate::fragment::validate::{Invalid, validate};
use crate::fragment::{Aggregate, Expr, Fragment, Key, Output};
use crate::ops::{Logic, Op};
use crate::program::{Program, Target};
use fold::Fold;
use words::{INDEX_END, POWERS_OF_TEN};

/// Why a fragment has no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The fragment breaks a rule of its own definition.
    #[error("invalid fragment: {0}")]
    Invalid(#[from] Invalid),
    /// Sizes that the layout does not allow.
    #[error("invalid sizes: {0:?}")]
    Sizes(Sizes),
    /// Values refer to the window, and in a read hook there is none.
    #[error("the values of rows need a window")]
    NoWindow,
    /// Jumps reach 32767 instructions, displacements 32767 bytes.
    #[error("the query needs a larger program than the kernel can address")]
    TooLarge,
    /// A defect of a template or of the generator.
    #[error("defect in generated code: {0}")]
    Defect(#[from] AsmError),
}

/// Displacements of loads and stores are signed 16-bit numbers.
const STATE_BYTES_MAX: usize = 32 << 10;
/// Behind the output area: the bytes of a record are copied eight at a time.
const OUTPUT_SLACK_BYTES: usize = 64;
/// Largest group table. The verifier allows offsets below 2^29 (BPF_MAX_VAR_OFF in include/linux/bpf_verifier.h).
const GROUPS_BYTES_MAX: usize = 256 << 20;

/// Compiles a fragment.
///
/// # Errors
/// [`CompileError`]: to the caller all of them are reasons to decline, but for [`CompileError::Defect`].
pub fn compile(fragment: &Fragment, target: Target, sizes: Sizes) -> Result<Program, CompileError> {
    let powers = [sizes.input_bytes, sizes.output_bytes, sizes.group_capacity];
    if powers.iter().any(|size| !size.is_power_of_two())
        || sizes.input_bytes < 4096
        || sizes.input_bytes > 16 << 20
        || sizes.output_bytes < sizes.input_bytes
        || sizes.output_bytes > 64 << 20
        || sizes.group_capacity < 16
        || (target == Target::Packet && sizes.input_bytes > PACKET_BYTES_MAX)
    {
        return Err(CompileError::Sizes(sizes));
    }
    validate(fragment)?;
    if target == Target::Packet && fragment.output == Output::Values {
        return Err(CompileError::NoWindow);
    }
    let fragment = normalize(fragment.clone());
    let mut fold = Fold::new(&fragment, target, sizes);
    fold.prologue();
    fold.body();
    fold.subprograms();
    fold.finish()
}

impl Fold<'_> {
    /// `main`: constants into the state map, then the two stages.
    fn prologue(&mut self) {
        if self.target == Target::Packet {
            self.lowering.code.set(R5, R1);
        }
        self.lowering.code.line("enter");
        self.lowering.code.line("r1 = map[state][0]");
        self.lowering.code.store(Word::new(R1, ZERO.offset_bytes()), 0);
        for (index, power) in (0..19).map(|exponent| 10u64.pow(exponent)).enumerate() {
            self.lowering.code.constant_word(R2, power);
            self.lowering.code.store(Word::new(R1, POWERS_OF_TEN).plus(index), R2);
        }
        match self.target {
            Target::Window | Target::Indexed => {
                if self.target == Target::Window {
                    self.lowering.code.line("call @index");
                }
                self.lowering.code.line("call @fold");
                self.lowering.code.set(R0, 0);
                self.lowering.code.line("exit");
            }
            Target::Packet => self.lowering.code.template("packet", bpf_templates::PACKET, &[]),
        }
    }

    fn body(&mut self) {
        self.lowering.code.comment("fold: for each record of the index array");
        self.lowering.code.line("@fold:");
        self.lowering.code.line("enter");
        self.lowering.code.line("r7 = map[state][0]");
        self.lowering.code.load(Register::RECORD, ZERO);
        self.record_loop_head();
        for index in 0..self.fragment.columns.len() {
            self.column(index);
        }
        if let Some(filter) = &self.fragment.filter {
            self.filter(filter);
        }
        match &self.fragment.output {
            Output::Records => self.lowering.code.jump("@match"),
            Output::Values => self.row(self.row_layout()),
            Output::Aggregates { keys, aggregates } => self.aggregate(keys, aggregates),
        }
        self.lowering.code.place(NEXT);
        self.lowering.code.add(Register::RECORD, self.index.record_bytes());
        self.lowering.code.jump("@record");
        if self.fragment.output == Output::Values {
            self.exception_row(self.row_layout());
        } else {
            self.lowering.code.comment("a raw record to the output area");
            self.lowering.code.template("emit", bpf_templates::EMIT, &[]);
        }
        self.lowering.code.comment("the end of an invocation");
        self.lowering.code.template("end", bpf_templates::FOLD_END, &[]);
    }

    fn row_layout(&self) -> RowLayout {
        RowLayout::new(self.fragment.columns.len())
    }

    /// Takes the next record: r8 points at its index entries.
    fn record_loop_head(&mut self) {
        self.lowering.code.place("@record");
        // The state in which the verifier meets the loop's head must be the same each time: numbers get a zero added
        // that it cannot see, dead registers a constant.
        self.lowering.code.load(R1, ZERO);
        self.lowering.code.add(Register::RECORD, R1);
        for dead in [R0, R2, R3, R4, R5, Register::ENTRIES, Register::GROUP] {
            self.lowering.code.set(dead, 0);
        }
        self.lowering.code.line("may_goto @interrupted");
        self.lowering.code.load(R1, INDEX_END);
        self.lowering.code.jump_if(Register::RECORD, Relation::AboveOrEqual, R1, "@finished");
        self.lowering.code.and(Register::RECORD, self.index.mask());
        self.lowering.code.line(format!("r8 = map[index][0] + {INDEX_FRONT_BYTES}"));
        self.lowering.code.add(Register::ENTRIES, Register::RECORD);
        self.lowering.code.line("r1 = *(u32 *)(r8 + 0)");
        self.lowering.code.line(format!("if w1 s< 0 goto {EXCEPTION}"));
    }

    /// Leaves the record unless the filter is true.
    fn filter(&mut self, filter: &Expr) {
        self.lowering.evaluate_operands(filter);
        let conjuncts = match filter {
            Expr::Call(Op::Logic(Logic::And), all) => all.as_slice(),
            single => std::slice::from_ref(single),
        };
        for conjunct in conjuncts {
            self.lowering.code.comment(&format!("filter {}", self.fragment.expr_text(conjunct)));
            self.lowering.branch(conjunct, NEXT);
        }
    }

    /// Adds the record to the aggregates.
    fn aggregate(&mut self, keys: &[Key], aggregates: &[Aggregate]) {
        self.prepare(aggregates);
        let state = if keys.is_empty() {
            let state = self.lowering.words(aggregates.iter().map(|each| each.function.state_words()).sum());
            self.accumulators = state.offset_bytes();
            state
        } else {
            self.group_entry(keys, aggregates)
        };
        self.update(aggregates, state);
        self.lowering.code.increment(Word::state(layout::MATCHED), R1);
        self.lowering.code.jump(NEXT);
    }

    fn subprograms(&mut self) {
        if self.target != Target::Indexed {
            self.lowering.code.comment("index: chunk bytes to field boundaries");
            self.lowering.code.template("index", bpf_templates::INDEX, &[]);
            self.lowering.code.comment("utf8: is a word with bytes above 0x7f well formed");
            self.lowering.code.template("utf8", bpf_templates::UTF8, &[]);
        }
        if self.target == Target::Packet {
            self.lowering.code.comment("carry: the ends of a packet");
            self.lowering.code.template("carry", bpf_templates::CARRY, &[]);
        }
        if self.calls_number {
            self.lowering.code.comment("number: digit by digit");
            self.lowering.code.template("number", bpf_templates::NUMBER, &[]);
        }
    }

    fn finish(self) -> Result<Program, CompileError> {
        let groups_bytes = self.groups.map_or(0, |group| self.sizes.group_capacity * group.bytes());
        if self.lowering.state_bytes() > STATE_BYTES_MAX || groups_bytes > GROUPS_BYTES_MAX {
            return Err(CompileError::TooLarge);
        }
        let mut map_bytes = [0; 5];
        map_bytes[Map::Window as usize] = match self.target {
            Target::Window | Target::Indexed => self.sizes.input_bytes + GUARD_BYTES_MAX,
            Target::Packet => 0,
        };
        map_bytes[Map::Index as usize] = self.index.map_bytes();
        map_bytes[Map::State as usize] = self.lowering.state_bytes();
        map_bytes[Map::Groups as usize] = groups_bytes;
        let rows = (self.fragment.output == Output::Values).then(|| self.row_layout());
        let output_slack_bytes = rows.map_or(OUTPUT_SLACK_BYTES, RowLayout::bytes);
        map_bytes[Map::Output as usize] = self.sizes.output_bytes + output_slack_bytes;
        let layout = Layout {
            sizes: self.sizes,
            map_bytes,
            accumulators: self.accumulators,
            groups: self.groups,
            rows,
        };
        let input_bytes = self.sizes.input_bytes;
        let target = match self.target {
            Target::Window | Target::Indexed => GuardTarget::Window { window_bytes: input_bytes },
            Target::Packet => GuardTarget::Packet { packet_bytes_max: input_bytes },
        };
        let (insns, listing) = self.lowering.code.finish(&target).map_err(|error| match error {
            AsmError { kind: AsmErrorKind::JumpRange { .. }, .. } => CompileError::TooLarge,
            error => CompileError::Defect(error),
        })?;
        let indexing = Indexing { dialect: self.fragment.dialect, array: self.index };
        Ok(Program { insns, layout, listing, target: self.target, indexing })
    }
}
