//! Opening connections for components that speak HTTP on them by themselves.

use std::net::IpAddr;

use fanlight_config::blocks::TlsClient;
use fanlight_pipeline::BuildError;
use http::Uri;

use crate::connect::{ConnectError, Connector, Stream};
use crate::tls;

/// Opens connections to any URL: names are looked up, `TCP_NODELAY` is set, and `https` is TLS for HTTP/1.1.
#[derive(Clone, Debug)]
pub struct Dialer(Connector);

/// A connection could not be opened: where to, and why.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DialError {
    message: String,
    is_timeout: bool,
}

impl Dialer {
    /// Names that lead only to addresses other than these are refused. An address that stands in a URL is not checked.
    /// Without TLS, `https` is refused.
    ///
    /// # Errors
    /// When the TLS material can't be used.
    pub fn new(
        tls: Option<&TlsClient>,
        may_reach: fn(IpAddr) -> bool,
    ) -> Result<Dialer, BuildError> {
        let config = tls.map(|tls| tls::client_config(tls, &[b"http/1.1"]));
        let connector = Connector::new(config.transpose()?, None, None, false);
        Ok(Dialer(connector.only_to(may_reach)))
    }

    /// Opens a connection to the host of a URL.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn dial(&self, url: &Uri) -> Result<Stream, DialError> {
        self.0
            .clone()
            .connect(url.clone())
            .await
            .map_err(Into::into)
    }
}

impl DialError {
    /// Whether nobody answered in time.
    pub fn is_timeout(&self) -> bool {
        self.is_timeout
    }
}

impl From<ConnectError> for DialError {
    fn from(error: ConnectError) -> DialError {
        DialError {
            is_timeout: error.is_timeout,
            message: error.to_string(),
        }
    }
}
