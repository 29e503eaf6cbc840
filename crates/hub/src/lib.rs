//! The hub: command line, loading and wiring of everything that the other crates make.
//!
//! ```text
//! cli -> sources (files, command line, environment; load, shorthand) -> graph (plan, checks) -> hub (open, run) -> report
//! ```

pub mod load;
pub mod shorthand;
