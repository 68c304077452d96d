//! The machine without a kernel: plain memory and pushdown's checked interpreter.
//!
//! It needs no privilege and refuses at run time what the verifier refuses at load time. It is the reference that
//! the other machines are compared with, never chosen for speed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use pushdown::bpf::interpret::{Decoded, Limits, Memory};
use pushdown::contract::hook::{Answer, PACKET_BYTES_MAX};
use pushdown::contract::layout::Map;
use pushdown::contract::steps::{Maps, RunRead, RunWindow};
use pushdown::{Program, Target};

use crate::KernelError;
use crate::error::check_return_value;
use crate::load::LoadStatistics;

/// A program in user space.
pub(crate) struct Interpreter {
    program: Decoded,
    memory: Memory,
    file: Option<File>,
}

/// Of the page cache.
const PAGE_BYTES: usize = 4096;

impl Interpreter {
    pub(crate) fn load(program: &Program) -> (Interpreter, LoadStatistics) {
        // A defect of whoever compiled it: the program would find no records.
        assert_ne!(program.target, Target::Indexed, "nobody fills the index array here");
        let start = Instant::now();
        let machine = Interpreter {
            program: Decoded::new(&program.insns),
            memory: Memory::new(&program.layout),
            file: None,
        };
        let statistics = LoadStatistics {
            program_instructions: program.insns.len(),
            verified_instructions: None,
            load_time: start.elapsed(),
        };
        (machine, statistics)
    }
}

impl Maps for Interpreter {
    fn map(&self, map: Map) -> &[u8] {
        self.memory.map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.memory.map_mut(map)
    }
}

impl RunWindow for Interpreter {
    type Error = KernelError;

    /// The return value as the kernel hands it out: its low 32 bits.
    fn run(&mut self) -> Result<(), KernelError> {
        check_return_value(self.program.run(&mut self.memory, Limits::default())?.value as u32)
    }
}

impl RunRead for Interpreter {
    type File = File;
    type Error = KernelError;

    fn attach(&mut self, file: &File, _cookie: u64) -> Result<(), KernelError> {
        self.file = Some(file.try_clone().map_err(|source| KernelError::Attach { source })?);
        Ok(())
    }

    /// As the kernel does it with the page cache: up to the end of a folio, the next one, and so on. By turns, 32 KiB are
    /// of single pages and one large folio.
    fn read(&mut self, position: u64, bytes: usize) -> Result<usize, KernelError> {
        let failed = |source| KernelError::Run { source };
        let file = self.file.as_ref().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        let mut page = vec![0; PACKET_BYTES_MAX];
        let mut taken = 0;
        while taken < bytes {
            let at = position + taken as u64;
            let folio_bytes =
                if (at / PACKET_BYTES_MAX as u64).is_multiple_of(2) { PAGE_BYTES } else { PACKET_BYTES_MAX };
            let room = folio_bytes - (at % folio_bytes as u64) as usize;
            let wanted = room.min(bytes - taken);
            let read = match file.read_at(&mut page[..wanted], at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.map_err(failed)?,
            };
            if read == 0 {
                break;
            }
            self.memory.set_packet(&page[..read], at, file_bytes);
            let answer = self.program.run(&mut self.memory, Limits::default())?.value;
            match Answer::of(answer, read) {
                Some(Answer::Consume) => taken += read,
                Some(Answer::Stop { taken: part }) => return Ok(taken + part),
                None => return Err(KernelError::ProgramFailed { retval: answer as u32 }),
            }
        }
        Ok(taken)
    }

    fn detach(&mut self) {
        self.file = None;
    }
}
