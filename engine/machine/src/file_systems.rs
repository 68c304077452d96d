//! Which file systems have the read hook.

/// The file systems of disks and memory that the kernel patch gives the read hook, by the names that mountinfo has for them.
const HOOK_FILE_SYSTEMS: [&str; 3] = ["ext4", "xfs", "tmpfs"];

/// The same for people: `ext4, xfs or tmpfs`.
pub fn hook_file_systems() -> String {
    let [others @ .., last] = HOOK_FILE_SYSTEMS;
    format!("{} or {last}", others.join(", "))
}

/// Whether the kernel patch gives it to a file system. In a guest, 9p has it too.
pub fn may_have_hook(file_system: &str) -> bool {
    HOOK_FILE_SYSTEMS.contains(&file_system) || file_system == "9p"
}
