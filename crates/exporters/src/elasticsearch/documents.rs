//! From a batch to documents: which mode, which index, which writer.

use fanlight_otlp::view::{Attributes, LogView, ResourceView, ScopeView, SpanView, Value};
use fanlight_otlp::{Batch, DecodeError, Signal};

use super::bulk::{Action, Bulk};
use super::config::Mode;
use super::metrics::Groups;
use super::route::{Index, Logstash, Origins};
use super::{ecs, otel};
use crate::fields::{Dialect, Fields, write_map};

/// The scope's attribute that asks for a mode.
pub(super) const MODE_ATTRIBUTE: &str = "elastic.mapping.mode";
/// The sender's header that asks for a mode.
const MODE_HEADER: &str = "x-elastic-mapping-mode";
/// The attribute that is a log document's id, if `logs_dynamic_id` says so.
pub(super) const ID: &str = "elasticsearch.document_id";
/// The attribute that is a log document's ingest pipeline, if `logs_dynamic_pipeline` says so.
pub(super) const PIPELINE: &str = "elasticsearch.document_pipeline";

/// What the configuration says about documents.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) mode: Mode,
    pub(super) allowed_modes: Option<Vec<Mode>>,
    pub(super) logs_index: Option<String>,
    pub(super) metrics_index: Option<String>,
    pub(super) traces_index: Option<String>,
    pub(super) dynamic_id: bool,
    pub(super) dynamic_pipeline: bool,
    pub(super) logstash: Logstash,
}

/// What the items of a scope share, written once.
pub(super) struct Envelope<'a> {
    pub(super) resource: ResourceView<'a>,
    pub(super) scope: ScopeView<'a>,
    pub(super) mode: Mode,
    /// Mode `otel`: the members `resource` and `scope`.
    pub(super) members: Vec<u8>,
    /// Other modes: the fields of resource and scope.
    pub(super) fields: Fields,
}

/// The documents of a batch.
///
/// # Errors
/// When the batch can't be read.
pub(super) fn of_batch(batch: &Batch, rules: &Rules) -> Result<Bulk, DecodeError> {
    let asked = batch.origin().and_then(|origin| {
        let mut headers = origin.metadata.iter();
        let (_, mode) = headers.find(|(name, _)| name == MODE_HEADER)?;
        Some(mode.as_str())
    });
    let mut walk = Walk {
        rules,
        bulk: Bulk::default(),
        number: 0,
        scratch: Fields::new(Dialect::Elastic),
    };
    let mut groups = Groups::default();
    for resource in batch.resources() {
        let resource = resource?;
        for scope in resource.scopes() {
            let scope = scope?;
            let own = scope
                .attributes
                .get(MODE_ATTRIBUTE)?
                .map(|mode| mode.to_text());
            let mode = match own.as_deref().or(asked) {
                Some(name) => rules.allowed(name),
                None => Some(rules.mode),
            };
            let taken =
                mode.filter(|mode| *mode != Mode::Bodymap || batch.signal() == Signal::Logs);
            let Some(mode) = taken else {
                walk.leave_out_scope(&scope, "the mapping mode that its scope or sender asks for is not allowed, or takes logs only")?;
                continue;
            };
            let envelope = Envelope::new(resource, scope, mode)?;
            walk.scope(&envelope, &mut groups)?;
        }
    }
    groups.finish(&mut walk.bulk);
    Ok(walk.bulk)
}

impl Rules {
    /// The mode of that name, if it may be asked for.
    fn allowed(&self, name: &str) -> Option<Mode> {
        let mode = Mode::named(name)?;
        let allowed = self.allowed_modes.as_ref();
        allowed
            .is_none_or(|allowed| allowed.contains(&mode))
            .then_some(mode)
    }
}

impl<'a> Envelope<'a> {
    fn new(
        resource: ResourceView<'a>,
        scope: ScopeView<'a>,
        mode: Mode,
    ) -> Result<Envelope<'a>, DecodeError> {
        let mut envelope = Envelope {
            resource,
            scope,
            mode,
            members: Vec::new(),
            fields: Fields::new(Dialect::Elastic),
        };
        match mode {
            Mode::Otel => otel::write_envelope(&mut envelope)?,
            Mode::Ecs => ecs::resource_fields(&mut envelope)?,
            // Metrics have the fields of mode `ecs` there; the others add theirs under prefixes.
            Mode::None | Mode::Raw | Mode::Bodymap => {}
        }
        Ok(envelope)
    }
}

/// A batch on its way.
struct Walk<'r> {
    rules: &'r Rules,
    bulk: Bulk,
    /// The number of the next item.
    number: usize,
    scratch: Fields,
}

impl Walk<'_> {
    fn scope(&mut self, envelope: &Envelope<'_>, groups: &mut Groups) -> Result<(), DecodeError> {
        for record in envelope.scope.logs() {
            self.log(envelope, &record?)?;
            self.number += 1;
        }
        for span in envelope.scope.spans() {
            self.span(envelope, &span?)?;
            self.number += 1;
        }
        for metric in envelope.scope.metrics() {
            let metric = metric?;
            for point in metric.points() {
                let point = point?;
                let origins = Origins {
                    item: point.attributes,
                    scope: &envelope.scope,
                    resource: envelope.resource.attributes,
                };
                let configured = self.rules.metrics_index.as_deref();
                let index =
                    origins.index("metrics", configured, envelope.mode, &self.rules.logstash)?;
                if let Err(why) = groups.add(
                    envelope,
                    &metric,
                    &point,
                    index,
                    self.number,
                    &mut self.scratch,
                )? {
                    self.bulk.leave_out(1, why);
                }
                self.number += 1;
            }
        }
        Ok(())
    }

    fn log(&mut self, envelope: &Envelope<'_>, record: &LogView<'_>) -> Result<(), DecodeError> {
        let rules = self.rules;
        let origins = Origins {
            item: record.attributes,
            scope: &envelope.scope,
            resource: envelope.resource.attributes,
        };
        let index = origins.index(
            "logs",
            rules.logs_index.as_deref(),
            envelope.mode,
            &rules.logstash,
        )?;
        let own = |key, wanted: bool| match wanted {
            true => record.attributes.get(key),
            false => Ok(None),
        };
        let (id, pipeline) = (
            own(ID, rules.dynamic_id)?,
            own(PIPELINE, rules.dynamic_pipeline)?,
        );
        let (id, pipeline) = (
            id.map(|id| id.to_text()),
            pipeline.map(|name| name.to_text()),
        );
        let action = Action {
            id: id.as_deref().filter(|id| !id.is_empty()),
            pipeline: pipeline.as_deref().filter(|name| !name.is_empty()),
            ..Action::to(&index, envelope.mode)
        };
        let scratch = &mut self.scratch;
        scratch.clear();
        match envelope.mode {
            Mode::Otel => {
                return self.bulk.try_add(&action, &[self.number], |out| {
                    otel::write_log(out, envelope, record, &index, scratch)
                });
            }
            Mode::Ecs => {
                ecs::log(envelope, record, &index, scratch)?;
                let write = |out: &mut Vec<u8>| scratch.write_nested(out);
                self.bulk.add(&action, &[self.number], write);
            }
            Mode::None | Mode::Raw => {
                ecs::plain_log(envelope, record, &index, scratch)?;
                let write = |out: &mut Vec<u8>| scratch.write_flat_without_conflicts(out);
                self.bulk.add(&action, &[self.number], write);
            }
            Mode::Bodymap => {
                let Value::Map(body) = record.body else {
                    let why = "mode bodymap takes log records whose body is a map";
                    self.bulk.leave_out(1, why);
                    return Ok(());
                };
                return self.bulk.try_add(&action, &[self.number], |out| {
                    write_map(out, body, Dialect::Elastic)
                });
            }
        }
        Ok(())
    }

    fn span(&mut self, envelope: &Envelope<'_>, span: &SpanView<'_>) -> Result<(), DecodeError> {
        let index = self.trace_index(envelope, span.attributes, "traces")?;
        let action = Action::to(&index, envelope.mode);
        let scratch = &mut self.scratch;
        scratch.clear();
        match envelope.mode {
            Mode::Otel => self.bulk.try_add(&action, &[self.number], |out| {
                otel::write_span(out, envelope, span, &index, scratch)
            })?,
            Mode::Ecs => {
                ecs::span(envelope, span, &index, scratch)?;
                let write = |out: &mut Vec<u8>| scratch.write_nested(out);
                self.bulk.add(&action, &[self.number], write);
            }
            Mode::None | Mode::Raw | Mode::Bodymap => {
                ecs::plain_span(envelope, span, &index, scratch)?;
                let write = |out: &mut Vec<u8>| scratch.write_flat_without_conflicts(out);
                self.bulk.add(&action, &[self.number], write);
            }
        }
        if envelope.mode != Mode::Otel {
            return Ok(());
        }
        for event in span.events() {
            let event = event?;
            let index = self.trace_index(envelope, event.attributes, "logs")?;
            let action = Action::to(&index, envelope.mode);
            let scratch = &mut self.scratch;
            self.bulk.try_add(&action, &[self.number], |out| {
                otel::write_event(out, envelope, span, &event, &index, scratch)
            })?;
        }
        Ok(())
    }

    /// Spans and their events go where `traces_index` says, events else where logs go.
    fn trace_index(
        &self,
        envelope: &Envelope<'_>,
        item: Attributes<'_>,
        kind: &str,
    ) -> Result<Index, DecodeError> {
        let origins = Origins {
            item,
            scope: &envelope.scope,
            resource: envelope.resource.attributes,
        };
        let configured = self.rules.traces_index.as_deref();
        origins.index(kind, configured, envelope.mode, &self.rules.logstash)
    }

    fn leave_out_scope(&mut self, scope: &ScopeView<'_>, why: &str) -> Result<(), DecodeError> {
        let mut items = scope.logs().count() + scope.spans().count();
        for metric in scope.metrics() {
            items += metric?.points_count();
        }
        self.number += items;
        self.bulk.leave_out(items as u64, why);
        Ok(())
    }
}
