//! Rewriting batches: what is not touched is copied as it is, and a batch in which nothing changed stays the same bytes.
//!
//! [`rewrite`] walks from resource to scope to item (and, in metrics, to data point) and asks about each; the answer is a
//! [`Verdict`], and attributes are edited in place on the way:
//!
//! ```
//! # use fanlight_otlp::{Batch, DecodeError};
//! use fanlight_otlp::edit::{Level, Verdict, rewrite};
//!
//! # fn redact(batch: Batch) -> Result<Batch, DecodeError> {
//! let batch = rewrite(batch, |element| {
//!     if element.level() == Level::Item
//!         && let Some(attributes) = element.attributes()?
//!     {
//!         attributes.remove("http.request.header.authorization");
//!     }
//!     Ok(Verdict::Keep)
//! })?;
//! # Ok(batch)
//! # }
//! ```
//!
//! Scopes and resources that drops leave empty go too. Unknown fields stay.

mod attribute_list;
mod long;
mod points;

pub use attribute_list::AttributeList;
pub use long::cut_long_values;
pub use points::{NewBuckets, NewExponentialHistogram, NewHistogram, NewValue, has_temporality};

use crate::decode::count;
use crate::schema::Message;
use crate::view::{
    Attributes, LogView, MetricKind, MetricView, PointView, ProfileView, ResourceView, ScopeView,
    SpanView,
};
use crate::wire::Records;
use crate::write::Encoder;
use crate::{Batch, DecodeError, Signal};

/// The field of a `Span` that holds its attributes.
const SPAN_ATTRIBUTES: u32 = 9;
/// The field of a `LogRecord` that holds its attributes.
const LOG_ATTRIBUTES: u32 = 6;

/// What becomes of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays; ask about what it holds.
    Keep,
    /// It stays with all that it holds.
    KeepWhole,
    /// It goes, with all that it holds.
    Drop,
}

/// What an [`Element`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A resource with its scopes.
    Resource,
    /// A scope with its items.
    Scope,
    /// A span, log record, metric or profile.
    Item,
    /// A metric's data point.
    Point,
}

/// One element of a batch on its way through [`rewrite`].
#[derive(Debug)]
pub struct Element<'a> {
    level: Level,
    signal: Signal,
    /// The message: for a resource or a scope the envelope around it and what it holds.
    bytes: &'a [u8],
    resource: ResourceView<'a>,
    scope: Option<ScopeView<'a>>,
    metric: Option<MetricView<'a>>,
    attributes: Option<AttributeList<'a>>,
    replacement: Option<Vec<u8>>,
}

/// Rewrites a batch as `visit` says.
///
/// # Errors
/// Those of `visit`, and those of a batch that can't be read.
pub fn rewrite(
    batch: Batch,
    mut visit: impl FnMut(&mut Element<'_>) -> Result<Verdict, DecodeError>,
) -> Result<Batch, DecodeError> {
    let signal = batch.signal();
    let change = Rewriter {
        signal,
        visit: &mut visit,
    }
    .request(batch.bytes())?;
    let bytes = match change {
        Change::None => return Ok(batch),
        Change::Dropped => Vec::new(),
        Change::To(bytes) => bytes,
    };
    let items = count(Message::request(signal), &bytes)?;
    Ok(Batch::trusted(signal, bytes.into(), items).with_origin(batch.origin().cloned()))
}

impl<'a> Element<'a> {
    /// What it is.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The signal of the batch.
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// The resource that it is or belongs to, with what was edited before.
    pub const fn resource(&self) -> &ResourceView<'a> {
        &self.resource
    }

    /// The scope that it is or belongs to.
    pub const fn scope(&self) -> Option<&ScopeView<'a>> {
        self.scope.as_ref()
    }

    /// The metric that it is or belongs to.
    pub const fn metric(&self) -> Option<&MetricView<'a>> {
        self.metric.as_ref()
    }

    /// The span that it is, without what was edited just now.
    ///
    /// # Errors
    /// When its bytes are not one.
    pub fn span(&self) -> Result<Option<SpanView<'a>>, DecodeError> {
        self.item(Signal::Traces).map(SpanView::read).transpose()
    }

    /// The log record that it is, without what was edited just now.
    ///
    /// # Errors
    /// When its bytes are not one.
    pub fn log(&self) -> Result<Option<LogView<'a>>, DecodeError> {
        self.item(Signal::Logs).map(LogView::read).transpose()
    }

    /// The profile that it is.
    ///
    /// # Errors
    /// When its bytes are not one.
    pub fn profile(&self) -> Result<Option<ProfileView<'a>>, DecodeError> {
        self.item(Signal::Profiles)
            .map(ProfileView::read)
            .transpose()
    }

    /// The data point that it is, without what was edited just now.
    ///
    /// # Errors
    /// When its bytes are not one.
    pub fn point(&self) -> Result<Option<PointView<'a>>, DecodeError> {
        match self.metric {
            Some(metric) if self.level == Level::Point => {
                PointView::read(metric.kind, self.bytes).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Its attributes, to read and edit; `None` for metrics and profiles, which have none of their own.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn attributes(&mut self) -> Result<Option<&mut AttributeList<'a>>, DecodeError> {
        if self.attributes.is_none() {
            let attributes = match (self.level, self.signal) {
                (Level::Resource, _) => self.resource.attributes,
                (Level::Scope, _) => self.scope.map(|scope| scope.attributes).unwrap_or_default(),
                (Level::Item, Signal::Traces) => {
                    Attributes::read(self.bytes, SPAN_ATTRIBUTES, "Span")?
                }
                (Level::Item, Signal::Logs) => {
                    Attributes::read(self.bytes, LOG_ATTRIBUTES, "LogRecord")?
                }
                (Level::Item, _) => return Ok(None),
                (Level::Point, _) => self.point()?.unwrap_or_default().attributes,
            };
            self.attributes = Some(AttributeList::read(&attributes)?);
        }
        Ok(self.attributes.as_mut())
    }

    /// Replaces its message; edited attributes go into the new one. For an item or a data point.
    ///
    /// The bytes must be a valid message of its kind, such as an [`Encoder`] writes.
    pub fn replace(&mut self, message: Vec<u8>) {
        debug_assert!(
            matches!(self.level, Level::Item | Level::Point),
            "a {:?} can't be replaced",
            self.level
        );
        self.replacement = Some(message);
    }

    /// Sets the W3C `tracestate` of a span; does nothing to anything else.
    ///
    /// # Errors
    /// When its bytes are not a span.
    pub fn set_trace_state(&mut self, trace_state: &str) -> Result<(), DecodeError> {
        const TRACE_STATE: u32 = 3;
        if self.item(Signal::Traces).is_none() {
            return Ok(());
        }
        let message = self.replacement.as_deref().unwrap_or(self.bytes);
        let mut out = Encoder::with_capacity(message.len() + trace_state.len() + 2);
        for record in Records::new(message, "Span") {
            let record = record?;
            if record.number != TRACE_STATE {
                out.raw(record.raw());
            }
        }
        out.bytes(TRACE_STATE, trace_state);
        self.replacement = Some(out.into_bytes());
        Ok(())
    }

    fn item(&self, signal: Signal) -> Option<&'a [u8]> {
        (self.level == Level::Item && self.signal == signal).then_some(self.bytes)
    }

    /// The message as it is to be, if it changed.
    fn edited(self) -> Result<Option<Vec<u8>>, DecodeError> {
        let Some(list) = self.attributes.filter(AttributeList::is_changed) else {
            return Ok(self.replacement);
        };
        let message = self.replacement.as_deref().unwrap_or(self.bytes);
        let mut out = Encoder::with_capacity(message.len() + 64);
        match (
            self.level,
            self.signal,
            self.metric.map(|metric| metric.kind).unwrap_or_default(),
        ) {
            (Level::Resource, _, _) => list.put_wrapped(message, 1, &mut out)?,
            (Level::Scope, _, _) => list.put_wrapped(message, 3, &mut out)?,
            (Level::Item, Signal::Traces, _) => list.put(message, SPAN_ATTRIBUTES, &mut out)?,
            (Level::Item, _, _) => list.put(message, LOG_ATTRIBUTES, &mut out)?,
            (Level::Point, _, MetricKind::Histogram) => list.put(message, 9, &mut out)?,
            (Level::Point, _, MetricKind::ExponentialHistogram) => {
                list.put(message, 1, &mut out)?
            }
            (Level::Point, _, _) => list.put(message, 7, &mut out)?,
        }
        Ok(Some(out.into_bytes()))
    }
}

/// What became of a message.
enum Change {
    None,
    Dropped,
    To(Vec<u8>),
}

struct Rewriter<'v> {
    signal: Signal,
    visit: &'v mut dyn FnMut(&mut Element<'_>) -> Result<Verdict, DecodeError>,
}

impl Rewriter<'_> {
    fn request(&mut self, bytes: &[u8]) -> Result<Change, DecodeError> {
        rewrite_children(bytes, |number| number == 1, |bytes| self.resource(bytes))
    }

    fn resource(&mut self, bytes: &[u8]) -> Result<Change, DecodeError> {
        let signal = self.signal;
        let resource = ResourceView::read(signal, bytes)?;
        self.element(
            element(Level::Resource, signal, bytes, resource),
            |rewriter, bytes| {
                let resource = ResourceView::read(signal, bytes)?;
                rewrite_children(
                    bytes,
                    |number| number == 2,
                    |bytes| rewriter.scope(resource, bytes),
                )
            },
        )
    }

    fn scope(&mut self, resource: ResourceView<'_>, bytes: &[u8]) -> Result<Change, DecodeError> {
        let signal = self.signal;
        let scope = Some(ScopeView::read(signal, bytes)?);
        self.element(
            Element {
                scope,
                ..element(Level::Scope, signal, bytes, resource)
            },
            |rewriter, bytes| {
                let scope = ScopeView::read(signal, bytes)?;
                rewrite_children(
                    bytes,
                    |number| number == 2,
                    |bytes| rewriter.item(resource, scope, bytes),
                )
            },
        )
    }

    fn item(
        &mut self,
        resource: ResourceView<'_>,
        scope: ScopeView<'_>,
        bytes: &[u8],
    ) -> Result<Change, DecodeError> {
        let mut item = Element {
            scope: Some(scope),
            ..element(Level::Item, self.signal, bytes, resource)
        };
        if self.signal != Signal::Metrics {
            return self.element(item, |_, _| Ok(Change::None));
        }
        item.metric = Some(MetricView::read(bytes)?);
        self.element(item, |rewriter, bytes| {
            let metric = Some(MetricView::read(bytes)?);
            let is_data = |number| matches!(number, 5 | 7 | 9 | 10 | 11);
            rewrite_children(bytes, is_data, |bytes| {
                rewrite_children(
                    bytes,
                    |number| number == 1,
                    |bytes| {
                        let point = element(Level::Point, Signal::Metrics, bytes, resource);
                        rewriter.element(
                            Element {
                                scope: Some(scope),
                                metric,
                                ..point
                            },
                            |_, _| Ok(Change::None),
                        )
                    },
                )
            })
        })
    }

    /// Asks about an element, then goes on with what it holds.
    fn element<'a>(
        &mut self,
        mut element: Element<'a>,
        inside: impl FnOnce(&mut Self, &[u8]) -> Result<Change, DecodeError>,
    ) -> Result<Change, DecodeError> {
        let verdict = (self.visit)(&mut element)?;
        if verdict == Verdict::Drop {
            return Ok(Change::Dropped);
        }
        let bytes = element.bytes;
        let edited = element.edited()?;
        let change = match verdict {
            Verdict::Keep => inside(self, edited.as_deref().unwrap_or(bytes))?,
            _ => Change::None,
        };
        Ok(match (change, edited) {
            (Change::None, Some(edited)) => Change::To(edited),
            (change, _) => change,
        })
    }
}

fn element<'a>(
    level: Level,
    signal: Signal,
    bytes: &'a [u8],
    resource: ResourceView<'a>,
) -> Element<'a> {
    Element {
        level,
        signal,
        bytes,
        resource,
        scope: None,
        metric: None,
        attributes: None,
        replacement: None,
    }
}

/// Rewrites the messages under some fields of a message. A message whose last child was dropped is dropped.
fn rewrite_children<'a>(
    bytes: &'a [u8],
    is_child: impl Fn(u32) -> bool,
    mut rewrite: impl FnMut(&'a [u8]) -> Result<Change, DecodeError>,
) -> Result<Change, DecodeError> {
    let mut out = Encoder::new();
    let (mut kept, mut dropped) = (0, 0);
    // Everything before `copied` is in `out`, or was dropped; everything before `at` was looked at.
    let (mut copied, mut at) = (0, 0);
    for record in Records::new(bytes, "envelope") {
        let record = record?;
        let start = at;
        at += record.raw().len();
        if !is_child(record.number) {
            continue;
        }
        let change = rewrite(record.bytes()?)?;
        if matches!(change, Change::None) {
            kept += 1;
            continue;
        }
        if copied == 0 {
            out = Encoder::with_capacity(bytes.len() + bytes.len() / 8);
        }
        out.raw(bytes.get(copied..start).unwrap_or_default());
        copied = at;
        if let Change::To(message) = change {
            kept += 1;
            out.some_bytes(record.number, message);
        } else {
            dropped += 1;
        }
    }
    if copied == 0 {
        return Ok(Change::None);
    }
    if kept == 0 && dropped > 0 {
        return Ok(Change::Dropped);
    }
    out.raw(bytes.get(copied..).unwrap_or_default());
    Ok(Change::To(out.into_bytes()))
}

#[cfg(test)]
mod tests;
