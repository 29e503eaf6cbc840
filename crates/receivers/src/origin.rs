//! Where batches come from, as receivers that are told to remember it note it down.

use std::sync::Arc;

use fanlight_otlp::Origin;
use http::HeaderMap;

/// The caller's headers as a batch's origin, where the configuration asks for them. Credentials stay at the door.
pub(crate) fn origin(include_metadata: bool, headers: &HeaderMap) -> Option<Arc<Origin>> {
    if !include_metadata {
        return None;
    }
    let kept = headers
        .iter()
        .filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
    let text = kept.filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    Some(Arc::new(Origin {
        metadata: text.collect(),
        ..Origin::default()
    }))
}

/// Headers that say who the caller is to us: nobody further on may see them.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];
