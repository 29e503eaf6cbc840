//! What Cloud Monitoring wants of series.
//! [Source](https://cloud.google.com/monitoring/api/ref_v3/rpc/google.monitoring.v3#createtimeseriesrequest).

use std::collections::HashSet;

use fanlight_formats::google::monitoring::{
    CreateTimeSeriesRequest, CreateTimeSeriesSummary, Distribution, Options, SUMMARY, SummaryError,
    TimeSeries, Value,
};
use fanlight_formats::google::{Any, Status};
use fanlight_net::status::{Code, Failure};
use prost::Message as _;

use super::{failure, require};

/// Series that are wrong are refused alone.
pub(super) fn check(request: &CreateTimeSeriesRequest) -> Result<(), Failure> {
    let invalid = |why: &str| failure(Code::InvalidArgument, why);
    if !request.name.starts_with("projects/") || request.time_series.is_empty() {
        return Err(invalid("Invalid request"));
    }
    if request.time_series.len() > 200 {
        return Err(invalid("At most 200 TimeSeries per request"));
    }
    let mut seen = HashSet::new();
    for series in &request.time_series {
        let identity = TimeSeries {
            metric: series.metric.clone(),
            resource: series.resource.clone(),
            ..TimeSeries::default()
        };
        if !seen.insert(identity.encode_to_vec()) {
            return Err(invalid(
                "Duplicate TimeSeries encountered. Only one point can be written per TimeSeries per request.",
            ));
        }
    }
    let results = request.time_series.iter().map(check_series);
    let refused: Vec<String> = results.filter_map(Result::err).collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(partial(request.time_series.len(), &refused)),
    }
}

/// The failure of a call of which only some points were not taken.
pub fn partial(total: usize, refused: &[String]) -> Failure {
    let status = |message: &str| Status {
        code: Code::InvalidArgument.number(),
        message: message.to_owned(),
        details: Vec::new(),
    };
    let summary = CreateTimeSeriesSummary {
        total_point_count: total as i32,
        success_point_count: (total - refused.len()) as i32,
        errors: refused
            .iter()
            .map(|why| SummaryError {
                status: Some(status(why)),
                point_count: 1,
            })
            .collect(),
    };
    let why = format!(
        "One or more TimeSeries could not be written: {}",
        refused.join("; ")
    );
    let details = vec![Any {
        type_url: format!("type.googleapis.com/{SUMMARY}"),
        value: summary.encode_to_vec().into(),
    }];
    Failure {
        details: Status {
            details,
            ..status(&why)
        }
        .encode_to_vec()
        .into(),
        ..failure(Code::InvalidArgument, why)
    }
}

fn check_series(series: &TimeSeries) -> Result<(), String> {
    let metric = series.metric.as_ref().ok_or("metric is required")?;
    let (domain, path) = metric.r#type.split_once('/').ok_or("Invalid metric type")?;
    let is_path = |c: char| c.is_ascii_alphanumeric() || "_./".contains(c);
    let is_type = domain.contains('.') && !path.is_empty() && path.chars().all(is_path);
    require(is_type && metric.r#type.len() <= 200, "Invalid metric type")?;
    require(metric.labels.len() <= 30, "Too many labels")?;
    for (key, value) in &metric.labels {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic());
        require(
            is_key && key.chars().all(fits) && key.len() <= 100,
            "Invalid label key",
        )?;
        require(value.len() <= 1024, "Label value is too long")?;
    }
    require(series.resource.is_some(), "resource is required")?;
    let [point] = series.points.as_slice() else {
        return Err("Exactly one point per TimeSeries".to_owned());
    };
    let interval = point.interval.ok_or("interval is required")?;
    let end = interval.end_time.ok_or("end_time is required")?;
    match (series.metric_kind, interval.start_time) {
        (1, None) => {}
        (3, Some(start)) if start < end => {}
        _ => return Err("Invalid interval for this metric kind".to_owned()),
    }
    let value = point.value.as_ref().and_then(|value| value.value.as_ref());
    match (series.value_type, value) {
        (2, Some(Value::Int64Value(_))) => Ok(()),
        (3, Some(Value::DoubleValue(value))) => require(value.is_finite(), "Not a finite number"),
        (5, Some(Value::DistributionValue(value))) => distribution(value),
        _ => Err("value is not of value_type".to_owned()),
    }
}

fn distribution(value: &Distribution) -> Result<(), String> {
    let sum: i64 = value.bucket_counts.iter().sum();
    require(sum == value.count, "count is not the sum of bucket_counts")?;
    require(value.count > 0 || value.mean == 0.0, "mean without values")?;
    let options = value.bucket_options.as_ref();
    let buckets = match options.and_then(|options| options.options.as_ref()) {
        Some(Options::ExplicitBuckets(explicit)) => {
            let rise = explicit.bounds.is_sorted_by(|one, next| one < next);
            require(rise && !explicit.bounds.is_empty(), "bounds must rise")?;
            explicit.bounds.len() + 1
        }
        Some(Options::ExponentialBuckets(exponential)) => {
            let fits = exponential.num_finite_buckets > 0
                && exponential.growth_factor > 1.0
                && exponential.scale > 0.0;
            require(fits, "Invalid exponential buckets")?;
            exponential.num_finite_buckets as usize + 2
        }
        None => return Err("bucket_options is required".to_owned()),
    };
    require(buckets <= 202, "Too many buckets")?;
    require(
        value.bucket_counts.len() <= buckets,
        "Too many bucket_counts",
    )?;
    let rise = value
        .exemplars
        .is_sorted_by(|one, next| one.value <= next.value);
    require(rise, "exemplars must be in increasing order of value")
}
