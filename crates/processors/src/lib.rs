//! Components that change or refuse telemetry on its way, and connectors.

use fanlight_pipeline::{ConnectorKind, ProcessorKind};

/// Every processor type of this crate.
pub const PROCESSORS: &[&ProcessorKind] = &[];
/// Every connector type of this crate.
pub const CONNECTORS: &[&ConnectorKind] = &[];
/// Types that come with a later release.
pub const LATER: &[(&str, &str)] = &[];
