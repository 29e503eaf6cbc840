//! Where telemetry goes and whose it is: a connection string, or a key and an endpoint.
//!
//! [Source](https://learn.microsoft.com/azure/azure-monitor/app/connection-strings). Messages never repeat the string.

use std::collections::BTreeMap;

use fanlight_config::Endpoint;

/// The variable that goes before the configuration, as in the Collector and in Azure's own SDKs.
pub(super) const VARIABLE: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";
/// Where telemetry goes when nothing says where.
pub(super) const DEFAULT_ENDPOINT: &str = "https://dc.services.visualstudio.com";
/// A connection string is no longer than this, in characters.
const LONGEST: usize = 4096;

/// What a connection string says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Connection {
    /// Whose telemetry it is.
    pub(super) instrumentation_key: String,
    /// Where it goes.
    pub(super) endpoint: Endpoint,
}

/// There is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidConnection {
    /// Nothing is configured.
    #[error("there is no connection string")]
    Missing,
    /// It is not a connection string at all.
    #[error("the connection string is longer than {LONGEST} characters")]
    TooLong,
    /// A part is not `Key=value`.
    #[error("part {0} of the connection string is not of the form Key=value")]
    NoPair(usize),
    /// The key is not in it.
    #[error("the connection string has no InstrumentationKey")]
    NoKey,
    /// The endpoint is none.
    #[error("the ingestion endpoint can't be used: {0}")]
    Endpoint(String),
}

impl Connection {
    /// A connection string wins over the other two.
    pub(super) fn new(
        connection_string: &str,
        instrumentation_key: &str,
        endpoint: Option<&Endpoint>,
    ) -> Result<Connection, InvalidConnection> {
        if !connection_string.is_empty() {
            return Connection::parse(connection_string);
        }
        if instrumentation_key.is_empty() {
            return Err(InvalidConnection::Missing);
        }
        let endpoint = match endpoint {
            Some(endpoint) => endpoint.clone(),
            None => read_endpoint(DEFAULT_ENDPOINT)?,
        };
        Ok(Connection {
            instrumentation_key: instrumentation_key.to_owned(),
            endpoint,
        })
    }

    fn parse(text: &str) -> Result<Connection, InvalidConnection> {
        if text.chars().nth(LONGEST).is_some() {
            return Err(InvalidConnection::TooLong);
        }
        let mut values = BTreeMap::new();
        let parts = text.split(';').map(str::trim).enumerate();
        for (index, part) in parts.filter(|(_, part)| !part.is_empty()) {
            match part.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    values.insert(key.trim().to_ascii_lowercase(), value.trim());
                }
                _ => return Err(InvalidConnection::NoPair(index + 1)),
            }
        }
        let value = |key: &str| values.get(key).copied().filter(|value| !value.is_empty());
        let key = value("instrumentationkey").ok_or(InvalidConnection::NoKey)?;
        let endpoint = match (value("ingestionendpoint"), value("endpointsuffix")) {
            (Some(endpoint), _) => endpoint.to_owned(),
            (None, Some(suffix)) => {
                let location = value("location").map(|location| format!("{location}."));
                format!("https://{}dc.{suffix}", location.unwrap_or_default())
            }
            (None, None) => DEFAULT_ENDPOINT.to_owned(),
        };
        Ok(Connection {
            instrumentation_key: key.to_owned(),
            endpoint: read_endpoint(&endpoint)?,
        })
    }
}

fn read_endpoint(text: &str) -> Result<Endpoint, InvalidConnection> {
    text.parse()
        .map_err(|error| InvalidConnection::Endpoint(format!("{error}")))
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("instrumentation_key", &"[REDACTED]")
            .field("endpoint", &self.endpoint)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, String> {
        let connection = Connection::new(text, "", None).map_err(|error| error.to_string())?;
        Ok(connection.endpoint.url(true, "/v2.1/track"))
    }

    #[test]
    fn connection_strings_are_read_as_azure_gives_them() {
        assert_eq!(
            url(
                "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;LiveEndpoint=https://westeurope.livediagnostics.monitor.azure.com/;ApplicationId=1"
            ),
            Ok("https://westeurope-5.in.applicationinsights.azure.com/v2.1/track".to_owned())
        );
        assert_eq!(
            url("instrumentationkey = k ;"),
            Ok("https://dc.services.visualstudio.com/v2.1/track".to_owned())
        );
        assert_eq!(
            url("InstrumentationKey=k;EndpointSuffix=applicationinsights.azure.cn;Location=china"),
            Ok("https://china.dc.applicationinsights.azure.cn/v2.1/track".to_owned())
        );
    }

    #[test]
    fn mistakes_are_told_without_the_string() {
        assert_eq!(url(""), Err("there is no connection string".to_owned()));
        assert_eq!(
            url("InstrumentationKey=secret;nonsense"),
            Err("part 2 of the connection string is not of the form Key=value".to_owned())
        );
        assert_eq!(
            url("IngestionEndpoint=https://host"),
            Err("the connection string has no InstrumentationKey".to_owned())
        );
        assert!(url(&format!("InstrumentationKey={}", "k".repeat(5000))).is_err());
        let debugged = format!(
            "{:?}",
            Connection::new("InstrumentationKey=secret", "", None)
        );
        assert!(!debugged.contains("secret"), "{debugged}");
    }
}
