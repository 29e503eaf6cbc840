//! Blocks that are there as soon as their key is.

use serde::{Deserialize, Deserializer};

/// Reads a block for which the key alone is enough: `grpc:` with nothing behind it is `Some` with all defaults.
///
/// For a field `Option<Block>` in a struct with `#[serde(default)]`; without this function null is `None`:
/// `#[serde(default, deserialize_with = "fanlight_config::present")]`.
///
/// # Errors
/// Those of the block.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
