//! OTLP/gRPC on an HTTP/2 connection.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request};
use tokio::net::TcpStream;

use super::{Answer, Options};

/// A connection; a clone is another stream of requests on it.
#[derive(Clone)]
pub(super) struct Connection {
    send: SendRequest<Bytes>,
    uri: String,
    gzip: bool,
}

impl Connection {
    pub(super) async fn open(stream: TcpStream, options: &Options) -> Result<Connection> {
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(1 << 20)
            .initial_connection_window_size(4 << 20);
        let (send, connection) = builder.handshake(stream).await?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                eprintln!("a connection ended: {error}");
            }
        });
        Ok(Connection {
            send,
            uri: format!("http://{}{}", options.target, options.signal.method()),
            gzip: options.gzip,
        })
    }

    pub(super) async fn send(&mut self, message: Bytes) -> Result<Answer> {
        let mut request = Request::builder().method(Method::POST).uri(&self.uri);
        request = request
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if self.gzip {
            request = request.header("grpc-encoding", "gzip");
        }
        let mut send = self.send.clone().ready().await?;
        let (response, mut body) = send.send_request(request.body(())?, false)?;
        body.send_data(message, true)?;
        let response = response.await?;
        if let Some(status) = grpc_status(response.headers()) {
            return answer(&status);
        }
        let mut answered = response.into_body();
        while let Some(data) = answered.data().await {
            answered.flow_control().release_capacity(data?.len())?;
        }
        let trailers = answered
            .trailers()
            .await?
            .context("the answer has no trailers")?;
        answer(&grpc_status(&trailers).context("the answer has no grpc-status")?)
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("grpc-status")?.to_str().ok()?.to_owned())
}

fn answer(status: &str) -> Result<Answer> {
    match status {
        "0" => Ok(Answer::Acknowledged),
        "8" | "14" => Ok(Answer::Refused),
        other => bail!("grpc-status {other}"),
    }
}
