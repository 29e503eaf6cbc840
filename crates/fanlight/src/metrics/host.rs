//! What the machine uses, read from Linux's `/proc`. Elsewhere there is nothing to read, and no metrics.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/system/system-metrics/) of the names.

use std::path::Path;
use std::sync::Arc;

use super::meter::Meter;
use super::process::{TICKS_PER_SECOND, field, read};
use super::registry::Registry;

/// The columns of a processor's line in `stat`. What guests used, which follows, is part of `user` and `nice`.
const MODES: [&str; 8] = [
    "user",
    "nice",
    "system",
    "idle",
    "iowait",
    "interrupt",
    "softirq",
    "steal",
];

/// Measures the machine of a directory such as `/proc`.
pub(super) fn measure(registry: &Arc<Registry>, proc: &Path) {
    let meter = &Meter::new(registry, "fanlight.host");
    processors(meter, proc);
    memory(meter, proc);
    let net = proc.join("net/dev");
    meter
        .counter("system.network.io", "By")
        .build(move |observer| {
            for interface in interfaces(&read(&net)) {
                for (direction, bytes) in [
                    ("receive", interface.received),
                    ("transmit", interface.transmitted),
                ] {
                    let name = ("network.interface.name", interface.name);
                    observer.observe(bytes, (name, ("network.io.direction", direction)));
                }
            }
        });
}

fn processors(meter: &Meter, proc: &Path) {
    let stat = proc.join("stat");
    meter
        .counter("system.cpu.time", "s")
        .build(move |observer| {
            for (processor, ticks) in processor_times(&read(&stat)) {
                for (mode, ticks) in MODES.into_iter().zip(ticks) {
                    let number = ("cpu.logical_number", processor);
                    let seconds = ticks as f64 / TICKS_PER_SECOND;
                    observer.observe(seconds, (number, ("cpu.mode", mode)));
                }
            }
        });
    let stat = proc.join("stat");
    meter
        .up_down_counter("system.cpu.logical.count", "{cpu}")
        .build(move |observer| {
            let processors = processor_times(&read(&stat)).count();
            if processors > 0 {
                observer.observe(processors, ());
            }
        });
    let names = [
        "system.cpu.load_average.1m",
        "system.cpu.load_average.5m",
        "system.cpu.load_average.15m",
    ];
    for (column, name) in names.into_iter().enumerate() {
        let load = proc.join("loadavg");
        meter.gauge(name, "{thread}").build(move |observer| {
            let text = read(&load);
            let load = text.split_ascii_whitespace().nth(column);
            if let Some(load) = load.and_then(|load| load.parse::<f64>().ok()) {
                observer.observe(load, ());
            }
        });
    }
}

fn memory(meter: &Meter, proc: &Path) {
    let info = proc.join("meminfo");
    meter
        .up_down_counter("system.memory.usage", "By")
        .build(move |observer| {
            for (state, bytes) in memory_states(&read(&info)).into_iter().flatten() {
                observer.observe(bytes, [("system.memory.state", state)]);
            }
        });
    for (name, key) in [
        ("system.memory.limit", "MemTotal"),
        ("system.linux.memory.available", "MemAvailable"),
    ] {
        let info = proc.join("meminfo");
        meter.up_down_counter(name, "By").build(move |observer| {
            if let Some(kibibytes) = field(&read(&info), key) {
                observer.observe(kibibytes * 1024, ());
            }
        });
    }
    let info = proc.join("meminfo");
    meter
        .up_down_counter("system.paging.usage", "By")
        .build(move |observer| {
            let text = read(&info);
            let (Some(total), Some(free)) = (field(&text, "SwapTotal"), field(&text, "SwapFree"))
            else {
                return;
            };
            let used = total.saturating_sub(free) * 1024;
            observer.observe(used, [("system.paging.state", "used")]);
            observer.observe(free * 1024, [("system.paging.state", "free")]);
        });
}

/// The processors with their ticks in each mode.
fn processor_times(stat: &str) -> impl Iterator<Item = (u32, Vec<u64>)> + '_ {
    stat.lines().filter_map(|line| {
        let mut columns = line.strip_prefix("cpu")?.split(' ');
        // The line of all processors together has no number.
        let processor = columns.next()?.parse().ok()?;
        let ticks = columns.map_while(|ticks| ticks.parse().ok()).collect();
        Some((processor, ticks))
    })
}

/// The states of memory, in bytes; they add up to all of it.
fn memory_states(meminfo: &str) -> Option<[(&'static str, u64); 4]> {
    let bytes = |key| field(meminfo, key).map(|kibibytes| kibibytes * 1024);
    let (total, free) = (bytes("MemTotal")?, bytes("MemFree")?);
    let (buffers, cached) = (bytes("Buffers")?, bytes("Cached")?);
    let used = total.saturating_sub(free + buffers + cached);
    Some([
        ("used", used),
        ("free", free),
        ("buffers", buffers),
        ("cached", cached),
    ])
}

#[derive(Debug, PartialEq)]
struct Interface<'a> {
    name: &'a str,
    received: u64,
    transmitted: u64,
}

fn interfaces(dev: &str) -> impl Iterator<Item = Interface<'_>> {
    dev.lines().filter_map(|line| {
        let (name, columns) = line.split_once(':')?;
        let columns: Vec<u64> = columns
            .split_ascii_whitespace()
            .map_while(|column| column.parse().ok())
            .collect();
        Some(Interface {
            name: name.trim(),
            received: *columns.first()?,
            transmitted: *columns.get(8)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_has_its_times() {
        let stat =
            "cpu  30 0 0 0\ncpu0 10 1 2 300 4 5 6 7 0 0\ncpu1 20 1 2 300 4 5 6 7 0 0\nintr 5\n";
        let times: Vec<_> = processor_times(stat).collect();
        assert_eq!(times.len(), 2);
        assert_eq!(times[1], (1, vec![20, 1, 2, 300, 4, 5, 6, 7, 0, 0]));
    }

    #[test]
    fn states_of_memory_add_up() {
        let info =
            "MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 60 kB\nBuffers: 5 kB\nCached: 25 kB\n";
        let states = memory_states(info).unwrap();
        assert_eq!(states[0], ("used", 60 * 1024));
        assert_eq!(
            states.iter().map(|(_, bytes)| bytes).sum::<u64>(),
            100 * 1024
        );
        assert_eq!(memory_states(""), None);
    }

    #[test]
    fn interfaces_have_both_directions() {
        let dev = "Inter-|   Receive\n face |bytes\n    lo: 11 1 0 0 0 0 0 0 22 1 0 0 0 0 0 0\n  eth0:33 1 0 0 0 0 0 0 44 1 0 0 0 0 0 0\n";
        let found: Vec<_> = interfaces(dev).collect();
        let eth0 = Interface {
            name: "eth0",
            received: 33,
            transmitted: 44,
        };
        assert_eq!((found.len(), &found[1]), (2, &eth0));
    }
}
