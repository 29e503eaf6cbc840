//! From a page to a batch: samples become points again, and what a target said before gives them their start.

mod group;
mod write;

use std::collections::HashMap;

use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, DecodeError, Signal};

use self::group::{Groups, Point, Points};
use super::exposition::{Kind, Page};
use super::relabel::Labels;

/// A metric's name and the labels of one of its series.
type Identity = (String, Labels);

/// What a target's earlier scrapes left behind.
#[derive(Debug, Default)]
pub(super) struct Memory {
    series: HashMap<Identity, Known>,
    round: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    kind: Kind,
    is_native: bool,
    start_unix_nano: u64,
    /// When it was last seen; a reset lies between then and now.
    last_unix_nano: u64,
    /// The counter, or the count: it falls at a reset.
    last: f64,
    round: u64,
}

/// One scrape, as far as its points need it.
#[derive(Debug)]
pub(super) struct Scraped<'a> {
    pub(super) page: Page,
    /// Of the resource: the job and the target.
    pub(super) resource: &'a [(&'static str, String)],
    /// Series about the scrape itself.
    pub(super) about: &'a [(&'static str, f64)],
    /// Of these series: the target's.
    pub(super) labels: &'a Labels,
    /// When it began.
    pub(super) at_unix_nano: u64,
    /// Whether the page's own timestamps count.
    pub(super) honor_timestamps: bool,
}

impl Memory {
    /// The batch of one scrape, with a stale marker for each series that is gone.
    pub(super) fn convert(&mut self, scraped: Scraped<'_>) -> Result<Batch, DecodeError> {
        self.round += 1;
        let mut groups = Groups::new(scraped.page);
        if !scraped.honor_timestamps {
            groups.forget_timestamps();
        }
        let mut out = Encoder::new();
        let resource = groups.resource(scraped.resource);
        out.nested(1, |out| {
            write::resource(out, &resource);
            for (scope, metrics) in &groups.scopes {
                write::scope(out, scope, |out| {
                    for (name, points) in metrics {
                        self.metric(out, name, points, scraped.at_unix_nano);
                    }
                });
            }
            write::scope(out, &Default::default(), |out| {
                for (name, value) in scraped.about {
                    write::gauge(out, name, *value, scraped.labels, scraped.at_unix_nano);
                }
                self.stale(out, scraped.at_unix_nano);
            });
        });
        Batch::decode(Signal::Metrics, out.into_bytes().into())
    }

    fn metric(&mut self, out: &mut Encoder, name: &str, points: &Points, now: u64) {
        let stamped: Vec<(&Labels, &Point, u64, u64)> = (points.points.iter())
            .map(|(labels, point)| {
                let time = point.timestamp.map_or(now, nanos);
                let start = self.start(name, labels, points, point, time);
                (labels, point, start, time)
            })
            .collect();
        write::metric(out, name, &points.family, points.is_native, &stamped);
    }

    /// When the series began: as the page says, else when it was first seen or reset. A gauge has no start.
    fn start(
        &mut self,
        name: &str,
        labels: &Labels,
        points: &Points,
        point: &Point,
        time: u64,
    ) -> u64 {
        let round = self.round;
        let value = point.count();
        let known = self.series.entry((name.to_owned(), labels.clone()));
        let known = known.or_insert(Known {
            kind: points.family.kind,
            is_native: points.is_native,
            start_unix_nano: time,
            last_unix_nano: time,
            last: value,
            round,
        });
        if value < known.last {
            known.start_unix_nano = known.last_unix_nano;
        }
        (known.last, known.last_unix_nano, known.round) = (value, time, round);
        match points.family.kind {
            Kind::Gauge | Kind::Unknown | Kind::Info => 0,
            _ => point.created.map_or(known.start_unix_nano, nanos),
        }
    }

    /// Says of each series that was not in this scrape that it has no value, and forgets it.
    fn stale(&mut self, out: &mut Encoder, now: u64) {
        let round = self.round;
        for ((name, labels), known) in &self.series {
            if known.round != round {
                write::stale(out, name, known.kind, known.is_native, labels, now);
            }
        }
        self.series.retain(|_, known| known.round == round);
    }
}

fn nanos(milliseconds: i64) -> u64 {
    u64::try_from(milliseconds)
        .unwrap_or(0)
        .saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests;
