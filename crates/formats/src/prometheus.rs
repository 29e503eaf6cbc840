//! Prometheus: what a scrape answers in protobuf, and both versions of remote write.
//!
//! | Module | Package | Source |
//! |---|---|---|
//! | [`client`] | `io.prometheus.client` | [metrics.proto](https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto) |
//! | [`write`](mod@write) | `prometheus` (remote write 1.0) | [types.proto](https://github.com/prometheus/prometheus/blob/main/prompb/types.proto) |
//! | [`write_v2`] | `io.prometheus.write.v2` | [types.proto](https://github.com/prometheus/prometheus/blob/main/prompb/io/prometheus/write/v2/types.proto) |
//!
//! Times are Unix milliseconds. A histogram's buckets are sparse: spans say which bucket indexes are there, and deltas
//! count them, the first as it is and each other as the difference from the one before it.

pub mod client;
pub mod write;
pub mod write_v2;

/// The `NaN` that says that a series has ended
/// ([source](https://github.com/prometheus/prometheus/blob/main/model/value/value.go)).
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// The schema of a histogram whose buckets have bounds of their own (`custom_values`).
pub const CUSTOM_BUCKETS: i32 = -53;

/// The media type of [`client::MetricFamily`] messages, each with its length in front.
pub const DELIMITED: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Which version of remote write a request is.
pub const VERSION_HEADER: &str = "x-prometheus-remote-write-version";

/// How many samples, native histograms and exemplars a server of remote write 2.0 has taken.
pub const WRITTEN_HEADERS: [&str; 3] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
    "x-prometheus-remote-write-exemplars-written",
];
