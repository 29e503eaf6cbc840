//! How the SDK is set up: by nothing at all, by the environment, and by code.
//!
//! ```text
//! what was asked (Configuration) + what the environment says (FromEnvironment) -> what holds (Settings) -> Parts
//! ```
//!
//! The process is read once, by `Machine::here`; everything below works on values.

mod announce;
mod backend;
mod console;
mod directives;
mod environment;
mod local_hub;
mod logfire;
mod machine;
mod otlp;
mod resource;
mod settings;
mod variables;

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use fanlight_config::Secret;

pub use backend::Backend;
pub use logfire::{InvalidSendToLogfire, SendToLogfire};

use crate::callsite::Filter;
use crate::collect::{MetricSource, Outlet, Stage, Viewer, Work};
use crate::console::{Console, Screen};
use crate::destination::Destination;
use crate::metrics::{self, Metrics};
use crate::notice::{Notice, Notices};
use crate::sample::{Tail, TailSampling};
use crate::scrub::{Scrubbing, UsualScrubbing};
use crate::telemetry::{Guard, Parts};
use crate::{Level, ToValue, panic};
use environment::SpoolPlace;
use machine::Machine;
use settings::{Asked, Scrubs, Settings};

/// Why the SDK can't start as it is configured in the code. What the environment says never is a reason: that is warned of.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigureError {
    /// A backend lacks something, or has something that can't be right.
    #[error("can't send to {backend}: {problem}")]
    Backend {
        /// The backend's name.
        backend: String,
        /// What is wrong.
        problem: String,
    },
    /// The value of an option is none that it can have.
    #[error("{option} is `{value}`, but {problem}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What was given.
        value: String,
        /// What it may be.
        problem: String,
    },
    /// The share of traces to keep isn't one.
    #[error("the sample rate is {0}, but it must be from 0 to 1")]
    SampleRate(f64),
    /// The system gives no thread, or no memory for one.
    #[error("can't start collecting: {0}")]
    Start(#[from] std::io::Error),
}

/// Begins to configure the SDK. All that isn't said is as the environment says, or as usual.
///
/// ```no_run
/// let _fanlight = fanlight::configure()
///     .service_name("shop")
///     .service_version(env!("CARGO_PKG_VERSION"))
///     .start()?;
/// # Ok::<(), fanlight::ConfigureError>(())
/// ```
pub fn configure() -> Configuration {
    Configuration::default()
}

/// Starts the SDK as the environment says: `configure().start()`.
///
/// Without any word in the environment, it sends to a hub on this machine, if there is one.
///
/// ```no_run
/// let _fanlight = fanlight::start()?;
/// # Ok::<(), fanlight::ConfigureError>(())
/// ```
///
/// # Errors
/// When the system gives no thread.
pub fn start() -> Result<Guard, ConfigureError> {
    configure().start()
}

/// What is asked of the SDK; [`configure`] makes one, [`Configuration::start`] puts it in force.
///
/// What is said here wins over the environment, whose variables `docs/sdk-environment.md` lists.
///
/// In tests that cargo runs (`cargo test`, `cargo bench`), nothing is sent to Logfire unless [`Configuration::send_to_logfire`]
/// or LOGFIRE_SEND_TO_LOGFIRE asks for it, no hub is looked for, nothing is kept on disk, and no start-up line is printed.
/// Tests are told by where cargo puts them: `deps/name-0123456789abcdef`.
#[derive(Debug, Default)]
#[must_use = "nothing happens before `.start()`"]
pub struct Configuration {
    asked: Asked,
    notices: Notices,
}

/// What the program is.
impl Configuration {
    /// What backends list the program by: `service.name`.
    pub fn service_name(self, name: impl AsRef<str>) -> Configuration {
        self.resource_attribute("service.name", name.as_ref())
    }

    /// Its version: `service.version`.
    pub fn service_version(self, version: impl AsRef<str>) -> Configuration {
        self.resource_attribute("service.version", version.as_ref())
    }

    /// Where it runs, such as `production`: `deployment.environment.name`.
    pub fn environment(self, name: impl AsRef<str>) -> Configuration {
        self.resource_attribute("deployment.environment.name", name.as_ref())
    }

    /// Something else that is true of everything that it tells.
    pub fn resource_attribute(
        mut self,
        key: impl Into<String>,
        value: impl ToValue,
    ) -> Configuration {
        self.asked.resource.set(key, &value);
        self
    }

    /// Whether host, operating system, process and container are added to that. Default: yes. The command line never is.
    pub fn detect_resource(mut self, detects: bool) -> Configuration {
        self.asked.skips_detection = !detects;
        self
    }
}

/// Where to send.
impl Configuration {
    /// Sends to a backend too. May be called several times: each has its own queue, and none delays another.
    pub fn destination(mut self, backend: Backend) -> Configuration {
        self.asked.backends.push(backend);
        self
    }

    /// Whether to send to Logfire: `true`, `false`, `"if-token-present"` (the default) or a [`SendToLogfire`].
    ///
    /// With `false`, no hub is looked for either: what isn't named gets nothing.
    pub fn send_to_logfire<S>(mut self, send: S) -> Configuration
    where
        S: TryInto<SendToLogfire> + Clone + std::fmt::Debug,
        S::Error: Display,
    {
        match send.clone().try_into() {
            Ok(send) => self.asked.logfire.send = Some(send),
            Err(error) => self.refuse("send_to_logfire", format!("{send:?}"), error),
        }
        self
    }

    /// A write token of Logfire. With several, each project receives everything.
    pub fn token(mut self, token: impl AsRef<str>) -> Configuration {
        let tokens = token.as_ref().split(',').map(str::trim);
        let tokens = tokens.filter(|token| !token.is_empty());
        self.asked.logfire.tokens.extend(tokens.map(Secret::new));
        self
    }

    /// Where Logfire is, for one of your own.
    pub fn base_url(mut self, url: impl AsRef<str>) -> Configuration {
        match otlp::check_endpoint(url.as_ref()) {
            Ok(endpoint) => self.asked.logfire.base_url = Some(endpoint),
            Err(problem) => self.refuse("base_url", "...".to_owned(), problem),
        }
        self
    }

    /// Where `logfire_credentials.json` is. Default: `.logfire`.
    pub fn credentials_directory(mut self, directory: impl Into<PathBuf>) -> Configuration {
        self.asked.logfire.credentials_directory = Some(directory.into());
        self
    }

    /// Whether to look for a hub on this machine where no destination is configured. Default: yes.
    pub fn local_hub(mut self, looks: bool) -> Configuration {
        self.asked.skips_local_hub = !looks;
        self
    }

    /// Ignores every environment variable.
    pub fn ignore_environment(mut self) -> Configuration {
        self.asked.ignores_environment = true;
        self
    }
}

/// What is recorded, and how much is kept.
impl Configuration {
    /// What matters less isn't recorded. Default: [`Level::Info`].
    pub fn min_level(mut self, level: Level) -> Configuration {
        self.asked.directives.minimum = Some(Some(level));
        self
    }

    /// What is recorded, for each module: `info,my_crate=debug,hyper=off`, as RUST_LOG writes it.
    pub fn levels(mut self, directives: impl AsRef<str>) -> Configuration {
        let (read, problems) = directives::parse(directives.as_ref());
        if let Some(problem) = problems.into_iter().next() {
            self.refuse("levels", directives.as_ref().to_owned(), problem);
        }
        let own = &mut self.asked.directives;
        own.minimum = read.minimum.or(own.minimum);
        own.modules.extend(read.modules);
        self
    }

    /// Which share of traces is kept, from 0 to 1, where no caller has decided. Default: all.
    pub fn sample_rate(mut self, rate: f64) -> Configuration {
        self.asked.sample_rate = Some(rate);
        self
    }

    /// Shows on the console what happens, while it happens.
    ///
    /// ```no_run
    /// use fanlight::{Console, Level};
    ///
    /// let console = Console { minimum: Level::Debug, ..Console::default() };
    /// let _fanlight = fanlight::configure().console(console).start()?;
    /// # Ok::<(), fanlight::ConfigureError>(())
    /// ```
    pub fn console(mut self, console: Console) -> Configuration {
        self.asked.console = Some(Some(console));
        self
    }

    /// Shows nothing on the console, whatever LOGFIRE_CONSOLE says.
    pub fn without_console(mut self) -> Configuration {
        self.asked.console = Some(None);
        self
    }

    /// Keeps only those traces that turn out to matter. Default: all that the sample rate lets through.
    pub fn tail_sampling(mut self, sampling: TailSampling) -> Configuration {
        self.asked.tail_sampling = Some(sampling);
        self
    }

    /// What is taken out since it looks like a secret. Default: [`Scrubbing::default`].
    pub fn scrubbing(mut self, scrubbing: Scrubbing) -> Configuration {
        self.asked.scrubbing = Scrubs::As(scrubbing);
        self
    }

    /// Sends what looks like a secret as it is.
    pub fn without_scrubbing(mut self) -> Configuration {
        self.asked.scrubbing = Scrubs::Nothing;
        self
    }

    /// Whether panics are recorded, each as a log record in the span where it happens. Default: yes.
    ///
    /// It is done by a hook that calls the one that is there when the SDK first starts. A hook that is set later has to call
    /// the one before it, or panics are no longer recorded.
    pub fn panics(mut self, records: bool) -> Configuration {
        self.asked.skips_panics = !records;
        self
    }

    /// Whether metrics are collected and sent. Default: yes.
    pub fn metrics(mut self, collects: bool) -> Configuration {
        self.asked.skips_metrics = !collects;
        self
    }

    /// How often metrics are collected. Default: every minute.
    pub fn metric_interval(mut self, interval: Duration) -> Configuration {
        self.asked.metric_interval = Some(interval);
        self
    }

    /// Measures the process as well: its CPU time, memory, threads, files. Linux only; elsewhere nothing comes.
    pub fn process_metrics(mut self) -> Configuration {
        self.asked.measured.process = true;
        self
    }

    /// Measures the machine as well: its CPU time, memory, network. Linux only; elsewhere nothing comes.
    pub fn host_metrics(mut self) -> Configuration {
        self.asked.measured.host = true;
        self
    }

    /// Measures delivery as well: what each destination took, and what waits for it. What is lost is measured anyway.
    pub fn delivery_metrics(mut self) -> Configuration {
        self.asked.measured.delivery = true;
        self
    }

    /// How many bytes may wait to be collected; what comes on top is dropped and counted. Default: 64 MiB.
    pub fn memory_limit(mut self, bytes: usize) -> Configuration {
        self.asked.memory_limit = Some(bytes);
        self
    }

    /// Where telemetry waits on disk while a destination is away, so that it survives the program's end. Default: `fanlight`
    /// in the user's directory for state.
    pub fn spool_directory(mut self, directory: impl Into<PathBuf>) -> Configuration {
        self.asked.spool = Some(SpoolPlace::Directory(directory.into()));
        self
    }

    /// How many bytes wait there for each destination at most. Default: 512 MiB.
    pub fn spool_limit(mut self, bytes: u64) -> Configuration {
        self.asked.spool_limit = Some(bytes);
        self
    }

    /// Keeps nothing on disk.
    pub fn without_spool(mut self) -> Configuration {
        self.asked.spool = Some(SpoolPlace::Nowhere);
        self
    }

    /// Whether to leave out the line that says where everything goes. Default: no. Warnings are always printed.
    pub fn quiet(mut self, is_quiet: bool) -> Configuration {
        self.asked.is_quiet = Some(is_quiet);
        self
    }

    /// Takes what there is to tell of telemetry itself: where it goes, a destination that fails, something that is lost.
    /// Default: it is printed on the standard error.
    ///
    /// ```no_run
    /// let _fanlight = fanlight::configure()
    ///     .on_notice(|notice| eprintln!("telemetry: {notice}"))
    ///     .start()?;
    /// # Ok::<(), fanlight::ConfigureError>(())
    /// ```
    pub fn on_notice(mut self, show: impl Fn(&Notice) + Send + Sync + 'static) -> Configuration {
        self.notices = Notices::to(show);
        self
    }

    /// Keeps the first mistake, for [`Configuration::start`] to tell.
    fn refuse(&mut self, option: &'static str, value: String, problem: impl Display) {
        let problem = problem.to_string();
        self.asked.problem.get_or_insert(ConfigureError::Option {
            option,
            value,
            problem,
        });
    }
}

impl Configuration {
    /// Puts it in force until the guard is dropped. Where the SDK already runs, that ends, and delivers what it has.
    ///
    /// It never waits for a destination, except that it asks a hub on this machine whether it is there, for at most half a
    /// second, where nothing is configured.
    ///
    /// # Errors
    /// What is wrong in the code, with what it should be; see [`ConfigureError`].
    pub fn start(self) -> Result<Guard, ConfigureError> {
        let mut settings = Settings::resolve(self.asked, &Machine::here())?;
        if settings.looks_for_hub && local_hub::answers_at(local_hub::ADDRESS) {
            // It may be any receiver, so nobody claims that it is a hub.
            let mut hub = Backend::hub().name("the receiver found").lower()?;
            hub.disk.clone_from(&settings.disk);
            settings.destinations.push(hub);
        }
        announce::start(&settings, &self.notices);
        let records_panics = settings.records_panics;
        let parts = parts(settings, &self.notices)?;
        let guard = Guard::start(parts)?;
        panic::record_all(records_panics);
        Ok(guard)
    }
}

/// Makes what holds run.
fn parts(settings: Settings, notices: &Notices) -> std::io::Result<Parts> {
    let screen = settings
        .console
        .map(|console| Screen::new(console, settings.is_colorless));
    let viewers: Vec<Box<dyn Viewer>> = screen
        .into_iter()
        .map(|screen| Box::new(screen) as Box<dyn Viewer>)
        .collect();
    let stages = stages(settings.tail_sampling, settings.scrubbing);
    let is_wanted = !settings.destinations.is_empty() || !viewers.is_empty();
    let filter = match is_wanted && !settings.is_disabled {
        true => settings.filter,
        false => Filter {
            minimum: None,
            modules: Vec::new(),
        },
    };
    let wants_starts =
        !viewers.is_empty() || settings.destinations.iter().any(|one| one.form.starts);
    let metrics = settings.metric_interval.map(|interval| {
        let collected = metrics::Settings {
            interval,
            exemplars: settings.exemplars,
            measured: settings.measured,
        };
        Metrics::new(collected, notices.clone())
    });
    let mut outlets: Vec<Box<dyn Outlet>> = Vec::new();
    for destination in settings.destinations {
        let name = destination.name.clone();
        let destination = Destination::start(destination, notices.clone())?;
        if let Some(metrics) = &metrics {
            metrics.watch_destination(&name, &destination.counts());
        }
        outlets.push(Box::new(destination));
    }
    // Where nothing goes anywhere, nothing needs to be collected once a minute.
    let metrics = metrics.filter(|_| !outlets.is_empty());
    Ok(Parts {
        filter,
        sample_rate: settings.sample_rate,
        wants_starts,
        memory_limit: settings.memory_limit,
        work: Work {
            notices: notices.clone(),
            resource: settings.resource.into_attributes(),
            stages,
            viewers,
            outlets,
            metrics: metrics
                .into_iter()
                .map(|metrics| Box::new(metrics) as Box<dyn MetricSource>)
                .collect(),
        },
    })
}

/// What is dropped needs no scrubbing.
fn stages(sampling: Option<TailSampling>, scrubbing: Scrubs) -> Vec<Box<dyn Stage>> {
    let mut stages: Vec<Box<dyn Stage>> = Vec::new();
    if let Some(sampling) = sampling {
        stages.push(Box::new(Tail::new(sampling)));
    }
    match scrubbing {
        Scrubs::Usual => stages.push(Box::new(UsualScrubbing::default())),
        Scrubs::As(scrubbing) => stages.push(Box::new(scrubbing)),
        Scrubs::Nothing => {}
    }
    stages
}
