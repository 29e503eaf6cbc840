//! Loki's push messages: protobuf (`logproto`) and the JSON of `/loki/api/v1/push`.
//!
//! Fields are those of [push.proto](https://github.com/grafana/loki/blob/main/pkg/push/push.proto); JSON is as the
//! [HTTP API](https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs) describes it.

mod labels;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

pub use labels::{InvalidLabels, parse_labels, write_labels};

/// The gRPC method that takes a [`PushRequest`].
pub const PUSH_METHOD: &str = "/logproto.Pusher/Push";
/// The HTTP path that takes a push: protobuf in a snappy block, or JSON.
pub const PUSH_PATH: &str = "/loki/api/v1/push";

/// `logproto.PushRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PushRequest {
    /// Streams, each a set of labels with its entries.
    #[prost(message, repeated, tag = "1")]
    pub streams: Vec<Stream>,
}

/// `logproto.StreamAdapter`: the entries of one set of labels.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Stream {
    /// The labels as LogQL writes them: `{app="shop", level="INFO"}`.
    #[prost(string, tag = "1")]
    pub labels: String,
    /// The entries.
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<Entry>,
}

/// `logproto.EntryAdapter`: one log line.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    /// When it happened.
    #[prost(message, optional, tag = "1")]
    pub timestamp: Option<Timestamp>,
    /// The line.
    #[prost(string, tag = "2")]
    pub line: String,
    /// What belongs to the line without being indexed.
    #[prost(message, repeated, tag = "3")]
    pub structured_metadata: Vec<LabelPair>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds of the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `logproto.LabelPairAdapter`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LabelPair {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A push as JSON: `{"streams":[{"stream":{"app":"shop"},"values":[["1700000000000000000","a line",{"trace":"1"}]]}]}`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct JsonPush {
    /// Streams, each a set of labels with its entries.
    pub streams: Vec<JsonStream>,
}

/// The entries of one set of labels, in JSON.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct JsonStream {
    /// The labels.
    pub stream: JsonLabels,
    /// The entries, each a list of time, line and, if it has some, structured metadata.
    pub values: Vec<Entry>,
}

/// Labels as a JSON object, in the sender's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonLabels(pub Vec<LabelPair>);

impl Timestamp {
    /// A time in nanoseconds since 1970.
    pub fn from_nanos(nanos: u64) -> Timestamp {
        Timestamp {
            seconds: (nanos / 1_000_000_000).cast_signed(),
            nanos: (nanos % 1_000_000_000) as i32,
        }
    }

    /// Nanoseconds since 1970; 0 for a time before that or too far ahead.
    pub fn to_nanos(self) -> u64 {
        let seconds = i128::from(self.seconds) * 1_000_000_000;
        u64::try_from(seconds + i128::from(self.nanos)).unwrap_or(0)
    }
}

impl<'de> Deserialize<'de> for JsonLabels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JsonLabels, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = JsonLabels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<JsonLabels, A::Error> {
        let mut labels = Vec::new();
        while let Some((name, value)) = entries.next_entry()? {
            labels.push(LabelPair { name, value });
        }
        Ok(JsonLabels(labels))
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entry, D::Error> {
        deserializer.deserialize_seq(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of a time in nanoseconds as text, a line, and perhaps an object of structured metadata")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Entry, A::Error> {
        let missing = |index| A::Error::invalid_length(index, &self);
        let time: String = elements.next_element()?.ok_or_else(|| missing(0))?;
        let nanos = time
            .parse()
            .map_err(|_| A::Error::custom("the time of an entry is not nanoseconds in digits"))?;
        let line = elements.next_element()?.ok_or_else(|| missing(1))?;
        let JsonLabels(structured_metadata) = elements.next_element()?.unwrap_or_default();
        Ok(Entry {
            timestamp: Some(Timestamp::from_nanos(nanos)),
            line,
            structured_metadata,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_entries_have_a_time_a_line_and_perhaps_metadata() {
        let text = r#"{"streams":[{"stream":{"app":"ß"},"values":[["1700000000000000001","a"],["2","b",{"k":"v"}]]}]}"#;
        let push: JsonPush = serde_json::from_str(text).unwrap();
        let [stream] = &push.streams[..] else {
            panic!("{push:?}")
        };
        assert_eq!(stream.stream.0[0].value, "ß");
        let [first, second] = &stream.values[..] else {
            panic!("{stream:?}")
        };
        assert_eq!(
            first.timestamp.unwrap().to_nanos(),
            1_700_000_000_000_000_001
        );
        assert!(first.structured_metadata.is_empty());
        assert_eq!(second.structured_metadata[0].name, "k");
    }

    #[test]
    fn json_that_is_no_push_is_refused() {
        for text in [
            r#"{"streams":[{"stream":{},"values":[["now","a"]]}]}"#,
            r#"{"streams":[{"stream":{},"values":[["1"]]}]}"#,
            r#"{"streams":[{"stream":[],"values":[]}]}"#,
            r#"{"streams":[{"stream":{},"values":[["1","a",{}, 1]]}]}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<JsonPush>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_survive_and_strange_ones_are_zero() {
        for nanos in [0, 999_999_999, 1_700_000_000_123_456_789, u64::MAX] {
            assert_eq!(Timestamp::from_nanos(nanos).to_nanos(), nanos);
        }
        for (seconds, nanos) in [(-1, 0), (i64::MAX, 0), (0, -1), (i64::MIN, i32::MIN)] {
            assert_eq!(Timestamp { seconds, nanos }.to_nanos(), 0);
        }
    }
}
