//! What the store promises, through its public interface, with requests made of the `prost` types of
//! `opentelemetry-proto`.

mod crash;
mod live;
mod merging;
mod opening;
mod queries;
mod requests;
mod retention;
mod round_trip;
