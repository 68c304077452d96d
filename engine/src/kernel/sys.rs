//! The system calls under the stock machine: bpf(2) and mmap(2), and nothing that decides anything.
//!
//! In go sizes, encoded instructions and a log buffer; out comes an [`Instance`]: the array maps of one program,
//! mapped into this process, and the program once it is loaded. An instance owns program and maps together,
//! because that is what makes its outside safe: the program can write only into the maps it was loaded with, and
//! it runs only while the instance is borrowed mutably, so never while someone holds a slice of one of them.
#![allow(unsafe_code, reason = "bpf(2) has no safe wrapper that loads raw instructions or maps map values")]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};

use aya_obj::generated::{
    BPF_F_MMAPABLE, BPF_F_SLEEPABLE, bpf_attr, bpf_cmd, bpf_map_type::BPF_MAP_TYPE_ARRAY,
    bpf_prog_type::BPF_PROG_TYPE_SYSCALL,
};

/// Log the verified path instruction by instruction (`BPF_LOG_LEVEL1`, include/linux/bpf_verifier.h).
pub(super) const LOG_PATH: u32 = 1;
/// Log messages and the closing line of statistics (`BPF_LOG_STATS`, same place).
pub(super) const LOG_STATISTICS: u32 = 4;

/// Helpers and kfuncs marked GPL-only, as all kfuncs are, ask for a compatible licence.
const LICENSE: &CStr = c"Dual BSD/GPL";
const PROGRAM_NAME: &CStr = c"weir";

/// The verifier gives up with EAGAIN when a signal is pending (`do_check`, kernel/bpf/verifier.c), which a timer
/// or a profiler can cause again and again.
const LOAD_ATTEMPTS: usize = 16;

/// The maps of one program, in the order of their numbers, and the program.
#[derive(Debug)]
pub(super) struct Instance<const MAPS: usize> {
    maps: [Option<ArrayMap>; MAPS],
    program: Option<OwnedFd>,
}

/// One array map with one value, and the value mapped into this process.
#[derive(Debug)]
struct ArrayMap {
    /// Only until the program is loaded: program and mapping hold the map by themselves.
    fd: Option<OwnedFd>,
    value: Mapping,
}

impl<const MAPS: usize> Instance<MAPS> {
    /// Without maps and program.
    pub(super) fn new() -> Self {
        Instance { maps: std::array::from_fn(|_| None), program: None }
    }

    /// Gives it the map of a number: zeroed, with a value of exactly `bytes`, so that the verifier allows not one
    /// byte more. `bytes` must not be 0.
    pub(super) fn create_map(&mut self, number: usize, name: &CStr, bytes: usize) -> io::Result<()> {
        let fd = create_array(name, bytes)?;
        let value = Mapping::new(&fd, bytes)?;
        self.maps[number] = Some(ArrayMap { fd: Some(fd), value });
        Ok(())
    }

    /// Loads the program that [`Instance::run`] runs. Instructions refer to maps by number. What the verifier says
    /// goes to `log`, zero-terminated; when it says more than fits, the end of it (since 6.4, kernel/bpf/log.c),
    /// with the error ENOSPC in place of the true one.
    pub(super) fn load(&mut self, insns: &[u64], log_level: u32, log: &mut [u8]) -> io::Result<()> {
        // The kernel looks at an entry only when an instruction refers to it, and refuses -1 with EBADF.
        let fds: [RawFd; MAPS] = std::array::from_fn(|number| {
            let fd = self.maps[number].as_ref().and_then(|map| map.fd.as_ref());
            fd.map_or(-1, AsRawFd::as_raw_fd)
        });
        self.program = Some(load_program(insns, &fds, log_level, log)?);
        for map in self.maps.iter_mut().flatten() {
            map.fd = None;
        }
        Ok(())
    }

    /// Runs the loaded program once; its return value.
    pub(super) fn run(&mut self) -> io::Result<u32> {
        let program = self.program.as_ref().ok_or(io::ErrorKind::NotFound)?;
        test_run(program)
    }

    /// The value of a map; empty when there is none of this number.
    pub(super) fn map(&self, number: usize) -> &[u8] {
        self.maps[number].as_ref().map_or(&[], |map| map.value.as_slice())
    }

    /// The same, to write.
    pub(super) fn map_mut(&mut self, number: usize) -> &mut [u8] {
        self.maps[number].as_mut().map_or(&mut [], |map| map.value.as_mut_slice())
    }
}

/// Memory shared with a map of the kernel, until dropped.
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
    fn new(map: &OwnedFd, bytes: usize) -> io::Result<Mapping> {
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

    fn as_slice(&self) -> &[u8] {
        // SAFETY: `bytes` mapped bytes, all pages present and zeroed at first, live as long as `self`. They change
        // only through `&mut Mapping` or in `Instance::run`, which borrows the instance mutably.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and `&mut self` makes this the only slice.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `new` mapped, and no slice of it outlives `self`.
        let result = unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
        debug_assert_eq!(result, 0, "munmap: {}", io::Error::last_os_error());
    }
}

/// A new array map of one zeroed value that can be mapped into user space.
fn create_array(name: &CStr, bytes: usize) -> io::Result<OwnedFd> {
    let mut attr = zeroed_attr();
    attr.__bindgen_anon_1.map_type = BPF_MAP_TYPE_ARRAY as u32;
    attr.__bindgen_anon_1.key_size = size_of::<u32>() as u32;
    attr.__bindgen_anon_1.value_size = count_u32(bytes)?;
    attr.__bindgen_anon_1.max_entries = 1;
    attr.__bindgen_anon_1.map_flags = BPF_F_MMAPABLE;
    attr.__bindgen_anon_1.map_name = object_name(name);
    // SAFETY: the variant of this command is filled in and holds no pointer.
    let fd = unsafe { bpf(bpf_cmd::BPF_MAP_CREATE, &mut attr)? };
    // SAFETY: a descriptor that the kernel has just opened (close-on-exec) and nobody else knows.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Verifies and loads a program of type `syscall`, the one type that user space can run at will in its own context.
fn load_program(insns: &[u64], maps: &[RawFd], log_level: u32, log: &mut [u8]) -> io::Result<OwnedFd> {
    let mut attr = zeroed_attr();
    attr.__bindgen_anon_3.prog_type = BPF_PROG_TYPE_SYSCALL as u32;
    // The verifier takes programs of this type only as sleepable (`check_attach_btf_id`, kernel/bpf/verifier.c).
    attr.__bindgen_anon_3.prog_flags = BPF_F_SLEEPABLE;
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
unsafe fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<RawFd> {
    // SAFETY: `attr` is valid for reads and writes of its size; the rest is the caller's promise.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command as libc::c_long, ptr::from_mut(attr), size_of::<bpf_attr>())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as RawFd) }
}
