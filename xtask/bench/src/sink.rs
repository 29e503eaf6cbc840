//! The sink: takes OTLP over gRPC and HTTP on one port, on any path, and counts. What other backends are sent over HTTP is
//! counted and answered as they do (see [`Backend`]).

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

use crate::backend::{Backend, Came, SNAPPY_BLOCK};
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
    let backend = Backend::of(head.uri.path(), media);
    let taken = plain(backend.coding(coding), message).and_then(|message| {
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        let came = Came {
            query: head.uri.query().unwrap_or_default(),
            message: &message,
        };
        backend.count(&came, &mut tally)?;
        drop(tally);
        Ok(backend.thanks(&came))
    });
    if let Err(error) = &taken {
        eprintln!("{}: {error:#}", head.uri.path());
    }
    if is_grpc {
        return Ok(grpc_answer(taken.is_ok()));
    }
    let (status, answer) = taken.unwrap_or((StatusCode::BAD_REQUEST, Bytes::new()));
    let mut response = Response::new(full(answer));
    *response.status_mut() = status;
    if status == StatusCode::OK {
        let media = head.headers.get(CONTENT_TYPE).cloned();
        let media = media.map(|media| (CONTENT_TYPE, media));
        response.headers_mut().extend(media);
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
        SNAPPY_BLOCK => snap::raw::Decoder::new().decompress_vec(&message)?.into(),
        _ => message,
    })
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
