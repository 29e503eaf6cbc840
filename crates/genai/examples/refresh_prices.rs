//! Writes the table of prices anew: `cargo run -p fanlight-genai --example refresh_prices -- data_slim.json 2026-11-20 > models.csv`,
//! then `mv models.csv crates/genai/src/price/` and set `price::TABLE_VERSION`.
//!
//! `data_slim.json` is that of <https://github.com/pydantic/genai-prices/tree/main/prices> (MIT), the date the day whose prices
//! are wanted. Which models the table has is decided in the table: to add one, add its line with any price, such as
//! `openai,gpt-7,1`. Lines of models that the source does not have stay as they are, and are named.

use std::io::Write;

use serde_json::Value as Json;

const TABLE: &str = include_str!("../src/price/models.csv");
/// What the table calls a provider, and what the source does.
const PROVIDERS: [(&str, &str); 12] = [
    ("anthropic", "anthropic"),
    ("aws.bedrock", "aws"),
    ("cohere", "cohere"),
    ("deepseek", "deepseek"),
    ("gcp.gemini", "google"),
    ("groq", "groq"),
    ("mistral_ai", "mistral"),
    ("moonshot_ai", "moonshotai"),
    ("openai", "openai"),
    ("perplexity", "perplexity"),
    ("voyage_ai", "voyageai"),
    ("x_ai", "x-ai"),
];
/// The columns of the table, by the names of the source.
const RATES: [&str; 5] = [
    "input_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_mtok",
];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(date)) = (arguments.next(), arguments.next()) else {
        return Err("usage: refresh_prices data_slim.json YYYY-MM-DD".into());
    };
    let source: Json = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut out = std::io::stdout().lock();
    let mut lines = Vec::new();
    for line in TABLE.lines() {
        if line.is_empty() || line.starts_with('#') {
            let line = if line.contains(" as of ") {
                dated(line, &date)
            } else {
                line.to_owned()
            };
            writeln!(out, "{line}")?;
            continue;
        }
        lines.push(priced(&source, line, &date).unwrap_or_else(|| {
            let _ = writeln!(std::io::stderr(), "not in the source: {line}");
            line.to_owned()
        }));
    }
    lines.sort();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn dated(line: &str, date: &str) -> String {
    let head = line.split(" as of ").next().unwrap_or_default();
    format!("{head} as of {date}.")
}

/// The line with the prices of the source.
fn priced(source: &Json, line: &str, date: &str) -> Option<String> {
    let mut cells = line.split(',');
    let (provider, model) = (cells.next()?, cells.next()?);
    let (_, id) = PROVIDERS.iter().find(|(name, _)| *name == provider)?;
    let provider_of = |known: &&Json| known.get("id").and_then(Json::as_str) == Some(id);
    let models = source
        .as_array()?
        .iter()
        .find(provider_of)?
        .get("models")?
        .as_array()?;
    let found = models
        .iter()
        .find(|known| known.get("match").is_some_and(|rule| fits(rule, model)))?;
    let prices = prices_at(found.get("prices")?, date)?;
    let rate = |name: &str| {
        prices
            .get(name)
            .map(|rate| rate.get("base").unwrap_or(rate))
            .map(plain)
    };
    let mut row = vec![provider.to_owned(), model.to_owned()];
    row.extend(RATES.map(|name| rate(name).unwrap_or_default()));
    let last_tier = |name: &str| prices.get(name)?.get("tiers")?.as_array()?.last();
    if let Some(tier) = last_tier("input_mtok") {
        row.push(plain(tier.get("start")?));
        // What has no tier costs what it costs below.
        row.extend(RATES.map(|name| {
            let above = last_tier(name)
                .and_then(|tier| tier.get("price"))
                .map(plain);
            above.or_else(|| rate(name)).unwrap_or_default()
        }));
    }
    Some(row.join(","))
}

/// The last prices that hold on a day, at noon where they change with the hour.
fn prices_at<'s>(prices: &'s Json, date: &str) -> Option<&'s Json> {
    const NOON: &str = "12:00:00Z";
    let Some(history) = prices.as_array() else {
        return Some(prices);
    };
    let holds = |entry: &&Json| {
        let constraint = entry.get("constraint");
        let text = |name: &str| constraint?.get(name)?.as_str();
        let is_hour = text("start_time").is_none_or(|start| start <= NOON)
            && text("end_time").is_none_or(|end| NOON < end);
        is_hour && text("start_date").is_none_or(|start| start <= date)
    };
    history.iter().rev().find(holds)?.get("prices")
}

/// Whether a rule of the source is about a model. Regular expressions are not read: no model of the table needs one.
fn fits(rule: &Json, model: &str) -> bool {
    let text = |name: &str| rule.get(name).and_then(Json::as_str);
    let rules = |name: &str| rule.get(name).and_then(Json::as_array);
    text("equals").is_some_and(|text| text == model)
        || text("starts_with").is_some_and(|text| model.starts_with(text))
        || text("ends_with").is_some_and(|text| model.ends_with(text))
        || text("contains").is_some_and(|text| model.contains(text))
        || rules("or").is_some_and(|rules| rules.iter().any(|rule| fits(rule, model)))
        || rules("and").is_some_and(|rules| rules.iter().all(|rule| fits(rule, model)))
}

/// A number without an exponent.
fn plain(number: &Json) -> String {
    number
        .as_f64()
        .map(|number| number.to_string())
        .unwrap_or_default()
}
