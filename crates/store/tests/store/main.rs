//! What the store promises, through its public interface, with requests made of the `prost` types of
//! `opentelemetry-proto`.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![expect(
    clippy::too_many_lines,
    reason = "a message with every field set is long"
)]

mod answers;
mod crash;
mod exporter;
mod live;
mod llm;
mod merging;
mod opening;
mod partitions;
mod queries;
mod requests;
mod retention;
mod round_trip;
mod sql;
