//! `cargo xtask bench formats`: OTLP in, and out as other backends take it.
//!
//! The sink answers as each backend answers success, and counts the items in what it is sent: trace ids in texts and rows,
//! spans in Zipkin's protobuf, samples in remote write (of a histogram's series, the one that counts). So an item that was
//! acknowledged and did not arrive shows as lost. Nothing is compressed but remote write and Loki's pushes, which always are.
//! Hub and Collector read the same file: `batch` as it is, and the queue that is written there.
//!
//! Not every peer has every exporter: of these, rotel has ClickHouse's. The Collector is the one that `cargo xtask interop`
//! builds, in which there is no release of those for Elasticsearch, Loki and Splunk; that for ClickHouse speaks the native
//! format, which the sink does not answer. Where nobody is left, the hub stands alone.

use anyhow::{Result, bail};

use super::measure::{self, Case};
use super::peers::{Exporter, Program};
use super::{Compression, Options, Transport};

/// A format: what goes in, and how it goes out.
struct Format {
    /// Its name for `--format`.
    name: &'static str,
    signal: &'static str,
    /// The exporter's type in the hub and the Collector.
    exporter: &'static str,
    /// Its settings; `{sink}` is the sink's port.
    settings: &'static str,
    /// Whether the Collector that interop builds has it.
    in_collector: bool,
    rotel: Option<&'static [&'static str]>,
}

/// The defaults of both, written down.
const QUEUE: &str = "sending_queue:\n  enabled: true\n  num_consumers: 10\n  queue_size: 1000\n";

const ROTEL_CLICKHOUSE: &[&str] = &[
    "--exporter",
    "clickhouse",
    "--clickhouse-exporter-endpoint",
    "http://127.0.0.1:{sink}",
    "--clickhouse-exporter-compression",
    "none",
];

const FORMATS: [Format; 10] = [
    Format {
        name: "prometheusremotewrite",
        signal: "metrics",
        exporter: "prometheusremotewrite",
        settings: "endpoint: http://127.0.0.1:{sink}/api/v1/write\n\
                   remote_write_queue:\n  enabled: true\n  queue_size: 10000\n  num_consumers: 5\n",
        in_collector: true,
        rotel: None,
    },
    Format {
        name: "zipkin_json",
        signal: "traces",
        exporter: "zipkin",
        settings: "endpoint: http://127.0.0.1:{sink}/api/v2/spans\nformat: json\n{queue}",
        in_collector: true,
        rotel: None,
    },
    Format {
        name: "zipkin_proto",
        signal: "traces",
        exporter: "zipkin",
        settings: "endpoint: http://127.0.0.1:{sink}/api/v2/spans\nformat: proto\n{queue}",
        in_collector: true,
        rotel: None,
    },
    Format {
        name: "otlp_json_traces",
        signal: "traces",
        exporter: "otlphttp",
        settings: "endpoint: http://127.0.0.1:{sink}\nencoding: json\ncompression: none\n{queue}",
        in_collector: true,
        rotel: None,
    },
    Format {
        name: "otlp_json_logs",
        signal: "logs",
        exporter: "otlphttp",
        settings: "endpoint: http://127.0.0.1:{sink}\nencoding: json\ncompression: none\n{queue}",
        in_collector: true,
        rotel: None,
    },
    Format {
        name: "clickhouse_traces",
        signal: "traces",
        exporter: "clickhouse",
        settings: "endpoint: http://127.0.0.1:{sink}\ncompress: none\n{queue}",
        in_collector: false,
        rotel: Some(ROTEL_CLICKHOUSE),
    },
    Format {
        name: "clickhouse_logs",
        signal: "logs",
        exporter: "clickhouse",
        settings: "endpoint: http://127.0.0.1:{sink}\ncompress: none\n{queue}",
        in_collector: false,
        rotel: Some(ROTEL_CLICKHOUSE),
    },
    Format {
        name: "elasticsearch",
        signal: "logs",
        exporter: "elasticsearch",
        settings: "endpoint: http://127.0.0.1:{sink}\ncompression: none\n{queue}",
        in_collector: false,
        rotel: None,
    },
    Format {
        name: "loki",
        signal: "logs",
        exporter: "loki",
        settings: "endpoint: http://127.0.0.1:{sink}/loki/api/v1/push\n{queue}",
        in_collector: false,
        rotel: None,
    },
    Format {
        name: "splunk_hec",
        signal: "logs",
        exporter: "splunk_hec",
        settings: "endpoint: http://127.0.0.1:{sink}/services/collector\n\
                   token: 00000000-0000-0000-0000-000000000000\ndisable_compression: true\n{queue}",
        in_collector: false,
        rotel: None,
    },
];

/// Installs, measures and reports.
///
/// # Errors
/// When a system can't be installed, started or reached, or a format is not known.
pub(super) fn run(options: &Options) -> Result<()> {
    let names = FORMATS.map(|format| format.name);
    if let Some(unknown) = options
        .format
        .iter()
        .find(|name| !names.contains(&name.as_str()))
    {
        bail!("{unknown} is none of {}", names.join(", "));
    }
    let wanted = |format: &&Format| {
        options.format.is_empty() || options.format.iter().any(|name| name == format.name)
    };
    let transport = options.transport.unwrap_or(Transport::Grpc);
    let cases: Vec<Case> = FORMATS
        .iter()
        .filter(wanted)
        .map(|format| format.case(transport))
        .collect();
    measure::run("formats", options, &cases)
}

impl Format {
    fn case(&self, transport: Transport) -> Case {
        let rotel = |arguments: &[&str]| arguments.iter().map(|&text| text.to_owned()).collect();
        Case {
            name: self.name.to_owned(),
            title: format!(
                "{}: {} over OTLP/{} in, {} out",
                self.name,
                self.signal,
                transport.name(),
                self.exporter
            ),
            signal: self.signal,
            transport,
            compression: Compression::None,
            exporter: Exporter {
                id: self.exporter.to_owned(),
                settings: self.settings.replace("{queue}", QUEUE),
                collector: self.in_collector.then_some(Program::ContribCollector),
                rotel: self.rotel.map(rotel),
            },
        }
    }
}
