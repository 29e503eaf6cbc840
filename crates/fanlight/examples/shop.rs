//! A shop that asks a warehouse over HTTP: axum on one side, reqwest on the other, one trace through both.
//!
//! ```text
//! cargo run --example shop --features axum,reqwest
//! cargo run --example shop --features axum,reqwest -- 127.0.0.1:8000
//! ```
//!
//! With an address, it is open until Ctrl-C: `curl http://127.0.0.1:8000/orders/tea`. Without, two customers come, and it
//! closes. Where the telemetry goes says the environment (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like).

#![allow(clippy::print_stdout, reason = "it shows the result")]

use std::env;
use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use fanlight::integrations::reqwest::SendTraced;
use fanlight::integrations::tower::ServerLayer;
use fanlight::{Instrument, error, info, span};
use tokio::net::TcpListener;

/// What the handlers share.
#[derive(Clone)]
struct Shop {
    client: reqwest::Client,
    /// Where the warehouse is: in this program too.
    warehouse: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _fanlight = fanlight::configure().service_name("shop").start()?;
    let given = env::args().nth(1);
    let address = given.as_deref().unwrap_or("127.0.0.1:0");
    let listener = TcpListener::bind(address).await?;
    let shop = Shop {
        client: reqwest::Client::new(),
        warehouse: listener.local_addr()?,
    };
    let app = Router::new()
        .route("/orders/{item}", get(order))
        .route("/stock/{item}", get(stock))
        .layer(ServerLayer::new())
        .with_state(shop.clone());
    println!("the shop is at http://{}", shop.warehouse);
    let customers = async {
        match given {
            Some(_) => tokio::signal::ctrl_c().await?,
            None => visit(&shop).await?,
        }
        Ok::<_, Box<dyn Error>>(())
    };
    tokio::select! {
        closed = axum::serve(listener, app) => closed?,
        left = customers => left?,
    }
    Ok(())
}

/// Two customers: one wants what there is, the other what there isn't.
async fn visit(shop: &Shop) -> Result<(), Box<dyn Error>> {
    for item in ["tea", "unicorn"] {
        let url = format!("http://{}/orders/{item}", shop.warehouse);
        let customer = async {
            let answer = shop.client.get(url).send_traced().await?;
            println!("{item}: {}", answer.text().await?);
            Ok::<_, reqwest::Error>(())
        };
        customer
            .instrument(span!("a customer wants {item}"))
            .await?;
    }
    Ok(())
}

/// Sells something, if the warehouse has it.
async fn order(State(shop): State<Shop>, Path(item): Path<String>) -> (StatusCode, String) {
    let url = format!("http://{}/stock/{item}", shop.warehouse);
    match shop.client.get(url).send_traced().await {
        Ok(answer) if answer.status().is_success() => {
            info!("sold {item}");
            fanlight::counter("shop.orders")
                .build()
                .add(1, [("item", item.as_str())]);
            (StatusCode::OK, format!("your {item}, please"))
        }
        Ok(_) => (StatusCode::NOT_FOUND, format!("no {item} today")),
        Err(error) => {
            error!(error: &error, "the warehouse does not answer");
            (StatusCode::BAD_GATEWAY, "come back tomorrow".to_owned())
        }
    }
}

/// The warehouse: it has tea.
async fn stock(Path(item): Path<String>) -> StatusCode {
    match item.as_str() {
        "tea" => StatusCode::OK,
        _ => StatusCode::NOT_FOUND,
    }
}
