//! Every receiver type.

use fanlight_pipeline::ReceiverKind;

/// The receiver types, in the order in which documents list them.
pub const RECEIVERS: &[&ReceiverKind] = &[&crate::otlp::KIND, &crate::self_telemetry::KIND];
