//! Answers in OpenAI's words: [whole](https://platform.openai.com/docs/api-reference/chat/object) and as a
//! [stream of chunks](https://platform.openai.com/docs/api-reference/chat-streaming).

use serde_json::{Map, Value as Json, json};

use super::Failed;

/// How many tokens were used, each counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Read, and no cache had to do with it.
    pub(super) fresh: u64,
    pub(super) cache_read: u64,
    pub(super) cache_written: u64,
    /// Written, thoughts among it.
    pub(super) output: u64,
    pub(super) reasoning: u64,
    pub(super) is_stated: bool,
}

impl Counts {
    fn json(self) -> Json {
        let input = self
            .fresh
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_written);
        json!({
            "prompt_tokens": input,
            "completion_tokens": self.output,
            "total_tokens": input.saturating_add(self.output),
            "prompt_tokens_details": {"cached_tokens": self.cache_read},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        })
    }
}

/// An answer that came whole.
#[derive(Debug, Default)]
pub(super) struct Completion {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) text: String,
    pub(super) thoughts: String,
    pub(super) calls: Vec<Json>,
    pub(super) reason: &'static str,
    pub(super) counts: Counts,
}

impl Completion {
    /// Adds a call of a tool.
    pub(super) fn call(
        &mut self,
        id: &str,
        name: &str,
        arguments: &str,
        signature: Option<String>,
    ) {
        let function = json!({"name": name, "arguments": arguments});
        let mut call = json!({"id": id, "type": "function", "function": function});
        sign(&mut call, signature);
        self.calls.push(call);
    }

    /// The answer, for a client that asked for this model.
    pub(super) fn json(self, asked: &str, created: u64) -> Json {
        let has_calls = !self.calls.is_empty();
        let content = match self.text.is_empty() && has_calls {
            true => Json::Null,
            false => Json::from(self.text),
        };
        let mut message = Map::new();
        message.insert("role".to_owned(), json!("assistant"));
        message.insert("content".to_owned(), content);
        message.insert("refusal".to_owned(), Json::Null);
        if !self.thoughts.is_empty() {
            message.insert("reasoning_content".to_owned(), json!(self.thoughts));
        }
        if has_calls {
            message.insert("tool_calls".to_owned(), Json::from(self.calls));
        }
        let mut answer = json!({
            "id": self.id.unwrap_or_default(),
            "object": "chat.completion",
            "created": created,
            "model": self.model.as_deref().unwrap_or(asked),
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": self.reason}],
        });
        if let Some(answer) = answer.as_object_mut().filter(|_| self.counts.is_stated) {
            answer.insert("usage".to_owned(), self.counts.json());
        }
        answer
    }
}

/// An answer that is streamed: writes its events.
#[derive(Debug)]
pub(super) struct Chunks {
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
    has_begun: bool,
    /// Whether it came to its end, good or bad.
    is_over: bool,
    out: Vec<u8>,
}

impl Chunks {
    pub(super) fn new(model: &str, created: u64, include_usage: bool) -> Chunks {
        Chunks {
            id: String::new(),
            model: model.to_owned(),
            created,
            include_usage,
            has_begun: false,
            is_over: false,
            out: Vec::new(),
        }
    }

    /// What was written since this was asked last.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// The answer has begun; what is said of it later as well counts once.
    pub(super) fn begin(&mut self, id: Option<String>, model: Option<String>) {
        if self.has_begun {
            return;
        }
        self.has_begun = true;
        self.id = id.unwrap_or_default();
        self.model = model.unwrap_or_else(|| std::mem::take(&mut self.model));
        self.delta(json!({"role": "assistant", "content": "", "refusal": null}));
    }

    pub(super) fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.delta(json!({"content": text}));
        }
    }

    pub(super) fn thought(&mut self, text: &str) {
        if !text.is_empty() {
            self.delta(json!({"reasoning_content": text}));
        }
    }

    /// A call of a tool begins, the first of them being number 0.
    pub(super) fn call(&mut self, index: usize, id: &str, name: &str, signature: Option<String>) {
        let function = json!({"name": name, "arguments": ""});
        let mut call = json!({"index": index, "id": id, "type": "function", "function": function});
        sign(&mut call, signature);
        self.delta(json!({"tool_calls": [call]}));
    }

    pub(super) fn arguments(&mut self, index: usize, text: &str) {
        if !text.is_empty() {
            let call = json!({"index": index, "function": {"arguments": text}});
            self.delta(json!({"tool_calls": [call]}));
        }
    }

    /// The answer is whole.
    pub(super) fn finish(&mut self, reason: &str, counts: Counts) {
        if self.is_over {
            return;
        }
        self.begin(None, None);
        let choice = json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": reason});
        self.chunk(json!([choice]), None);
        if self.include_usage {
            self.chunk(json!([]), Some(counts.json()));
        }
        self.out.extend_from_slice(b"data: [DONE]\n\n");
        self.is_over = true;
    }

    /// It went wrong on the way.
    pub(super) fn fail(&mut self, failed: &Failed) {
        if !self.is_over {
            self.event(&failed.json(500));
            self.is_over = true;
        }
    }

    fn delta(&mut self, delta: Json) {
        self.begin(None, None);
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": null});
        self.chunk(json!([choice]), None);
    }

    fn chunk(&mut self, choices: Json, usage: Option<Json>) {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        // Who asks for it gets it in every chunk, empty but for the last.
        if let Some(chunk) = chunk.as_object_mut().filter(|_| self.include_usage) {
            chunk.insert("usage".to_owned(), usage.unwrap_or_default());
        }
        if !self.is_over {
            self.event(&chunk);
        }
    }

    fn event(&mut self, event: &Json) {
        self.out.extend_from_slice(b"data: ");
        self.out.extend_from_slice(event.to_string().as_bytes());
        self.out.extend_from_slice(b"\n\n");
    }
}

/// Gemini wants this back with the call; where it stands is as in Google's own translation.
fn sign(call: &mut Json, signature: Option<String>) {
    if let (Some(call), Some(signature)) = (call.as_object_mut(), signature) {
        let extra = json!({"google": {"thought_signature": signature}});
        call.insert("extra_content".to_owned(), extra);
    }
}
