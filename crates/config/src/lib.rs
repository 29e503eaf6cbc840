//! Configuration documents: positions, expansion, strict decoding and the blocks components share.
//!
//! A configuration either means what its author wrote or is refused with the file, the line, the key and the nearest
//! valid key. Nothing here reads the process: the environment comes in as a value ([`Environment`]). The only thing
//! read from the machine is a file that a document names itself, with `${file:path}`.
//!
//! ```text
//! text --Document::parse--> Document (Nodes with places, `${...}` expanded)
//!      --Document::merge--> one Document --Node::decode--> typed configuration
//! ```

pub mod blocks;
mod byte_size;
mod component_id;
#[cfg(feature = "file")]
mod decode;
#[cfg(feature = "file")]
mod document;
pub mod duration;
mod endpoint;
pub mod env_vars;
mod environment;
mod error;
#[cfg(feature = "file")]
mod expand;
mod headers;
mod listen_address;
mod present;
mod secret;
mod suggest;
#[cfg(feature = "file")]
mod yaml;

pub use byte_size::{ByteSize, InvalidByteSize};
pub use component_id::{ComponentId, InvalidComponentId};
#[cfg(feature = "file")]
pub use document::{Document, Node};
pub use endpoint::{Endpoint, InvalidEndpoint, Scheme};
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors, Location};
pub use headers::{HeaderProblem, Headers, percent_decoded};
pub use listen_address::{InvalidListenAddress, ListenAddress};
pub use present::present;
pub use secret::Secret;
pub use suggest::nearest;
