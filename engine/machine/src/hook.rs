//! The machine of a patched kernel: a program in the read path of one open file (`kernel-patch/`).
//!
//! Reads through it copy nothing. The program sees each piece of page cache in place and answers how much of it it
//! took.

use std::fs::File;
use std::io;

use pushdown::Program;
use pushdown::contract::layout::Map;

use crate::sys::{Instance, ProgramKind};
use crate::{KernelError, LoadStatistics, stock};

/// A program in the kernel.
#[derive(Debug)]
pub(super) struct Hook {
    instance: Instance<{ Map::ALL.len() }>,
}

impl Hook {
    pub(super) fn load(program: &Program) -> Result<(Hook, LoadStatistics), KernelError> {
        let (instance, statistics) = stock::load(program, ProgramKind::FileRead)?;
        Ok((Hook { instance }, statistics))
    }

    pub(super) fn map(&self, map: Map) -> &[u8] {
        self.instance.map(map as usize)
    }

    pub(super) fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.instance.map_mut(map as usize)
    }

    pub(super) fn attach(&mut self, file: &File, cookie: u64) -> Result<(), KernelError> {
        self.instance.attach(file, cookie).map_err(|source| KernelError::Attach { source })
    }

    pub(super) fn read(&mut self, position: u64, bytes: usize) -> Result<usize, KernelError> {
        loop {
            match self.instance.read(position, bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It stopped before the first byte, which the kernel tells from the end of the file.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => return Ok(0),
                result => return result.map_err(|source| KernelError::Run { source }),
            }
        }
    }

    pub(super) fn detach(&mut self) {
        self.instance.detach();
    }
}
