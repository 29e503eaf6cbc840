//! `clickhouse`: traces, metrics and logs as rows of the Collector's `otel_*` tables, over ClickHouse's HTTP interface.
//!
//! Tables are created when the first batch comes, unless `create_schema` is false; tables that a Collector has created are
//! filled as they are. A batch becomes one `INSERT` for each table, in RowBinary, streamed in blocks with checksums; what
//! one table has taken is not sent again when another fails. An answer comes when the rows are stored, also with
//! `async_insert` (unless `wait_for_async_insert=0` is among `connection_params`).
//!
//! The native protocol is not spoken: `clickhouse://` and `tcp://` endpoints lead to the HTTP interface of the same host,
//! on port 8123 or, with TLS, 8443. Rows hold what the tables have columns for; dropped counts, flags of spans and links,
//! a summary's exemplars, and whether an integer was one are not among them.
//!
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter).

mod config;
mod failure;
mod row;
mod schema;
mod server;
mod table;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use clickhouse::Client;
use clickhouse::insert_formatted::InsertFormatted;
use fanlight_otlp::{Batch, DecodeError, Signal};
use fanlight_pipeline::{Exporter, ExporterKind, Outcome};
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use self::failure::Failure;
use self::row::{Envelope, Rows};
use self::schema::Schema;
use self::table::{Columns, Table};
use crate::pieces::{LeftOut, Piece, settle};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "clickhouse",
    aliases: &[],
    about: "ClickHouse, as rows of the Collector's otel_* tables, which it creates.",
    sample: "endpoint: http://localhost:8123\ndatabase: otel\nttl: 72h",
    decode: config::decode,
};

/// How many bytes of rows are sent at once.
const CHUNK: usize = 256 << 10;

struct ClickHouse {
    /// One for each host, in the order of the configuration.
    servers: Vec<Server>,
    /// Which of them is used, as long as it answers.
    current: AtomicUsize,
    schema: Schema,
    /// Whether missing tables are created.
    creates_schema: bool,
    /// The tables that are known to be there.
    tables: Mutex<HashMap<Table, Columns>>,
    /// What must not appear in a message.
    password: String,
}

struct Server {
    url: String,
    client: Client,
}

impl Exporter for ClickHouse {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let pieces = match pieces(batch) {
                Ok(pieces) => pieces,
                Err(error) => return unreadable(&error),
            };
            let mut ends = Vec::with_capacity(pieces.len());
            for piece in &pieces {
                ends.push(piece.sent(self.insert(batch, piece.request).await));
            }
            settle(batch, LeftOut::default(), ends)
        })
    }
}

fn unreadable(error: &DecodeError) -> Outcome {
    Outcome::Rejected {
        why: format!("the batch can't be read: {error}"),
    }
}

/// The tables that a batch goes to, and its items in each.
fn pieces(batch: &Batch) -> Result<Vec<Piece<Table>>, DecodeError> {
    let whole = |request| Piece {
        request,
        items: (0..batch.items()).collect(),
    };
    match batch.signal() {
        Signal::Traces => return Ok(vec![whole(Table::Traces)]),
        Signal::Logs => return Ok(vec![whole(Table::Logs)]),
        Signal::Metrics | Signal::Profiles => {}
    }
    let mut pieces: Vec<Piece<Table>> = Vec::new();
    let mut next = 0;
    for resource in batch.resources() {
        for scope in resource?.scopes() {
            for metric in scope?.metrics() {
                let metric = metric?;
                let items = next..next + metric.points_count();
                next = items.end;
                let Some(table) = Table::of(metric.kind).filter(|_| !items.is_empty()) else {
                    continue;
                };
                match pieces.iter_mut().find(|piece| piece.request == table) {
                    Some(piece) => piece.items.extend(items),
                    None => pieces.push(Piece {
                        request: table,
                        items: items.collect(),
                    }),
                }
            }
        }
    }
    Ok(pieces)
}

impl ClickHouse {
    /// Inserts what belongs into a table, which is created again where it has gone.
    async fn insert(&self, batch: &Batch, table: Table) -> Outcome {
        let number = self.current.load(Ordering::Relaxed);
        let Some(server) = self.servers.get(number % self.servers.len().max(1)) else {
            return Outcome::Rejected {
                why: "there is no server to send to".to_owned(),
            };
        };
        let mut tried = self.try_insert(server, batch, table).await;
        if tried.as_ref().is_err_and(Failure::is_of_schema) {
            self.tables.lock().await.remove(&table);
            tried = self.try_insert(server, batch, table).await;
        }
        match tried {
            Ok(()) => Outcome::Delivered,
            Err(failure) => {
                if failure.is_of_network() {
                    // Another thread may have moved on already.
                    let next = number.wrapping_add(1);
                    let _ = self.current.compare_exchange(
                        number,
                        next,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    );
                }
                failure.outcome(&server.url, &self.schema.name(table), &self.password)
            }
        }
    }

    async fn try_insert(
        &self,
        server: &Server,
        batch: &Batch,
        table: Table,
    ) -> Result<(), Failure> {
        let columns = self.columns(server, table).await?;
        if batch.items() == 0 {
            // Somebody wants to know whether it would work.
            return Ok(());
        }
        let insert = self.schema.insert(table, columns);
        let mut insert = server.client.insert_formatted_with(insert);
        let mut rows = Rows::new(self.schema.json);
        for resource in batch.resources() {
            let resource = resource?;
            for scope in resource.scopes() {
                let scope = scope?;
                let envelope = Envelope::new(&resource, &scope, self.schema.json)?;
                for span in scope.spans() {
                    rows.span(&envelope, &span?, columns)?;
                    send_full(&mut insert, &mut rows).await?;
                }
                for log in scope.logs() {
                    rows.log(&envelope, &log?, columns)?;
                    send_full(&mut insert, &mut rows).await?;
                }
                for metric in scope.metrics() {
                    let metric = metric?;
                    if Table::of(metric.kind) != Some(table) {
                        continue;
                    }
                    for point in metric.points() {
                        rows.point(&envelope, &metric, &point?, columns)?;
                        send_full(&mut insert, &mut rows).await?;
                    }
                }
            }
        }
        insert.send(rows.take()).await?;
        Ok(insert.end().await?)
    }

    /// What the table looks like, once it is there. One at a time asks, or creates it.
    async fn columns(&self, server: &Server, table: Table) -> Result<Columns, Failure> {
        let mut known = self.tables.lock().await;
        if let Some(columns) = known.get(&table) {
            return Ok(*columns);
        }
        if self.creates_schema {
            for statement in self.schema.create(table) {
                server.client.query_raw(&statement).execute().await?;
            }
        }
        let found = server
            .client
            .query("SELECT name, type FROM system.columns WHERE database = ? AND table = ?")
            .bind(&self.schema.database)
            .bind(self.schema.name(table))
            .fetch_all::<(String, String)>()
            .await?;
        if found.is_empty() {
            return Err(Failure::NoTable);
        }
        let columns = Columns::of(&found);
        known.insert(table, columns);
        Ok(columns)
    }
}

async fn send_full(insert: &mut InsertFormatted, rows: &mut Rows) -> Result<(), Failure> {
    match rows.len() < CHUNK {
        true => Ok(()),
        false => Ok(insert.send(rows.take()).await?),
    }
}

#[cfg(test)]
mod tests;
