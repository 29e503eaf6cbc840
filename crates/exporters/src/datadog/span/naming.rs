//! What a span's operation, resource and type are called.
//!
//! Operations are today's
//! [names](https://docs.datadoghq.com/opentelemetry/migrate/migrate_operation_names/) (`http.server.request`,
//! `postgresql.query`); where `span_name_remappings` or `span_name_as_resource_name` is set, the older ones that these keys
//! speak of (scope and kind).

use std::collections::{BTreeMap, HashMap};

use fanlight_formats::datadog::Span;
use fanlight_otlp::view::{ScopeView, SpanView};

use crate::http_call;
use crate::span_words::kind_in_lower_case;

const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// How operations are named.
#[derive(Clone, Debug, Default)]
pub(in crate::datadog) struct Naming {
    /// Other names for older names.
    pub(in crate::datadog) remappings: HashMap<String, String>,
    /// Use the span's name as it is.
    pub(in crate::datadog) span_name: bool,
}

impl Naming {
    /// The operation, not yet normalized.
    pub(super) fn operation(
        &self,
        out: &Span,
        span: &SpanView<'_>,
        scope: &ScopeView<'_>,
    ) -> String {
        if self.remappings.is_empty() && !self.span_name {
            return operation(&out.meta, span.kind);
        }
        let name = match (self.span_name, scope.name) {
            (true, _) => span.name.to_owned(),
            (false, "") => format!("opentelemetry.{}", kind_in_lower_case(span.kind)),
            (false, scope) => format!("{scope}.{}", kind_in_lower_case(span.kind)),
        };
        self.remappings.get(&name).cloned().unwrap_or(name)
    }
}

fn first<'a>(meta: &'a BTreeMap<String, String>, keys: &[&str]) -> Option<&'a str> {
    let found = keys.iter().filter_map(|key| meta.get(*key));
    found.map(String::as_str).find(|value| !value.is_empty())
}

fn operation(meta: &BTreeMap<String, String>, kind: i32) -> String {
    let (client, server) = (kind == CLIENT, kind == SERVER);
    let side = if client { "client" } else { "server" };
    if (client || server) && first(meta, http_call::METHOD).is_some() {
        return format!("http.{side}.request");
    }
    if client && let Some(system) = first(meta, &["db.system", "db.system.name"]) {
        return format!("{system}.query");
    }
    let system = first(meta, &["messaging.system"]);
    let done = first(meta, &["messaging.operation", "messaging.operation.type"]);
    if let (Some(system), Some(done), 2..=5) = (system, done, kind) {
        return format!("{system}.{done}");
    }
    match first(meta, &["rpc.system"]) {
        Some("aws-api") if client => {
            return match first(meta, &["rpc.service"]) {
                Some(service) => format!("aws.{service}.request"),
                None => "aws.client.request".to_owned(),
            };
        }
        Some(system) if client || server => return format!("{system}.{side}.request"),
        _ => {}
    }
    let (provider, function) = (
        first(meta, &["faas.invoked_provider"]),
        first(meta, &["faas.invoked_name"]),
    );
    if let (Some(provider), Some(function), true) = (provider, function, client) {
        return format!("{provider}.{function}.invoke");
    }
    if server && let Some(trigger) = first(meta, &["faas.trigger"]) {
        return format!("{trigger}.invoke");
    }
    if first(meta, &["graphql.operation.type"]).is_some() {
        return "graphql.server.request".to_owned();
    }
    match (first(meta, &["network.protocol.name"]), client || server) {
        (Some(protocol), true) => format!("{protocol}.{side}.request"),
        (None, true) => format!("{side}.request"),
        (_, false) if kind == 0 => "internal".to_owned(),
        (_, false) => kind_in_lower_case(kind).to_owned(),
    }
}

/// The resource: what the operation was done to, of few values.
pub(super) fn resource(out: &Span, span: &SpanView<'_>) -> String {
    let meta = &out.meta;
    let with = |what: &str, of: Option<&str>| match of {
        Some(of) => format!("{what} {of}"),
        None => what.to_owned(),
    };
    if let Some(method) = first(meta, http_call::METHOD) {
        let method = if method == "_OTHER" { "HTTP" } else { method };
        let route = first(meta, &["http.route"]).filter(|_| span.kind == SERVER);
        return with(method, route);
    }
    if let Some(done) = first(meta, &["messaging.operation", "messaging.operation.type"]) {
        let queue = ["messaging.destination.name", "messaging.destination"];
        return with(done, first(meta, &queue));
    }
    if let Some(method) = first(meta, &["rpc.method"]) {
        return with(method, first(meta, &["rpc.service"]));
    }
    if let Some(kind) = first(meta, &["graphql.operation.type"]) {
        return with(kind, first(meta, &["graphql.operation.name"]));
    }
    span.name.to_owned()
}

/// The type of the service that was called or that serves.
pub(super) fn span_type(meta: &BTreeMap<String, String>, kind: i32) -> &'static str {
    match (kind, first(meta, &["db.system", "db.system.name"])) {
        (SERVER, _) => "web",
        (CLIENT, Some("redis" | "memcached")) => "cache",
        (CLIENT, Some(_)) => "db",
        (CLIENT, None) => "http",
        _ => "custom",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn operations_are_named_by_what_was_done() {
        for (pairs, kind, expected) in [
            (
                [("http.request.method", "GET")].as_slice(),
                2,
                "http.server.request",
            ),
            (&[("http.method", "GET")], 3, "http.client.request"),
            (&[("db.system", "postgresql")], 3, "postgresql.query"),
            (
                &[
                    ("messaging.system", "kafka"),
                    ("messaging.operation.type", "publish"),
                ],
                4,
                "kafka.publish",
            ),
            (&[("rpc.system", "grpc")], 2, "grpc.server.request"),
            (
                &[("rpc.system", "aws-api"), ("rpc.service", "S3")],
                3,
                "aws.S3.request",
            ),
            (&[("faas.trigger", "timer")], 2, "timer.invoke"),
            (
                &[("network.protocol.name", "amqp")],
                3,
                "amqp.client.request",
            ),
            (&[], 3, "client.request"),
            (&[], 1, "internal"),
            (&[], 0, "internal"),
            (&[], 5, "consumer"),
        ] {
            assert_eq!(operation(&meta(pairs), kind), expected, "{pairs:?}");
        }
    }

    #[test]
    fn resources_never_hold_a_statement() {
        let out = |pairs: &[(&str, &str)]| Span {
            meta: meta(pairs),
            ..Span::default()
        };
        let mut span = SpanView::default();
        (span.name, span.kind) = ("SELECT stock", SERVER);
        for (pairs, expected) in [
            (
                [("http.method", "GET"), ("http.route", "/a/{b}")].as_slice(),
                "GET /a/{b}",
            ),
            (
                &[("rpc.method", "Get"), ("rpc.service", "Stock")],
                "Get Stock",
            ),
            (
                &[("db.system", "mysql"), ("db.query.text", "SELECT 'secret'")],
                "SELECT stock",
            ),
        ] {
            assert_eq!(resource(&out(pairs), &span), expected, "{pairs:?}");
        }
    }
}
