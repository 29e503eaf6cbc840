//! The LLM proxy: a call of a language model goes through it untouched, and comes out as a span.
//!
//! Nothing that happens here changes what client and upstream say to each other, and recording never makes either wait: what
//! can't be recorded in time is dropped and counted, and the call goes on.

mod address;
mod body;
mod config;
mod forward;
mod guard;
mod headers;
mod keys;
mod page;
mod problem;
mod provider;
mod receiver;
mod record;
mod redact;
mod refusals;
mod routes;
mod signing;
mod translate;
mod tunnel;
mod upstream;
mod usage;

use fanlight_pipeline::ReceiverKind;

/// The receiver types of this crate.
pub const RECEIVERS: &[&ReceiverKind] = &[&config::KIND];
