//! The holes of the templates, which are the same wherever a template stands in a program.

use super::words::{INDEX_END, NUMBER_REFUSED, POWERS_OF_TEN, UTF8_END};
use crate::bpf::asm::Holes;
use crate::contract::hook::{self, Context};
use crate::contract::index::{Entry, INDEX_FRONT_BYTES, IndexArray};
use crate::contract::layout::{self, Sizes};
use crate::contract::rows::Place;
use crate::emit::ZERO;
use crate::fragment::{Fragment, Output};
use crate::program::Target;

/// Bytes at the end of a packet that are left to `carry`. In a packet the index stage looks at up to 32 bytes from
/// END - 1 on, and at two behind a quote; then a field is read with up to 8 bytes behind it.
const READ_AHEAD_BYTES: usize = 64;

/// Of a fragment's program.
pub(super) fn of(fragment: &Fragment, target: Target, sizes: Sizes, index: &IndexArray) -> Holes {
    let mut holes = contract();
    let dialect = fragment.dialect;
    let word = |byte: u8| u64::from_le_bytes([byte; 8]);
    let escape = dialect.escape.unwrap_or(dialect.quote);
    holes
        .define(bpf_templates::MACROS)
        .set("delimiter", dialect.delimiter)
        .set("delimiter_word", word(dialect.delimiter))
        .set("quote", dialect.quote)
        .set("quote_word", word(dialect.quote))
        .set("quote_is_special", (0x20..0x40).contains(&dialect.quote) as u8)
        .set("special_flip", dialect.quote ^ 0x20)
        .set("special_flip_word", word(dialect.quote ^ 0x20))
        .set("escape", escape)
        .set("escape_word", word(escape))
        .set("has_escape", dialect.own_escape().is_some() as u8)
        .set("single_field", (fragment.field_count == 1) as u8)
        .set("many_fields", (fragment.field_count > 1) as u8)
        .set("last_entry", index.last_entry())
        .set("record_bytes", index.record_bytes())
        .set("index_mask", index.mask())
        .set("index_limit", index.limit())
        .set("output_bytes", sizes.output_bytes)
        .set("output_mask", sizes.output_bytes - 1)
        .set("records", matches!(fragment.output, Output::Records) as u8)
        .set("groups", fragment.output.is_grouped() as u8)
        .set("packet_bytes", sizes.input_bytes)
        .set("read_ahead", READ_AHEAD_BYTES)
        .set("turn_words", if target == Target::Packet { 4 } else { 8 });
    holes
}

/// Of every program: the words of the state map and the numbers of the contract.
fn contract() -> Holes {
    let mut holes = Holes::default();
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
        ("PLACE_LENGTH_SHIFT", Place::LENGTH_SHIFT as usize),
        ("PLACE_FLAG", Place::FLAG as usize),
        ("INDEX_FRONT", INDEX_FRONT_BYTES),
        ("ENTRY_BYTES", Entry::BYTES),
        ("ENTRY_FLAG", Entry::FLAG as usize),
        ("ENTRY_FLAG_SHIFT", Entry::FLAG.trailing_zeros() as usize),
        ("ENTRY_OFFSET", Entry::OFFSET as usize),
        ("CONTEXT_PACKET_BYTES", Context::PacketBytes as usize),
        ("PACKET_CONSUME", hook::PACKET_CONSUME as usize),
        ("PACKET_STOP", hook::PACKET_STOP as usize),
        ("OUTSIDE", layout::OUTSIDE),
        ("PACKET_BYTES", layout::PACKET_BYTES),
        ("ZERO", ZERO.offset_bytes()),
        ("INDEX_END", INDEX_END.offset_bytes()),
        ("UTF8_END", UTF8_END.offset_bytes()),
        ("NUMBER_REFUSED", NUMBER_REFUSED.offset_bytes()),
        ("POWERS_OF_TEN", POWERS_OF_TEN),
    ] {
        holes.set(name, value);
    }
    holes
}
