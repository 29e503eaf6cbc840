//! The body of `/api/v0.2/stats`: MessagePack, maps with Go's field names as keys.
//! [Source](https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/writer/stats.go).

use fanlight_formats::datadog::{
    ClientGroupedStats, ClientStatsBucket, ClientStatsPayload, StatsPayload,
};

/// Writes a payload.
pub(in crate::datadog) fn encode(payload: &StatsPayload) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    out.map(5);
    out.text_field("AgentHostname", &payload.agent_hostname);
    out.text_field("AgentEnv", &payload.agent_env);
    out.text("Stats");
    out.list(&payload.stats, client);
    out.text_field("AgentVersion", &payload.agent_version);
    out.text("ClientComputed");
    out.0
        .push(if payload.client_computed { 0xc3 } else { 0xc2 });
    out.0
}

fn client(out: &mut Writer, client: &ClientStatsPayload) {
    out.map(5);
    out.text_field("Hostname", &client.hostname);
    out.text_field("Env", &client.env);
    out.text_field("Version", &client.version);
    out.text_field("ContainerID", &client.container_id);
    out.text("Stats");
    out.list(&client.stats, bucket);
}

fn bucket(out: &mut Writer, bucket: &ClientStatsBucket) {
    out.map(3);
    out.number_field("Start", bucket.start);
    out.number_field("Duration", bucket.duration);
    out.text("Stats");
    out.list(&bucket.stats, group);
}

fn group(out: &mut Writer, group: &ClientGroupedStats) {
    out.map(14);
    out.text_field("Service", &group.service);
    out.text_field("Name", &group.name);
    out.text_field("Resource", &group.resource);
    out.number_field("HTTPStatusCode", group.http_status_code.into());
    out.text_field("Type", &group.r#type);
    out.number_field("Hits", group.hits);
    out.number_field("Errors", group.errors);
    out.number_field("Duration", group.duration);
    out.text("OkSummary");
    out.bytes(&group.ok_summary);
    out.text("ErrorSummary");
    out.bytes(&group.error_summary);
    out.number_field("TopLevelHits", group.top_level_hits);
    out.text_field("SpanKind", &group.span_kind);
    out.text("PeerTags");
    out.list(&group.peer_tags, |out, tag| out.text(tag));
    out.number_field("IsTraceRoot", group.is_trace_root.unsigned_abs().into());
}

/// Writes [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md): the few types that are needed, each in one
/// of its forms.
struct Writer(Vec<u8>);

impl Writer {
    /// A map of fewer than 16 entries.
    fn map(&mut self, entries: u8) {
        self.0.push(0x80 | entries);
    }

    fn list<T>(&mut self, elements: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.0.push(0xdd);
        self.length(elements.len());
        elements.iter().for_each(|element| write(self, element));
    }

    fn text(&mut self, text: &str) {
        self.0.push(0xdb);
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.push(0xc6);
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn text_field(&mut self, key: &str, text: &str) {
        self.text(key);
        self.text(text);
    }

    fn number_field(&mut self, key: &str, number: u64) {
        self.text(key);
        self.0.push(0xcf);
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    /// No length reaches four gibibytes here.
    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
    }
}
