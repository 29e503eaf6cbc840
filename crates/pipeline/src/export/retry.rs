//! How long to wait before the next attempt.

use std::time::{Duration, Instant};

use fanlight_config::blocks::Retry;
use rand::Rng as _;

/// The delays between the attempts to deliver one batch: exponential, with jitter, at least what the destination asks.
#[derive(Debug)]
pub(crate) struct Backoff<'a> {
    settings: &'a Retry,
    started: Instant,
    next: Duration,
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(settings: &'a Retry, now: Instant) -> Backoff<'a> {
        Backoff {
            settings,
            started: now,
            next: settings.initial_interval,
        }
    }

    /// The delay before the next attempt; `None` when it is time to give up.
    pub(crate) fn delay(&mut self, asked: Option<Duration>, now: Instant) -> Option<Duration> {
        if !self.settings.enabled {
            return None;
        }
        let spread = self.settings.randomization_factor.clamp(0.0, 1.0);
        let jitter = if spread > 0.0 {
            rand::rng().random_range(1.0 - spread..=1.0 + spread)
        } else {
            1.0
        };
        let own = self.next.mul_f64(jitter);
        self.next = self
            .next
            .mul_f64(self.settings.multiplier.max(1.0))
            .min(self.settings.max_interval);
        let delay = own.max(asked.unwrap_or_default());
        let limit = self.settings.max_elapsed_time;
        let gives_up = !limit.is_zero() && now.duration_since(self.started) + delay > limit;
        (!gives_up).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Retry {
        Retry {
            randomization_factor: 0.0,
            ..Retry::default()
        }
    }

    #[test]
    fn delays_grow_up_to_the_longest() {
        let settings = Retry {
            max_elapsed_time: Duration::ZERO,
            ..settings()
        };
        let now = Instant::now();
        let mut backoff = Backoff::new(&settings, now);
        let delays: Vec<u64> = (0..7)
            .map(|_| backoff.delay(None, now).unwrap().as_secs())
            .collect();
        assert_eq!(delays, [5, 7, 11, 16, 25, 30, 30]);
    }

    #[test]
    fn what_the_destination_asks_for_is_the_least() {
        let settings = settings();
        let now = Instant::now();
        let mut backoff = Backoff::new(&settings, now);
        assert_eq!(
            backoff.delay(Some(Duration::from_secs(60)), now),
            Some(Duration::from_secs(60))
        );
        assert_eq!(
            backoff.delay(Some(Duration::from_secs(1)), now),
            Some(Duration::from_millis(7500))
        );
    }

    #[test]
    fn gives_up_when_the_next_attempt_would_be_too_late() {
        let settings = settings();
        let start = Instant::now();
        let mut backoff = Backoff::new(&settings, start);
        assert!(
            backoff
                .delay(None, start + Duration::from_secs(290))
                .is_some()
        );
        assert_eq!(backoff.delay(None, start + Duration::from_secs(295)), None);
    }

    #[test]
    fn disabled_means_one_attempt() {
        let settings = Retry {
            enabled: false,
            ..settings()
        };
        let now = Instant::now();
        assert_eq!(
            Backoff::new(&settings, now).delay(Some(Duration::from_secs(1)), now),
            None
        );
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let settings = Retry::default();
        let now = Instant::now();
        for _ in 0..100 {
            let delay = Backoff::new(&settings, now).delay(None, now).unwrap();
            assert!(
                (Duration::from_millis(2500)..=Duration::from_millis(7500)).contains(&delay),
                "{delay:?}"
            );
        }
    }
}
