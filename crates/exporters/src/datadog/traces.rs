//! A batch of spans as requests for `/api/v0.2/traces`, each within the intake's 3.2 MB.
//!
//! The spans of one trace and one resource make a chunk; a chunk that does not fit is split. What is asked of every chunk:
//! a sampling priority (all is kept here, unless a span says otherwise with `sampling.priority`), the upper half of the
//! trace's id in `_dd.p.tid`, and which spans are the first of their service.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use fanlight_formats::datadog::{AgentPayload, Span, TraceChunk, TracerPayload};
use fanlight_otlp::view::ResourceView;
use fanlight_otlp::{Batch, DecodeError, TraceId};
use prost::Message as _;
use regex::Regex;

use super::config::VERSION;
use super::normalize;
use super::source::{self, Source};
use super::span::{self, Naming};
use super::stats::{Origin, Sample, Selection};
use crate::pieces::{LeftOut, Piece};

/// The most that the intake takes, in bytes before compression.
const LARGEST: usize = 3_200_000;

/// What a chunk adds to its spans, at most.
const CHUNK: usize = 128;

/// How spans are mapped.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) hostname: String,
    pub(super) naming: Naming,
    /// Traces whose root has one of these resources are not sent.
    pub(super) ignored: Vec<Regex>,
    pub(super) selection: Selection,
}

/// A request, and what its spans add to the statistics.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) body: Bytes,
    pub(super) samples: Vec<Sample>,
}

impl Mapping {
    /// Whether a trace is not to be sent, by its root's resource.
    fn is_ignored(&self, chunk: &[Numbered]) -> bool {
        let root = chunk.iter().find(|numbered| numbered.span.parent_id == 0);
        let resource = root
            .or(chunk.first())
            .map(|root| root.span.resource.as_str());
        resource.is_some_and(|resource| {
            self.ignored
                .iter()
                .any(|ignored| ignored.is_match(resource))
        })
    }
}

/// Why a trace is kept.
struct Decision {
    priority: i32,
    /// Datadog's number of who decided: 4 is the user, 9 this sampler.
    maker: &'static str,
}

impl Decision {
    fn of(chunk: &[Numbered]) -> Decision {
        let said = chunk
            .iter()
            .find_map(|numbered| numbered.span.metrics.get("_sampling_priority_v1"));
        let (priority, maker) = said.map_or((1, "-9"), |priority| (*priority as i32, "-4"));
        Decision { priority, maker }
    }
}

/// A span with its place in the batch.
struct Numbered {
    number: usize,
    trace: TraceId,
    span: Span,
}

/// The requests of a batch.
pub(super) fn pieces(
    batch: &Batch,
    mapping: &Mapping,
) -> Result<(Vec<Piece<Request>>, LeftOut), DecodeError> {
    let services = services(batch)?;
    let mut out = Payloads {
        hostname: &mapping.hostname,
        ..Payloads::default()
    };
    let mut left_out = LeftOut::default();
    let mut number = 0..;
    for resource in batch.resources() {
        let resource = resource?;
        let template = span::template(&resource.attributes)?;
        let mut spans = Vec::new();
        for scope in resource.scopes() {
            let scope = scope?;
            for (view, number) in scope.spans().zip(&mut number) {
                let view = view?;
                if view.trace_id.is_zero() || view.span_id.is_zero() {
                    left_out.items += 1;
                    "a span has no id".clone_into(&mut left_out.why);
                    continue;
                }
                spans.push(Numbered {
                    number,
                    trace: view.trace_id,
                    span: span::convert(&template, &view, &scope, &mapping.naming)?,
                });
            }
        }
        out.begin(header(&resource, mapping)?);
        for chunk in chunks(spans) {
            out.add(chunk, &services, mapping, &mut left_out);
        }
    }
    Ok((out.finish(), left_out))
}

/// The service of every span of the batch, by trace and span.
fn services(batch: &Batch) -> Result<HashMap<(u64, u64), String>, DecodeError> {
    let mut services = HashMap::new();
    for resource in batch.resources() {
        let resource = resource?;
        let service = source::first(&resource.attributes, &["service.name"])?;
        let service = normalize::service(&service.unwrap_or_default());
        for scope in resource.scopes() {
            for span in scope?.spans() {
                let span = span?;
                let key = (span::low_bits(span.trace_id), span::id(span.span_id));
                services.insert(key, service.clone());
            }
        }
    }
    Ok(services)
}

/// What is said of a resource once.
fn header(resource: &ResourceView<'_>, mapping: &Mapping) -> Result<TracerPayload, DecodeError> {
    let attributes = &resource.attributes;
    let text = |keys: &[&str]| source::first(attributes, keys).map(Option::unwrap_or_default);
    let environment = text(&[
        "env",
        "deployment.environment.name",
        "deployment.environment",
    ])?;
    let from = Source::of(attributes)?;
    let mut containers = source::container_tags(attributes)?;
    if let Source::Fargate(task) = &from
        && !containers.iter().any(|(key, _)| key == "task_arn")
    {
        containers.push(("task_arn".to_owned(), task.clone()));
    }
    let containers: Vec<String> = containers
        .iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    let mut tags = BTreeMap::new();
    if !containers.is_empty() {
        tags.insert("_dd.tags.container".to_owned(), containers.join(","));
    }
    let hostname = match source::first(attributes, &["_dd.hostname"])? {
        Some(name) if from == Source::Unknown => name,
        _ => from.hostname(&mapping.hostname),
    };
    Ok(TracerPayload {
        hostname,
        env: normalize::tag(&environment),
        container_id: text(&["container.id", "k8s.pod.uid"])?,
        language_name: text(&["telemetry.sdk.language"])?,
        tracer_version: format!("otlp-{}", text(&["telemetry.sdk.version"])?),
        app_version: text(&["service.version"])?,
        tags,
        ..TracerPayload::default()
    })
}

/// The spans of each trace together, in the order in which traces appear.
fn chunks(spans: Vec<Numbered>) -> Vec<Vec<Numbered>> {
    let mut order: HashMap<TraceId, usize> = HashMap::new();
    let mut chunks: Vec<Vec<Numbered>> = Vec::new();
    for numbered in spans {
        let next = chunks.len();
        let index = *order.entry(numbered.trace).or_insert(next);
        match chunks.get_mut(index) {
            Some(chunk) => chunk.push(numbered),
            None => chunks.push(vec![numbered]),
        }
    }
    chunks
}

/// Requests that are being filled.
#[derive(Default)]
struct Payloads<'a> {
    hostname: &'a str,
    done: Vec<Piece<Request>>,
    current: AgentPayload,
    samples: Vec<Sample>,
    items: Vec<usize>,
    size: usize,
    /// What is said of the resource at hand.
    header: TracerPayload,
    origin: Origin,
}

impl Payloads<'_> {
    /// Begins a resource.
    fn begin(&mut self, header: TracerPayload) {
        self.origin = Origin {
            hostname: header.hostname.clone(),
            env: header.env.clone(),
            version: header.app_version.clone(),
            container_id: header.container_id.clone(),
        };
        self.header = header;
        self.open_resource();
    }

    fn open_resource(&mut self) {
        self.size += self.header.encoded_len() + 16;
        self.current.tracer_payloads.push(self.header.clone());
    }

    /// Adds the spans that one trace has in the resource.
    fn add(
        &mut self,
        chunk: Vec<Numbered>,
        services: &HashMap<(u64, u64), String>,
        mapping: &Mapping,
        left_out: &mut LeftOut,
    ) {
        if mapping.is_ignored(&chunk) {
            return;
        }
        let decision = Decision::of(&chunk);
        let room = LARGEST - self.header.encoded_len() - 1024;
        let mut open = false;
        for mut numbered in chunk {
            mapping.selection.mark(&mut numbered.span, services);
            let size = numbered.span.encoded_len() + 8;
            if size > room {
                left_out.items += 1;
                left_out.why = format!("a span is larger than the intake's {LARGEST} bytes");
                continue;
            }
            if self.size + size + CHUNK > LARGEST {
                self.cut();
                self.open_resource();
                open = false;
            }
            if !open {
                self.open_chunk(&mut numbered, &decision);
                open = true;
            }
            let sample = mapping.selection.sample(&numbered.span, &self.origin);
            self.samples.extend(sample);
            let payload = self.current.tracer_payloads.last_mut();
            if let Some(chunk) = payload.and_then(|payload| payload.chunks.last_mut()) {
                chunk.spans.push(numbered.span);
                self.size += size;
                self.items.push(numbered.number);
            }
        }
    }

    /// Begins a chunk, whose first span says what is true of all.
    fn open_chunk(&mut self, first: &mut Numbered, decision: &Decision) {
        let meta = &mut first.span.meta;
        meta.insert("_dd.p.tid".to_owned(), span::high_bits(first.trace));
        meta.insert("_dd.p.dm".to_owned(), decision.maker.to_owned());
        self.size += CHUNK;
        if let Some(payload) = self.current.tracer_payloads.last_mut() {
            payload.chunks.push(TraceChunk {
                priority: decision.priority,
                tags: BTreeMap::from([("_dd.otlp_sr".to_owned(), "1.00".to_owned())]),
                ..TraceChunk::default()
            });
        }
    }

    /// Ends the request that is being filled.
    fn cut(&mut self) {
        let mut payload = std::mem::take(&mut self.current);
        payload
            .tracer_payloads
            .retain(|payload| !payload.chunks.is_empty());
        self.hostname.clone_into(&mut payload.host_name);
        payload.agent_version = VERSION.to_owned();
        self.size = 0;
        let items = std::mem::take(&mut self.items);
        let samples = std::mem::take(&mut self.samples);
        if !items.is_empty() {
            let body = payload.encode_to_vec().into();
            self.done.push(Piece {
                request: Request { body, samples },
                items,
            });
        }
    }

    fn finish(mut self) -> Vec<Piece<Request>> {
        self.cut();
        self.done
    }
}
