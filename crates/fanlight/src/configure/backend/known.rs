//! Backends that are known by their address, where variables name them without saying what they are.

use fanlight_config::{Endpoint, Secret};
use fanlight_otlp::Signal;

use crate::destination::settings::Settings as Destination;

/// What is known of an address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits {
    /// What it is called, where it is known.
    name: Option<&'static str>,
    takes_only_traces: bool,
    header: Option<(&'static str, &'static str)>,
}

impl Traits {
    /// Looks at the host, and at the end of the path.
    pub(crate) fn of(endpoint: &Endpoint) -> Traits {
        let traces_only = |name| Traits {
            name: Some(name),
            takes_only_traces: true,
            header: None,
        };
        let host = endpoint.host().to_ascii_lowercase();
        let path = endpoint.path().trim_end_matches("/v1/traces");
        if path.ends_with("/api/public/otel") {
            // It answers logs with an error, and metrics with a lie.
            return Traits {
                header: Some(("x-langfuse-ingestion-version", "4")),
                ..traces_only("Langfuse")
            };
        }
        if path.ends_with("/api/v1/private/otel") {
            return traces_only("Opik");
        }
        if host == "app.phoenix.arize.com" || endpoint.port() == Some(6006) {
            return traces_only("Phoenix");
        }
        if host == "arize.com" || host.ends_with(".arize.com") {
            return traces_only("Arize");
        }
        Traits::default()
    }

    /// Whether a signal is of use there.
    pub(crate) fn takes(&self, signal: Signal) -> bool {
        signal == Signal::Traces || !self.takes_only_traces
    }

    /// Names a destination, and adds what the backend wants to be sent.
    pub(crate) fn apply(&self, destination: &mut Destination) {
        if let Some(name) = self.name {
            destination.name = name.to_owned();
        }
        let Some((name, value)) = self.header else {
            return;
        };
        for target in &mut destination.targets {
            if target.headers.get(name).is_none() {
                target.headers.insert(name, Secret::new(value));
            }
        }
    }
}
