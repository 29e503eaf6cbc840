//! How much memory there is, and how much the hub uses. Linux only.

use std::fs;

/// The process's resident memory in bytes.
pub(super) fn resident() -> Option<u64> {
    // Not `statm`, which counts pages of a size that it doesn't tell.
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The memory of the machine in bytes, or what the control group may use of it.
pub(super) fn total() -> Option<u64> {
    let machine = kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limit = limits
        .iter()
        .find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    Some(limit.map_or(machine, |limit: u64| limit.min(machine)))
}

/// The bytes that a line such as `MemTotal:  16384 kB` tells.
fn kibibytes(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
