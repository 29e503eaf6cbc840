//! From OTLP bytes to rows, within one transaction.

mod logs;
mod metrics;
mod spans;
mod summaries;

use fanlight_otlp::{Batch, DecodeError, Signal};
use rusqlite::{CachedStatement, Transaction};

pub(crate) use summaries::Summaries;

use crate::intern::{Caches, Interner, ResourceId};
use crate::wire::{Malformed, copy_fields, payloads};

/// Why a batch could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// What the writer remembers from one commit to the next. It must be dropped when a transaction fails or rows are deleted,
/// and may be at any other time.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) caches: Caches,
    pub(crate) summaries: Summaries,
}

/// The ids that come next. They are never given out twice, even when everything has been deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NextIds {
    pub(crate) trace: i64,
    pub(crate) log: i64,
    pub(crate) point: i64,
}

/// What a commit changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Row ids of the traces that have new spans.
    pub(crate) traces: Vec<i64>,
    /// Row ids of new logs: from the first to before the second.
    pub(crate) logs: std::ops::Range<i64>,
}

/// Writes batches into one transaction.
pub(crate) struct Ingest<'t> {
    transaction: &'t Transaction<'t>,
    interner: Interner<'t>,
    summaries: &'t mut Summaries,
    next: &'t mut NextIds,
    first_log: i64,
    /// When the transaction began, in nanoseconds since 1970.
    now_ns: i64,
    insert_span: CachedStatement<'t>,
    /// The message that is being put together.
    message: Vec<u8>,
}

impl<'t> Ingest<'t> {
    pub(crate) fn new(
        transaction: &'t Transaction<'t>,
        memory: &'t mut Memory,
        next: &'t mut NextIds,
        period: i64,
        now_ns: i64,
    ) -> rusqlite::Result<Ingest<'t>> {
        Ok(Ingest {
            transaction,
            interner: Interner::new(transaction, &mut memory.caches, period),
            summaries: &mut memory.summaries,
            first_log: next.log,
            next,
            now_ns,
            insert_span: transaction.prepare_cached(spans::INSERT)?,
            message: Vec::new(),
        })
    }

    /// Writes a batch and answers how many items it had to leave out, because they have no identity.
    pub(crate) fn batch(&mut self, batch: &Batch) -> Result<u64, IngestError> {
        let mut left_out = 0;
        for (resource, envelope) in batch.resources().zip(payloads(batch.bytes(), 1)) {
            let (resource, envelope) = (resource?, envelope?);
            let service = resource
                .attributes
                .get("service.name")?
                .and_then(|value| value.as_str());
            self.message.clear();
            copy_fields(envelope, &mut self.message, |number| number != 2)?;
            let service = service
                .filter(|name| !name.is_empty())
                .unwrap_or("unknown_service");
            let resource_id = self.interner.resource(&self.message, service)?;
            for scope in payloads(envelope, 2) {
                left_out += self.scope(batch.signal(), resource_id, scope?)?;
            }
        }
        Ok(left_out)
    }

    fn scope(
        &mut self,
        signal: Signal,
        resource: ResourceId,
        envelope: &[u8],
    ) -> Result<u64, IngestError> {
        self.message.clear();
        copy_fields(envelope, &mut self.message, |number| number != 2)?;
        let scope = self.interner.scope(&self.message)?;
        let mut left_out = 0;
        for item in payloads(envelope, 2) {
            let item = item?;
            match signal {
                Signal::Traces => left_out += u64::from(!self.span(resource, scope, item)?),
                Signal::Logs => self.log(resource, scope, item)?,
                Signal::Metrics => self.metric(resource, scope, item)?,
                // Not among the signals that the exporter says it takes.
                Signal::Profiles => {}
            }
        }
        Ok(left_out)
    }

    /// Writes what was kept back until the end of the transaction.
    pub(crate) fn finish(self) -> rusqlite::Result<Changes> {
        let traces = self.summaries.write(self.transaction)?;
        Ok(Changes {
            traces,
            logs: self.first_log..self.next.log,
        })
    }
}
