//! What the operating system says about the hub's process.

use std::fs;

/// CPU time and memory of the hub's process; zeros where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// CPU time used, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory, in bytes.
    pub memory_rss: u64,
}

/// Clock ticks in a second and bytes in a page, as every Linux on the architectures we build for has them
/// (`sysconf(3)`: `_SC_CLK_TCK`, `_SC_PAGESIZE`).
const TICKS: f64 = 100.0;
const PAGE: u64 = 4096;

impl ProcessUsage {
    /// What is used now, from [`/proc/self/stat`](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
    pub fn now() -> ProcessUsage {
        fs::read_to_string("/proc/self/stat")
            .ok()
            .and_then(|stat| ProcessUsage::read(&stat))
            .unwrap_or_default()
    }

    fn read(stat: &str) -> Option<ProcessUsage> {
        // The second field is the program's name in brackets and may hold spaces; fields count from 1.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = field(14)? + field(15)?;
        Some(ProcessUsage {
            cpu_seconds: ticks as f64 / TICKS,
            memory_rss: field(24)? * PAGE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_moves_no_field() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 100 9000 25 18446744073709551615 1";
        assert_eq!(
            ProcessUsage::read(stat),
            Some(ProcessUsage {
                cpu_seconds: 3.0,
                memory_rss: 25 * 4096
            })
        );
        assert_eq!(ProcessUsage::read("nonsense"), None);
    }

    #[test]
    fn a_running_process_uses_memory() {
        assert!(ProcessUsage::now().memory_rss > 0);
    }
}
