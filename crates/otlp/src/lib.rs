//! The OTLP wire: signals, validated batches, borrowed views, editing and OTLP/JSON.
//!
//! A [`Batch`] is a request's protobuf bytes, validated once when it comes in and shared from then on. Who only passes
//! telemetry on never looks inside ([`Batch::join`] and [`Batch::split`] move bytes); who reads uses the borrowed views of
//! [`view`]; who changes uses [`edit`], which re-encodes what it touched; [`json`] and [`write`](mod@write) are the other
//! ways in and out. All of it follows [opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto) 1.x.

mod batch;
mod decode;
pub mod edit;
mod ids;
mod join;
pub mod json;
mod partition;
pub mod response;
mod schema;
mod select;
mod signal;
mod split;
pub mod status;
pub mod view;
mod wire;
pub mod write;

pub use batch::{Batch, Origin};
pub use decode::{DecodeError, MAX_DEPTH};
pub use ids::{InvalidId, SpanId, TraceId};
pub use signal::{Signal, SignalInfo, SignalSet, UnknownSignal};
