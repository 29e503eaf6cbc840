//! The page, embedded in the binary.

use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::api::ApiError;

/// A file of the page.
#[derive(Debug)]
struct Asset {
    path: &'static str,
    content: &'static [u8],
}

/// Every file of the page, sorted by path; the build script lists them.
static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file's content type by its ending.
const CONTENT_TYPES: [(&str, &str); 12] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
];

/// Answers with a file, or with the page itself for every path that is one of its views.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        let error = ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{method} is not answered here"),
        );
        return ([(ALLOW, "GET, HEAD")], error).into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let found = find(path).or_else(|| find("index.html").filter(|_| is_view(path, &headers)));
    match found {
        Some(asset) => answer(asset),
        None => ApiError::new(
            StatusCode::NOT_FOUND,
            format!("there is nothing at {}", uri.path()),
        )
        .into_response(),
    }
}

fn find(path: &str) -> Option<&'static Asset> {
    let index = ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok()?;
    ASSETS.get(index)
}

/// Whether a path may be a view of the page: a browser asks for HTML there, and it doesn't look like a file.
fn is_view(path: &str, headers: &HeaderMap) -> bool {
    let accepts_html = headers.get(ACCEPT).is_none_or(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("text/html") || accept.contains("*/*"))
    });
    let is_file = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'));
    accepts_html && !is_file
}

fn answer(asset: &Asset) -> Response {
    let ending = asset.path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let content_type = CONTENT_TYPES
        .iter()
        .find(|(known, _)| *known == ending)
        .map_or("application/octet-stream", |(_, content_type)| content_type);
    // What the build puts into assets/ carries a hash of its content in its name.
    let is_hashed = asset.path.starts_with("assets/");
    let caching = if is_hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    (
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, caching)],
        asset.content,
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_there_and_its_files_are_found() {
        assert!(find("index.html").is_some());
        assert!(
            ASSETS
                .iter()
                .all(|asset| find(asset.path).is_some_and(|found| found.content == asset.content))
        );
    }

    #[test]
    fn views_are_told_from_missing_files() {
        let browser = HeaderMap::from_iter([(ACCEPT, "text/html,*/*;q=0.8".parse().unwrap())]);
        assert!(is_view("traces/0af7651916cd43dd8448eb211c80319c", &browser));
        assert!(!is_view("assets/index-old.js", &browser));
        let image = HeaderMap::from_iter([(ACCEPT, "image/png".parse().unwrap())]);
        assert!(!is_view("traces", &image));
    }
}
