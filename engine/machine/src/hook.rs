//! The machine of a patched kernel: a program in the read path of one open file (`kernel-patch/`).
//!
//! Reads through it copy nothing. The program sees each piece of page cache in place and answers how much of it it
//! took.

use std::fs::File;
use std::io;

use pushdown::Program;
use pushdown::contract::layout::Map;
use pushdown::contract::steps::{Maps, RunRead};

use crate::KernelError;
use crate::load::{Instance, LoadStatistics, load};
use crate::sys::ProgramKind;

/// A program in the kernel.
#[derive(Debug)]
pub(crate) struct Hook(Instance);

impl Hook {
    pub(crate) fn load(program: &Program) -> Result<(Hook, LoadStatistics), KernelError> {
        let (instance, statistics) = load(program, ProgramKind::FileRead)?;
        Ok((Hook(instance), statistics))
    }
}

impl Maps for Hook {
    fn map(&self, map: Map) -> &[u8] {
        self.0.map(map as usize)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.0.map_mut(map as usize)
    }
}

impl RunRead for Hook {
    type File = File;
    type Error = KernelError;

    fn attach(&mut self, file: &File, cookie: u64) -> Result<(), KernelError> {
        self.0.attach(file, cookie).map_err(|source| KernelError::Attach { source })
    }

    fn read(&mut self, position: u64, bytes: usize) -> Result<usize, KernelError> {
        loop {
            match self.0.read(position, bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It stopped before the first byte, which the kernel tells from the end of the file.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => return Ok(0),
                result => return result.map_err(|source| KernelError::Run { source }),
            }
        }
    }

    fn detach(&mut self) {
        self.0.detach();
    }
}
