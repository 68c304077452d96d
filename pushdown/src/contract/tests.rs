//! The stepping protocol with machines that keep its contract in the least, or break one rule of it.

use std::collections::VecDeque;

use super::groups::GroupLayout;
use super::layout::{
    BEGIN, CARRY_BEGIN, CARRY_STATE, CONSUMED, END, GROUP_COUNT, Layout, Map, OUTPUT_USED, OUTSIDE,
    PACKET_BYTES, STOP, STOP_CHUNK, STOP_GROUPS, STOP_OUTPUT, Sizes, WINDOW_SLACK_BYTES,
};
use super::rows::{Place, RowLayout};
use super::steps::{Chunk, ContractError, Drained, Maps, Reads, RunRead, RunWindow, StepError, Window};

const SIZES: Sizes = Sizes { input_bytes: 4096, output_bytes: 64, group_capacity: 16 };

fn layout() -> Layout {
    Layout {
        sizes: SIZES,
        map_bytes: [4096 + 64, 0, 256, 64, 64],
        accumulators: 128,
        groups: Some(GroupLayout::new(1, 0)),
        rows: None,
    }
}

/// Words of the state that a run leaves: offsets and values.
type Words = &'static [(usize, u64)];

/// Leaves words in its state, the next ones each time it runs.
struct Scripted {
    maps: [Vec<u8>; 5],
    runs: VecDeque<Words>,
    /// How much each read takes.
    taken: usize,
}

impl Scripted {
    fn new(runs: &[Words], taken: usize) -> Self {
        let maps = layout().map_bytes.map(|bytes| vec![0; bytes]);
        Scripted { maps, runs: runs.iter().copied().collect(), taken }
    }
}

impl Maps for Scripted {
    fn map(&self, map: Map) -> &[u8] {
        &self.maps[map as usize]
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        &mut self.maps[map as usize]
    }
}

/// It runs once more than its script says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the script has ended")]
struct Ended;

impl RunWindow for Scripted {
    type Error = Ended;

    fn run(&mut self) -> Result<(), Ended> {
        for &(offset, value) in self.runs.pop_front().ok_or(Ended)? {
            self.set_word(offset, value);
        }
        Ok(())
    }
}

impl RunRead for Scripted {
    type File = ();
    type Error = Ended;

    fn attach(&mut self, _file: &(), _cookie: u64) -> Result<(), Ended> {
        Ok(())
    }

    fn read(&mut self, _position: u64, _bytes: usize) -> Result<usize, Ended> {
        self.run().map(|()| self.taken)
    }

    fn detach(&mut self) {}
}

/// All steps of a chunk of `bytes` bytes.
fn steps(machine: &mut Scripted, bytes: usize) -> (Chunk, Result<Vec<Drained>, StepError<Ended>>) {
    let mut chunk = Window::new(&layout()).chunk(machine, bytes, false);
    let mut all = Vec::new();
    while !chunk.is_done() {
        match chunk.step(machine, &layout()) {
            Ok(drained) => all.push(drained),
            Err(error) => return (chunk, Err(error)),
        }
    }
    (chunk, Ok(all))
}

#[test]
fn a_chunk_is_stepped_until_nothing_more_is_consumed() {
    let mut machine = Scripted::new(
        &[
            &[(CONSUMED, 10), (STOP, STOP_OUTPUT), (OUTPUT_USED, 3)],
            &[(CONSUMED, 90), (STOP, STOP_CHUNK)],
            &[(CONSUMED, 90), (STOP, STOP_CHUNK)],
        ],
        0,
    );
    machine.map_mut(Map::Output)[..3].copy_from_slice(b"a,b");
    machine.map_mut(Map::Window).fill(7);
    let (chunk, drained) = steps(&mut machine, 100);
    let nothing = Drained::default();
    let raw = Drained { raw: b"a,b".to_vec(), ..Drained::default() };
    assert_eq!(drained, Ok(vec![raw, nothing.clone(), nothing]));
    assert_eq!((chunk.consumed(), chunk.unfinished()), (90, 90..100));
    assert_eq!((machine.word(BEGIN), machine.word(END), machine.word(OUTPUT_USED)), (90, 100, 0));
    let slack = &machine.map(Map::Window)[100..];
    assert!(slack[..WINDOW_SLACK_BYTES].iter().all(|byte| *byte == 0) && slack[WINDOW_SLACK_BYTES] == 7);
}

/// The LF that ends the last record is consumed, but no byte of the input.
#[test]
fn the_last_chunk_ends_with_a_line_feed() {
    let mut machine = Scripted::new(&[&[(CONSUMED, 5), (STOP, STOP_CHUNK)]], 0);
    let mut window = Window::new(&layout());
    window.free(&mut machine)[..4].copy_from_slice(b"1,2\r");
    let mut chunk = window.chunk(&mut machine, 4, true);
    assert_eq!(machine.map(Map::Window)[..5], *b"1,2\r\n");
    assert_eq!(chunk.step(&mut machine, &layout()), Ok(Drained::default()));
    assert!(chunk.is_done() && chunk.unfinished().is_empty());
    window.keep(&mut machine, &chunk);
    assert_eq!(window.free(&mut machine).len(), 4096 - WINDOW_SLACK_BYTES);
    assert!(window.chunk(&mut machine, 0, true).is_done(), "an empty input needs no program");
}

#[test]
fn the_unfinished_record_is_presented_again() {
    let mut machine =
        Scripted::new(&[&[(CONSUMED, 4), (STOP, STOP_CHUNK)], &[(CONSUMED, 4), (STOP, STOP_CHUNK)]], 0);
    let mut window = Window::new(&layout());
    window.free(&mut machine)[..7].copy_from_slice(b"1,2\n3,4");
    let mut chunk = window.chunk(&mut machine, 7, false);
    while !chunk.is_done() {
        chunk.step(&mut machine, &layout()).unwrap();
    }
    window.keep(&mut machine, &chunk);
    window.free(&mut machine)[0] = b'\n';
    let chunk = window.chunk(&mut machine, 1, false);
    assert_eq!((chunk.consumed(), chunk.unfinished()), (0, 0..4));
    assert_eq!(machine.map(Map::Window)[..4], *b"3,4\n");
}

#[test]
fn a_full_table_is_drained() {
    let mut machine = Scripted::new(
        &[&[(CONSUMED, 0), (STOP, STOP_GROUPS), (GROUP_COUNT, 2)], &[(CONSUMED, 100), (STOP, STOP_CHUNK)]],
        0,
    );
    let table = machine.map_mut(Map::Groups);
    (table[0], table[8], table[32], table[40]) = (1, 5, 3, 6);
    let (_, drained) = steps(&mut machine, 100);
    assert_eq!(drained.unwrap()[0].groups, [1, 5, 3, 6]);
    assert!(machine.map(Map::Groups).iter().all(|byte| *byte == 0));
    assert_eq!(machine.word(GROUP_COUNT), 0);
}

#[test]
fn a_chunk_with_a_broken_contract() {
    let stuck: Words = &[(CONSUMED, 0), (STOP, STOP_OUTPUT), (OUTPUT_USED, 1)];
    let cases: [(&[Words], ContractError); 7] = [
        (&[&[(CONSUMED, 101)]], ContractError::Consumed { begin: 0, end: 100, consumed: 101 }),
        (
            &[&[(CONSUMED, 50)], &[(CONSUMED, 49)]],
            ContractError::Consumed { begin: 50, end: 100, consumed: 49 },
        ),
        (&[&[(CONSUMED, 50), (STOP, 9)]], ContractError::Stop(9)),
        (&[&[(CONSUMED, 0), (STOP, STOP_OUTPUT)]], ContractError::Stuck { stop: STOP_OUTPUT }),
        (&[stuck, stuck], ContractError::Stuck { stop: STOP_OUTPUT }),
        (&[&[(CONSUMED, 50), (OUTPUT_USED, 65)]], ContractError::Overrun { used: 65, size: 64 }),
        (
            &[&[(CONSUMED, 50), (STOP, STOP_GROUPS), (GROUP_COUNT, 1)]],
            ContractError::Groups { counted: 1, found: 0 },
        ),
    ];
    for (runs, expected) in cases {
        let (_, outcome) = steps(&mut Scripted::new(runs, 0), 100);
        assert_eq!(outcome, Err(StepError::Contract(expected)), "{runs:?}");
    }
    assert_eq!(steps(&mut Scripted::new(&[], 0), 100).1, Err(StepError::Machine(Ended)));
}

/// They stay in the output area, for whoever has the window.
#[test]
fn entries_of_rows_stay_where_they_are() {
    let layout = Layout { rows: Some(RowLayout::new(1)), ..layout() };
    let step = |run: Words| {
        let mut machine = Scripted::new(&[run], 0);
        Window::new(&layout).chunk(&mut machine, 100, false).step(&mut machine, &layout)
    };
    assert_eq!(
        step(&[(CONSUMED, 100), (OUTPUT_USED, 48)]),
        Ok(Drained { rows_bytes: 48, ..Drained::default() })
    );
    assert_eq!(
        step(&[(CONSUMED, 100), (OUTPUT_USED, 40)]),
        Err(StepError::Contract(ContractError::PartOfRow { bytes: 40 }))
    );
    assert_eq!(
        step(&[(CONSUMED, 100), (OUTPUT_USED, 72)]),
        Err(StepError::Contract(ContractError::Overrun { used: 72, size: 64 }))
    );
}

#[test]
fn places_of_values() {
    let layout = RowLayout::new(65);
    assert_eq!((layout.null_bit(63), layout.null_bit(64)), ((1, 63), (2, 0)));
    assert_eq!((layout.value(0), layout.words()), (3, 68));
    let place = Place::from_bits(Place::FLAG | 7 << Place::LENGTH_SHIFT | 100);
    assert_eq!((place.range(), place.is_flagged()), (100..107, true));
}

#[test]
fn pieces_of_a_record_wait_for_its_end() {
    let mut machine = Scripted::new(
        &[
            &[(PACKET_BYTES, 10), (OUTPUT_USED, 6), (CARRY_STATE, 2), (CARRY_BEGIN, 4)],
            &[(PACKET_BYTES, 10), (OUTPUT_USED, 3), (CARRY_STATE, 2), (CARRY_BEGIN, 2)],
            &[],
        ],
        10,
    );
    machine.map_mut(Map::Output)[..6].copy_from_slice(b"1,2\n3,");
    let mut reads = Reads::new(&mut machine, 100, 130);
    let first = reads.step(&mut machine, &layout(), 1 << 20).unwrap();
    assert_eq!(
        (first.raw.as_slice(), reads.unfinished(), reads.position()),
        (&b"1,2\n"[..], &b"3,"[..], 110)
    );
    machine.map_mut(Map::Output)[..3].copy_from_slice(b"4\n5");
    let second = reads.step(&mut machine, &layout(), 1 << 20).unwrap();
    assert_eq!((second.raw.as_slice(), reads.unfinished()), (&b"3,4\n"[..], &b"5"[..]));
    machine.taken = 0;
    reads.step(&mut machine, &layout(), 1 << 20).unwrap();
    assert!(reads.is_done(), "the file is shorter than the range");
    assert_eq!((reads.position(), reads.into_unfinished()), (120, b"5".to_vec()));
}

#[test]
fn a_read_with_a_broken_contract() {
    let ran: Words = &[(PACKET_BYTES, 10)];
    let cases: [(usize, Words, ContractError); 6] = [
        (4, &[(OUTSIDE, 1)], ContractError::Outside),
        (51, ran, ContractError::Overread { taken: 51, wanted: 50 }),
        (4, &[(STOP, 9)], ContractError::Stop(9)),
        // It ran, so this is not the end of the file.
        (0, ran, ContractError::Stuck { stop: STOP_CHUNK }),
        (4, &[(OUTPUT_USED, 65)], ContractError::Overrun { used: 65, size: 64 }),
        (
            4,
            &[(OUTPUT_USED, 1), (CARRY_STATE, 1), (CARRY_BEGIN, 2)],
            ContractError::Overrun { used: 2, size: 64 },
        ),
    ];
    for (taken, words, expected) in cases {
        let mut machine = Scripted::new(&[words], taken);
        let outcome = Reads::new(&mut machine, 0, 100).step(&mut machine, &layout(), 50);
        assert_eq!(outcome, Err(StepError::Contract(expected)), "{words:?}");
    }
}
