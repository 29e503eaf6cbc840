//! See what your program does: spans, logs and metrics to any OpenTelemetry backend, with one line.

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
