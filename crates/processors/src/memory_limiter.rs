//! `memory_limiter`: refuses batches while the hub uses too much memory, so that senders slow down instead.
//!
//! Above the soft limit (limit minus spike limit) every batch is refused with a delay after which to try again; what is
//! queued drains meanwhile. Use is the process's resident memory, looked at when a batch comes in, at most once in each
//! `check_interval`. Linux only. [Source](https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor/memorylimiterprocessor).

mod usage;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{
    BuildContext, BuildError, Kind, Processor, ProcessorConfig, ProcessorKind, Refused,
};
use serde::Deserialize;

/// The descriptor.
pub(crate) static KIND: ProcessorKind = Kind {
    name: "memory_limiter",
    aliases: &[],
    about: "Refuses batches while the hub uses too much memory.",
    sample: "check_interval: 1s\nlimit_mib: 512\nspike_limit_mib: 128",
    decode,
};

const MEBIBYTE: u64 = 1 << 20;

/// The configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Config {
    /// How often memory is looked at. Required.
    #[serde(with = "fanlight_config::duration")]
    check_interval: Duration,
    /// The hard limit in MiB. Required, unless `limit_percentage` is set.
    limit_mib: u32,
    /// How far below the hard limit the soft limit is, in MiB. Default: a fifth of the limit.
    spike_limit_mib: u32,
    /// The hard limit as a share of the machine's (or container's) memory.
    limit_percentage: u32,
    /// As `spike_limit_mib`, as a share of the machine's memory.
    spike_limit_percentage: u32,
    /// Accepted, no effect: there is no garbage collector.
    #[serde(with = "fanlight_config::duration")]
    min_gc_interval_when_soft_limited: Duration,
    /// Accepted, no effect: there is no garbage collector.
    #[serde(with = "fanlight_config::duration")]
    min_gc_interval_when_hard_limited: Duration,
}

fn decode(node: &Node) -> Result<Box<dyn ProcessorConfig>, ConfigError> {
    let config: Config = node.decode()?;
    if config.check_interval.is_zero() {
        return Err(node
            .error_at("check_interval", "check_interval must be set")
            .hint("write one like `check_interval: 1s`"));
    }
    if config.limit_mib == 0 && config.limit_percentage == 0 {
        return Err(node
            .error("neither limit_mib nor limit_percentage is set")
            .hint("write one like `limit_mib: 512`"));
    }
    for (key, percentage) in [
        ("limit_percentage", config.limit_percentage),
        ("spike_limit_percentage", config.spike_limit_percentage),
    ] {
        if percentage > 100 {
            return Err(node.error_at(key, format!("{percentage} is more than 100 percent")));
        }
    }
    let (limit, spike, key) = if config.limit_mib > 0 {
        (config.limit_mib, config.spike_limit_mib, "spike_limit_mib")
    } else {
        (
            config.limit_percentage,
            config.spike_limit_percentage,
            "spike_limit_percentage",
        )
    };
    if spike >= limit {
        return Err(node.error_at(
            key,
            format!("{key} ({spike}) must be less than the limit ({limit})"),
        ));
    }
    Ok(Box::new(config))
}

impl ProcessorConfig for Config {
    fn build(
        &self,
        _signal: Signal,
        _context: &BuildContext<'_>,
    ) -> Result<Box<dyn Processor>, BuildError> {
        if usage::resident().is_none() {
            return Err(BuildError::new(
                "the memory that the hub uses can't be read from /proc/self/status",
            )
            .hint("remove memory_limiter: it works on Linux only"));
        }
        let soft_limit = if self.limit_mib > 0 {
            self.soft_limit(MEBIBYTE, self.limit_mib, self.spike_limit_mib)
        } else {
            let total = usage::total().ok_or_else(|| {
                BuildError::new("the machine's memory can't be read from /proc/meminfo")
                    .hint("use limit_mib instead")
            })?;
            self.soft_limit(
                total / 100,
                self.limit_percentage,
                self.spike_limit_percentage,
            )
        };
        Ok(Box::new(Limiter::new(
            soft_limit,
            self.check_interval,
            Box::new(usage::resident),
        )))
    }
}

impl Config {
    /// The soft limit in bytes, of limits in some unit.
    fn soft_limit(&self, unit: u64, limit: u32, spike: u32) -> u64 {
        let limit = u64::from(limit) * unit;
        let spike = if spike == 0 {
            limit / 5
        } else {
            u64::from(spike) * unit
        };
        limit.saturating_sub(spike)
    }
}

struct Limiter {
    /// In bytes.
    soft_limit: u64,
    check_interval: Duration,
    usage: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    last: Mutex<Option<Check>>,
}

#[derive(Clone, Copy)]
struct Check {
    at: Instant,
    /// How many bytes were in use, if that was above the soft limit.
    excess: Option<u64>,
}

impl Limiter {
    fn new(
        soft_limit: u64,
        check_interval: Duration,
        usage: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    ) -> Limiter {
        Limiter {
            soft_limit,
            check_interval,
            usage,
            last: Mutex::new(None),
        }
    }

    /// How many bytes are in use, if that is too many.
    fn excess(&self) -> Option<u64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match *last {
            Some(check) if check.at.elapsed() < self.check_interval => check.excess,
            _ => {
                let excess = (self.usage)().filter(|used| *used > self.soft_limit);
                *last = Some(Check {
                    at: Instant::now(),
                    excess,
                });
                excess
            }
        }
    }
}

impl Processor for Limiter {
    fn process(&self, batch: Batch) -> Result<Batch, Refused> {
        let Some(used) = self.excess() else {
            return Ok(batch);
        };
        let message = format!(
            "the hub uses {} MiB of memory, more than memory_limiter's soft limit of {} MiB; send again later",
            used / MEBIBYTE,
            self.soft_limit / MEBIBYTE
        );
        Err(Refused::overloaded(
            message,
            self.check_interval.max(Duration::from_secs(1)),
        ))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("soft_limit", &self.soft_limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use fanlight_config::{Document, Environment};
    use fanlight_pipeline::RefusalReason;

    fn problem(yaml: &str) -> String {
        let node = Document::parse("test.yaml", yaml, &Environment::default())
            .unwrap()
            .into_root();
        decode(&node).unwrap_err().to_string()
    }

    fn limiter(check_interval: Duration) -> (Limiter, Arc<AtomicU64>) {
        let used = Arc::new(AtomicU64::new(0));
        let usage = Arc::clone(&used);
        (
            Limiter::new(
                100 * MEBIBYTE,
                check_interval,
                Box::new(move || Some(usage.load(Ordering::Relaxed))),
            ),
            used,
        )
    }

    #[test]
    fn batches_are_refused_above_the_soft_limit_only() {
        let (limiter, used) = limiter(Duration::ZERO);
        used.store(100 * MEBIBYTE, Ordering::Relaxed);
        assert!(limiter.process(Batch::empty(Signal::Logs)).is_ok());
        used.store(101 * MEBIBYTE, Ordering::Relaxed);
        let refused = limiter.process(Batch::empty(Signal::Logs)).unwrap_err();
        assert_eq!(refused.reason, RefusalReason::Overloaded);
        assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
        assert!(refused.message.contains("uses 101 MiB"), "{refused}");
        used.store(0, Ordering::Relaxed);
        assert!(limiter.process(Batch::empty(Signal::Logs)).is_ok());
    }

    #[test]
    fn memory_is_looked_at_once_in_each_interval() {
        let (limiter, used) = limiter(Duration::from_secs(3600));
        assert!(limiter.process(Batch::empty(Signal::Logs)).is_ok());
        used.store(u64::MAX, Ordering::Relaxed);
        assert!(limiter.process(Batch::empty(Signal::Logs)).is_ok());
    }

    #[test]
    fn the_spike_limit_is_a_fifth_unless_set() {
        let config = Config::default();
        assert_eq!(config.soft_limit(MEBIBYTE, 500, 0), 400 * MEBIBYTE);
        assert_eq!(config.soft_limit(MEBIBYTE, 500, 50), 450 * MEBIBYTE);
    }

    #[test]
    fn contradictions_are_refused_at_their_key() {
        assert!(problem("limit_mib: 1").contains("check_interval must be set"));
        assert!(problem("check_interval: 1s").contains("neither limit_mib nor limit_percentage"));
        assert!(
            problem("{check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}")
                .contains("spike_limit_mib (5)")
        );
        assert!(
            problem("{check_interval: 1s, limit_percentage: 101}").contains("101 is more than 100")
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_uses_memory() {
        assert!(usage::resident().unwrap() > MEBIBYTE);
        assert!(usage::total().unwrap() > usage::resident().unwrap());
    }
}
