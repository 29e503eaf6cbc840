//! Profiles: the list, and one of them as a flame graph.

use std::collections::HashMap;

use fanlight_otlp::view::{ProfileView, SampleView, Tables};
use fanlight_otlp::{Batch, DecodeError, Signal};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::json::as_text;
use super::{MAX_LIMIT, QueryError, TimeRange};
use crate::block::BlockError;
use crate::readers::View;

/// The deepest stack that is shown; deeper ones end there.
const MAX_DEPTH: usize = 256;

/// Which profiles are wanted. The default is the newest 1000.
#[derive(Clone, Debug, Default)]
pub struct ProfileFilter {
    /// When they began.
    pub time: TimeRange,
    /// Only those of this service.
    pub service: Option<String>,
}

/// One profile in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Profile))]
#[serde(rename_all = "camelCase")]
pub struct ProfileSummary {
    /// Its id in this store.
    pub id: String,
    /// The service that was profiled.
    pub service: String,
    /// When it began, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub time_unix_nano: u64,
    /// How long it took.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// What was counted, such as `cpu`.
    pub sample_type: String,
    /// The unit of the counts.
    pub unit: String,
    /// How many samples it has.
    pub sample_count: u64,
}

/// A profile as a flame graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ProfileTree))]
pub struct FlameGraph {
    /// The unit of the values.
    pub unit: String,
    /// The root, which stands for all samples.
    pub root: FlameNode,
}

/// A function that was called from its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlameNode {
    /// The function's name.
    pub name: String,
    /// Its file.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub file: Option<String>,
    /// The line.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub line: Option<i64>,
    /// What was counted in the function itself.
    #[serde(rename = "self", serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub own: i64,
    /// What was counted in it and what it called.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total: i64,
    /// What it called, the greatest first.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    pub children: Vec<FlameNode>,
}

/// Profiles, newest first.
pub(crate) fn profiles(
    view: &View,
    filter: &ProfileFilter,
) -> Result<Vec<ProfileSummary>, QueryError> {
    let mut all = Vec::new();
    for partition in &view.partitions {
        let mut find = partition.connection.prepare_cached(
            "SELECT profiles.id, text, time_ns, duration_ns, sample_type, unit, samples
             FROM profiles JOIN names ON names.id = service
             WHERE time_ns >= ?1 AND time_ns < ?2 AND (?3 IS NULL OR text = ?3) ORDER BY time_ns DESC LIMIT ?4",
        )?;
        let values = params![
            filter.time.first_ns(),
            filter.time.end_ns(),
            filter.service,
            MAX_LIMIT
        ];
        let found = find.query_map(values, |row| {
            Ok(ProfileSummary {
                id: format!("{}-{}", partition.id, row.get::<_, i64>(0)?),
                service: row.get(1)?,
                time_unix_nano: row.get::<_, i64>(2)?.cast_unsigned(),
                duration_nano: row.get::<_, i64>(3)?.cast_unsigned(),
                sample_type: row.get(4)?,
                unit: row.get(5)?,
                sample_count: row.get::<_, i64>(6)?.cast_unsigned(),
            })
        })?;
        for profile in found {
            all.push(profile?);
        }
    }
    all.sort_by_key(|profile| std::cmp::Reverse(profile.time_unix_nano));
    all.truncate(MAX_LIMIT as usize);
    Ok(all)
}

/// One profile as a flame graph.
pub(crate) fn profile(
    view: &View,
    id: &str,
    sample_type: Option<&str>,
) -> Result<Option<FlameGraph>, QueryError> {
    let Some((partition, row)) = id.split_once('-') else {
        return Ok(None);
    };
    let partition = view
        .partitions
        .iter()
        .find(|other| other.id.to_string() == partition);
    let Some(partition) = partition else {
        return Ok(None);
    };
    let mut find = partition.connection.prepare_cached(
        "SELECT number, sample_type, unit, data FROM profiles JOIN profile_requests ON profile_requests.id = request
         WHERE profiles.id = CAST(? AS INTEGER)",
    )?;
    let found = find.query_row([row], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get(2)?,
            row.get::<_, Vec<u8>>(3)?,
        ))
    });
    let Some((number, kind, unit, data)) = found.optional()? else {
        return Ok(None);
    };
    if sample_type.is_some_and(|wanted| wanted != kind) {
        return Ok(None);
    }
    let bytes = zstd::decode_all(&data[..]).map_err(BlockError::from)?;
    let batch = Batch::decode(Signal::Profiles, bytes.into())?;
    let tables = batch.dictionary()?.tables()?;
    let mut passed = 0;
    for resource in batch.resources() {
        for scope in resource?.scopes() {
            for profile in scope?.profiles() {
                let profile = profile?;
                if passed == number {
                    let root = flame_graph(&profile, &tables)?;
                    return Ok(Some(FlameGraph { unit, root }));
                }
                passed += 1;
            }
        }
    }
    Ok(None)
}

/// A node on its way: children by the text of their function.
struct Node {
    node: FlameNode,
    parent: usize,
    children: HashMap<(String, Option<String>), usize>,
}

impl Node {
    fn new(name: String, file: Option<String>, line: Option<i64>, parent: usize) -> Node {
        Node {
            node: FlameNode {
                name,
                file,
                line,
                ..FlameNode::default()
            },
            parent,
            children: HashMap::new(),
        }
    }
}

fn flame_graph(profile: &ProfileView<'_>, tables: &Tables<'_>) -> Result<FlameNode, DecodeError> {
    let mut nodes = vec![Node::new("all".to_owned(), None, None, 0)];
    for sample in profile.samples() {
        let sample = sample?;
        let value = value(&sample)?;
        let mut frames = frames(sample.stack_index, tables)?;
        // The outermost first.
        frames.reverse();
        frames.truncate(MAX_DEPTH);
        let mut at = 0;
        add(&mut nodes, at, |node| node.total += value);
        for (name, file, line) in frames {
            let next = nodes.len();
            let key = (name.clone(), file.clone());
            let place = match nodes.get_mut(at) {
                Some(node) => *node.children.entry(key).or_insert(next),
                None => next,
            };
            if place == next {
                nodes.push(Node::new(name, file, line, at));
            }
            at = place;
            add(&mut nodes, at, |node| node.total += value);
        }
        add(&mut nodes, at, |node| node.own += value);
    }
    // Children come behind their parents, so from the end every node is whole when its turn comes.
    while nodes.len() > 1 {
        if let Some(Node {
            mut node, parent, ..
        }) = nodes.pop()
        {
            node.children
                .sort_by_key(|child| std::cmp::Reverse(child.total));
            add(&mut nodes, parent, |parent| parent.children.push(node));
        }
    }
    let mut root = nodes.pop().map(|root| root.node).unwrap_or_default();
    root.children
        .sort_by_key(|child| std::cmp::Reverse(child.total));
    Ok(root)
}

fn add(nodes: &mut [Node], place: usize, change: impl FnOnce(&mut FlameNode)) {
    if let Some(node) = nodes.get_mut(place) {
        change(&mut node.node);
    }
}

/// What a sample counts: the sum of its values, or how often it was seen.
fn value(sample: &SampleView<'_>) -> Result<i64, DecodeError> {
    let mut values = sample.values().peekable();
    if values.peek().is_none() {
        return Ok(sample.timestamps_unix_nano().count().max(1) as i64);
    }
    values.try_fold(0_i64, |sum, value| Ok(sum.saturating_add(value?)))
}

type Frame = (String, Option<String>, Option<i64>);

/// The frames of a stack, the innermost first.
fn frames(stack: i32, tables: &Tables<'_>) -> Result<Vec<Frame>, DecodeError> {
    let text = |index: i32| {
        let text = tables.string(index).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let mut frames = Vec::new();
    for location in tables.stack(stack).into_iter().flatten() {
        let Some(location) = tables.location(location?) else {
            continue;
        };
        let before = frames.len();
        for line in location.lines() {
            let line = line?;
            let function = tables
                .function(line.function_index)
                .copied()
                .unwrap_or_default();
            let name = text(function.name_strindex).or_else(|| text(function.system_name_strindex));
            if let Some(name) = name {
                let number = Some(line.line).filter(|line| *line != 0);
                frames.push((name, text(function.filename_strindex), number));
            }
        }
        if frames.len() == before {
            let mapping = tables.mapping(location.mapping_index);
            let file = mapping.and_then(|mapping| text(mapping.filename_strindex));
            frames.push((format!("{:#x}", location.address), file, None));
        }
    }
    Ok(frames)
}
