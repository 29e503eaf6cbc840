//! Traces that go through several programs: what a request's headers say of the trace that it belongs to.
//!
//! `traceparent` and `tracestate` as in [W3C Trace Context](https://www.w3.org/TR/trace-context/), `baggage` as in
//! [W3C Baggage](https://www.w3.org/TR/baggage/). What does not read as such is ignored, as those say.

mod baggage;
mod carried;
mod trace_state;

use fanlight_otlp::{SpanId, TraceId};

pub use baggage::Baggage;
pub(crate) use carried::Carried;

use crate::Context;

impl Context {
    /// The context that a request came with. `header` gives the value of the header of a name in lower case; where there are
    /// several, with commas between them.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use fanlight::Context;
    ///
    /// let headers = HashMap::from([("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
    /// let caller = Context::from_headers(|name| headers.get(name));
    /// let span = fanlight::span!(parent: caller, "answer");
    /// ```
    pub fn from_headers<V: AsRef<str>>(
        mut header: impl FnMut(&str) -> Option<V>,
    ) -> Option<Context> {
        let context = parse(header("traceparent")?.as_ref())?;
        let state = header("tracestate");
        let state = state
            .as_ref()
            .and_then(|state| trace_state::checked(state.as_ref()));
        let baggage = header("baggage");
        let baggage = baggage
            .as_ref()
            .map(|baggage| Baggage::parse(baggage.as_ref()));
        let baggage = baggage.filter(|baggage| !baggage.is_empty());
        Some(Context {
            carried: Carried::keep(
                state.unwrap_or_default(),
                &baggage
                    .map(|baggage| baggage.to_string())
                    .unwrap_or_default(),
            ),
            ..context
        })
    }

    /// Gives the headers by which the program that gets them goes on with the trace.
    ///
    /// ```
    /// let mut headers = Vec::new();
    /// if let Some(context) = fanlight::Context::current() {
    ///     context.inject(|name, value| headers.push((name, value.to_owned())));
    /// }
    /// ```
    pub fn inject(self, mut set: impl FnMut(&'static str, &str)) {
        set("traceparent", &self.traceparent());
        if let Some(carried) = self.carried.get() {
            for (name, value) in [
                ("tracestate", &carried.state),
                ("baggage", &carried.baggage),
            ] {
                if !value.is_empty() {
                    set(name, value);
                }
            }
        }
    }

    /// The value of the header `traceparent`, which is also what child processes read from the variable `TRACEPARENT`.
    pub fn traceparent(self) -> String {
        let flags = u8::from(self.is_sampled);
        format!("00-{}-{}-{flags:02x}", self.trace_id, self.span_id)
    }

    /// What other programs of the trace want to know. Empty where nothing came with the trace.
    pub fn baggage(self) -> Baggage {
        let carried = self.carried.get();
        carried.map_or_else(Baggage::new, |carried| Baggage::parse(&carried.baggage))
    }

    /// The same with other baggage, for what is started in it.
    ///
    /// ```
    /// # let context = fanlight::Context::from_headers(|name| {
    /// #     (name == "traceparent").then_some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    /// # }).unwrap();
    /// let mut baggage = context.baggage();
    /// baggage.set("tenant", "17");
    /// let _entered = context.with_baggage(&baggage).enter();
    /// ```
    pub fn with_baggage(self, baggage: &Baggage) -> Context {
        let carried = self.carried.get();
        let state = carried.as_ref().map_or("", |carried| &carried.state);
        Context {
            carried: Carried::keep(state, &baggage.to_string()),
            ..self
        }
    }
}

/// Reads `version-traceid-spanid-flags`; later versions may say more after that.
fn parse(text: &str) -> Option<Context> {
    let text = text.trim_matches([' ', '\t']);
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let mut parts = text.splitn(5, '-');
    let mut part = |length: usize| {
        let part = parts.next()?;
        (part.len() == length && part.bytes().all(is_digit)).then_some(part)
    };
    let (version, trace_id, span_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let has_more = parts.next().is_some();
    if version == "ff" || (version == "00" && has_more) {
        return None;
    }
    let trace_id: TraceId = trace_id.parse().ok()?;
    let span_id: SpanId = span_id.parse().ok()?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    let is_valid = !trace_id.is_zero() && !span_id.is_zero();
    is_valid.then(|| Context::new(trace_id, span_id, flags & 1 == 1))
}

#[cfg(test)]
mod tests;
