//! Who may use the dashboard.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use fanlight_config::Secret;
use fanlight_dashboard::{Access, Options};
use tower::ServiceExt as _;

use crate::support::{body, dashboard, dashboard_with, send, send_body};

const TOKEN: &str = "correct horse battery";

fn with_token() -> (tempfile::TempDir, Access, Router) {
    let access = Access::new(&Secret::new(TOKEN)).unwrap();
    let options = Options {
        bound: Some("0.0.0.0:3000".parse().unwrap()),
        access: Some(access.clone()),
        ..Options::default()
    };
    let (directory, app) = dashboard_with(options);
    (directory, access, app)
}

/// Requests that change something, with content types that a page of another site could send without asking.
/// Only JSON is taken.
#[tokio::test]
async fn what_changes_something_must_be_json() {
    let (_directory, _store, app) = dashboard();
    let refused = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ];
    for content_type in refused {
        for (method, path) in [
            (Method::POST, "/api/import"),
            (Method::POST, "/api/sql"),
            (Method::PUT, "/api/views"),
            (Method::POST, "/api/destinations/otlp/test"),
        ] {
            let (status, answer) = send_body(&app, method, path, content_type, "{}").await;
            assert_eq!(
                status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{path} {content_type}: {answer}"
            );
        }
    }
    let (status, _) = send_body(
        &app,
        Method::POST,
        "/api/import",
        "application/json; charset=utf-8",
        "",
    )
    .await;
    assert_eq!(status, StatusCode::OK);
}

/// A browser says that a page of another site asks, or the user follows a link from there.
/// Only the link is answered.
#[tokio::test]
async fn other_sites_may_link_and_nothing_else() {
    let (_directory, _store, app) = dashboard();
    for (site, mode, expected) in [
        ("cross-site", "no-cors", StatusCode::FORBIDDEN),
        ("same-site", "cors", StatusCode::FORBIDDEN),
        ("cross-site", "navigate", StatusCode::OK),
        ("same-origin", "cors", StatusCode::OK),
        ("none", "navigate", StatusCode::OK),
    ] {
        let headers = [("sec-fetch-site", site), ("sec-fetch-mode", mode)];
        let response = send(&app, Method::GET, "/api/services", &headers).await;
        assert_eq!(response.status(), expected, "{site} {mode}");
    }
}

/// The dashboard has a token, and requests come without it, with a wrong one, and with it.
/// Only the last are answered, on every path; errors say what to do and never the token.
#[tokio::test]
async fn with_a_token_nothing_is_answered_without_it() {
    let (_directory, _access, app) = with_token();
    for path in [
        "/api/services",
        "/api/openapi.json",
        "/api/live",
        "/",
        "/assets/x.js",
        "/jaeger/api/services",
    ] {
        for header in [
            None,
            Some("Bearer wrong"),
            Some(TOKEN),
            Some("Basic Y29ycmVjdA=="),
        ] {
            let headers: Vec<(&str, &str)> = header
                .map(|value| ("authorization", value))
                .into_iter()
                .collect();
            let response = send(&app, Method::GET, path, &headers).await;
            assert_eq!(
                response.status(),
                StatusCode::UNAUTHORIZED,
                "{path} {header:?}"
            );
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            let text = String::from_utf8(body(response).await.to_vec()).unwrap();
            assert!(
                text.contains("Authorization: Bearer") && !text.contains(TOKEN),
                "{text}"
            );
        }
    }
    let bearer = format!("bearer {TOKEN}");
    // Whoever has the token is no rebound page, whatever name it asks for.
    for host in ["localhost:3000", "hub.example:3000"] {
        let headers = [("authorization", &*bearer), ("host", host)];
        let response = send(&app, Method::GET, "/api/services", &headers).await;
        assert_eq!(response.status(), StatusCode::OK, "{host}");
    }
    let debug = format!("{:?}", with_token().1);
    assert!(!debug.contains("horse"), "{debug}");
}

/// A browser opens the link of the terminal, and somebody else opens it after that.
/// The first gets a cookie that scripts and other sites can't use, and with it the page; the second gets nothing.
#[tokio::test]
async fn the_link_signs_one_browser_in_once() {
    let (_directory, access, app) = with_token();
    let html = [("accept", "text/html")];
    let page = send(&app, Method::GET, "/", &html).await;
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
    assert!(
        String::from_utf8_lossy(&body(page).await)
            .contains("<form method=\"post\" action=\"/login\">")
    );
    let link = access.one_time_path().unwrap();
    let wrong = send(&app, Method::GET, "/login?ticket=00", &html).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let first = send(&app, Method::GET, &link, &html).await;
    assert_eq!(
        (first.status(), &first.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/".parse().unwrap())
    );
    let cookie = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let second = send(&app, Method::GET, &link, &html).await;
    assert_eq!(second.status(), StatusCode::UNAUTHORIZED);
    assert!(second.headers().get("set-cookie").is_none());
    assert_eq!(access.one_time_path(), None);
    let cookie = format!("other=1; {}", cookie.split(';').next().unwrap());
    for (path, host, expected) in [
        ("/", "192.168.1.5:3000", StatusCode::OK),
        ("/api/services", "192.168.1.5:3000", StatusCode::OK),
        ("/api/services", "evil.example", StatusCode::FORBIDDEN),
    ] {
        let headers = [
            ("cookie", &*cookie),
            ("host", host),
            ("accept", "text/html"),
        ];
        let response = send(&app, Method::GET, path, &headers).await;
        assert_eq!(response.status(), expected, "{path} {host}");
    }
}

/// Somebody types the token into the page, first a wrong one.
/// Only the right one signs in.
#[tokio::test]
async fn the_token_can_be_typed_in() {
    let (_directory, _access, app) = with_token();
    for (typed, expected) in [
        ("wrong", StatusCode::UNAUTHORIZED),
        ("correct+horse+battery", StatusCode::SEE_OTHER),
    ] {
        let request = Request::post("/login")
            .header("host", "localhost:3000")
            .header("origin", "http://localhost:3000")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("token={typed}")))
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected);
        assert_eq!(
            response.headers().contains_key("set-cookie"),
            expected == StatusCode::SEE_OTHER
        );
    }
}

/// A token that could be guessed.
/// It is refused with how to make a better one.
#[test]
fn a_short_token_is_refused() {
    let error = Access::new(&Secret::new("hunter2")).unwrap_err();
    assert!(error.to_string().contains("at least 16"), "{error}");
}
