//! Fragment to program: the index stage is a template, the fold is generated for the query.
//!
//! ```text
//! main ---> index (template) ---> fold: for each record
//!                                   column values  -> slots in the state map     [value]
//!                                   filter         -> goto @next when not true   [predicate]
//!                                   raw record     -> output area                (template)
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
mod code;
mod group;
mod predicate;
#[cfg(test)]
mod tests;
mod value;

use crate::Program;
use crate::bpf::asm::{AsmError, GuardTarget, Holes};
use crate::fragment::normalize::normalize;
use crate::fragment::validate::{Invalid, validate};
use crate::fragment::{ColumnType, Fragment, Output, Predicate};
use crate::layout::{self, Layout, Map, Sizes, WINDOW_SLACK_BYTES};
use code::Code;

/// Where the program gets its bytes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The window map.
    Window,
    /// The packet pointers of a read hook.
    Packet,
}

/// Why a fragment has no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The fragment breaks a rule of its own definition.
    #[error("invalid fragment: {0}")]
    Invalid(#[from] Invalid),
    /// Sizes that the layout does not allow.
    #[error("invalid sizes: {0:?}")]
    Sizes(Sizes),
    /// Jumps reach 32767 instructions, displacements 32767 bytes.
    #[error("the query needs a larger program than the kernel can address")]
    TooLarge,
    /// A defect of a template or of the generator.
    #[error("defect in generated code: {0}")]
    Defect(#[from] AsmError),
}

// Private words of the state map.
const ZERO: usize = layout::SCRATCH;
const INDEX_END: usize = layout::SCRATCH + 8;
const UTF8_END: usize = layout::SCRATCH + 16;
const NUMBER_REFUSED: usize = layout::SCRATCH + 24;
/// 10^0 to 10^18.
const POWERS_OF_TEN: usize = layout::SCRATCH + 32;
const FIRST_SLOT: usize = POWERS_OF_TEN + 19 * 8;

/// Displacements of loads and stores are signed 16-bit numbers.
const STATE_BYTES_MAX: usize = 32 << 10;
/// In front of entry 0, so that the entry before a masked offset is addressable.
const INDEX_FRONT_BYTES: usize = 64;
/// Behind the last offset that a mask allows: the entries of one word, and some.
const INDEX_SLACK_BYTES: usize = 64;
/// Bytes at the end of a packet that are left to `carry`. In a packet the index stage looks at up to 32 bytes from
/// END - 1 on, and at two behind a quote; then a field is read with up to 8 bytes behind it.
const READ_AHEAD_BYTES: usize = 64;
/// Offset in a read hook's context of the packet's length (`len` of `struct bpf_file_read` of the kernel patch).
const CONTEXT_BYTES: usize = 40;
/// Largest group table. The verifier allows offsets below 2^29 (BPF_MAX_VAR_OFF in include/linux/bpf_verifier.h).
const GROUPS_BYTES_MAX: usize = 256 << 20;

/// Compiles a fragment.
///
/// # Errors
/// [`CompileError`]: to the caller all of them are reasons to decline, but for [`CompileError::Defect`].
pub fn compile(fragment: &Fragment, target: Target, sizes: Sizes) -> Result<Program, CompileError> {
    let powers = [sizes.window_bytes, sizes.output_bytes, sizes.group_capacity];
    if powers.iter().any(|size| !size.is_power_of_two())
        || sizes.window_bytes < 4096
        || sizes.window_bytes > 16 << 20
        || sizes.output_bytes < sizes.window_bytes
        || sizes.output_bytes > 64 << 20
        || sizes.group_capacity < 16
        || (target == Target::Packet && sizes.window_bytes > layout::PACKET_BYTES_MAX)
    {
        return Err(CompileError::Sizes(sizes));
    }
    validate(fragment)?;
    let fragment = normalize(fragment.clone());
    let mut fold = Fold::new(&fragment, target, sizes);
    fold.prologue()?;
    fold.body()?;
    fold.subprograms()?;
    fold.finish()
}

/// The program in the making.
struct Fold<'f> {
    fragment: &'f Fragment,
    target: Target,
    sizes: Sizes,
    code: Code,
    /// First free byte of the state map.
    slot_next: usize,
    /// Slot of each column's value; its NULL flag is 8 bytes further on.
    columns: Vec<usize>,
    /// Checked expressions evaluated so far for every record, and their slots.
    evaluated: Vec<(crate::fragment::Expr, usize)>,
    accumulators: usize,
    group_entry_bytes: usize,
    index_bytes: usize,
    calls_number: bool,
    /// By aggregate.
    prepared: Vec<aggregate::Prepared>,
}

impl<'f> Fold<'f> {
    fn new(fragment: &'f Fragment, target: Target, sizes: Sizes) -> Self {
        let entries = fragment.field_count + 1;
        // The array takes records until there is no room for the longest: as many entries as the chunk has bytes. Half of
        // it is enough for all records of a chunk, unless they are mostly empty fields.
        let longest = sizes.window_bytes - WINDOW_SLACK_BYTES + entries;
        let index_bytes = 4 * (2 * longest).next_power_of_two();
        let mut holes = Holes::default();
        let dialect = fragment.dialect;
        let word = |byte: u8| u64::from_le_bytes([byte; 8]);
        let escape = dialect.escape.unwrap_or(dialect.quote);
        holes
            .set("delimiter", dialect.delimiter)
            .set("delimiter_word", word(dialect.delimiter))
            .set("quote", dialect.quote)
            .set("quote_word", word(dialect.quote))
            .set("quote_is_special", (0x20..0x40).contains(&dialect.quote) as u8)
            .set("special_flip", dialect.quote ^ 0x20)
            .set("special_flip_word", word(dialect.quote ^ 0x20))
            .set("escape", escape)
            .set("escape_word", word(escape))
            .set("has_escape", dialect.escape.is_some_and(|byte| byte != dialect.quote) as u8)
            .set("single_field", (fragment.field_count == 1) as u8)
            .set("many_fields", (fragment.field_count > 1) as u8)
            .set("last_entry", 4 * fragment.field_count)
            .set("record_bytes", 4 * entries)
            .set("index_mask", index_bytes - 1)
            .set("index_limit", index_bytes - 4 * longest)
            .set("output_bytes", sizes.output_bytes)
            .set("output_mask", sizes.output_bytes - 1)
            .set("records", matches!(fragment.output, Output::Records) as u8)
            .set("groups", is_grouped(fragment) as u8)
            .set("packet_bytes", sizes.window_bytes)
            .set("context_bytes", CONTEXT_BYTES)
            .set("read_ahead", READ_AHEAD_BYTES)
            .set("turn_words", if target == Target::Packet { 4 } else { 8 });
        for (name, value) in [
            ("BEGIN", layout::BEGIN),
            ("END", layout::END),
            ("CONSUMED", layout::CONSUMED),
            ("STOP", layout::STOP),
            ("RECORDS", layout::RECORDS),
            ("MATCHED", layout::MATCHED),
            ("EXCEPTIONS", layout::EXCEPTIONS),
            ("OUTPUT_USED", layout::OUTPUT_USED),
            ("STOP_CHUNK", layout::STOP_CHUNK as usize),
            ("STOP_OUTPUT", layout::STOP_OUTPUT as usize),
            ("STOP_GROUPS", layout::STOP_GROUPS as usize),
            ("CARRY_STATE", layout::CARRY_STATE),
            ("CARRY_BEGIN", layout::CARRY_BEGIN),
            ("PACKET_CONSUME", layout::PACKET_CONSUME as usize),
            ("PACKET_STOP", layout::PACKET_STOP as usize),
            ("OUTSIDE", layout::OUTSIDE),
            ("PACKET_BYTES", layout::PACKET_BYTES),
            ("ZERO", ZERO),
            ("INDEX_END", INDEX_END),
            ("UTF8_END", UTF8_END),
            ("NUMBER_REFUSED", NUMBER_REFUSED),
            ("POWERS_OF_TEN", POWERS_OF_TEN),
        ] {
            holes.set(name, value);
        }
        let mut fold = Fold {
            fragment,
            target,
            sizes,
            code: Code::new(holes),
            slot_next: FIRST_SLOT,
            columns: Vec::new(),
            evaluated: Vec::new(),
            accumulators: 0,
            group_entry_bytes: 0,
            index_bytes,
            calls_number: false,
            prepared: Vec::new(),
        };
        fold.columns = fragment.columns.iter().map(|_| fold.slots(2)).collect();
        fold
    }

    /// Reserves words of the state map.
    fn slots(&mut self, words: usize) -> usize {
        let slot = self.slot_next;
        self.slot_next += 8 * words;
        slot
    }

    /// `main`: constants into the state map, then the two stages.
    fn prologue(&mut self) -> Result<(), CompileError> {
        if self.target == Target::Packet {
            self.code.line("r5 = r1");
        }
        self.code.line("enter");
        self.code.line("r1 = map[state][0]");
        self.code.line(format!("*(u64 *)(r1 + {ZERO}) = 0"));
        for power in 0..19 {
            self.code.line(format!("r2 = {} ll", 10u64.pow(power)));
            self.code.line(format!("*(u64 *)(r1 + {}) = r2", POWERS_OF_TEN + 8 * power as usize));
        }
        match self.target {
            Target::Window => {
                self.code.line("call @index");
                self.code.line("call @fold");
                self.code.line("r0 = 0");
                self.code.line("exit");
                Ok(())
            }
            Target::Packet => self.code.template("packet", bpf_templates::PACKET, &[]),
        }
    }

    fn body(&mut self) -> Result<(), CompileError> {
        let record_bytes = 4 * (self.fragment.field_count + 1);
        let index_mask = self.index_bytes - 1;
        self.code.comment("fold: for each record of the index array");
        self.code.line("@fold:");
        self.code.line("enter");
        self.code.line("r7 = map[state][0]");
        self.code.line(format!("r6 = *(u64 *)(r7 + {ZERO})"));
        self.code.line("@record:");
        // The state in which the verifier meets the loop's head must be the same each time: numbers get a zero added
        // that it cannot see, dead registers a constant.
        self.code.line(format!("r1 = *(u64 *)(r7 + {ZERO})"));
        self.code.line("r6 += r1");
        for dead in ["r0", "r2", "r3", "r4", "r5", "r8", "r9"] {
            self.code.line(format!("{dead} = 0"));
        }
        self.code.line("may_goto @interrupted");
        self.code.line(format!("r1 = *(u64 *)(r7 + {INDEX_END})"));
        self.code.line("if r6 >= r1 goto @finished");
        self.code.line(format!("r6 &= {index_mask}"));
        self.code.line(format!("r8 = map[index][0] + {INDEX_FRONT_BYTES}"));
        self.code.line("r8 += r6");
        self.code.line("r1 = *(u32 *)(r8 + 0)");
        self.code.line("if w1 s< 0 goto @exception");
        for index in 0..self.fragment.columns.len() {
            self.column(index)?;
        }
        if let Some(filter) = &self.fragment.filter {
            self.evaluate_checked(filter)?;
            let conjuncts = match filter {
                Predicate::And(all) => all.as_slice(),
                single => std::slice::from_ref(single),
            };
            for conjunct in conjuncts {
                self.code.comment(&format!("filter {}", self.fragment.predicate_text(conjunct)));
                self.branch(conjunct, "@next")?;
            }
        }
        match &self.fragment.output {
            Output::Records => self.code.line("goto @match"),
            Output::Aggregates { keys, aggregates } => {
                self.prepare(aggregates)?;
                if keys.is_empty() {
                    let words: usize = aggregates.iter().map(|each| each.function.state_words()).sum();
                    self.accumulators = self.slots(words);
                    self.update(aggregates, "r7", self.accumulators)?;
                } else {
                    let offset = self.group_entry(keys, aggregates)?;
                    self.update(aggregates, "r9", offset)?;
                }
                self.code.line(format!("r1 = *(u64 *)(r7 + {})", layout::MATCHED));
                self.code.line("r1 += 1");
                self.code.line(format!("*(u64 *)(r7 + {}) = r1", layout::MATCHED));
            }
        }
        if !matches!(self.fragment.output, Output::Records) {
            self.code.line("goto @next");
        }
        self.code.line("@next:");
        self.code.line(format!("r6 += {record_bytes}"));
        self.code.line("goto @record");
        self.code.comment("a raw record to the output area");
        self.code.template("emit", bpf_templates::EMIT, &[])?;
        self.code.comment("the end of an invocation");
        self.code.template("end", bpf_templates::FOLD_END, &[])
    }

    fn subprograms(&mut self) -> Result<(), CompileError> {
        self.code.comment("index: chunk bytes to field boundaries");
        self.code.template("index", bpf_templates::INDEX, &[])?;
        self.code.comment("utf8: is a word with bytes above 0x7f well formed");
        self.code.template("utf8", bpf_templates::UTF8, &[])?;
        if self.target == Target::Packet {
            self.code.comment("carry: the ends of a packet");
            self.code.template("carry", bpf_templates::CARRY, &[])?;
        }
        if self.calls_number {
            self.code.comment("number: digit by digit");
            self.code.template("number", bpf_templates::NUMBER, &[])?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Program, CompileError> {
        let groups_bytes =
            if is_grouped(self.fragment) { self.sizes.group_capacity * self.group_entry_bytes } else { 0 };
        if self.slot_next > STATE_BYTES_MAX || groups_bytes > GROUPS_BYTES_MAX {
            return Err(CompileError::TooLarge);
        }
        let record_bytes = 4 * (self.fragment.field_count + 1);
        let mut map_bytes = [0; 5];
        map_bytes[Map::Window as usize] = match self.target {
            Target::Window => self.sizes.window_bytes + WINDOW_SLACK_BYTES,
            Target::Packet => 0,
        };
        map_bytes[Map::Index as usize] =
            INDEX_FRONT_BYTES + self.index_bytes + record_bytes + INDEX_SLACK_BYTES;
        map_bytes[Map::State as usize] = self.slot_next;
        map_bytes[Map::Groups as usize] = groups_bytes;
        map_bytes[Map::Output as usize] = self.sizes.output_bytes + 64;
        let layout = Layout {
            sizes: self.sizes,
            map_bytes,
            accumulators: self.accumulators,
            group_entry_bytes: self.group_entry_bytes,
        };
        let window_bytes = self.sizes.window_bytes;
        let target = match self.target {
            Target::Window => GuardTarget::Window { window_bytes },
            Target::Packet => GuardTarget::Packet { window_bytes },
        };
        let (insns, listing) = self.code.finish(&target)?;
        Ok(Program { insns, layout, listing })
    }
}

fn is_grouped(fragment: &Fragment) -> bool {
    matches!(&fragment.output, Output::Aggregates { keys, .. } if !keys.is_empty())
}

fn is_string(fragment: &Fragment, column: usize) -> bool {
    fragment.columns[column].ty == ColumnType::String
}
