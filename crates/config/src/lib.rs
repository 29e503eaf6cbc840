//! Configuration documents: positions, expansion, strict decoding and the blocks components share.

mod advice;
pub mod blocks;
mod component_id;
mod document;
mod environment;
mod error;
mod secret;

pub use advice::nearest;
pub use component_id::{ComponentId, InvalidComponentId};
pub use document::{Document, Node};
pub use environment::Environment;
pub use error::{ConfigError, Location};
pub use secret::Secret;
