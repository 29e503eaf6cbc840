//! Capabilities that other components use: health, credentials, queue storage.

use fanlight_pipeline::ExtensionKind;

/// Every extension type of this crate.
pub const EXTENSIONS: &[&ExtensionKind] = &[];
