//! Statuses: what a refusal looks like on the wire, and what an answer from a backend means.
//!
//! Both directions follow the OTLP specification
//! ([gRPC](https://opentelemetry.io/docs/specs/otlp/#failures), [HTTP](https://opentelemetry.io/docs/specs/otlp/#failures-1)):
//! retryable are HTTP 429, 502, 503, 504 and gRPC `CANCELLED`, `DEADLINE_EXCEEDED`, `ABORTED`, `OUT_OF_RANGE`,
//! `UNAVAILABLE`, `DATA_LOSS`; `RESOURCE_EXHAUSTED` only where the server says when to come back. A request that is too large
//! (413, or gRPC's words for it) may be sent in smaller ones.

mod advice;
mod answer;
mod code;
mod failure;

pub use advice::Advice;
pub use answer::{grpc_outcome, http_outcome, retry_after};
pub use code::Code;
pub use failure::{BodyFormat, Failure};
