//! The blocks that many components share. Names, meanings and defaults are the OpenTelemetry Collector's.

mod queue;

pub use queue::{Batching, Queue, Retry, Sizer};
