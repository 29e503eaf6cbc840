//! The store as a component of a pipeline.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use fanlight_config::{ComponentId, ConfigError, Document, Environment};
use fanlight_otlp::SignalSet;
use fanlight_pipeline::{BuildContext, BuildError, Exporter, ExporterConfig, Outcome, Status};
use fanlight_store::{KIND, LogFilter, Store, StoreConfig};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::requests::{log, logs, span, spans};

fn document(yaml: &str) -> Document {
    Document::parse("hub.yaml", yaml, &Environment::default()).unwrap()
}

fn decode(yaml: &str) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    (KIND.decode)(document(yaml).root())
}

fn build(config: &dyn ExporterConfig, data_dir: &Path) -> Result<Box<dyn Exporter>, BuildError> {
    let (id, extensions) = (ComponentId::of("store"), BTreeMap::new());
    let status = Status::default();
    config.build(&BuildContext {
        id: &id,
        extensions: &extensions,
        data_dir,
        user_agent: "fanlight/test",
        status,
    })
}

/// The descriptor's sample is read, and its exporter is given a good batch and one with a span without ids.
/// It makes its own store in the data directory, takes what can be stored, and counts the rest.
#[tokio::test]
async fn the_sample_makes_an_exporter_that_stores() {
    let directory = tempfile::tempdir().unwrap();
    let config = decode(KIND.sample).unwrap();
    assert_eq!(config.signals(), SignalSet::ALL);
    let exporter = build(&*config, directory.path()).unwrap();
    assert_eq!(
        exporter.send(&spans("shop", vec![span(1, 1, None)])).await,
        Outcome::Delivered
    );
    let partly = exporter
        .send(&spans("shop", vec![span(1, 2, None), Span::default()]))
        .await;
    let why = "spans without a trace id or a span id can't be stored".to_owned();
    assert_eq!(partly, Outcome::Partial { rejected: 1, why });
    exporter.finish().await;
    assert!(
        directory
            .path()
            .join("fanlight.db.000001")
            .metadata()
            .unwrap()
            .len()
            > 8192
    );
}

/// The hub opens the store for the dashboard, and gives it to the exporter of the same configuration.
/// What the exporter takes is there for the dashboard; a second store in that directory is refused.
#[tokio::test]
async fn a_store_is_shared_by_exporter_and_dashboard() {
    let directory = tempfile::tempdir().unwrap();
    let own = StoreConfig::decode(document("max_age: 2h\npath: sub/own.db\n").root()).unwrap();
    let options = own.options(directory.path());
    assert_eq!(
        (&options.path, options.max_age),
        (
            &directory.path().join("sub/own.db"),
            Duration::from_secs(7200)
        )
    );
    let store = Store::open(&options).unwrap();
    let shared = own.clone().with(store.clone());
    assert_eq!(
        shared.destination().text,
        store.path().display().to_string()
    );
    let exporter = build(&shared, directory.path()).unwrap();
    assert_eq!(
        exporter.send(&spans("shop", vec![span(1, 1, None)])).await,
        Outcome::Delivered
    );
    assert_eq!(store.counts().await.unwrap().spans, 1);
    let error = build(&own, directory.path()).err().unwrap();
    assert!(
        error
            .source()
            .unwrap()
            .to_string()
            .contains("in use by another fanlight"),
        "{error}"
    );
}

/// Keys that are misspelt and values that make no sense.
/// Each is refused with what is wrong.
#[test]
fn wrong_configurations_are_refused() {
    let cases = [
        ("max_size: 1GiB", "max_size"),
        ("max_bytes: 10KiB", "at least 1MiB"),
        ("max_age: 0s", "keeps nothing"),
        ("max_age: soon", "soon"),
        ("max_value_bytes: 10", "1KiB"),
        ("sending_queue: {queue_sise: 5}", "queue_sise"),
    ];
    for (yaml, text) in cases {
        let error = decode(yaml).unwrap_err();
        let shown = format!("{error} {:?} {}", error.hint, error.path);
        assert!(shown.contains(text), "{yaml}: {shown}");
    }
}

/// A store cuts values at 1 KiB and is sent a log record whose body is longer.
/// The body is there up to the bound, and says how long it was.
#[tokio::test]
async fn what_is_too_long_is_cut_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let keys = document("max_value_bytes: 1KiB");
    let options = StoreConfig::decode(keys.root())
        .unwrap()
        .options(directory.path());
    let store = Store::open(&options).unwrap();
    let body = "x".repeat(5000);
    store
        .write(&logs("shop", vec![log(1, 9, &body)]))
        .await
        .unwrap();
    let page = store.logs(LogFilter::default()).await.unwrap();
    let cut = format!("{}… (cut: 5000 bytes in all)", "x".repeat(1024));
    assert_eq!(page.items[0].body_text, cut);
}
