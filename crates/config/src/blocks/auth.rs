//! `auth`: which extension gives or checks credentials.

use serde::Deserialize;

use super::NotSupported;
use crate::ComponentId;

/// `auth` of a client: the extension that gives the credentials.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configauth).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuthRef {
    /// The extension's id, such as `basicauth/client`. Mandatory.
    pub authenticator: ComponentId,
}

/// `auth` of a server: the extension that checks the credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ServerAuthRef {
    /// The extension's id. Mandatory.
    pub authenticator: ComponentId,
    /// Credentials in query parameters: not supported, since addresses end up in logs.
    #[serde(default)]
    pub request_params: NotSupported,
}
