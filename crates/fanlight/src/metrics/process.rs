//! What the process itself uses, read from Linux's `/proc/self`. Elsewhere there is nothing to read, and no metrics.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/system/process-metrics/) of the names.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::meter::Meter;
use super::registry::Registry;

/// What the kernel counts processor time in, for all programs: a hundredth of a second.
pub(super) const TICKS_PER_SECOND: f64 = 100.0;

/// Measures the process of a directory such as `/proc/self`.
pub(super) fn measure(registry: &Arc<Registry>, process: &Path) {
    let meter = &Meter::new(registry, "fanlight.process");
    processor(meter, process);
    memory(meter, process);
    counts(meter, process);
    let (stat, uptime) = (process.join("stat"), process.join("../uptime"));
    meter.gauge("process.uptime", "s").build(move |observer| {
        let (text, uptime) = (read(&stat), read(&uptime));
        let machine = uptime.split_ascii_whitespace().next();
        let machine = machine.and_then(|seconds| seconds.parse::<f64>().ok());
        if let Some((stat, machine)) = Stat::parse(&text).zip(machine) {
            observer.observe((machine - stat.start_seconds).max(0.0), ());
        }
    });
}

fn processor(meter: &Meter, process: &Path) {
    let stat = process.join("stat");
    meter
        .counter("process.cpu.time", "s")
        .build(move |observer| {
            let text = read(&stat);
            let Some(stat) = Stat::parse(&text) else {
                return;
            };
            observer.observe(stat.user_seconds, [("cpu.mode", "user")]);
            observer.observe(stat.system_seconds, [("cpu.mode", "system")]);
        });
    let stat = process.join("stat");
    meter
        .counter("process.paging.faults", "{fault}")
        .build(move |observer| {
            let text = read(&stat);
            let Some(stat) = Stat::parse(&text) else {
                return;
            };
            observer.observe(stat.minor_faults, [("process.paging.fault_type", "minor")]);
            observer.observe(stat.major_faults, [("process.paging.fault_type", "major")]);
        });
}

fn memory(meter: &Meter, process: &Path) {
    for (name, key) in [
        ("process.memory.usage", "VmRSS"),
        ("process.memory.virtual", "VmSize"),
    ] {
        let status = process.join("status");
        meter.up_down_counter(name, "By").build(move |observer| {
            if let Some(kibibytes) = field(&read(&status), key) {
                observer.observe(kibibytes * 1024, ());
            }
        });
    }
}

fn counts(meter: &Meter, process: &Path) {
    let status = process.join("status");
    meter
        .up_down_counter("process.thread.count", "{thread}")
        .build(move |observer| {
            if let Some(threads) = field(&read(&status), "Threads") {
                observer.observe(threads, ());
            }
        });
    let files = process.join("fd");
    let name = "process.open_file_descriptor.count";
    meter
        .up_down_counter(name, "{file_descriptor}")
        .build(move |observer| {
            if let Ok(files) = fs::read_dir(&files) {
                observer.observe(files.count(), ());
            }
        });
    let status = process.join("status");
    meter
        .counter("process.context_switches", "{context_switch}")
        .build(move |observer| {
            let text = read(&status);
            for kind in ["voluntary", "involuntary"] {
                let key = match kind {
                    "voluntary" => "voluntary_ctxt_switches",
                    _ => "nonvoluntary_ctxt_switches",
                };
                if let Some(switches) = field(&text, key) {
                    observer.observe(switches, [("process.context_switch_type", kind)]);
                }
            }
        });
    let io = process.join("io");
    meter
        .counter("process.disk.io", "By")
        .build(move |observer| {
            let text = read(&io);
            for (key, direction) in [("read_bytes", "read"), ("write_bytes", "write")] {
                if let Some(bytes) = field(&text, key) {
                    observer.observe(bytes, [("disk.io.direction", direction)]);
                }
            }
        });
}

/// Part of what `stat` tells.
#[derive(Debug, PartialEq)]
struct Stat {
    minor_faults: u64,
    major_faults: u64,
    user_seconds: f64,
    system_seconds: f64,
    /// After the start of the machine.
    start_seconds: f64,
}

impl Stat {
    /// The name of the program may hold anything, so counting begins behind its last parenthesis.
    fn parse(text: &str) -> Option<Stat> {
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Stat {
            minor_faults: number(7)?,
            major_faults: number(9)?,
            user_seconds: number(11)? as f64 / TICKS_PER_SECOND,
            system_seconds: number(12)? as f64 / TICKS_PER_SECOND,
            start_seconds: number(19)? as f64 / TICKS_PER_SECOND,
        })
    }
}

/// A file that can't be read has nothing to tell: another system, another kernel, or no right to.
pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The number of a line such as `VmRSS:  1234 kB`.
pub(super) fn field(text: &str, key: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_whatever_the_program_is_called() {
        let text = "4242 (a ) R (b) S 1 4242 4242 0 -1 4194560 1500 0 7 0 250 50 0 0 20 0 4 0 100 1000000 500";
        let stat = Stat {
            minor_faults: 1500,
            major_faults: 7,
            user_seconds: 2.5,
            system_seconds: 0.5,
            start_seconds: 1.0,
        };
        assert_eq!(Stat::parse(text), Some(stat));
        assert_eq!(Stat::parse(""), None);
        assert_eq!(Stat::parse("1 (x) S 1"), None);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "VmSize:\t  100 kB\nVmRSS:\t   42 kB\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(field(text, "VmRSS"), Some(42));
        assert_eq!(field(text, "Vm"), None);
        assert_eq!(field(text, "voluntary_ctxt_switches"), None);
    }
}
