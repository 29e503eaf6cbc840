//! Every receiver type.

use fanlight_pipeline::ReceiverKind;

/// The receiver types, in the order in which documents list them.
pub const RECEIVERS: &[&ReceiverKind] = &[
    &crate::otlp::KIND,
    &crate::loki::KIND,
    &crate::kafka::KIND,
    &crate::prometheus::KIND,
    &crate::self_telemetry::KIND,
    &crate::jaeger::KIND,
    &crate::zipkin::KIND,
    &crate::splunk_hec::KIND,
];

/// Types of the Collector that are known here but come with a later release: name, and what to do until then.
pub const LATER: &[(&str, &str)] = &[
    ("filelog", VIA_OTLP),
    ("file_log", VIA_OTLP),
    ("hostmetrics", VIA_OTLP),
    ("host_metrics", VIA_OTLP),
];

/// Whatever speaks something else can be translated by a collector in front of the hub.
const VIA_OTLP: &str =
    "until then, let a collector with this receiver send to the hub's otlp receiver";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_listed_once() {
        let mut names: Vec<&str> = LATER.iter().map(|(name, _)| *name).collect();
        for kind in RECEIVERS {
            names.push(kind.name);
            names.extend(kind.aliases);
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(
            names.len(),
            all,
            "a type is there twice, or both here and later"
        );
    }
}
