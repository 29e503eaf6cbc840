//! Resources as Google's monitored resources.
//! [Source](https://github.com/GoogleCloudPlatform/opentelemetry-operations-go/blob/main/internal/resourcemapping/resourcemapping.go),
//! [types](https://cloud.google.com/monitoring/api/resources).

use std::collections::BTreeMap;

use fanlight_formats::google::MonitoredResource;
use fanlight_otlp::DecodeError;
use fanlight_otlp::view::Attributes;

/// Labels of an entry or a series.
pub(super) type Labels = BTreeMap<String, String>;

/// A kind of monitored resource: each label with the attributes that it may come from, and what it is else.
struct Kind {
    name: &'static str,
    labels: &'static [(&'static str, &'static [&'static str], &'static str)],
}

const ZONE: &[&str] = &["cloud.availability_zone", "cloud.region"];
const CLUSTER: (&str, &[&str], &str) = ("cluster_name", &["k8s.cluster.name"], "");
const NAMESPACE: (&str, &[&str], &str) = ("namespace_name", &["k8s.namespace.name"], "");
const POD: (&str, &[&str], &str) = ("pod_name", &["k8s.pod.name"], "");

static GCE_INSTANCE: Kind = Kind {
    name: "gce_instance",
    labels: &[
        ("zone", &["cloud.availability_zone"], ""),
        ("instance_id", &["host.id"], ""),
    ],
};
static K8S_CONTAINER: Kind = Kind {
    name: "k8s_container",
    labels: &[
        ("location", ZONE, ""),
        CLUSTER,
        NAMESPACE,
        POD,
        ("container_name", &["k8s.container.name"], ""),
    ],
};
static K8S_POD: Kind = Kind {
    name: "k8s_pod",
    labels: &[("location", ZONE, ""), CLUSTER, NAMESPACE, POD],
};
static K8S_NODE: Kind = Kind {
    name: "k8s_node",
    labels: &[
        ("location", ZONE, ""),
        CLUSTER,
        ("node_name", &["k8s.node.name"], ""),
    ],
};
static K8S_CLUSTER: Kind = Kind {
    name: "k8s_cluster",
    labels: &[("location", ZONE, ""), CLUSTER],
};
static AWS_EC2_INSTANCE: Kind = Kind {
    name: "aws_ec2_instance",
    labels: &[
        ("instance_id", &["host.id"], ""),
        ("region", ZONE, ""),
        ("aws_account", &["cloud.account.id"], ""),
    ],
};
static GENERIC_TASK: Kind = Kind {
    name: "generic_task",
    labels: &[
        ("location", ZONE, "global"),
        ("namespace", &["service.namespace"], ""),
        ("job", &["service.name", "faas.name"], ""),
        ("task_id", &["service.instance.id", "faas.instance"], ""),
    ],
};
static GENERIC_NODE: Kind = Kind {
    name: "generic_node",
    labels: &[
        ("location", ZONE, "global"),
        ("namespace", &["service.namespace"], ""),
        ("node_id", &["host.id", "host.name"], ""),
    ],
};

/// The monitored resource that a resource is.
pub(super) fn monitored(attributes: &Attributes<'_>) -> Result<MonitoredResource, DecodeError> {
    let kind = kind(attributes)?;
    let mut monitored = MonitoredResource {
        r#type: kind.name.to_owned(),
        ..MonitoredResource::default()
    };
    for (label, keys, otherwise) in kind.labels {
        let mut text = (*otherwise).to_owned();
        for key in *keys {
            let found = attributes.get(key)?.map(|value| value.to_text());
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                text = found.into_owned();
                break;
            }
        }
        monitored.labels.insert((*label).to_owned(), text);
    }
    Ok(monitored)
}

fn kind(attributes: &Attributes<'_>) -> Result<&'static Kind, DecodeError> {
    let has = |key: &str| attributes.get(key).map(|value| value.is_some());
    let platform = attributes.get("cloud.platform")?;
    let platform = platform
        .and_then(|value| value.as_str())
        .unwrap_or_default();
    if platform == "gcp_compute_engine" {
        return Ok(&GCE_INSTANCE);
    }
    if platform == "gcp_kubernetes_engine" || has("k8s.cluster.name")? {
        return Ok(match () {
            () if has("k8s.container.name")? => &K8S_CONTAINER,
            () if has("k8s.pod.name")? => &K8S_POD,
            () if has("k8s.node.name")? => &K8S_NODE,
            () => &K8S_CLUSTER,
        });
    }
    if platform == "aws_ec2" {
        return Ok(&AWS_EC2_INSTANCE);
    }
    let is_task = (has("service.name")? || has("faas.name")?)
        && (has("service.instance.id")? || has("faas.instance")?);
    Ok(if is_task {
        &GENERIC_TASK
    } else {
        &GENERIC_NODE
    })
}
