//! Sampling by the second, as the Collector's logger does it: the first few, then every n-th.
//! [Source](https://pkg.go.dev/go.uber.org/zap/zapcore#NewSamplerWithOptions).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fanlight_otlp::Signal;

/// Counts the batches of each signal in each second.
pub(super) struct Sampler {
    initial: u64,
    thereafter: u64,
    counts: Mutex<Counts>,
}

struct Counts {
    second: Instant,
    by_signal: [u64; Signal::ALL.len()],
}

impl Sampler {
    pub(super) fn new(initial: u64, thereafter: u64, now: Instant) -> Sampler {
        let counts = Counts {
            second: now,
            by_signal: Default::default(),
        };
        Sampler {
            initial,
            thereafter,
            counts: Mutex::new(counts),
        }
    }

    /// Counts a batch; whether it is to be printed.
    pub(super) fn admits(&self, signal: Signal, now: Instant) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(counts.second) >= Duration::from_secs(1) {
            *counts = Counts {
                second: now,
                by_signal: Default::default(),
            };
        }
        let Some(count) = counts.by_signal.get_mut(signal as usize) else {
            return true;
        };
        *count += 1;
        match count.checked_sub(self.initial) {
            None | Some(0) => true,
            Some(past) => self.thereafter != 0 && past % self.thereafter == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(initial: u64, thereafter: u64, batches: usize) -> Vec<bool> {
        let now = Instant::now();
        let sampler = Sampler::new(initial, thereafter, now);
        (0..batches)
            .map(|_| sampler.admits(Signal::Traces, now))
            .collect()
    }

    #[test]
    fn the_defaults_print_everything() {
        assert_eq!(admitted(2, 1, 5), [true; 5]);
    }

    #[test]
    fn past_the_first_every_nth_is_printed() {
        assert_eq!(
            admitted(2, 3, 8),
            [true, true, false, false, true, false, false, true]
        );
        assert_eq!(admitted(1, 0, 3), [true, false, false]);
    }

    #[test]
    fn signals_and_seconds_are_counted_apart() {
        let start = Instant::now();
        let sampler = Sampler::new(1, 0, start);
        assert!(sampler.admits(Signal::Traces, start));
        assert!(sampler.admits(Signal::Logs, start));
        assert!(!sampler.admits(Signal::Traces, start + Duration::from_millis(999)));
        assert!(sampler.admits(Signal::Traces, start + Duration::from_secs(1)));
    }
}
