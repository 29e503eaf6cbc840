#![allow(clippy::too_many_lines, reason = "tables of cases")]

use std::fmt::Debug;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::*;
use crate::{ByteSize, ConfigError, Document, Environment, Secret};

fn decode<T: DeserializeOwned>(text: &str) -> Result<T, ConfigError> {
    Document::parse("c.yaml", text, &Environment::default())
        .and_then(|document| document.root().decode())
}

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug>(text: &str, expected: T) {
    assert_eq!(
        decode::<T>(text).map_err(|error| error.to_string()),
        Ok(expected)
    );
}

fn message<T: DeserializeOwned + Debug>(text: &str) -> String {
    decode::<T>(text).unwrap_err().to_string()
}

#[test]
fn an_empty_queue_has_the_documented_defaults() {
    let queue: Queue = decode("").unwrap();
    assert_eq!(queue, Queue::default());
    assert_eq!(
        (
            queue.enabled,
            queue.num_consumers,
            queue.queue_size,
            queue.sizer
        ),
        (true, 10, 1000, Sizer::Requests)
    );
    assert_eq!(
        (
            queue.block_on_overflow,
            queue.wait_for_result,
            queue.storage,
            queue.batch
        ),
        (false, false, None, None)
    );
    assert_eq!(queue.max_bytes.bytes(), 64 * 1024 * 1024);
    let batch = decode::<Queue>("batch:").unwrap().batch.unwrap();
    assert_eq!(
        (batch.flush_timeout, batch.min_size, batch.max_size),
        (Duration::from_millis(200), 8192, 0)
    );
    assert_eq!((batch.sizer, batch.metadata_keys), (Sizer::Items, vec![]));
}

#[test]
fn a_full_queue_is_read() {
    let text = "
enabled: false
num_consumers: 2
queue_size: 500
sizer: bytes
max_bytes: 1MiB
block_on_overflow: true
wait_for_result: true
storage: file_storage/queues
batch: {flush_timeout: 1s, min_size: 10, max_size: 20, sizer: bytes, partition: {metadata_keys: [x-tenant]}}";
    let batch = Batching {
        flush_timeout: Duration::from_secs(1),
        min_size: 10,
        max_size: 20,
        sizer: Sizer::Bytes,
        metadata_keys: vec!["x-tenant".to_owned()],
    };
    let expected = Queue {
        enabled: false,
        num_consumers: 2,
        queue_size: 500,
        sizer: Sizer::Bytes,
        max_bytes: ByteSize::mebibytes(1),
        block_on_overflow: true,
        wait_for_result: true,
        storage: Some("file_storage/queues".parse().unwrap()),
        batch: Some(batch),
    };
    reads(text, expected);
}

#[test]
fn queues_that_could_not_work_are_refused() {
    let cases = [
        (
            "num_consumers: 0",
            "c.yaml:1:16: num_consumers: expected a number above 0, found 0",
        ),
        (
            "queue_size: 0",
            "c.yaml:1:13: queue_size: expected a number above 0, found 0",
        ),
        (
            "batch: {sizer: requests}",
            "c.yaml:1:1: batch: `sizer` of a batch is `items` or `bytes`: a batch is one request",
        ),
        (
            "batch: {min_size: 5, max_size: 4}",
            "c.yaml:1:1: batch: `max_size` 4 is smaller than `min_size` 5",
        ),
        (
            "batch: {timeout: 5s}",
            "c.yaml:1:9: batch: unknown key `timeout`; known here: `flush_timeout`, `min_size`, `max_size`, `sizer`, `partition`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message::<Queue>(text), expected);
    }
}

#[test]
fn an_empty_retry_has_the_documented_defaults() {
    let retry: Retry = decode("").unwrap();
    assert_eq!(retry, Retry::default());
    assert_eq!(
        (retry.enabled, retry.multiplier, retry.randomization_factor),
        (true, 1.5, 0.5)
    );
    let seconds = [
        retry.initial_interval,
        retry.max_interval,
        retry.max_elapsed_time,
    ]
    .map(|interval| interval.as_secs());
    assert_eq!(seconds, [5, 30, 300]);
}

#[test]
fn a_full_retry_is_read() {
    let text = "{enabled: false, initial_interval: 1s, multiplier: 2, randomization_factor: 0, max_interval: 1m, max_elapsed_time: 0}";
    let expected = Retry {
        enabled: false,
        initial_interval: Duration::from_secs(1),
        multiplier: 2.0,
        randomization_factor: 0.0,
        max_interval: Duration::from_secs(60),
        max_elapsed_time: Duration::ZERO,
    };
    reads(text, expected);
    assert_eq!(
        message::<Retry>("multiplier: 0.5"),
        "c.yaml:1:13: multiplier: expected a number of at least 1, found `0.5`"
    );
    assert_eq!(
        message::<Retry>("randomization_factor: 2"),
        "c.yaml:1:23: randomization_factor: expected a number from 0 to 1, found `2`"
    );
}

#[test]
fn an_empty_http_client_has_the_documented_defaults() {
    let client: HttpClient = decode("").unwrap();
    assert_eq!(client, HttpClient::default());
    assert_eq!(
        (
            client.max_idle_conns,
            client.max_idle_conns_per_host,
            client.max_conns_per_host
        ),
        (100, 0, 0)
    );
    assert_eq!(
        (client.idle_conn_timeout, client.force_attempt_http2),
        (Duration::from_secs(90), true)
    );
    assert_eq!(
        (client.timeout, client.compression, client.auth.is_none()),
        (None, None, true)
    );
    assert_eq!(
        (
            client.tls.insecure,
            client.tls.insecure_skip_verify,
            client.tls.min_version
        ),
        (false, false, TlsVersion::V1_2)
    );
}

#[test]
fn a_full_http_client_is_read() {
    let text = "
endpoint: https://otlp.example.com/otlp
timeout: 10s
headers: {api-key: secret}
compression: zstd
compression_params: {level: 3}
tls: {ca_file: /ca.pem, cert_file: /cert.pem, key_file: /key.pem, server_name_override: other, min_version: '1.3', cipher_suites: []}
auth: {authenticator: basicauth/client}
max_idle_conns: 1
max_idle_conns_per_host: 2
idle_conn_timeout: 3s
disable_keep_alives: true
max_conns_per_host: 4
force_attempt_http2: false
http2_read_idle_timeout: 5s
http2_ping_timeout: 6s
read_buffer_size: 7
write_buffer_size: 8
cookies:
middlewares: []";
    let (mut headers, _) = crate::Headers::parse_list("");
    headers.insert("api-key", Secret::new("secret"));
    let expected = HttpClient {
        endpoint: Some("https://otlp.example.com/otlp".parse().unwrap()),
        timeout: Some(Duration::from_secs(10)),
        headers,
        compression: Some(Compression::Zstd),
        compression_params: CompressionParams { level: Some(3) },
        tls: TlsClient {
            ca_file: Some("/ca.pem".into()),
            cert_file: Some("/cert.pem".into()),
            key_file: Some("/key.pem".into()),
            server_name_override: Some("other".to_owned()),
            min_version: TlsVersion::V1_3,
            ..TlsClient::default()
        },
        auth: Some(AuthRef {
            authenticator: "basicauth/client".parse().unwrap(),
        }),
        max_idle_conns: 1,
        max_idle_conns_per_host: 2,
        idle_conn_timeout: Duration::from_secs(3),
        disable_keep_alives: true,
        max_conns_per_host: 4,
        force_attempt_http2: false,
        http2_read_idle_timeout: Duration::from_secs(5),
        http2_ping_timeout: Duration::from_secs(6),
        read_buffer_size: 7,
        write_buffer_size: 8,
        ..HttpClient::default()
    };
    reads(text, expected);
}

#[test]
fn keys_that_would_be_unsafe_to_ignore_are_refused() {
    let why = "this key is known but not supported in this release, and ignoring it would not be safe: remove it";
    for (text, place) in [
        ("proxy_url: http://proxy:3128", "1:12: proxy_url"),
        ("cookies: {enabled: true}", "1:1: cookies"),
        (
            "tls: {cipher_suites: [TLS_AES_128_GCM_SHA256]}",
            "1:7: tls.cipher_suites",
        ),
        ("tls: {reload_interval: 5m}", "1:24: tls.reload_interval"),
    ] {
        assert_eq!(
            message::<HttpClient>(text),
            format!("c.yaml:{place}: {why}")
        );
    }
    assert_eq!(
        message::<HttpClient>("tls: {min_version: '1.1'}"),
        "c.yaml:1:20: tls.min_version: unknown value `1.1`; did you mean `1.2`?"
    );
    assert_eq!(
        message::<HttpServer>("transport: unix"),
        "c.yaml:1:12: transport: unknown value `unix`; known here: `tcp`, `tcp4`, `tcp6`"
    );
}

#[test]
fn an_empty_grpc_client_has_the_documented_defaults() {
    let client: GrpcClient = decode("").unwrap();
    assert_eq!(client, GrpcClient::default());
    assert_eq!(
        (
            client.balancer_name,
            client.wait_for_ready,
            client.write_buffer_size
        ),
        (Balancer::RoundRobin, false, 512 * 1024)
    );
    assert_eq!(
        (client.compression, client.keepalive, client.authority),
        (None, None, None)
    );
}

#[test]
fn a_full_grpc_client_is_read() {
    let text = "
endpoint: dns:///lb:4317
compression: none
tls: {insecure: true}
headers: [{name: X-Tenant, value: a}]
keepalive: {time: 30s, timeout: 5s, permit_without_stream: true}
authority: other
auth: {authenticator: bearertokenauth}
balancer_name: pick_first
wait_for_ready: true
read_buffer_size: 1
write_buffer_size: 2";
    let mut headers = crate::Headers::default();
    headers.insert("X-Tenant", Secret::new("a"));
    let expected = GrpcClient {
        endpoint: Some("dns:///lb:4317".parse().unwrap()),
        compression: Some(Compression::None),
        tls: TlsClient {
            insecure: true,
            ..TlsClient::default()
        },
        headers,
        keepalive: Some(Keepalive {
            time: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            permit_without_stream: true,
        }),
        authority: Some("other".to_owned()),
        auth: Some(AuthRef {
            authenticator: "bearertokenauth".parse().unwrap(),
        }),
        balancer_name: Balancer::PickFirst,
        wait_for_ready: true,
        read_buffer_size: 1,
        write_buffer_size: 2,
        middlewares: NotSupported,
    };
    reads(text, expected);
}

#[test]
fn an_empty_http_server_has_the_documented_defaults() {
    let server: HttpServer = decode("").unwrap();
    assert_eq!(server, HttpServer::default());
    assert_eq!(
        (
            server.body_limit(),
            server.include_metadata,
            server.keep_alives_enabled
        ),
        (20 * 1024 * 1024, false, true)
    );
    let seconds = [
        server.read_timeout,
        server.read_header_timeout,
        server.write_timeout,
        server.idle_timeout,
    ];
    assert_eq!(seconds.map(|timeout| timeout.as_secs()), [0, 60, 30, 60]);
}

#[test]
fn a_full_http_server_is_read() {
    let text = "
endpoint: 0.0.0.0:4318
transport: tcp
tls: {cert_file: /cert.pem, key_file: /key.pem, client_ca_file: /ca.pem, max_version: '1.3'}
cors: {allowed_origins: ['https://*.example.com'], allowed_headers: ['*'], exposed_headers: [x], max_age: 7200}
auth: {authenticator: basicauth}
max_request_body_size: 1024
include_metadata: true
response_headers: {x-hub: a}
compression_algorithms: [gzip]
read_timeout: 1s
read_header_timeout: 2s
write_timeout: 3s
idle_timeout: 4s
keep_alives_enabled: false";
    let mut response_headers = crate::Headers::default();
    response_headers.insert("x-hub", Secret::new("a"));
    let tls = TlsServer {
        cert_file: Some("/cert.pem".into()),
        key_file: Some("/key.pem".into()),
        client_ca_file: Some("/ca.pem".into()),
        max_version: Some(TlsVersion::V1_3),
        ..TlsServer::default()
    };
    let cors = Cors {
        allowed_origins: vec!["https://*.example.com".to_owned()],
        allowed_headers: vec!["*".to_owned()],
        exposed_headers: vec!["x".to_owned()],
        max_age: 7200,
    };
    let expected = HttpServer {
        endpoint: Some("0.0.0.0:4318".parse().unwrap()),
        transport: Transport::Tcp,
        tls: Some(tls),
        cors: Some(cors),
        auth: Some(ServerAuthRef {
            authenticator: "basicauth".parse().unwrap(),
            request_params: NotSupported,
        }),
        max_request_body_size: ByteSize::of(1024),
        include_metadata: true,
        response_headers,
        compression_algorithms: vec!["gzip".to_owned()],
        read_timeout: Duration::from_secs(1),
        read_header_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_secs(3),
        idle_timeout: Duration::from_secs(4),
        keep_alives_enabled: false,
        middlewares: NotSupported,
    };
    reads(text, expected);
}

#[test]
fn an_empty_grpc_server_has_the_documented_defaults() {
    let server: GrpcServer = decode("").unwrap();
    assert_eq!(server, GrpcServer::default());
    assert_eq!(
        (
            server.message_limit(),
            server.max_concurrent_streams,
            server.include_metadata
        ),
        (4 * 1024 * 1024, 0, false)
    );
    let keepalive = decode::<GrpcServer>("keepalive:")
        .unwrap()
        .keepalive
        .unwrap();
    assert_eq!(
        (
            keepalive.server_parameters.time.as_secs(),
            keepalive.server_parameters.timeout.as_secs()
        ),
        (7200, 20)
    );
}

#[test]
fn a_full_grpc_server_is_read() {
    let text = "
endpoint: 127.0.0.1:4317
transport: tcp
tls: {cert_pem: a, key_pem: b}
max_recv_msg_size_mib: 16
max_concurrent_streams: 100
keepalive:
  server_parameters: {max_connection_idle: 1s, max_connection_age: 2s, max_connection_age_grace: 3s, time: 4s, timeout: 5s}
  enforcement_policy: {min_time: 6s, permit_without_stream: true}
include_metadata: true
auth: {authenticator: bearertokenauth}
read_buffer_size: 1
write_buffer_size: 2";
    let server_parameters = ServerParameters {
        max_connection_idle: Duration::from_secs(1),
        max_connection_age: Duration::from_secs(2),
        max_connection_age_grace: Duration::from_secs(3),
        time: Duration::from_secs(4),
        timeout: Duration::from_secs(5),
    };
    let enforcement_policy = EnforcementPolicy {
        min_time: Duration::from_secs(6),
        permit_without_stream: true,
    };
    let expected = GrpcServer {
        endpoint: Some("127.0.0.1:4317".parse().unwrap()),
        transport: Transport::Tcp,
        tls: Some(TlsServer {
            cert_pem: Some("a".to_owned()),
            key_pem: Some(Secret::new("b")),
            ..TlsServer::default()
        }),
        max_recv_msg_size_mib: 16,
        max_concurrent_streams: 100,
        keepalive: Some(ServerKeepalive {
            server_parameters,
            enforcement_policy,
        }),
        include_metadata: true,
        auth: Some(ServerAuthRef {
            authenticator: "bearertokenauth".parse().unwrap(),
            request_params: NotSupported,
        }),
        read_buffer_size: 1,
        write_buffer_size: 2,
        middlewares: NotSupported,
    };
    reads(text, expected);
    assert_eq!(
        decode::<GrpcServer>("max_recv_msg_size_mib: 16")
            .unwrap()
            .message_limit(),
        16 * 1024 * 1024
    );
}
