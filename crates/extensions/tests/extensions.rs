//! The extensions as pipelines use them: configured in YAML, built, asked.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanlight_config::{ComponentId, Document, Environment, Node};
use fanlight_extensions::EXTENSIONS;
use fanlight_pipeline::{BuildContext, BuildError, Extension, ExtensionConfig, Status, Stop};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SECRET: &str = "s3cr3t-t0ken";

fn decode(kind: &str, yaml: &str) -> Result<Box<dyn ExtensionConfig>, String> {
    let document = Document::parse("test.yaml", yaml, &Environment::default()).unwrap();
    let node: &Node = document.root();
    let kind = EXTENSIONS.iter().find(|it| it.is_called(kind)).unwrap();
    (kind.decode)(node).map_err(|error| error.to_string())
}

fn build_in(data_dir: &Path, kind: &str, yaml: &str) -> Result<Arc<dyn Extension>, BuildError> {
    let config = decode(kind, yaml).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains(SECRET), "{printed}");
    let context = BuildContext {
        id: &ComponentId::of(kind),
        extensions: &BTreeMap::new(),
        data_dir,
        user_agent: "fanlight/test",
        status: Status::default(),
    };
    config.build(&context)
}

fn build(kind: &str, yaml: &str) -> Arc<dyn Extension> {
    build_in(Path::new("/nowhere"), kind, yaml).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn headers(name: &str, value: &str) -> HeaderMap {
    let name: HeaderName = name.parse().unwrap();
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
}

fn basic(username: &str, password: &str) -> HeaderMap {
    headers(
        "authorization",
        &format!(
            "Basic {}",
            STANDARD.encode(format!("{username}:{password}"))
        ),
    )
}

/// What an extension adds to requests: name and value.
fn added(extension: &Arc<dyn Extension>) -> (String, String) {
    let auth = extension.client_auth().unwrap();
    assert!(!format!("{auth:?}").contains(SECRET), "{auth:?}");
    let headers = auth.headers().unwrap();
    let [(name, value)] = headers.as_slice() else {
        panic!("{headers:?}")
    };
    assert!(value.is_sensitive());
    (name.to_string(), value.to_str().unwrap().to_owned())
}

fn lets_in(extension: &Arc<dyn Extension>, headers: &HeaderMap) -> bool {
    let auth = extension.server_auth().unwrap();
    assert!(!format!("{auth:?}").contains(SECRET), "{auth:?}");
    auth.check(headers)
        .inspect_err(|error| {
            assert!(
                !error.message.contains(SECRET) && error.challenge.is_some(),
                "{error:?}"
            )
        })
        .is_ok()
}

/// Scenario: every extension type with its documented sample.
/// Guarantee: samples can be read, and a wrong key is an error that names the right one.
#[test]
fn samples_are_read_and_wrong_keys_refused() {
    for kind in EXTENSIONS {
        decode(kind.name, kind.sample).unwrap();
        let error = decode(kind.name, "no_such_key: 1").unwrap_err();
        assert!(error.contains("no_such_key"), "{error}");
        assert!(kind.aliases.iter().all(|alias| kind.is_called(alias)));
    }
    let error = decode("bearertokenauth", "tokn: x").unwrap_err();
    assert!(error.contains("token"), "{error}");
}

/// Scenario: configurations that make no sense.
/// Guarantee: each is refused with a sentence, and without the secrets in it.
#[test]
fn nonsense_is_refused_without_secrets() {
    for (kind, yaml, words) in [
        ("basicauth", "", "no credentials are given"),
        ("basicauth", "htpasswd: {}", "no passwords are given"),
        (
            "basic_auth",
            "client_auth: {username: 'a:b'}",
            "can't have a colon",
        ),
        (
            "basicauth",
            "client_auth: {aws_secrets_manager: {secret_arn: x}}",
            "not supported",
        ),
        ("bearertokenauth", "scheme: Bearer", "no token is given"),
        (
            "bearertokenauth",
            "{token: s3cr3t-t0ken, tokens: [b]}",
            "exclude each other",
        ),
        (
            "bearertokenauth",
            "{tokens: [s3cr3t-t0ken, '']}",
            "is empty",
        ),
        (
            "bearertokenauth",
            "{token: s3cr3t-t0ken, header: 'not a name'}",
            "not a header's name",
        ),
        (
            "file_storage",
            "directory_permissions: '0888'",
            "not a mode in octal",
        ),
        ("health_check", "path: health", "write /health"),
    ] {
        let error = decode(kind, yaml).unwrap_err();
        assert!(
            error.contains(words) && !error.contains(SECRET),
            "{kind} {yaml}: {error}"
        );
    }
}

/// Scenario: configurations that are well written but can't be used.
/// Guarantee: building says which key is at fault, and none of the secrets.
#[test]
fn unusable_credentials_are_refused_without_secrets() {
    for (kind, yaml, words) in [
        (
            "bearertokenauth",
            "token: \"s3cr3t-t0ken\\n\"",
            "character that a header can't carry",
        ),
        (
            "bearertokenauth",
            "filename: /no/such/file",
            "filename: can't read /no/such/file: No such file",
        ),
        (
            "basicauth",
            "htpasswd: {inline: \"ok:s3cr3t-t0ken\\nuser:$9$s3cr3t-t0ken\"}",
            "htpasswd.inline: line 2 is not",
        ),
    ] {
        let error = build_in(Path::new("/nowhere"), kind, yaml).err().unwrap();
        let error = chain(&error);
        assert!(
            error.contains(words) && !error.contains(SECRET),
            "{kind} {yaml}: {error}"
        );
    }
}

/// Scenario: credentials for outgoing requests, written and from files that change.
/// Guarantee: the header is the standard's, and follows the files.
#[test]
fn basic_credentials_are_added_to_requests() {
    let written = build(
        "basicauth",
        "client_auth: {username: Aladdin, password: open sesame}",
    );
    assert_eq!(
        added(&written),
        (
            "authorization".into(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into()
        )
    );
    assert!(written.server_auth().is_none());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "one\n").unwrap();
    let yaml = format!(
        "client_auth: {{username: me, password_file: {}}}",
        file.display()
    );
    let from_file = build("basic_auth", &yaml);
    assert_eq!(
        added(&from_file).1,
        format!("Basic {}", STANDARD.encode("me:one"))
    );
    std::fs::write(&file, "two\n").unwrap();
    assert_eq!(
        added(&from_file).1,
        format!("Basic {}", STANDARD.encode("me:two"))
    );
    std::fs::remove_file(&file).unwrap();
    let error = from_file.client_auth().unwrap().headers().unwrap_err();
    assert_eq!(
        error.message,
        "the file of client_auth.password_file can't be read"
    );
}

/// Scenario: a password file and inline passwords with several kinds of hashes, and a change of the file.
/// Guarantee: right passwords come in, all others don't; inline wins; removed users are out at once.
#[test]
fn basic_credentials_are_asked_of_requests() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("htpasswd");
    let bcrypt = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    std::fs::write(&file, format!("# people\nann:{bcrypt}\nbob:from-file\n")).unwrap();
    let yaml = format!(
        "htpasswd: {{file: {}, inline: \"bob:{SECRET}\\nünal:a:b\"}}",
        file.display()
    );
    let extension = build("basicauth", &yaml);
    assert!(extension.client_auth().is_none());
    for _ in 0..3 {
        assert!(lets_in(&extension, &basic("ann", "U*U")));
        assert!(!lets_in(&extension, &basic("ann", "U*V")));
    }
    assert!(lets_in(&extension, &basic("bob", SECRET)));
    assert!(!lets_in(&extension, &basic("bob", "from-file")));
    assert!(lets_in(&extension, &basic("ünal", "a:b")));
    for wrong in [
        HeaderMap::new(),
        headers("authorization", "Bearer x"),
        basic("", ""),
        basic("eve", SECRET),
    ] {
        assert!(!lets_in(&extension, &wrong), "{wrong:?}");
    }
    std::fs::write(&file, "carl:new\n").unwrap();
    assert!(!lets_in(&extension, &basic("ann", "U*U")));
    assert!(lets_in(&extension, &basic("carl", "new")));
    std::fs::remove_file(&file).unwrap();
    assert!(
        extension
            .server_auth()
            .unwrap()
            .check(&basic("carl", "new"))
            .is_err()
    );
}

/// Scenario: a slow hash is checked on the threads of a runtime.
/// Guarantee: it works in both kinds of runtime.
#[test]
fn slow_hashes_are_checked_in_any_runtime() {
    let inline = "ann:$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    for mut builder in [
        tokio::runtime::Builder::new_current_thread(),
        tokio::runtime::Builder::new_multi_thread(),
    ] {
        let extension = build("basicauth", &format!("htpasswd: {{inline: '{inline}'}}"));
        let task = async move { lets_in(&extension, &basic("ann", "U*U")) };
        let runtime = builder.build().unwrap();
        assert!(runtime.block_on(async { tokio::spawn(task).await.unwrap() }));
    }
}

/// Scenario: tokens, written and from a file that changes, with other schemes and headers.
/// Guarantee: the first goes out, any comes in, nothing else does.
#[test]
fn bearer_tokens_go_out_and_come_in() {
    let one = build("bearertokenauth", "token: s3cr3t-t0ken");
    assert_eq!(
        added(&one),
        ("authorization".into(), format!("Bearer {SECRET}"))
    );
    assert!(lets_in(
        &one,
        &headers("authorization", "bearer s3cr3t-t0ken")
    ));
    for wrong in [
        "Bearer s3cr3t-t0ke",
        "Bearer s3cr3t-t0kenn",
        "Basic s3cr3t-t0ken",
        "s3cr3t-t0ken",
        "Bearer ",
    ] {
        assert!(!lets_in(&one, &headers("authorization", wrong)), "{wrong}");
    }
    assert!(!lets_in(&one, &HeaderMap::new()));
    let bare = build(
        "bearer_token_auth",
        "{tokens: [s3cr3t-t0ken, other], scheme: '', header: X-API-Key}",
    );
    assert_eq!(added(&bare), ("x-api-key".into(), SECRET.into()));
    assert!(lets_in(&bare, &headers("x-api-key", "other")));
    assert!(!lets_in(&bare, &headers("authorization", "Bearer other")));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tokens");
    std::fs::write(&file, "first\n\n second \n").unwrap();
    let from_file = build(
        "bearertokenauth",
        &format!("{{token: ignored, filename: {}}}", file.display()),
    );
    assert_eq!(added(&from_file).1, "Bearer first");
    assert!(lets_in(
        &from_file,
        &headers("authorization", "Bearer second")
    ));
    assert!(!lets_in(
        &from_file,
        &headers("authorization", "Bearer ignored")
    ));
    assert!(!lets_in(&from_file, &headers("authorization", "Bearer ")));
    // The same length, within one step of the file system's clock.
    std::fs::write(&file, "third\n\n fourth \n").unwrap();
    assert_eq!(added(&from_file).1, "Bearer third");
    assert!(!lets_in(
        &from_file,
        &headers("authorization", "Bearer second")
    ));
    std::fs::write(&file, "").unwrap();
    assert!(from_file.client_auth().unwrap().headers().is_err());
    assert!(!lets_in(&from_file, &headers("authorization", "Bearer ")));
}

/// Scenario: queues of two exporters, with defaults and with everything configured.
/// Guarantee: each has a directory of its own, made with the mode asked for; syncing is the default.
#[test]
fn each_queue_has_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let storage = build_in(directory.path(), "file_storage", "")
        .unwrap()
        .queue_storage()
        .unwrap();
    assert!(storage.sync());
    let queue = storage.queue_directory("otlp_http/langfuse").unwrap();
    assert_eq!(queue, directory.path().join("queues/otlp_http+langfuse"));
    assert!(queue.is_dir());
    assert_ne!(queue, storage.queue_directory("otlp_http").unwrap());

    let other = directory.path().join("a/b");
    let yaml = format!(
        "{{directory: {}, timeout: 1s, fsync: false, create_directory: true, directory_permissions: '0700', recreate: true,
          compaction: {{on_start: true, directory: /tmp, rebound_needed_threshold_mib: 5, check_interval: 1m}}}}",
        other.display()
    );
    let storage = build_in(directory.path(), "file_storage", &yaml)
        .unwrap()
        .queue_storage()
        .unwrap();
    assert!(!storage.sync());
    let queue = storage.queue_directory("otlp").unwrap();
    #[cfg(unix)]
    for made in [&other, &queue] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&made.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
    }
    let (spool, _) =
        fanlight_spool::Spool::open(&queue, fanlight_spool::Options::default()).unwrap();
    spool.append(&[b"record"]).unwrap();
}

/// Scenario: a directory that is not there and may not be made, and one that is a file.
/// Guarantee: the error names the directory and what to do.
#[test]
fn unusable_directory_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let yaml = format!(
        "{{directory: {}, create_directory: false}}",
        missing.display()
    );
    let error = build_in(directory.path(), "file_storage", &yaml)
        .err()
        .unwrap();
    assert!(
        chain(&error).contains("missing can't be made or used"),
        "{error}"
    );
    assert_eq!(
        error.advice(),
        Some("make it, or set create_directory: true")
    );
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let yaml = format!("directory: {}", file.display());
    assert!(build_in(directory.path(), "file_storage", &yaml).is_err());
}

/// Asks a page and returns the whole answer.
async fn get(extension: &Arc<dyn Extension>, path: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(extension.listening()[0].address)
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Scenario: a health page that serves, with defaults and with another path and body, until it is told to stop.
/// Guarantee: 200 with the Collector's JSON, or with what was configured, while nothing is broken.
#[tokio::test]
async fn health_page_answers() {
    let json = build("health_check", "endpoint: 127.0.0.1:0");
    let text = build(
        "health_check",
        "{endpoint: '127.0.0.1:0', path: /live, response_body: {healthy: fine}}",
    );
    let (stopper, stop) = Stop::new();
    let serving = [json.clone(), text.clone()].map(|it| tokio::spawn(it.run(stop.clone())));
    for path in ["/", "/any/other"] {
        let answer = get(&json, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let body: serde_json::Value =
            serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["status"], "Server available");
        assert!(
            body["upSince"].as_str().unwrap().ends_with('Z')
                && body["uptime"].as_str().unwrap().ends_with('s')
        );
    }
    assert!(get(&text, "/live").await.ends_with("\r\n\r\nfine"));
    assert!(get(&text, "/").await.starts_with("HTTP/1.1 404"));
    stopper.stop();
    for task in serving {
        tokio::time::timeout(Duration::from_secs(5), task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}
