//! Where a hub takes telemetry and calls of language models, as it says itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::api::{Api, Problem};
use crate::dashboard::DashboardReceiver;

/// The id of the LLM proxy among the receivers.
const PROXY: &str = "llm_proxy";

/// Where a hub listens, as addresses that programs on this machine can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// OTLP.
    pub otlp: Otlp,
    /// The LLM proxy; none where it is off.
    pub proxy: Option<String>,
}

/// An OTLP receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Otlp {
    /// The base address.
    pub url: String,
    /// As `OTEL_EXPORTER_OTLP_PROTOCOL` has it.
    pub protocol: &'static str,
}

/// `/api/status`, as far as it is needed.
#[derive(Deserialize)]
struct Status {
    listening: Vec<Listener>,
}

#[derive(Deserialize)]
struct Listener {
    component: String,
    protocol: String,
    address: String,
    tls: bool,
}

impl Endpoints {
    /// What a hub without a configuration listens on.
    pub(crate) fn usual() -> Endpoints {
        Endpoints {
            otlp: Otlp {
                url: "http://127.0.0.1:4318".to_owned(),
                protocol: "http/protobuf",
            },
            proxy: Some("http://127.0.0.1:8080".to_owned()),
        }
    }

    /// What a running hub says.
    ///
    /// # Errors
    /// When it says nothing, or takes no OTLP.
    pub(crate) async fn of(api: &Api) -> Result<Endpoints, Problem> {
        let status: Status = api.get("/api/status", &[]).await?;
        Endpoints::among(&status.listening).ok_or_else(|| {
            Problem::new("the hub takes no OTLP").hint("give its configuration the receiver otlp")
        })
    }

    /// OTLP/HTTP is taken before gRPC, and a receiver of its own before the dashboard's port, which may want a token.
    fn among(listening: &[Listener]) -> Option<Endpoints> {
        let otlp = |protocol: &str, dashboard: bool| {
            listening
                .iter()
                .find(|one| {
                    one.protocol == protocol
                        && (one.component == DashboardReceiver::ID) == dashboard
                })
                .map(Listener::url)
        };
        let http = || otlp("OTLP/HTTP", false);
        let grpc = || otlp("OTLP/gRPC", false);
        let found = match (http(), grpc()) {
            (Some(url), _) => (url, "http/protobuf"),
            (None, Some(url)) => (url, "grpc"),
            (None, None) => (otlp("OTLP/HTTP", true)?, "http/protobuf"),
        };
        let is_proxy = |one: &&Listener| one.component.split('/').next() == Some(PROXY);
        Some(Endpoints {
            otlp: Otlp {
                url: found.0,
                protocol: found.1,
            },
            proxy: listening.iter().find(is_proxy).map(Listener::url),
        })
    }
}

impl Listener {
    /// An address of all interfaces is this machine's as well.
    fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        match self.address.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_unspecified() => {
                let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
                format!("{scheme}://{here}")
            }
            _ => format!("{scheme}://{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(component: &str, protocol: &str, address: &str) -> Listener {
        Listener {
            component: component.to_owned(),
            protocol: protocol.to_owned(),
            address: address.to_owned(),
            tls: false,
        }
    }

    #[test]
    fn the_receiver_is_taken_before_the_dashboard_and_http_before_grpc() {
        let mut all = vec![
            listener(DashboardReceiver::ID, "OTLP/HTTP", "127.0.0.1:3000"),
            listener("otlp", "OTLP/gRPC", "127.0.0.1:4317"),
            listener("otlp", "OTLP/HTTP", "0.0.0.0:4318"),
            listener("llm_proxy/team", "LLM", "[::]:8080"),
        ];
        let urls = |all: &[Listener]| {
            let found = Endpoints::among(all).unwrap();
            (found.otlp.url, found.otlp.protocol, found.proxy)
        };
        let (url, protocol, proxy) = urls(&all);
        assert_eq!(
            (&*url, protocol),
            ("http://127.0.0.1:4318", "http/protobuf")
        );
        assert_eq!(proxy.as_deref(), Some("http://127.0.0.1:8080"));
        all.truncate(2);
        let (url, protocol, proxy) = urls(&all);
        assert_eq!(
            (&*url, protocol, proxy),
            ("http://127.0.0.1:4317", "grpc", None)
        );
        all.truncate(1);
        assert_eq!(urls(&all).0, "http://127.0.0.1:3000");
        assert_eq!(Endpoints::among(&[]), None);
    }
}
