//! The graph through its public face: what is accepted is delivered, whatever one destination does.

mod batching;
mod delivery;
mod disk;
mod isolation;
mod plan;
mod shutdown;
mod support;
