//! Statistics of spans: hits, errors and durations by service, operation, resource and more, for every ten seconds.
//!
//! Datadog's pages about services are made of these, not of the spans. A span counts if it is the first of its service in
//! the trace, is marked `_dd.measured`, or has a kind that speaks with others (`compute_stats_by_span_kind`). Each stretch
//! is sent once, twenty seconds after it began; what is later counts to the oldest that has not gone. What has not gone
//! when the process is killed is lost, as with the Agent: spans tell what happened, these only how often.
//! [Source](https://github.com/DataDog/datadog-agent/tree/main/pkg/trace/stats).

mod payload;
mod sketch;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fanlight_formats::datadog::{ClientGroupedStats, ClientStatsBucket, ClientStatsPayload, Span};

pub(super) use self::payload::encode;
use self::sketch::Sketch;

/// A stretch of time, in nanoseconds.
const BUCKET: u64 = 10_000_000_000;
/// How many stretches are open at a time.
const OPEN: u64 = 2;
/// Most kinds of spans that are counted at a time; a new one past these is not.
const MOST_KINDS: usize = 50_000;
/// How often stretches are looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(10);

/// Tags that say what a span talked to.
const PEER_TAGS: &[&str] = &[
    "_dd.base_service",
    "amqp.destination",
    "amqp.exchange",
    "amqp.queue",
    "aws.queue.name",
    "aws.s3.bucket",
    "bucketname",
    "cassandra.keyspace",
    "db.cassandra.contact.points",
    "db.couchbase.seed.nodes",
    "db.hostname",
    "db.instance",
    "db.name",
    "db.namespace",
    "db.system",
    "grpc.host",
    "hostname",
    "http.host",
    "http.server_name",
    "messaging.destination",
    "messaging.destination.name",
    "messaging.kafka.bootstrap.servers",
    "messaging.rabbitmq.exchange",
    "messaging.system",
    "mongodb.db",
    "msmq.queue.path",
    "net.peer.name",
    "network.destination.name",
    "peer.hostname",
    "peer.service",
    "queuename",
    "rpc.service",
    "rpc.system",
    "server.address",
    "streamname",
    "tablename",
    "topicname",
];

/// Which spans count.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) by_kind: bool,
    pub(super) top_level_by_kind: bool,
    /// Tags that say what a span talked to; none where these are not wanted.
    pub(super) peer_tags: Vec<String>,
}

/// What runs in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) hostname: String,
    pub(super) env: String,
    pub(super) version: String,
    pub(super) container_id: String,
}

/// A span that counts.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    kind: Kind,
    end: u64,
    duration: u64,
    error: bool,
    top_level: bool,
}

/// Spans that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    origin: Origin,
    service: String,
    name: String,
    resource: String,
    r#type: String,
    span_kind: String,
    http_status: u32,
    peer_tags: Vec<String>,
    is_root: bool,
}

impl Selection {
    /// The tags that are looked at: Datadog's own, and more.
    pub(super) fn peer_tags(more: &[String]) -> Vec<String> {
        let own = PEER_TAGS.iter().map(|tag| (*tag).to_owned());
        own.chain(more.iter().cloned()).collect()
    }

    /// Marks a span that is the first of its service in the trace, and one that is measured besides.
    pub(super) fn mark(&self, span: &mut Span, services: &HashMap<(u64, u64), String>) {
        let kind = span.meta.get("span.kind").map(String::as_str);
        let is_first = match (span.parent_id, self.top_level_by_kind) {
            (0, _) => true,
            (_, true) => matches!(kind, Some("server" | "consumer")),
            (parent, false) => services
                .get(&(span.trace_id, parent))
                .is_none_or(|service| *service != span.service),
        };
        let is_measured = self.top_level_by_kind && matches!(kind, Some("client" | "producer"));
        if is_first {
            span.metrics.insert("_top_level".to_owned(), 1.0);
        }
        if is_measured {
            span.metrics.insert("_dd.measured".to_owned(), 1.0);
        }
    }

    /// What a span adds, if it counts.
    pub(super) fn sample(&self, span: &Span, origin: &Origin) -> Option<Sample> {
        let is_set = |key: &str| span.metrics.get(key) == Some(&1.0);
        let top_level = is_set("_top_level");
        let kind = span.meta.get("span.kind").map_or("", String::as_str);
        let by_kind = self.by_kind && matches!(kind, "server" | "consumer" | "client" | "producer");
        if !top_level && !is_set("_dd.measured") && !by_kind {
            return None;
        }
        let origin = match span.meta.get("env") {
            Some(env) if origin.env.is_empty() => Origin {
                env: env.clone(),
                ..origin.clone()
            },
            _ => origin.clone(),
        };
        let status = span.meta.get("http.status_code");
        let duration = u64::try_from(span.duration).unwrap_or_default();
        Some(Sample {
            kind: Kind {
                origin,
                service: span.service.clone(),
                name: span.name.clone(),
                resource: span.resource.clone(),
                r#type: span.r#type.clone(),
                span_kind: kind.to_owned(),
                http_status: status.and_then(|text| text.parse().ok()).unwrap_or(0),
                peer_tags: self.peer_tags_of(span, kind),
                is_root: span.parent_id == 0,
            },
            end: u64::try_from(span.start).unwrap_or_default() + duration,
            duration,
            error: span.error != 0,
            top_level,
        })
    }

    fn peer_tags_of(&self, span: &Span, kind: &str) -> Vec<String> {
        if !matches!(kind, "client" | "producer" | "consumer") {
            return Vec::new();
        }
        let value = |tag: &&String| span.meta.get(*tag).filter(|value| !value.is_empty());
        let tags = self.peer_tags.iter();
        let mut found: Vec<String> = tags
            .filter_map(|tag| value(&tag).map(|value| format!("{tag}:{value}")))
            .collect();
        found.sort_unstable();
        found
    }
}

/// Statistics that have not been sent.
#[derive(Debug, Default)]
pub(super) struct Concentrator {
    buckets: BTreeMap<u64, HashMap<Kind, Group>>,
    /// The oldest stretch that has not gone.
    oldest: u64,
    kinds: usize,
}

#[derive(Debug, Default)]
struct Group {
    hits: u64,
    top_level_hits: u64,
    errors: u64,
    duration: u64,
    ok: Sketch,
    error: Sketch,
}

impl Concentrator {
    /// Counts a span; one of a kind for which there is no room is not counted, and `false` comes back.
    pub(super) fn add(&mut self, sample: Sample) -> bool {
        let start = (sample.end - sample.end % BUCKET).max(self.oldest);
        let bucket = self.buckets.entry(start).or_default();
        if !bucket.contains_key(&sample.kind) {
            if self.kinds >= MOST_KINDS {
                return false;
            }
            self.kinds += 1;
        }
        let group = bucket.entry(sample.kind).or_default();
        group.hits += 1;
        group.top_level_hits += u64::from(sample.top_level);
        group.errors += u64::from(sample.error);
        group.duration = group.duration.saturating_add(sample.duration);
        let sketch = match sample.error {
            true => &mut group.error,
            false => &mut group.ok,
        };
        sketch.add(sample.duration);
        true
    }

    /// Takes the stretches that are over; all of them at the end.
    pub(super) fn take(&mut self, now: u64, all: bool) -> Vec<ClientStatsPayload> {
        let open = (now - now % BUCKET).saturating_sub((OPEN - 1) * BUCKET);
        let kept = match all {
            true => BTreeMap::new(),
            false => self.buckets.split_off(&open),
        };
        let over = std::mem::replace(&mut self.buckets, kept);
        self.oldest = self.oldest.max(open);
        self.kinds = self.buckets.values().map(HashMap::len).sum();
        let mut payloads: BTreeMap<Origin, Vec<ClientStatsBucket>> = BTreeMap::new();
        for (start, groups) in over {
            let mut by_origin: BTreeMap<Origin, Vec<ClientGroupedStats>> = BTreeMap::new();
            for (kind, group) in groups {
                let origin = kind.origin.clone();
                by_origin
                    .entry(origin)
                    .or_default()
                    .push(group.export(kind));
            }
            for (origin, mut stats) in by_origin {
                stats.sort_by(|a, b| {
                    (&a.service, &a.name, &a.resource).cmp(&(&b.service, &b.name, &b.resource))
                });
                payloads.entry(origin).or_default().push(ClientStatsBucket {
                    start,
                    duration: BUCKET,
                    stats,
                });
            }
        }
        let payload = |(origin, stats): (Origin, _)| ClientStatsPayload {
            hostname: origin.hostname,
            env: origin.env,
            version: origin.version,
            container_id: origin.container_id,
            stats,
        };
        payloads.into_iter().map(payload).collect()
    }
}

impl Group {
    fn export(self, kind: Kind) -> ClientGroupedStats {
        ClientGroupedStats {
            service: kind.service,
            name: kind.name,
            resource: kind.resource,
            http_status_code: kind.http_status,
            r#type: kind.r#type,
            hits: self.hits,
            errors: self.errors,
            duration: self.duration,
            ok_summary: self.ok.encoded(),
            error_summary: self.error.encoded(),
            top_level_hits: self.top_level_hits,
            span_kind: kind.span_kind,
            peer_tags: kind.peer_tags,
            is_trace_root: if kind.is_root { 1 } else { 2 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(parent: u64, kind: &str, end_seconds: i64) -> Span {
        Span {
            service: "shop".to_owned(),
            name: "http.server.request".to_owned(),
            resource: "GET /".to_owned(),
            trace_id: 1,
            parent_id: parent,
            start: end_seconds * 1_000_000_000 - 5_000_000,
            duration: 5_000_000,
            meta: BTreeMap::from([("span.kind".to_owned(), kind.to_owned())]),
            ..Span::default()
        }
    }

    fn selection() -> Selection {
        Selection {
            by_kind: true,
            top_level_by_kind: false,
            peer_tags: Selection::peer_tags(&[]),
        }
    }

    #[test]
    fn what_is_first_of_its_service_or_speaks_with_others_counts() {
        let services = HashMap::from([((1, 7), "shop".to_owned()), ((1, 8), "other".to_owned())]);
        for (parent, kind, top_level, counts) in [
            (0, "internal", true, true),
            (7, "internal", false, false),
            (7, "client", false, true),
            (8, "internal", true, true),
            (9, "internal", true, true),
        ] {
            let mut span = span(parent, kind, 100);
            selection().mark(&mut span, &services);
            assert_eq!(
                span.metrics.contains_key("_top_level"),
                top_level,
                "{parent}"
            );
            let sample = selection().sample(&span, &Origin::default());
            assert_eq!(sample.is_some(), counts, "{parent} {kind}");
        }
    }

    #[test]
    fn a_stretch_goes_once_when_it_is_over_and_what_is_late_counts_to_the_next() {
        let mut concentrator = Concentrator::default();
        let sample = |seconds| {
            selection()
                .sample(&span(0, "server", seconds), &Origin::default())
                .map(|mut sample| {
                    sample.top_level = true;
                    sample
                })
        };
        for seconds in [100, 101, 109, 110] {
            assert!(concentrator.add(sample(seconds).unwrap()));
        }
        let second = 1_000_000_000;
        assert!(concentrator.take(115 * second, false).is_empty());
        let gone = concentrator.take(121 * second, false);
        let [payload] = &gone[..] else {
            panic!("{gone:?}")
        };
        let [bucket] = &payload.stats[..] else {
            panic!("{payload:?}")
        };
        assert_eq!((bucket.start, bucket.stats[0].hits), (100 * second, 3));
        assert!(concentrator.add(sample(103).unwrap()));
        let rest = concentrator.take(121 * second, true);
        let [bucket] = &rest[0].stats[..] else {
            panic!("{rest:?}")
        };
        assert_eq!((bucket.start, bucket.stats[0].hits), (110 * second, 2));
        assert!(concentrator.take(u64::MAX, true).is_empty());
    }
}
