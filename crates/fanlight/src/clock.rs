//! Time, read once for each end of a span.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

static START: OnceLock<Instant> = OnceLock::new();

/// What to add to the nanoseconds since [`START`] to have those since 1970.
static OFFSET: AtomicU64 = AtomicU64::new(0);

/// Nanoseconds since 1970.
///
/// It follows the monotonic clock, so that no span ends before it starts; [`adjust`] brings it back to the wall clock.
pub(crate) fn now() -> u64 {
    match OFFSET.load(Ordering::Relaxed) {
        0 => adjust(),
        offset => since_start().wrapping_add(offset),
    }
}

/// Follows a wall clock that was set, or a machine that slept; small differences stay, which keeps neighbours in order.
/// Returns the time.
pub(crate) fn adjust() -> u64 {
    const TOLERATED: u64 = 5_000_000;
    let passed = since_start();
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let wall = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
    let offset = OFFSET.load(Ordering::Relaxed);
    if passed.wrapping_add(offset).abs_diff(wall) > TOLERATED {
        OFFSET.store(wall.wrapping_sub(passed), Ordering::Relaxed);
        return wall;
    }
    passed.wrapping_add(offset)
}

fn since_start() -> u64 {
    let passed = START.get_or_init(Instant::now).elapsed();
    passed
        .as_secs()
        .wrapping_mul(1_000_000_000)
        .wrapping_add(u64::from(passed.subsec_nanos()))
}
