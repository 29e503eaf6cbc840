//! The OpenAPI document, made from the handlers. `openapi.json` beside `Cargo.toml` is a copy of it, which a test keeps
//! true; the page's `types.ts` is made from that.

use std::sync::LazyLock;

use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::api::{self, ErrorBody};

/// What the routes have in common.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Fanlight",
        version = "1",
        description = "The API of the local dashboard. 64-bit integers are decimal text, ids are lower-case hexadecimal, \
                       attributes have the shape of OTLP/JSON. Requests that change something need a JSON content type; \
                       where the dashboard has a token, every request needs it as `Authorization: Bearer`.",
        contact(),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody))
)]
struct Frame;

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
});

/// The document as JSON.
pub fn text() -> &'static str {
    &TEXT
}

fn document() -> OpenApi {
    let mut document = Frame::openapi().nest("/api", api::description());
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
            }
        }
    }
    document
}

/// `get` and `/api/traces/{traceId}` make `getTracesTraceId`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .skip(1);
    words.fold(method.to_owned(), |id, word| {
        let (first, rest) = word.split_at(1);
        id + &first.to_ascii_uppercase() + rest
    })
}
