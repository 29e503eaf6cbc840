//! One job at work: its targets are found, each is scraped in its turn, and what it says is handed in.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanlight_config::Headers;
use fanlight_config::blocks::{Compression, HttpClient as Block};
use fanlight_net::http::{Answer, HttpClient};
use fanlight_pipeline::{BuildContext, BuildError, Inlet, Refused, Stop};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Request, Uri};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::config::ScrapeConfig;
use super::exposition::{self, Page};
use super::native;
use super::otlp::{Memory, Scraped};
use super::relabel::{Labels, relabel};
use super::targets::{self, Target};

/// Protobuf first, as only it has native histograms; then OpenMetrics, then text.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
     application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
);

/// A job whose client is made.
#[derive(Debug)]
pub(super) struct Job {
    config: Arc<ScrapeConfig>,
    client: Arc<HttpClient>,
}

impl Job {
    pub(super) fn new(config: ScrapeConfig, context: &BuildContext<'_>) -> Result<Job, BuildError> {
        let mut block = Block {
            tls: config.tls.clone(),
            headers: Headers::default(),
            ..Block::default()
        };
        if let Some(authorization) = &config.authorization {
            block.headers.insert("Authorization", authorization.clone());
        }
        // TLS may be asked for by relabelling too, so that its material is always read.
        let url = [Uri::from_static("https://target")];
        let client = HttpClient::new(&block, Compression::None, &url, context)?;
        Ok(Job {
            client: Arc::new(client.with_longest_answer(config.body_limit)),
            config: Arc::new(config),
        })
    }

    /// Scrapes until told to stop. Targets in files come and go.
    pub(super) async fn run(self, out: Inlet, stop: Stop) {
        let discoveries = self.config.file_sd_configs.iter();
        let refresh = discoveries.map(|files| files.refresh_interval).min();
        let mut running: HashMap<String, (Target, tokio::task::AbortHandle)> = HashMap::new();
        let mut tasks = JoinSet::new();
        loop {
            let targets = targets::of(&self.config);
            running.retain(|_, (target, task)| {
                let stays = targets.contains(target);
                if !stays {
                    task.abort();
                }
                stays
            });
            for target in targets {
                let key = format!("{} {:?}", target.url, target.labels);
                if running.contains_key(&key) {
                    continue;
                }
                let scraper = Scraper {
                    config: Arc::clone(&self.config),
                    client: Arc::clone(&self.client),
                    target: target.clone(),
                    memory: Memory::default(),
                    was_up: true,
                };
                let task = tasks.spawn(scraper.run(out.clone(), stop.clone()));
                running.insert(key, (target, task));
            }
            let wait = refresh.unwrap_or(Duration::MAX).max(Duration::from_secs(1));
            tokio::select! {
                () = stop.requested() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// One target at work.
struct Scraper {
    config: Arc<ScrapeConfig>,
    client: Arc<HttpClient>,
    target: Target,
    memory: Memory,
    was_up: bool,
}

impl Scraper {
    async fn run(mut self, out: Inlet, stop: Stop) {
        let mut ticks = tokio::time::interval(self.config.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.requested() => return,
                _ = ticks.tick() => {}
            }
            let scrape = self.scrape(&out);
            tokio::select! {
                () = stop.requested() => return,
                () = scrape => {}
            }
        }
    }

    /// One scrape, and its batch.
    async fn scrape(&mut self, out: &Inlet) {
        let begun = Instant::now();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_unix_nano = since_1970.map_or(0, |time| time.as_nanos() as u64);
        let fetched = tokio::time::timeout(self.config.timeout, self.fetch()).await;
        let timeout = || {
            format!(
                "no answer within {:?} (scrape_timeout)",
                self.config.timeout
            )
        };
        let page = fetched.unwrap_or_else(|_| Err(timeout()));
        let took = begun.elapsed().as_secs_f64();
        let (page, up) = match page {
            Ok(page) => (page, 1.0),
            Err(why) => {
                if self.was_up {
                    let (job, target) = (&self.config.job_name, &self.target.url);
                    tracing::warn!(job, target, why, "a target can't be scraped");
                }
                (Page::default(), 0.0)
            }
        };
        self.was_up = up > 0.0;
        let scraped = page.len();
        let page = self.relabelled(page);
        let left = page.len();
        let about = [
            ("up", up),
            ("scrape_duration_seconds", took),
            ("scrape_samples_scraped", scraped as f64),
            ("scrape_samples_post_metric_relabeling", left as f64),
        ];
        let mut labels = Labels::new();
        self.add_target(&mut labels);
        labels.retain(|name, _| !is_of_resource(name));
        let batch = self.memory.convert(Scraped {
            page,
            resource: &resource(&self.target),
            about: &about,
            labels: &labels,
            at_unix_nano,
            honor_timestamps: self.config.honor_timestamps,
        });
        match batch {
            Ok(batch) => self.hand_in(out, batch, begun).await,
            Err(error) => {
                let (job, target) = (&self.config.job_name, &self.target.url);
                tracing::error!(job, target, %error, "a scrape makes no batch, which is a bug");
            }
        }
    }

    /// Offers a batch until it is taken or the next scrape is due.
    async fn hand_in(&self, out: &Inlet, batch: fanlight_otlp::Batch, begun: Instant) {
        loop {
            let Err(Refused {
                message,
                retry_after: Some(delay),
                ..
            }) = out.offer(batch.clone(), "http").await
            else {
                return;
            };
            if begun.elapsed() + delay >= self.config.interval {
                let (job, target) = (&self.config.job_name, &self.target.url);
                tracing::warn!(
                    job,
                    target,
                    why = message,
                    "a scrape is lost, as nothing takes it"
                );
                return;
            }
            tokio::time::sleep(delay).await;
        }
    }

    async fn fetch(&self) -> Result<Page, String> {
        let url: Uri = self
            .target
            .url
            .parse()
            .map_err(|error| format!("no URL: {error}"))?;
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = url.clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, ACCEPTED);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|failed| failed.why().to_owned())?;
        if !answer.status.is_success() {
            return Err(self.client.outcome(&url, &answer).why().to_owned());
        }
        let body = self.plain(&answer)?;
        let content_type = answer.headers.get(CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let page = if content_type.starts_with("application/vnd.google.protobuf") {
            native::read(&body)?
        } else {
            let text = std::str::from_utf8(&body).map_err(|_| "the page is not UTF-8")?;
            let is_open_metrics = content_type.starts_with("application/openmetrics-text");
            exposition::read(text, is_open_metrics).map_err(|error| error.to_string())?
        };
        let samples = page.len();
        match self.config.sample_limit {
            limit @ 1.. if samples > limit => Err(format!(
                "{samples} samples are more than sample_limit ({limit})"
            )),
            _ => Ok(page),
        }
    }

    /// The body as the target wrote it, within the limit.
    fn plain(&self, answer: &Answer) -> Result<Vec<u8>, String> {
        let limit = self.config.body_limit;
        let is_gzip = answer
            .headers
            .get(CONTENT_ENCODING)
            .is_some_and(|value| value == "gzip");
        let mut body = Vec::new();
        let longest = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = match is_gzip {
            true => flate2::read::MultiGzDecoder::new(&answer.body[..])
                .take(longest)
                .read_to_end(&mut body),
            false => (&answer.body[..]).take(longest).read_to_end(&mut body),
        };
        read.map_err(|error| format!("the page can't be decompressed: {error}"))?;
        match body.len() > limit || answer.is_cut {
            true => Err(format!(
                "the page broke off, or is longer than body_size_limit ({limit} bytes)"
            )),
            false => Ok(body),
        }
    }

    /// Gives samples the target's labels, then applies the rules for samples.
    fn relabelled(&self, mut page: Page) -> Page {
        let rules = &self.config.metric_relabel;
        let keep = |name: &mut String, labels: &mut Labels| {
            self.add_target(labels);
            labels.insert("__name__".to_owned(), std::mem::take(name));
            let keep = relabel(rules, labels);
            *name = labels.remove("__name__").unwrap_or_default();
            // What the resource says already.
            labels.retain(|name, value| {
                !is_of_resource(name) || self.target.labels.get(name) != Some(value)
            });
            keep && !name.is_empty()
        };
        page.samples
            .retain_mut(|sample| keep(&mut sample.name, &mut sample.labels));
        page.native
            .retain_mut(|histogram| keep(&mut histogram.name, &mut histogram.labels));
        page
    }

    /// The target's own labels win, unless the job honours the page's.
    fn add_target(&self, labels: &mut Labels) {
        let external = self.config.external_labels.iter();
        for (name, value) in &self.target.labels {
            match labels.get(name).cloned() {
                Some(_) if self.config.honor_labels => continue,
                Some(theirs) => drop(labels.insert(format!("exported_{name}"), theirs)),
                None => {}
            }
            labels.insert(name.clone(), value.clone());
        }
        for (name, value) in external {
            labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Whether the resource carries what this label of a target says.
fn is_of_resource(label: &str) -> bool {
    matches!(label, "job" | "instance")
}

/// What the job and the target say about the resource.
fn resource(target: &Target) -> Vec<(&'static str, String)> {
    let of = |name: &str| target.labels.get(name).cloned().unwrap_or_default();
    let mut resource = vec![
        ("service.name", of("job")),
        ("service.instance.id", of("instance")),
    ];
    if let Ok(url) = target.url.parse::<Uri>() {
        resource.extend(url.host().map(|host| ("server.address", host.to_owned())));
        resource.extend(url.port().map(|port| ("server.port", port.to_string())));
        resource.extend(
            url.scheme_str()
                .map(|scheme| ("url.scheme", scheme.to_owned())),
        );
    }
    resource
}
