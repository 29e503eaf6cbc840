//! The services: what a user writes for each, and what comes of it.

use fanlight_otlp::Signal::{self, Logs, Metrics, Traces};
use fanlight_testkit::fakes::google_cloud::CREDENTIALS_FILE;
use fanlight_testkit::fakes::otlp_services::OTLP_SERVICES;

use fanlight_testkit::golden;

use super::fakes::{self, Fake};

/// A service in front of the hub.
pub struct Service {
    /// The exporter's type.
    pub kind: &'static str,
    pub start: Box<dyn Fn() -> Fake>,
    /// The exporter's keys; ADDRESS stands for the fake's.
    pub keys: String,
    /// The environment.
    pub variables: &'static [(&'static str, &'static str)],
    /// The key that bounds an attempt to less than the silence of a bad network.
    pub timeout: &'static str,
    pub is_grpc: bool,
    /// What it takes of the golden set; the service is probed with these signals, too.
    pub takes: Vec<Taken>,
    /// How many signals' samples `check --send` gets through.
    pub probed: usize,
    /// What makes keys or environment wrong: this is replaced by that.
    pub wrong: (&'static str, &'static str),
    /// What is said then.
    pub told: &'static [&'static str],
    /// What is said where the service is not.
    pub not_found: &'static str,
    /// What must never be shown, neither of the right keys nor of the wrong ones.
    pub secrets: &'static [&'static str],
}

/// What becomes of the golden batch of one signal.
#[derive(Clone, Copy)]
pub struct Taken {
    pub signal: Signal,
    /// How many items the service holds then, in its own terms.
    pub held: usize,
    /// How many of OTLP's items are counted as sent.
    pub sent: u64,
    /// How many are counted as lost.
    pub lost: u64,
    /// What the log says of those.
    pub why: &'static str,
}

impl Taken {
    /// Every item, each of which is one item there.
    fn whole(signal: Signal) -> Taken {
        let items = golden(signal).items();
        Taken {
            signal,
            held: items,
            sent: items as u64,
            lost: 0,
            why: "",
        }
    }

    /// But for so many, which the service can't take.
    fn without(self, lost: usize, why: &'static str) -> Taken {
        Taken {
            lost: lost as u64,
            why,
            ..self.after(lost)
        }
    }

    /// But for so many, which wait for the point after them: the service wants the difference.
    fn after(self, first: usize) -> Taken {
        Taken {
            held: self.held - first,
            sent: self.sent - first as u64,
            ..self
        }
    }

    /// As so many items there.
    fn held(self, held: usize) -> Taken {
        Taken { held, ..self }
    }
}

fn whole(signals: &[Signal]) -> Vec<Taken> {
    signals.iter().map(|signal| Taken::whole(*signal)).collect()
}

const SOON: &str = "timeout: 500ms";
const AWS: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", fakes::ACCOUNT.access_key_id),
    ("AWS_SECRET_ACCESS_KEY", fakes::ACCOUNT.secret_access_key),
    ("AWS_SESSION_TOKEN", "a-token/that+is=secret"),
];
const AWS_SECRETS: &[&str] = &["bPxRfiCYEXAMPLEKEY", "a-token", "a-wrong-secret"];

fn over_http(kind: &'static str, start: fn() -> Fake, keys: &str) -> Service {
    Service {
        kind,
        start: Box::new(start),
        keys: keys.to_owned(),
        variables: &[],
        timeout: SOON,
        is_grpc: false,
        takes: Vec::new(),
        probed: 0,
        wrong: ("", ""),
        told: &[],
        not_found: "",
        secrets: &[],
    }
}

pub fn awsxray() -> Service {
    Service {
        variables: AWS,
        timeout: "request_timeout_seconds: 1",
        takes: whole(&[Traces]),
        probed: 1,
        wrong: (fakes::ACCOUNT.secret_access_key, "a-wrong-secret"),
        told: &[
            "403",
            "check the secret access key, the region, and this machine's clock",
        ],
        not_found: "is this an endpoint of AWS?",
        secrets: AWS_SECRETS,
        ..over_http(
            "awsxray",
            fakes::xray,
            "region: eu-central-1\nendpoint: http://ADDRESS",
        )
    }
}

pub fn awscloudwatchlogs() -> Service {
    let keys = "region: eu-central-1\nendpoint: http://ADDRESS\nlog_group_name: /shop/checkout\nlog_stream_name: hub";
    Service {
        variables: AWS,
        timeout: "request_timeout_seconds: 1",
        takes: whole(&[Logs]),
        probed: 1,
        wrong: (fakes::ACCOUNT.access_key_id, "AKIDOTHER"),
        told: &["403", "the access key is not known there"],
        not_found: "is this an endpoint of AWS?",
        secrets: AWS_SECRETS,
        ..over_http("awscloudwatchlogs", fakes::cloudwatch_logs, keys)
    }
}

pub fn azuremonitor() -> Service {
    let keys = format!(
        "connection_string: InstrumentationKey={};IngestionEndpoint=http://ADDRESS/",
        fakes::AZURE_KEY
    );
    Service {
        takes: vec![
            Taken::whole(Traces).held(8),
            Taken::whole(Metrics)
                .without(3, "Azure Monitor takes no metric without a finite value"),
            Taken::whole(Logs),
        ],
        probed: 3,
        wrong: (fakes::AZURE_KEY, "99999999-1111-2222-3333-444444444444"),
        told: &[
            "Azure Monitor at",
            "Invalid instrumentation key",
            "is this the connection string",
        ],
        not_found: "is the IngestionEndpoint that of the connection string",
        secrets: &["1111-2222-3333"],
        ..over_http("azuremonitor", fakes::azure_monitor, &keys)
    }
}

pub fn datadog() -> Service {
    let keys = format!(
        "api: {{key: {}}}\ntraces: {{endpoint: 'http://ADDRESS'}}\nmetrics: {{endpoint: 'http://ADDRESS'}}\nlogs: {{endpoint: 'http://ADDRESS'}}",
        fakes::DATADOG_KEY
    );
    Service {
        takes: vec![
            Taken::whole(Traces),
            Taken::whole(Metrics)
                .after(8)
                .without(2, "NaN and infinity are no values to Datadog")
                .held(13),
            Taken::whole(Logs),
        ],
        probed: 3,
        wrong: (fakes::DATADOG_KEY, "fedcba9876543210fedcba9876543210"),
        told: &["403", "not an application key", "api.site"],
        not_found: "is api.site one of Datadog's sites?",
        secrets: &["89abcdef", "76543210"],
        ..over_http("datadog", fakes::datadog, &keys)
    }
}

pub fn elasticsearch() -> Service {
    let keys = "endpoints: ['http://ADDRESS']\nuser: elastic\npassword: changeme";
    Service {
        takes: vec![
            Taken::whole(Traces).held(10),
            Taken::whole(Metrics)
                .without(3, "a data point without a recorded value")
                .held(16),
            Taken::whole(Logs),
        ],
        probed: 3,
        wrong: ("changeme", "hunter2"),
        told: &[
            "Elasticsearch",
            "401",
            "check the credentials: user and password",
        ],
        not_found: "is this the address of Elasticsearch itself, not of Kibana",
        secrets: &["changeme", "hunter2", "ZWxhc3RpYzp"],
        ..over_http("elasticsearch", fakes::elasticsearch, keys)
    }
}

pub fn googlecloud() -> Service {
    let place = "{endpoint: 'http://ADDRESS', use_insecure: true}";
    let keys = format!(
        "project: fake-project\ncredentials_file: '{CREDENTIALS_FILE}'\ntrace: {place}\nmetric: {place}\nlog: {place}"
    );
    Service {
        is_grpc: true,
        takes: vec![
            Taken::whole(Traces),
            Taken::whole(Metrics)
                .without(2, "Cloud Monitoring takes only finite numbers")
                .held(21),
            Taken::whole(Logs),
        ],
        probed: 3,
        wrong: ("fake-project", "another-project"),
        told: &[
            "Cloud Trace",
            "PERMISSION_DENIED",
            "has the service account the role roles/cloudtrace.agent in this project",
        ],
        not_found: "leave it out for Google's own",
        secrets: &["eyJ", "PRIVATE KEY"],
        ..over_http("googlecloud", fakes::google_cloud, &keys)
    }
}

pub fn sapm() -> Service {
    Service {
        takes: whole(&[Traces]),
        probed: 1,
        wrong: (fakes::SPLUNK_TOKEN, "another-token"),
        told: &[
            "401",
            "a token with ingest scope, of the realm in the address",
        ],
        not_found: "https://ingest.<realm>.signalfx.com",
        secrets: &["our-token", "another-token"],
        ..over_http(
            "sapm",
            fakes::splunk_observability,
            "endpoint: http://ADDRESS/v2/trace\naccess_token: our-token",
        )
    }
}

pub fn signalfx() -> Service {
    Service {
        takes: vec![
            Taken::whole(Metrics)
                .without(2, "NaN and infinity are no values to SignalFx")
                .held(43),
            Taken::whole(Logs).without(
                10,
                "only SignalFx events go to /v2/event; send log records with splunk_hec",
            ),
        ],
        probed: 2,
        wrong: (fakes::SPLUNK_TOKEN, "another-token"),
        told: &[
            "401",
            "a token with ingest scope, of the realm in the address",
        ],
        not_found: "https://ingest.<realm>.signalfx.com",
        secrets: &["our-token", "another-token"],
        ..over_http(
            "signalfx",
            fakes::splunk_observability,
            "ingest_url: http://ADDRESS\naccess_token: our-token",
        )
    }
}

pub fn splunk_hec() -> Service {
    let token = "11111111-1111-1111-1111-111111111111";
    let keys = format!("endpoint: http://ADDRESS/services/collector\ntoken: {token}");
    Service {
        takes: vec![
            Taken::whole(Traces),
            Taken::whole(Metrics)
                .without(
                    4,
                    "a data point without a recorded value has nothing to send",
                )
                .held(35),
            Taken::whole(Logs).without(2, ""),
        ],
        probed: 3,
        wrong: ("11111111-", "99999999-"),
        told: &[
            "Splunk",
            "403",
            "Invalid token",
            "check the credentials: the token of this input",
        ],
        not_found: "is this the port of the HTTP Event Collector, 8088",
        secrets: &["1111-1111"],
        ..over_http("splunk_hec", fakes::splunk_hec, &keys)
    }
}

/// Those that take OTLP, by their presets: the keys that are wrong, what is said of them, what is said where the service
/// is not, and the secrets.
macro_rules! presets {
    ($($preset:ident: $wrong:expr, $told:expr, $not_found:literal, $secrets:expr;)*) => {
        $(pub fn $preset() -> Service {
            Service {
                wrong: $wrong,
                told: &$told,
                not_found: $not_found,
                secrets: &$secrets,
                ..preset(stringify!($preset))
            }
        })*
    };
}

presets! {
    arize: ("api_key: key-1", "api_key: key-9"),
        ["Arize at", "401", "does the api_key belong to the space of space_id"],
        "leave endpoint out; region chooses it",
        ["key-1", "key-9", "space-1"];
    datadog_otlp: ("'1'", "'another-key'"),
        ["Datadog at", "403", "an API key (not an application key) of this site"],
        "use the datadog exporter there",
        ["another-key"];
    elastic_apm: ("'1'", "'another-token'"),
        ["Elastic APM at", "401", "is this the APM server's secret_token"],
        "is the endpoint the APM server's, not Elasticsearch's",
        ["another-token"];
    grafana_cloud: ("glc_1", "glc_9"),
        ["Grafana Cloud at", "401", "does the token belong to this instance_id and zone"],
        "or let it end in /otlp",
        ["glc_1", "glc_9", "MTIzOm"];
    helicone: ("helicone-1", "helicone-9"),
        ["Helicone at", "401", "a key with write permission, of this region"],
        "region or host chooses it",
        ["helicone-1", "helicone-9"];
    honeycomb: ("hcaik_1", "hcaik_9"),
        ["Honeycomb at", "401", "an ingest key of this region's environment"],
        "leave endpoint out; region chooses it",
        ["hcaik_1", "hcaik_9"];
    langfuse: ("pk-lf-1", "pk-lf-9"),
        ["Langfuse at", "answered 401", "is this the public key of this region"],
        "is this Langfuse 3.22 or newer",
        ["sk-lf-1", "pk-lf-9", "cGstbGYt"];
    logfire: ("pylf_v1_us_1", "pylf_v1_us_9"),
        ["Logfire at", "401", "is this a write token (not a read token or API key)"],
        "the token says the region",
        ["us_1", "us_9"];
    newrelic: ("1NRAL", "9NRAL"),
        ["New Relic at", "403", "a license key (INGEST - LICENSE, not a user key) of this region"],
        "leave endpoint out; region chooses it",
        ["NRAL"];
    opik: ("api_key: key-1", "api_key: key-9"),
        ["Opik at", "401", "is this the API key itself (no Bearer before it)"],
        "http://host:5173/api/v1/private/otel",
        ["key-1", "key-9"];
    splunk_o11y: ("'1'", "'another-token'"),
        ["Splunk Observability at", "401", "an access token of this realm with the scope INGEST"],
        "is the realm right?",
        ["another-token"];
}

fn preset(name: &str) -> Service {
    let found = OTLP_SERVICES.iter().find(|service| service.preset == name);
    let rules = *found.unwrap();
    let keys = format!("{}\nendpoint: http://ADDRESS{}", rules.keys, rules.base());
    let signals: Vec<Signal> = rules.paths.iter().map(|(signal, _)| *signal).collect();
    Service {
        start: Box::new(move || fakes::otlp_service(rules)),
        takes: match rules.temporality {
            // What counted up before the hub came has no difference yet.
            1 => vec![
                Taken::whole(Traces),
                Taken::whole(Metrics).after(8),
                Taken::whole(Logs),
            ],
            _ => whole(&signals),
        },
        probed: signals.len(),
        ..over_http(rules.preset, fakes::xray, &keys)
    }
}
