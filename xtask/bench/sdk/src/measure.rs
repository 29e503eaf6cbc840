//! How a closure is measured.

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};

const ROUNDS: usize = 9;
const CALLS: u32 = 100_000;

/// Nanoseconds and allocations of one call on the calling thread: the median of several rounds.
pub fn calls(mut call: impl FnMut(u32)) -> Value {
    // Warm up: thread-locals, pools, callsites.
    (0..CALLS / 10).for_each(&mut call);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for index in 0..CALLS {
                call(black_box(index));
            }
            start.elapsed().as_nanos() as f64 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let allocations = allocation_counter::measure(|| {
        (0..CALLS / 10).for_each(&mut call);
    });
    json!({
        "nanoseconds": rounds[ROUNDS / 2],
        "least": rounds[0],
        "allocations": allocations.count_total as f64 / f64::from(CALLS / 10),
    })
}
