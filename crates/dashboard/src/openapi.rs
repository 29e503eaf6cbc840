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
    Frame::openapi().nest("/api", api::description())
}
