//! Requests from reqwest to axum, over a real connection on one thread.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use fanlight::integrations::reqwest::SendTraced;
use fanlight::integrations::tower::ServerLayer;
use fanlight::testing::{Capture, CapturedSpan, capture};
use fanlight::{Context, Instrument, SpanKind};

/// A server on a port of its own. Everything runs on the test's thread, where it is captured.
async fn serve(layer: ServerLayer) -> String {
    let app = Router::new()
        .route("/orders/{id}", get(async || fanlight::info!("looking")))
        .route("/broken", post(async || StatusCode::BAD_GATEWAY))
        .route("/health", get(async || fanlight::info!("healthy")))
        .route("/headers", get(headers))
        .layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// Answers with what would be sent further from here.
async fn headers(_: HeaderMap) -> String {
    let mut seen = Vec::new();
    let context = Context::current().expect("a span is entered");
    context.inject(|name, value| seen.push(format!("{name}: {value}")));
    seen.join("\n")
}

fn client() -> reqwest::Client {
    // Another crate of the workspace builds reqwest without a provider, and then a client asks the process for one.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::new()
}

fn of_kind(captured: &Capture, kind: SpanKind) -> CapturedSpan {
    let mut spans = captured.spans().into_iter();
    spans.find(|span| span.kind == kind).expect("such a span")
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Scenario: a request with user, password and a secret in its query goes from a span through reqwest to a route of axum.
/// Guarantee: one trace through both, spans as the conventions have them, and no secret anywhere.
#[tokio::test]
async fn a_request_is_one_trace_on_both_sides() {
    let captured = capture();
    let base = serve(ServerLayer::new()).await;
    let url = base.replace("http://", "http://me:hidden@") + "/orders/17?page=2&token=hidden";
    async {
        let request = client().get(url).header("user-agent", "tests/1");
        assert_eq!(request.send_traced().await.unwrap().status(), 200);
    }
    .instrument(fanlight::span!("shop"))
    .await;
    let outer = captured
        .spans()
        .into_iter()
        .find(|span| span.name == "shop");
    let client = of_kind(&captured, SpanKind::Client);
    let server = of_kind(&captured, SpanKind::Server);
    assert_eq!(client.parent_id, Some(outer.unwrap().span_id));
    assert_eq!(server.parent_id, Some(client.span_id));
    assert_eq!(server.trace_id, client.trace_id);
    let port: i64 = base.rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(
        (client.name.as_str(), client.message.as_str()),
        ("GET", "GET 127.0.0.1/orders/17")
    );
    assert_eq!(client.attributes["http.request.method"], "GET");
    let shown = format!("{base}/orders/17?page=2&token=REDACTED");
    assert_eq!(client.attributes["url.full"], shown);
    assert_eq!(client.attributes["server.address"], "127.0.0.1");
    assert_eq!(client.attributes["server.port"], port);
    assert_eq!(client.attributes["http.response.status_code"], 200);
    assert_eq!(server.name, "GET /orders/{id}");
    assert_eq!(server.message, "GET /orders/17");
    assert_eq!(server.attributes["http.request.method"], "GET");
    assert_eq!(server.attributes["http.route"], "/orders/{id}");
    assert_eq!(server.attributes["url.path"], "/orders/17");
    assert_eq!(server.attributes["url.query"], "page=2&token=REDACTED");
    assert_eq!(server.attributes["url.scheme"], "http");
    assert_eq!(server.attributes["server.address"], "127.0.0.1");
    assert_eq!(server.attributes["server.port"], port);
    assert_eq!(server.attributes["network.protocol.version"], "1.1");
    assert_eq!(server.attributes["user_agent.original"], "tests/1");
    assert_eq!(server.attributes["http.response.status_code"], 200);
    assert_eq!(server.error, None);
    let [log] = captured.logs().try_into().unwrap();
    assert_eq!(log.parent_id, Some(server.span_id));
    assert!(!format!("{:?}", captured.spans()).contains("hidden"));
}

/// Scenario: one request is answered with 502, one with 404, and one by nobody.
/// Guarantee: 5xx is the server's error, all three are the client's; what is told has no secret.
#[tokio::test]
async fn failures_are_errors_of_who_has_them() {
    let captured = capture();
    let base = serve(ServerLayer::new()).await;
    client()
        .post(format!("{base}/broken"))
        .send_traced()
        .await
        .unwrap();
    let (client_span, server) = (
        of_kind(&captured, SpanKind::Client),
        of_kind(&captured, SpanKind::Server),
    );
    for span in [client_span, server] {
        assert!(span.error.is_some());
        assert_eq!(span.attributes["error.type"], "502");
        assert_eq!(span.attributes["http.response.status_code"], 502);
    }
    captured.clear();
    client()
        .get(format!("{base}/nothing"))
        .send_traced()
        .await
        .unwrap();
    assert_eq!(
        of_kind(&captured, SpanKind::Client).attributes["error.type"],
        "404"
    );
    let server = of_kind(&captured, SpanKind::Server);
    assert_eq!((server.name.as_str(), server.error), ("GET", None));
    captured.clear();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/?sig=hidden", free.local_addr().unwrap());
    drop(free);
    client().get(nobody).send_traced().await.unwrap_err();
    let span = of_kind(&captured, SpanKind::Client);
    assert_eq!(span.attributes["error.type"], "connect");
    assert_eq!(
        span.events[0].attributes["exception.type"],
        "reqwest::Error"
    );
    assert!(
        span.error.as_ref().unwrap().contains("sig=REDACTED"),
        "{span:?}"
    );
    assert!(!format!("{span:?}").contains("hidden"));
}

/// Scenario: a caller sends `tracestate` in two headers, and `baggage`.
/// Guarantee: they reach whoever is called from the handler, with the server's span as the parent.
#[tokio::test]
async fn what_came_with_a_trace_goes_on_with_it() {
    let captured = capture();
    let base = serve(ServerLayer::new()).await;
    let request = client()
        .get(format!("{base}/headers"))
        .header("traceparent", PARENT)
        .header("tracestate", "a=1")
        .header("tracestate", "b=2")
        .header("baggage", "tenant=17");
    // Sent as it is: `send_traced` would keep these headers as well.
    let answer = request.send_traced().await.unwrap();
    let text = answer.text().await.unwrap();
    let server = of_kind(&captured, SpanKind::Server);
    assert_eq!(server.parent_id.unwrap().to_string(), "b7ad6b7169203331");
    let trace = format!(
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-{}-01",
        server.span_id
    );
    assert_eq!(
        text,
        format!("{trace}\ntracestate: a=1,b=2\nbaggage: tenant=17")
    );
}

/// Scenario: a stranger calls a public service with a trace of their own.
/// Guarantee: the request is a trace of its own that links to theirs.
#[tokio::test]
async fn strangers_do_not_choose_the_trace() {
    let captured = capture();
    let base = serve(ServerLayer::new().public()).await;
    let request = client()
        .get(format!("{base}/orders/1"))
        .header("traceparent", PARENT);
    request.send().await.unwrap();
    let server = of_kind(&captured, SpanKind::Server);
    assert_eq!(server.parent_id, None);
    assert_eq!(server.links[0].traceparent(), PARENT);
    assert_ne!(server.trace_id, server.links[0].trace_id);
}

/// Scenario: a path is excepted.
/// Guarantee: nothing is recorded of its requests, nor of what the handler does.
#[tokio::test]
async fn excepted_requests_are_not_recorded() {
    let captured = capture();
    let base = serve(ServerLayer::new().except(|path| path == "/health")).await;
    client().get(format!("{base}/health")).send().await.unwrap();
    assert!(captured.spans().is_empty());
    assert!(captured.logs().is_empty());
}

/// Scenario: a caller's trace is not recorded.
/// Guarantee: nothing is recorded here either, and the trace goes on unrecorded.
#[tokio::test]
async fn unrecorded_traces_stay_unrecorded() {
    let captured = capture();
    let base = serve(ServerLayer::new()).await;
    let unrecorded = PARENT.replace("-01", "-00");
    let request = client()
        .get(format!("{base}/headers"))
        .header("traceparent", unrecorded);
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(captured.spans().is_empty());
    assert!(text.starts_with("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"));
    assert!(text.ends_with("-00"));
}
