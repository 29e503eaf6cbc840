//! Who may ask, and where keys may go.

use fanlight_net::Body;
use fanlight_testkit::{Backend, Certificates};
use http::Response;

use crate::support::{Proxy, Upstream, call, json};

const JSON: &[&str] = &["content-type: application/json"];

/// Scenario: a health check, the list of providers for programs and for people.
/// Guarantee: both answer by themselves, with the proxy's real address.
#[tokio::test]
async fn a1_the_proxy_explains_itself() {
    let proxy = Proxy::with("providers: {corp: {base_url: 'http://10.0.0.1:8000/v1'}}");
    let health = call(proxy.address, "GET /health", &[], b"").await;
    assert_eq!(health.json()["status"], "ok");
    let listing = call(proxy.address, "GET /providers", &[], b"").await.json();
    let entries = listing["providers"].as_array().unwrap();
    assert_eq!(entries[0]["provider"], "openai");
    assert_eq!(
        entries[0]["base_url"],
        format!("http://{}/v1", proxy.address)
    );
    let last = entries.last().unwrap();
    assert_eq!(last["upstream"], "http://10.0.0.1:8000/v1");
    let page = call(proxy.address, "GET /providers", &["accept: text/html"], b"").await;
    assert!(page.text().contains("<td><code>http://127.0.0.1:"));
    let text = call(
        proxy.address,
        "GET /providers",
        &["accept: text/plain"],
        b"",
    )
    .await;
    assert!(text.text().contains("/groq/v1"));
}

/// Scenario: pages of other origins and rebound names ask.
/// Guarantee: they are refused, nothing reaches the upstream, and no CORS header is sent.
#[tokio::test]
async fn strangers_are_refused_on_every_route() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "");
    for line in [
        "POST /v1/chat/completions",
        "OPTIONS /v1/chat/completions",
        "GET /providers",
        "GET /health",
    ] {
        for header in [
            "host: evil.example",
            "origin: https://evil.example",
            "sec-fetch-site: cross-site",
        ] {
            let reply = call(proxy.address, line, &[header], b"").await;
            assert_eq!(reply.status, 403, "{line} {header}");
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
    }
    assert!(upstream.seen.try_recv().is_err());
}

/// Scenario: keys and headers are configured for OpenAI; requests go to others, or have keys of their own.
/// Guarantee: the configured ones go to OpenAI's base alone, and only to clients without a key.
#[tokio::test]
async fn configured_keys_stay_with_their_provider() {
    let mut openai = Upstream::answering(json("{}")).await;
    let mut other = Upstream::answering(json("{}")).await;
    let proxy = Proxy::with(&format!(
        "forward_hosts: ['127.0.0.1']\n    providers: {{openai: {{base_url: 'http://{}/v1', key: sk-own, headers: {{Helicone-Auth: Bearer h}}}}, corp: {{base_url: 'http://{}/v1'}}}}",
        openai.address, other.address
    ));
    call(proxy.address, "POST /v1/embeddings", JSON, b"{}").await;
    let seen = openai.next().await;
    assert_eq!(seen.header("authorization"), Some("Bearer sk-own"));
    assert_eq!(seen.header("helicone-auth"), Some("Bearer h"));
    call(
        proxy.address,
        "POST /v1/embeddings",
        &["authorization: Bearer sk-client"],
        b"{}",
    )
    .await;
    assert_eq!(
        openai.next().await.header("authorization"),
        Some("Bearer sk-client")
    );

    call(proxy.address, "POST /corp/v1/embeddings", JSON, b"{}").await;
    let seen = other.next().await;
    assert_eq!(
        (seen.header("authorization"), seen.header("helicone-auth")),
        (None, None)
    );
    let forward = format!("x-llmflow-forward-url: http://{}/v1", other.address);
    call(proxy.address, "POST /v1/embeddings", &[&forward], b"{}").await;
    let seen = other.next().await;
    assert_eq!(seen.line(), "POST /v1/embeddings HTTP/1.1");
    assert_eq!(
        (seen.header("authorization"), seen.header("helicone-auth")),
        (None, None)
    );
    assert_eq!(seen.header("x-llmflow-forward-url"), None);
}

/// Scenario: a header names hosts that nobody allowed, and addresses of metadata services.
/// Guarantee: 403, and nothing is sent.
#[tokio::test]
async fn a9_a_forward_url_is_guarded() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "");
    for url in [
        format!("http://{}/v1", upstream.address),
        "https://attacker.example/v1".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:169.254.169.254]/".to_owned(),
    ] {
        let header = format!("x-fanlight-forward-url: {url}");
        let reply = call(
            proxy.address,
            "POST /v1/chat/completions",
            &[&header, "authorization: Bearer k"],
            b"{}",
        )
        .await;
        assert_eq!(reply.status, 403, "{url}");
    }
    assert!(upstream.seen.try_recv().is_err());
}

/// Scenario: Claude's clients log in with a key, with a bearer token that is a key, and with a login of a person.
/// Guarantee: keys arrive as `x-api-key`, logins as they are, queries stay.
#[tokio::test]
async fn a11_keys_arrive_where_anthropic_looks() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "");
    let cases = [
        ("x-api-key: sk-ant-api", Some("sk-ant-api"), None),
        ("authorization: Bearer sk-ant-api", Some("sk-ant-api"), None),
        (
            "authorization: Bearer sk-ant-oat01",
            None,
            Some("Bearer sk-ant-oat01"),
        ),
    ];
    for (header, key, login) in cases {
        let line = "POST /passthrough/anthropic/v1/messages?beta=true";
        call(
            proxy.address,
            line,
            &[header, "anthropic-version: 2023-06-01"],
            b"{}",
        )
        .await;
        let seen = upstream.next().await;
        assert_eq!(seen.line(), "POST /v1/messages?beta=true HTTP/1.1");
        assert_eq!(
            (seen.header("x-api-key"), seen.header("authorization")),
            (key, login)
        );
    }
}

/// Scenario: the proxy's own address is configured as a provider's.
/// Guarantee: it does not start.
#[tokio::test]
async fn a_proxy_of_itself_does_not_start() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let yaml = format!(
        "endpoint: {free}\nproviders: {{openai: {{base_url: 'http://localhost:{}/v1'}}}}",
        free.port()
    );
    let kind = fanlight_proxy::RECEIVERS[0];
    let config = (kind.decode)(&fanlight_testkit::node(&yaml)).unwrap();
    let error =
        fanlight_testkit::with_context("llm_proxy", |context| config.build(context).err().unwrap());
    assert!(error.to_string().contains("the proxy itself"), "{error}");
}

/// Scenario: with a token, programs ask with and without it.
/// Guarantee: only those who have it are let in, and the upstream never sees it.
#[tokio::test]
async fn with_a_token_only_those_who_have_it_are_let_in() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "token: 0123456789abcdef");
    assert_eq!(
        call(proxy.address, "POST /v1/embeddings", JSON, b"{}")
            .await
            .status,
        401
    );
    let token = "x-fanlight-token: 0123456789abcdef";
    assert_eq!(
        call(proxy.address, "POST /v1/embeddings", &[token], b"{}")
            .await
            .status,
        200
    );
    assert_eq!(upstream.next().await.header("x-fanlight-token"), None);
}

/// Scenario: a client of AWS signs its request for the proxy's address; first nobody may sign it anew, then the hub may.
/// Guarantee: the first is refused with what to do; the second arrives with the hub's signature for Bedrock's host, its
/// colon escaped as AWS signs it; a bearer key passes as it is.
#[tokio::test]
async fn requests_to_bedrock_are_signed_anew_where_that_is_asked_for() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    let text = "[default]\naws_access_key_id = AKIDHUB\naws_secret_access_key = hush\n";
    std::fs::write(&file, text).unwrap();
    let theirs = "authorization: AWS4-HMAC-SHA256 Credential=AKIDCLIENT/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00";
    let line = "POST /bedrock/model/amazon.nova-v1:0/converse";
    let plain = Proxy::with(&format!(
        "providers: {{bedrock: {{base_url: 'http://{}'}}}}",
        upstream.address
    ));
    let refused = call(plain.address, line, &[theirs, JSON[0]], b"{}").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("llm.providers.bedrock.sign"));
    let signing = Proxy::with(&format!(
        "providers: {{bedrock: {{base_url: 'http://{}', sign: true, region: eu-west-1, credentials_file: '{}'}}}}",
        upstream.address,
        file.display()
    ));
    let headers = [theirs, JSON[0], "x-amz-date: 20260101T000000Z"];
    assert_eq!(
        call(signing.address, line, &headers, b"{}").await.status,
        200
    );
    let seen = upstream.next().await;
    assert_eq!(
        seen.line(),
        "POST /model/amazon.nova-v1%3A0/converse HTTP/1.1"
    );
    let signature = seen.header("authorization").unwrap();
    assert!(
        signature.contains("Credential=AKIDHUB/")
            && signature.contains("/eu-west-1/bedrock/aws4_request"),
        "{signature}"
    );
    assert!(
        signature.contains("SignedHeaders=content-type;host;x-amz-date"),
        "{signature}"
    );
    assert_ne!(seen.header("x-amz-date"), Some("20260101T000000Z"));
    call(
        signing.address,
        line,
        &["authorization: Bearer key", JSON[0]],
        b"{}",
    )
    .await;
    let seen = upstream.next().await;
    assert_eq!(seen.header("authorization"), Some("Bearer key"));
    assert_eq!(
        seen.line(),
        "POST /model/amazon.nova-v1:0/converse HTTP/1.1"
    );
}

/// Scenario: a provider behind TLS whose authority nobody knows, then one that is configured.
/// Guarantee: the first is an error that names the key to set; the second is answered, and the connection is used again.
#[tokio::test]
async fn providers_behind_tls_must_be_trusted() {
    let certificates = Certificates::new();
    let answer = |_: &_| Response::new(Body::from("{}"));
    let backend = Backend::http(Some(certificates.server()), answer);
    let base = format!("https://localhost:{}/v1", backend.address.port());
    let stranger = Proxy::with(&format!("providers: {{openai: {{base_url: '{base}'}}}}"));
    let refused = call(stranger.address, "POST /v1/responses", JSON, b"{}").await;
    assert_eq!(refused.status, 502);
    assert!(
        refused.text().contains("llm.upstream_tls.ca_file"),
        "{}",
        refused.text()
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, &certificates.authority).unwrap();
    let trusting = Proxy::with(&format!(
        "upstream_tls: {{ca_file: '{}'}}\n    providers: {{openai: {{base_url: '{base}'}}}}",
        file.display()
    ));
    for _ in 0..3 {
        let reply = call(trusting.address, "POST /v1/responses", JSON, b"{}").await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"));
    }
    assert_eq!(backend.requests().len(), 3);
}

/// Scenario: requests for a provider that nobody knows, from a rebound name, for a resource that nobody named; and one that goes.
/// Guarantee: each refusal is counted by its reason, and the call is not.
#[tokio::test]
async fn refusals_are_counted_by_their_reason() {
    let upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "");
    for (line, header, status) in [
        (
            "POST /grok/v1/chat/completions",
            "authorization: Bearer k",
            404,
        ),
        ("POST /v1/chat/completions", "host: evil.example", 403),
        (
            "POST /azure/v1/chat/completions",
            "authorization: Bearer k",
            400,
        ),
        (
            "POST /anthropic/v1/chat/completions",
            "authorization: Bearer k",
            400,
        ),
        ("POST /v1/embeddings", "authorization: Bearer k", 200),
    ] {
        let reply = call(proxy.address, line, &[header], b"{}").await;
        assert_eq!(reply.status, status, "{line}: {}", reply.text());
    }
    let snapshot = proxy.hub.status.snapshot();
    let counted = |transport: &str| -> u64 {
        let receivers = snapshot.receivers.iter();
        receivers
            .filter(|counters| counters.transport == transport)
            .filter_map(|counters| counters.refused.get(&fanlight_otlp::Signal::Traces))
            .sum()
    };
    let reasons = [
        "proxy_unknown",
        "proxy_forbidden",
        "proxy_bad_request",
        "proxy_unauthorized",
    ];
    assert_eq!(reasons.map(counted), [1, 1, 2, 0]);
}
