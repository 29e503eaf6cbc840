//! HTTP/1.1 and HTTP/2, as a server and as a client.

mod client;
mod cors;
mod dial;
mod handler;
mod hosts;
mod server;

pub use crate::connect::Stream;
pub(crate) use client::encoding;
pub use client::{Answer, HttpClient, no_answer, pool};
pub use dial::{DialError, Dialer};
pub use handler::{Handler, Tower, text};
pub use hosts::{Hosts, Stranger, same_site};
pub use server::{Drain, MAX_CONNECTIONS, Server};

use fanlight_config::Headers;
use fanlight_pipeline::BuildError;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Configured headers, their values marked as not to be shown.
pub(crate) fn header_map(headers: &Headers) -> Result<HeaderMap, BuildError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        let invalid = |part: &str| {
            BuildError::new(format!(
                "header `{name}` can't be sent: its {part} is not allowed"
            ))
        };
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("name"))?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| invalid("value"))?;
        value.set_sensitive(true);
        map.insert(parsed, value);
    }
    Ok(map)
}
