//! What each kind of call stands for: the tokens of the stand-ins' answers, and what they cost by the providers' price lists.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

/// What must be recorded of a call.
#[derive(Clone, Debug)]
pub(super) struct Fixture {
    /// Empty where nothing is compared: it is no call of a model.
    model: &'static str,
    /// With what was read from a cache and written to it.
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
    /// In millionths of a dollar; none where the model has no price.
    cost: Option<f64>,
    is_stream: bool,
    /// Whether headers said tags, session and user.
    is_tagged: bool,
    is_error: bool,
    /// Whether the client leaves in the middle.
    pub(super) is_abandoned: bool,
}

const MINI: &str = "gpt-4o-mini";
const CLAUDE: &str = "claude-sonnet-4-20250514";
const GEMINI: &str = "gemini-2.5-flash";

impl Fixture {
    /// The fixture of a name that the clients print.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn named(name: &str) -> Result<Fixture> {
        let (rest, is_tagged) = match name.strip_prefix("tagged ") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let (kind, is_stream) = match rest.strip_suffix(" stream") {
            Some(kind) => (kind, true),
            None => (rest, false),
        };
        // Prices are dollars for a million tokens, so the products are millionths of a dollar.
        let found = match kind {
            // $0.15 in, $0.075 cached, $0.60 out.
            "chat" => call(
                MINI,
                1200,
                9,
                1024,
                176.0 * 0.15 + 1024.0 * 0.075 + 9.0 * 0.6,
            ),
            "tool call" => call(MINI, 90, 17, 0, 90.0 * 0.15 + 17.0 * 0.6),
            // The same answer from $2.50 in, $10 out.
            "roulette" => call("gpt-4o", 90, 17, 0, 90.0 * 2.5 + 17.0 * 10.0),
            "response" => call(MINI, 50, 30, 0, 50.0 * 0.15 + 30.0 * 0.6),
            // $0.02.
            "embedding" => Fixture {
                output: None,
                ..call("text-embedding-3-small", 8, 0, 0, 8.0 * 0.02)
            },
            // $3 in, $0.30 read from the cache, $3.75 written to it, $15 out.
            "message" | "message tool" => call(
                CLAUDE,
                25 + 2048 + 512,
                12,
                2048,
                25.0 * 3.0 + 2048.0 * 0.3 + 512.0 * 3.75 + 12.0 * 15.0,
            ),
            // $0.30 in, $2.50 out, thoughts among that.
            "gemini" | "gemini call" => call(GEMINI, 18, 11 + 40, 0, 18.0 * 0.3 + 51.0 * 2.5),
            "ollama" => free("llama3.2", 26, 9),
            "groq" => unpriced("llama-3.1-8b-instant"),
            "mistral" => unpriced("mistral-large-latest"),
            "together" => unpriced("meta-llama/Llama-3.3-70B-Instruct-Turbo"),
            "openrouter" => unpriced("openai/gpt-4o-mini"),
            "failed 429" | "failed 500" | "broken" => failed(),
            "abandoned" => Fixture {
                is_error: false,
                is_abandoned: true,
                ..failed()
            },
            "failed 401" | "no model" => failed().without_model(),
            _ => bail!("{name} is no fixture"),
        };
        Ok(Fixture {
            is_stream,
            is_tagged,
            ..found
        })
    }

    /// Whether it is a call of a model.
    pub(super) fn is_call(&self) -> bool {
        !self.model.is_empty()
    }

    fn without_model(self) -> Fixture {
        Fixture { model: "", ..self }
    }

    /// Compares a row of `/api/llm/calls`.
    ///
    /// # Errors
    /// Names the field that differs.
    pub(super) fn must_be(&self, row: &Value) -> Result<()> {
        let fields = [
            ("requestModel", json!(self.model)),
            ("inputTokens", json!(self.input)),
            ("outputTokens", json!(self.output)),
        ];
        for (name, wanted) in fields {
            // A call that failed or was left alone may have used something.
            let is_known = !wanted.is_null();
            ensure!(
                !is_known || row[name] == wanted,
                "{name} is {}, expected {wanted}, in {row}",
                row[name]
            );
        }
        if let Some(cached) = self.cached {
            let found = row["cacheReadTokens"].as_u64().unwrap_or(0);
            ensure!(
                found == cached,
                "cacheReadTokens is {found}, expected {cached}"
            );
        }
        if let Some(cost) = self.cost {
            let found = row["cost"].as_f64().unwrap_or(f64::NAN) * 1e6;
            ensure!(
                (found - cost).abs() < 1e-6,
                "the cost is {found} millionths of a dollar, expected {cost}, in {row}"
            );
        }
        if !self.is_abandoned {
            let status = if self.is_error { "error" } else { "ok" };
            ensure!(
                row["status"] == status,
                "status is {}, expected {status}, in {row}",
                row["status"]
            );
        }
        let (tags, session, user) = match self.is_tagged {
            true => (
                json!(["user:alice", "env:prod"]),
                json!("s-1"),
                json!("alice"),
            ),
            false => (json!([]), Value::Null, Value::Null),
        };
        ensure!(
            [&row["tags"], &row["sessionId"], &row["userId"]] == [&tags, &session, &user],
            "tags, session and user are not {tags}, {session} and {user}: {row}"
        );
        if self.is_stream && !self.is_error && !self.is_abandoned {
            ensure!(
                row["streaming"] == true && row["timeToFirstChunkNano"].is_string(),
                "a stream is not known as one: {row}"
            );
        }
        Ok(())
    }
}

/// Whether a recorded row is of a model whose calls have fixtures.
pub(super) fn is_compared(row: &Value) -> bool {
    let model = row["requestModel"].as_str().unwrap_or("");
    !["", "whisper-1", "tts-1"].contains(&model)
}

fn call(model: &'static str, input: u64, output: u64, cached: u64, cost: f64) -> Fixture {
    Fixture {
        model,
        input: Some(input),
        output: Some(output),
        cached: Some(cached),
        cost: Some(cost),
        is_stream: false,
        is_tagged: false,
        is_error: false,
        is_abandoned: false,
    }
}

/// A model that runs here.
fn free(model: &'static str, input: u64, output: u64) -> Fixture {
    Fixture {
        cost: None,
        ..call(model, input, output, 0, 0.0)
    }
}

/// A model whose price is another test's affair.
fn unpriced(model: &'static str) -> Fixture {
    Fixture {
        cost: None,
        ..call(model, 1200, 9, 1024, 0.0)
    }
}

fn failed() -> Fixture {
    Fixture {
        input: None,
        output: None,
        cached: None,
        cost: None,
        is_error: true,
        ..call(MINI, 0, 0, 0, 0.0)
    }
}
