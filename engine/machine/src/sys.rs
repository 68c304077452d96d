//! The system calls under the machines of the kernel: bpf(2), mmap(2) and pread(2), and nothing that decides anything.
//!
//! In go sizes, encoded instructions and a log buffer; out comes an [`Instance`]: the array maps of one program,
//! mapped into this process, and the program once it is loaded. An instance owns program and maps together,
//! because that is what makes its outside safe: the program can write only into the maps it was loaded with, and
//! it runs only while the instance is borrowed mutably, so never while someone holds a slice of one of them. A file
//! that it is attached to is an open file of the instance alone, which nobody else can read through.
#![allow(
    unsafe_code,
    reason = "no crate loads raw instructions with an array of maps, runs them, or maps map values"
)]

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};

use aya::maps::{MapData, MapError};
use aya_obj::generated::{
    BPF_F_MMAPABLE, BPF_F_SLEEPABLE, bpf_attr, bpf_cmd, bpf_map_type::BPF_MAP_TYPE_ARRAY,
    bpf_prog_type::BPF_PROG_TYPE_SYSCALL,
};
use pushdown::contract::hook;

/// Log the verified path instruction by instruction (`BPF_LOG_LEVEL1`, include/linux/bpf_verifier.h).
pub(crate) const LOG_PATH: u32 = 1;
/// Log messages and the closing line of statistics (`BPF_LOG_STATS`, same place).
pub(crate) const LOG_STATISTICS: u32 = 4;

/// Helpers and kfuncs marked GPL-only, as all kfuncs are, ask for a compatible licence.
const LICENSE: &CStr = c"Dual BSD/GPL";
const PROGRAM_NAME: &CStr = c"weir";

/// The verifier gives up with EAGAIN when a signal is pending (`do_check`, kernel/bpf/verifier.c), which a timer
/// or a profiler can cause again and again.
const LOAD_ATTEMPTS: usize = 16;

/// The maps of one program, in the order of their numbers, and the program.
#[derive(Debug)]
pub(crate) struct Instance<const MAPS: usize> {
    kind: ProgramKind,
    maps: [Option<ArrayMap>; MAPS],
    program: Option<OwnedFd>,
    attached: Option<Attached>,
}

/// What runs a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgramKind {
    /// [`Instance::run`].
    Syscall,
    /// [`Instance::read`].
    FileRead,
}

/// Largest [`Instance::read`].
pub const READ_BYTES_MAX: usize = 8 << 20;

/// An open file, and the link between it and the program, which ends with its descriptor.
#[derive(Debug)]
struct Attached {
    _link: OwnedFd,
    file: File,
    nowhere: Mapping,
}

/// What BPF_LINK_CREATE takes (`struct weir_file_read_link_create`).
#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    cookie: u64,
}

/// One array map with one value, and the value mapped into this process.
#[derive(Debug)]
struct ArrayMap {
    /// Only until the program is loaded: program and mapping hold the map by themselves.
    kernel: Option<MapData>,
    value: Mapping,
}

impl<const MAPS: usize> Instance<MAPS> {
    /// Without maps and program.
    pub(crate) fn new(kind: ProgramKind) -> Self {
        Instance { kind, maps: std::array::from_fn(|_| None), program: None, attached: None }
    }

    /// Gives it the map of a number: zeroed, with a value of exactly `bytes`, so that the verifier allows not one
    /// byte more. `bytes` must not be 0.
    pub(crate) fn create_map(&mut self, number: usize, name: &str, bytes: usize) -> io::Result<()> {
        let map = create_array(name, bytes)?;
        let value = Mapping::new(map.fd().as_fd(), bytes)?;
        self.maps[number] = Some(ArrayMap { kernel: Some(map), value });
        Ok(())
    }

    /// Loads the program that [`Instance::run`] or [`Instance::read`] runs. Instructions refer to maps by number. What the verifier says
    /// goes to `log`, zero-terminated; when it says more than fits, the end of it (since 6.4, kernel/bpf/log.c),
    /// with the error ENOSPC in place of the true one.
    pub(crate) fn load(&mut self, insns: &[u64], log_level: u32, log: &mut [u8]) -> io::Result<()> {
        // The kernel looks at an entry only when an instruction refers to it, and refuses -1 with EBADF.
        let fds: [RawFd; MAPS] = std::array::from_fn(|number| {
            let map = self.maps[number].as_ref().and_then(|map| map.kernel.as_ref());
            map.map_or(-1, |map| map.fd().as_fd().as_raw_fd())
        });
        self.program = Some(load_program(self.kind, insns, &fds, log_level, log)?);
        for map in self.maps.iter_mut().flatten() {
            map.kernel = None;
        }
        Ok(())
    }

    /// Runs the loaded program once; its return value.
    pub(crate) fn run(&mut self) -> io::Result<u32> {
        let program = self.program.as_ref().ok_or(io::ErrorKind::NotFound)?;
        test_run(program)
    }

    /// Lets reads of `file` run the program instead, by [`Instance::read`]. `cookie` names the link to people who
    /// list it. EOPNOTSUPP: the file system does not have the hook, or the file is open for direct I/O.
    pub(crate) fn attach(&mut self, file: &File, cookie: u64) -> io::Result<()> {
        self.attached = None;
        let program = self.program.as_ref().ok_or(io::ErrorKind::NotFound)?;
        // Of the same file another open file, which nobody else knows.
        let file = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        let mut attr = LinkCreate {
            prog_fd: program.as_raw_fd() as u32,
            target_fd: file.as_raw_fd() as u32,
            attach_type: hook::ATTACH_TYPE,
            flags: 0,
            cookie,
        };
        // SAFETY: all of this command's attributes are filled in, and none is a pointer.
        let link = unsafe { bpf(bpf_cmd::BPF_LINK_CREATE, &mut attr)? };
        // SAFETY: a descriptor that the kernel has just opened (close-on-exec) and nobody else knows.
        let link = unsafe { OwnedFd::from_raw_fd(link) };
        self.attached = Some(Attached { _link: link, file, nowhere: Mapping::inaccessible(READ_BYTES_MAX)? });
        Ok(())
    }

    /// Lets the program run over up to `bytes` bytes of the attached file from `position` on, of which there are at most
    /// [`READ_BYTES_MAX`]. How many it took; 0 at the end of the file. ENOBUFS: it stopped before the first byte.
    /// EFAULT: bytes were to be copied, because it answered so or was detached, and there is nowhere to copy them to.
    pub(crate) fn read(&mut self, position: u64, bytes: usize) -> io::Result<usize> {
        let attached = self.attached.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let position = libc::off_t::try_from(position).map_err(|_| io::ErrorKind::InvalidInput)?;
        if bytes > attached.nowhere.bytes {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let nowhere = attached.nowhere.start.as_ptr().cast();
        // SAFETY: the buffer is mapped for as many bytes, and so that the kernel cannot write to it: it answers EFAULT.
        // What the program may write is the matter of the instance, which is borrowed mutably.
        let read = unsafe { libc::pread(attached.file.as_raw_fd(), nowhere, bytes, position) };
        usize::try_from(read).map_err(|_| io::Error::last_os_error())
    }

    /// Takes the program off the file.
    pub(crate) fn detach(&mut self) {
        self.attached = None;
    }

    /// The value of a map; empty when there is none of this number.
    pub(crate) fn map(&self, number: usize) -> &[u8] {
        self.maps[number].as_ref().map_or(&[], |map| map.value.as_slice())
    }

    /// The same, to write.
    pub(crate) fn map_mut(&mut self, number: usize) -> &mut [u8] {
        self.maps[number].as_mut().map_or(&mut [], |map| map.value.as_mut_slice())
    }

    /// The values of two maps, the second as words to write. None: they are one, or there is none of such a number.
    pub(crate) fn map_and_words_mut(&mut self, read: usize, written: usize) -> Option<(&[u8], &mut [u32])> {
        let Ok([Some(read), Some(written)]) = self.maps.get_disjoint_mut([read, written]) else {
            return None;
        };
        // SAFETY: any bytes are a word, and no word is longer than the bytes.
        let (_, words, _) = unsafe { written.value.as_mut_slice().align_to_mut::<u32>() };
        Some((read.value.as_slice(), words))
    }
}

/// Memory shared with a map of the kernel, or none at all, until dropped.
#[derive(Debug)]
struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory belongs to the process, not to a thread, and `Mapping` hands it out by the rules of borrowing.
unsafe impl Send for Mapping {}
// SAFETY: as above; through `&Mapping` it can only be read.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the value of an array map that was created with `bytes`.
    fn new(map: BorrowedFd<'_>, bytes: usize) -> io::Result<Mapping> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use. The kernel rounds
        // the length up to whole pages and refuses more than the map has (`array_map_mmap`, kernel/bpf/arraymap.c).
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(address.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Mapping { start, bytes })
    }

    /// Addresses that nobody can read or write.
    fn inaccessible(bytes: usize) -> io::Result<Mapping> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let address = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(address.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Mapping { start, bytes })
    }

    fn as_slice(&self) -> &[u8] {
        // SAFETY: called for maps alone. `bytes` mapped bytes, all pages present and zeroed at first, live as long as
        // `self`. They change only through `&mut Mapping`, or in `Instance::run` and `Instance::read`, which borrow the
        // instance mutably.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and `&mut self` makes this the only slice.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that was mapped, and no slice of it outlives `self`.
        let result = unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
        debug_assert_eq!(result, 0, "munmap: {}", io::Error::last_os_error());
    }
}

/// A new array map of one zeroed value that can be mapped into user space.
fn create_array(name: &str, bytes: usize) -> io::Result<MapData> {
    let (key_bytes, entries) = (size_of::<u32>() as u32, 1);
    let map_type = BPF_MAP_TYPE_ARRAY as u32;
    let array =
        aya_obj::Map::new_from_params(map_type, key_bytes, count_u32(bytes)?, entries, BPF_F_MMAPABLE);
    MapData::create(array, name, None).map_err(|error| match error {
        MapError::CreateError { io_error, .. } => io_error,
        error => io::Error::other(error),
    })
}

/// Verifies and loads a program.
fn load_program(
    kind: ProgramKind,
    insns: &[u64],
    maps: &[RawFd],
    log_level: u32,
    log: &mut [u8],
) -> io::Result<OwnedFd> {
    let mut attr = zeroed_attr();
    match kind {
        ProgramKind::Syscall => {
            // The one type that user space can run at will in its own context. The verifier takes it only as
            // sleepable (`check_attach_btf_id`, kernel/bpf/verifier.c).
            attr.__bindgen_anon_3.prog_type = BPF_PROG_TYPE_SYSCALL as u32;
            attr.__bindgen_anon_3.prog_flags = BPF_F_SLEEPABLE;
        }
        ProgramKind::FileRead => {
            attr.__bindgen_anon_3.prog_type = hook::PROGRAM_TYPE;
            attr.__bindgen_anon_3.expected_attach_type = hook::ATTACH_TYPE;
        }
    }
    attr.__bindgen_anon_3.insn_cnt = count_u32(insns.len())?;
    attr.__bindgen_anon_3.insns = insns.as_ptr() as u64;
    attr.__bindgen_anon_3.license = LICENSE.as_ptr() as u64;
    attr.__bindgen_anon_3.prog_name = object_name(PROGRAM_NAME);
    attr.__bindgen_anon_3.fd_array = maps.as_ptr() as u64;
    attr.__bindgen_anon_3.log_level = log_level;
    attr.__bindgen_anon_3.log_size = count_u32(log.len())?;
    attr.__bindgen_anon_3.log_buf = log.as_mut_ptr() as u64;
    for attempt in 1.. {
        // SAFETY: the variant of this command is filled in; its pointers lead to buffers that are borrowed for
        // longer than the call, the kernel writes only to `log` and no more than `log_size` bytes, and it reads
        // `fd_array` only at the map numbers found in `insns`, with failing reads answered by EFAULT.
        match unsafe { bpf(bpf_cmd::BPF_PROG_LOAD, &mut attr) } {
            // SAFETY: a descriptor that the kernel has just opened (close-on-exec) and nobody else knows.
            Ok(fd) => return Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            Err(error) if attempt < LOAD_ATTEMPTS && is_interruption(&error) => continue,
            Err(error) => return Err(error),
        }
    }
    unreachable!("the last attempt returns")
}

/// Runs a program once, without context, on the calling thread; its return value.
fn test_run(program: &OwnedFd) -> io::Result<u32> {
    let mut attr = zeroed_attr();
    attr.test.prog_fd = program.as_raw_fd() as u32;
    // SAFETY: the variant of this command is filled in and holds no pointer. What the program itself may write is
    // the matter of `Instance::run`.
    unsafe { bpf(bpf_cmd::BPF_PROG_TEST_RUN, &mut attr)? };
    // SAFETY: any bit pattern is a u32; the kernel has stored the return value here.
    Ok(unsafe { attr.test.retval })
}

/// An unnamed file in memory.
pub(crate) fn memory_file(name: &CStr, bytes: &[u8]) -> io::Result<File> {
    // SAFETY: the name is zero-terminated and only read.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that the kernel has just opened and nobody else knows.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(bytes)?;
    Ok(file)
}

fn is_interruption(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR))
}

/// Counts and sizes are 32 bits wide in `bpf_attr`; the kernel answers to what it finds too big with the same error.
fn count_u32(count: usize) -> io::Result<u32> {
    u32::try_from(count).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))
}

/// A name as `bpf_attr` wants it: cut to 15 bytes, zero-terminated.
fn object_name(name: &CStr) -> [libc::c_char; 16] {
    let mut object_name = [0; 16];
    for (to, from) in object_name.iter_mut().take(15).zip(name.to_bytes()) {
        *to = *from as libc::c_char;
    }
    object_name
}

/// The kernel refuses attributes with anything but zeros in the bytes that a command does not know.
fn zeroed_attr() -> bpf_attr {
    // SAFETY: a union of plain integers, arrays of integers and nothing else.
    unsafe { std::mem::zeroed() }
}

/// The system call.
///
/// # Safety
///
/// The pointers in the attributes of this command must be valid for what the command does with them.
unsafe fn bpf<Attributes>(command: bpf_cmd, attr: &mut Attributes) -> io::Result<RawFd> {
    // SAFETY: `attr` is valid for reads and writes of its size; the rest is the caller's promise.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command as libc::c_long, ptr::from_mut(attr), size_of::<Attributes>())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as RawFd) }
}
