//! The table of a benchmark: medians, and ratios to the peers.

use super::measure::{Case, Measurement};
use super::peers::System;

/// Prints the table of one case.
pub(super) fn print(case: &Case, systems: &[System], measurements: &[Measurement]) {
    let here: Vec<&Measurement> = measurements
        .iter()
        .filter(|one| one.case == case.name)
        .collect();
    println!(
        "\n{}; median of rounds, (fanlight's share of the peer's)",
        case.title
    );
    println!(
        "{:<10}{:>26}{:>20}{:>20}{:>20}{:>12}{:>12}{:>8}{:>9}",
        "",
        "items per CPU-second",
        "peak MiB",
        "p50 ms",
        "p99 ms",
        "accepted",
        "arrived",
        "lost",
        "refused"
    );
    for system in systems {
        match system.program(&case.exporter) {
            Some(_) => print_row(system.name(), &here),
            None => println!("{:<10}has no such exporter here", system.name()),
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
        "{system:<10}{:>26}{:>20}{:>20}{:>20}{:>12}{:>12}{:>8}{:>9}",
        figure(|one| one.items_per_cpu_second, 0),
        figure(|one| one.peak_mib, 1),
        figure(|one| one.p50_ms, 2),
        figure(|one| one.p99_ms, 2),
        total(|one| one.accepted),
        total(|one| one.arrived),
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
