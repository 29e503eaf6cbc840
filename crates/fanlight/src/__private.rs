//! What the macros' expansions name. No part of the interface: it may change with any version.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use fanlight_otlp::view::Value;
use fanlight_otlp::write::Encoder;
use pin_project_lite::pin_project;

use crate::callsite::Callsite;
use crate::exception::Described;
use crate::template;
use crate::value::{ToValue, ValueWriter};
use crate::{Context, Level, Span, SpanBuilder};

pub use ::core;

/// The callsite of a level that is known at run time.
pub fn of_level(callsites: &'static [Callsite; 7], level: Level) -> &'static Callsite {
    let [trace, debug, info, notice, warn, error, fatal] = callsites;
    match level {
        Level::Trace => trace,
        Level::Debug => debug,
        Level::Info => info,
        Level::Notice => notice,
        Level::Warn => warn,
        Level::Error => error,
        Level::Fatal => fatal,
    }
}

/// Adds links: contexts, or what may have one.
pub fn link<C: Into<Option<Context>>>(
    builder: SpanBuilder,
    links: impl IntoIterator<Item = C>,
) -> SpanBuilder {
    let contexts = links.into_iter().filter_map(Into::into);
    contexts.fold(builder, SpanBuilder::link)
}

/// A value as the collector shows it in a message.
#[derive(Debug)]
pub struct Shown<'a, T: ?Sized>(pub &'a T);

impl<T: ToValue + ?Sized> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Encoder::new();
        self.0.to_value(ValueWriter::new(&mut written));
        let value = Value::read(written.as_bytes()).unwrap_or(Value::Empty);
        f.write_str(&template::filled_in(value))
    }
}

/// Something that went wrong, of which it is not known what it can be asked for. The methods of that name are tried from
/// [`OfError`] down, by the number of references that each needs.
#[derive(Debug)]
pub struct Failure<'a, E: ?Sized>(pub &'a E);

/// Errors.
pub trait OfError {
    /// What is recorded of it.
    fn describe(&self) -> Described;
}

impl<E: Error + ?Sized> OfError for &&Failure<'_, E> {
    fn describe(&self) -> Described {
        Described::of(std::any::type_name::<E>(), self.0)
    }
}

/// What holds an error: `Box<dyn Error>`, `anyhow::Error`.
pub trait OfErrorWithin {
    /// What is recorded of it.
    fn describe(&self) -> Described;
}

impl<E: Deref<Target: Error> + ?Sized> OfErrorWithin for &Failure<'_, E> {
    fn describe(&self) -> Described {
        Described::of(std::any::type_name::<E>(), &**self.0)
    }
}

/// What can only be displayed. The bound is the method's, so that the compiler names it where it is not met.
pub trait OfDisplay<E: ?Sized> {
    /// What is recorded of it.
    fn describe(&self) -> Described
    where
        E: fmt::Display;
}

impl<E: ?Sized> OfDisplay<E> for Failure<'_, E> {
    fn describe(&self) -> Described
    where
        E: fmt::Display,
    {
        Described::shown(std::any::type_name::<E>(), self.0)
    }
}

/// Runs a future in a span that outlives it.
pub fn inside<F: Future>(span: &Span, future: F) -> Inside<'_, F> {
    Inside { future, span }
}

pin_project! {
    /// A future in a span that outlives it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Inside<'a, F> {
        #[pin]
        future: F,
        span: &'a Span,
    }
}

impl<F: Future> Future for Inside<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        this.future.poll(task)
    }
}
