//! The calls that spans and log records tell of, in every dialect that instrumentations speak.
//!
//! Each dialect is a table of attributes under `spans/dialects/`, in the order in which they count: what is found first fills
//! a field, and nothing replaces it. A span may speak several dialects at once; all are read. What stands in no attribute
//! that any dialect knows is no call.
//!
//! ```
//! # use fanlight_otlp::{Batch, DecodeError};
//! # fn calls(batch: &Batch) -> Result<(), DecodeError> {
//! for resource in batch.resources() {
//!     let resource = resource?;
//!     for scope in resource.scopes() {
//!         let scope = scope?;
//!         for span in scope.spans() {
//!             if let Some(call) = fanlight_genai::spans::read_span(&resource, &scope, &span?) {
//!                 println!("{:?} {:?}", call.model(), call.usage);
//!             }
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod dialects;
mod draft;
mod fields;
mod item;
mod tree;

use fanlight_otlp::view::{LogView, ResourceView, ScopeView, SpanView};

use crate::LlmCall;
use draft::Draft;
use item::Item;

pub use dialects::Dialect;

/// The call that a span tells of; none if it is of something else.
pub fn read_span(
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    span: &SpanView<'_>,
) -> Option<LlmCall> {
    read(&Item::of_span(resource, scope, span)?)
}

/// The call that a log record tells of, or the part of one that it was written for, such as a single message.
pub fn read_log(
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    log: &LogView<'_>,
) -> Option<LlmCall> {
    read(&Item::of_log(resource, scope, log)?)
}

/// Whether a span with an attribute of this key might tell of a call. Whoever has seen no such key, nor a name that
/// [`is_known_name`], need not ask [`read_span`].
pub fn is_known_key(key: &str) -> bool {
    item::is_known_key(key)
}

/// Whether a span or a log record might tell of a call because it, or its scope, has this name.
pub fn is_known_name(name: &str) -> bool {
    item::is_named(name)
}

/// The name of the event that a log record is, wherever its writer put it: in the field, in `event.name`, in the body.
pub fn event_name<'a>(log: &LogView<'a>) -> &'a str {
    item::event_name(log)
}

fn read(item: &Item<'_>) -> Option<LlmCall> {
    let mut draft = Draft::default();
    let mut speaks = false;
    for table in dialects::TABLES.iter().filter(|table| (table.speaks)(item)) {
        speaks = true;
        draft.take(&item.fields, table.rows);
        (table.rest)(item, &mut draft);
    }
    speaks.then(|| draft.finish(item)).flatten()
}

#[cfg(test)]
mod tests;
