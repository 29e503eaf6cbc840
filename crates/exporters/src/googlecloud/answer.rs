//! What a failed call means for each of its items.

use fanlight_formats::google::logging::{PARTIAL_ERRORS, WriteLogEntriesPartialErrors};
use fanlight_formats::google::monitoring::{CreateTimeSeriesSummary, SUMMARY};
use fanlight_net::grpc::{CallError, GrpcClient};
use fanlight_net::status::Code;
use fanlight_otlp::Signal;
use fanlight_pipeline::Outcome;
use prost::Message as _;

use super::calls::Call;
use crate::pieces::{Piece, Sent};

/// What becomes of the items of a failed call.
pub(super) fn sent(
    client: &GrpcClient,
    signal: Signal,
    piece: &Piece<Call>,
    error: CallError,
) -> Sent {
    let refused = match &error {
        CallError::Status(status) => refused(signal, piece, &status.details),
        CallError::NoAnswer(_) => None,
    };
    let outcome = passing(client, error);
    let Some((again, rejected)) = refused else {
        return piece.sent(outcome);
    };
    let why = outcome.why().to_owned();
    let after = match outcome {
        Outcome::Retry { after, .. } => after,
        _ => None,
    };
    match again.is_empty() {
        true => Sent::Settled { rejected, why },
        false => Sent::Again {
            items: again,
            rejected,
            after,
            why,
        },
    }
}

/// Google names no delay where a quota is used up. [Source](https://cloud.google.com/apis/design/errors#handling_errors).
fn passing(client: &GrpcClient, error: CallError) -> Outcome {
    let is_quota =
        matches!(&error, CallError::Status(status) if status.code == Code::ResourceExhausted);
    match client.outcome(error) {
        Outcome::Rejected { why } if is_quota => Outcome::Retry { after: None, why },
        outcome => outcome,
    }
}

/// The items to send again and the number of those that are refused, where the answer tells them from those that were taken.
fn refused(signal: Signal, piece: &Piece<Call>, details: &[u8]) -> Option<(Vec<usize>, u64)> {
    let status = fanlight_formats::google::Status::decode(details).ok()?;
    let all = piece.items.len() as u64;
    if signal == Signal::Metrics {
        // Which points were taken is not said; those that were can't be written twice.
        let summary: CreateTimeSeriesSummary = status.detail(SUMMARY)?;
        let mut codes = summary
            .errors
            .iter()
            .filter_map(|error| error.status.as_ref());
        if codes.any(|status| is_passing(status.code)) {
            return None;
        }
        let refused = summary.total_point_count - summary.success_point_count;
        return Some((
            Vec::new(),
            u64::try_from(refused).unwrap_or_default().min(all),
        ));
    }
    let errors: WriteLogEntriesPartialErrors = status.detail(PARTIAL_ERRORS)?;
    let (mut again, mut rejected) = (Vec::new(), Vec::new());
    for (index, status) in &errors.log_entry_errors {
        let index = usize::try_from(*index).ok()?;
        let item = *piece.request.items.get(index)?;
        match is_passing(status.code) {
            true => again.push(item),
            false => rejected.push(item),
        }
    }
    rejected.dedup();
    Some((again, rejected.len() as u64))
}

fn is_passing(code: i32) -> bool {
    let code = Code::from_number(code);
    code.is_retryable() || code == Code::ResourceExhausted
}
