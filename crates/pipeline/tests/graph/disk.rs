//! Queues on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fanlight_config::{ComponentId, ConfigError, Node};
use fanlight_pipeline::*;

use crate::support::{Scripted, logs, start, too_large};

#[derive(Clone, Debug)]
struct Storage(PathBuf);

impl ExtensionConfig for Storage {
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Extension>, BuildError> {
        Ok(Arc::new(Storage(context.data_dir.join("queues"))))
    }
}

impl Extension for Storage {
    fn queue_storage(&self) -> Option<Arc<dyn QueueStorage>> {
        Some(Arc::new(self.clone()))
    }
}

impl QueueStorage for Storage {
    fn queue_directory(&self, component: &str) -> Result<PathBuf, BuildError> {
        Ok(self.0.join(component.replace('/', "_")))
    }

    fn sync(&self) -> bool {
        false
    }
}

fn decode(_: &Node) -> Result<Box<dyn ExtensionConfig>, ConfigError> {
    Ok(Box::new(Storage(Path::new("").to_owned())))
}

static KIND: ExtensionKind = ExtensionKind {
    name: "file_storage",
    aliases: &[],
    about: "",
    sample: "",
    decode,
};
const TABLES: Tables = Tables {
    receivers: &[],
    processors: &[],
    exporters: &[],
    connectors: &[],
    extensions: &[&KIND],
    later: &[],
};
const YAML: &str = "extensions: {file_storage: }\nservice: {extensions: [file_storage]}\n";

fn on_disk(exporter: Scripted) -> Scripted {
    exporter.with_queue(|queue| queue.storage = Some(ComponentId::of("file_storage")))
}

/// Scenario: the destination is down, the hub stops at its deadline and is started again.
/// Guarantee: nothing is lost, the order is kept, and a third start finds nothing left.
#[tokio::test]
async fn a_queue_on_disk_outlives_the_hub() {
    let dead = on_disk(Scripted::dead());
    let hub = start(&[&dead], tempfile::tempdir().unwrap(), YAML, TABLES, false).await;
    for size in 1..=5 {
        hub.door.offer(logs(size), "test").await.unwrap();
    }
    let stopped = hub.running.stop(Duration::from_millis(50)).await;
    drop(hub.door);
    assert_eq!(stopped.lost, []);
    assert_eq!(stopped.kept, [("test/0".parse().unwrap(), 5)]);

    let alive = on_disk(Scripted::new()).with_queue(|queue| queue.num_consumers = 1);
    let hub = start(&[&alive], hub.directory, YAML, TABLES, false).await;
    assert_eq!(alive.took(15).await, [1, 2, 3, 4, 5]);
    hub.running.stop(Duration::from_secs(5)).await;
    drop(hub.door);

    let idle = on_disk(Scripted::new());
    let hub = start(&[&idle], hub.directory, YAML, TABLES, false).await;
    assert_eq!(hub.exporter(0).queue_size, 0);
    hub.running.stop(Duration::from_secs(5)).await;
    assert_eq!(idle.attempts(), 0);
}

/// Scenario: a batch goes in halves, and the hub is stopped when the first is taken and the destination is down.
/// Guarantee: the batch is still on disk: the next start sends it again, and loses nothing.
#[tokio::test]
async fn a_batch_of_which_a_half_is_taken_outlives_the_hub() {
    let dying = on_disk(Scripted::dead()).answering([too_large(), Outcome::Delivered]);
    let hub = start(&[&dying], tempfile::tempdir().unwrap(), YAML, TABLES, false).await;
    hub.door.offer(logs(8), "test").await.unwrap();
    assert_eq!(dying.took(4).await, [4]);
    dying.was_asked(3).await;
    let stopped = hub.running.stop(Duration::from_millis(50)).await;
    drop(hub.door);
    assert_eq!(stopped.lost, []);
    assert_eq!(stopped.kept, [("test/0".parse().unwrap(), 1)]);

    let alive = on_disk(Scripted::new()).answering([too_large()]);
    let hub = start(&[&alive], hub.directory, YAML, TABLES, false).await;
    assert_eq!(alive.took(8).await, [4, 4]);
    hub.running.stop(Duration::from_secs(5)).await;
    assert_eq!(hub.status.snapshot().exporters[0].queue_size, 0);
}

/// Scenario: retries are exhausted with a queue on disk.
/// Guarantee: the batch is set aside and counted as such, not lost, and the next start tries it again.
#[tokio::test]
async fn exhausted_retries_set_the_batch_aside() {
    let dead = on_disk(Scripted::dead())
        .with_retry(|retry| retry.max_elapsed_time = Duration::from_millis(30));
    let hub = start(&[&dead], tempfile::tempdir().unwrap(), YAML, TABLES, false).await;
    hub.door.offer(logs(7), "test").await.unwrap();
    let parked = async {
        while hub.exporter(0).parked[&fanlight_otlp::Signal::Logs] == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), parked)
        .await
        .unwrap();
    assert_eq!(hub.exporter(0).parked[&fanlight_otlp::Signal::Logs], 7);
    assert_eq!(hub.exporter(0).send_failed[&fanlight_otlp::Signal::Logs], 0);
    hub.running.stop(Duration::from_secs(1)).await;
    drop(hub.door);

    let alive = on_disk(Scripted::new());
    let hub = start(&[&alive], hub.directory, YAML, TABLES, false).await;
    assert_eq!(alive.took(7).await, [7], "a start is a new chance");
    hub.running.stop(Duration::from_secs(1)).await;
}
