//! What messages a batch becomes: their topics, keys and bytes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use fanlight_net::kafka::FOREIGN_ENCODINGS;
use fanlight_otlp::view::{Attributes, Value};
use fanlight_otlp::{Batch, DecodeError, Signal, TraceId, json};
use serde::Deserialize;

use crate::pieces::{LeftOut, Piece};

/// What a message has besides its key, headers and payload, generously.
const OVERHEAD: usize = 128;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: Arc<str>,
    pub(super) key: Option<String>,
    pub(super) payload: Bytes,
}

/// How batches become messages.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// One for each signal that it takes.
    pub(super) routes: [Option<Route>; 4],
    /// The resource attribute that names the topic.
    pub(super) topic_from_attribute: Option<String>,
    /// No message is larger, with its key and headers.
    pub(super) max_message_bytes: usize,
}

/// How one signal becomes messages.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) topic: Arc<str>,
    pub(super) encoding: Encoding,
    /// The caller's metadata that names the topic, before anything else.
    pub(super) topic_from_metadata_key: Option<String>,
    pub(super) key_by: KeyBy,
}

/// What the message's key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyBy {
    Nothing,
    /// The caller's metadata of this name.
    Metadata(String),
    /// The trace's id; one message for each trace.
    Trace,
    /// A hash of the resource's attributes; one message for each resource.
    Resource,
}

/// What a message's payload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Encoding {
    /// An OTLP request in protobuf.
    #[default]
    Proto,
    /// An OTLP request in JSON.
    Json,
    /// The body of one log record: bytes as they are, all else as JSON.
    Raw,
}

impl TryFrom<String> for Encoding {
    type Error = String;

    fn try_from(name: String) -> Result<Encoding, String> {
        match name.as_str() {
            "otlp_proto" => Ok(Encoding::Proto),
            "otlp_json" => Ok(Encoding::Json),
            "raw" => Ok(Encoding::Raw),
            name if FOREIGN_ENCODINGS.contains(&name) => Err(format!(
                "the encoding `{name}` can't be written to Kafka: write otlp_proto, which current Jaeger ingesters read, or use the zipkin exporter"
            )),
            _ => Err(format!(
                "`{name}` is no encoding; write otlp_proto, otlp_json or raw (encoding extensions are not supported)"
            )),
        }
    }
}

/// Where items go that share a message.
struct Group {
    topic: Arc<str>,
    key: Option<String>,
    items: Vec<usize>,
}

impl Layout {
    /// The messages of a batch, and what is too large for any. `headers` is the size of the headers of each.
    pub(super) fn messages(
        &self,
        batch: &Batch,
        headers: usize,
    ) -> Result<(Vec<Piece<Message>>, LeftOut), DecodeError> {
        let Some(Some(route)) = self.routes.get(batch.signal() as usize) else {
            let left_out = LeftOut {
                items: batch.items() as u64,
                why: format!("no encoding of this exporter can hold {}", batch.signal()),
            };
            return Ok((Vec::new(), left_out));
        };
        let (groups, group_of) = self.groups(route, batch)?;
        let parts = match groups.len() {
            1 => vec![batch.clone()],
            many => batch.partition(many, |item| group_of.get(item).copied().unwrap_or_default()),
        };
        let mut packer = Packer {
            encoding: route.encoding,
            limit: self.max_message_bytes.saturating_sub(OVERHEAD + headers),
            pieces: Vec::with_capacity(groups.len()),
            left_out: LeftOut::default(),
        };
        for (group, part) in groups.into_iter().zip(parts) {
            packer.pack(&group, &mut group.items.iter().copied(), part)?;
        }
        Ok((packer.pieces, packer.left_out))
    }

    /// Which items share a message, and the group of each item.
    fn groups(
        &self,
        route: &Route,
        batch: &Batch,
    ) -> Result<(Vec<Group>, Vec<usize>), DecodeError> {
        let named = route.topic_from_metadata_key.as_deref();
        let named = named.and_then(|key| metadata(batch, key));
        let default = named.unwrap_or(&route.topic);
        let key = match &route.key_by {
            KeyBy::Metadata(name) => metadata(batch, name).map(str::to_owned),
            KeyBy::Nothing | KeyBy::Trace | KeyBy::Resource => None,
        };
        let attribute = self
            .topic_from_attribute
            .as_deref()
            .filter(|_| named.is_none());
        let is_whole = match route.key_by {
            KeyBy::Nothing | KeyBy::Metadata(_) => attribute.is_none(),
            KeyBy::Trace | KeyBy::Resource => false,
        };
        let mut sorter = Sorter::default();
        if is_whole {
            sorter.add(default, key, batch.items());
            return Ok((sorter.groups, sorter.group_of));
        }
        for resource in batch.resources() {
            let resource = resource?;
            let value = attribute.map(|attribute| resource.attributes.get(attribute));
            let value = value
                .transpose()?
                .flatten()
                .and_then(|value| value.as_str());
            let topic = value.filter(|text| !text.is_empty()).unwrap_or(default);
            let key = match route.key_by {
                KeyBy::Resource => Some(hash(&resource.attributes)?),
                _ => key.clone(),
            };
            if batch.signal() == Signal::Profiles {
                // They share a dictionary and stay together: the first resource decides.
                sorter.add(topic, key, batch.items());
                break;
            }
            for scope in resource.scopes() {
                let scope = scope?;
                for span in scope.spans() {
                    sorter.add(topic, route.key(&key, span?.trace_id), 1);
                }
                for log in scope.logs() {
                    sorter.add(topic, route.key(&key, log?.trace_id), 1);
                }
                for metric in scope.metrics() {
                    sorter.add(topic, key.clone(), metric?.points_count());
                }
            }
        }
        Ok((sorter.groups, sorter.group_of))
    }
}

impl Route {
    /// The key of an item of this trace, in a batch or resource of that key.
    fn key(&self, key: &Option<String>, trace: TraceId) -> Option<String> {
        match self.key_by {
            KeyBy::Trace => (!trace.is_zero()).then(|| trace.to_string()),
            _ => key.clone(),
        }
    }
}

/// The caller's metadata of that name.
fn metadata<'a>(batch: &'a Batch, key: &str) -> Option<&'a str> {
    let metadata = &batch.origin()?.metadata;
    let found = metadata
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key));
    found
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// FNV-1a of the attributes in the order of their keys: the same wherever and whenever it is computed.
fn hash(attributes: &Attributes<'_>) -> Result<String, DecodeError> {
    let mut sorted = attributes.iter().collect::<Result<Vec<_>, _>>()?;
    sorted.sort_by_key(|(key, _)| *key);
    let mut text = Vec::new();
    for (key, value) in sorted {
        text.extend_from_slice(key.as_bytes());
        text.push(0);
        json::write_value(&value, &mut text)?;
        text.push(0);
    }
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Ok(format!("{hash:016x}"))
}

/// Sorts items by where they go.
#[derive(Default)]
struct Sorter {
    known: HashMap<(String, Option<String>), usize>,
    groups: Vec<Group>,
    group_of: Vec<usize>,
}

impl Sorter {
    /// The next items go there.
    fn add(&mut self, topic: &str, key: Option<String>, items: usize) {
        let next = self.group_of.len();
        // Most items go where the one before went.
        let last = self.group_of.last().copied();
        let number = match last.filter(|last| {
            self.groups
                .get(*last)
                .is_some_and(|group| &*group.topic == topic && group.key == key)
        }) {
            Some(last) => last,
            None => {
                let groups = &mut self.groups;
                *self
                    .known
                    .entry((topic.to_owned(), key))
                    .or_insert_with_key(|(topic, key)| {
                        groups.push(Group {
                            topic: topic.as_str().into(),
                            key: key.clone(),
                            items: Vec::new(),
                        });
                        groups.len() - 1
                    })
            }
        };
        if let Some(group) = self.groups.get_mut(number) {
            group.items.extend(next..next + items);
        }
        self.group_of.resize(next + items, number);
    }
}

/// Makes messages of what goes to one place, splitting what is too large.
struct Packer {
    encoding: Encoding,
    /// The largest payload with its key.
    limit: usize,
    pieces: Vec<Piece<Message>>,
    left_out: LeftOut,
}

impl Packer {
    fn pack(
        &mut self,
        group: &Group,
        numbers: &mut impl Iterator<Item = usize>,
        part: Batch,
    ) -> Result<(), DecodeError> {
        let limit = self
            .limit
            .saturating_sub(group.key.as_ref().map_or(0, String::len));
        let payload = match self.encoding {
            Encoding::Proto => part.bytes().clone(),
            Encoding::Json => json::to_vec(&part)?.into(),
            Encoding::Raw => return self.pack_bodies(group, numbers, &part, limit),
        };
        let items = part.items();
        if payload.len() <= limit {
            self.push(group, numbers.take(items).collect(), payload);
        } else if items <= 1 || !part.signal().info().joinable {
            self.leave_out(numbers.take(items).count());
        } else {
            // Items differ in size: what is still too large is split again.
            let fewer = items
                .div_ceil(payload.len().div_ceil(limit.max(1)))
                .min(items - 1);
            for part in part.split(fewer) {
                self.pack(group, numbers, part)?;
            }
        }
        Ok(())
    }

    /// A message for each log record.
    fn pack_bodies(
        &mut self,
        group: &Group,
        numbers: &mut impl Iterator<Item = usize>,
        part: &Batch,
        limit: usize,
    ) -> Result<(), DecodeError> {
        for resource in part.resources() {
            for scope in resource?.scopes() {
                for log in scope?.logs() {
                    let payload = match log?.body {
                        Value::Bytes(bytes) => Bytes::copy_from_slice(bytes),
                        body => {
                            let mut text = Vec::new();
                            json::write_plain_value(&body, &mut text)?;
                            text.into()
                        }
                    };
                    let items: Vec<usize> = numbers.take(1).collect();
                    match payload.len() <= limit {
                        true => self.push(group, items, payload),
                        false => self.leave_out(items.len()),
                    }
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, group: &Group, items: Vec<usize>, payload: Bytes) {
        let request = Message {
            topic: group.topic.clone(),
            key: group.key.clone(),
            payload,
        };
        self.pieces.push(Piece { request, items });
    }

    fn leave_out(&mut self, items: usize) {
        self.left_out.items += items as u64;
        self.left_out.why = format!(
            "an item does not fit into a message of {} bytes with its key and headers; raise producer.max_message_bytes, and max.message.bytes of the topic",
            self.limit + OVERHEAD
        );
    }
}
