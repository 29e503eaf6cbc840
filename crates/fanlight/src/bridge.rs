//! What other crates' macros record, as Fanlight's own spans and log records.
//!
//! Each bridge is a cargo feature and costs nothing where it is not enabled.

#[cfg(any(feature = "log", feature = "opentelemetry", feature = "tracing"))]
mod callsites;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "tracing")]
pub mod tracing;

/// Says that the filter has changed, for those who remember what is wanted.
pub(crate) fn follow_filter() {
    #[cfg(feature = "tracing")]
    tracing::follow_filter();
    #[cfg(feature = "log")]
    log::follow_filter();
}
