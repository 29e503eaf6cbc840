//! `kafka`: telemetry from Kafka topics, each message once its pipelines hold it.
//!
//! An offset is committed only after every required queue holds what the message carried: neither a crash nor a full queue
//! loses anything, and what was taken but not yet committed comes again. While the pipelines refuse a message, fetching is
//! paused and the same message offered again, for as long as it takes; the consumer stays in its group meanwhile. A
//! message that can't be read is counted, logged with its place and passed over, so that it never blocks its partition;
//! so is one that a destination refuses for good while it is waited for.
//!
//! Every message carries its headers, `kafka.topic`, `kafka.partition` and `kafka.offset` as the caller's metadata.
//! Configuration and defaults are those of the
//! [Collector's receiver](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/kafkareceiver),
//! except for `message_marking`: messages are always marked after they were taken, never on an error that may pass, and
//! always on a permanent one.

mod config;
mod consume;
mod message;

use fanlight_pipeline::ReceiverKind;

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "kafka",
    aliases: &[],
    about: "Kafka topics with OTLP, or logs as text or JSON; offsets are committed once the pipelines hold a message.",
    sample: "brokers: [localhost:9092]\ntraces:\n  topics: [otlp_spans]",
    decode: config::decode,
};

/// What the counters call it.
const TRANSPORT: &str = "kafka";

#[cfg(test)]
mod tests;
