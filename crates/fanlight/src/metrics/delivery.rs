//! What became of telemetry: what was lost, and, where that is wanted, what arrived and what waits.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/) of the names that start with `otel`.

use std::sync::Arc;

use fanlight_otlp::Signal;

use super::meter::Meter;
use super::registry::Registry;
use crate::destination::counts::{Cause, Counts};
use crate::handoff::Handoff;

/// The scope of all of these.
const SCOPE: &str = "fanlight.sdk";

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Losses, once there are any.
    Losses,
    /// Everything.
    All,
}

/// Counts the records that were lost before the collecting thread could take them.
pub(super) fn watch_handoff(registry: &Arc<Registry>, handoff: Arc<Handoff>) {
    Meter::new(registry, SCOPE)
        .counter("fanlight.records.dropped", "{record}")
        .description("Spans and log records that were lost in the program")
        .build(move |observer| {
            let dropped = handoff.dropped();
            if dropped > 0 {
                observer.observe(dropped, [("error.type", "memory_limit")]);
            }
        });
}

/// Counts what became of what a destination was to deliver.
pub(super) fn watch_destination(
    registry: &Arc<Registry>,
    extent: Extent,
    destination: &str,
    counts: &Arc<Counts>,
) {
    let meter = Meter::new(registry, SCOPE);
    let component = ("otel.component.name", Arc::<str>::from(destination));
    for (signal, name, unit) in [
        (Signal::Traces, "otel.sdk.exporter.span.exported", "{span}"),
        (
            Signal::Logs,
            "otel.sdk.exporter.log.exported",
            "{log_record}",
        ),
        (
            Signal::Metrics,
            "otel.sdk.exporter.metric_data_point.exported",
            "{data_point}",
        ),
    ] {
        let (component, counts) = (component.clone(), Arc::clone(counts));
        meter.counter(name, unit).build(move |observer| {
            for cause in Cause::ALL {
                let dropped = counts.dropped(signal, cause);
                if dropped > 0 {
                    let cause = ("error.type", cause.name());
                    observer.observe(dropped, (component.clone(), cause));
                }
            }
            let exported = counts.exported(signal);
            if exported > 0 && extent == Extent::All {
                observer.observe(exported, [component.clone()]);
            }
        });
    }
    if extent == Extent::All {
        let counts = Arc::clone(counts);
        meter
            .up_down_counter("fanlight.queue.size", "By")
            .description("What waits to be delivered")
            .build(move |observer| {
                for (place, bytes) in [
                    ("memory", counts.queue_bytes()),
                    ("disk", counts.disk_bytes()),
                ] {
                    observer.observe(bytes, (component.clone(), ("place", place)));
                }
            });
    }
}
