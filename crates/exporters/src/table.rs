//! The table of all exporters.

use fanlight_pipeline::ExporterKind;

use crate::{debug, file, otlp_grpc, otlp_http};

/// Every exporter type of this crate.
pub const EXPORTERS: &[&ExporterKind] = &[&otlp_grpc::KIND, &otlp_http::KIND, &debug::KIND, &file::KIND];
