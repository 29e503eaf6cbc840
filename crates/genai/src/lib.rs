//! One normal form of a call of a language model: what it used, and what that costs. It knows nothing of networks.

#[cfg(feature = "price")]
pub mod price;
mod usage;

pub use usage::Usage;
