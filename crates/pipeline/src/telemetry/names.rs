//! Every metric name that the hub uses, in one list.

/// A metric of the hub. Those of items exist once for each signal, with the items' name at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Items that receivers took.
    ReceiverAccepted,
    /// Items that receivers refused.
    ReceiverRefused,
    /// Items that came into a processor.
    ProcessorIncoming,
    /// Items that left a processor.
    ProcessorOutgoing,
    /// Items that a processor refused.
    ProcessorRefused,
    /// Items delivered.
    ExporterSent,
    /// Items lost on the way out.
    ExporterSendFailed,
    /// Items lost because a queue was full.
    ExporterEnqueueFailed,
    /// Items set aside on disk.
    ExporterParked,
    /// What a queue holds.
    ExporterQueueSize,
    /// What fits into a queue.
    ExporterQueueCapacity,
    /// Attempts being made.
    ExporterInFlight,
    /// Attempts made.
    ExporterBatches,
    /// Attempts made again.
    ExporterRetries,
    /// Whether the last attempt failed.
    ExporterFailing,
    /// How long the hub has been running.
    ProcessUptime,
    /// CPU time used.
    ProcessCpuSeconds,
    /// Resident memory.
    ProcessMemoryRss,
}

/// What a metric is called and what it means.
#[derive(Debug, PartialEq, Eq)]
pub struct NameInfo {
    /// The name, without the items' name.
    pub name: &'static str,
    /// Its unit, in UCUM.
    pub unit: &'static str,
    /// Whether it only grows.
    pub is_counter: bool,
    /// What it counts.
    pub description: &'static str,
}

impl Name {
    /// What the metric is called and what it means. `fanlight_*` are those that the Collector has no name for.
    pub const fn info(self) -> NameInfo {
        match self {
            Name::ReceiverAccepted => counter(
                "otelcol_receiver_accepted",
                "{item}",
                "Items taken by a receiver.",
            ),
            Name::ReceiverRefused => counter(
                "otelcol_receiver_refused",
                "{item}",
                "Items refused by a receiver; their sender was told so.",
            ),
            Name::ProcessorIncoming => counter(
                "otelcol_processor_incoming_items",
                "{item}",
                "Items that came into a processor.",
            ),
            Name::ProcessorOutgoing => counter(
                "otelcol_processor_outgoing_items",
                "{item}",
                "Items that left a processor.",
            ),
            Name::ProcessorRefused => counter(
                "otelcol_processor_refused_items",
                "{item}",
                "Items refused by a processor; their sender was told so.",
            ),
            Name::ExporterSent => counter(
                "otelcol_exporter_sent",
                "{item}",
                "Items delivered to the destination.",
            ),
            Name::ExporterSendFailed => counter(
                "otelcol_exporter_send_failed",
                "{item}",
                "Items lost: refused by the destination, or retries exhausted.",
            ),
            Name::ExporterEnqueueFailed => counter(
                "otelcol_exporter_enqueue_failed",
                "{item}",
                "Items lost because the exporter's queue was full.",
            ),
            Name::ExporterParked => counter(
                "fanlight_exporter_parked",
                "{item}",
                "Items set aside on disk because retries were exhausted.",
            ),
            Name::ExporterQueueSize => gauge(
                "otelcol_exporter_queue_size",
                "{request}",
                "What the exporter's queue holds, waiting and in flight.",
            ),
            Name::ExporterQueueCapacity => gauge(
                "otelcol_exporter_queue_capacity",
                "{request}",
                "What fits into the exporter's queue.",
            ),
            Name::ExporterInFlight => gauge(
                "otelcol_exporter_in_flight_requests",
                "{request}",
                "Requests that wait for the destination's answer.",
            ),
            Name::ExporterBatches => counter(
                "fanlight_exporter_requests",
                "{request}",
                "Requests made to the destination.",
            ),
            Name::ExporterRetries => counter(
                "fanlight_exporter_retries",
                "{request}",
                "Requests that failed and were made again.",
            ),
            Name::ExporterFailing => gauge(
                "fanlight_exporter_failing",
                "1",
                "1 while the destination does not answer as it should.",
            ),
            Name::ProcessUptime => counter(
                "otelcol_process_uptime",
                "s",
                "How long the hub has been running.",
            ),
            Name::ProcessCpuSeconds => counter(
                "otelcol_process_cpu_seconds",
                "s",
                "CPU time that the hub has used.",
            ),
            Name::ProcessMemoryRss => gauge(
                "otelcol_process_memory_rss",
                "By",
                "Resident memory of the hub.",
            ),
        }
    }
}

const fn counter(name: &'static str, unit: &'static str, description: &'static str) -> NameInfo {
    NameInfo {
        name,
        unit,
        is_counter: true,
        description,
    }
}

const fn gauge(name: &'static str, unit: &'static str, description: &'static str) -> NameInfo {
    NameInfo {
        name,
        unit,
        is_counter: false,
        description,
    }
}
