//! OTLP/HTTP on an HTTP/1.1 connection.

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Answer, Options, answer_of_http};

/// A connection, with one request at a time.
pub(super) struct Connection {
    send: SendRequest<Full<Bytes>>,
    host: String,
    path: &'static str,
    gzip: bool,
}

impl Connection {
    pub(super) async fn open(stream: TcpStream, options: &Options) -> Result<Connection> {
        let (send, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                eprintln!("a connection ended: {error}");
            }
        });
        Ok(Connection {
            send,
            host: options.target.clone(),
            path: options.signal.path(),
            gzip: options.gzip,
        })
    }

    pub(super) async fn send(&mut self, body: Bytes) -> Result<Answer> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.path)
            .header("host", &self.host);
        request = request.header("content-type", "application/x-protobuf");
        if self.gzip {
            request = request.header("content-encoding", "gzip");
        }
        self.send.ready().await?;
        let response = self
            .send
            .send_request(request.body(Full::new(body))?)
            .await?;
        let status = response.status();
        response.into_body().collect().await?;
        answer_of_http(status)
    }
}
