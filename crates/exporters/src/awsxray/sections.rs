//! The sections of a segment that are made from attributes: `http`, `sql`, `aws`, `service`.
//!
//! Names follow the semantic conventions, those of today before those of yesterday.
//! [Source](https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html).

use std::borrow::Cow;

use fanlight_otlp::view::{SpanView, Value};

use super::attributes::Known;
use super::segment::SpanKind;
use crate::http_call;
use crate::json_object::{JsonArray, JsonObject, front};

/// Attributes by which a span tells that it is about HTTP.
const HTTP: [&[&str]; 4] = [
    http_call::METHOD,
    http_call::STATUS,
    http_call::URL,
    &["http.target", "http.host", "http.scheme"],
];

/// Database systems that speak SQL, as X-Ray's `sql` section is for those only.
const SQL: [&str; 15] = [
    "db2",
    "derby",
    "hive",
    "ibm.db2",
    "mariadb",
    "microsoft.sql_server",
    "mssql",
    "mysql",
    "oracle",
    "oracle.db",
    "other_sql",
    "postgresql",
    "sqlite",
    "teradata",
    "trino",
];

/// The status that a span of HTTP was answered with.
pub(super) fn status_code(known: &Known<'_>) -> Option<i64> {
    match known.get(http_call::STATUS)? {
        Value::Int(status) => Some(status),
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn http(
    segment: &mut JsonObject<'_>,
    known: &mut Known<'_>,
    span: &SpanView<'_>,
    longest: usize,
) {
    if !HTTP.iter().any(|keys| known.has(keys)) {
        return;
    }
    segment.some_object("http", |http| {
        http.some_object("request", |request| {
            if let Some(method) = known.take_text(http_call::METHOD) {
                request.text("method", method);
            }
            if let Some(url) = url(known, span) {
                request.text("url", front(&url, longest));
            }
            if let Some(agent) = known.take_text(&["user_agent.original", "http.user_agent"]) {
                request.text("user_agent", front(agent, longest));
            }
            if let Some(client) = known.take_text(&["client.address", "http.client_ip"]) {
                request.text("client_ip", client);
                request.boolean("x_forwarded_for", true);
            } else if let Some(peer) =
                known.take_text(&["network.peer.address", "net.sock.peer.addr", "net.peer.ip"])
            {
                request.text("client_ip", peer);
            }
        });
        http.some_object("response", |response| {
            if let Some(status) = known.take_integer(http_call::STATUS) {
                response.number("status", status);
            }
            if let Some(length) =
                known.take_integer(&["http.response.body.size", "http.response_content_length"])
            {
                response.number("content_length", length);
            }
        });
    });
}

/// The whole URL, or one put together from its parts.
fn url<'a>(known: &mut Known<'a>, span: &SpanView<'_>) -> Option<Cow<'a, str>> {
    if let Some(whole) = known.take_text(http_call::URL) {
        return Some(Cow::Borrowed(whole));
    }
    let is_server = span.kind == SpanKind::SERVER;
    http_call::url_of_parts(is_server, |keys| known.take_as_text(keys)).map(Cow::Owned)
}

pub(super) fn sql(
    segment: &mut JsonObject<'_>,
    known: &mut Known<'_>,
    span: &SpanView<'_>,
    longest: usize,
) {
    let system = known.text(&["db.system.name", "db.system"]);
    let Some(system) = system.filter(|system| SQL.contains(system)) else {
        return;
    };
    known.take("db.system.name");
    known.take("db.system");
    let connection = match known.take_text(&["db.connection_string"]) {
        Some(connection) => connection.to_owned(),
        None => host_and_port(known).unwrap_or_else(|| "localhost".to_owned()),
    };
    let database = known.take_text(&["db.namespace", "db.name"]).unwrap_or("");
    segment.object("sql", |sql| {
        // X-Ray shows the URL as the query's name, so it gets the span's, as from the Collector.
        sql.some_text("url", front(span.name, longest));
        let connection = format!("{connection}/{database}");
        sql.text("connection_string", front(&connection, longest));
        sql.text("database_type", system);
        sql.some_text("user", known.take_text(&["db.user"]).unwrap_or(""));
        let query = known.take_text(&["db.query.text", "db.statement"]);
        sql.some_text("sanitized_query", front(query.unwrap_or(""), longest));
    });
}

fn host_and_port(known: &mut Known<'_>) -> Option<String> {
    let host = known.take_text(&["server.address", "net.peer.name"])?;
    let port = known.take_integer(&["server.port", "net.peer.port"]);
    Some(port.map_or(host.to_owned(), |port| format!("{host}:{port}")))
}

pub(super) fn service(segment: &mut JsonObject<'_>, resource: &Known<'_>) {
    let version = resource.text(&["service.version", "container.image.tag"]);
    segment.some_object("service", |service| {
        service.some_text("version", version.unwrap_or(""));
    });
}

/// Where a resource of AWS runs, as X-Ray names it; nothing for others.
pub(super) fn origin(resource: &Known<'_>) -> &'static str {
    if resource
        .text(&["cloud.provider"])
        .is_some_and(|provider| provider != "aws")
    {
        return "";
    }
    match resource.text(&["cloud.platform"]) {
        Some("aws_app_runner") => "AWS::AppRunner::Service",
        Some("aws_eks") => "AWS::EKS::Container",
        Some("aws_elastic_beanstalk") => "AWS::ElasticBeanstalk::Environment",
        Some("aws_ec2") => "AWS::EC2::Instance",
        Some("aws_ecs") => match resource.text(&["aws.ecs.launchtype"]) {
            Some("ec2") => "AWS::ECS::EC2",
            Some("fargate") => "AWS::ECS::Fargate",
            _ => "AWS::ECS::Container",
        },
        _ => "",
    }
}

/// `aws`: what is known of the account, the machine, the call, and the log groups.
pub(super) fn aws(
    segment: &mut JsonObject<'_>,
    known: &mut Known<'_>,
    resource: &Known<'_>,
    log_groups: &[String],
) {
    let provider = resource.text(&["cloud.provider"]);
    if provider.is_some_and(|provider| provider != "aws") {
        return;
    }
    segment.some_object("aws", |aws| {
        call(aws, known, resource);
        machine(aws, resource);
        logs(aws, resource, log_groups);
        aws.object("xray", |xray| {
            let text = |key: &str| resource.text(&[key]).unwrap_or("");
            let (name, language) = (text("telemetry.sdk.name"), text("telemetry.sdk.language"));
            match (name, language) {
                ("", _) | (_, "") => xray.some_text("sdk", name),
                _ => xray.text("sdk", &format!("{name} for {language}")),
            }
            xray.some_text("sdk_version", text("telemetry.sdk.version"));
            let auto = resource.has(&["telemetry.auto.version", "telemetry.distro.version"]);
            xray.boolean("auto_instrumentation", auto);
        });
    });
}

fn call(aws: &mut JsonObject<'_>, known: &mut Known<'_>, resource: &Known<'_>) {
    let account = known.take_text(&["aws.account_id"]);
    let account = account.or_else(|| resource.text(&["cloud.account.id"]));
    aws.some_text("account_id", account.unwrap_or(""));
    let sections: [(&str, &[&str]); 5] = [
        ("operation", &["aws.operation", "rpc.method"]),
        ("region", &["aws.region"]),
        ("request_id", &["aws.request_id", "aws.requestId"]),
        (
            "queue_url",
            &["messaging.url", "aws.queue_url", "aws.queue.url"],
        ),
        ("table_name", &["aws.table_name", "aws.table.name"]),
    ];
    for (name, keys) in sections {
        aws.some_text(name, known.take_text(keys).unwrap_or(""));
    }
    if let Some(Value::Array(tables)) = known.get(&["aws.dynamodb.table_names"]) {
        known.take("aws.dynamodb.table_names");
        let tables = tables.into_iter().flatten();
        let names: Vec<_> = tables.filter_map(|table| table.as_str()).collect();
        match names.as_slice() {
            [] => {}
            [table] => aws.text("table_name", table),
            tables => aws.array("table_names", |list| texts(list, tables.iter().copied())),
        }
    }
}

fn machine(aws: &mut JsonObject<'_>, resource: &Known<'_>) {
    let platform = resource.text(&["cloud.platform"]).unwrap_or("");
    let mut section = |name: &str, members: &[(&str, &str)]| {
        aws.some_object(name, |section| {
            for (member, key) in members {
                section.some_text(member, resource.text(&[key]).unwrap_or(""));
            }
        });
    };
    if platform == "aws_ec2" || resource.text(&["host.id"]).is_some() {
        section(
            "ec2",
            &[
                ("instance_id", "host.id"),
                ("availability_zone", "cloud.availability_zone"),
                ("instance_size", "host.type"),
                ("ami_id", "host.image.id"),
            ],
        );
    }
    if platform == "aws_ecs" {
        section(
            "ecs",
            &[
                ("container", "container.name"),
                ("container_id", "container.id"),
                ("availability_zone", "cloud.availability_zone"),
                ("container_arn", "aws.ecs.container.arn"),
                ("cluster_arn", "aws.ecs.cluster.arn"),
                ("task_arn", "aws.ecs.task.arn"),
                ("task_family", "aws.ecs.task.family"),
                ("launch_type", "aws.ecs.launchtype"),
            ],
        );
    }
    if platform == "aws_eks" || resource.text(&["k8s.cluster.name"]).is_some() {
        section(
            "eks",
            &[
                ("cluster_name", "k8s.cluster.name"),
                ("pod", "k8s.pod.name"),
                ("container_id", "container.id"),
            ],
        );
    }
    let deployment = resource.text(&["service.instance.id"]);
    if let Some(deployment) = deployment.filter(|_| platform == "aws_elastic_beanstalk") {
        aws.object("elastic_beanstalk", |section| {
            let text = |key: &str| resource.text(&[key]).unwrap_or("");
            section.some_text("environment_name", text("service.namespace"));
            section.some_text("version_label", text("service.version"));
            section.number("deployment_id", deployment.parse().unwrap_or(0_u64));
        });
    }
}

/// The log groups whose logs X-Ray shows beside a trace: the resource's own, else the configured ones.
fn logs(aws: &mut JsonObject<'_>, resource: &Known<'_>, configured: &[String]) {
    let arns = names(resource.get(&["aws.log.group.arns"]));
    let groups = names(resource.get(&["aws.log.group.names"]));
    if arns.is_empty() && groups.is_empty() && configured.is_empty() {
        return;
    }
    aws.array("cloudwatch_logs", |list| {
        if !arns.is_empty() {
            for arn in &arns {
                list.object(|group| {
                    // arn:aws:logs:region:account:log-group:name[:*]
                    group.text("log_group", arn.split(':').nth(6).unwrap_or(arn));
                    group.text("arn", arn);
                });
            }
        } else if !groups.is_empty() {
            groups
                .iter()
                .for_each(|name| list.object(|group| group.text("log_group", name)));
        } else {
            configured
                .iter()
                .for_each(|name| list.object(|group| group.text("log_group", name)));
        }
    });
}

/// A list, or a text with `&` between the names, as it comes from `OTEL_RESOURCE_ATTRIBUTES`.
fn names(value: Option<Value<'_>>) -> Vec<&str> {
    match value {
        Some(Value::Str(text)) => text.split('&').filter(|name| !name.is_empty()).collect(),
        Some(Value::Array(list)) => list
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str())
            .collect(),
        _ => Vec::new(),
    }
}

fn texts<'t>(list: &mut JsonArray<'_>, texts: impl Iterator<Item = &'t str>) {
    texts.for_each(|text| list.text(text));
}
