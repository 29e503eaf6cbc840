//! The table of a benchmark: medians, and ratios to the peers.

use super::forward::Measurement;
use super::peers::System;

/// Prints one table for each transport and compression.
pub(super) fn print(measurements: &[Measurement]) {
    let mut axes: Vec<(&str, &str)> = measurements
        .iter()
        .map(|one| (one.transport, one.compression))
        .collect();
    axes.dedup();
    for (transport, compression) in axes {
        let here: Vec<&Measurement> = measurements
            .iter()
            .filter(|one| one.transport == transport && one.compression == compression)
            .collect();
        println!(
            "\nOTLP/{transport} in and out, compression {compression}; median of rounds, (fanlight's share of the peer's)"
        );
        println!(
            "{:<10}{:>26}{:>20}{:>20}{:>20}{:>8}{:>9}",
            "", "spans per CPU-second", "peak MiB", "p50 ms", "p99 ms", "lost", "refused"
        );
        for system in System::ALL {
            print_row(system.name(), &here);
        }
    }
}

fn print_row(system: &str, measurements: &[&Measurement]) {
    let own: Vec<&&Measurement> = measurements
        .iter()
        .filter(|one| one.system == system)
        .collect();
    if own.is_empty() {
        return;
    }
    let figure = |of: fn(&Measurement) -> f64, digits: usize| {
        let value = median(own.iter().map(|one| of(one)));
        let hub = median(
            measurements
                .iter()
                .filter(|one| one.system == System::Fanlight.name())
                .map(|one| of(one)),
        );
        match system == System::Fanlight.name() || !hub.is_finite() || value <= 0.0 {
            true => format!("{value:.digits$}        "),
            false => format!("{value:.digits$} ({:>5.2})", hub / value),
        }
    };
    let total = |of: fn(&Measurement) -> u64| own.iter().map(|one| of(one)).sum::<u64>();
    println!(
        "{system:<10}{:>26}{:>20}{:>20}{:>20}{:>8}{:>9}",
        figure(|one| one.spans_per_cpu_second, 0),
        figure(|one| one.peak_mib, 1),
        figure(|one| one.p50_ms, 2),
        figure(|one| one.p99_ms, 2),
        total(|one| one.lost),
        total(|one| one.refused),
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    // Of an even number, the middle two count.
    f64::midpoint(at(values.len() / 2), at(values.len().saturating_sub(1) / 2))
}
