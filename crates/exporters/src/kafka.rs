//! `kafka`: every signal as messages in Kafka topics, by librdkafka.
//!
//! A batch is delivered when the brokers have acknowledged every message that it became (`producer.required_acks`); what was
//! not is sent again, and only that. Messages are never larger than `producer.max_message_bytes`: what would be is split,
//! and a single item that is too large is counted as refused. With `otlp_proto` and no key a batch leaves as the bytes
//! that came in.
//!
//! librdkafka keeps at most [`BUFFER_KIBIBYTES`] of messages; a batch that finds no room waits in its queue.
//!
//! Not as in the Collector: with `topic_from_attribute` each resource goes to its own topic, not the whole batch to that of
//! the first; `round_robin` spreads messages evenly at random; the key of `partition_*_by_resource_attributes` is another
//! hash. [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/kafkaexporter).

mod config;
mod message;

use std::collections::VecDeque;

use fanlight_net::kafka::Ear;
use fanlight_otlp::Batch;
use fanlight_pipeline::{Exporter, ExporterKind, Outcome};
use futures::future::BoxFuture;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use self::message::{Layout, Message};
use crate::pieces::{Piece, Sent, settle};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "kafka",
    aliases: &[],
    about: "Kafka topics, as OTLP protobuf or JSON, split to fit and acknowledged by the brokers.",
    sample: "brokers: [localhost:9092]\ntraces:\n  topic: otlp_spans",
    decode: config::decode,
};

/// How much librdkafka holds of what brokers have not acknowledged.
const BUFFER_KIBIBYTES: u32 = 64 << 10;

struct KafkaExporter {
    producer: FutureProducer<Ear>,
    ear: Ear,
    layout: Layout,
    /// Headers of every message.
    headers: Vec<(String, String)>,
    /// The caller's metadata that becomes headers.
    metadata_keys: Vec<String>,
}

impl Exporter for KafkaExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let headers = self.headers(batch);
            let overhead = headers
                .iter()
                .map(|(key, value)| key.len() + value.len())
                .sum();
            let (pieces, left_out) = match self.layout.messages(batch, overhead) {
                Ok(messages) => messages,
                Err(error) => {
                    return Outcome::Rejected {
                        why: format!("the batch can't be read: {error}"),
                    };
                }
            };
            let ends = self.produce(&pieces, &headers).await;
            settle(batch, left_out, ends)
        })
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        let producer = self.producer.clone();
        Box::pin(async move {
            // Every message that mattered has been waited for; this lets go of those whose attempt was given up.
            let flushed = tokio::task::spawn_blocking(move || {
                producer.flush(std::time::Duration::from_secs(1))
            });
            drop(flushed.await);
        })
    }
}

impl KafkaExporter {
    /// Hands all messages over and waits for their acknowledgements, in whatever order they come.
    async fn produce(&self, pieces: &[Piece<Message>], headers: &[(String, String)]) -> Vec<Sent> {
        let mut ends = Vec::with_capacity(pieces.len());
        let mut flying = VecDeque::with_capacity(pieces.len());
        for piece in pieces {
            loop {
                let handed = self.producer.send_result(record(&piece.request, headers));
                match handed.map_err(|(error, _)| error) {
                    Ok(flight) => {
                        flying.push_back((piece, flight));
                        break;
                    }
                    Err(error) => {
                        let is_full =
                            error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                        // A batch larger than the buffer makes room for itself.
                        let earliest = if is_full { flying.pop_front() } else { None };
                        match earliest {
                            Some((earlier, flight)) => {
                                ends.push(self.landed(earlier, flight.await))
                            }
                            None => {
                                ends.push(self.failed(piece, &error));
                                break;
                            }
                        }
                    }
                }
            }
        }
        for (piece, flight) in flying {
            ends.push(self.landed(piece, flight.await));
        }
        ends
    }

    fn landed<D, M, C>(
        &self,
        piece: &Piece<Message>,
        landed: Result<Result<D, (KafkaError, M)>, C>,
    ) -> Sent {
        match landed {
            Ok(Ok(_)) => piece.sent(Outcome::Delivered),
            Ok(Err((error, _))) => self.failed(piece, &error),
            Err(_) => piece.sent(Outcome::Retry {
                after: None,
                why: "the Kafka producer was closed before the broker answered".to_owned(),
            }),
        }
    }

    fn failed(&self, piece: &Piece<Message>, error: &KafkaError) -> Sent {
        let code = error.rdkafka_error_code();
        let (is_final, advice) = code.map_or((false, ""), meaning);
        let topic = &piece.request.topic;
        let why = format!("topic {topic}: {}{advice}", self.ear.explain(error));
        piece.sent(match code {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => Outcome::TooLarge { why },
            _ if is_final => Outcome::Rejected { why },
            _ => Outcome::Retry { after: None, why },
        })
    }

    fn headers(&self, batch: &Batch) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        let metadata = batch.origin().map_or(&[][..], |origin| &origin.metadata);
        for wanted in &self.metadata_keys {
            let found = metadata
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            headers.extend(found.map(|(_, value)| (wanted.clone(), value.clone())));
        }
        headers
    }
}

fn record<'a>(message: &'a Message, headers: &[(String, String)]) -> FutureRecord<'a, [u8], [u8]> {
    let mut record = FutureRecord::to(&message.topic).payload(&message.payload[..]);
    if let Some(key) = &message.key {
        record = record.key(key.as_bytes());
    }
    if !headers.is_empty() {
        let all = OwnedHeaders::new_with_capacity(headers.len());
        let all = headers.iter().fold(all, |all, (key, value)| {
            all.insert(Header {
                key,
                value: Some(value),
            })
        });
        record = record.headers(all);
    }
    record
}

/// Whether sending the same message again is of no use, and what the user can do.
const fn meaning(code: RDKafkaErrorCode) -> (bool, &'static str) {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge => (
            true,
            "; lower producer.max_message_bytes to the topic's max.message.bytes, or raise that",
        ),
        Code::TopicAuthorizationFailed => (
            true,
            "; allow this user to write to it (an ACL for Write and Describe)",
        ),
        Code::ClusterAuthorizationFailed => (true, "; allow this user to write (an ACL)"),
        Code::InvalidTopic => (
            true,
            "; a topic is up to 249 letters, digits, dots, _ and -",
        ),
        Code::InvalidRequiredAcks
        | Code::PolicyViolation
        | Code::InvalidRecord
        | Code::UnsupportedCompressionType
        | Code::UnsupportedForMessageFormat => (true, ""),
        Code::UnknownTopic | Code::UnknownTopicOrPartition => (
            false,
            "; create the topic, or let the brokers create topics",
        ),
        _ => (false, ""),
    }
}

#[cfg(test)]
mod tests;
