//! What this process is allowed to do, as far as it matters to loading programs.

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

#[cfg(test)]
mod tests {
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
}
