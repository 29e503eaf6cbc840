//! The table of all exporters.

use fanlight_pipeline::ExporterKind;

use crate::debug;

/// Every exporter type of this crate.
pub static EXPORTERS: &[&ExporterKind] = &[&debug::KIND];
