//! The OpenAPI document.

use std::path::Path;

use serde_json::Value as Json;

use crate::support::{dashboard, get};

/// The code changed, or the committed copy did.
/// They are the same; otherwise the copy is made anew with `FANLIGHT_WRITE_OPENAPI=1`, and then `npm run types` in `ui/`.
#[test]
fn the_committed_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("FANLIGHT_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, fanlight_dashboard::openapi()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fanlight_dashboard::openapi(),
        "openapi.json is stale: run `FANLIGHT_WRITE_OPENAPI=1 cargo test -p fanlight-dashboard the_committed_document`, \
         then `npm run types` in crates/dashboard/ui"
    );
}

/// A client asks for the document.
/// It is served, every route that it names is answered, and every answer has a schema.
#[tokio::test]
async fn every_route_of_the_document_is_answered() {
    let (_directory, _store, app) = dashboard();
    let (_, document) = get(&app, "/api/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20, "{}", paths.len());
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{method} {path}"
            );
            assert!(
                operation["summary"].is_string(),
                "{method} {path} says nothing"
            );
        }
        if operations["get"].is_object() && !path.contains('{') && path != "/api/live" {
            let (status, answer): (_, Json) = get(&app, path).await;
            let message = answer["error"]["message"].as_str().unwrap_or_default();
            assert_ne!(status, 404, "{path}: {message}");
            assert_ne!(status, 405, "{path}: {message}");
        }
    }
}
