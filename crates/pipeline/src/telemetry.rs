//! The hub's own metrics, under the names of the OpenTelemetry Collector, so that dashboards made for it work.
//!
//! Names: [internal telemetry](https://opentelemetry.io/docs/collector/internal-telemetry/). They carry no `_total`, like the
//! Collector's default reader.

mod names;
mod process;
mod text;

use std::collections::BTreeMap;

use fanlight_otlp::Signal;

use crate::status::{ExporterSnapshot, ProcessorSnapshot, ReceiverSnapshot, Snapshot};
pub use names::Name;
pub use process::ProcessUsage;
pub use text::prometheus_text;

/// One metric with all its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The metric's name.
    pub name: String,
    /// What it counts.
    pub description: &'static str,
    /// Its unit, in UCUM.
    pub unit: &'static str,
    /// Whether it only grows.
    pub is_counter: bool,
    /// The value for each set of labels.
    pub series: Vec<Series>,
}

/// The value for one set of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Label names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

/// One line of the hub's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Severity number and text.
    pub severity: (u8, &'static str),
    /// The module that wrote it.
    pub target: &'static str,
    /// What happened, in constant words.
    pub message: String,
    /// The facts of this occurrence.
    pub fields: Vec<(&'static str, String)>,
}

/// Every metric of a snapshot.
pub fn metrics(snapshot: &Snapshot, process: ProcessUsage) -> Vec<Metric> {
    let mut gathered = Gathered::default();
    snapshot
        .receivers
        .iter()
        .for_each(|receiver| gathered.receiver(receiver));
    snapshot
        .processors
        .iter()
        .for_each(|processor| gathered.processor(processor));
    snapshot
        .exporters
        .iter()
        .for_each(|exporter| gathered.exporter(exporter));
    gathered.add(
        Name::PROCESS_UPTIME,
        None,
        Vec::new(),
        snapshot.uptime.as_secs_f64(),
    );
    gathered.add(
        Name::PROCESS_CPU_SECONDS,
        None,
        Vec::new(),
        process.cpu_seconds,
    );
    gathered.add(
        Name::PROCESS_MEMORY_RSS,
        None,
        Vec::new(),
        process.memory_rss as f64,
    );
    gathered.0.into_values().collect()
}

/// Series gathered under their metric.
#[derive(Default)]
struct Gathered(BTreeMap<String, Metric>);

impl Gathered {
    fn add(
        &mut self,
        name: Name,
        signal: Option<Signal>,
        labels: Vec<(&'static str, String)>,
        value: f64,
    ) {
        let full_name = match signal {
            Some(signal) => format!("{}_{}", name.name, signal.info().items),
            None => name.name.to_owned(),
        };
        let metric = self
            .0
            .entry(full_name)
            .or_insert_with_key(|full_name| Metric {
                name: full_name.clone(),
                description: name.description,
                unit: name.unit,
                is_counter: name.is_counter,
                series: Vec::new(),
            });
        metric.series.push(Series { labels, value });
    }

    fn add_signals(
        &mut self,
        name: Name,
        labels: &[(&'static str, String)],
        values: &BTreeMap<Signal, u64>,
    ) {
        for (signal, value) in values {
            self.add(name, Some(*signal), labels.to_vec(), *value as f64);
        }
    }

    fn receiver(&mut self, receiver: &ReceiverSnapshot) {
        let labels = [
            ("receiver", receiver.id.clone()),
            ("transport", receiver.transport.to_owned()),
        ];
        self.add_signals(Name::RECEIVER_ACCEPTED, &labels, &receiver.accepted);
        self.add_signals(Name::RECEIVER_REFUSED, &labels, &receiver.refused);
    }

    fn processor(&mut self, processor: &ProcessorSnapshot) {
        let labels = vec![
            ("processor", processor.id.clone()),
            ("pipeline", processor.pipeline.clone()),
            ("otel_signal", processor.signal.name().to_owned()),
        ];
        self.add(
            Name::PROCESSOR_INCOMING,
            None,
            labels.clone(),
            processor.incoming as f64,
        );
        self.add(
            Name::PROCESSOR_OUTGOING,
            None,
            labels.clone(),
            processor.outgoing as f64,
        );
        self.add(
            Name::PROCESSOR_REFUSED,
            None,
            labels,
            processor.refused as f64,
        );
    }

    fn exporter(&mut self, exporter: &ExporterSnapshot) {
        let labels = vec![("exporter", exporter.id.clone())];
        let of_signals = [
            (Name::EXPORTER_SENT, &exporter.sent),
            (Name::EXPORTER_SEND_FAILED, &exporter.send_failed),
            (Name::EXPORTER_ENQUEUE_FAILED, &exporter.enqueue_failed),
            (Name::EXPORTER_PARKED, &exporter.parked),
        ];
        for (name, values) in of_signals {
            let taken: BTreeMap<Signal, u64> = exporter
                .signals
                .iter()
                .filter_map(|signal| Some((signal, *values.get(&signal)?)))
                .collect();
            self.add_signals(name, &labels, &taken);
        }
        let failing = exporter.state == crate::ExporterState::Failing;
        self.add(
            Name::EXPORTER_QUEUE_SIZE,
            None,
            labels.clone(),
            exporter.queue_size as f64,
        );
        self.add(
            Name::EXPORTER_QUEUE_CAPACITY,
            None,
            labels.clone(),
            exporter.queue_capacity as f64,
        );
        self.add(
            Name::EXPORTER_IN_FLIGHT,
            None,
            labels.clone(),
            exporter.in_flight as f64,
        );
        self.add(
            Name::EXPORTER_BATCHES,
            None,
            labels.clone(),
            exporter.batches as f64,
        );
        self.add(
            Name::EXPORTER_RETRIES,
            None,
            labels.clone(),
            exporter.retries as f64,
        );
        self.add(
            Name::EXPORTER_TRIMMED_ATTRIBUTES,
            None,
            labels.clone(),
            exporter.trimmed_attributes as f64,
        );
        self.add(
            Name::EXPORTER_FAILING,
            None,
            labels,
            f64::from(u8::from(failing)),
        );
    }
}
