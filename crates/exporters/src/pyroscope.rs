//! `pyroscope`: profiles to Grafana Pyroscope, as pprof over its push API or as OTLP.
//!
//! The Collector has no exporter of this name. `protocol: push` (the default) converts each profile to pprof, which every
//! Pyroscope takes, and leaves nothing out that pprof can say. `protocol: otlp` sends the batch as it is to
//! `/v1development/profiles`: this endpoint is as young as OTLP's profiles are, refuses a whole request for one sample that it
//! can't convert, and finds no name for a profile without a period, so such profiles are left out and counted before. Older
//! releases (1.12 is one) do not serve it.
//! Over gRPC, `otlp_grpc` does the same.
//!
//! Sources: [push.proto](https://github.com/grafana/pyroscope/blob/main/api/push/v1/push.proto),
//! [Connect](https://connectrpc.com/docs/protocol),
//! [OTLP ingestion](https://grafana.com/docs/pyroscope/latest/configure-client/opentelemetry/).

mod pprof;
mod series;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Endpoint, Node};
use fanlight_formats::pyroscope::{PUSH_PATH, PushRequest};
use fanlight_net::http::{Answer, HttpClient};
use fanlight_otlp::edit::{Level, Verdict, rewrite};
use fanlight_otlp::view::{ProfileView, Tables};
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Prepared,
};
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use prost::Message as _;
use serde::Deserialize;

use crate::answers;
use crate::delivery::Delivery;
use crate::target::Target;

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "pyroscope",
    aliases: &[],
    about: "Grafana Pyroscope: profiles as pprof over its push API, or as OTLP.",
    sample: "endpoint: http://pyroscope:4040\ntenant_id: team-a",
    decode,
};

/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The tenant's header.
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// A checked configuration.
#[derive(Clone, Debug)]
struct Pyroscope {
    client: blocks::HttpClient,
    delivery: Delivery,
    protocol: Protocol,
    tenant: Option<HeaderValue>,
    target: Target,
}

/// Keys of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Keys {
    /// How profiles are sent. Default: push.
    protocol: Protocol,
    /// The tenant, which is sent as `X-Scope-OrgID`. Default: none.
    tenant_id: Option<String>,
}

/// How profiles are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    #[default]
    Push,
    Otlp,
}

impl Protocol {
    const fn path(self) -> &'static str {
        match self {
            Protocol::Push => PUSH_PATH,
            Protocol::Otlp => "/v1development/profiles",
        }
    }

    const fn content_type(self) -> HeaderValue {
        match self {
            Protocol::Push => HeaderValue::from_static("application/proto"),
            Protocol::Otlp => HeaderValue::from_static("application/x-protobuf"),
        }
    }

    /// The client's compression, where the configuration names none. What is pushed is compressed already.
    const fn compression(self) -> Compression {
        match self {
            Protocol::Push => Compression::None,
            Protocol::Otlp => Compression::Gzip,
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery, client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    let path = keys.protocol.path();
    let below = |endpoint: &Endpoint| match endpoint.path().ends_with(path) {
        true => "",
        false => path,
    };
    let target = Target::of_client(node, &client, "http://pyroscope:4040", below)?;
    let tenant = keys.tenant_id.as_deref().map(HeaderValue::from_str);
    let tenant = tenant.transpose().map_err(|_| {
        node.error_at(
            "tenant_id",
            "a tenant has characters that a header can carry",
        )
    })?;
    Ok(Box::new(Pyroscope {
        delivery,
        protocol: keys.protocol,
        tenant,
        target,
        client,
    }))
}

impl ExporterConfig for Pyroscope {
    fn signals(&self) -> SignalSet {
        [Signal::Profiles].into_iter().collect()
    }

    fn settings(&self) -> ExportSettings {
        self.delivery
            .settings(self.client.timeout.unwrap_or(TIMEOUT))
    }

    fn destination(&self) -> Destination {
        self.target.destination("Pyroscope")
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let url = self.target.url.clone();
        let urls = std::slice::from_ref(&url);
        let client = HttpClient::new(&self.client, self.protocol.compression(), urls, context)?;
        Ok(Box::new(PyroscopeExporter {
            client,
            url,
            protocol: self.protocol,
            tenant: self.tenant.clone(),
        }))
    }
}

struct PyroscopeExporter {
    client: HttpClient,
    url: Uri,
    protocol: Protocol,
    tenant: Option<HeaderValue>,
}

impl Exporter for PyroscopeExporter {
    fn prepare(&self, batch: Batch) -> Prepared {
        match self.protocol {
            Protocol::Push => Prepared::from(batch),
            Protocol::Otlp => convertible(batch),
        }
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.protocol {
                Protocol::Push => self.push(batch).await,
                Protocol::Otlp => self.export(batch).await,
            }
        })
    }
}

impl PyroscopeExporter {
    async fn push(&self, batch: &Batch) -> Outcome {
        let (series, left_out) = match series::series(batch, now()) {
            Ok(made) => made,
            Err(error) => {
                let why = format!("not readable as profiles: {error}");
                return Outcome::Rejected { why };
            }
        };
        let parts: Vec<Part> = series.iter().map(Part::of).collect();
        let series: Vec<_> = series.into_iter().map(|series| series.message).collect();
        let outcome = match series.is_empty() {
            true => Outcome::Delivered,
            false => {
                let body = PushRequest { series }.encode_to_vec();
                self.post(batch, body.into(), &parts).await
            }
        };
        match (outcome, left_out.items) {
            (outcome, 0) => outcome,
            (Outcome::Delivered, rejected) if parts.is_empty() => Outcome::Rejected {
                why: format!("{} ({rejected} samples)", left_out.why),
            },
            (Outcome::Delivered, rejected) => Outcome::Partial {
                rejected,
                why: left_out.why,
            },
            (Outcome::Partial { rejected, why }, more) => Outcome::Partial {
                rejected: rejected + more,
                why,
            },
            (outcome, _) => outcome,
        }
    }

    async fn export(&self, batch: &Batch) -> Outcome {
        // Each profile with samples becomes one series there, unless its samples name services of their own.
        let parts = parts(batch).unwrap_or_default();
        if parts.is_empty() {
            return Outcome::Delivered;
        }
        self.post(batch, batch.bytes().clone(), &parts).await
    }

    /// Sends a request that becomes these series.
    async fn post(&self, batch: &Batch, body: Bytes, parts: &[Part]) -> Outcome {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, self.protocol.content_type());
        if self.protocol == Protocol::Push {
            headers.insert("connect-protocol-version", HeaderValue::from_static("1"));
        }
        if let Some(tenant) = &self.tenant {
            headers.insert(TENANT, tenant.clone());
        }
        match self.client.send(request).await {
            Ok(answer) if answer.status.is_success() => Outcome::Delivered,
            Ok(answer) => self.refused(batch, &answer, parts),
            Err(outcome) => outcome,
        }
    }

    /// Pyroscope takes what it can of a request and names the series that it does not take by their number.
    fn refused(&self, batch: &Batch, answer: &Answer, parts: &[Part]) -> Outcome {
        let words = String::from_utf8_lossy(&answer.body);
        let failed = failed_series(&words);
        let failed: Vec<&Part> = failed
            .iter()
            .filter_map(|index| parts.get(*index))
            .collect();
        let is_partial = !failed.is_empty() && failed.len() < parts.len();
        match answers::outcome(&self.client, &self.url, answer) {
            Outcome::Rejected { why } if is_partial => Outcome::Partial {
                rejected: failed.iter().map(|part| part.samples as u64).sum(),
                why,
            },
            Outcome::Retry { after, why } if is_partial => {
                let again: BTreeSet<usize> = failed.iter().map(|part| part.profile).collect();
                Outcome::Resend {
                    rest: only(batch, |number| again.contains(&number)),
                    rejected: 0,
                    after,
                    why,
                }
            }
            // Its OTLP endpoint answers 500 where a profile can't be converted, which no second attempt changes.
            Outcome::Retry { why, .. }
                if answer.status == StatusCode::INTERNAL_SERVER_ERROR
                    && words.contains("code = InvalidArgument") =>
            {
                Outcome::Rejected { why }
            }
            Outcome::Rejected { why }
                if answer.status == StatusCode::NOT_FOUND && self.protocol == Protocol::Otlp =>
            {
                let advice = "this Pyroscope may be too old for OTLP: use protocol: push";
                answers::advised(Outcome::Rejected { why }, advice)
            }
            Outcome::Rejected { why } if answer.status == StatusCode::UNAUTHORIZED => {
                let advice = "if this Pyroscope has tenants, set tenant_id";
                answers::advised(Outcome::Rejected { why }, advice)
            }
            outcome => outcome,
        }
    }
}

/// A series of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// The number of its profile in the batch.
    profile: usize,
    /// How many samples it has.
    samples: usize,
}

impl Part {
    fn of(series: &series::Series) -> Part {
        Part {
            profile: series.profile,
            samples: series.samples,
        }
    }
}

/// The profiles that have samples.
fn parts(batch: &Batch) -> Result<Vec<Part>, DecodeError> {
    let mut parts = Vec::new();
    let mut profile = 0;
    for resource in batch.resources() {
        for scope in resource?.scopes() {
            for view in scope?.profiles() {
                let samples = view?.samples_count();
                if samples > 0 {
                    parts.push(Part { profile, samples });
                }
                profile += 1;
            }
        }
    }
    Ok(parts)
}

/// The numbers in `push series with index 3 and id ... failed: ...`.
fn failed_series(words: &str) -> BTreeSet<usize> {
    let found = words.split("push series with index ").skip(1);
    found
        .filter_map(|rest| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        })
        .collect()
}

/// The batch with some of its profiles, and its whole dictionary.
fn only(batch: &Batch, mut keep: impl FnMut(usize) -> bool) -> Batch {
    let mut number = 0;
    let kept = rewrite(batch.clone(), |element| {
        if element.level() != Level::Item {
            return Ok(Verdict::Keep);
        }
        let verdict = match keep(number) {
            true => Verdict::KeepWhole,
            false => Verdict::Drop,
        };
        number += 1;
        Ok(verdict)
    });
    // A batch was validated when it came in. Too much is better than lost.
    kept.unwrap_or_else(|_| batch.clone())
}

/// The profiles that Pyroscope's OTLP endpoint can convert.
fn convertible(batch: Batch) -> Prepared {
    let Ok(tables) = batch
        .dictionary()
        .and_then(|dictionary| dictionary.tables())
    else {
        return Prepared::from(batch);
    };
    let mut dropped = 0;
    let mut why = "";
    let kept = rewrite(batch.clone(), |element| {
        let Some(profile) = element.profile()? else {
            return Ok(Verdict::Keep);
        };
        match obstacle(&profile, &tables)? {
            None => Ok(Verdict::KeepWhole),
            Some(obstacle) => {
                dropped += profile.samples_count() as u64;
                why = obstacle;
                Ok(Verdict::Drop)
            }
        }
    });
    match kept {
        Err(_) => Prepared::from(batch),
        Ok(batch) => Prepared {
            dropped,
            why: match why {
                "" => String::new(),
                why => format!(
                    "Pyroscope's OTLP endpoint takes no profile that {why}; protocol: push sends it"
                ),
            },
            ..Prepared::from(batch)
        },
    }
}

/// Why Pyroscope's OTLP endpoint would refuse a request with this profile.
fn obstacle(
    profile: &ProfileView<'_>,
    tables: &Tables<'_>,
) -> Result<Option<&'static str>, DecodeError> {
    let word = |index| tables.string(index).unwrap_or_default();
    let Some(sample_type) = profile.sample_type else {
        return Ok(Some("has no sample type"));
    };
    let period = profile.period_type.filter(|_| profile.period != 0);
    let has_name = period.is_some_and(|period| !word(period.type_strindex).is_empty());
    let is_off_cpu = word(sample_type.type_strindex) == "off_cpu";
    if !has_name && !is_off_cpu {
        return Ok(Some("has no period type"));
    }
    for sample in profile.samples() {
        let sample = sample?;
        let values = sample.values().count();
        let timestamps = sample.timestamps_unix_nano().count();
        if values > 1 && !is_off_cpu {
            return Ok(Some("has a value for each timestamp"));
        }
        if values == 0 && timestamps == 0 {
            return Ok(Some("has a sample without a value"));
        }
        let Some(stack) = tables.stack(sample.stack_index) else {
            return Ok(Some("points past its dictionary"));
        };
        for index in stack {
            let location = tables.location(index?);
            let mapping = location.and_then(|location| tables.mapping(location.mapping_index));
            if mapping.is_none() {
                return Ok(Some("points past its dictionary"));
            }
        }
    }
    Ok(None)
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
