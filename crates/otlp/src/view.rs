//! Borrowed views: plain structs over the bytes of a batch, read when asked for, without allocating.
//!
//! A view reads its own message's fields when it is made; what is repeated or nested deeper stays bytes until it is
//! iterated. A batch was validated when it came in, so reading does not fail in practice; where it would, it answers an
//! error, never "absent". A field that the sender left out has its protobuf default: zero, `""`, the zero id. Where a
//! sender repeats a field that should occur once, the last one counts.
//!
//! ```
//! # use fanlight_otlp::{Batch, DecodeError};
//! # fn names(batch: &Batch) -> Result<(), DecodeError> {
//! for resource in batch.resources() {
//!     let resource = resource?;
//!     let service = resource.attributes.get("service.name")?;
//!     for scope in resource.scopes() {
//!         for span in scope?.spans() {
//!             let span = span?;
//!             println!("{service:?} {} {}", span.trace_id, span.name);
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod dictionary;
mod log;
mod metric;
mod profile;
mod resource;
mod span;
mod text;
mod value;

pub use dictionary::{FunctionView, LineView, LinkIds, LocationView, MappingView, Tables};
pub use log::LogView;
pub use metric::{
    BucketsView, ExemplarView, ExponentialHistogramView, HistogramView, MetricKind, MetricView,
    NumberView, PointValue, PointView, QuantileView, SummaryView,
};
pub use profile::{DictionaryView, ProfileView, SampleView, ValueTypeView};
pub use resource::{ResourceView, ScopeView};
pub use span::{EventView, LinkView, SpanView, StatusView};
pub use value::{Array, Attributes, OwnedValue, Value};

pub(crate) use metric::zigzag;
pub(crate) use value::key_value;

use crate::{Batch, DecodeError};

use crate::wire::Records;

impl Batch {
    /// The resources, each with its scopes and their items.
    pub fn resources(&self) -> impl Iterator<Item = Result<ResourceView<'_>, DecodeError>> {
        let signal = self.signal();
        Records::new(self.bytes(), "request")
            .filter(|record| !matches!(record, Ok(record) if record.number != 1))
            .map(move |record| ResourceView::read(signal, record?.bytes()?))
    }
}
