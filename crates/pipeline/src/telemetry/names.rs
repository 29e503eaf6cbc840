//! Every metric name that the hub uses, in one list. `fanlight_*` are those that the Collector has no name for.

/// A metric of the hub. Those of items exist once for each signal, with the items' name at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name, without the items' name.
    pub name: &'static str,
    /// Its unit, in UCUM.
    pub unit: &'static str,
    /// Whether it only grows.
    pub is_counter: bool,
    /// What it counts.
    pub description: &'static str,
}

#[rustfmt::skip]
impl Name {
    /// Items that receivers took.
    pub const RECEIVER_ACCEPTED: Name = counter("otelcol_receiver_accepted", "{item}", "Items taken by a receiver.");
    /// Items that receivers refused.
    pub const RECEIVER_REFUSED: Name = counter("otelcol_receiver_refused", "{item}", "Items refused by a receiver; their sender was told so.");
    /// Items that came into a processor.
    pub const PROCESSOR_INCOMING: Name = counter("otelcol_processor_incoming_items", "{item}", "Items that came into a processor.");
    /// Items that left a processor.
    pub const PROCESSOR_OUTGOING: Name = counter("otelcol_processor_outgoing_items", "{item}", "Items that left a processor.");
    /// Items that a processor refused.
    pub const PROCESSOR_REFUSED: Name = counter("otelcol_processor_refused_items", "{item}", "Items refused by a processor; their sender was told so.");
    /// Items delivered.
    pub const EXPORTER_SENT: Name = counter("otelcol_exporter_sent", "{item}", "Items delivered to the destination.");
    /// Items lost on the way out.
    pub const EXPORTER_SEND_FAILED: Name = counter("otelcol_exporter_send_failed", "{item}", "Items lost: refused by the destination, or retries exhausted.");
    /// Items lost because a queue was full.
    pub const EXPORTER_ENQUEUE_FAILED: Name = counter("otelcol_exporter_enqueue_failed", "{item}", "Items lost because the exporter's queue was full.");
    /// Items set aside on disk.
    pub const EXPORTER_PARKED: Name = counter("fanlight_exporter_parked", "{item}", "Items set aside on disk because retries were exhausted.");
    /// What a queue holds.
    pub const EXPORTER_QUEUE_SIZE: Name = gauge("otelcol_exporter_queue_size", "{request}", "What the exporter's queue holds, waiting and in flight.");
    /// What fits into a queue.
    pub const EXPORTER_QUEUE_CAPACITY: Name = gauge("otelcol_exporter_queue_capacity", "{request}", "What fits into the exporter's queue.");
    /// Attempts being made.
    pub const EXPORTER_IN_FLIGHT: Name = gauge("otelcol_exporter_in_flight_requests", "{request}", "Requests that wait for the destination's answer.");
    /// Attempts made.
    pub const EXPORTER_BATCHES: Name = counter("fanlight_exporter_requests", "{request}", "Requests made to the destination.");
    /// Attempts made again.
    pub const EXPORTER_RETRIES: Name = counter("fanlight_exporter_retries", "{request}", "Requests that failed and were made again.");
    /// Attributes cut short or left out.
    pub const EXPORTER_TRIMMED_ATTRIBUTES: Name = counter("fanlight_exporter_trimmed_attributes", "{attribute}", "Attributes cut short or left out to stay within the destination's limits.");
    /// Whether the last attempt failed.
    pub const EXPORTER_FAILING: Name = gauge("fanlight_exporter_failing", "1", "1 while the destination does not answer as it should.");
    /// How long the hub has been running.
    pub const PROCESS_UPTIME: Name = counter("otelcol_process_uptime", "s", "How long the hub has been running.");
    /// CPU time used.
    pub const PROCESS_CPU_SECONDS: Name = counter("otelcol_process_cpu_seconds", "s", "CPU time that the hub has used.");
    /// Resident memory.
    pub const PROCESS_MEMORY_RSS: Name = gauge("otelcol_process_memory_rss", "By", "Resident memory of the hub.");
}

const fn counter(name: &'static str, unit: &'static str, description: &'static str) -> Name {
    Name {
        name,
        unit,
        is_counter: true,
        description,
    }
}

const fn gauge(name: &'static str, unit: &'static str, description: &'static str) -> Name {
    Name {
        name,
        unit,
        is_counter: false,
        description,
    }
}
