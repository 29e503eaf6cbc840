//! Exceptions, grouped by type and place.

use std::collections::BTreeMap;

use fanlight_otlp::TraceId;
use serde::Serialize;

use super::json::{as_text, as_texts, id};
use super::rate::DEFAULT_BINS;
use super::{Bins, QueryError, TimeRange};
use crate::readers::View;

/// The most traces that are named for a group.
const EXAMPLES: usize = 5;

/// Which errors are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct ErrorFilter {
    /// When they happened.
    pub time: TimeRange,
    /// Only those of this service.
    pub service: Option<String>,
}

/// Exceptions of one type at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorGroup {
    /// The group's id, the same in every answer.
    pub id: String,
    /// `exception.type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The first frame of the application in the stack trace; the span's name, or the log record's scope, when unknown.
    pub place: String,
    /// The message of the newest.
    pub message: String,
    /// The service.
    pub service: String,
    /// How many there are.
    pub count: u64,
    /// When the first happened, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub first_nano: u64,
    /// When the last happened.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub last_nano: u64,
    /// How many there are in each bin, over the range that was asked for.
    pub counts: Vec<u64>,
    /// Traces in which it happened, the newest first, at most 5.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub example_trace_ids: Vec<TraceId>,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
}

/// A group, being joined.
struct Group {
    kind: String,
    place: String,
    message: String,
    service: String,
    /// When each happened, and in which trace.
    all: Vec<(i64, Option<TraceId>)>,
}

/// Exceptions in groups, the most frequent first.
pub(crate) fn errors(view: &View, filter: &ErrorFilter) -> Result<Vec<ErrorGroup>, QueryError> {
    let mut groups: BTreeMap<[String; 3], Group> = BTreeMap::new();
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    // The newest partition comes first, so its message is the one that stays.
    for partition in &view.partitions {
        let mut find = partition.connection.prepare_cached(
            "SELECT text, type, place, message, time_ns, trace_id
             FROM exceptions CROSS JOIN error_groups ON error_groups.id = error
                 CROSS JOIN names ON names.id = service
             WHERE time_ns >= ?1 AND time_ns < ?2 AND (?3 IS NULL OR text = ?3)",
        )?;
        let mut rows = find.query((
            filter.time.first_ns(),
            filter.time.end_ns(),
            &filter.service,
        ))?;
        while let Some(row) = rows.next()? {
            let key: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
            let time: i64 = row.get(4)?;
            (first, last) = (first.min(time), last.max(time));
            let trace_id = row.get_ref(5)?.as_blob_or_null();
            let trace_id = trace_id.map_err(rusqlite::Error::from)?;
            let trace_id = trace_id.map(|bytes| TraceId(id(bytes)));
            let message: String = row.get(3)?;
            let group = groups
                .entry(key)
                .or_insert_with_key(|[service, kind, place]| Group {
                    kind: kind.clone(),
                    place: place.clone(),
                    message,
                    service: service.clone(),
                    all: Vec::new(),
                });
            group.all.push((time, trace_id));
        }
    }
    let bins = Bins::of(
        filter.time,
        Some((first, last)).filter(|_| first <= last),
        DEFAULT_BINS,
        1,
    );
    let mut groups: Vec<ErrorGroup> = groups
        .into_values()
        .map(|group| group.finish(bins))
        .collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
    Ok(groups)
}

impl Group {
    fn finish(mut self, bins: Bins) -> ErrorGroup {
        self.all
            .sort_unstable_by_key(|(time, _)| std::cmp::Reverse(*time));
        let mut counts = vec![0; bins.count];
        for (time, _) in &self.all {
            if let Some(count) = bins.index(*time).and_then(|index| counts.get_mut(index)) {
                *count += 1;
            }
        }
        let mut examples: Vec<TraceId> = Vec::new();
        for trace_id in self.all.iter().filter_map(|(_, trace_id)| *trace_id) {
            if examples.len() < EXAMPLES && !examples.contains(&trace_id) {
                examples.push(trace_id);
            }
        }
        let key = [&*self.service, &self.kind, &self.place].join("\n");
        let time = |entry: Option<&(i64, Option<TraceId>)>| {
            entry.map_or(0, |(time, _)| time.cast_unsigned())
        };
        ErrorGroup {
            id: format!("{:016x}", crate::intern::content_hash(key.as_bytes())),
            count: self.all.len() as u64,
            first_nano: time(self.all.last()),
            last_nano: time(self.all.first()),
            kind: self.kind,
            place: self.place,
            message: self.message,
            service: self.service,
            counts,
            example_trace_ids: examples,
            step_nano: bins.step.cast_unsigned(),
        }
    }
}
