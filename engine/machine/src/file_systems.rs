//! Which file systems have the read hook.

/// The file systems of disks and memory that the kernel patch gives the read hook.
pub const HOOK_FILE_SYSTEMS: &str = "ext4, XFS or tmpfs";

/// Whether the kernel patch gives it to a file system, by the name that mountinfo has for it. In a guest, 9p has it too.
pub fn may_have_hook(file_system: &str) -> bool {
    matches!(file_system, "ext4" | "xfs" | "tmpfs" | "9p")
}
