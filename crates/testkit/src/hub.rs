//! A running graph with the receivers of a configuration and one exporter that remembers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanlight_config::blocks::{Queue, Retry};
use fanlight_config::{ComponentId, Document, Environment};
use fanlight_otlp::Batch;
use fanlight_pipeline::{
    Additions, BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig,
    Host, Inlet, Outcome, Plan, Receiver, ReceiverConfig, ReceiverKind, Running, Status, Stop,
    Tables,
};
use futures::future::BoxFuture;
use tokio::sync::mpsc;

/// An exporter that remembers what it took and answers as the test says.
#[derive(Clone)]
pub struct Recorder {
    queue: Queue,
    answer: Arc<dyn Fn(&Batch) -> Outcome + Send + Sync>,
    /// None where nothing is remembered.
    taken: Option<Arc<Mutex<Vec<Batch>>>>,
}

impl Recorder {
    /// One that waits with the sender's answer until it has taken the batch itself.
    pub fn new(answer: impl Fn(&Batch) -> Outcome + Send + Sync + 'static) -> Recorder {
        let queue = Queue {
            wait_for_result: true,
            ..Queue::default()
        };
        Recorder {
            queue,
            answer: Arc::new(answer),
            taken: Some(Arc::default()),
        }
    }

    /// The same, which remembers nothing of what it takes: for measurements.
    #[must_use]
    pub fn that_forgets(mut self) -> Recorder {
        self.taken = None;
        self
    }

    /// The same with another queue.
    #[must_use]
    pub fn with_queue(mut self, queue: Queue) -> Recorder {
        self.queue = queue;
        self
    }

    /// Everything that was sent to it, in order.
    pub fn taken(&self) -> Vec<Batch> {
        let taken = self.taken.as_ref();
        taken.map_or_else(Vec::new, |taken| {
            taken.lock().expect("nobody panicked").clone()
        })
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

impl Exporter for Recorder {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        if let Some(taken) = &self.taken {
            taken.lock().expect("nobody panicked").push(batch.clone());
        }
        Box::pin(std::future::ready((self.answer)(batch)))
    }
}

impl ExporterConfig for Recorder {
    fn settings(&self) -> ExportSettings {
        ExportSettings {
            queue: self.queue.clone(),
            retry: Retry::default(),
            timeout: Duration::from_secs(5),
        }
    }

    fn destination(&self) -> Destination {
        Destination {
            text: "the test".to_owned(),
            peers: Vec::new(),
        }
    }

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

/// The running graph.
pub struct Hub {
    /// Stops it.
    pub running: Running,
    /// What it counts.
    pub status: Status,
    _directory: tempfile::TempDir,
}

impl Hub {
    /// Starts the receivers of this YAML (the whole document), each feeding the recorder.
    pub fn start(
        yaml: &str,
        receivers: &'static [&'static ReceiverKind],
        recorder: &Recorder,
    ) -> Hub {
        Hub::start_with(yaml, receivers, Vec::new(), recorder)
    }

    /// A hub without a receiver, and the door to it.
    pub async fn with_door(recorder: &Recorder) -> (Hub, Inlet) {
        let (sender, mut doors) = mpsc::channel(1);
        let door: Box<dyn ReceiverConfig> = Box::new(Door(sender));
        let hub = Hub::start_with("", &[], vec![(ComponentId::of("door"), door)], recorder);
        let inlet = doors.recv().await.expect("the receiver runs");
        (hub, inlet)
    }

    /// A hub with this exporter alone, and the door to it.
    pub async fn with_exporter(exporter: Box<dyn ExporterConfig>) -> (Hub, Inlet) {
        let (sender, mut doors) = mpsc::channel(1);
        let door: Box<dyn ReceiverConfig> = Box::new(Door(sender));
        let additions = Additions {
            receivers: vec![(ComponentId::of("door"), door)],
            exporters: vec![(ComponentId::of("exporter"), exporter)],
        };
        let hub = Hub::start_plan("", &Tables::default(), additions);
        let inlet = doors.recv().await.expect("the receiver runs");
        (hub, inlet)
    }

    fn start_with(
        yaml: &str,
        known: &'static [&'static ReceiverKind],
        receivers: Vec<(ComponentId, Box<dyn ReceiverConfig>)>,
        recorder: &Recorder,
    ) -> Hub {
        let exporter: Box<dyn ExporterConfig> = Box::new(recorder.clone());
        let additions = Additions {
            receivers,
            exporters: vec![(ComponentId::of("recorder"), exporter)],
        };
        let tables = Tables {
            receivers: known,
            ..Tables::default()
        };
        Hub::start_plan(yaml, &tables, additions)
    }

    fn start_plan(yaml: &str, tables: &Tables, additions: Additions) -> Hub {
        let document = Document::parse("test.yaml", yaml, &Environment::default())
            .expect("the test's YAML is valid");
        let plan =
            Plan::new(&document, tables, additions).expect("the test's configuration is valid");
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().to_owned();
        let status = Status::default();
        let host = Host {
            data_dir,
            user_agent: "fanlight/test",
            status: status.clone(),
        };
        let running = plan.start(&host).expect("the hub starts");
        Hub {
            running,
            status,
            _directory: directory,
        }
    }

    /// Where a protocol is spoken.
    pub fn address(&self, protocol: &str) -> SocketAddr {
        let mut listening = self.running.listening().iter();
        let found = listening.find(|(_, listening)| listening.protocol == protocol);
        found.expect("the protocol is served").1.address
    }
}

/// A receiver that hands its door to the test.
#[derive(Clone, Debug)]
struct Door(mpsc::Sender<Inlet>);

impl ReceiverConfig for Door {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl Receiver for Door {
    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        Box::pin(async move {
            drop(self.0.send(out).await);
            stop.requested().await;
            Ok(())
        })
    }
}
