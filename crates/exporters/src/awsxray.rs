//! `awsxray`: [AWS X-Ray](https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html).
//!
//! At most 50 documents a request, 64 KB each. Where the answer names segments that were not processed, those alone are
//! sent again if their error may pass, and counted as refused if not. Trace ids of W3C are taken as they are. Configuration
//! and mapping are those of the [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsxrayexporter),
//! which has neither a queue nor retries; this one has both.

mod attributes;
mod cause;
mod sections;
mod segment;
mod stack;

use bytes::Bytes;
use fanlight_config::blocks::NotSupported;
use fanlight_config::{ConfigError, Node};
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome,
};
use futures::future::BoxFuture;
use serde::Deserialize;

use self::attributes::Known;
use self::segment::{Options, Source};
use crate::aws::{AwsClient, Session, is_transient};
use crate::delivery::Delivery;
use crate::json_object::JsonObject;
use crate::pieces::{LeftOut, Piece, Sent, deliver};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "awsxray",
    aliases: &["aws_xray", "xray"],
    about: "AWS X-Ray.",
    sample: "region: eu-central-1\nindexed_attributes: [http.route]\naws_log_groups: [/shop/checkout]",
    decode,
};

/// The service's name in hosts and signatures.
const SERVICE: &str = "xray";
/// How many documents a request may have.
const MOST_DOCUMENTS: usize = 50;

/// Keys of its own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Keys {
    /// Attributes that become annotations, which X-Ray indexes; those of the resource as `otel.resource.<key>`. Default: none.
    indexed_attributes: Vec<String>,
    /// All attributes become annotations. Default: false.
    index_all_attributes: bool,
    /// The log groups that X-Ray shows beside the traces of resources that name none themselves. Default: none.
    aws_log_groups: Vec<String>,
    /// What the exporter would tell X-Ray about itself.
    telemetry: Telemetry,
}

/// Only what asks for nothing is accepted: this hub's own telemetry is at `/metrics`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Telemetry {
    enabled: NotSupported,
    include_metadata: bool,
    contributors: Vec<String>,
    hostname: String,
    instance_id: String,
    resource_arn: String,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry {
            enabled: NotSupported,
            include_metadata: true,
            contributors: Vec::new(),
            hostname: String::new(),
            instance_id: String::new(),
            resource_arn: String::new(),
        }
    }
}

/// A checked configuration.
#[derive(Clone, Debug)]
struct XRay {
    options: Options,
    session: Session,
    delivery: Delivery,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery, session) = node.decode_three::<Keys, Delivery, Session>()?;
    session.check(node)?;
    Ok(Box::new(XRay {
        options: Options {
            indexed: keys.indexed_attributes.into_iter().collect(),
            index_all: keys.index_all_attributes,
            log_groups: keys.aws_log_groups,
        },
        session,
        delivery,
    }))
}

impl ExporterConfig for XRay {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Traces])
    }

    fn settings(&self) -> ExportSettings {
        self.delivery.settings(self.session.timeout())
    }

    fn destination(&self) -> Destination {
        self.session.destination(SERVICE, "X-Ray")
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        Ok(Box::new(XRayExporter {
            client: self.session.client(SERVICE, context)?,
            options: self.options.clone(),
        }))
    }
}

struct XRayExporter {
    client: AwsClient,
    options: Options,
}

/// Documents for one request.
#[derive(Default)]
struct Documents {
    texts: Vec<String>,
    /// The segments' ids, one for each item.
    ids: Vec<String>,
}

/// The answer's list of segments that were not processed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    unprocessed_trace_segments: Option<Vec<Unprocessed>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Unprocessed {
    id: Option<String>,
    error_code: Option<String>,
    message: Option<String>,
}

impl Exporter for XRayExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (pieces, left_out) = match self.documents(batch) {
                Ok(documents) => documents,
                Err(error) => {
                    return Outcome::Rejected {
                        why: error.to_string(),
                    };
                }
            };
            deliver(batch, &pieces, left_out, |piece| self.put(piece)).await
        })
    }
}

impl XRayExporter {
    fn documents(&self, batch: &Batch) -> Result<(Vec<Piece<Documents>>, LeftOut), DecodeError> {
        let mut pieces: Vec<Piece<Documents>> = Vec::new();
        let mut left_out = LeftOut::default();
        let mut item = 0;
        for resource in batch.resources() {
            let resource = resource?;
            let of_resource = Known::read(resource.attributes)?;
            for scope in resource.scopes() {
                let scope = scope?;
                for span in scope.spans() {
                    let span = span?;
                    let source = Source {
                        options: &self.options,
                        of_resource: &of_resource,
                        scope: &scope,
                        span: &span,
                    };
                    match source.document()? {
                        Ok(text) => add(&mut pieces, text, span.span_id.to_string(), item),
                        Err(unfit) => {
                            left_out.items += 1;
                            left_out.why = unfit.to_string();
                        }
                    }
                    item += 1;
                }
            }
        }
        Ok((pieces, left_out))
    }

    async fn put(&self, piece: &Piece<Documents>) -> Sent {
        let mut body = Vec::new();
        JsonObject::write(&mut body, |body| {
            body.array("TraceSegmentDocuments", |list| {
                piece.request.texts.iter().for_each(|text| list.text(text));
            });
        });
        let headers = [("content-type", "application/json")];
        let answer = self
            .client
            .post("/TraceSegments", &headers, Bytes::from(body))
            .await;
        match answer {
            Ok(answer) => unprocessed(piece, &answer),
            Err(refusal) => piece.sent(refusal.outcome),
        }
    }
}

fn add(pieces: &mut Vec<Piece<Documents>>, text: String, id: String, item: usize) {
    let has_room = |piece: &&mut Piece<Documents>| piece.items.len() < MOST_DOCUMENTS;
    if pieces.last_mut().filter(has_room).is_none() {
        pieces.push(Piece {
            request: Documents::default(),
            items: Vec::new(),
        });
    }
    if let Some(piece) = pieces.last_mut() {
        piece.request.texts.push(text);
        piece.request.ids.push(id);
        piece.items.push(item);
    }
}

/// What the answer says of single segments.
fn unprocessed(piece: &Piece<Documents>, answer: &[u8]) -> Sent {
    // An answer that can't be read is one of success all the same.
    let answer: Answer = serde_json::from_slice(answer).unwrap_or_default();
    let (mut again, mut rejected, mut why) = (Vec::new(), 0, String::new());
    for segment in answer.unprocessed_trace_segments.unwrap_or_default() {
        let code = segment.error_code.unwrap_or_default();
        why = format!("X-Ray did not process a segment: {code}");
        if let Some(message) = segment.message.filter(|message| !message.is_empty()) {
            why = format!("{why}: {message}");
        }
        let ids = piece.request.ids.iter().zip(&piece.items);
        let items = ids.filter(|(id, _)| Some(*id) == segment.id.as_ref());
        let before = again.len();
        // An error without a name may be one of X-Ray's own.
        if code.is_empty() || is_transient(&code) {
            again.extend(items.map(|(_, item)| *item));
        }
        if again.len() == before {
            rejected += 1;
        }
    }
    match again.is_empty() {
        true => Sent::Settled { rejected, why },
        false => Sent::Again {
            items: again,
            rejected,
            after: None,
            why,
        },
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    #[test]
    fn defaults_are_the_collectors() {
        let keys: Keys = node("").decode().unwrap();
        assert_eq!(keys, Keys::default());
        assert!(!keys.index_all_attributes);
        let config = decode(&node("region: us-east-1\naws_log_groups: [telegen-traces]")).unwrap();
        assert_eq!(config.signals(), SignalSet::of(&[Signal::Traces]));
        assert_eq!(
            config.destination().text,
            "https://xray.us-east-1.amazonaws.com (X-Ray)"
        );
    }

    #[test]
    fn its_own_telemetry_is_refused_by_name() {
        assert!(decode(&node("telemetry: {enabled: false, include_metadata: true}")).is_ok());
        let error = decode(&node("telemetry: {enabled: true}")).unwrap_err();
        assert!(error.to_string().contains("not supported"), "{error}");
    }
}
