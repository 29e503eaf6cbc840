//! When a lane may try again.

use std::time::{Duration, Instant};

use crate::destination::settings::Retry;

/// How a lane's destination fares, and until when it is left alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    failures: u32,
    until: Option<Instant>,
    /// Until when the destination itself wants to be left alone.
    asked_until: Option<Instant>,
}

impl Pace {
    /// After a failure: a pause, longer each time, at least what is asked for. Jitter keeps a thousand programs from
    /// coming back at once.
    pub(crate) fn failed(&mut self, retry: &Retry, asked: Option<Duration>, now: Instant) {
        let doubled = retry
            .first
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = (self.failures + 1).min(31);
        let own = doubled
            .min(retry.longest)
            .mul_f64(0.5 + fastrand::f64() / 2.0);
        self.until = Some(now + own.max(asked.unwrap_or_default()));
        self.asked_until = asked.map(|pause| now + pause);
    }

    /// Leaves the destination alone for so long.
    pub(crate) fn pause(&mut self, pause: Duration, now: Instant) {
        self.failures = (self.failures + 1).min(31);
        self.until = Some(now + pause);
        self.asked_until = self.until;
    }

    /// Everything is well.
    pub(crate) fn succeeded(&mut self) {
        *self = Pace::default();
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// When the next attempt may be made; now if nothing.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Until when not even a flush may make one.
    pub(crate) fn barred_until(&self, now: Instant) -> Option<Instant> {
        self.asked_until.filter(|until| *until > now)
    }

    /// Whether an attempt may be made.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_with_jitter() {
        let retry = Retry::default();
        let now = Instant::now();
        let mut pace = Pace::default();
        let mut most = retry.first;
        for _ in 0..40 {
            pace.failed(&retry, None, now);
            let pause = pace.until().unwrap() - now;
            assert!(
                pause <= most && pause >= most.mul_f64(0.49),
                "{pause:?} of {most:?}"
            );
            most = (most * 2).min(retry.longest);
        }
        pace.succeeded();
        assert!(pace.is_due(now));
    }

    #[test]
    fn what_the_destination_asks_for_is_the_least() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.failed(&Retry::default(), Some(Duration::from_secs(100)), now);
        assert_eq!(pace.until(), Some(now + Duration::from_secs(100)));
        assert!(!pace.is_due(now + Duration::from_secs(99)));
    }
}
