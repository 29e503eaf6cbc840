//! The strict fakes, started: where each listens, what it refused, and how much it holds.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use fanlight_net::Body;
use fanlight_otlp::{Batch, json};
use fanlight_testkit::fakes::aws::{Account, CloudWatchLogs, XRay};
use fanlight_testkit::fakes::azure_monitor::AzureMonitor;
use fanlight_testkit::fakes::elasticsearch::{self, Elasticsearch};
use fanlight_testkit::fakes::otlp_services::OtlpService;
use fanlight_testkit::fakes::splunk_hec::{self, SplunkHec};
use fanlight_testkit::fakes::{datadog, google_cloud, splunk_observability};
use fanlight_testkit::{Backend, Recorded};
use http::Response;

pub const ACCOUNT: Account = Account {
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token: Some("a-token/that+is=secret"),
    region: "eu-central-1",
};
pub const AZURE_KEY: &str = "00000000-1111-2222-3333-444444444444";
pub const DATADOG_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const SPLUNK_TOKEN: &str = "our-token";

/// A running fake.
pub struct Fake {
    pub address: SocketAddr,
    refused: Arc<Mutex<Vec<String>>>,
    held: Box<dyn Fn() -> usize + Send + Sync>,
}

impl Fake {
    /// How many items it holds, in its own terms.
    pub fn held(&self) -> usize {
        (self.held)()
    }

    /// The requests that it refused.
    pub fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap().clone()
    }

    /// One that speaks HTTP and counts by itself.
    fn counting(
        answer: impl Fn(&Recorded) -> Response<Body> + Send + Sync + 'static,
        held: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Fake {
        let refused = Arc::<Mutex<Vec<String>>>::default();
        let list = refused.clone();
        let backend = Backend::http(None, move |request| {
            let answer = answer(request);
            if answer.status() != 200 && answer.status() != 202 {
                let refusal = format!("{} {}", request.path, answer.status());
                list.lock().unwrap().push(refusal);
            }
            answer
        });
        Fake::of(backend.address, refused, move || {
            // The fake lives as long as somebody may ask.
            let _ = &backend;
            held()
        })
    }

    /// One that speaks HTTP and forgets; what it took is counted in its requests.
    fn http(
        answer: impl Fn(&Recorded) -> Response<Body> + Send + Sync + 'static,
        items: impl Fn(&Recorded) -> usize + Send + Sync + 'static,
    ) -> Fake {
        let held = Arc::<Mutex<usize>>::default();
        let count = held.clone();
        let answer = move |request: &Recorded| {
            let answer = answer(request);
            if answer.status().is_success() {
                *count.lock().unwrap() += items(request);
            }
            answer
        };
        Fake::counting(answer, move || *held.lock().unwrap())
    }

    fn of(
        address: SocketAddr,
        refused: Arc<Mutex<Vec<String>>>,
        held: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Fake {
        Fake {
            address,
            refused,
            held: Box::new(held),
        }
    }
}

/// Holds segments.
pub fn xray() -> Fake {
    let fake = Arc::new(XRay::new(ACCOUNT));
    let answering = fake.clone();
    Fake::counting(
        move |request| answering.answer(request),
        move || fake.segments().len(),
    )
}

/// Holds the events of one stream.
pub fn cloudwatch_logs() -> Fake {
    let fake = Arc::new(CloudWatchLogs::new(ACCOUNT));
    let answering = fake.clone();
    let counting = Fake::counting(
        move |request| answering.answer(request),
        move || fake.events("/shop/checkout", "hub").len(),
    );
    // That there is no such group yet, which the exporter then makes, is no refusal.
    Fake {
        refused: Arc::default(),
        ..counting
    }
}

/// Holds items of telemetry.
pub fn azure_monitor() -> Fake {
    let fake = Arc::new(AzureMonitor::new(AZURE_KEY));
    let answering = fake.clone();
    Fake::counting(
        move |request| answering.answer(request),
        move || fake.items().len(),
    )
}

/// Holds spans, series and sketches, and logs; statistics don't count.
pub fn datadog() -> Fake {
    Fake::http(
        |request| datadog::answer(DATADOG_KEY, request),
        |request| match datadog::read(request).unwrap() {
            datadog::Payload::Traces(traces) => {
                let chunks = traces
                    .tracer_payloads
                    .iter()
                    .flat_map(|tracer| &tracer.chunks);
                chunks.map(|chunk| chunk.spans.len()).sum()
            }
            datadog::Payload::Stats(_) => 0,
            datadog::Payload::Series(metrics) => metrics.series.len(),
            datadog::Payload::Sketches(metrics) => metrics.sketches.len(),
            datadog::Payload::Logs(logs) => logs.len(),
        },
    )
}

/// Holds documents.
pub fn elasticsearch() -> Fake {
    let fake = Elasticsearch::start(elasticsearch::Rules::default());
    Fake::of(fake.address(), Arc::default(), move || fake.taken().len())
}

/// Holds spans, entries and series.
pub fn google_cloud() -> Fake {
    let (refused, held) = (
        Arc::<Mutex<Vec<String>>>::default(),
        Arc::new(Mutex::new(0)),
    );
    let (list, count) = (refused.clone(), held.clone());
    let backend = Backend::grpc(None, move |request| {
        let answer = google_cloud::answer(&[google_cloud::PROJECT], request);
        match &answer {
            Ok(_) => *count.lock().unwrap() += google_items(request),
            Err(failure) => list.lock().unwrap().push(failure.message.clone()),
        }
        answer
    });
    Fake::of(backend.address, refused, move || {
        let _ = &backend;
        *held.lock().unwrap()
    })
}

fn google_items(request: &Recorded) -> usize {
    match google_cloud::read(request) {
        Ok(google_cloud::Payload::Spans(request)) => request.spans.len(),
        Ok(google_cloud::Payload::Entries(request)) => request.entries.len(),
        Ok(google_cloud::Payload::Series(request)) => request.time_series.len(),
        Err(_) => 0,
    }
}

/// Holds events.
pub fn splunk_hec() -> Fake {
    let fake = SplunkHec::start(splunk_hec::Rules::default());
    Fake::of(fake.address(), Arc::default(), move || fake.taken().len())
}

/// Holds spans, points and events.
pub fn splunk_observability() -> Fake {
    use splunk_observability::Payload;
    Fake::http(
        |request| splunk_observability::answer(&[SPLUNK_TOKEN], request),
        |request| match splunk_observability::read(request).unwrap() {
            Payload::Spans(spans) => spans.batches.iter().map(|batch| batch.spans.len()).sum(),
            Payload::DataPoints(points) => points.datapoints.len(),
            Payload::OtlpMetrics(metrics) => metrics.items(),
            Payload::Events(events) => events.events.len(),
        },
    )
}

/// Holds OTLP's items.
pub fn otlp_service(service: OtlpService) -> Fake {
    Fake::http(
        move |request| service.answer(request),
        move |request| {
            let mut paths = service.paths.iter();
            let (signal, _) = paths.find(|(_, path)| *path == request.path).unwrap();
            let body = request.plain().unwrap();
            let batch = match service.is_protobuf {
                true => Batch::decode(*signal, body.into()).unwrap(),
                false => json::read(*signal, &body).unwrap(),
            };
            batch.items()
        },
    )
}
