//! See what your program does: spans, logs and metrics to any OpenTelemetry backend, with one line.
//!
//! ```no_run
//! fn main() -> Result<(), fanlight::ConfigureError> {
//!     let _fanlight = fanlight::configure().service_name("shop").start()?;
//!
//!     let order = 17;
//!     let _span = fanlight::span!("check out {order}").entered();
//!     fanlight::info!("card accepted", amount = 12.5);
//!     Ok(())
//! }
//! ```
//!
//! Without a word in the environment, this goes to a Fanlight hub on this machine, if there is one. `OTEL_EXPORTER_OTLP_ENDPOINT`,
//! `LOGFIRE_TOKEN` or a [`Backend`] in the code send it elsewhere, to several places at once as well.
//!
//! Recording never waits for a backend. What can't be delivered is sent again, and waits on disk beyond the end of the program;
//! what is lost after all is counted and told. There is no async runtime in here, and any may be around.
//!
//! # What is where
//!
//! | To | Use |
//! |---|---|
//! | start | [`start`], [`configure`] ([`Configuration`]), which give a [`Guard`] to hold |
//! | choose where to send | [`Backend`] |
//! | record an operation | [`span!`], [`#[instrument]`](macro@instrument), [`Span`], [`current`] |
//! | record that something happened | [`info!`], [`trace!`], [`debug!`], [`notice!`], [`warn!`], [`error!`], [`fatal!`], [`log!`] |
//! | run a future in a span | [`Instrument`] |
//! | record values of your own types | [`ToValue`] |
//! | count and measure | [`counter`], [`histogram`], [`gauge`] and others: [`metrics`] |
//! | record calls of language models | [`llm`] |
//! | go on with a trace elsewhere | [`Context`], [`Baggage`] |
//! | take what other crates record | [`bridge`]: `tracing`, `log`, `opentelemetry` |
//! | record HTTP requests | [`integrations`]: axum, tower, reqwest |
//! | see it in the terminal | [`Console`] |
//! | keep less, and no secrets | [`Level`], [`TailSampling`], [`Scrubbing`] |
//! | hear of trouble | [`Notice`] |
//! | test what is recorded | [`testing`] |
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `tls` (default) | HTTPS, by rustls with ring |
//! | `axum` | `tower`, and the route in requests' spans |
//! | `cost` | what LLM calls cost |
//! | `log` | `Logger`, for the crate `log` |
//! | `opentelemetry` | spans of the `opentelemetry` crates |
//! | `reqwest` | spans of `reqwest`'s requests |
//! | `serde` | `#value` in macros |
//! | `stream` | `observe_stream`, for streams of LLM answers |
//! | `tower` | spans of HTTP servers |
//! | `tracing` | `tracing_layer`, for `tracing-subscriber` |
//!
//! # More
//!
//! The [guide](https://github.com/fanlight/fanlight/blob/main/docs/sdk.md) has all of it with examples, recipes for backends, and
//! tables for those who come from `logfire` or `tracing`; the
//! [variables](https://github.com/fanlight/fanlight/blob/main/docs/sdk-environment.md) are listed beside it.

// So that the macros work in here as well.
extern crate self as fanlight;

#[doc(hidden)]
pub mod __private;
mod attributes;
pub mod bridge;
pub mod callsite;
mod clock;
mod collect;
mod completion;
mod configure;
mod console;
mod context;
mod destination;
mod exception;
mod form;
mod handoff;
pub mod integrations;
mod level;
pub mod llm;
mod log;
pub mod metrics;
mod notice;
mod panic;
mod propagation;
mod record;
mod sample;
mod scrub;
mod span;
mod telemetry;
mod template;
pub mod testing;
mod value;

#[cfg(feature = "log")]
pub use bridge::log::Logger;
#[cfg(feature = "tracing")]
pub use bridge::tracing::{TracingLayer, tracing_layer};
pub use collect::{Flushed, Temporality};
pub use configure::{
    Backend, Configuration, ConfigureError, InvalidSendToLogfire, SendToLogfire, configure, start,
};
pub use console::{Console, ConsoleColors, ConsoleOutput, ConsoleStyle};
pub use context::{Context, EnteredContext};
pub use exception::Exception;
pub use fanlight_macros::{debug, error, fatal, info, instrument, log, notice, span, trace, warn};
pub use fanlight_otlp::{SpanId, TraceId};
pub use form::LogForm;
pub use level::{InvalidLevel, Level};
pub use log::LogBuilder;
pub use metrics::{
    counter, exponential_histogram, gauge, histogram, observable_counter, observable_gauge,
    observable_up_down_counter, up_down_counter,
};
pub use notice::{Notice, NoticeKind};
pub use propagation::Baggage;
pub use sample::TailSampling;
pub use scrub::{InvalidPattern, Scrubbing};
pub use span::{
    Current, Entered, EnteredSpan, Instrument, Instrumented, Span, SpanBuilder, SpanKind, current,
};
pub use telemetry::Guard;
#[cfg(feature = "serde")]
pub use value::SerializedValue;
pub use value::{DebugValue, DisplayValue, ToValue, ValueWriter};

/// The guide, whose examples are tests.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "cost",
    feature = "log",
    feature = "opentelemetry",
    feature = "reqwest",
    feature = "serde",
    feature = "stream",
    feature = "tracing"
))]
#[doc = include_str!("../../../docs/sdk.md")]
mod guide {}
