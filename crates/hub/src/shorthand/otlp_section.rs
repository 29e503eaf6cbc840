//! Telegen's `otlp:` section: one destination for all signals, with `queues:` and `backoff:` beside it.
//!
//! ```yaml
//! otlp:
//!   endpoint: "collector:4317"   # also http(s)://host[:port][/base] and dns:///host:port
//!   protocol: grpc               # or http
//!   insecure: true               # no TLS; a scheme in the endpoint decides by itself
//!   headers: { x-tenant: a }
//!   logs: { enabled: false }
//! ```
//!
//! - TLS is on unless `insecure: true` or `http://` says otherwise; a scheme that contradicts `insecure` is an error.
//! - A signal's own `headers` replace the section's. A signal's own endpoint over HTTP is used as it is where it has a path,
//!   and gets the signal's path where it has none.
//! - Signals that share endpoint, headers and queue share an exporter, `otlp_grpc/otlp` or `otlp_http/otlp`; others get one of
//!   their own, such as `otlp_grpc/otlp_traces`.
//! - `queues` and `backoff` become `sending_queue` and `retry_on_failure`; without them the hub's own defaults count, which
//!   try for longer. Retries are bounded in time there, so `max_retries` becomes about the time that so many take.
//! - Profiles are sent only where the section has `profiles`: no backend that Telegen documents takes them.
//! - Nothing is sampled here: a `sample_rate` below 1 is an error that names the processor.

mod keys;

use std::time::Duration;

use fanlight_config::{ConfigError, Endpoint, Location, Node, Scheme, duration};
use fanlight_otlp::Signal;

use self::keys::{Backoff, Keys, PerSignal, Protocol, QueueKeys, Queues, Traces};
use super::{Lowered, Lowering, grouped, name_of, signal_list};

/// The keys at the document's top that this shorthand reads.
pub(crate) const KEYS: [&str; 3] = ["otlp", "queues", "backoff"];

/// The exporters that the section stands for; none where there is no section.
///
/// # Errors
/// A section that can't be read or contradicts itself, at the user's own line.
pub(crate) fn lower(root: &Node) -> Result<Option<Lowering>, ConfigError> {
    let [Some(node), queues, backoff] = KEYS.map(|key| root.get(key)) else {
        return match KEYS.into_iter().find(|key| root.get(key).is_some()) {
            Some(key) => Err(root.error_at(
                key,
                format!("`{key}` belongs to the `otlp` section, which is not there"),
            )),
            None => Ok(None),
        };
    };
    let section = Section {
        node,
        keys: node.decode()?,
        queues: queues.map(Node::decode).transpose()?.unwrap_or_default(),
        backoff: backoff.map(Node::decode).transpose()?,
    };
    section.check_sampling()?;
    let mut routes = Vec::new();
    for signal in Signal::ALL {
        if section.is_enabled(signal) {
            routes.push((signal, section.route(signal)?));
        }
    }
    if routes.is_empty() {
        return Err(node
            .error("every signal is turned off, so nothing would be sent")
            .hint("enable one, or leave the section out"));
    }
    let notes = section.advice(&routes);
    let groups = grouped(
        routes
            .iter()
            .map(|(signal, route)| (*signal, route.sharing(section.keys.protocol))),
    );
    let alone = groups.len() == 1;
    let exporters = groups.into_iter().map(|(_, signals)| {
        let members: Vec<&(Signal, Route)> = routes
            .iter()
            .filter(|(signal, _)| signals.contains(signal))
            .collect();
        section.exporter(&members, alone)
    });
    Ok(Some(Lowering {
        exporters: exporters.collect(),
        notes,
    }))
}

/// The section with what stands beside it.
struct Section<'a> {
    node: &'a Node,
    keys: Keys,
    queues: Queues,
    backoff: Option<Backoff>,
}

/// What one signal needs of an exporter.
struct Route {
    endpoint: Endpoint,
    /// The endpoint's own value in the document.
    source: Node,
    is_own_endpoint: bool,
    tls: bool,
    /// The signal whose own headers are sent; none where those of the section are.
    headers_of: Option<Signal>,
    queue: QueueKeys,
}

/// What signals must have in common to share an exporter.
#[derive(PartialEq)]
struct Sharing {
    endpoint: Option<String>,
    tls: bool,
    headers_of: Option<Signal>,
    queue: QueueKeys,
}

impl Route {
    /// Whether plain text has to be asked for, since no scheme does.
    fn must_say_insecure(&self) -> bool {
        !self.tls && matches!(self.endpoint.scheme(), Scheme::None | Scheme::Dns)
    }

    fn sharing(&self, protocol: Protocol) -> Sharing {
        // One HTTP exporter can send each signal to a URL of its own; a gRPC exporter has one endpoint.
        let endpoint = (protocol == Protocol::Grpc).then(|| self.endpoint.to_string());
        Sharing {
            endpoint,
            tls: self.tls,
            headers_of: self.headers_of,
            queue: self.queue.clone(),
        }
    }
}

impl Section<'_> {
    fn of(&self, signal: Signal) -> PerSignal {
        let keys = match signal {
            Signal::Traces => {
                let Traces {
                    enabled,
                    endpoint,
                    headers,
                    batch_size,
                    ..
                } = &self.keys.traces;
                return PerSignal {
                    enabled: *enabled,
                    endpoint: endpoint.clone(),
                    headers: headers.clone(),
                    batch_size: *batch_size,
                };
            }
            Signal::Metrics => &self.keys.metrics,
            Signal::Logs => &self.keys.logs,
            Signal::Profiles => &self.keys.profiles,
        };
        PerSignal {
            endpoint: keys.endpoint.clone(),
            headers: keys.headers.clone(),
            ..*keys
        }
    }

    fn is_enabled(&self, signal: Signal) -> bool {
        let default = signal != Signal::Profiles || self.node.get(signal.name()).is_some();
        self.of(signal).enabled.unwrap_or(default)
    }

    /// The value under a key of the section, or of a signal's part of it.
    fn value(&self, signal: Option<Signal>, key: &str) -> Option<&Node> {
        let map = signal.map_or(Some(self.node), |signal| self.node.get(signal.name()))?;
        map.get(key).filter(|node| !node.is_null())
    }

    fn check_sampling(&self) -> Result<(), ConfigError> {
        const KEEPS_ALL: [&str; 5] = [
            "always_on",
            "parent_based_always_on",
            "parent_based_traceidratio",
            "parentbased_traceidratio",
            "traceidratio",
        ];
        let hint = "add the processor probabilistic_sampler to a pipeline, and leave it out here";
        let error = |key: &str| {
            let traces = self.node.get("traces").unwrap_or(self.node);
            Err(traces
                .error_at(key, "nothing is sampled on the way to a destination")
                .hint(hint))
        };
        match &self.keys.traces {
            Traces {
                sample_rate: Some(rate),
                ..
            } if *rate < 1.0 => error("sample_rate"),
            Traces {
                sampler: Some(sampler),
                ..
            } if !KEEPS_ALL.contains(&sampler.as_str()) => error("sampler"),
            _ => Ok(()),
        }
    }

    fn route(&self, signal: Signal) -> Result<Route, ConfigError> {
        let own = self.of(signal);
        let is_own_endpoint = own.endpoint.is_some();
        let Some(endpoint) = own.endpoint.or_else(|| self.keys.endpoint.clone()) else {
            return Err(self
                .node
                .error("`endpoint` is missing")
                .hint("write where to send to, such as endpoint: \"collector:4317\""));
        };
        let source = self
            .value(is_own_endpoint.then_some(signal), "endpoint")
            .unwrap_or(self.node)
            .clone();
        let tls = self.uses_tls(&endpoint, &source)?;
        let mut queue = match signal {
            Signal::Traces => self.queues.traces.clone(),
            Signal::Metrics => self.queues.metrics.clone(),
            Signal::Logs => self.queues.logs.clone(),
            Signal::Profiles => QueueKeys::default(),
        };
        queue.batch_size = own.batch_size.or(queue.batch_size);
        let headers_of = own.headers.is_some().then_some(signal);
        Ok(Route {
            endpoint,
            source,
            is_own_endpoint,
            tls,
            headers_of,
            queue,
        })
    }

    /// Decides on TLS, and refuses what contradicts itself or can't be spoken to.
    fn uses_tls(&self, endpoint: &Endpoint, source: &Node) -> Result<bool, ConfigError> {
        let Keys {
            protocol,
            insecure,
            tls,
            ..
        } = &self.keys;
        let is_http = *protocol != Protocol::Grpc;
        if is_http && matches!(endpoint.scheme(), Scheme::Dns | Scheme::Unix) {
            return Err(source
                .error(format!(
                    "`{endpoint}` is for gRPC, and the protocol is HTTP"
                ))
                .hint("write http:// or https://"));
        }
        if !is_http && !endpoint.path().is_empty() && endpoint.scheme() != Scheme::Unix {
            return Err(source
                .error(format!(
                    "`{endpoint}` has a path, and gRPC endpoints have none"
                ))
                .hint("add `protocol: http`"));
        }
        match (endpoint.scheme(), insecure, tls.enabled) {
            (Scheme::Http, Some(false), _) => Err(self
                .node
                .error_at(
                    "insecure",
                    "`http://` is without TLS, and `insecure: false` asks for it",
                )
                .hint("write https://, or leave one of them out")),
            (Scheme::Https, Some(true), _) => {
                let hint =
                    "write http:// for no TLS, or tls.insecure_skip_verify for any certificate";
                Err(self
                    .node
                    .error_at(
                        "insecure",
                        "`https://` asks for TLS, and `insecure: true` for none",
                    )
                    .hint(hint))
            }
            (Scheme::Http, _, Some(true))
            | (Scheme::None | Scheme::Dns, Some(true), Some(true)) => Err(self.node.error_at(
                "tls",
                "`tls.enabled: true` asks for TLS, and the endpoint or `insecure: true` for none",
            )),
            (Scheme::None | Scheme::Dns, None, Some(false)) => {
                let error = self.node.error_at(
                    "tls",
                    "`tls.enabled: false` does not say whether to send in plain text",
                );
                Err(error
                    .hint("write `insecure: true` for plain text, or leave `enabled` out for TLS"))
            }
            (Scheme::Http | Scheme::Unix, _, _) => Ok(false),
            (Scheme::Https, _, _) => Ok(true),
            (Scheme::None | Scheme::Dns, insecure, _) => Ok(!insecure.unwrap_or(false)),
        }
    }

    /// Ports that belong to the other protocol by custom.
    fn advice(&self, routes: &[(Signal, Route)]) -> Vec<String> {
        let mut notes = Vec::new();
        for (
            _,
            Route {
                endpoint, source, ..
            },
        ) in routes
        {
            let place = source.location();
            let note = match (self.keys.protocol, endpoint.port()) {
                (Protocol::Grpc, Some(4318)) => format!(
                    "{place}: port 4318 is HTTP's by custom, but the protocol is gRPC; add `protocol: http`"
                ),
                (Protocol::Http | Protocol::HttpJson, Some(4317)) => {
                    format!("{place}: port 4317 is gRPC's by custom, but the protocol is HTTP")
                }
                _ => continue,
            };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    fn exporter(&self, members: &[&(Signal, Route)], alone: bool) -> Lowered {
        let at = self.node.location();
        let signals: Vec<Signal> = members.iter().map(|(signal, _)| *signal).collect();
        let mut entries = self.endpoints(members);
        let first = members.first().map(|(_, route)| route);
        entries.push(("signals".to_owned(), signal_list(at, &signals)));
        let passed_on = |key: &str, default: &str| {
            let node = self.value(None, key).cloned();
            (
                key.to_owned(),
                node.unwrap_or_else(|| Node::text(at.clone(), default)),
            )
        };
        entries.push(passed_on("timeout", "10s"));
        entries.push(passed_on("compression", "gzip"));
        entries.extend(
            first
                .and_then(|route| self.value(route.headers_of, "headers"))
                .map(|node| ("headers".to_owned(), node.clone())),
        );
        entries.extend(
            self.tls(first.is_some_and(Route::must_say_insecure))
                .map(|node| ("tls".to_owned(), node)),
        );
        if self.keys.protocol != Protocol::Grpc {
            entries.extend(
                self.value(None, "idle_timeout")
                    .map(|node| ("idle_conn_timeout".to_owned(), node.clone())),
            );
        }
        if self.keys.protocol == Protocol::HttpJson {
            entries.push(("encoding".to_owned(), Node::text(at.clone(), "json")));
        }
        let queue = first.map(|route| route.queue.clone()).unwrap_or_default();
        entries.extend(
            self.sending_queue(&queue)
                .map(|node| ("sending_queue".to_owned(), node)),
        );
        entries.extend(
            self.retry(queue.max_age)
                .map(|node| ("retry_on_failure".to_owned(), node)),
        );
        let kind = if self.keys.protocol == Protocol::Grpc {
            "otlp_grpc"
        } else {
            "otlp_http"
        };
        Lowered {
            id: format!("{kind}/{}", name_of("otlp", &signals, alone)),
            node: Node::map(at.clone(), entries),
            origin: format!("from the otlp section of {}", at.file),
        }
    }

    fn endpoints(&self, members: &[&(Signal, Route)]) -> Vec<(String, Node)> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        for (
            signal,
            Route {
                endpoint,
                source,
                is_own_endpoint,
                tls,
                ..
            },
        ) in members
        {
            let (key, node) = match self.keys.protocol {
                Protocol::Grpc => ("endpoint".to_owned(), source.clone()),
                Protocol::Http | Protocol::HttpJson if *is_own_endpoint => {
                    let url = match endpoint.path() {
                        "" => source.rewritten(endpoint.url(*tls, signal.info().http_path)),
                        _ => source.clone(),
                    };
                    (format!("{signal}_endpoint"), url)
                }
                Protocol::Http | Protocol::HttpJson => {
                    let with_scheme = matches!(endpoint.scheme(), Scheme::Http | Scheme::Https);
                    let node = if with_scheme {
                        source.clone()
                    } else {
                        source.rewritten(endpoint.url(*tls, ""))
                    };
                    ("endpoint".to_owned(), node)
                }
            };
            if !entries.iter().any(|(known, _)| *known == key) {
                entries.push((key, node));
            }
        }
        entries
    }

    fn tls(&self, must_say_insecure: bool) -> Option<Node> {
        let keys = &self.keys.tls;
        let files = [
            ("ca_file", &keys.ca_file),
            ("cert_file", &keys.cert_file),
            ("key_file", &keys.key_file),
        ];
        let node = self.node.get("tls");
        let written = files
            .into_iter()
            .filter(|(_, file)| !file.is_empty())
            .map(|(key, _)| key);
        let written = written.chain(keys.insecure_skip_verify.then_some("insecure_skip_verify"));
        let mut entries: Vec<(&str, Node)> = written
            .filter_map(|key| Some((key, node?.get(key)?.clone())))
            .collect();
        if self.keys.protocol == Protocol::Grpc && must_say_insecure {
            let place = self.value(None, "insecure").unwrap_or(self.node).location();
            entries.push(("insecure", Node::plain(place.clone(), "true")));
        }
        (!entries.is_empty())
            .then(|| Node::map(node.unwrap_or(self.node).location().clone(), entries))
    }

    fn sending_queue(&self, queue: &QueueKeys) -> Option<Node> {
        let at = self.node.location();
        let plain = |number: String| Node::plain(at.clone(), number);
        let mut entries = Vec::new();
        entries.extend(
            self.keys
                .max_connections
                .map(|number| ("num_consumers", plain(number.to_string()))),
        );
        if let Some(limit) = queue.mem_limit {
            entries.push(("sizer", Node::text(at.clone(), "bytes")));
            entries.push(("queue_size", plain(limit.bytes().to_string())));
            entries.push(("max_bytes", plain(limit.bytes().to_string())));
        }
        entries.extend(batch(queue, at).map(|node| ("batch", node)));
        (!entries.is_empty()).then(|| Node::map(at.clone(), entries))
    }

    fn retry(&self, max_age: Option<Duration>) -> Option<Node> {
        let at = self.node.location();
        let text =
            |duration: Duration| Node::text(at.clone(), duration::Display(duration).to_string());
        let mut entries = Vec::new();
        let mut longest = max_age;
        if let Some(backoff) = &self.backoff {
            entries.push((
                "enabled",
                Node::plain(at.clone(), (backoff.max_retries != Some(0)).to_string()),
            ));
            entries.push(("initial_interval", text(backoff.initial)));
            entries.push(("max_interval", text(backoff.max)));
            entries.push((
                "multiplier",
                Node::plain(at.clone(), backoff.multiplier.to_string()),
            ));
            entries.push((
                "randomization_factor",
                Node::plain(at.clone(), backoff.jitter.to_string()),
            ));
            let retries = backoff
                .max_retries
                .filter(|retries| *retries > 0)
                .map(|retries| backoff.time_of(retries, self.keys.timeout));
            longest = longest.into_iter().chain(retries).min();
        }
        entries.extend(longest.map(|longest| ("max_elapsed_time", text(longest))));
        (!entries.is_empty()).then(|| Node::map(at.clone(), entries))
    }
}

fn batch(queue: &QueueKeys, at: &Location) -> Option<Node> {
    let size = queue.batch_size.map(|size| size.to_string());
    let size = size.into_iter().flat_map(|size| {
        ["min_size", "max_size"].map(|key| (key, Node::plain(at.clone(), size.clone())))
    });
    let interval = queue
        .flush_interval
        .map(|interval| duration::Display(interval).to_string());
    let interval = interval.map(|interval| ("flush_timeout", Node::text(at.clone(), interval)));
    let entries: Vec<(&str, Node)> = size.chain(interval).collect();
    (!entries.is_empty()).then(|| Node::map(at.clone(), entries))
}

#[cfg(test)]
mod tests;
