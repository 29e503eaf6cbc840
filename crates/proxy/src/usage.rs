//! Asking streams what they used, and taking the answer out again.
//!
//! OpenAI says what a stream used only to those who ask with `stream_options.include_usage`; then one more chunk comes at the
//! end, with no choice and the usage, and every other chunk has `"usage":null`
//! ([source](https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options)). The question is put into
//! the request, one member and no other byte; from the answer the chunk and those members are cut, and no other byte.

mod ask;
mod filter;
mod members;

pub(crate) use ask::{ask, model};
pub(crate) use filter::UsageFilter;
