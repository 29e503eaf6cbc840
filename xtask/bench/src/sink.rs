//! The sink: takes OTLP over gRPC and HTTP on one port, on any path, and counts.

use std::convert::Infallible;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Args;
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
    let counted = if is_grpc {
        let message = body.get(5..).unwrap_or_default();
        let coding = if body.first() == Some(&1) {
            header("grpc-encoding")
        } else {
            ""
        };
        count(&tally, head.uri.path(), coding, message, false)
    } else {
        let is_json = header("content-type").starts_with("application/json");
        count(
            &tally,
            head.uri.path(),
            header("content-encoding"),
            &body,
            is_json,
        )
    };
    let mut response = if is_grpc {
        grpc_answer(counted.is_ok())
    } else {
        Response::new(full(Bytes::new()))
    };
    if let Err(error) = counted {
        eprintln!("{}: {error:#}", head.uri.path());
        if !is_grpc {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
    } else if !is_grpc {
        // An empty protobuf message is the full answer; in JSON it is `{}`.
        let media = head.headers.get("content-type").cloned();
        let is_json = media
            .as_ref()
            .is_some_and(|media| media == "application/json");
        *response.body_mut() = full(if is_json {
            Bytes::from_static(b"{}")
        } else {
            Bytes::new()
        });
        response
            .headers_mut()
            .extend(media.map(|media| (http::header::CONTENT_TYPE, media)));
    }
    Ok(response)
}

fn count(tally: &Shared, path: &str, coding: &str, body: &[u8], is_json: bool) -> Result<()> {
    let plain;
    let body = match coding {
        "gzip" => {
            let mut decompressed = Vec::with_capacity(body.len() * 6);
            flate2::read::MultiGzDecoder::new(body).read_to_end(&mut decompressed)?;
            plain = decompressed;
            &plain
        }
        "zstd" => {
            plain = zstd::decode_all(body)?;
            &plain
        }
        _ => body,
    };
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    if is_json || !(path.ends_with("traces") || path.contains("TraceService")) {
        tally.requests += 1;
        return Ok(());
    }
    tally.add_spans(body)
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
