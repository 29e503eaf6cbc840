//! From OTLP bytes to blocks and rows, within one transaction.

mod compact;
mod exceptions;
mod finish;
pub(crate) mod llm;
mod logs;
mod metrics;
mod previews;
mod profiles;
mod recent;
mod spans;

use fanlight_otlp::view::{Attributes, LogView, ResourceView, ScopeView};
use fanlight_otlp::{Batch, DecodeError, Signal, SpanId, TraceId};
use rusqlite::Transaction;

pub(crate) use compact::{Tail, payload};
pub(crate) use recent::Recent;

use crate::block::{BlockError, LogItem};
use crate::intern::{Caches, Interner, ResourceId};
use crate::rollup::Rollups;
use crate::wire::{Malformed, copy_fields, payloads};
use spans::Pending;

/// So few items that nobody waits long for them.
const FEW: usize = 256;

/// Why a batch could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// What the writer remembers from one commit to the next. It must be dropped when a transaction fails, and may be at any
/// other time.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) caches: Caches,
    pub(crate) recent: Recent,
    pub(crate) rollups: Rollups,
}

impl Memory {
    /// Forgets what belongs to the partition that was open.
    pub(crate) fn begin_partition(&mut self) {
        self.caches = Caches::default();
        self.rollups = Rollups::default();
        self.recent.begin_partition();
    }
}

/// How far a partition is filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fill {
    pub(crate) next_trace: i64,
    pub(crate) next_block: i64,
    /// The number of the next log record.
    pub(crate) next_log: i64,
    pub(crate) span_tail: Tail,
    pub(crate) log_tail: Tail,
}

/// Whether the writer lets threads go first that answer somebody: a slice of the scheduler's is longer than an answer takes. With
/// much to write it insists on its share, or ever more would wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Courtesy(bool);

impl Courtesy {
    /// As behoves who writes so many items.
    pub(crate) fn for_items(items: usize) -> Courtesy {
        Courtesy(items <= FEW)
    }

    /// To be called now and then, while no lock is held that others wait for.
    fn let_others_go_first(self) {
        if self.0 {
            std::thread::yield_now();
        }
    }
}

/// What a commit adds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Added {
    pub(crate) spans: i64,
    pub(crate) logs: i64,
    pub(crate) points: i64,
    pub(crate) profiles: i64,
}

/// What a commit changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// The traces that have new spans.
    pub(crate) traces: Vec<TraceId>,
    /// Ids of new logs: from the first to before the second.
    pub(crate) logs: std::ops::Range<i64>,
    /// Calls of language models that are new or have changed.
    pub(crate) calls: Vec<(TraceId, SpanId)>,
}

/// What sent an item, as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'b> {
    resource: ResourceView<'b>,
    scope: ScopeView<'b>,
    service: i64,
    /// Whether a call of a language model may be known by the scope alone.
    is_known: bool,
}

/// Writes batches into one transaction.
pub(crate) struct Ingest<'t, 'b> {
    transaction: &'t Transaction<'t>,
    interner: Interner<'t>,
    recent: &'t mut Recent,
    rollups: &'t mut Rollups,
    fill: &'t mut Fill,
    /// The number of this commit, which tells spans that wait from those that waited in another one.
    commit: u64,
    /// When the transaction began, in nanoseconds since 1970.
    now_ns: i64,
    courtesy: Courtesy,
    spans: Vec<Pending<'b>>,
    logs: Vec<LogItem<'b>>,
    /// What sent the spans and log records that wait.
    sources: Vec<Source<'b>>,
    /// Log records that may tell of a call: their places among those that wait, and their sources.
    logged: Vec<(usize, usize, LogView<'b>)>,
    added: Added,
    /// The message that is being put together.
    message: Vec<u8>,
}

impl<'t, 'b> Ingest<'t, 'b> {
    pub(crate) fn new(
        transaction: &'t Transaction<'t>,
        memory: &'t mut Memory,
        fill: &'t mut Fill,
        commit: u64,
        now_ns: i64,
        courtesy: Courtesy,
    ) -> Ingest<'t, 'b> {
        Ingest {
            transaction,
            interner: Interner::new(transaction, &mut memory.caches),
            recent: &mut memory.recent,
            rollups: &mut memory.rollups,
            fill,
            commit,
            now_ns,
            courtesy,
            spans: Vec::new(),
            logs: Vec::new(),
            sources: Vec::new(),
            logged: Vec::new(),
            added: Added::default(),
            message: Vec::new(),
        }
    }

    /// Takes a batch and answers how many items it had to leave out, because they have no identity.
    pub(crate) fn batch(&mut self, batch: &'b Batch) -> Result<u64, IngestError> {
        if batch.signal() == Signal::Profiles {
            self.profiles(batch)?;
            return Ok(0);
        }
        let mut left_out = 0;
        for (resource, envelope) in batch.resources().zip(payloads(batch.bytes(), 1)) {
            let (resource, envelope) = (resource?, envelope?);
            self.message.clear();
            copy_fields(envelope, &mut self.message, |number| number != 2)?;
            let service = service_of(&resource.attributes)?;
            let resource_id = self.interner.resource(&self.message, service)?;
            for (scope, view) in payloads(envelope, 2).zip(resource.scopes()) {
                let view = view?;
                self.sources.push(Source {
                    resource,
                    scope: view,
                    service: resource_id.service,
                    is_known: fanlight_genai::spans::is_known_name(view.name),
                });
                left_out += self.scope(batch.signal(), resource_id, scope?, view.name)?;
                self.courtesy.let_others_go_first();
            }
        }
        Ok(left_out)
    }

    fn scope(
        &mut self,
        signal: Signal,
        resource: ResourceId,
        envelope: &'b [u8],
        name: &str,
    ) -> Result<u64, IngestError> {
        self.message.clear();
        copy_fields(envelope, &mut self.message, |number| number != 2)?;
        let scope = self.interner.scope(&self.message)?;
        let mut left_out = 0;
        for item in payloads(envelope, 2) {
            let item = item?;
            match signal {
                Signal::Traces => left_out += u64::from(!self.span(resource, scope, item)?),
                Signal::Logs => self.log(resource, (scope, name), item)?,
                Signal::Metrics => self.metric(resource, scope, item)?,
                // Taken whole, above.
                Signal::Profiles => {}
            }
        }
        Ok(left_out)
    }
}

/// The name of the service that a resource is.
fn service_of<'a>(attributes: &Attributes<'a>) -> Result<&'a str, DecodeError> {
    let service = spans::text(attributes.get("service.name")?);
    Ok(service
        .filter(|name| !name.is_empty())
        .unwrap_or("unknown_service"))
}
