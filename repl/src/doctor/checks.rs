//! From facts about the host to findings. What bpf(2) did decides; the rest explains it.

use engine::machine::{KERNEL_MIN, Unavailable, is_older};

use super::finding::Finding;
use super::host::Host;

/// All checks, what everything else needs first.
pub fn all(host: &Host) -> Vec<Finding> {
    let mut findings = vec![kernel(host)];
    findings.extend(configuration(host));
    findings.extend(capabilities(host));
    findings.push(syscall(host));
    findings.extend(jit(host));
    findings.push(hook(host));
    findings.extend(memory(host));
    findings.push(backend(host));
    findings
}

fn kernel(host: &Host) -> Finding {
    let (major, minor) = KERNEL_MIN;
    match &host.release {
        None => {
            Finding::note(format!("the version of the kernel is unknown; {major}.{minor} or newer is needed"))
        }
        Some(release) if is_older(release, KERNEL_MIN) && host.stock.is_err() => {
            Finding::missing(format!("kernel {release} is too old: {major}.{minor} or newer is needed"))
                .fix("install a newer kernel with your distribution's package manager, and boot it")
        }
        Some(release) => Finding::ok(format!("kernel {release} ({major}.{minor} or newer is needed)")),
    }
}

/// Only what is wrong is worth a line: if programs run, the options are right.
fn configuration(host: &Host) -> Vec<Finding> {
    let Some(configuration) = &host.configuration else {
        return match host.stock {
            Ok(()) => Vec::new(),
            Err(_) => vec![Finding::note("the kernel's configuration cannot be read; that is not needed")],
        };
    };
    let needed = ["CONFIG_BPF_SYSCALL", "CONFIG_BPF_JIT"];
    let missing: Vec<&str> = needed.into_iter().filter(|option| !configuration.has(option)).collect();
    if missing.is_empty() {
        return vec![Finding::ok(format!(
            "kernel configuration ({}): {}; BTF is not needed",
            configuration.path.display(),
            needed.join(", ")
        ))];
    }
    vec![
        Finding::missing(format!("the kernel was built without {}", missing.join(" and ")))
            .fix("use a kernel of your distribution, or build yours with these options"),
    ]
}

fn capabilities(host: &Host) -> Vec<Finding> {
    let Some(capabilities) = host.capabilities else {
        return vec![Finding::note("the capabilities of this process are unknown (is /proc mounted?)")];
    };
    let missing = capabilities.missing();
    if missing.is_empty() {
        let root = if host.is_root { " (root)" } else { "" };
        return vec![Finding::ok(format!("capabilities {}{root}", capabilities.held().join(", ")))];
    }
    let mut findings = Vec::new();
    let setcap = format!("sudo setcap cap_bpf,cap_perfmon+ep {}", quoted(&host.binary.display().to_string()));
    let lacking = format!("{}: without them no program can be loaded", missing.join(" and "));
    findings.push(Finding::missing(lacking).fix(setcap));
    if host.is_root {
        findings.push(
            Finding::missing(
                "this is root without capabilities, as in a container: the container must be given them",
            )
            .fix("docker run --cap-add BPF --cap-add PERFMON ..."),
        );
    }
    if host.no_new_privileges {
        findings.push(Finding::missing(
            "this process may not gain privileges (NoNewPrivs): setcap has no effect in it; start weir elsewhere",
        ));
    }
    if let Some(mount) = &host.binary_nosuid {
        let elsewhere = "/usr/local/bin/weir";
        findings.push(
            Finding::missing(format!("{} is mounted nosuid: setcap has no effect there", mount.display()))
                .fix(format!(
                    "sudo install {} {elsewhere}\nsudo setcap cap_bpf,cap_perfmon+ep {elsewhere}",
                    quoted(&host.binary.display().to_string())
                )),
        );
    }
    findings
}

fn syscall(host: &Host) -> Finding {
    let mut finding = match &host.stock {
        Ok(()) => return Finding::ok("bpf(2): a program was loaded and run, and its result arrived"),
        Err(Unavailable::NoPermission { .. }) => {
            return Finding::note("bpf(2) was not tried: the capabilities come first");
        }
        Err(unavailable) => Finding::missing(format!("bpf(2): {unavailable}")),
    };
    if host.in_user_namespace {
        finding
            .text
            .push_str("; this process is in a user namespace, where capabilities do not count for it");
        finding = finding.fix("run weir outside of it: rootless containers and unshare --user make one");
    }
    if let Some(lockdown) = host.lockdown.as_deref().filter(|mode| *mode != "none") {
        finding.text.push_str(&format!("; the kernel is locked down ({lockdown})"));
    }
    if let Some(disabled) = host.unprivileged_disabled.as_deref() {
        // It is the usual setting, and often suspected.
        finding
            .text
            .push_str(&format!("; kernel.unprivileged_bpf_disabled is {disabled}, which is not the reason"));
    }
    finding
}

fn jit(host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    match host.jit.as_deref() {
        Some("1") => {
            findings.push(Finding::ok("programs are compiled to machine code (net.core.bpf_jit_enable is 1)"))
        }
        Some("2") => findings.push(
            Finding::note(
                "each program's machine code goes to the kernel log (net.core.bpf_jit_enable is 2)",
            )
            .fix("sudo sysctl net.core.bpf_jit_enable=1"),
        ),
        Some(_) => findings.push(
            Finding::missing(
                "the kernel interprets programs, several times slower (net.core.bpf_jit_enable is 0)",
            )
            .fix("sudo sysctl net.core.bpf_jit_enable=1"),
        ),
        // It is not shown outside of the initial network namespace.
        None => {
            findings.push(Finding::note("whether programs are compiled to machine code cannot be told here"))
        }
    }
    if host.jit_harden.as_deref() == Some("2") {
        findings.push(
            Finding::note("constants in programs are blinded for everyone, which costs time (net.core.bpf_jit_harden is 2)")
                .fix("sudo sysctl net.core.bpf_jit_harden=1"),
        );
    }
    findings
}

fn hook(host: &Host) -> Finding {
    match (&host.stock, &host.hook) {
        (_, Ok(())) => Finding::ok("the kernel has the read hook: files are filtered in place, without a copy"),
        (Ok(()), Err(Unavailable::NoHook(_))) => {
            Finding::note("this kernel has no read hook: files are copied once, into the window of the program")
                .fix("kernel-patch/scripts/build    # a kernel with the hook\nkernel-patch/scripts/vm       # try it in a guest, without a reboot")
        }
        (Ok(()), Err(unavailable)) => Finding::note(format!("read hook: {unavailable}")),
        (Err(_), _) => Finding::note("read hook: not tried, since no program can be loaded"),
    }
}

fn memory(host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(limit) = &host.locked_memory {
        let limit = match limit.parse::<u64>() {
            Ok(bytes) => format!("{} KiB", bytes / 1024),
            Err(_) => limit.clone(),
        };
        findings.push(Finding::ok(format!(
            "memory lock limit {limit}: of no matter, maps are charged to the control group since Linux 5.11"
        )));
    }
    let memory =
        host.memory_bytes.map(|bytes| format!(", {:.1} GiB of memory", bytes as f64 / f64::from(1 << 30)));
    findings.push(Finding::ok(format!(
        "{} processor{}{}: a query takes as many threads (--threads N takes others)",
        host.processors,
        if host.processors == 1 { "" } else { "s" },
        memory.unwrap_or_default()
    )));
    findings
}

fn backend(host: &Host) -> Finding {
    match (&host.stock, &host.hook) {
        (Ok(()), Ok(())) => {
            Finding::ok("--backend auto takes hook, and stock for files that the hook does not take")
        }
        (Ok(()), Err(_)) => Finding::ok("--backend auto takes stock: queries run in the kernel"),
        (Err(_), _) => Finding::missing(
            "no backend can run in this kernel: queries run in DataFusion, with the same answers",
        ),
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    shell_words::quote(path).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::machine::{Capabilities, KernelError};

    use super::super::finding::text;
    use super::super::host::Configuration;
    use super::*;

    /// A usual host: programs run, there is no hook.
    fn host() -> Host {
        let no_hook = || KernelError::Run { source: std::io::Error::from_raw_os_error(22) };
        Host {
            release: Some("6.18.44".into()),
            capabilities: Some(Capabilities::from_bits(0b11 << 38)),
            stock: Ok(()),
            hook: Err(Unavailable::NoHook(Arc::new(no_hook()))),
            jit: Some("1".into()),
            jit_harden: None,
            unprivileged_disabled: Some("2".into()),
            lockdown: None,
            no_new_privileges: false,
            is_root: false,
            in_user_namespace: false,
            locked_memory: Some("8388608".into()),
            configuration: Some(Configuration::of_text("CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\n")),
            processors: 8,
            memory_bytes: Some(16 << 30),
            binary: "/opt/my bin/weir".into(),
            binary_nosuid: None,
        }
    }

    fn report(host: &Host) -> String {
        text(&all(host), false)
    }

    #[test]
    fn a_host_without_the_hook() {
        insta::assert_snapshot!(report(&host()), @r"
        ok      kernel 6.18.44 (6.9 or newer is needed)
        ok      kernel configuration (/proc/config.gz): CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT; BTF is not needed
        ok      capabilities CAP_BPF, CAP_PERFMON
        ok      bpf(2): a program was loaded and run, and its result arrived
        ok      programs are compiled to machine code (net.core.bpf_jit_enable is 1)
        note    this kernel has no read hook: files are copied once, into the window of the program
                  kernel-patch/scripts/build    # a kernel with the hook
                  kernel-patch/scripts/vm       # try it in a guest, without a reboot
        ok      memory lock limit 8192 KiB: of no matter, maps are charged to the control group since Linux 5.11
        ok      8 processors, 16.0 GiB of memory: a query takes as many threads (--threads N takes others)
        ok      --backend auto takes stock: queries run in the kernel
        ");
    }

    #[test]
    fn a_host_with_the_hook() {
        let host = Host { hook: Ok(()), is_root: true, processors: 1, ..host() };
        insta::assert_snapshot!(report(&host), @r"
        ok      kernel 6.18.44 (6.9 or newer is needed)
        ok      kernel configuration (/proc/config.gz): CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT; BTF is not needed
        ok      capabilities CAP_BPF, CAP_PERFMON (root)
        ok      bpf(2): a program was loaded and run, and its result arrived
        ok      programs are compiled to machine code (net.core.bpf_jit_enable is 1)
        ok      the kernel has the read hook: files are filtered in place, without a copy
        ok      memory lock limit 8192 KiB: of no matter, maps are charged to the control group since Linux 5.11
        ok      1 processor, 16.0 GiB of memory: a query takes as many threads (--threads N takes others)
        ok      --backend auto takes hook, and stock for files that the hook does not take
        ");
    }

    #[test]
    fn without_capabilities() {
        let missing =
            || Unavailable::NoPermission { missing: vec!["CAP_BPF", "CAP_PERFMON"], binary: "weir".into() };
        let host = Host {
            capabilities: Some(Capabilities::from_bits(0)),
            stock: Err(missing()),
            hook: Err(missing()),
            configuration: None,
            no_new_privileges: true,
            binary_nosuid: Some("/opt".into()),
            is_root: true,
            ..host()
        };
        insta::assert_snapshot!(report(&host), @r"
        ok      kernel 6.18.44 (6.9 or newer is needed)
        note    the kernel's configuration cannot be read; that is not needed
        missing CAP_BPF and CAP_PERFMON: without them no program can be loaded
                  sudo setcap cap_bpf,cap_perfmon+ep '/opt/my bin/weir'
        missing this is root without capabilities, as in a container: the container must be given them
                  docker run --cap-add BPF --cap-add PERFMON ...
        missing this process may not gain privileges (NoNewPrivs): setcap has no effect in it; start weir elsewhere
        missing /opt is mounted nosuid: setcap has no effect there
                  sudo install '/opt/my bin/weir' /usr/local/bin/weir
                  sudo setcap cap_bpf,cap_perfmon+ep /usr/local/bin/weir
        note    bpf(2) was not tried: the capabilities come first
        ok      programs are compiled to machine code (net.core.bpf_jit_enable is 1)
        note    read hook: not tried, since no program can be loaded
        ok      memory lock limit 8192 KiB: of no matter, maps are charged to the control group since Linux 5.11
        ok      8 processors, 16.0 GiB of memory: a query takes as many threads (--threads N takes others)
        missing no backend can run in this kernel: queries run in DataFusion, with the same answers
        ");
    }

    #[test]
    fn refused_by_a_container() {
        let host = Host {
            stock: Err(Unavailable::Forbidden),
            hook: Err(Unavailable::Forbidden),
            in_user_namespace: true,
            lockdown: Some("integrity".into()),
            ..host()
        };
        insta::assert_snapshot!(report(&host), @r"
        ok      kernel 6.18.44 (6.9 or newer is needed)
        ok      kernel configuration (/proc/config.gz): CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT; BTF is not needed
        ok      capabilities CAP_BPF, CAP_PERFMON
        missing bpf(2): bpf(2) is refused although this process has CAP_BPF and CAP_PERFMON: allow it in the container's settings or seccomp profile, and run in the initial user namespace and without kernel lockdown; this process is in a user namespace, where capabilities do not count for it; the kernel is locked down (integrity); kernel.unprivileged_bpf_disabled is 2, which is not the reason
                  run weir outside of it: rootless containers and unshare --user make one
        ok      programs are compiled to machine code (net.core.bpf_jit_enable is 1)
        note    read hook: not tried, since no program can be loaded
        ok      memory lock limit 8192 KiB: of no matter, maps are charged to the control group since Linux 5.11
        ok      8 processors, 16.0 GiB of memory: a query takes as many threads (--threads N takes others)
        missing no backend can run in this kernel: queries run in DataFusion, with the same answers
        ");
    }

    #[test]
    fn an_old_kernel_with_odd_settings() {
        let host = Host {
            release: Some("5.15.0-91-generic".into()),
            stock: Err(Unavailable::NotCompiledIn),
            hook: Err(Unavailable::NotCompiledIn),
            jit: Some("0".into()),
            jit_harden: Some("2".into()),
            locked_memory: Some("unlimited".into()),
            configuration: Some(Configuration::of_text("CONFIG_BPF_JIT=y\n")),
            unprivileged_disabled: None,
            memory_bytes: None,
            ..host()
        };
        insta::assert_snapshot!(report(&host), @r"
        missing kernel 5.15.0-91-generic is too old: 6.9 or newer is needed
                  install a newer kernel with your distribution's package manager, and boot it
        missing the kernel was built without CONFIG_BPF_SYSCALL
                  use a kernel of your distribution, or build yours with these options
        ok      capabilities CAP_BPF, CAP_PERFMON
        missing bpf(2): there is no bpf(2) here: use a kernel built with CONFIG_BPF_SYSCALL=y, outside of sandboxes that hide it
        missing the kernel interprets programs, several times slower (net.core.bpf_jit_enable is 0)
                  sudo sysctl net.core.bpf_jit_enable=1
        note    constants in programs are blinded for everyone, which costs time (net.core.bpf_jit_harden is 2)
                  sudo sysctl net.core.bpf_jit_harden=1
        note    read hook: not tried, since no program can be loaded
        ok      memory lock limit unlimited: of no matter, maps are charged to the control group since Linux 5.11
        ok      8 processors: a query takes as many threads (--threads N takes others)
        missing no backend can run in this kernel: queries run in DataFusion, with the same answers
        ");
    }

    #[test]
    fn what_is_unknown_is_said_to_be() {
        let host = Host {
            release: None,
            capabilities: None,
            jit: None,
            locked_memory: None,
            configuration: None,
            memory_bytes: None,
            ..host()
        };
        insta::assert_snapshot!(report(&host), @r"
        note    the version of the kernel is unknown; 6.9 or newer is needed
        note    the capabilities of this process are unknown (is /proc mounted?)
        ok      bpf(2): a program was loaded and run, and its result arrived
        note    whether programs are compiled to machine code cannot be told here
        note    this kernel has no read hook: files are copied once, into the window of the program
                  kernel-patch/scripts/build    # a kernel with the hook
                  kernel-patch/scripts/vm       # try it in a guest, without a reboot
        ok      8 processors: a query takes as many threads (--threads N takes others)
        ok      --backend auto takes stock: queries run in the kernel
        ");
    }
}
