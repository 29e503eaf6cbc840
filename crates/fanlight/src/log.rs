//! Log records: something that happened at one moment, inside whatever span is entered.

use fanlight_otlp::write::Encoder;

use crate::callsite::Callsite;
use crate::context::{Active, Context, Local};
use crate::exception::{Described, Exception};
use crate::record::{self, Kind};
use crate::value::{ToValue, ValueWriter, put_attribute};
use crate::{Level, clock};

/// A log record that has not been handed over. That happens with [`LogBuilder::emit`].
#[derive(Debug)]
#[must_use = "the record is emitted with `emit`"]
pub struct LogBuilder {
    callsite: &'static Callsite,
    level: Level,
    context: Option<Context>,
    time: Option<u64>,
    /// Fields of an OTLP `LogRecord`.
    encoded: Encoder,
}

/// Field numbers of an OTLP `LogRecord`.
pub(crate) mod field {
    pub(crate) const BODY: u32 = 5;
    pub(crate) const ATTRIBUTES: u32 = 6;
}

impl LogBuilder {
    /// A record of a callsite that is wanted; for the macros.
    pub fn at(callsite: &'static Callsite) -> LogBuilder {
        let (encoded, context) =
            Local::with(|local| (local.spare_encoder(), local.active().map(Active::context)))
                .unwrap_or_default();
        LogBuilder {
            callsite,
            level: callsite.level(),
            context,
            time: None,
            encoded,
        }
    }

    /// Adds an attribute; for the macros.
    #[inline]
    pub fn add(&mut self, key: &str, value: &(impl ToValue + ?Sized)) {
        put_attribute(&mut self.encoded, field::ATTRIBUTES, key, value);
    }

    /// The message, where it is not the callsite's template.
    pub fn message(&mut self, message: &(impl ToValue + ?Sized)) {
        self.encoded
            .nested(field::BODY, |out| message.to_value(ValueWriter::new(out)));
    }

    /// Records an error; for the macros.
    #[doc(hidden)]
    pub fn exception(&mut self, described: Described) {
        self.add_exception(&described.at(self.callsite));
    }

    pub(crate) fn add_exception(&mut self, exception: &Exception) {
        for (key, value) in exception.attributes() {
            self.add(key, value);
        }
        self.add("logfire.exception.fingerprint", exception.fingerprint());
    }

    /// How much it matters, where that is not the callsite's level.
    pub fn level(mut self, level: Level) -> LogBuilder {
        self.level = level;
        self
    }

    /// The span that it belongs to, where that is not the entered one.
    pub fn parent(mut self, parent: impl Into<Option<Context>>) -> LogBuilder {
        self.context = parent.into();
        self
    }

    /// When it happened, in nanoseconds since 1970; otherwise the moment of [`LogBuilder::emit`].
    pub fn time(mut self, unix_nanos: u64) -> LogBuilder {
        self.time = Some(unix_nanos);
        self
    }

    /// Hands it over.
    pub fn emit(self) {
        let is_sampled = self.context.is_none_or(|context| context.is_sampled);
        let time = self.time.unwrap_or_else(clock::now);
        Local::with(|local| {
            if is_sampled {
                local.append(|buffer| {
                    record::append(buffer, Kind::Log, self.callsite, self.level, |out| {
                        self.write(time, out)
                    });
                });
            }
            local.keep_encoder(self.encoded);
        });
    }

    fn write(&self, time: u64, out: &mut Encoder) {
        out.some_fixed64(1, time);
        out.varint(2, u64::from(self.level.number()));
        out.raw(self.encoded.as_bytes());
        if let Some(context) = self.context {
            out.some_bytes(9, context.trace_id.0);
            out.some_bytes(10, context.span_id.0);
            out.fixed32(8, u32::from(context.is_sampled));
        }
    }
}
