//! Clients against real sockets: TLS, what goes over the wire, and what failures say.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::Duration;

use bytes::Bytes;
use fanlight_config::Secret;
use fanlight_config::blocks::{self, Compression, TlsClient};
use fanlight_net::Body;
use fanlight_net::grpc::{CallError, GrpcClient};
use fanlight_net::http::{HttpClient, text};
use fanlight_net::status::{Code, Failure};
use fanlight_pipeline::Outcome;
use fanlight_testkit::{Backend, Certificates, with_context};
use http::{HeaderValue, Response, StatusCode, Uri};

const METHOD: &str = "/test.Service/Export";
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

fn grpc(endpoint: &str, change: impl FnOnce(&mut blocks::GrpcClient)) -> GrpcClient {
    let mut block = blocks::GrpcClient {
        endpoint: Some(endpoint.parse().unwrap()),
        ..Default::default()
    };
    change(&mut block);
    with_context("otlp_grpc", |context| {
        GrpcClient::new(&block, Compression::Gzip, context)
    })
    .unwrap()
}

fn http(url: &str, change: impl FnOnce(&mut blocks::HttpClient)) -> (HttpClient, Uri) {
    let mut block = blocks::HttpClient::default();
    change(&mut block);
    let url: Uri = url.parse().unwrap();
    let urls = [url.clone()];
    (
        with_context("otlp_http", |context| {
            HttpClient::new(&block, Compression::Gzip, &urls, context)
        })
        .unwrap(),
        url,
    )
}

async fn why(client: &GrpcClient) -> String {
    let error = client
        .call(METHOD, Bytes::from_static(b"x"))
        .await
        .unwrap_err();
    match client.outcome(error) {
        Outcome::Retry { why, .. } | Outcome::Rejected { why } => why,
        other => panic!("{other:?}"),
    }
}

fn ok(_: &fanlight_testkit::Recorded) -> Response<Body> {
    text(StatusCode::OK, "")
}

/// Scenario: servers with a certificate of a private authority; clients that know it, that do not, that skip the check.
/// Guarantee: encrypted requests arrive over both protocols; an unknown authority is refused with the key to set.
#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let certificates = Certificates::new();
    let backend = Backend::grpc(Some(certificates.server()), |_| Ok(Bytes::new()));
    let endpoint = format!("https://localhost:{}", backend.address.port());
    let trusting = grpc(&endpoint, |block| block.tls = certificates.client());
    assert_eq!(
        trusting.call(METHOD, Bytes::from_static(b"hello")).await,
        Ok(Bytes::new())
    );
    let skipping = grpc(&endpoint, |block| block.tls.insecure_skip_verify = true);
    assert_eq!(skipping.call(METHOD, Bytes::new()).await, Ok(Bytes::new()));
    assert_eq!(backend.requests()[0].body, "hello");
    let other = Certificates::new();
    let distrusting = grpc(&endpoint, |block| block.tls = other.client());
    assert!(
        why(&distrusting).await.contains("set tls.ca_file"),
        "{}",
        why(&distrusting).await
    );
    let misnamed = grpc(&endpoint, |block| {
        block.tls = TlsClient {
            server_name_override: Some("other.example".to_owned()),
            ..certificates.client()
        };
    });
    assert!(
        why(&misnamed)
            .await
            .contains("set tls.server_name_override"),
        "{}",
        why(&misnamed).await
    );

    let backend = Backend::http(Some(certificates.server()), ok);
    let (client, url) = http(
        &format!("https://localhost:{}/v1/traces", backend.address.port()),
        |block| {
            block.tls = certificates.client();
        },
    );
    assert_eq!(
        client
            .post(&url, PROTOBUF, Bytes::from_static(b"x"))
            .await
            .unwrap()
            .status,
        200
    );
}

/// Scenario: a server asks clients for a certificate of its authority.
/// Guarantee: a client that has one gets in; one that has none is told what to set.
#[tokio::test]
async fn mutual_tls_lets_only_certified_clients_in() {
    let certificates = Certificates::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("clients.pem");
    std::fs::write(&file, &certificates.authority).unwrap();
    let tls = blocks::TlsServer {
        client_ca_file: Some(file),
        ..certificates.server()
    };
    let backend = Backend::grpc(Some(tls), |_| Ok(Bytes::new()));
    let endpoint = format!("https://localhost:{}", backend.address.port());
    let certified = grpc(&endpoint, |block| {
        block.tls = certificates.client_with_certificate()
    });
    assert_eq!(certified.call(METHOD, Bytes::new()).await, Ok(Bytes::new()));
    let anonymous = grpc(&endpoint, |block| block.tls = certificates.client());
    let reason = why(&anonymous).await;
    assert!(
        reason.contains("set tls.cert_file and tls.key_file"),
        "{reason}"
    );
    assert_eq!(backend.requests().len(), 1);
}

/// Scenario: TLS is spoken to a plain server, plain text to a TLS server, HTTP to a gRPC server, anything to nobody.
/// Guarantee: each is worth another attempt, and its reason names the place and what to change.
#[tokio::test]
async fn the_wrong_protocol_is_explained() {
    let certificates = Certificates::new();
    let plain = Backend::grpc(None, |_| Ok(Bytes::new()));
    let tls = grpc(
        &format!("https://localhost:{}", plain.address.port()),
        |block| block.tls = certificates.client(),
    );
    assert!(
        why(&tls)
            .await
            .contains("plain text; set tls.insecure: true"),
        "{}",
        why(&tls).await
    );

    let encrypted = Backend::grpc(Some(certificates.server()), |_| Ok(Bytes::new()));
    let insecure = grpc(
        &format!("http://localhost:{}", encrypted.address.port()),
        |_| {},
    );
    assert!(
        why(&insecure).await.contains("TLS"),
        "{}",
        why(&insecure).await
    );

    let (client, url) = http(&format!("http://{}/v1/traces", plain.address), |_| {});
    let answer = client
        .post(&url, PROTOBUF, Bytes::from_static(b"x"))
        .await
        .unwrap();
    let Outcome::Rejected { why: reason } = client.outcome(&url, &answer) else {
        panic!("{answer:?}")
    };
    assert!(reason.contains("this port speaks gRPC"), "{reason}");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = grpc(&format!("http://{nobody}"), |_| {});
    assert_eq!(
        why(&client).await,
        format!("could not connect to {nobody}: nothing listens there (connection refused)")
    );
}

/// Scenario: the same body under every compression that can be configured, small and large, over both protocols.
/// Guarantee: what is on the wire is in that coding, and undone it is the same bytes.
#[tokio::test]
async fn compression_is_really_on_the_wire() {
    let large = Bytes::from(b"span ".repeat(200_000));
    for body in [Bytes::from_static(b"small"), large] {
        for compression in [
            Compression::None,
            Compression::Gzip,
            Compression::Zstd,
            Compression::Deflate,
        ] {
            let backend = Backend::http(None, ok);
            let (client, url) = http(&format!("http://{}/", backend.address), |block| {
                block.compression = Some(compression)
            });
            client.post(&url, PROTOBUF, body.clone()).await.unwrap();
            let sent = &backend.requests()[0];
            assert_eq!(
                sent.header("content-encoding"),
                compression.encoding().unwrap_or_default()
            );
            let magic: &[u8] = match compression {
                Compression::None => &body[..4],
                Compression::Gzip => &[0x1f, 0x8b],
                Compression::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
                Compression::Deflate => &[0x78],
            };
            assert!(sent.body.starts_with(magic), "{compression}");
            assert!(
                compression == Compression::None
                    || body.len() < 100
                    || sent.body.len() < body.len() / 10
            );

            let backend = Backend::grpc(None, |_| Ok(Bytes::new()));
            let client = grpc(&format!("http://{}", backend.address), |block| {
                block.compression = Some(compression)
            });
            client.call(METHOD, body.clone()).await.unwrap();
            let sent = &backend.requests()[0];
            assert_eq!(
                sent.header("grpc-encoding"),
                compression.encoding().unwrap_or_default()
            );
            assert_eq!(sent.body, body, "{compression}");
        }
    }
}

/// Scenario: headers configured in capitals, another authority, and an answer in several parts of gRPC's framing.
/// Guarantee: names go out in lower case, `:authority` and `user-agent` as asked; large answers arrive whole.
#[tokio::test]
async fn grpc_requests_look_as_grpc_requests_do() {
    let backend = Backend::grpc(None, |_| Ok(Bytes::from(vec![7; 40_000])));
    let client = grpc(&format!("http://{}", backend.address), |block| {
        block
            .headers
            .insert("X-Scope-OrgID", Secret::new("tenant-1"));
        block.authority = Some("telemetry.example".to_owned());
    });
    assert_eq!(
        client.call(METHOD, Bytes::from_static(b"x")).await.unwrap(),
        vec![7; 40_000]
    );
    let sent = &backend.requests()[0];
    assert_eq!(
        (sent.path.as_str(), sent.header("x-scope-orgid")),
        (METHOD, "tenant-1")
    );
    assert_eq!(
        (sent.header("te"), sent.header("user-agent")),
        ("trailers", "fanlight/test")
    );
}

/// Scenario: a server refuses with a delay, with a message in other letters, or repeats the caller's token.
/// Guarantee: code, message and delay arrive; the token is not in the reason.
#[tokio::test]
async fn refusals_arrive_whole_and_without_secrets() {
    let backend = Backend::grpc(None, |_| {
        let failure = Failure::unavailable("Schlüssel sk-secret-123 ist 100 % unbekannt");
        Err(Failure {
            retry_after: Some(Duration::from_millis(2500)),
            ..failure
        })
    });
    let client = grpc(&format!("http://{}", backend.address), |block| {
        block
            .headers
            .insert("Authorization", Secret::new("Bearer sk-secret-123"));
    });
    let error = client
        .call(METHOD, Bytes::from_static(b"x"))
        .await
        .unwrap_err();
    let CallError::Status(status) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (status.code, status.retry_after),
        (Code::Unavailable, Some(Duration::from_millis(2500)))
    );
    let Outcome::Retry { after, why } = client.outcome(error) else {
        panic!("it is worth another attempt")
    };
    assert_eq!(after, Some(Duration::from_millis(2500)));
    assert!(
        why.contains("Schlüssel [REDACTED] ist 100 % unbekannt"),
        "{why}"
    );

    let backend = Backend::http(None, |sent| {
        text(
            StatusCode::UNAUTHORIZED,
            sent.header("authorization").to_owned(),
        )
    });
    let (client, url) = http(
        &format!("http://{}/?key=in-the-query", backend.address),
        |block| {
            block
                .headers
                .insert("Authorization", Secret::new("Bearer sk-secret-123"));
        },
    );
    let answer = client.post(&url, PROTOBUF, Bytes::new()).await.unwrap();
    let Outcome::Rejected { why } = client.outcome(&url, &answer) else {
        panic!("{answer:?}")
    };
    assert!(
        !why.contains("sk-secret")
            && !why.contains("in-the-query")
            && why.contains("check the credentials"),
        "{why}"
    );
    assert!(!format!("{client:?}").contains("sk-secret"));
}

/// Scenario: an HTTP server answers with a redirect, and with megabytes of text.
/// Guarantee: redirects are not followed and say where they lead; of the text no more than 64 KiB is read.
#[tokio::test]
async fn answers_are_read_within_limits_and_never_followed() {
    let backend = Backend::http(None, |sent| match sent.path.as_str() {
        "/moved" => {
            let mut response = text(StatusCode::PERMANENT_REDIRECT, "");
            response.headers_mut().insert(
                "location",
                HeaderValue::from_static("http://elsewhere.example/v1"),
            );
            response
        }
        _ => text(StatusCode::INTERNAL_SERVER_ERROR, "x".repeat(4 << 20)),
    });
    let (client, url) = http(&format!("http://{}/moved", backend.address), |_| {});
    let answer = client
        .post(&url, PROTOBUF, Bytes::from_static(b"x"))
        .await
        .unwrap();
    let Outcome::Rejected { why } = client.outcome(&url, &answer) else {
        panic!("{answer:?}")
    };
    assert!(why.contains("http://elsewhere.example/v1"), "{why}");
    assert_eq!(backend.requests().len(), 1);
    let url: Uri = format!("http://{}/long", backend.address).parse().unwrap();
    let answer = client
        .post(&url, PROTOBUF, Bytes::from_static(b"x"))
        .await
        .unwrap();
    assert_eq!(answer.body.len(), 64 << 10);
}
