//! A loaded program with its maps, as others see it: by what drives it, not by where it runs.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use pushdown::Program;
use pushdown::contract::layout::Map;
use pushdown::contract::steps::{Maps, RunRead, RunWindow};

use crate::hook::Hook;
use crate::interpret::Interpreter;
use crate::load::LoadStatistics;
use crate::pool::Leased;
use crate::stock::Stock;
use crate::{BackendKind, KernelError};

/// One loaded program with its maps, which are zero at first. Frees both when dropped.
#[derive(Debug)]
pub enum Machine {
    /// Runs over its window.
    Window(WindowMachine),
    /// Runs where a file is read.
    Read(ReadMachine),
}

impl Machine {
    /// Creates the maps, zeroed, and loads the program, which was compiled for the backend's
    /// [target](BackendKind::target).
    pub fn load(backend: BackendKind, program: &Program) -> Result<Machine, KernelError> {
        Ok(match backend {
            BackendKind::Hook => Machine::Read(ReadMachine::hook(program)?),
            BackendKind::Stock => Machine::Window(WindowMachine::stock(program)?),
            BackendKind::Interpret => Machine::Window(WindowMachine::interpret(program)),
            BackendKind::InterpretHook => Machine::Read(ReadMachine::interpret(program)),
        })
    }

    /// The same, but a machine that ran this program in this process before is taken again, if it waits for that. Its
    /// state, table and output area are those of a freshly loaded one.
    pub fn lease(backend: BackendKind, program: &Arc<Program>) -> Result<Machine, KernelError> {
        match backend {
            BackendKind::Stock => {
                let (leased, statistics) = Leased::new(program)?;
                Ok(Machine::Window(WindowMachine { backend: Box::new(leased), statistics }))
            }
            other => Machine::load(other, program),
        }
    }

    /// What loading it took.
    pub fn statistics(&self) -> LoadStatistics {
        match self {
            Machine::Window(machine) => machine.statistics(),
            Machine::Read(machine) => machine.statistics(),
        }
    }
}

/// A program that runs over its window.
pub struct WindowMachine {
    backend: Box<dyn RunWindow<Error = KernelError> + Send>,
    statistics: LoadStatistics,
}

impl WindowMachine {
    /// In an unpatched kernel.
    pub fn stock(program: &Program) -> Result<WindowMachine, KernelError> {
        let (backend, statistics) = Stock::load(program)?;
        Ok(WindowMachine { backend: Box::new(backend), statistics })
    }

    /// In user space.
    pub fn interpret(program: &Program) -> WindowMachine {
        let (backend, statistics) = Interpreter::load(program);
        WindowMachine { backend: Box::new(backend), statistics }
    }

    /// What loading it took.
    pub fn statistics(&self) -> LoadStatistics {
        self.statistics
    }
}

impl Maps for WindowMachine {
    fn map(&self, map: Map) -> &[u8] {
        self.backend.map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.backend.map_mut(map)
    }
}

impl RunWindow for WindowMachine {
    type Error = KernelError;

    fn run(&mut self) -> Result<(), KernelError> {
        self.backend.run()
    }
}

/// A program that runs where a file is read.
pub struct ReadMachine {
    backend: Box<dyn RunRead<File = File, Error = KernelError> + Send>,
    statistics: LoadStatistics,
}

impl ReadMachine {
    /// In a patched kernel.
    pub fn hook(program: &Program) -> Result<ReadMachine, KernelError> {
        let (backend, statistics) = Hook::load(program)?;
        Ok(ReadMachine { backend: Box::new(backend), statistics })
    }

    /// In user space.
    pub fn interpret(program: &Program) -> ReadMachine {
        let (backend, statistics) = Interpreter::load(program);
        ReadMachine { backend: Box::new(backend), statistics }
    }

    /// What loading it took.
    pub fn statistics(&self) -> LoadStatistics {
        self.statistics
    }
}

impl Maps for ReadMachine {
    fn map(&self, map: Map) -> &[u8] {
        self.backend.map(map)
    }

    fn map_mut(&mut self, map: Map) -> &mut [u8] {
        self.backend.map_mut(map)
    }
}

impl RunRead for ReadMachine {
    type File = File;
    type Error = KernelError;

    fn attach(&mut self, file: &File, cookie: u64) -> Result<(), KernelError> {
        self.backend.attach(file, cookie)
    }

    /// At most [`READ_BYTES_MAX`](crate::READ_BYTES_MAX) bytes.
    fn read(&mut self, position: u64, bytes: usize) -> Result<usize, KernelError> {
        self.backend.read(position, bytes)
    }

    fn detach(&mut self) {
        self.backend.detach();
    }
}

impl fmt::Debug for WindowMachine {
    /// Without the megabytes of the maps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowMachine").field("statistics", &self.statistics).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReadMachine {
    /// Without the megabytes of the maps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadMachine").field("statistics", &self.statistics).finish_non_exhaustive()
    }
}
