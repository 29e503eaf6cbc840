//! Prometheus: what a scrape answers in protobuf, and both versions of remote write.
//!
//! | Module | Package | Source |
//! |---|---|---|
//! | [`client`] | `io.prometheus.client` | [metrics.proto](https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto) |
//! | [`write`](mod@write) | `prometheus` (remote write 1.0) | [types.proto](https://github.com/prometheus/prometheus/blob/main/prompb/types.proto) |
//! | [`write_v2`] | `io.prometheus.write.v2` | [types.proto](https://github.com/prometheus/prometheus/blob/main/prompb/io/prometheus/write/v2/types.proto) |
//!
//! [`names`] makes the names that OTLP's metrics and attributes have in Prometheus.
//!
//! Times are Unix milliseconds. A histogram's buckets are sparse: spans say which bucket indexes are there, and deltas
//! count them, the first as it is and each other as the difference from the one before it.

pub mod client;
pub mod names;
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

/// Go's way to write a number, which Prometheus' formats and the `le` and `quantile` labels use.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        // Go writes the exponent with a sign and two digits at least.
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_look_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (-2.5, "-2.5"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
