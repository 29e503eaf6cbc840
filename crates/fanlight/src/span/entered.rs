//! Spans while code runs inside them.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use pin_project_lite::pin_project;

use super::{Span, SpanState};
use crate::context::{Active, Context, Local};

/// While it lives, what starts on this thread is a child of the span.
///
/// Don't keep it across an `.await`: the task may go on in another thread, and other tasks on this one. The compiler refuses
/// that for futures that are `Send`; [`Instrument::instrument`] is the way for those.
#[derive(Debug)]
#[must_use = "the span is left when this is dropped"]
pub struct Entered<'a> {
    span: &'a Span,
    stays_on_thread: PhantomData<*const ()>,
}

/// As [`Entered`], and the span with it, which ends when this is dropped.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped; `let _span = ...` keeps it until the end of the block"]
pub struct EnteredSpan {
    span: Span,
    stays_on_thread: PhantomData<*const ()>,
}

impl Span {
    /// Enters it until the guard is dropped.
    #[inline]
    pub fn enter(&self) -> Entered<'_> {
        self.push();
        Entered {
            span: self,
            stays_on_thread: PhantomData,
        }
    }

    /// Enters it until the end of the block, where it also ends.
    ///
    /// ```
    /// let _span = fanlight::span!("work").entered();
    /// ```
    #[inline]
    pub fn entered(self) -> EnteredSpan {
        self.push();
        EnteredSpan {
            span: self,
            stays_on_thread: PhantomData,
        }
    }

    /// Runs a closure in it.
    pub fn in_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        run()
    }

    /// Inlined, as all that a span that isn't wanted comes through, so that it costs nothing.
    #[inline]
    pub(crate) fn push(&self) {
        if let Some(state) = &self.state {
            state.push();
        }
    }

    #[inline]
    pub(crate) fn pop(&self) {
        if let Some(state) = &self.state {
            state.pop();
        }
    }
}

impl SpanState {
    fn push(self: &Arc<SpanState>) {
        Local::with(|local| local.push(Active::Span(Arc::clone(self))));
    }

    fn pop(&self) {
        // Dropped outside: what that does may come back to what the thread owns.
        drop(Local::with(|local| local.pop(self.span_id())));
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        self.span.pop();
    }
}

impl Drop for EnteredSpan {
    #[inline]
    fn drop(&mut self) {
        self.span.pop();
    }
}

impl std::ops::Deref for EnteredSpan {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.span
    }
}

/// Runs futures in spans.
pub trait Instrument: Future + Sized {
    /// Runs the future in a span, which ends with it.
    ///
    /// ```
    /// use fanlight::Instrument;
    ///
    /// # let _ = async {
    /// let answer = async { 42 }.instrument(fanlight::span!("think")).await;
    /// # };
    /// ```
    fn instrument(self, span: Span) -> Instrumented<Self> {
        Instrumented { future: self, span }
    }

    /// Runs the future as part of a span that is elsewhere: what it starts becomes a child of that.
    fn in_context(self, context: Context) -> InContext<Self> {
        InContext {
            future: self,
            context,
        }
    }
}

impl<F: Future> Instrument for F {}

pin_project! {
    /// A future in a span.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Instrumented<F> {
        #[pin]
        future: F,
        span: Span,
    }
}

pin_project! {
    /// A future in a context.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct InContext<F> {
        #[pin]
        future: F,
        context: Context,
    }
}

impl<F> Instrumented<F> {
    /// The span.
    pub fn span(&self) -> &Span {
        &self.span
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        this.future.poll(task)
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.context.enter();
        this.future.poll(task)
    }
}
