//! `cargo xtask bench forward`: OTLP in and OTLP out, by both transports.

use anyhow::Result;

use super::measure::{self, Case};
use super::peers::{Exporter, Program};
use super::{Options, Transport};

/// Installs, measures and reports.
///
/// # Errors
/// When a system can't be installed, started or reached.
pub(super) fn run(options: &Options) -> Result<()> {
    let mut cases = Vec::new();
    for transport in [Transport::Grpc, Transport::Http] {
        if options.transport.is_none_or(|only| only == transport) {
            for compression in &options.compression {
                let (way, coding) = (transport.name(), compression.name());
                cases.push(Case {
                    name: format!("{way}-{coding}"),
                    title: format!("OTLP/{way} in and out, compression {coding}"),
                    signal: "traces",
                    transport,
                    compression: *compression,
                    exporter: exporter(transport, coding),
                });
            }
        }
    }
    measure::run("forward", options, &cases)
}

fn exporter(transport: Transport, coding: &str) -> Exporter {
    let id = match transport {
        Transport::Grpc => "otlp",
        Transport::Http => "otlphttp",
    };
    let rotel = [
        "--exporter",
        "otlp",
        "--otlp-exporter-protocol",
        transport.name(),
        "--otlp-exporter-endpoint",
        "http://127.0.0.1:{sink}",
        "--otlp-exporter-compression",
        coding,
    ];
    Exporter {
        id: id.to_owned(),
        settings: format!(
            "endpoint: http://127.0.0.1:{{sink}}\ncompression: {coding}\ntls:\n  insecure: true\n"
        ),
        collector: Some(Program::Collector),
        rotel: Some(rotel.map(str::to_owned).to_vec()),
    }
}
