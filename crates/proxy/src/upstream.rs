//! Hosts of providers and the connections to them.
//!
//! A connection has no task of its own: whoever waits for an answer drives it, and between two answers nobody does. One call
//! is therefore one task from the client's socket to the upstream's, without a hand-over between threads.

mod base;
mod pool;

pub(crate) use base::{Base, InvalidBase};
pub(crate) use pool::{Answer, Lease, Origin, Pool, SendError};
