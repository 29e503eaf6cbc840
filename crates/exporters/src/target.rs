//! Where an exporter over HTTP sends to, made from an `endpoint` of its configuration.

use fanlight_config::blocks::HttpClient;
use fanlight_config::{ConfigError, Endpoint, InvalidEndpoint, Node, Scheme};
use fanlight_pipeline::{Destination, Peer};
use http::Uri;
use http::uri::InvalidUri;

/// A URL, and what people and the pipeline are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The whole URL.
    pub(crate) url: Uri,
    /// The URL without its query, which may hold a key.
    pub(crate) shown: String,
    /// Who is connected to.
    pub(crate) peer: Peer,
}

/// An endpoint that nothing can be sent to over HTTP.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTarget {
    /// It is a Unix socket or a name to look up.
    #[error("the endpoint is no URL of http or https")]
    NotHttp,
    /// It and `tls.insecure` exclude each other; the message says what to do.
    #[error(transparent)]
    Contradiction(#[from] InvalidEndpoint),
    /// It has characters that no URL has.
    #[error("the endpoint is not a URL: {0}")]
    NotUrl(#[from] InvalidUri),
}

impl Target {
    /// The URL of a path below an endpoint; an empty path gives the endpoint itself. `insecure` is that of the `tls` block.
    ///
    /// # Errors
    /// When it is not reached over HTTP.
    pub(crate) fn new(
        endpoint: &Endpoint,
        insecure: bool,
        path: &str,
    ) -> Result<Target, InvalidTarget> {
        if matches!(endpoint.scheme(), Scheme::Unix | Scheme::Dns) {
            return Err(InvalidTarget::NotHttp);
        }
        let tls = endpoint.uses_tls(insecure)?;
        let url = endpoint.url(tls, path);
        Ok(Target {
            shown: url.split('?').next().unwrap_or_default().to_owned(),
            url: url.parse()?,
            peer: Peer {
                host: endpoint.host().to_owned(),
                port: endpoint.port_or_default(tls),
            },
        })
    }

    /// The `endpoint` of a client, which has to have one, and below it what `path` says of it. `example` is an endpoint
    /// that would do.
    ///
    /// # Errors
    /// When there is none, or it is not reached over HTTP.
    pub(crate) fn of_client<'p>(
        node: &Node,
        client: &HttpClient,
        example: &str,
        path: impl FnOnce(&Endpoint) -> &'p str,
    ) -> Result<Target, ConfigError> {
        let Some(endpoint) = &client.endpoint else {
            let error = node.error_at("endpoint", "there is no endpoint to send to");
            return Err(error.hint(format!("write endpoint: {example}")));
        };
        Target::new(endpoint, client.tls.insecure, path(endpoint))
            .map_err(|error| error.at(node, "endpoint", example))
    }

    /// As the only one of an exporter; `how` is what is spoken there.
    pub(crate) fn destination(&self, how: &str) -> Destination {
        Destination {
            text: format!("{} ({how})", self.shown),
            peers: vec![self.peer.clone()],
        }
    }

    /// The same with more in its query, which is not shown.
    ///
    /// # Errors
    /// When that has characters that no URL has.
    pub(crate) fn with_query(mut self, query: &str) -> Result<Target, InvalidTarget> {
        let separator = if self.url.query().is_some() { '&' } else { '?' };
        self.url = format!("{}{separator}{query}", self.url).parse()?;
        Ok(self)
    }
}

/// The path of an endpoint that has none of its own.
pub(crate) fn usual_path<'p>(path: &'p str) -> impl FnOnce(&Endpoint) -> &'p str {
    move |endpoint| if endpoint.path().is_empty() { path } else { "" }
}

/// Whom several targets are at, each once.
pub(crate) fn peers<'t>(targets: impl IntoIterator<Item = &'t Target>) -> Vec<Peer> {
    let mut peers = Vec::new();
    for target in targets {
        if !peers.contains(&target.peer) {
            peers.push(target.peer.clone());
        }
    }
    peers
}

impl InvalidTarget {
    /// The error of a key; `example` is what could stand there.
    pub(crate) fn at(&self, node: &Node, key: &str, example: &str) -> ConfigError {
        let error = node.error_at(key, self.to_string());
        match self {
            InvalidTarget::Contradiction(_) => error,
            _ => error.hint(format!("write {key}: {example}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    fn target(yaml: &str) -> Result<Target, ConfigError> {
        let node = node(yaml);
        let client = node.decode().unwrap();
        Target::of_client(&node, &client, "http://h:1/in", usual_path("/in"))
    }

    #[test]
    fn a_url_is_shown_without_its_query() {
        let target = target("endpoint: 'https://h/a?key=hunter2'").unwrap();
        assert_eq!(target.url, "https://h/a?key=hunter2");
        assert_eq!(target.shown, "https://h/a");
        let more = target.with_query("b=1").unwrap();
        assert_eq!(more.url, "https://h/a?key=hunter2&b=1");
        assert_eq!((more.peer.host.as_str(), more.peer.port), ("h", 443));
    }

    #[test]
    fn the_usual_path_is_for_endpoints_without_one() {
        for (endpoint, expected) in [
            ("http://h:1", "http://h:1/in"),
            ("http://h:1/", "http://h:1/in"),
            ("http://h:1/own", "http://h:1/own"),
            ("h:1", "https://h:1/in"),
        ] {
            let target = target(&format!("endpoint: '{endpoint}'")).unwrap();
            assert_eq!(target.url, expected, "{endpoint}");
        }
    }

    #[test]
    fn what_is_no_target_says_why_and_what_to_do() {
        let example = Some("write endpoint: http://h:1/in");
        for (yaml, message, hint) in [
            ("{}", "there is no endpoint to send to", example),
            ("endpoint: unix:/run/x", "no URL of http or https", example),
            ("endpoint: dns:///h:1", "no URL of http or https", example),
            ("endpoint: 'http://h/<x>'", "not a URL", example),
            (
                "{endpoint: 'https://h', tls: {insecure: true}}",
                "asks for TLS",
                None,
            ),
        ] {
            let error = target(yaml).unwrap_err();
            assert!(error.message.contains(message), "{yaml}: {error}");
            assert_eq!(error.hint.as_deref(), hint, "{yaml}");
        }
    }

    #[test]
    fn peers_are_named_once() {
        let target = |text: &str| Target::new(&text.parse().unwrap(), false, "").unwrap();
        let targets = [
            target("http://a/1"),
            target("http://b/1"),
            target("http://a/2"),
        ];
        let hosts: Vec<String> = peers(&targets).into_iter().map(|peer| peer.host).collect();
        assert_eq!(hosts, ["a", "b"]);
    }
}
