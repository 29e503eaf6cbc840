//! The table of all extensions.

use fanlight_pipeline::ExtensionKind;

use crate::{basic_auth, bearer_token_auth, file_storage, health_check};

/// Every extension type of this crate.
pub const EXTENSIONS: &[&ExtensionKind] = &[
    &health_check::KIND,
    &file_storage::KIND,
    &basic_auth::KIND,
    &bearer_token_auth::KIND,
];
