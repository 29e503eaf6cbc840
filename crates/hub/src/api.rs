//! The dashboard's API for commands: of a running hub over HTTP, else over its data in this process. Commands can't tell.

mod events;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fanlight_config::{Environment, Node, Secret, env_vars};
use fanlight_dashboard::{self as page, Options};
use fanlight_net::Body;
use fanlight_net::http::{Handler as _, Tower, no_answer, pool};
use fanlight_pipeline::Status;
use fanlight_store::{Store, StoreConfig};
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use events::{Event, Events};

use crate::cli::HubArgs;
use crate::hub_status::HubStatus;
use crate::{address, data_dir};

/// How long a connection that is not used stays open.
const IDLE: Duration = Duration::from_secs(30);

/// The API of a hub.
pub(crate) struct Api {
    base: String,
    token: Option<Secret>,
    send: Send,
    /// Whether a hub runs, so that there is live data.
    is_live: bool,
}

/// Sends a request; the error says why there is no answer.
type Send = Box<
    dyn Fn(Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Problem>>
        + core::marker::Send
        + Sync,
>;

/// What went wrong, for people.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// The fact.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

impl Api {
    /// The hub at the named address, else the one that runs with the data directory, else its data.
    ///
    /// # Errors
    /// When there is none of them.
    pub(crate) async fn find(args: &HubArgs, environment: &Environment) -> Result<Api, Problem> {
        match Api::running(args, environment).await? {
            Some(api) => Ok(api),
            None => Api::local(&data_dir::choose(args.data_dir.as_deref(), environment)),
        }
    }

    /// The hub at the named address, else the one that runs with the data directory, if one does.
    ///
    /// # Errors
    /// When nobody answers at the named address.
    pub(crate) async fn running(
        args: &HubArgs,
        environment: &Environment,
    ) -> Result<Option<Api>, Problem> {
        let from_environment = || {
            environment
                .non_empty(env_vars::FANLIGHT_TOKEN.name)
                .map(Secret::new)
        };
        let token = args.token.clone().or_else(from_environment);
        if let Some(url) = &args.url {
            let api = Api::remote(url, token)?;
            api.text("/api/services").await?;
            return Ok(Some(api));
        }
        let directory = data_dir::choose(args.data_dir.as_deref(), environment);
        let Some(url) = address::read(&directory) else {
            return Ok(None);
        };
        let api = Api::remote(&url, token)?;
        // A hub that was killed left its address behind.
        let answer = api.request(Method::GET, "/api/services", None).await;
        Ok(answer.is_ok().then_some(api))
    }

    /// The dashboard's address; empty where no hub runs.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    fn remote(url: &str, token: Option<Secret>) -> Result<Api, Problem> {
        let base = url.trim_end_matches('/').to_owned();
        let parsed: Option<Uri> = base.parse().ok();
        if parsed.is_none_or(|uri| uri.scheme_str().is_none() || uri.authority().is_none()) {
            return Err(
                Problem::new(format!("{url:?} is not an address of a dashboard"))
                    .hint("write it as http://127.0.0.1:3000"),
            );
        }
        let tls = fanlight_config::blocks::TlsClient::default();
        let client = pool::<Body>(Some(&tls), IDLE)
            .map_err(|error| Problem::new(format!("no client can be made: {error}")))?;
        let send = move |request: Request<Body>| -> BoxFuture<'static, _> {
            let (client, uri) = (client.clone(), request.uri().clone());
            Box::pin(async move {
                let answer = client.request(request).await;
                let answer = answer.map_err(|error| {
                    Problem::new(no_answer(&uri, &error)).hint("start the hub with: fanlight")
                })?;
                Ok(answer.map(Body::incoming))
            })
        };
        Ok(Api {
            base,
            token,
            send: Box::new(send),
            is_live: true,
        })
    }

    /// The same answers, from the data itself.
    fn local(directory: &Path) -> Result<Api, Problem> {
        let nothing = || {
            Problem::new(format!("there is no data in {}", directory.display()))
                .hint("start a hub with: fanlight; or name its data with --data-dir, or its address with --url")
        };
        let config = StoreConfig::decode(&Node::null("default", "store"))
            .map_err(|error| Problem::new(error.to_string()))?;
        let options = config.options(directory);
        if !options.path.exists() {
            return Err(nothing());
        }
        let store = Store::open(&options).map_err(|error| {
            Problem::new(error.to_string())
                .hint("name the address of the hub that has it with --url")
        })?;
        let status = Arc::new(HubStatus::new(Status::default(), directory));
        let router = Arc::new(Tower(page::router(store, status, Options::default())));
        let send = move |request: Request<Body>| -> BoxFuture<'static, _> {
            let router = Arc::clone(&router);
            Box::pin(async move { Ok(router.handle(request).await) })
        };
        Ok(Api {
            base: String::new(),
            token: None,
            send: Box::new(send),
            is_live: false,
        })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// What the API says, or why it says nothing.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<T, Problem> {
        let query = serde_html_form::to_string(parameters).unwrap_or_default();
        let path = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        read(&self.text(&path).await?)
    }

    /// Asks a question that has a body.
    ///
    /// # Errors
    /// What the API says, or why it says nothing.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, Problem> {
        let answer = self.request(Method::POST, path, Some(body)).await?;
        read(&whole(checked(answer).await?).await?)
    }

    /// What arrives from now on.
    ///
    /// # Errors
    /// When no hub runs.
    pub(crate) async fn live(&self) -> Result<Events, Problem> {
        if !self.is_live {
            return Err(Problem::new("no hub runs here, so nothing arrives")
                .hint("start one with: fanlight; or name the address of one with --url"));
        }
        let answer = self.request(Method::GET, "/api/live", None).await?;
        Ok(Events::new(checked(answer).await?.into_body()))
    }

    async fn text(&self, path: &str) -> Result<Vec<u8>, Problem> {
        let answer = self.request(Method::GET, path, None).await?;
        whole(checked(answer).await?).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Body>, Problem> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if !self.is_live {
            request = request.header(HOST, "localhost");
        }
        if let Some(token) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value =
                value.map_err(|_| Problem::new("the token can't be sent as a header"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let content = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request
            .body(content)
            .map_err(|error| Problem::new(error.to_string()))?;
        (self.send)(request).await
    }
}

/// An answer that is a success.
async fn checked(answer: Response<Body>) -> Result<Response<Body>, Problem> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body = whole(answer).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |key: &str| body["error"][key].as_str().map(str::to_owned);
    let message = text("message").unwrap_or_else(|| format!("the hub answered {status}"));
    let hint = match status {
        StatusCode::UNAUTHORIZED => Some("give it with --token or FANLIGHT_TOKEN".to_owned()),
        _ => text("hint"),
    };
    Err(Problem { message, hint })
}

async fn whole(answer: Response<Body>) -> Result<Vec<u8>, Problem> {
    let body = answer.into_body().collect().await;
    let body = body.map_err(|error| Problem::new(format!("the answer broke off: {error}")))?;
    Ok(body.to_bytes().to_vec())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(format!(
            "the answer is none of a dashboard of this version: {error}"
        ))
    })
}
