//! Taking messages in, one after the other, and committing what was taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fanlight_config::blocks::Retry;
use fanlight_net::kafka::{Ear, refused};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{BuildError, Inlet, Receiver, RefusalReason, Stop};
use futures::future::BoxFuture;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Message};

use super::TRANSPORT;
use super::config::{Kafka, Source};
use super::message::{origin, with_headers};

/// The first and the longest pause before a refused message is offered again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Built: the settings are known to be good; nothing is connected yet.
pub(super) struct KafkaReceiver {
    config: ClientConfig,
    ear: Ear,
    sources: Vec<Source>,
    /// Headers that become resource attributes.
    headers: Vec<String>,
    /// Whether every message is committed by itself.
    commits_each: bool,
    backoff: Retry,
}

impl KafkaReceiver {
    pub(super) fn new(
        kafka: &Kafka,
        config: ClientConfig,
        id: &str,
    ) -> Result<KafkaReceiver, BuildError> {
        let own = Retry {
            initial_interval: PAUSES.0,
            multiplier: 2.0,
            max_interval: PAUSES.1,
            ..Retry::default()
        };
        let configured = kafka.keys.error_backoff.clone();
        Ok(KafkaReceiver {
            config,
            ear: Ear::new(id, &kafka.client),
            sources: kafka.sources.clone(),
            headers: kafka.keys.header_extraction.wanted().to_vec(),
            commits_each: !kafka.keys.autocommit.enable,
            backoff: configured.filter(|backoff| backoff.enabled).unwrap_or(own),
        })
    }
}

impl Receiver for KafkaReceiver {
    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        Box::pin(async move {
            let mut sources = self.sources;
            sources.retain(|source| out.accepts(source.signal));
            let topics = topics(&sources)?;
            let consumer: StreamConsumer<Ear> = self
                .config
                .create_with_context(self.ear.clone())
                .map_err(|error| refused(&error))?;
            let consumer = Arc::new(consumer);
            consumer
                .subscribe(&topics)
                .map_err(|error| refused(&error))?;
            let intake = Intake {
                consumer: Arc::clone(&consumer),
                ear: self.ear,
                sources: sources.clone(),
                headers: self.headers,
                commits_each: self.commits_each,
                backoff: self.backoff,
                out,
                stop,
                early: VecDeque::new(),
                skipped: 0,
                trouble: String::new(),
            };
            let ended = intake.run().await;
            // Both wait for the brokers.
            let closed = tokio::task::spawn_blocking(move || {
                match consumer.commit_consumer_state(CommitMode::Sync) {
                    Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
                    Err(error) => tracing::warn!(
                        %error,
                        "the last offsets could not be committed; what was taken since comes again"
                    ),
                }
                drop(consumer);
            });
            drop(closed.await);
            ended
        })
    }
}

/// What to subscribe to. No topic may hold messages of two signals: nothing would tell them apart.
fn topics(sources: &[Source]) -> Result<Vec<&str>, BuildError> {
    let mut topics: Vec<&str> = Vec::new();
    for source in sources {
        for topic in &source.topics {
            if topics.contains(&topic.text.as_str()) {
                let signal = source.signal;
                return Err(BuildError::new(format!(
                    "the topic {} is read for {signal} and for another signal",
                    topic.text
                ))
                .hint(format!("write {signal}: with topics: of its own")));
            }
            topics.push(&topic.text);
        }
    }
    Ok(topics)
}

/// A message on its way in.
struct Incoming {
    signal: Signal,
    /// What it says, or why it can't be read.
    batch: Result<Batch, String>,
    topic: String,
    partition: i32,
    offset: i64,
}

struct Intake {
    consumer: Arc<StreamConsumer<Ear>>,
    ear: Ear,
    sources: Vec<Source>,
    headers: Vec<String>,
    commits_each: bool,
    backoff: Retry,
    out: Inlet,
    stop: Stop,
    /// What came while another message was waiting: the first of partitions that were assigned meanwhile.
    early: VecDeque<Incoming>,
    /// How many messages were passed over.
    skipped: u64,
    /// What last went wrong, so that it is told once.
    trouble: String,
}

impl Intake {
    /// Takes messages until told to stop, or until the consumer is of no more use.
    async fn run(mut self) -> Result<(), BuildError> {
        loop {
            let incoming = match self.early.pop_front() {
                Some(incoming) => Some(incoming),
                None => tokio::select! {
                    biased;
                    () = self.stop.requested() => return Ok(()),
                    received = self.consumer.recv() => match received {
                        Ok(message) => read(&self.sources, &self.headers, &message),
                        Err(error) => {
                            self.trouble(&error)?;
                            None
                        }
                    },
                },
            };
            let Some(incoming) = incoming else { continue };
            match &incoming.batch {
                Ok(batch) => {
                    if !self.offer(&incoming, batch).await? {
                        return Ok(());
                    }
                }
                Err(why) => self.pass_over(&incoming, why, true),
            }
            self.taken(&incoming);
        }
    }

    /// Offers a message until it is taken or refused for good; false when told to stop meanwhile.
    async fn offer(&mut self, incoming: &Incoming, batch: &Batch) -> Result<bool, BuildError> {
        let mut pause = self.backoff.initial_interval;
        let mut is_paused = false;
        loop {
            let refused = match self.out.offer(batch.clone(), TRANSPORT).await {
                Ok(_) => break,
                Err(refused) => refused,
            };
            match refused.reason {
                RefusalReason::Rejected | RefusalReason::NotRouted => {
                    self.pass_over(incoming, &refused.message, false);
                    break;
                }
                RefusalReason::Overloaded
                | RefusalReason::Unavailable
                | RefusalReason::Internal => {}
            }
            if !is_paused {
                tracing::debug!(reason = refused.message, "fetching from Kafka pauses");
                self.pause();
                is_paused = true;
            }
            if !self
                .rest(refused.retry_after.map_or(pause, |after| after.max(pause)))
                .await?
            {
                return Ok(false);
            }
            pause = pause
                .mul_f64(self.backoff.multiplier)
                .min(self.backoff.max_interval);
        }
        if is_paused {
            self.resume();
        }
        Ok(true)
    }

    /// Waits, staying in the group; false when told to stop meanwhile.
    async fn rest(&mut self, pause: Duration) -> Result<bool, BuildError> {
        let until = tokio::time::sleep(pause);
        tokio::pin!(until);
        loop {
            let received = tokio::select! {
                biased;
                () = self.stop.requested() => return Ok(false),
                () = &mut until => return Ok(true),
                received = self.consumer.recv() => received
                    .map(|message| read(&self.sources, &self.headers, &message)),
            };
            match received {
                Ok(incoming) => {
                    // Its partition has been assigned since the others were paused.
                    self.early.extend(incoming);
                    self.pause();
                }
                Err(error) => self.trouble(&error)?,
            }
        }
    }

    fn pause(&self) {
        let paused = self
            .consumer
            .assignment()
            .and_then(|all| self.consumer.pause(&all));
        if let Err(error) = paused {
            tracing::debug!(%error, "fetching from Kafka could not be paused");
        }
    }

    fn resume(&self) {
        let resumed = self
            .consumer
            .assignment()
            .and_then(|all| self.consumer.resume(&all));
        if let Err(error) = resumed {
            tracing::warn!(%error, "fetching from Kafka could not be resumed");
        }
    }

    /// The message is settled: the next commit may include it.
    fn taken(&self, incoming: &Incoming) {
        let Incoming {
            topic,
            partition,
            offset,
            ..
        } = incoming;
        let stored = self.consumer.store_offset(topic, *partition, *offset);
        let committed = stored.and_then(|()| match self.commits_each {
            true => self.consumer.commit_consumer_state(CommitMode::Async),
            false => Ok(()),
        });
        if let Err(error) = committed {
            // Its partition belongs to another member now, which gets the message again.
            tracing::debug!(topic, partition, offset, %error, "an offset can't be committed");
        }
    }

    /// Counts and tells that a message is lost, the first and then ever more rarely.
    fn pass_over(&mut self, incoming: &Incoming, why: &str, is_unread: bool) {
        if is_unread {
            self.out.refuse(incoming.signal, 1, TRANSPORT);
        }
        self.skipped += 1;
        if self.skipped.is_power_of_two() {
            let Incoming {
                topic,
                partition,
                offset,
                ..
            } = incoming;
            tracing::warn!(
                topic,
                partition,
                offset,
                skipped = self.skipped,
                error = why,
                "a message can't be taken and is passed over"
            );
        }
    }

    /// Tells what went wrong, once; the consumer carries on by itself unless it is of no more use.
    fn trouble(&mut self, error: &KafkaError) -> Result<(), BuildError> {
        let text = self.ear.explain(error);
        if let Some((_, reason)) = self.consumer.client().fatal_error() {
            return Err(BuildError::new(format!(
                "the Kafka consumer had to stop: {text}: {reason}"
            )));
        }
        if text != self.trouble {
            let hint = match error.rdkafka_error_code() {
                Some(
                    RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic,
                ) => "the topic is not there yet; it is read as soon as it is",
                Some(
                    RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::GroupAuthorizationFailed,
                ) => "allow this user to read (ACLs for the topic and the group)",
                _ => "it is tried again",
            };
            tracing::warn!(error = text, hint, "Kafka can't be read from");
            self.trouble = text;
        }
        Ok(())
    }
}

/// What a message says; `None` where no source wants its topic.
fn read(sources: &[Source], wanted: &[String], message: &impl Message) -> Option<Incoming> {
    let covers = |source: &&Source| {
        source
            .topics
            .iter()
            .any(|topic| topic.covers(message.topic()))
    };
    let source = sources.iter().find(covers)?;
    let payload = message.payload().unwrap_or_default();
    let batch = source.encoding.read(source.signal, payload);
    let batch = batch.and_then(|batch| with_headers(batch, message, wanted));
    Some(Incoming {
        signal: source.signal,
        batch: batch.map(|batch| batch.with_origin(Some(origin(message)))),
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
    })
}
