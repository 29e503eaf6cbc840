//! Lists of models in [OpenAI's words](https://platform.openai.com/docs/api-reference/models).
//!
//! | Provider | Source |
//! |---|---|
//! | Anthropic | <https://docs.anthropic.com/en/api/models-list> |
//! | Gemini | <https://ai.google.dev/api/models> |
//! | Cohere | <https://docs.cohere.com/reference/list-models> |
//!
//! OpenAI's lists have one page, so the largest page is asked for, which has room for every model that these providers have.
//! Where a provider does not say since when there is a model, `created` is 0.

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{Chunks, Completion, Failed, Mode, Provider, Reply, Target, Translation, text_at};
use super::{anthropic, cohere, gemini};

/// The question for all models, or for one, at this path of the client's.
pub(super) fn request(target: Target, path: &str) -> Translation {
    let one = path.rsplit_once("/models/").map(|(_, id)| id);
    let (list, page) = match target {
        Target::Anthropic => ("/v1/models", "limit=1000"),
        Target::Gemini => ("/v1beta/models", "pageSize=1000"),
        Target::Cohere => ("/v1/models", "page_size=1000"),
    };
    Translation {
        path_and_query: match one {
            Some(id) => format!("{list}/{id}"),
            None => format!("{list}?{page}"),
        },
        body: Bytes::new(),
        reply: Reply {
            provider: Box::new(Models { target }),
            model: String::new(),
            created: 0,
            include_usage: false,
            mode: Mode::Whole {
                status: StatusCode::OK,
                body: Vec::new(),
            },
        },
    }
}

/// Translates the answer.
struct Models {
    target: Target,
}

impl Provider for Models {
    fn answer(&mut self, answer: &Json, _: &str, _: u64) -> Json {
        let list = match self.target {
            Target::Anthropic => answer.get("data"),
            Target::Gemini | Target::Cohere => answer.get("models"),
        };
        match list.and_then(Json::as_array) {
            Some(models) => {
                let models: Vec<Json> = models.iter().map(|model| self.model(model)).collect();
                json!({"object": "list", "data": models})
            }
            None if answer.as_object().is_some_and(|answer| answer.is_empty()) => {
                // What Gemini says where there is none.
                json!({"object": "list", "data": []})
            }
            None => self.model(answer),
        }
    }

    fn whole(&mut self, _: &Json) -> Completion {
        Completion::default()
    }

    fn event(&mut self, _: &Json, _: &mut Chunks) {}

    fn failed(&self, answer: &Json) -> Failed {
        match self.target {
            Target::Anthropic => anthropic::Anthropic::default().failed(answer),
            Target::Gemini => gemini::Gemini::default().failed(answer),
            Target::Cohere => cohere::Cohere.failed(answer),
        }
    }
}

impl Models {
    fn model(&self, model: &Json) -> Json {
        let (id, owner) = match self.target {
            Target::Anthropic => (text_at(model, "/id"), "anthropic"),
            Target::Gemini => (text_at(model, "/name"), "google"),
            Target::Cohere => (text_at(model, "/name"), "cohere"),
        };
        let id = id.unwrap_or_default();
        let created = text_at(model, "/created_at")
            .and_then(|time| time.parse::<Timestamp>().ok())
            .map_or(0, Timestamp::as_second);
        json!({
            "id": id.strip_prefix("models/").unwrap_or(&id),
            "object": "model",
            "created": created,
            "owned_by": owner,
        })
    }
}
