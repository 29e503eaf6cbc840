//! Answers that come in pieces.

use std::collections::BTreeMap;
use std::ops::Deref;
#[cfg(feature = "stream")]
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::{Context as Task, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::Json;
use super::chat::ChatSpan;
use super::measure;
use super::message::{Message, Part, Role, structured};

/// A call whose answer comes in pieces, which are put together. The call ends when this is dropped.
///
/// ```
/// use fanlight::llm::{self, Message, Usage};
///
/// let question = [Message::user("Weather in Paris?")];
/// let mut answer = llm::chat("openai", "gpt-4o").messages(&question).stream();
/// for piece in ["Rainy, ", "57°F."] {
///     answer.chunk(piece);
/// }
/// answer.usage(Usage::new(26, 9));
/// answer.finish("stop");
/// ```
///
/// What is dropped before it has finished is recorded as far as it came, with the finish reason `incomplete`.
///
/// Recorded of the stream: the time to its first chunk in seconds, `gen_ai.response.time_to_first_chunk`, and how many chunks
/// came, `gen_ai.response.num_chunks` (as Logfire's SDK for Julia calls it; the conventions have no name).
#[derive(Debug)]
#[must_use = "a call ends when it is dropped; `let mut answer = ...` keeps it until the end of the block"]
pub struct ChatStream {
    span: ChatSpan,
    text: String,
    reasoning: String,
    calls: BTreeMap<usize, Call>,
    chunks: u64,
    last: Duration,
    is_finished: bool,
}

/// A tool call that is being put together.
#[derive(Debug, Default)]
struct Call {
    id: Option<String>,
    name: String,
    arguments: String,
}

impl ChatStream {
    pub(super) fn new(span: ChatSpan) -> ChatStream {
        ChatStream {
            span,
            text: String::new(),
            reasoning: String::new(),
            calls: BTreeMap::new(),
            chunks: 0,
            last: Duration::ZERO,
            is_finished: false,
        }
    }

    /// A piece of the answer's text has come.
    pub fn chunk(&mut self, text: impl AsRef<str>) -> &mut ChatStream {
        self.received();
        if self.is_kept() {
            self.text.push_str(text.as_ref());
        }
        self
    }

    /// A piece of what the model thinks has come.
    pub fn reasoning(&mut self, text: impl AsRef<str>) -> &mut ChatStream {
        self.received();
        if self.is_kept() {
            self.reasoning.push_str(text.as_ref());
        }
        self
    }

    /// A piece of a tool call has come: of the call of that index, the id and the name where they are told, and more of the
    /// arguments' JSON text.
    pub fn tool_call(
        &mut self,
        index: usize,
        id: Option<&str>,
        name: Option<&str>,
        arguments: impl AsRef<str>,
    ) -> &mut ChatStream {
        self.received();
        if self.is_kept() {
            let call = self.calls.entry(index).or_default();
            if let Some(id) = id {
                call.id = Some(id.to_owned());
            }
            call.name.push_str(name.unwrap_or_default());
            call.arguments.push_str(arguments.as_ref());
        }
        self
    }

    /// A chunk without any of that has come. The other methods count a chunk by themselves.
    pub fn received(&mut self) -> &mut ChatStream {
        let call = self.span.call();
        let now = call.elapsed();
        let is_first = self.chunks == 0;
        self.chunks += 1;
        if is_first {
            self.span.set("gen_ai.response.time_to_first_chunk", now);
        }
        let model = call.outcome().model.clone();
        let after = now - self.last;
        self.span
            .in_scope(|| measure::chunk(&call.target, model.as_ref(), is_first, after));
        self.last = now;
        self
    }

    /// The answer is complete, for that reason: `stop`, `length`, `tool_call`, ... Ends the call.
    pub fn finish(mut self, reason: impl Into<String>) {
        self.finished(reason);
    }

    /// As [`ChatStream::finish`], of a stream after which something is still told, such as the usage.
    pub fn finished(&mut self, reason: impl Into<String>) -> &mut ChatStream {
        self.is_finished = true;
        self.span.finish_reason(reason);
        self
    }

    /// Watches an iterator: each of its items is shown to a closure that tells what is in it, and goes on unchanged. When there
    /// are no more, the answer is complete. `ChatStream::observe_stream` does so for streams.
    ///
    /// ```
    /// use fanlight::llm;
    ///
    /// let pieces = ["Rainy, ", "57°F."].into_iter();
    /// let answer = llm::chat("openai", "gpt-4o").stream();
    /// let observed = answer.observe(pieces, |answer, piece| {
    ///     answer.chunk(piece);
    /// });
    /// assert_eq!(observed.collect::<String>(), "Rainy, 57°F.");
    /// ```
    pub fn observe<S, F>(self, items: S, see: F) -> Observed<S, F>
    where
        S: Iterator,
        F: FnMut(&mut ChatStream, &S::Item),
    {
        Observed::new(self, items, see)
    }

    /// As [`ChatStream::observe`], of a `Stream`.
    #[cfg(feature = "stream")]
    pub fn observe_stream<S, F>(self, items: S, see: F) -> Observed<S, F>
    where
        S: futures_core::Stream,
        F: FnMut(&mut ChatStream, &S::Item),
    {
        Observed::new(self, items, see)
    }

    /// Whether the pieces are put together at all.
    fn is_kept(&self) -> bool {
        self.span.is_recording() && !self.span.call().content.is_off()
    }

    fn message(&mut self) -> Message {
        let mut parts = Vec::new();
        if !self.reasoning.is_empty() {
            parts.push(Part::Reasoning(std::mem::take(&mut self.reasoning)));
        }
        if !self.text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
        for (_, call) in std::mem::take(&mut self.calls) {
            parts.push(Part::ToolCall {
                id: call.id,
                name: call.name,
                arguments: structured(Json::String(call.arguments)),
            });
        }
        Message::new(Role::Assistant, parts)
    }
}

pin_project! {
    /// An iterator or a stream that a [`ChatStream`] watches.
    #[derive(Debug)]
    #[must_use = "nothing is asked for until this is iterated over or polled"]
    pub struct Observed<S, F> {
        #[pin]
        items: S,
        see: F,
        // Nothing once there are no more items.
        answer: Option<ChatStream>,
    }
}

impl<S, F> Observed<S, F> {
    fn new(answer: ChatStream, items: S, see: F) -> Observed<S, F> {
        Observed {
            items,
            see,
            answer: Some(answer),
        }
    }
}

/// Shows an item; after the last, ends the call.
fn show<T>(
    answer: &mut Option<ChatStream>,
    see: &mut impl FnMut(&mut ChatStream, &T),
    item: Option<&T>,
) {
    match (answer.as_mut(), item) {
        (Some(answer), Some(item)) => see(answer, item),
        (Some(complete), None) => {
            if !complete.is_finished && complete.span.call().outcome().error.is_none() {
                complete.finished("stop");
            }
            *answer = None;
        }
        (None, _) => {}
    }
}

impl<S: Iterator, F: FnMut(&mut ChatStream, &S::Item)> Iterator for Observed<S, F> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        let item = match &self.answer {
            Some(answer) => {
                let _entered = answer.span.enter();
                self.items.next()
            }
            None => self.items.next(),
        };
        show(&mut self.answer, &mut self.see, item.as_ref());
        item
    }
}

#[cfg(feature = "stream")]
impl<S, F> futures_core::Stream for Observed<S, F>
where
    S: futures_core::Stream,
    F: FnMut(&mut ChatStream, &S::Item),
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let polled = match this.answer {
            Some(answer) => {
                let _entered = answer.span.enter();
                this.items.poll_next(task)
            }
            None => this.items.poll_next(task),
        };
        if let Poll::Ready(item) = &polled {
            show(this.answer, this.see, item.as_ref());
        }
        polled
    }
}

impl Deref for ChatStream {
    type Target = ChatSpan;

    fn deref(&self) -> &ChatSpan {
        &self.span
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        if !self.is_finished && self.span.call().outcome().error.is_none() {
            self.span.finish_reason("incomplete");
        }
        self.span.set("gen_ai.response.num_chunks", self.chunks);
        let message = self.message();
        if !message.parts.is_empty() {
            self.span.response(message);
        }
    }
}
