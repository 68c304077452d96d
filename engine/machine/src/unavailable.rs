//! Why the kernel cannot be used, in words for the person who can do something about it.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::KernelError;
use crate::capabilities::Capabilities;
use crate::release::{KERNEL_MIN, is_older};

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
    #[error("the kernel {release} is too old ({cause}); use Linux {}.{} or later", KERNEL_MIN.0, KERNEL_MIN.1)]
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

/// What an error of the probe means for a process that lacks none of its known capabilities.
pub(crate) fn explain(
    error: KernelError,
    capabilities: Option<Capabilities>,
    release: Option<String>,
) -> Unavailable {
    match error.errno() {
        Some(libc::ENOSYS) => return Unavailable::NotCompiledIn,
        // With unknown capabilities the usual reason is the likely one.
        Some(libc::EPERM) if capabilities.is_none() => {
            return no_permission(Capabilities::from_bits(0).missing());
        }
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

/// The process lacks these.
pub(crate) fn no_permission(missing: Vec<&'static str>) -> Unavailable {
    let binary = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("weir"));
    Unavailable::NoPermission { missing, binary }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn every_refusal_is_explained() {
        let all = Some(Capabilities::from_bits(u64::MAX));
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
