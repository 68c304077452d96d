//! What the kernel says about itself and this process. Everything is read once, and may be unknown.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use engine::machine::{Capabilities, Unavailable, kernel_release, probe, probe_hook};

/// A larger file is no kernel configuration.
const CONFIGURATION_BYTES_MAX: u64 = 4 << 20;

/// Facts; the checks draw the conclusions.
pub struct Host {
    pub release: Option<String>,
    pub capabilities: Option<Capabilities>,
    pub stock: Result<(), Unavailable>,
    pub hook: Result<(), Unavailable>,
    /// `net.core.bpf_jit_enable`.
    pub jit: Option<String>,
    /// `net.core.bpf_jit_harden`, for root only.
    pub jit_harden: Option<String>,
    /// `kernel.unprivileged_bpf_disabled`.
    pub unprivileged_disabled: Option<String>,
    /// "none", "integrity" or "confidentiality".
    pub lockdown: Option<String>,
    /// File capabilities do not work in a process that gave up new privileges, as containers set it.
    pub no_new_privileges: bool,
    pub is_root: bool,
    /// In a user namespace, capabilities do not count for bpf(2).
    pub in_user_namespace: bool,
    /// The soft limit of locked memory, as /proc/self/limits prints it.
    pub locked_memory: Option<String>,
    pub configuration: Option<Configuration>,
    pub processors: usize,
    pub memory_bytes: Option<u64>,
    pub binary: PathBuf,
    /// The mount of the binary, if file capabilities do not work there.
    pub binary_nosuid: Option<PathBuf>,
}

/// The options that the kernel was built with.
pub struct Configuration {
    pub path: PathBuf,
    text: String,
}

impl Configuration {
    pub fn has(&self, option: &str) -> bool {
        let set = format!("{option}=y");
        self.text.lines().any(|line| line == set)
    }

    #[cfg(test)]
    pub fn of_text(text: &str) -> Configuration {
        Configuration { path: "/proc/config.gz".into(), text: text.to_owned() }
    }
}

impl Host {
    pub fn look() -> Host {
        let release = kernel_release();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let binary = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("weir"));
        Host {
            capabilities: Capabilities::of_process(),
            stock: probe(),
            hook: probe_hook(),
            jit: word("/proc/sys/net/core/bpf_jit_enable"),
            jit_harden: word("/proc/sys/net/core/bpf_jit_harden"),
            unprivileged_disabled: word("/proc/sys/kernel/unprivileged_bpf_disabled"),
            lockdown: word("/sys/kernel/security/lockdown").as_deref().and_then(chosen),
            no_new_privileges: field(&status, "NoNewPrivs:").is_some_and(|value| value == "1"),
            is_root: field(&status, "Uid:").is_some_and(|uids| uids.split_whitespace().nth(1) == Some("0")),
            in_user_namespace: fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| is_partial(&map)),
            locked_memory: locked_memory(&limits),
            configuration: release.as_deref().and_then(configuration),
            processors: std::thread::available_parallelism().map_or(1, |count| count.get()),
            memory_bytes: fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(memory_bytes),
            binary_nosuid: Mounts::read().and_then(|mounts| {
                mounts.of(&binary).filter(|mount| mount.is_nosuid).map(|mount| mount.path.clone())
            }),
            binary,
            release,
        }
    }
}

fn word(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The value of a line of /proc/self/status.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The word in brackets of "none [integrity] confidentiality".
fn chosen(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

/// The initial namespace maps all users to themselves.
fn is_partial(uid_map: &str) -> bool {
    uid_map.split_whitespace().ne(["0", "0", "4294967295"])
}

fn locked_memory(limits: &str) -> Option<String> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"))?;
    Some(line.split_whitespace().next()?.to_owned())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Where distributions leave the configuration of the running kernel.
fn configuration(release: &str) -> Option<Configuration> {
    let paths = [
        PathBuf::from("/proc/config.gz"),
        PathBuf::from(format!("/boot/config-{release}")),
        PathBuf::from(format!("/lib/modules/{release}/config")),
    ];
    paths.into_iter().find_map(|path| {
        let text = read_configuration(&path).ok()?;
        Some(Configuration { path, text })
    })
}

fn read_configuration(path: &Path) -> io::Result<String> {
    let is_compressed = path.extension().is_some_and(|ending| ending == "gz");
    let compression =
        if is_compressed { FileCompressionType::GZIP } else { FileCompressionType::UNCOMPRESSED };
    let reader = compression.convert_read(File::open(path)?).map_err(io::Error::other)?;
    let mut text = String::new();
    reader.take(CONFIGURATION_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// One mounted file system.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    pub path: PathBuf,
    /// "ext4", "overlay", ...
    pub kind: String,
    pub is_nosuid: bool,
}

/// All file systems, in the order in which they were mounted.
pub struct Mounts(Vec<Mount>);

impl Mounts {
    pub fn read() -> Option<Mounts> {
        Some(Mounts::parse(&fs::read_to_string("/proc/self/mountinfo").ok()?))
    }

    /// Lines such as "36 35 98:0 / /mnt rw,nosuid shared:1 - ext4 /dev/sda rw" (proc_pid_mountinfo(5)).
    fn parse(text: &str) -> Mounts {
        let mount = |line: &str| {
            let (place, kind) = line.split_once(" - ")?;
            let mut place = place.split(' ').skip(4);
            let (path, options) = (place.next()?, place.next()?);
            Some(Mount {
                path: PathBuf::from(unescaped(path)),
                kind: kind.split(' ').next()?.to_owned(),
                is_nosuid: options.split(',').any(|option| option == "nosuid"),
            })
        };
        Mounts(text.lines().filter_map(mount).collect())
    }

    /// The one that an absolute path without links lies on: the deepest, and of several at one place the last.
    pub fn of(&self, path: &Path) -> Option<&Mount> {
        let over = self.0.iter().filter(|mount| path.starts_with(&mount.path));
        over.max_by_key(|mount| mount.path.components().count())
    }
}

/// Blanks are written as "\040".
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc() {
        assert_eq!(chosen("none [integrity] confidentiality").unwrap(), "integrity");
        assert_eq!(chosen("none"), None);
        assert!(!is_partial("         0          0 4294967295\n"));
        assert!(is_partial("         0       1000          1\n"));
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         8388608              unlimited            bytes\n";
        assert_eq!(locked_memory(limits).unwrap(), "8388608");
        assert_eq!(locked_memory(""), None);
        assert_eq!(memory_bytes("MemTotal:       49368168 kB\n"), Some(49_368_168 * 1024));
        assert_eq!(memory_bytes("MemTotal: much"), None);
        assert_eq!(field("Uid:\t1000\t0\t0\t0\nNoNewPrivs:\t1\n", "NoNewPrivs:"), Some("1"));
    }

    #[test]
    fn the_deepest_and_last_mount_counts() {
        let mounts = Mounts::parse(
            "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
             2 1 0:2 / /tmp rw,nosuid - tmpfs tmpfs rw\n\
             3 1 0:3 / /mnt/a\\040b rw - xfs /dev/sdb rw\n\
             4 1 0:4 / /tmp rw - overlay overlay rw\n\
             broken\n",
        );
        let kind = |path: &str| mounts.of(Path::new(path)).map(|mount| mount.kind.as_str());
        assert_eq!(kind("/srv/x.csv"), Some("ext4"));
        assert_eq!(kind("/tmp/x.csv"), Some("overlay"));
        assert_eq!(kind("/tmpx/x.csv"), Some("ext4"));
        assert_eq!(kind("/mnt/a b/x.csv"), Some("xfs"));
        assert_eq!(kind("relative"), None);
    }

    #[test]
    fn options_are_whole_lines() {
        let configuration =
            Configuration::of_text("CONFIG_BPF_SYSCALL=y\n# CONFIG_BPF_JIT is not set\nCONFIG_X=m\n");
        assert!(configuration.has("CONFIG_BPF_SYSCALL"));
        assert!(!configuration.has("CONFIG_BPF"));
        assert!(!configuration.has("CONFIG_BPF_JIT"));
        assert!(!configuration.has("CONFIG_X"));
    }
}
