//! The memory of a program: its maps, the packet of a read hook with its context, and a stack for each frame that
//! knows which of its bytes were written.

use super::fault::{FRAMES_MAX, FaultKind, Region, STACK_BYTES};
use crate::contract::hook::Context;
use crate::contract::layout::{Layout, Map};

/// The maps of a program, by [`Map`] number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Their values.
    pub maps: [Vec<u8>; 5],
    packet: Vec<u8>,
    /// Empty for a program without a packet.
    context: Vec<u8>,
}

impl Memory {
    /// Zeroed maps of the sizes a program needs.
    pub fn new(layout: &Layout) -> Memory {
        Memory { maps: layout.map_bytes.map(|bytes| vec![0; bytes]), ..Memory::default() }
    }

    /// What the next run of a program for a read hook sees: the packet that begins at `position` of a file.
    pub fn set_packet(&mut self, bytes: &[u8], position: u64, file_bytes: u64) {
        self.packet.clear();
        self.packet.extend_from_slice(bytes);
        let (data, length) = (PACKET << OFFSET_BITS, bytes.len() as u64);
        let words = Context::ALL.map(|word| match word {
            Context::Data => data,
            Context::DataEnd => data + length,
            Context::Position => position,
            Context::FileBytes => file_bytes,
            Context::Cookie => 0,
            Context::PacketBytes => length,
        });
        self.context = words.into_iter().flat_map(u64::to_le_bytes).collect();
    }

    /// Address of the context: r1 at the entry. 0 without a packet.
    pub(super) fn context_address(&self) -> u64 {
        if self.context.is_empty() { 0 } else { CONTEXT << OFFSET_BITS }
    }

    /// The value of a map.
    pub fn map(&self, map: Map) -> &[u8] {
        &self.maps[map as usize]
    }

    /// The value of a map, to change it.
    pub fn map_mut(&mut self, map: Map) -> &mut [u8] {
        &mut self.maps[map as usize]
    }
}

/// Offsets have 40 bits: no displacement and no sum of a few 32-bit numbers leads from one region into another.
const OFFSET_BITS: u32 = 40;

/// Region of map 0. Region 0 is empty, so that small numbers are no addresses.
const FIRST_MAP: u64 = 1;

/// Region of the packet.
const PACKET: u64 = 6;

/// Region of the context.
const CONTEXT: u64 = 7;

/// Region of frame 0. The one before it is empty, for what is pushed on a full stack.
const FIRST_FRAME: u64 = 9;

/// Address of a byte of a map, by the map's number.
pub(super) fn map_address(map: u32, offset: u32) -> u64 {
    (FIRST_MAP + u64::from(map)) << OFFSET_BITS | u64::from(offset)
}

fn frame_pointer(depth: usize) -> u64 {
    (FIRST_FRAME + depth as u64) << OFFSET_BITS | STACK_BYTES as u64
}

/// The address space of one run.
pub(super) struct Space<'a> {
    /// By region; the empty ones make the number of regions a power of two.
    regions: [&'a mut [u8]; 8],
    stack: Box<[u8; FRAMES_MAX * STACK_BYTES]>,
    /// One bit for each byte of the stack.
    written: [u64; FRAMES_MAX * STACK_BYTES / 64],
    frame_count: usize,
}

impl<'a> Space<'a> {
    pub fn new(memory: &'a mut Memory) -> Space<'a> {
        let [window, index, state, groups, output] = &mut memory.maps;
        let (packet, context) = (&mut memory.packet, &mut memory.context);
        Space {
            regions: [&mut [], window, index, state, groups, output, packet, context],
            stack: Box::new([0; FRAMES_MAX * STACK_BYTES]),
            written: [0; FRAMES_MAX * STACK_BYTES / 64],
            frame_count: 0,
        }
    }

    /// A new frame: its frame pointer.
    pub fn push_frame(&mut self) -> u64 {
        let words = STACK_BYTES / 64;
        self.written[self.frame_count * words..][..words].fill(0);
        self.frame_count += 1;
        frame_pointer(self.frame_count - 1)
    }

    /// Back to the frame before: its frame pointer.
    pub fn pop_frame(&mut self) -> u64 {
        self.frame_count -= 1;
        frame_pointer(self.frame_count - 1)
    }

    #[inline(always)]
    pub fn load<const BYTES: usize>(&self, address: u64) -> Result<[u8; BYTES], FaultKind> {
        let (region, offset) = split(address);
        if region < FIRST_FRAME {
            let bytes = self.regions[region as usize & 7].get(offset..).and_then(|rest| rest.first_chunk());
            return bytes.copied().ok_or_else(|| outside(address, BYTES));
        }
        let at = self.stack_index::<BYTES>(address)?;
        let wanted = u64::MAX >> (64 - BYTES);
        if self.written[at / 64] >> (at % 64) & wanted != wanted {
            return Err(FaultKind::UninitialisedStack { offset: offset as i64 - STACK_BYTES as i64 });
        }
        self.stack[at..].first_chunk().copied().ok_or_else(|| outside(address, BYTES))
    }

    #[inline(always)]
    pub fn store<const BYTES: usize>(&mut self, address: u64, bytes: [u8; BYTES]) -> Result<(), FaultKind> {
        let (region, offset) = split(address);
        let place = if region < FIRST_FRAME {
            if region == PACKET || region == CONTEXT {
                return Err(FaultKind::ReadOnly);
            }
            self.regions[region as usize & 7].get_mut(offset..).and_then(|rest| rest.first_chunk_mut())
        } else {
            let at = self.stack_index::<BYTES>(address)?;
            self.written[at / 64] |= (u64::MAX >> (64 - BYTES)) << (at % 64);
            self.stack[at..].first_chunk_mut()
        };
        match place {
            Some(place) => {
                *place = bytes;
                Ok(())
            }
            None => Err(outside(address, BYTES)),
        }
    }

    /// Where an access to a stack goes. It is aligned, so its bytes are in one word of `written`.
    #[inline]
    fn stack_index<const BYTES: usize>(&self, address: u64) -> Result<usize, FaultKind> {
        let (region, offset) = split(address);
        let depth = region.wrapping_sub(FIRST_FRAME);
        if depth >= self.frame_count as u64 || offset > STACK_BYTES - BYTES {
            return Err(outside(address, BYTES));
        }
        if offset % BYTES != 0 {
            let offset = offset as i64 - STACK_BYTES as i64;
            return Err(FaultKind::MisalignedStack { offset, bytes: BYTES });
        }
        Ok(depth as usize * STACK_BYTES + offset)
    }
}

#[inline(always)]
fn split(address: u64) -> (u64, usize) {
    (address >> OFFSET_BITS, (address & ((1 << OFFSET_BITS) - 1)) as usize)
}

#[cold]
#[inline(never)]
fn outside(address: u64, bytes: usize) -> FaultKind {
    let (number, offset) = split(address);
    let map = Map::ALL.into_iter().find(|map| FIRST_MAP + *map as u64 == number).map(Region::Map);
    let frame = number.checked_sub(FIRST_FRAME).filter(|depth| *depth < FRAMES_MAX as u64);
    let region = match number {
        PACKET => Some(Region::Packet),
        CONTEXT => Some(Region::Context),
        _ => map.or(frame.map(|depth| Region::Frame(depth as usize))),
    };
    match region {
        Some(region) => FaultKind::OutOfBounds { region, offset: offset as u64, bytes },
        None => FaultKind::NoAddress { address },
    }
}
