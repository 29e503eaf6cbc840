//! What was measured, and the table of it.

use serde::Serialize;

use super::{SIZES, STREAMS};

/// Of one system in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// For each size: microseconds added to a call, one call at a time.
    pub added_p50_us: Vec<f64>,
    pub added_p99_us: Vec<f64>,
    /// For each size: calls that a second of the system's CPU answers.
    pub per_cpu_second: Vec<f64>,
    /// The same where the provider thinks.
    pub thinking_per_cpu_second: f64,
    /// Microseconds added to the first event of a stream.
    pub added_first_us: f64,
    /// For each number of streams: how many stalled, and the longest silence.
    pub stalled: Vec<f64>,
    pub longest_ms: Vec<f64>,
    pub direct_longest_ms: Vec<f64>,
    /// Calls that were not answered.
    pub failed: f64,
    pub peak_mib: f64,
}

/// A system's round.
#[derive(Serialize)]
pub(super) struct Round {
    pub system: &'static str,
    pub figures: Figures,
}

/// A row of the table: its name, what is in it, and whether the hub's share is more than one where it is better.
type Row = (String, Box<dyn Fn(&Figures) -> f64>, usize);

impl Figures {
    /// In short.
    pub(super) fn line(&self) -> String {
        let first = |values: &[f64]| values.first().copied().unwrap_or(f64::NAN);
        format!(
            "adds {:.0} µs (p99 {:.0}), {:.0} calls per CPU-second, {:.1} MiB, {} stalled",
            first(&self.added_p50_us),
            first(&self.added_p99_us),
            first(&self.per_cpu_second),
            self.peak_mib,
            self.stalled.iter().sum::<f64>()
        )
    }
}

/// Prints medians of the rounds, and the hub's as a share of each peer's.
pub(super) fn print(rounds: &[Round]) {
    let mut systems: Vec<&str> = Vec::new();
    for round in rounds {
        if !systems.contains(&round.system) {
            systems.push(round.system);
        }
    }
    systems.sort_by_key(|name| *name != "fanlight");
    print!(
        "\nrecording on; median of rounds, (fanlight's share of the peer's)\n{:<44}",
        ""
    );
    for system in &systems {
        print!("{system:>22}");
    }
    println!();
    for (name, figure, digits) in rows() {
        print!("{name:<44}");
        let of = |system: &str| {
            let own = rounds.iter().filter(|round| round.system == system);
            median(own.map(|round| figure(&round.figures)).collect())
        };
        for &system in &systems {
            let (value, hub) = (of(system), of("fanlight"));
            let cell = match system == "fanlight" || value <= 0.0 || !hub.is_finite() {
                true => format!("{value:.digits$}        "),
                false => format!("{value:.digits$} ({:>5.2})", hub / value),
            };
            print!("{cell:>22}");
        }
        println!();
    }
}

fn rows() -> Vec<Row> {
    fn at(values: &[f64], index: usize) -> f64 {
        values.get(index).copied().unwrap_or(f64::NAN)
    }
    let mut rows: Vec<Row> = Vec::new();
    for (index, size) in SIZES.iter().enumerate() {
        let size = size >> 10;
        rows.push((
            format!("{size} KiB: added p50, µs"),
            Box::new(move |one| at(&one.added_p50_us, index)),
            0,
        ));
        rows.push((
            format!("{size} KiB: added p99, µs"),
            Box::new(move |one| at(&one.added_p99_us, index)),
            0,
        ));
        rows.push((
            format!("{size} KiB: calls per CPU-second"),
            Box::new(move |one| at(&one.per_cpu_second, index)),
            0,
        ));
    }
    rows.push((
        "provider of 20 ms: calls per CPU-second".to_owned(),
        Box::new(|one| one.thinking_per_cpu_second),
        0,
    ));
    rows.push((
        "added to the first event, µs".to_owned(),
        Box::new(|one| one.added_first_us),
        0,
    ));
    for (index, streams) in STREAMS.iter().enumerate() {
        rows.push((
            format!("{streams} streams: stalled"),
            Box::new(move |one| at(&one.stalled, index)),
            0,
        ));
        rows.push((
            format!("{streams} streams: longest silence, ms"),
            Box::new(move |one| at(&one.longest_ms, index)),
            1,
        ));
        rows.push((
            format!("{streams} streams: directly, ms"),
            Box::new(move |one| at(&one.direct_longest_ms, index)),
            1,
        ));
    }
    rows.push((
        "calls not answered".to_owned(),
        Box::new(|one| one.failed),
        0,
    ));
    rows.push(("peak MiB".to_owned(), Box::new(|one| one.peak_mib), 1));
    rows
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
