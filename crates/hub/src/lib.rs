//! The hub: command line, loading and wiring of everything that the other crates make.
//!
//! ```text
//! cli -> sources (files, command line, environment; load, shorthand) -> graph (plan, checks) -> hub (open, run) -> report
//! ```

mod address;
mod api;
pub mod cli;
pub mod commands;
mod dashboard;
mod data_dir;
mod endpoints;
mod graph;
mod hub;
mod hub_status;
mod llm;
mod load;
mod logging;
mod report;
mod sample;
mod settings;
mod shorthand;
mod signals;
mod sources;
mod status_page;
mod tables;
mod terminal;
