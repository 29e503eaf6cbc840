//! Prometheus' query API, below `/prometheus/api/v1`, as Grafana's Prometheus data source uses it.
//!
//! Routes, parameters and answers are those of [its HTTP API](https://prometheus.io/docs/prometheus/latest/querying/api/);
//! PromQL is parsed by `promql-parser`. Known are selectors with offsets, all operators with their matching, aggregations,
//! subqueries, and the functions in `window` and `instant`; native histograms, `@` and the rest are refused by name.
//! Unknown parameters are ignored, as there.
//!
//! ```text
//! series     metrics of the store as series with Prometheus' names
//! find       the series that a selector means
//! evaluate   expressions, at all steps of a range at once
//! ```

mod aggregate;
mod binary;
mod buckets;
mod evaluate;
mod find;
mod instant;
mod labels;
mod series;
mod window;

use std::collections::{BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use fanlight_formats::prometheus::number;
use promql_parser::parser::{self, Expr, MatrixSelector};
use serde::Deserialize;
use serde_json::{Value as Answer, json};

use crate::router::App;
use evaluate::{Evaluator, MAX_STEPS, Need, Row, Steps, Value, key, needs};
use find::Finder;
use series::NAME;

/// The routes below `/prometheus`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/query", get(query).post(query))
        .route("/api/v1/query_range", get(query_range).post(query_range))
        .route("/api/v1/labels", get(label_names).post(label_names))
        .route("/api/v1/label/{name}/values", get(label_values))
        .route("/api/v1/series", get(matching_series).post(matching_series))
        .route("/api/v1/metadata", get(metadata))
        .route("/api/v1/status/buildinfo", get(build_info))
        .fallback(unknown)
}

/// An answer that says what is wrong.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Problem {
    fn bad(message: impl Into<String>) -> Problem {
        Problem {
            status: StatusCode::BAD_REQUEST,
            kind: "bad_data",
            message: message.into(),
        }
    }

    /// What can't be evaluated.
    fn execution(message: String) -> Problem {
        Problem {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            kind: "execution",
            message,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "status": "error", "errorType": self.kind, "error": self.message });
        (self.status, Json(body)).into_response()
    }
}

impl From<fanlight_store::QueryError> for Problem {
    fn from(error: fanlight_store::QueryError) -> Problem {
        tracing::error!(error = %error, "a question to the store failed");
        Problem {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "internal",
            message: error.to_string(),
        }
    }
}

type Answered = Result<Json<Answer>, Problem>;

fn success(data: Answer) -> Answered {
    Ok(Json(json!({ "status": "success", "data": data })))
}

async fn unknown(uri: Uri) -> Problem {
    Problem {
        status: StatusCode::NOT_FOUND,
        kind: "not_found",
        message: format!("Prometheus' query API has nothing at {}", uri.path()),
    }
}

/// Parameters of all routes. Times are Unix seconds or RFC 3339, steps are seconds or durations.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    query: String,
    time: Option<String>,
    start: Option<String>,
    end: Option<String>,
    step: Option<String>,
    #[serde(rename = "match[]")]
    matches: Vec<String>,
}

/// From the query, or from the form that a POST is.
impl<S: Send + Sync> FromRequest<S> for Given {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Given, Problem> {
        let mut text = request.uri().query().unwrap_or_default().to_owned();
        if request.method() == Method::POST {
            let form = String::from_request(request, state).await;
            let form = form.map_err(|refusal| Problem::bad(refusal.body_text()))?;
            text = [text, form].join("&");
        }
        serde_html_form::from_str(&text).map_err(|error| Problem::bad(error.to_string()))
    }
}

async fn query(State(app): State<App>, given: Given) -> Answered {
    let at = given.time.as_deref().map(time).transpose()?;
    let steps = Steps {
        start: at.unwrap_or_else(now),
        step: 1,
        count: 1,
    };
    let expression = parsed(&given.query)?;
    if let Expr::MatrixSelector(range) = &expression {
        return matrix(&app, range, steps).await;
    }
    let one = |values: &[f64]| values.first().copied().unwrap_or(f64::NAN);
    success(match evaluated(&app, expression, steps).await? {
        Value::Text(text) => {
            json!({ "resultType": "string", "result": [seconds(steps.start), text] })
        }
        Value::Scalar(values) => {
            json!({ "resultType": "scalar", "result": sample((steps.start, one(&values))) })
        }
        Value::Vector(rows) => {
            let result = rows.iter().filter_map(|row| {
                let value = row.values.first().copied().flatten()?;
                Some(json!({ "metric": row.labels, "value": sample((steps.start, value)) }))
            });
            json!({ "resultType": "vector", "result": result.collect::<Vec<_>>() })
        }
    })
}

/// A range by itself is answered as it is.
async fn matrix(app: &App, range: &MatrixSelector, steps: Steps) -> Answered {
    let mut finder = Finder::new(app).await?;
    let needed = evaluate::needs_of_range(range, steps).map_err(Problem::execution)?;
    let found = finder.find(&needed).await?;
    let result = found.iter().filter_map(|series| {
        let samples = series.within(needed.from, needed.to);
        let values: Vec<Answer> = samples.iter().copied().map(sample).collect();
        (!values.is_empty()).then(|| json!({ "metric": series.labels, "values": values }))
    });
    success(json!({ "resultType": "matrix", "result": result.collect::<Vec<_>>() }))
}

async fn query_range(State(app): State<App>, given: Given) -> Answered {
    let needed = |name: &str, text: &Option<String>| {
        let text = text.clone();
        text.ok_or_else(|| Problem::bad(format!("the parameter {name} is missing")))
    };
    let start = time(&needed("start", &given.start)?)?;
    let end = time(&needed("end", &given.end)?)?;
    let step = step(&needed("step", &given.step)?)?;
    if end < start {
        return Err(Problem::bad("the range ends before it starts"));
    }
    let count = (end - start) / step + 1;
    if count > MAX_STEPS {
        return Err(Problem::bad(format!(
            "the range has {count} steps; {MAX_STEPS} are the most, so make the step longer"
        )));
    }
    let steps = Steps {
        start,
        step,
        count: usize::try_from(count).unwrap_or_default(),
    };
    let rows = match evaluated(&app, parsed(&given.query)?, steps).await? {
        Value::Vector(rows) => rows,
        Value::Scalar(values) => vec![Row {
            labels: series::Labels::new(),
            values: values.into_iter().map(Some).collect(),
        }],
        Value::Text(_) => return Err(Problem::bad("a text has no range")),
    };
    let result = rows.iter().map(|row| {
        let samples = steps.times().zip(&row.values);
        let values = samples.filter_map(|(time, value)| Some(sample((time, (*value)?))));
        json!({ "metric": row.labels, "values": values.collect::<Vec<_>>() })
    });
    success(json!({ "resultType": "matrix", "result": result.collect::<Vec<_>>() }))
}

fn parsed(query: &str) -> Result<Expr, Problem> {
    parser::parse(query).map_err(Problem::bad)
}

/// Loads what an expression needs, and evaluates it where it keeps nobody waiting.
async fn evaluated(app: &App, expression: Expr, steps: Steps) -> Result<Value, Problem> {
    let mut finder = Finder::new(app).await?;
    let mut samples = HashMap::new();
    for need in needs(&expression, steps).map_err(Problem::execution)? {
        let found = finder.find(&need).await?;
        samples.insert(key(need.selector), found);
    }
    let evaluator = Evaluator { samples };
    let value = tokio::task::spawn_blocking(move || evaluator.value(&expression, steps));
    let value = value
        .await
        .map_err(|_| Problem::execution("the question was given up".to_owned()))?;
    value.map_err(Problem::execution)
}

async fn label_names(State(app): State<App>, given: Given) -> Answered {
    let found = matching(&app, &given).await?;
    let names: BTreeSet<&String> = found.iter().flat_map(|labels| labels.keys()).collect();
    success(json!(names))
}

async fn label_values(State(app): State<App>, Path(name): Path<String>, given: Given) -> Answered {
    if name == NAME && given.matches.is_empty() {
        return success(json!(Finder::new(&app).await?.names()));
    }
    let found = matching(&app, &given).await?;
    let values = found.iter().filter_map(|labels| labels.get(&name));
    success(json!(values.collect::<BTreeSet<_>>()))
}

async fn matching_series(State(app): State<App>, given: Given) -> Answered {
    if given.matches.is_empty() {
        return Err(Problem::bad("no match[] parameter provided"));
    }
    success(json!(matching(&app, &given).await?))
}

/// The labels of all series that match one of the selectors, or of all there are.
async fn matching(app: &App, given: &Given) -> Result<BTreeSet<series::Labels>, Problem> {
    let mut finder = Finder::new(app).await?;
    let limit = |text: &Option<String>| text.as_deref().map(time).transpose();
    let (from, to) = (limit(&given.start)?, limit(&given.end)?);
    let mut all = BTreeSet::new();
    let everything = [r#"{__name__!=""}"#.to_owned()];
    let selectors = match given.matches.is_empty() {
        true => &everything[..],
        false => &given.matches,
    };
    for text in selectors {
        let Expr::VectorSelector(selector) = parsed(text)? else {
            return Err(Problem::bad(format!("{text} is no selector of series")));
        };
        let need = Need {
            selector: &selector,
            from: from.unwrap_or(0),
            to: to.unwrap_or_else(now),
        };
        let found = finder.find(&need).await?;
        all.extend(found.into_iter().map(|series| series.labels));
    }
    Ok(all)
}

async fn metadata(State(app): State<App>) -> Answered {
    success(Finder::new(&app).await?.metadata())
}

/// Grafana asks which Prometheus this is, to know what it can do.
async fn build_info() -> Answered {
    success(
        json!({ "version": "2.55.0", "application": "fanlight", "revision": env!("CARGO_PKG_VERSION") }),
    )
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or_default())
}

/// A time in Unix milliseconds.
fn time(text: &str) -> Result<i64, Problem> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.abs() < 1e12
    {
        return Ok((seconds * 1000.0).round() as i64);
    }
    let time: Result<jiff::Timestamp, _> = text.parse();
    let time = time
        .map_err(|_| Problem::bad(format!("{text:?} is no time; say Unix seconds or RFC 3339")))?;
    Ok(time.as_millisecond())
}

/// A step in milliseconds.
fn step(text: &str) -> Result<i64, Problem> {
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let duration = promql_parser::util::parse_duration(text);
            duration.map_err(Problem::bad)?.as_secs_f64()
        }
    };
    match seconds.is_finite() && (0.001..1e9).contains(&seconds) {
        true => Ok((seconds * 1000.0) as i64),
        false => Err(Problem::bad("the step must be longer than zero")),
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn sample((time, value): (i64, f64)) -> Answer {
    json!([seconds(time), number(value)])
}
