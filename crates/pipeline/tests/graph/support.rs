//! A hub in a test: a door to offer batches at, and exporters that do what the test tells them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::{Queue, Retry};
use fanlight_config::{ComponentId, Document, Environment};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::*;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

/// A request with so many log records.
pub fn logs(records: usize) -> Batch {
    let mut scope = Vec::new();
    for _ in 0..records {
        scope.extend([0x12, 0x00]);
    }
    let mut resource = vec![0x12];
    length(&mut resource, scope.len());
    resource.extend(scope);
    let mut request = vec![0x0a];
    length(&mut request, resource.len());
    request.extend(resource);
    Batch::decode(Signal::Logs, Bytes::from(request)).unwrap()
}

fn length(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What an exporter answers to a batch, where that is not told beforehand.
#[derive(Clone)]
struct Decision(Arc<dyn Fn(&Batch) -> Outcome + Send + Sync>);

impl std::fmt::Debug for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decision")
    }
}

/// An exporter that answers as told and remembers what it took.
#[derive(Clone, Debug)]
pub struct Scripted {
    pub settings: ExportSettings,
    answers: Arc<Mutex<VecDeque<Outcome>>>,
    otherwise: Arc<Mutex<Outcome>>,
    taken: Arc<watch::Sender<Vec<usize>>>,
    attempts: Arc<watch::Sender<usize>>,
    hang: bool,
    largest: usize,
    decision: Option<Decision>,
    tick: Option<Duration>,
    ticks: Arc<watch::Sender<usize>>,
}

impl Scripted {
    /// One that takes everything, with a fast retry.
    pub fn new() -> Scripted {
        let retry = Retry {
            initial_interval: Duration::from_millis(5),
            max_interval: Duration::from_millis(20),
            ..Retry::default()
        };
        let settings = ExportSettings {
            queue: Queue::default(),
            retry,
            timeout: Duration::from_secs(5),
        };
        Scripted {
            settings,
            answers: Arc::default(),
            otherwise: Arc::new(Mutex::new(Outcome::Delivered)),
            taken: Arc::new(watch::channel(Vec::new()).0),
            attempts: Arc::new(watch::channel(0).0),
            hang: false,
            largest: usize::MAX,
            decision: None,
            tick: None,
            ticks: Arc::new(watch::channel(0).0),
        }
    }

    /// One that is down.
    pub fn dead() -> Scripted {
        let dead = Scripted::new();
        dead.turn(retry("connection refused"));
        dead
    }

    /// One that never answers.
    pub fn hanging() -> Scripted {
        Scripted {
            hang: true,
            ..Scripted::new()
        }
    }

    /// One that refuses requests of more items.
    pub fn refusing_above(items: usize) -> Scripted {
        Scripted {
            largest: items,
            ..Scripted::new()
        }
    }

    /// One that looks at each batch.
    pub fn deciding(decision: impl Fn(&Batch) -> Outcome + Send + Sync + 'static) -> Scripted {
        Scripted {
            decision: Some(Decision(Arc::new(decision))),
            ..Scripted::new()
        }
    }

    /// One that wants to be called now and then.
    pub fn ticking(period: Duration) -> Scripted {
        Scripted {
            tick: Some(period),
            ..Scripted::new()
        }
    }

    pub fn ticks(&self) -> usize {
        *self.ticks.borrow()
    }

    /// Waits until it was called so often.
    pub async fn ticked(&self, times: usize) {
        let mut ticks = self.ticks.subscribe();
        let enough = ticks.wait_for(|count| *count >= times);
        tokio::time::timeout(Duration::from_secs(10), enough)
            .await
            .expect("it is called")
            .unwrap();
    }

    pub fn with_queue(mut self, change: impl FnOnce(&mut Queue)) -> Scripted {
        change(&mut self.settings.queue);
        self
    }

    pub fn with_retry(mut self, change: impl FnOnce(&mut Retry)) -> Scripted {
        change(&mut self.settings.retry);
        self
    }

    pub fn answering(self, answers: impl IntoIterator<Item = Outcome>) -> Scripted {
        self.answers.lock().unwrap().extend(answers);
        self
    }

    /// What it answers from now on.
    pub fn turn(&self, outcome: Outcome) {
        *self.otherwise.lock().unwrap() = outcome;
    }

    /// The sizes of the requests that it took.
    pub fn taken(&self) -> Vec<usize> {
        self.taken.borrow().clone()
    }

    /// Waits until it took so many items.
    pub async fn took(&self, items: usize) -> Vec<usize> {
        let mut taken = self.taken.subscribe();
        let enough = taken.wait_for(|sizes| sizes.iter().sum::<usize>() >= items);
        tokio::time::timeout(Duration::from_secs(10), enough)
            .await
            .expect("the items arrive")
            .unwrap()
            .clone()
    }

    /// Waits until it was asked so often.
    pub async fn was_asked(&self, times: usize) {
        let mut attempts = self.attempts.subscribe();
        let enough = attempts.wait_for(|count| *count >= times);
        tokio::time::timeout(Duration::from_secs(10), enough)
            .await
            .expect("it is asked")
            .unwrap();
    }

    pub fn attempts(&self) -> usize {
        *self.attempts.borrow()
    }
}

pub fn retry(why: &str) -> Outcome {
    Outcome::Retry {
        after: None,
        why: why.to_owned(),
    }
}

pub fn too_large() -> Outcome {
    Outcome::TooLarge {
        why: "413".to_owned(),
    }
}

pub fn rejected(why: &str) -> Outcome {
    Outcome::Rejected {
        why: why.to_owned(),
    }
}

impl Exporter for Scripted {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.attempts.send_modify(|attempts| *attempts += 1);
            if self.hang {
                std::future::pending::<()>().await;
            }
            if batch.items() > self.largest {
                return rejected("too many items");
            }
            let mut next = self.answers.lock().unwrap().pop_front();
            if let Some(Decision(decide)) = &self.decision {
                next = Some(decide(batch));
            }
            let outcome = next.unwrap_or_else(|| self.otherwise.lock().unwrap().clone());
            if matches!(outcome, Outcome::Delivered | Outcome::Partial { .. }) {
                self.taken.send_modify(|sizes| sizes.push(batch.items()));
            }
            outcome
        })
    }

    fn tick_interval(&self) -> Option<Duration> {
        self.tick
    }

    fn tick(&self) -> BoxFuture<'_, ()> {
        self.ticks.send_modify(|ticks| *ticks += 1);
        Box::pin(async {})
    }
}

impl ExporterConfig for Scripted {
    fn settings(&self) -> ExportSettings {
        self.settings.clone()
    }

    fn destination(&self) -> Destination {
        Destination {
            text: "a test".to_owned(),
            peers: Vec::new(),
        }
    }

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

/// A receiver that hands its door to the test.
#[derive(Clone, Debug)]
struct Door(mpsc::UnboundedSender<Inlet>, bool);

impl ReceiverConfig for Door {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl Receiver for Door {
    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        self.0.send(out).unwrap();
        Box::pin(async move {
            if self.1 {
                return Err(BuildError::new("the socket is gone"));
            }
            stop.requested().await;
            Ok(())
        })
    }
}

/// A running graph.
pub struct Hub {
    pub running: Running,
    pub door: Inlet,
    pub status: Status,
    pub directory: tempfile::TempDir,
}

/// A graph of a door and these exporters, named `test/0`, `test/1`, ...
pub async fn hub(exporters: &[&Scripted]) -> Hub {
    start(
        exporters,
        tempfile::tempdir().unwrap(),
        "",
        Tables::default(),
        false,
    )
    .await
}

/// A graph whose receiver breaks at once.
pub async fn broken_hub(exporters: &[&Scripted]) -> Hub {
    start(
        exporters,
        tempfile::tempdir().unwrap(),
        "",
        Tables::default(),
        true,
    )
    .await
}

pub async fn start(
    exporters: &[&Scripted],
    directory: tempfile::TempDir,
    yaml: &str,
    tables: Tables,
    breaks: bool,
) -> Hub {
    let document = Document::parse("test.yaml", yaml, &Environment::default()).unwrap();
    let (sender, mut doors) = mpsc::unbounded_channel();
    let exporters = exporters.iter().enumerate().map(|(index, exporter)| {
        let id: ComponentId = format!("test/{index}").parse().unwrap();
        (id, Box::new((*exporter).clone()) as Box<dyn ExporterConfig>)
    });
    let additions = Additions {
        receivers: vec![(ComponentId::of("door"), Box::new(Door(sender, breaks)))],
        exporters: exporters.collect(),
    };
    let plan = Plan::new(&document, &tables, additions).unwrap();
    let status = Status::default();
    let host = Host {
        data_dir: directory.path().to_owned(),
        user_agent: "test",
        status: status.clone(),
    };
    let running = plan.start(&host).unwrap();
    let door = doors.recv().await.unwrap();
    Hub {
        running,
        door,
        status,
        directory,
    }
}

impl Hub {
    pub fn exporter(&self, index: usize) -> ExporterSnapshot {
        let id = format!("test/{index}");
        self.status
            .snapshot()
            .exporters
            .into_iter()
            .find(|exporter| exporter.id == id)
            .unwrap()
    }
}
