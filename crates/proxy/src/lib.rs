//! The LLM proxy: a call of a language model goes through it untouched, and comes out as a span.
//!
//! Nothing that happens here changes what client and upstream say to each other, and recording never makes either wait: what
//! can't be recorded in time is dropped and counted, and the call goes on.

mod provider;
mod record;
mod redact;
mod translate;
