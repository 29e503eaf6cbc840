//! OTLP/JSON, in and out.
//!
//! The mapping is proto3's JSON with [OTLP's exceptions](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding):
//! ids are hexadecimal, enums are numbers. 64-bit integers are strings; numbers are read too, and so are names of enum
//! values and the `snake_case` names of fields. Unknown keys are ignored, `null` is the same as absent.
//!
//! [`write_plain_value`] and [`write_plain_attributes`] are for people and queries instead: plain JSON without types.

mod read;
mod write;

pub use read::{JsonError, read};
pub use write::{to_vec, write, write_plain_attributes, write_plain_value, write_value};
