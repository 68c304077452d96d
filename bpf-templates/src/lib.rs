//! The parts of a program that do not depend on the query, as text in the notation of the kernel's own listings.
//! Each says on top what goes in, what comes out, and what it promises the verifier. `{name}` is a hole that the
//! compiler fills; `.repeat` and `.if` are its directives, the others are in [`MACROS`]; a label with `@` is global;
//! `rX = window(rY, n)` is a guard, lowered for each backend.

/// What several templates do, or one does several times. Read before any of them.
pub const MACROS: &str = include_str!("macros.bpf");
/// Chunk bytes to field boundaries. A subprogram.
pub const INDEX: &str = include_str!("index.bpf");
/// Checks UTF-8, for the index stage. A subprogram.
pub const UTF8: &str = include_str!("utf8.bpf");
/// The program of a read hook around the stages. Behind the constants.
pub const PACKET: &str = include_str!("packet.bpf");
/// The ends of a packet to the output area. A subprogram.
pub const CARRY: &str = include_str!("carry.bpf");
/// Reads a number digit by digit. A subprogram.
pub const NUMBER: &str = include_str!("number.bpf");
/// Reads a date. Inlined for each date column.
pub const DATE: &str = include_str!("date.bpf");
/// Reads a boolean. Inlined for each boolean column.
pub const BOOLEAN: &str = include_str!("boolean.bpf");
/// Copies a raw record to the output area. Once, in the fold.
pub const EMIT: &str = include_str!("emit.bpf");
/// Makes room for a row in the output area. Twice, in the fold.
pub const ROW: &str = include_str!("row.bpf");
/// How the fold ends an invocation. Once.
pub const FOLD_END: &str = include_str!("fold_end.bpf");
/// Reads an integer. Inlined for each integer column.
pub const INTEGER: &str = include_str!("integer.bpf");
/// Reads a number with a decimal point in a fixed place. Inlined for each column of floats or decimals.
pub const FIXED_POINT: &str = include_str!("fixed_point.bpf");
/// Refuses a number with a zero in front. Inlined where the two above do not do it.
pub const UNPADDED: &str = include_str!("unpadded.bpf");
/// Multiplies with an overflow check. Inlined for each checked multiplication.
pub const MULTIPLY: &str = include_str!("multiply.bpf");
/// Finds a field's content. Inlined wherever one is read.
pub const FIELD: &str = include_str!("field.bpf");
