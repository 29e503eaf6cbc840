//! Components that change or refuse telemetry on its way, and connectors.
//!
//! Each module is one component type, its configuration beside its code; [`PROCESSORS`] and [`CONNECTORS`] list them.

mod actions;
mod attributes;
mod batch;
mod forward;
mod matching;
mod memory_limiter;
mod probabilistic_sampler;
mod resource;
mod table;

pub use table::{CONNECTORS, LATER, PROCESSORS};

/// A batch that can't be read, though it was validated when it came in: nothing that the sender did.
fn unreadable(error: fanlight_otlp::DecodeError) -> fanlight_pipeline::Refused {
    fanlight_pipeline::Refused {
        reason: fanlight_pipeline::RefusalReason::Internal,
        message: format!("a batch can't be edited: {error}"),
        retry_after: None,
    }
}
