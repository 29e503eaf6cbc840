//! HTTPS, with certificates of the user's own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// A server with a certificate for `localhost`: its port, its certificate in PEM, and the first bytes of each request.
fn serve() -> (u16, String, mpsc::Receiver<String>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(tls, connection);
            let mut buffer = [0; 4096];
            let Ok(length) = stream.read(&mut buffer) else {
                continue;
            };
            let _ = tell.send(String::from_utf8_lossy(&buffer[..length]).into_owned());
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.flush();
        }
    });
    (port, made.cert.pem(), told)
}

fn secure(port: u16) -> Settings {
    let url = format!("https://localhost:{port}/v1/traces");
    Settings::new("backend", vec![Target::new(Signal::Traces, url)])
}

/// Scenario: a backend whose certificate nobody knows, then one that the user's file vouches for.
/// Guarantee: the first gets nothing and the user hears why; the second gets everything.
#[test]
fn only_trusted_backends_get_anything() {
    let (port, pem, requests) = serve();
    let untrusting = start(with_header(secure(port), "authorization", "s3cret-token"));
    untrusting.offer(Signal::Traces, 1);
    assert_eq!(untrusting.flush(SOON).waiting, 1);
    let told = untrusting.told().join("\n");
    assert!(told.contains("certificate"), "{told}");
    assert!(requests.try_recv().is_err());

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    fs::write(&file, pem).unwrap();
    let mut settings = secure(port);
    settings.tls.authority = Some(file);
    let trusting = start(settings);
    trusting.offer(Signal::Traces, 1);
    let flushed = trusting.flush(SOON);
    assert_eq!(flushed.waiting, 0, "{flushed:?}");
    assert!(requests.recv().unwrap().starts_with("POST /v1/traces"));
}

/// Scenario: a certificate file that isn't there.
/// Guarantee: the user hears which, and nothing is lost meanwhile.
#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let mut settings = secure(1);
    settings.tls.authority = Some("/nowhere/ca.pem".into());
    let running = start(settings);
    running.offer(Signal::Traces, 1);
    assert_eq!(running.flush(SOON).waiting, 1);
    let told = running.told().join("\n");
    assert!(told.contains("can't read /nowhere/ca.pem"), "{told}");
}
