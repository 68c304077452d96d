//! Can this process run programs in this kernel?
//!
//! Answered by doing it: versions lie (distributions port features back) and capabilities are not the whole story
//! (containers, user namespaces, seccomp). Only the refusal is explained by looking at them.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use pushdown::Program;
use pushdown::bpf::Insn;
use pushdown::contract::hook::{Context, PACKET_CONSUME};
use pushdown::contract::layout::{Layout, Map, Sizes};
use thiserror::Error;

use crate::{BackendKind, KernelError, Machine, sys};

/// Why the kernel cannot be used, each with what to do about it.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The process lacks capabilities.
    #[error(
        "no permission to load programs into the kernel, {} missing; grant it with: \
         sudo setcap cap_bpf,cap_perfmon+ep {}",
        missing.join(" and "),
        binary.display()
    )]
    NoPermission {
        /// Names of the missing capabilities.
        missing: Vec<&'static str>,
        /// The running program, which setcap(8) can give them to.
        binary: PathBuf,
    },
    /// The kernel lacks a feature that newer ones have.
    #[error("the kernel {release} is too old ({cause}); use Linux 6.9 or later")]
    KernelTooOld {
        /// As `uname -r` prints it.
        release: String,
        /// What it refused.
        cause: Arc<KernelError>,
    },
    /// bpf(2) is refused although the process has the capabilities.
    #[error(
        "bpf(2) is refused although this process has CAP_BPF and CAP_PERFMON: allow it in the container's settings \
         or seccomp profile, and run in the initial user namespace and without kernel lockdown"
    )]
    Forbidden,
    /// There is no bpf(2).
    #[error(
        "there is no bpf(2) here: use a kernel built with CONFIG_BPF_SYSCALL=y, outside of sandboxes that hide it"
    )]
    NotCompiledIn,
    /// The probe ran, but its result did not appear in the mapped memory.
    #[error(
        "a program ran in the kernel, but its result did not arrive: please report this with the kernel's version"
    )]
    WrongResult,
    /// The kernel does not have the patch.
    #[error("this kernel has no read hook (kernel-patch/README.md tells how to build one)")]
    NoHook(Arc<KernelError>),
    /// Something else.
    #[error("{0}; free memory or raise its limit if that is the reason, else please report this")]
    Other(Arc<KernelError>),
}

/// The oldest kernel with all that programs need: `may_goto` came with 6.9.
pub const KERNEL_MIN: (u32, u32) = (6, 9);

/// What this process is allowed to do, as far as it matters to loading programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// As `CapEff` in /proc/self/status.
    effective: u64,
}

impl Capabilities {
    /// Those of this process; nothing if the kernel does not tell.
    pub fn of_process() -> Option<Capabilities> {
        Some(Capabilities { effective: effective_capabilities()? })
    }

    /// From a set of bits, numbered as in include/uapi/linux/capability.h.
    pub fn from_bits(effective: u64) -> Capabilities {
        Capabilities { effective }
    }

    /// Names of those that loading takes and that are there.
    pub fn held(self) -> Vec<&'static str> {
        let all = [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON"), (CAP_SYS_ADMIN, "CAP_SYS_ADMIN")];
        all.iter().filter(|(bit, _)| self.effective >> bit & 1 == 1).map(|(_, name)| *name).collect()
    }

    /// Names of those that loading takes and that are not there; CAP_SYS_ADMIN stands for all.
    pub fn missing(self) -> Vec<&'static str> {
        missing_capabilities(self.effective)
    }
}

/// Whether [`BackendKind::Stock`] can run here, and if not what to do. Asks the kernel once per process.
pub fn probe() -> Result<(), Unavailable> {
    static ANSWER: OnceLock<Result<(), Unavailable>> = OnceLock::new();
    ANSWER.get_or_init(probe_now).clone()
}

/// Whether [`BackendKind::Hook`] can run here, and if not what to do. Asks the kernel once per process.
pub fn probe_hook() -> Result<(), Unavailable> {
    static ANSWER: OnceLock<Result<(), Unavailable>> = OnceLock::new();
    ANSWER.get_or_init(|| probe().and_then(|()| probe_hook_now())).clone()
}

/// Finds out which files programs can be attached to.
#[derive(Debug)]
pub struct HookProbe(Machine);

impl HookProbe {
    /// Loads a program that does next to nothing.
    pub fn load() -> Result<HookProbe, KernelError> {
        Machine::load(BackendKind::Hook, &hook_probe_program()).map(HookProbe)
    }

    /// Whether programs can be attached to a file; else the kernel's reason.
    pub fn takes(&mut self, file: &File) -> Result<(), KernelError> {
        let taken = self.0.attach(file, 0);
        self.0.detach();
        taken
    }
}

fn probe_now() -> Result<(), Unavailable> {
    let capabilities = effective_capabilities();
    let missing = capabilities.map(missing_capabilities).unwrap_or_default();
    if !missing.is_empty() {
        // Without CAP_PERFMON alone this small program would load, but not every compiled one: the verifier then
        // forbids pointer arithmetic that could leak addresses.
        return Err(no_permission(missing));
    }
    match run_probe_program() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unavailable::WrongResult),
        Err(error) => Err(explain(error, capabilities, kernel_release())),
    }
}

/// What an error of the probe means for a process that lacks none of its known capabilities.
fn explain(error: KernelError, capabilities: Option<u64>, release: Option<String>) -> Unavailable {
    match error.errno() {
        Some(libc::ENOSYS) => return Unavailable::NotCompiledIn,
        // With unknown capabilities the usual reason is the likely one.
        Some(libc::EPERM) if capabilities.is_none() => return no_permission(missing_capabilities(0)),
        Some(libc::EPERM) => return Unavailable::Forbidden,
        Some(libc::ENOMEM) => return Unavailable::Other(Arc::new(error)),
        _ => {}
    }
    match release {
        Some(release) if is_older(&release, KERNEL_MIN) => {
            Unavailable::KernelTooOld { release, cause: Arc::new(error) }
        }
        _ => Unavailable::Other(Arc::new(error)),
    }
}

fn no_permission(missing: Vec<&'static str>) -> Unavailable {
    let binary = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("weir"));
    Unavailable::NoPermission { missing, binary }
}

/// Whether a program with what all compiled ones need (a map value, a `may_goto` loop) runs and its result arrives.
fn run_probe_program() -> Result<bool, KernelError> {
    let mut machine = Machine::load(BackendKind::Stock, &probe_program())?;
    machine.run()?;
    Ok(machine.word(PROBE_OFFSET) == PROBE_ROUNDS as u64)
}

fn probe_hook_now() -> Result<(), Unavailable> {
    match run_hook_probe() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unavailable::WrongResult),
        Err(error @ KernelError::Load { .. }) if error.errno() == Some(libc::EINVAL) => {
            Err(Unavailable::NoHook(Arc::new(error)))
        }
        Err(error) => Err(Unavailable::Other(Arc::new(error))),
    }
}

/// Whether a read of a file in memory runs a program instead, which says that it took all bytes.
fn run_hook_probe() -> Result<bool, KernelError> {
    const BYTES: usize = 3;
    let mut machine = Machine::load(BackendKind::Hook, &hook_probe_program())?;
    let file =
        sys::memory_file(c"weir-probe", &[b'x'; BYTES]).map_err(|source| KernelError::Attach { source })?;
    machine.attach(&file, 0)?;
    let taken = machine.read(0, BYTES)?;
    Ok(taken == BYTES && machine.word(PROBE_OFFSET) == BYTES as u64)
}

/// Stores the length of the packet and takes it.
fn hook_probe_program() -> Program {
    let insn = |code, dst, src, off, imm| Insn { code, dst, src, off, imm };
    let insns = vec![
        // r1 = *(u64 *)(r1 + packet bytes)
        insn(0x79, 1, 1, Context::PacketBytes as i16, 0),
        // r2 = map[state][PROBE_OFFSET]
        insn(0x18, 2, 6, 0, Map::State as i32),
        insn(0x00, 0, 0, 0, PROBE_OFFSET as i32),
        // *(u64 *)(r2 + 0) = r1
        insn(0x7b, 2, 1, 0, 0),
        // r0 = PACKET_CONSUME; exit
        insn(0xb7, 0, 0, 0, PACKET_CONSUME as i32),
        insn(0x95, 0, 0, 0, 0),
    ];
    probe_program_of(insns)
}

const PROBE_OFFSET: usize = 64;
const PROBE_ROUNDS: i32 = 8;

/// Counts to [`PROBE_ROUNDS`] in a `may_goto` loop and stores the count.
fn probe_program() -> Program {
    let insn = |code, dst, src, off, imm| Insn { code, dst, src, off, imm };
    let insns = vec![
        // r1 = map[state][PROBE_OFFSET]
        insn(0x18, 1, 6, 0, Map::State as i32),
        insn(0x00, 0, 0, 0, PROBE_OFFSET as i32),
        // r2 = 0
        insn(0xb7, 2, 0, 0, 0),
        // loop: may_goto done
        insn(0xe5, 0, 0, 3, 0),
        // if r2 == PROBE_ROUNDS goto done
        insn(0x15, 2, 0, 2, PROBE_ROUNDS),
        // r2 += 1
        insn(0x07, 2, 0, 0, 1),
        // goto loop
        insn(0x05, 0, 0, -4, 0),
        // done: *(u64 *)(r1 + 0) = r2
        insn(0x7b, 1, 2, 0, 0),
        // r0 = 0; exit
        insn(0xb7, 0, 0, 0, 0),
        insn(0x95, 0, 0, 0, 0),
    ];
    probe_program_of(insns)
}

fn probe_program_of(insns: Vec<Insn>) -> Program {
    let layout = Layout {
        sizes: Sizes::default(),
        map_bytes: Map::ALL.map(|map| if map == Map::State { 4096 } else { 0 }),
        accumulators: 0,
        group_entry_bytes: 0,
    };
    Program { insns, layout, listing: String::new() }
}

/// Bit numbers of include/uapi/linux/capability.h.
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Those that loading takes and the set does not have. CAP_SYS_ADMIN stands for both (`bpf_capable` and
/// `perfmon_capable`, include/linux/capability.h).
fn missing_capabilities(effective: u64) -> Vec<&'static str> {
    let has = |capability: u32| effective >> capability & 1 == 1;
    if has(CAP_SYS_ADMIN) {
        return Vec::new();
    }
    let needed = [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")];
    needed.iter().filter(|(bit, _)| !has(*bit)).map(|(_, name)| *name).collect()
}

fn effective_capabilities() -> Option<u64> {
    parse_effective(&std::fs::read_to_string("/proc/thread-self/status").ok()?)
}

fn parse_effective(status: &str) -> Option<u64> {
    let digits = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(digits.trim(), 16).ok()
}

/// The running kernel's version, as `uname -r` prints it.
pub fn kernel_release() -> Option<String> {
    Some(std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?.trim().to_owned())
}

/// Whether a release such as "6.8.0-31-generic" is certainly before (major, minor).
pub fn is_older(release: &str, than: (u32, u32)) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn effective_capabilities_are_found() {
        let status = "Name:\tweir\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n";
        assert_eq!(parse_effective(status), Some(0x1ff_ffff_ffff));
        assert_eq!(parse_effective("CapEff:\tnothing\n"), None);
        assert_eq!(parse_effective(""), None);
        assert!(effective_capabilities().is_some());
    }

    #[test]
    fn missing_capabilities_are_named() {
        assert_eq!(missing_capabilities(0), ["CAP_BPF", "CAP_PERFMON"]);
        assert_eq!(missing_capabilities(1 << CAP_BPF), ["CAP_PERFMON"]);
        assert_eq!(missing_capabilities(1 << CAP_PERFMON), ["CAP_BPF"]);
        assert!(missing_capabilities(1 << CAP_PERFMON | 1 << CAP_BPF).is_empty());
        assert!(missing_capabilities(1 << CAP_SYS_ADMIN).is_empty());
        let both = Capabilities::from_bits(1 << CAP_PERFMON | 1 << CAP_BPF);
        assert_eq!(both.held(), ["CAP_BPF", "CAP_PERFMON"]);
        assert_eq!(Capabilities::from_bits(0).held(), [""; 0]);
    }

    #[test]
    fn releases_compare_by_number() {
        assert!(is_older("6.8.0-31-generic", (6, 9)));
        assert!(is_older("5.15.0", (6, 9)));
        assert!(!is_older("6.9-rc1", (6, 9)));
        assert!(!is_older("6.18.44", (6, 9)));
        assert!(!is_older("10.0", (6, 9)));
        assert!(!is_older("unknown", (6, 9)));
        assert!(!is_older("", (6, 9)));
    }

    #[test]
    fn every_refusal_is_explained() {
        let all = Some(u64::MAX);
        let explained = |errno, capabilities, release: &str| {
            let error = KernelError::Run { source: io::Error::from_raw_os_error(errno) };
            explain(error, capabilities, Some(release.to_owned()))
        };
        assert!(matches!(explained(libc::ENOSYS, all, "6.18"), Unavailable::NotCompiledIn));
        assert!(matches!(explained(libc::EPERM, all, "6.18"), Unavailable::Forbidden));
        assert!(matches!(explained(libc::EPERM, None, "6.18"), Unavailable::NoPermission { .. }));
        assert!(matches!(explained(libc::EINVAL, all, "6.8"), Unavailable::KernelTooOld { .. }));
        assert!(matches!(explained(libc::ENOMEM, all, "6.8"), Unavailable::Other(_)));
        assert!(matches!(explained(libc::EINVAL, all, "6.18"), Unavailable::Other(_)));
        let message = no_permission(vec!["CAP_BPF", "CAP_PERFMON"]).to_string();
        assert!(message.contains("CAP_BPF and CAP_PERFMON missing"), "{message}");
        assert!(message.contains("setcap cap_bpf,cap_perfmon+ep /"), "{message}");
    }
}
