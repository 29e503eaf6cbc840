//! What the command's calls came to, in a line.

use std::fmt::Write as _;
use std::time::Duration;

use fanlight_config::Environment;
use serde::Deserialize;

use crate::api::Api;
use crate::cli::HubArgs;
use crate::terminal::{dollars, grouped};

/// How long to wait between two looks: what is on its way to the store is there after one.
const BETWEEN: Duration = Duration::from_millis(400);
/// How often to look at most.
const LOOKS: usize = 8;

/// `/api/llm/cost`, as far as it is needed.
#[derive(Deserialize)]
struct Cost {
    totals: Totals,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    calls: u64,
    errors: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: f64,
    unpriced_calls: u64,
}

/// The line, once the sums of a running hub stand still.
pub(super) async fn of_running(api: &Api, since: u128) -> String {
    let mut last = None;
    for _ in 0..LOOKS {
        tokio::time::sleep(BETWEEN).await;
        let totals = totals(api, since).await;
        if totals == last && totals.is_none_or(|totals| totals.calls > 0) {
            break;
        }
        last = totals;
    }
    said(last, &format!("{}/#/llm", api.base()))
}

/// The line for what a hub has stored that has stopped.
pub(super) async fn of_stored(args: &HubArgs, environment: &Environment, since: u128) -> String {
    // The store's own threads let go of it a moment after the hub has stopped.
    let mut totals = None;
    for _ in 0..LOOKS {
        if let Ok(api) = Api::find(args, environment).await {
            totals = self::totals(&api, since).await;
            break;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    said(totals, "see it again with: fanlight")
}

fn said(totals: Option<Totals>, place: &str) -> String {
    match totals {
        Some(totals) => format!("{}; {place}", totals.text()),
        None => place.to_owned(),
    }
}

async fn totals(api: &Api, since: u128) -> Option<Totals> {
    let parameters = [
        ("from", since.to_string()),
        ("bins", "1".to_owned()),
        ("by", "model".to_owned()),
    ];
    let cost: Result<Cost, _> = api.get("/api/llm/cost", &parameters).await;
    Some(cost.ok()?.totals)
}

impl Totals {
    fn text(&self) -> String {
        let plural = |count: u64, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{} {what}s", grouped(count)),
        };
        if self.calls == 0 {
            return "no calls of language models".to_owned();
        }
        let mut text = plural(self.calls, "call");
        // Writing to a String can't fail.
        if self.errors > 0 {
            let _ = write!(text, " ({} failed)", grouped(self.errors));
        }
        let _ = write!(
            text,
            ", {} in, {} out",
            plural(self.input_tokens, "token"),
            grouped(self.output_tokens)
        );
        if self.unpriced_calls < self.calls {
            let _ = write!(text, ", {}", dollars(self.cost));
        }
        if self.unpriced_calls > 0 {
            let _ = write!(text, ", {} without a price", grouped(self.unpriced_calls));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_said_in_a_line() {
        assert_eq!(Totals::default().text(), "no calls of language models");
        let one = Totals {
            calls: 1,
            input_tokens: 1200,
            output_tokens: 9,
            cost: 0.000_108_6,
            ..Totals::default()
        };
        assert_eq!(one.text(), "1 call, 1,200 tokens in, 9 out, $0.000109");
        let several = Totals {
            calls: 1234,
            errors: 2,
            unpriced_calls: 3,
            cost: 12.5,
            ..one
        };
        assert_eq!(
            several.text(),
            "1,234 calls (2 failed), 1,200 tokens in, 9 out, $12.50, 3 without a price"
        );
        let local = Totals {
            calls: 1,
            unpriced_calls: 1,
            ..Totals::default()
        };
        assert_eq!(
            local.text(),
            "1 call, 0 tokens in, 0 out, 1 without a price"
        );
    }
}
