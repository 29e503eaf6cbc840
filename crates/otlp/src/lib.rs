//! The OTLP wire: signals, validated batches, borrowed views, editing and OTLP/JSON.

mod batch;
mod decode;
mod signal;

pub use batch::{Batch, Origin};
pub use decode::DecodeError;
pub use signal::{Signal, SignalInfo, SignalSet, UnknownSignal};
