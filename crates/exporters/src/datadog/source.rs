//! What Datadog wants to know of a resource: the host, the container, and the tags of unified service tagging.
//!
//! The attributes and what becomes of them are those of Datadog's
//! [mapping](https://github.com/DataDog/opentelemetry-mapping-go/tree/main/pkg/otlp/attributes).

use std::borrow::Cow;

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, Value};

/// Attributes of containers and clouds, and the tags that they become.
const CONTAINER: &[(&str, &str)] = &[
    ("container.id", "container_id"),
    ("container.name", "container_name"),
    ("container.image.name", "image_name"),
    ("container.image.tag", "image_tag"),
    ("container.runtime", "runtime"),
    ("cloud.provider", "cloud_provider"),
    ("cloud.region", "region"),
    ("cloud.availability_zone", "zone"),
    ("aws.ecs.task.family", "task_family"),
    ("aws.ecs.task.arn", "task_arn"),
    ("aws.ecs.cluster.arn", "ecs_cluster_name"),
    ("aws.ecs.task.revision", "task_version"),
    ("aws.ecs.container.arn", "ecs_container_name"),
    ("k8s.container.name", "kube_container_name"),
    ("k8s.cluster.name", "kube_cluster_name"),
    ("k8s.deployment.name", "kube_deployment"),
    ("k8s.replicaset.name", "kube_replica_set"),
    ("k8s.statefulset.name", "kube_stateful_set"),
    ("k8s.daemonset.name", "kube_daemon_set"),
    ("k8s.job.name", "kube_job"),
    ("k8s.cronjob.name", "kube_cronjob"),
    ("k8s.namespace.name", "kube_namespace"),
    ("k8s.pod.name", "pod_name"),
];

/// What a tag of a container may also be called.
const CUSTOM_CONTAINER_TAG: &str = "datadog.container.tag.";

/// Other attributes, and the tags that they become.
const OTHER: &[(&str, &str)] = &[
    ("deployment.environment", "env"),
    ("deployment.environment.name", "env"),
    ("service.name", "service"),
    ("service.version", "version"),
    ("tags.datadoghq.com/env", "env"),
    ("tags.datadoghq.com/service", "service"),
    ("tags.datadoghq.com/version", "version"),
    ("app.kubernetes.io/name", "kube_app_name"),
    ("app.kubernetes.io/instance", "kube_app_instance"),
    ("app.kubernetes.io/version", "kube_app_version"),
    ("app.kubernetes.io/component", "kube_app_component"),
    ("app.kubernetes.io/part-of", "kube_app_part_of"),
    ("app.kubernetes.io/managed-by", "kube_app_managed_by"),
    ("os.type", "os.type"),
];

/// Attributes that are Datadog's tags already.
const TAGS: &[&str] = &[
    "architecture",
    "availability-zone",
    "cluster_name",
    "container_id",
    "container_name",
    "display_container_name",
    "docker_image",
    "ecs_cluster_name",
    "ecs_container_name",
    "eks_fargate_node",
    "env",
    "git.commit.sha",
    "git.repository_url",
    "image_id",
    "image_name",
    "image_tag",
    "kube_app_component",
    "kube_app_instance",
    "kube_app_managed_by",
    "kube_app_name",
    "kube_app_part_of",
    "kube_app_version",
    "kube_container_name",
    "kube_cronjob",
    "kube_daemon_set",
    "kube_deployment",
    "kube_job",
    "kube_namespace",
    "kube_ownerref_kind",
    "kube_ownerref_name",
    "kube_priority_class",
    "kube_qos",
    "kube_replica_set",
    "kube_replication_controller",
    "kube_service",
    "kube_stateful_set",
    "language",
    "nomad_dc",
    "nomad_group",
    "nomad_job",
    "nomad_namespace",
    "nomad_task",
    "oshift_deployment",
    "oshift_deployment_config",
    "os_name",
    "os_version",
    "persistentvolumeclaim",
    "pod_name",
    "pod_phase",
    "region",
    "service",
    "short_image",
    "swarm_namespace",
    "swarm_service",
    "task_name",
    "task_family",
    "task_version",
    "task_arn",
    "version",
];

/// Names that say nothing about a host.
const NO_HOSTS: &[&str] = &[
    "0.0.0.0",
    "127.0.0.1",
    "localhost",
    "localhost.localdomain",
    "localhost6.localdomain6",
    "ip6-localhost",
];

/// Where telemetry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A host, by name.
    Host(String),
    /// A task without a host, by its resource name.
    Fargate(String),
    /// Nobody said.
    Unknown,
}

impl Source {
    pub(super) fn of(attributes: &Attributes<'_>) -> Result<Source, DecodeError> {
        if text(attributes, "aws.ecs.launchtype")?.as_deref() == Some("fargate")
            && let Some(task) = text(attributes, "aws.ecs.task.arn")?
        {
            return Ok(Source::Fargate(task.into_owned()));
        }
        let host = host(attributes)?.filter(|host| !NO_HOSTS.contains(&host.as_str()));
        Ok(host.map_or(Source::Unknown, Source::Host))
    }

    /// The host's name; that of the configuration where nobody said.
    pub(super) fn hostname(&self, fallback: &str) -> String {
        match self {
            Source::Host(name) => name.clone(),
            Source::Fargate(_) => String::new(),
            Source::Unknown => fallback.to_owned(),
        }
    }
}

/// An attribute that is there, as text.
fn text<'a>(attributes: &Attributes<'a>, key: &str) -> Result<Option<Cow<'a, str>>, DecodeError> {
    let value = attributes.get(key)?.map(|value| value.to_text());
    Ok(value.filter(|text| !text.is_empty()))
}

/// The first of some attributes that is there, as text.
pub(super) fn first(
    attributes: &Attributes<'_>,
    keys: &[&str],
) -> Result<Option<String>, DecodeError> {
    for key in keys {
        if let Some(found) = text(attributes, key)? {
            return Ok(Some(found.into_owned()));
        }
    }
    Ok(None)
}

fn host(attributes: &Attributes<'_>) -> Result<Option<String>, DecodeError> {
    if let Some(host) = first(attributes, &["host", "datadog.host.name"])? {
        return Ok(Some(host));
    }
    if text(attributes, "aws.ecs.launchtype")?.as_deref() == Some("fargate") {
        return Ok(None);
    }
    match text(attributes, "cloud.provider")?.as_deref() {
        Some("aws") => return first(attributes, &["host.id"]),
        Some("azure") => return first(attributes, &["host.id", "host.name"]),
        Some("gcp") => return google_host(attributes),
        _ => {}
    }
    if let Some(node) = text(attributes, "k8s.node.name")? {
        let cluster = text(attributes, "k8s.cluster.name")?;
        return Ok(Some(match cluster {
            Some(cluster) => format!("{node}-{cluster}"),
            None => node.into_owned(),
        }));
    }
    first(attributes, &["host.id", "host.name"])
}

fn google_host(attributes: &Attributes<'_>) -> Result<Option<String>, DecodeError> {
    let name = text(attributes, "host.name")?;
    let project = text(attributes, "cloud.account.id")?;
    Ok(name.zip(project).map(|(name, project)| {
        // name.c.project.internal
        let short = match name.matches('.').count() {
            3.. => name.split('.').next().unwrap_or_default(),
            _ => &name,
        };
        format!("{short}.{project}")
    }))
}

/// The tags of a container and its cloud, as key and value.
pub(super) fn container_tags(
    attributes: &Attributes<'_>,
) -> Result<Vec<(String, String)>, DecodeError> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for attribute in attributes.iter() {
        let (key, value) = attribute?;
        let mapped = CONTAINER.iter().find(|(known, _)| *known == key);
        let tag = match mapped {
            Some((_, tag)) => tag,
            None => key.strip_prefix(CUSTOM_CONTAINER_TAG).unwrap_or_default(),
        };
        let value = value.to_text();
        if tag.is_empty() || value.is_empty() {
            continue;
        }
        match tags.iter_mut().find(|(known, _)| known == tag) {
            Some((_, known)) if mapped.is_some() => *known = value.into_owned(),
            Some(_) => {}
            None => tags.push((tag.to_owned(), value.into_owned())),
        }
    }
    Ok(tags)
}

/// The tags of a resource, as `key:value`.
pub(super) fn tags(attributes: &Attributes<'_>) -> Result<Vec<String>, DecodeError> {
    let mut tags = Vec::new();
    for attribute in attributes.iter() {
        let (key, value) = attribute?;
        let value = value.to_text();
        if value.is_empty() {
            continue;
        }
        if let Some((_, tag)) = OTHER.iter().find(|(known, _)| *known == key) {
            tags.push(format!("{tag}:{value}"));
        }
        if TAGS.contains(&key) {
            tags.push(format!("{key}:{value}"));
        }
    }
    let containers = container_tags(attributes)?;
    tags.extend(
        containers
            .iter()
            .map(|(key, value)| format!("{key}:{value}")),
    );
    // One of these is enough to know the process.
    for key in [
        "process.executable.name",
        "process.executable.path",
        "process.command",
        "process.command_line",
    ] {
        if let Some(value) = text(attributes, key)? {
            tags.push(format!("{key}:{value}"));
            break;
        }
    }
    Ok(tags)
}

/// A tag of a metric; an empty value can't be searched for.
pub(super) fn tag(key: &str, value: &Value<'_>) -> String {
    tag_of(key, &value.to_text())
}

/// The same of a text.
pub(super) fn tag_of(key: &str, value: &str) -> String {
    match value {
        "" => format!("{key}:n/a"),
        value => format!("{key}:{value}"),
    }
}

#[cfg(test)]
mod tests {
    use fanlight_otlp::Signal;
    use fanlight_otlp::write::RequestWriter;

    use super::*;

    fn with<T>(attributes: &[(&str, &str)], run: impl FnOnce(&Attributes<'_>) -> T) -> T {
        let pairs: Vec<(&str, Value<'_>)> = attributes
            .iter()
            .map(|(key, value)| (*key, Value::Str(value)))
            .collect();
        let mut out = RequestWriter::new(Signal::Logs);
        out.resource(&pairs, |_| {});
        let batch = out.finish();
        let resource = batch.resources().next().unwrap().unwrap();
        run(&resource.attributes)
    }

    #[test]
    fn the_host_is_the_one_that_the_cloud_knows() {
        for (attributes, expected) in [
            ([("host.name", "a"), ("x", "y")].as_slice(), "a"),
            (&[("host.name", "a"), ("host.id", "i")], "i"),
            (&[("host.name", "a"), ("host", "b")], "b"),
            (&[("host.name", "a"), ("datadog.host.name", "c")], "c"),
            (
                &[
                    ("k8s.node.name", "n"),
                    ("k8s.cluster.name", "k"),
                    ("host.name", "a"),
                ],
                "n-k",
            ),
            (
                &[
                    ("cloud.provider", "gcp"),
                    ("host.name", "a.c.p.internal"),
                    ("cloud.account.id", "p"),
                ],
                "a.p",
            ),
            (&[("cloud.provider", "aws"), ("host.name", "a")], "mine"),
            (&[("host.name", "localhost")], "mine"),
            (
                &[
                    ("aws.ecs.launchtype", "fargate"),
                    ("aws.ecs.task.arn", "arn"),
                    ("host.name", "a"),
                ],
                "",
            ),
            (&[], "mine"),
        ] {
            let source = with(attributes, |attributes| Source::of(attributes).unwrap());
            assert_eq!(source.hostname("mine"), expected, "{attributes:?}");
        }
    }

    #[test]
    fn attributes_become_the_tags_that_datadog_knows() {
        let attributes = [
            ("service.name", "shop"),
            ("deployment.environment.name", "prod"),
            ("k8s.pod.name", "p-1"),
            ("datadog.container.tag.team", "blue"),
            ("process.executable.path", "/bin/x"),
            ("other", "no tag"),
        ];
        let tags = with(&attributes, |attributes| tags(attributes).unwrap());
        assert_eq!(
            tags,
            [
                "service:shop",
                "env:prod",
                "pod_name:p-1",
                "team:blue",
                "process.executable.path:/bin/x"
            ]
        );
    }
}
