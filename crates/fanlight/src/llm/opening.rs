//! What all spans of this module can be told before they start.

use super::content::{Content, ContentPolicy};
use crate::value::{ToValue, ValueWriter};
use crate::{Span, SpanBuilder, SpanKind};

/// A span of this module that has not started.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) span: SpanBuilder,
    pub(super) policy: Option<ContentPolicy>,
}

impl Opening {
    /// A span of an operation on something, by which names it is called.
    pub(super) fn new(operation: &'static str, on: &str, kind: SpanKind) -> Opening {
        let name = match on {
            "" => operation.to_owned(),
            on => format!("{operation} {on}"),
        };
        let mut opening = Opening {
            span: Span::build(name).kind(kind),
            policy: None,
        };
        opening.set("gen_ai.operation.name", operation);
        opening
    }

    pub(super) fn set(&mut self, key: &str, value: impl ToValue) {
        self.span.add(key, &value);
    }

    /// Adds content, if there is any and it is wanted. It is made only where somebody records it.
    pub(super) fn set_content<T: ?Sized>(
        &mut self,
        key: &str,
        content: Option<&T>,
        render: impl Fn(Content, &T) -> String,
    ) {
        let policy = self.content();
        if let Some(content) = content
            && !policy.is_off()
        {
            self.set(key, Rendered(|| render(policy, content)));
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::new(self.policy)
    }
}

/// Text that is made when it is written.
struct Rendered<F>(F);

impl<F: Fn() -> String> ToValue for Rendered<F> {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.string(&(self.0)());
    }
}

/// Methods that every builder of this module has; its field `opening` is an [`Opening`].
macro_rules! opening_methods {
    () => {
        /// Says what is recorded of the content of this call, whatever is said for all.
        pub fn content(mut self, policy: $crate::llm::ContentPolicy) -> Self {
            self.opening.policy = Some(policy);
            self
        }

        /// Adds an attribute.
        pub fn attribute(mut self, key: &str, value: impl $crate::ToValue) -> Self {
            self.opening.set(key, value);
            self
        }

        /// Makes it a child of that span, which may be in another thread or process.
        pub fn parent(mut self, parent: impl Into<Option<$crate::Context>>) -> Self {
            self.opening.span = self.opening.span.parent(parent);
            self
        }

        /// The conversation that it belongs to: `gen_ai.conversation.id`.
        pub fn conversation(self, id: impl AsRef<str>) -> Self {
            self.attribute("gen_ai.conversation.id", id.as_ref())
        }

        /// The session that it belongs to: `session.id`, by which Langfuse and others group traces.
        pub fn session(self, id: impl AsRef<str>) -> Self {
            self.attribute("session.id", id.as_ref())
        }

        /// Whoever uses the program: `user.id`.
        pub fn user(self, id: impl AsRef<str>) -> Self {
            self.attribute("user.id", id.as_ref())
        }
    };
}
pub(super) use opening_methods;

/// What every span of this module offers besides [`Span`]; its method `span` gives that.
macro_rules! span_methods {
    ($type:ident) => {
        impl $type {
            /// Runs a future in it, which it outlives.
            pub fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
                $crate::__private::inside(self, future)
            }

            /// Ends it now.
            pub fn end(self) {}
        }

        impl std::ops::Deref for $type {
            type Target = $crate::Span;

            fn deref(&self) -> &$crate::Span {
                self.span()
            }
        }
    };
}
pub(super) use span_methods;
