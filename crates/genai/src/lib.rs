//! One normal form of a call of a language model: what was said, what it used, and what that costs. It knows nothing of networks.
//!
//! | Feature | What it adds |
//! |---|---|
//! | `call` | `LlmCall`, the normal form, whose JSON is camelCase; and reading it from the requests and answers of providers' interfaces, whole or as they stream in |
//! | `spans` | reading it from spans and log records, in every dialect that instrumentations speak |
//! | `price` | what calls cost, by a table of list prices |
//!
//! Nothing here fails for what others wrote: a value that is not what it should be leaves its field empty.

#[cfg(feature = "call")]
pub mod api;
#[cfg(feature = "call")]
mod call;
mod dollars;
#[cfg(feature = "call")]
mod json;
#[cfg(feature = "call")]
mod messages;
#[cfg(feature = "price")]
pub mod price;
#[cfg(feature = "spans")]
pub mod spans;
#[cfg(feature = "call")]
mod tally;
mod usage;

#[cfg(feature = "call")]
pub use call::{
    Agent, Counts, Kind, LlmCall, MAPPING_VERSION, Message, Parameters, Part, ReportedCost, Tool,
    ToolDefinition,
};
pub use dollars::Dollars;
pub use usage::Usage;
