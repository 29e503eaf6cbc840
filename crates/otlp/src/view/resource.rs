//! Resources and scopes: the envelope that every signal shares.

use super::{Attributes, LogView, MetricView, ProfileView, SpanView};
use crate::wire::{List, Records};
use crate::{DecodeError, Signal};

/// What one resource sent: `ResourceSpans`, `ResourceMetrics`, `ResourceLogs` or `ResourceProfiles`.
#[derive(Clone, Copy, Debug)]
pub struct ResourceView<'a> {
    /// The resource's attributes.
    pub attributes: Attributes<'a>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema of the resource's attributes.
    pub schema_url: &'a str,
    signal: Signal,
    scopes: List<'a>,
}

/// What one instrumentation scope of a resource sent.
#[derive(Clone, Copy, Debug)]
pub struct ScopeView<'a> {
    /// The scope's name, such as the library's.
    pub name: &'a str,
    /// The scope's version.
    pub version: &'a str,
    /// The scope's attributes.
    pub attributes: Attributes<'a>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema of the items' attributes.
    pub schema_url: &'a str,
    signal: Signal,
    items: List<'a>,
}

impl<'a> ResourceView<'a> {
    pub(crate) fn read(signal: Signal, bytes: &'a [u8]) -> Result<ResourceView<'a>, DecodeError> {
        let mut view = ResourceView {
            attributes: Attributes::default(),
            dropped_attributes_count: 0,
            schema_url: "",
            signal,
            scopes: List::default(),
        };
        for record in Records::new(bytes, "Resource envelope") {
            let record = record?;
            match record.number {
                1 => view.read_resource(record.bytes()?)?,
                2 => view.scopes.add(&record),
                3 => view.schema_url = record.text()?,
                _ => {}
            }
        }
        Ok(view)
    }

    fn read_resource(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        self.attributes = Attributes::default();
        self.dropped_attributes_count = 0;
        for record in Records::new(bytes, "Resource") {
            let record = record?;
            match record.number {
                1 => self.attributes.add(&record),
                2 => self.dropped_attributes_count = record.varint()? as u32,
                _ => {}
            }
        }
        Ok(())
    }

    /// The scopes.
    pub fn scopes(&self) -> impl Iterator<Item = Result<ScopeView<'a>, DecodeError>> + use<'a> {
        let signal = self.signal;
        self.scopes
            .map(move |record| ScopeView::read(signal, record?.bytes()?))
    }
}

impl<'a> ScopeView<'a> {
    pub(crate) fn read(signal: Signal, bytes: &'a [u8]) -> Result<ScopeView<'a>, DecodeError> {
        let mut view = ScopeView {
            name: "",
            version: "",
            attributes: Attributes::default(),
            dropped_attributes_count: 0,
            schema_url: "",
            signal,
            items: List::default(),
        };
        for record in Records::new(bytes, "Scope envelope") {
            let record = record?;
            match record.number {
                1 => view.read_scope(record.bytes()?)?,
                2 => view.items.add(&record),
                3 => view.schema_url = record.text()?,
                _ => {}
            }
        }
        Ok(view)
    }

    fn read_scope(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        self.attributes = Attributes::default();
        for record in Records::new(bytes, "InstrumentationScope") {
            let record = record?;
            match record.number {
                1 => self.name = record.text()?,
                2 => self.version = record.text()?,
                3 => self.attributes.add(&record),
                4 => self.dropped_attributes_count = record.varint()? as u32,
                _ => {}
            }
        }
        Ok(())
    }

    /// The spans; none in a batch of another signal.
    pub fn spans(&self) -> impl Iterator<Item = Result<SpanView<'a>, DecodeError>> + use<'a> {
        self.items(Signal::Traces).map(|item| SpanView::read(item?))
    }

    /// The log records; none in a batch of another signal.
    pub fn logs(&self) -> impl Iterator<Item = Result<LogView<'a>, DecodeError>> + use<'a> {
        self.items(Signal::Logs).map(|item| LogView::read(item?))
    }

    /// The metrics; none in a batch of another signal.
    pub fn metrics(&self) -> impl Iterator<Item = Result<MetricView<'a>, DecodeError>> + use<'a> {
        self.items(Signal::Metrics)
            .map(|item| MetricView::read(item?))
    }

    /// The profiles; none in a batch of another signal.
    pub fn profiles(&self) -> impl Iterator<Item = Result<ProfileView<'a>, DecodeError>> + use<'a> {
        self.items(Signal::Profiles)
            .map(|item| ProfileView::read(item?))
    }

    fn items(
        &self,
        signal: Signal,
    ) -> impl Iterator<Item = Result<&'a [u8], DecodeError>> + use<'a> {
        let items = if signal == self.signal {
            self.items
        } else {
            List::default()
        };
        items.map(|record| record?.bytes())
    }
}
