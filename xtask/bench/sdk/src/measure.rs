//! How a closure is measured.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use cpu_time::ThreadTime;
use serde_json::{Value, json};

const ROUNDS: usize = 100;
const CALLS: u32 = 10_000;

/// After each round, an SDK's own threads have time to catch up; a burst is a case of its own.
const PAUSE: Duration = Duration::from_millis(20);

/// Nanoseconds of CPU and allocations of one call on the calling thread: the median of several rounds. Time of the clock would
/// also count whatever else the machine does meanwhile, and on two cores that is what an SDK's own threads do.
pub fn calls(mut call: impl FnMut(u32)) -> Value {
    // Warm up: thread-locals, pools, callsites.
    (0..CALLS).for_each(&mut call);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = ThreadTime::now();
            for index in 0..CALLS {
                call(black_box(index));
            }
            let spent = start.elapsed().as_nanos() as f64 / f64::from(CALLS);
            thread::sleep(PAUSE);
            spent
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let allocations = allocation_counter::measure(|| {
        (0..CALLS).for_each(&mut call);
    });
    json!({
        "nanoseconds": rounds[ROUNDS / 2],
        "least": rounds[0],
        "allocations": allocations.count_total as f64 / f64::from(CALLS),
    })
}
