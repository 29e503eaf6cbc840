//! `awscloudwatchlogs`: [Amazon CloudWatch Logs](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).
//!
//! A request holds at most 10,000 events, 1 MiB and 24 hours, in the order of time; a longer message is cut. Events that are
//! too old or too new for the group are counted as the answer tells them. The group and the stream are made when they are
//! missing. Configuration and messages are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awscloudwatchlogsexporter).

mod event;
mod limits;

use std::collections::BTreeMap;

use bytes::Bytes;
use fanlight_config::{ConfigError, Node};
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome,
};
use futures::future::BoxFuture;
use serde::Deserialize;

use self::event::{Event, Stream};
use self::limits::Put;
use crate::aws::{AwsClient, Refusal, Session};
use crate::delivery::Delivery;
use crate::json_object::JsonObject;
use crate::pieces::{LeftOut, Piece, Sent, deliver};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "awscloudwatchlogs",
    aliases: &["aws_cloudwatch_logs"],
    about: "Amazon CloudWatch Logs.",
    sample: "region: eu-central-1\nlog_group_name: /shop/checkout\nlog_stream_name: hub\nlog_retention: 30",
    decode,
};

/// The service's name in hosts and signatures.
const SERVICE: &str = "logs";
/// The retention times that CloudWatch knows, in days; 0 is for ever.
const RETENTIONS: [u32; 23] = [
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];
/// The most tags of a group.
const MOST_TAGS: usize = 50;

/// Keys of its own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Keys {
    /// The group. Mandatory.
    log_group_name: String,
    /// The stream. Mandatory.
    log_stream_name: String,
    /// How many days a group that is made here keeps its logs; 0 means for ever. Default: 0.
    log_retention: u32,
    /// Tags of a group that is made here. Default: none.
    tags: BTreeMap<String, String>,
    /// The body alone is the message; one in the embedded metric format may name its own group and stream. Default: false.
    raw_log: bool,
    /// With `raw_log`, records that are not in the embedded metric format are left out. Default: false. Not in the Collector.
    emf_only: bool,
}

/// A checked configuration.
#[derive(Clone, Debug)]
struct CloudWatchLogs {
    keys: Keys,
    session: Session,
    delivery: Delivery,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery, session) = node.decode_three::<Keys, Delivery, Session>()?;
    session.check(node)?;
    for (key, value) in [
        ("log_group_name", &keys.log_group_name),
        ("log_stream_name", &keys.log_stream_name),
    ] {
        if value.is_empty() {
            return Err(node
                .error_at(key, format!("{key} is missing"))
                .hint("name the group and the stream; they are made when they are missing"));
        }
    }
    if !RETENTIONS.contains(&keys.log_retention) {
        let days: Vec<String> = RETENTIONS.iter().skip(1).map(u32::to_string).collect();
        return Err(node
            .error_at("log_retention", "CloudWatch does not know this retention")
            .hint(format!("write 0 for ever, or days: {}", days.join(", "))));
    }
    if let Some(why) = wrong_tags(&keys.tags) {
        return Err(node.error_at("tags", why));
    }
    if keys.emf_only && !keys.raw_log {
        let error = node.error_at("emf_only", "embedded metrics are sent as raw logs only");
        return Err(error.hint("set raw_log: true as well"));
    }
    Ok(Box::new(CloudWatchLogs {
        keys,
        session,
        delivery,
    }))
}

/// What is wrong with tags. [Source](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html).
fn wrong_tags(tags: &BTreeMap<String, String>) -> Option<String> {
    if tags.len() > MOST_TAGS {
        return Some(format!("a group has at most {MOST_TAGS} tags"));
    }
    let fits = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
    };
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 || !fits(key) {
            return Some(format!(
                "`{key}` is no key of a tag: 1 to 128 letters, digits, spaces and _.:/=+-@"
            ));
        }
        if value.chars().count() > 256 || !fits(value) {
            return Some(format!(
                "the value of the tag `{key}` has up to 256 letters, digits, spaces and _.:/=+-@"
            ));
        }
    }
    None
}

impl ExporterConfig for CloudWatchLogs {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Logs])
    }

    fn settings(&self) -> ExportSettings {
        self.delivery.settings(self.session.timeout())
    }

    fn destination(&self) -> Destination {
        let name = format!("CloudWatch Logs, {}", self.keys.log_group_name);
        self.session.destination(SERVICE, &name)
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        Ok(Box::new(LogsExporter {
            client: self.session.client(SERVICE, context)?,
            stream: Stream {
                group: self.keys.log_group_name.clone(),
                name: self.keys.log_stream_name.clone(),
            },
            keys: self.keys.clone(),
        }))
    }
}

struct LogsExporter {
    client: AwsClient,
    /// Where records go that name no stream themselves.
    stream: Stream,
    keys: Keys,
}

impl Exporter for LogsExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (pieces, left_out) = match self.requests(batch) {
                Ok(requests) => requests,
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

impl LogsExporter {
    fn requests(&self, batch: &Batch) -> Result<(Vec<Piece<Put>>, LeftOut), DecodeError> {
        let mut streams: BTreeMap<Stream, Vec<Event>> = BTreeMap::new();
        let mut left_out = LeftOut::default();
        let mut item = 0;
        for resource in batch.resources() {
            let resource = resource?;
            for scope in resource.scopes() {
                let scope = scope?;
                for record in scope.logs() {
                    let record = record?;
                    let (message, embedded) = match self.keys.raw_log {
                        false => (event::wrapped(&resource, &scope, &record).into(), None),
                        true => {
                            let text = record.body.to_text();
                            let embedded = event::embedded_stream(&text, &self.stream);
                            (text, embedded)
                        }
                    };
                    if let Some(why) = self.unwanted(&message) {
                        left_out.items += 1;
                        why.clone_into(&mut left_out.why);
                    } else {
                        let stream = embedded.unwrap_or_else(|| self.stream.clone());
                        streams.entry(stream).or_default().push(Event {
                            timestamp: event::milliseconds(&record),
                            message: event::fit(message),
                            item,
                        });
                    }
                    item += 1;
                }
            }
        }
        let requests = streams
            .into_iter()
            .flat_map(|(stream, events)| limits::requests(&stream, events));
        Ok((requests.collect(), left_out))
    }

    /// Why a message is not sent.
    fn unwanted(&self, message: &str) -> Option<&'static str> {
        if message.is_empty() {
            return Some("CloudWatch takes no empty message");
        }
        let left_out = self.keys.emf_only && !event::is_embedded(message);
        left_out.then_some("emf_only leaves out what is not in the embedded metric format")
    }

    async fn put(&self, piece: &Piece<Put>) -> Sent {
        let Put { stream, body } = &piece.request;
        match self.put_events(body.clone()).await {
            Ok(answer) => return rejected_events(piece, &answer),
            Err(refusal) if refusal.code == "DataAlreadyAcceptedException" => {
                return piece.sent(Outcome::Delivered);
            }
            Err(refusal) if refusal.code != NOT_FOUND => return piece.sent(refusal.outcome),
            Err(_) => {}
        }
        if let Err(refusal) = self.make(stream).await {
            return piece.sent(refusal.outcome);
        }
        match self.put_events(body.clone()).await {
            Ok(answer) => rejected_events(piece, &answer),
            // What has just been made is not seen everywhere at once.
            Err(refusal) if refusal.code == NOT_FOUND => piece.sent(again(refusal.outcome)),
            Err(refusal) => piece.sent(refusal.outcome),
        }
    }

    async fn put_events(&self, body: Bytes) -> Result<Bytes, Refusal> {
        let target = ("x-amz-target", "Logs_20140328.PutLogEvents");
        match self.keys.raw_log {
            false => self.client.post("/", &[TYPE, target], body).await,
            true => {
                let format = ("x-amzn-logs-format", "json/emf");
                self.client.post("/", &[TYPE, target, format], body).await
            }
        }
    }

    /// Makes the stream, and before it the group where that is missing, too.
    async fn make(&self, stream: &Stream) -> Result<(), Refusal> {
        match self.make_stream(stream).await {
            Err(refusal) if refusal.code == NOT_FOUND => {}
            made => return made,
        }
        let mut body = Vec::new();
        JsonObject::write(&mut body, |body| {
            body.text("logGroupName", &stream.group);
            body.some_object("tags", |tags| {
                for (key, value) in &self.keys.tags {
                    tags.text(key, value);
                }
            });
        });
        let made = self.call("Logs_20140328.CreateLogGroup", body).await;
        if made? && self.keys.log_retention != 0 {
            let mut body = Vec::new();
            JsonObject::write(&mut body, |body| {
                body.text("logGroupName", &stream.group);
                body.number("retentionInDays", self.keys.log_retention);
            });
            self.call("Logs_20140328.PutRetentionPolicy", body).await?;
        }
        self.make_stream(stream).await
    }

    async fn make_stream(&self, stream: &Stream) -> Result<(), Refusal> {
        let mut body = Vec::new();
        JsonObject::write(&mut body, |body| {
            body.text("logGroupName", &stream.group);
            body.text("logStreamName", &stream.name);
        });
        let made = self.call("Logs_20140328.CreateLogStream", body).await;
        made.map(|_| ())
    }

    /// Calls an operation that makes something; false when somebody else has made it before.
    async fn call(&self, target: &'static str, body: Vec<u8>) -> Result<bool, Refusal> {
        let headers = [TYPE, ("x-amz-target", target)];
        match self.client.post("/", &headers, Bytes::from(body)).await {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.code == "ResourceAlreadyExistsException" => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }
}

/// The group or the stream is missing.
const NOT_FOUND: &str = "ResourceNotFoundException";
/// What CloudWatch Logs speaks.
const TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.1");

fn again(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Rejected { why } => Outcome::Retry { after: None, why },
        outcome => outcome,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    rejected_log_events_info: Option<RejectedEvents>,
}

/// Which events were not taken: from the front up to an index, from an index to the end.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RejectedEvents {
    too_new_log_event_start_index: Option<usize>,
    too_old_log_event_end_index: Option<usize>,
    expired_log_event_end_index: Option<usize>,
}

fn rejected_events(piece: &Piece<Put>, answer: &[u8]) -> Sent {
    // An answer that can't be read is one of success all the same.
    let answer: Answer = serde_json::from_slice(answer).unwrap_or_default();
    let rejected = answer.rejected_log_events_info.unwrap_or_default();
    let all = piece.items.len();
    let old = rejected.too_old_log_event_end_index.unwrap_or(0);
    let expired = rejected.expired_log_event_end_index.unwrap_or(0);
    let from = rejected
        .too_new_log_event_start_index
        .unwrap_or(all)
        .min(all);
    let (front, back) = (old.max(expired).min(from), all - from);
    let mut why = String::new();
    if front + back > 0 {
        why = format!(
            "CloudWatch takes events of the last 14 days, within the group's retention, and up to 2 hours ahead: {front} were too old, {back} too new"
        );
    }
    Sent::Settled {
        rejected: (front + back) as u64,
        why,
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    const NAMES: &str = "log_group_name: g\nlog_stream_name: s\n";

    #[test]
    fn defaults_are_the_collectors() {
        let keys: Keys = node("").decode().unwrap();
        assert_eq!(keys, Keys::default());
        assert!(!keys.raw_log && keys.log_retention == 0 && keys.tags.is_empty());
        assert!(decode(&node(NAMES)).is_ok());
    }

    #[test]
    fn mistakes_are_told_at_their_key() {
        for (yaml, told) in [
            ("log_stream_name: s", "log_group_name is missing"),
            ("log_retention: 8", "does not know this retention"),
            ("tags: {\"a*\": b}", "`a*` is no key of a tag"),
            ("emf_only: true", "raw logs only"),
            ("proxy_address: http://p", "not supported"),
        ] {
            let names = if yaml.contains("log_stream") {
                ""
            } else {
                NAMES
            };
            let error = decode(&node(&format!("{names}{yaml}"))).unwrap_err();
            assert!(error.to_string().contains(told), "{yaml}: {error}");
        }
    }

    #[test]
    fn events_that_were_not_taken_are_counted_from_both_ends() {
        let piece = Piece {
            request: Put {
                stream: Stream {
                    group: String::new(),
                    name: String::new(),
                },
                body: Bytes::new(),
            },
            items: (0..10).collect(),
        };
        let rejected = |answer: &str| match rejected_events(&piece, answer.as_bytes()) {
            Sent::Settled { rejected, .. } => rejected,
            again => panic!("{again:?}"),
        };
        assert_eq!(rejected("{}"), 0);
        assert_eq!(
            rejected(
                r#"{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":2,"expiredLogEventEndIndex":3,"tooNewLogEventStartIndex":9}}"#
            ),
            4
        );
        assert_eq!(
            rejected(
                r#"{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":99,"tooNewLogEventStartIndex":0}}"#
            ),
            10
        );
    }
}
