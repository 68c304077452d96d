//! For tests: random cases, and a driver that feeds bytes to a program chunk by chunk, as the engine does, and
//! presents what came out in the form of the reference interpreter, so that the two can be compared.

use std::time::SystemTime;

use crate::Program;
use crate::contract::hook;
use crate::contract::layout::{self, Map, WINDOW_SLACK_BYTES};
use crate::fragment::{Fragment, Key, Output};
use crate::reference::{self, Outcome};

pub use crate::fragment::random::Random;

/// The seeds of a random test: those from `WEIR_SEED` on, if it is set; else a number of fixed ones, and one in ten on top
/// that no run had before. They are printed, so that `WEIR_SEED` repeats them. So many that there are `WEIR_CASES` cases,
/// or the default.
///
/// # Panics
/// When a variable is no number.
pub fn seeds(cases_default: u64, cases_per_seed: u64) -> Vec<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
    };
    let count = number("WEIR_CASES").unwrap_or(cases_default).div_ceil(cases_per_seed);
    if let Some(first) = number("WEIR_SEED") {
        return (first..).take(count as usize).collect();
    }
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_micros() as u64);
    // Ten digits, far from the fixed ones.
    let fresh = 1_000_000_000 + now % 9_000_000_000;
    println!("fresh seeds from {fresh} on; WEIR_SEED={fresh} repeats them");
    (0..count).chain((fresh..).take(count.div_ceil(10) as usize)).collect()
}

/// Something that can run a program: an interpreter or the kernel.
pub trait Machine {
    /// Contents of a map.
    fn map(&self, map: Map) -> &[u8];
    /// Contents of a map, to be changed.
    fn map_mut(&mut self, map: Map) -> &mut [u8];
    /// One invocation.
    fn invoke(&mut self);

    /// A word of the state map.
    fn word(&self, offset: usize) -> u64 {
        words(&self.map(Map::State)[offset..offset + 8])[0]
    }

    /// Sets a word of the state map.
    fn set_word(&mut self, offset: usize, value: u64) {
        self.map_mut(Map::State)[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }
}

/// Feeds `bytes` to the program in chunks of at most `chunk_bytes` and collects its results.
///
/// # Panics
/// When the program breaks the contract of an invocation, or a record is longer than the window.
pub fn drive(
    fragment: &Fragment,
    program: &Program,
    machine: &mut impl Machine,
    bytes: &[u8],
    chunk_bytes: usize,
) -> Outcome {
    let mut total = Outcome::default();
    let mut fill = 0;
    loop {
        let chunk = &bytes[fill..bytes.len().min(fill + chunk_bytes)];
        let carry = fill - total.consumed;
        let last = fill + chunk.len() == bytes.len();
        let end = carry + chunk.len() + usize::from(last);
        assert!(end <= program.layout.chunk_bytes_max(), "a record is longer than the window");
        let window = machine.map_mut(Map::Window);
        window[carry..carry + chunk.len()].copy_from_slice(chunk);
        if last {
            window[end - 1] = b'\n';
        }
        window[end..end + WINDOW_SLACK_BYTES].fill(0);
        let consumed = drive_window(fragment, program, machine, end, &mut total);
        machine.map_mut(Map::Window).copy_within(consumed..end, 0);
        total.consumed += consumed;
        fill += chunk.len();
        if last {
            total.consumed = total.consumed.min(bytes.len());
            break;
        }
    }
    total.records = machine.word(layout::RECORDS);
    total.matched = machine.word(layout::MATCHED);
    total.exceptions = machine.word(layout::EXCEPTIONS);
    drain_groups(fragment, program, machine, &mut total);
    total.accumulators = accumulators(fragment, program, machine);
    total
}

fn accumulators(fragment: &Fragment, program: &Program, machine: &impl Machine) -> Vec<u64> {
    let Output::Aggregates { keys, aggregates } = &fragment.output else { return Vec::new() };
    if !keys.is_empty() {
        return Vec::new();
    }
    let count: usize = aggregates.iter().map(|each| each.function.state_words()).sum();
    let from = program.layout.accumulators;
    words(&machine.map(Map::State)[from..from + 8 * count])
}

/// Something that can run a program for a read hook.
pub trait PacketMachine: Machine {
    /// One invocation with the packet that begins at `position`: its answer.
    fn invoke_packet(&mut self, packet: &[u8], position: u64) -> u64;
}

/// Feeds `bytes` to the program in packets of at most `packet_bytes` and collects its results; raw records are decided
/// by the reference interpreter, because which ones they are depends on where packets end.
///
/// # Panics
/// When the program breaks the contract of an invocation.
pub fn drive_packets(
    fragment: &Fragment,
    program: &Program,
    machine: &mut impl PacketMachine,
    bytes: &[u8],
    packet_bytes: usize,
) -> Outcome {
    let mut total = Outcome::default();
    let (mut raw, mut unfinished) = (Vec::new(), Vec::new());
    let mut stuck = false;
    while total.consumed < bytes.len() {
        let packet = &bytes[total.consumed..bytes.len().min(total.consumed + packet_bytes)];
        let answer = machine.invoke_packet(packet, total.consumed as u64);
        assert_eq!(machine.word(layout::OUTSIDE), 0, "a guard failed");
        let taken = match answer {
            hook::PACKET_CONSUME => packet.len(),
            answer => (answer - hook::PACKET_STOP) as usize,
        };
        assert!(taken <= packet.len(), "{taken} of {} bytes", packet.len());
        assert!(taken > 0 || !stuck, "no progress");
        stuck = taken == 0;
        total.consumed += taken;
        drain_raw(machine, &mut raw, &mut unfinished);
        if machine.word(layout::STOP) == layout::STOP_GROUPS {
            drain_groups(fragment, program, machine, &mut total);
        }
    }
    let last = reference::run(fragment, &unfinished, true);
    raw.extend_from_slice(&unfinished);
    drain_groups(fragment, program, machine, &mut total);
    total.accumulators = accumulators(fragment, program, machine);
    let mut decided = reference::run(fragment, &raw, true);
    decided.consumed = 0;
    decided.records = machine.word(layout::RECORDS) + last.records;
    if !matches!(fragment.output, Output::Records) {
        decided.matched += machine.word(layout::MATCHED);
    }
    total.merge(fragment, &decided);
    total
}

/// Takes out whole raw records; the one that is cut stays in `unfinished`.
fn drain_raw(machine: &mut impl Machine, raw: &mut Vec<u8>, unfinished: &mut Vec<u8>) {
    let used = machine.word(layout::OUTPUT_USED) as usize;
    let begin = match machine.word(layout::CARRY_STATE) {
        0 => used,
        _ => machine.word(layout::CARRY_BEGIN) as usize,
    };
    let (whole, cut) = machine.map(Map::Output)[..used].split_at(begin);
    if !whole.is_empty() {
        raw.append(unfinished);
        raw.extend_from_slice(whole);
    }
    unfinished.extend_from_slice(cut);
    machine.set_word(layout::OUTPUT_USED, 0);
    machine.set_word(layout::CARRY_BEGIN, 0);
}

/// Runs until nothing more of the window is consumed.
fn drive_window(
    fragment: &Fragment,
    program: &Program,
    machine: &mut impl Machine,
    end: usize,
    total: &mut Outcome,
) -> usize {
    let mut begin = 0;
    loop {
        machine.set_word(layout::BEGIN, begin as u64);
        machine.set_word(layout::END, end as u64);
        machine.invoke();
        let consumed = machine.word(layout::CONSUMED) as usize;
        let stop = machine.word(layout::STOP);
        assert!(begin <= consumed && consumed <= end, "consumed {consumed} of {begin}..{end}");
        let used = machine.word(layout::OUTPUT_USED) as usize;
        total.output.extend_from_slice(&machine.map(Map::Output)[..used]);
        machine.set_word(layout::OUTPUT_USED, 0);
        if stop == layout::STOP_GROUPS {
            assert!(machine.word(layout::GROUP_COUNT) > 0, "an empty group table is full");
            drain_groups(fragment, program, machine, total);
        }
        if stop == layout::STOP_CHUNK && consumed == begin {
            return consumed;
        }
        assert!(stop != layout::STOP_OUTPUT || used > 0, "an empty output area is full");
        begin = consumed;
    }
}

fn drain_groups(fragment: &Fragment, program: &Program, machine: &mut impl Machine, total: &mut Outcome) {
    let Output::Aggregates { keys, .. } = &fragment.output else { return };
    let entry_bytes = program.layout.group_entry_bytes;
    if entry_bytes == 0 {
        return;
    }
    let key_words = 1 + keys.iter().map(Key::words).sum::<usize>();
    let mut drained = Outcome::default();
    for entry in machine.map(Map::Groups).chunks_exact(entry_bytes) {
        let entry = words(entry);
        if entry[0] != 0 {
            let (key, state) = entry.split_at(key_words);
            assert!(drained.groups.insert(key.to_vec(), state.to_vec()).is_none(), "a group twice");
        }
    }
    assert_eq!(drained.groups.len() as u64, machine.word(layout::GROUP_COUNT));
    total.merge(fragment, &drained);
    machine.map_mut(Map::Groups).fill(0);
    machine.set_word(layout::GROUP_COUNT, 0);
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}
