//! The sink: takes OTLP over gRPC and HTTP on one port, on any path, and counts. To what other protocols send over these, it
//! gives the answer of a backend that took everything.

use std::convert::Infallible;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Args;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::tally::Tally;

/// Options of `sink`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
}

type Shared = Arc<Mutex<Tally>>;
type Body = BoxBody<Bytes, Infallible>;

/// Serves until killed.
///
/// # Errors
/// When the address can't be listened on.
pub async fn run(options: Options) -> Result<()> {
    let listener = TcpListener::bind(&options.listen)
        .await
        .with_context(|| format!("listening on {}", options.listen))?;
    let tally = Shared::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, Arc::clone(&tally)));
    }
}

async fn connection(stream: TcpStream, tally: Shared) {
    let service = service_fn(move |request| answer(request, Arc::clone(&tally)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http2()
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(8 << 20);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        eprintln!("a connection ended: {error}");
    }
}

async fn answer(request: Request<Incoming>, tally: Shared) -> Result<Response<Body>> {
    let (head, body) = request.into_parts();
    if head.method == Method::GET {
        return Ok(Response::new(full(stats(&tally).into())));
    }
    let body = body.collect().await?.to_bytes();
    let header = |name: &str| {
        head.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let is_grpc = header("content-type").starts_with("application/grpc");
    let media = header("content-type");
    let (coding, message) = match is_grpc {
        true if body.first() == Some(&1) => (header("grpc-encoding"), body.slice(5..)),
        true => ("", body.slice(body.len().min(5)..)),
        false => (header("content-encoding"), body),
    };
    let path = head.uri.path();
    let taken = plain(coding, message).and_then(|message| {
        count(
            &tally,
            path,
            &message,
            media.starts_with("application/json"),
        )?;
        Ok(thanks(path, media, &message))
    });
    if let Err(error) = &taken {
        eprintln!("{path}: {error:#}");
    }
    if is_grpc {
        return Ok(grpc_answer(taken.is_ok()));
    }
    let is_taken = taken.is_ok();
    let mut response = Response::new(full(taken.unwrap_or_default()));
    if is_taken {
        let media = head.headers.get(CONTENT_TYPE).cloned();
        let media = media.map(|media| (CONTENT_TYPE, media));
        response.headers_mut().extend(media);
    } else {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// A message without its coding; what has another one than these stays as it is.
fn plain(coding: &str, message: Bytes) -> Result<Bytes> {
    Ok(match coding {
        "gzip" => {
            let mut decompressed = Vec::with_capacity(message.len() * 6);
            flate2::read::MultiGzDecoder::new(&*message).read_to_end(&mut decompressed)?;
            decompressed.into()
        }
        "zstd" => zstd::decode_all(&*message)?.into(),
        _ => message,
    })
}

fn count(tally: &Shared, path: &str, message: &[u8], is_json: bool) -> Result<()> {
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    let is_otlp = path.ends_with("/v1/traces") || path.contains("collector.trace.");
    if is_json || !is_otlp {
        tally.requests += 1;
        return Ok(());
    }
    tally.add_spans(message)
}

/// The body of a good answer, for those who do not go by the status alone. An empty protobuf message is OTLP's full answer.
fn thanks(path: &str, media: &str, message: &[u8]) -> Bytes {
    let lines = || message.split(|byte| *byte == b'\n');
    let items = lines().filter(|line| !line.is_empty()).count();
    let answer = if path.ends_with("/_bulk") {
        // Elasticsearch: a line says what to do with the document in the next.
        let created = json!({ "create": { "status": 201 } });
        json!({ "errors": false, "items": vec![created; items / 2] })
    } else if path.ends_with("/track") {
        json!({ "itemsReceived": items, "itemsAccepted": items, "errors": [] })
    } else if path.ends_with("/services/collector") {
        json!({ "text": "Success", "code": 0 })
    } else if path == "/TraceSegments" {
        json!({ "UnprocessedTraceSegments": [] })
    } else if media.contains("json") {
        json!({})
    } else {
        return Bytes::new();
    };
    answer.to_string().into()
}

fn stats(tally: &Shared) -> String {
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    json!({
        "requests": tally.requests,
        "items": tally.items,
        "distinct": tally.distinct(),
        "duplicates": tally.duplicates,
    })
    .to_string()
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed()
}

/// An empty response message, and the status in the trailers.
fn grpc_answer(accepted: bool) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert(
        "grpc-status",
        HeaderValue::from_static(if accepted { "0" } else { "3" }),
    );
    let message = Full::new(Bytes::from_static(&[0; 5]));
    let mut response = Response::new(
        message
            .with_trailers(std::future::ready(Some(Ok(trailers))))
            .boxed(),
    );
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
