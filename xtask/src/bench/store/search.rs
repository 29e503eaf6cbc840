//! Searches that a person makes: how long until the hub's page shows what was found, and until an API has answered.

use anyhow::{Context, Result, ensure};

use super::systems::{Place, System};
use super::{FROM_US, ROUNDS, SERVICE, TO_US, median, timed};
use crate::clients::{self, Node};
use crate::http;
use crate::process::run;

/// A search: in words, and as the query of the hub's page and of Jaeger's API.
const SEARCHES: [(&str, &str, &str); 4] = [
    ("a service's newest", "", ""),
    (
        "of an operation",
        "&operation=GET+%2Fusers%2F%7Bid%7D",
        "&operation=GET%20%2Fusers%2F%7Bid%7D",
    ),
    (
        "by an attribute",
        "&attr=url.path%3D%2Fusers%2F7",
        "&tags=%7B%22url.path%22%3A%22%2Fusers%2F7%22%7D",
    ),
    ("by duration", "&minDurationMs=0.9", "&minDuration=900us"),
];

/// The times of one system's searches, in milliseconds, in the order of [`SEARCHES`].
pub(super) struct Times {
    /// Until its API has answered.
    api: Vec<f64>,
    /// Until its page shows what was found, where it was opened.
    page: Option<Vec<f64>>,
}

/// Searches, where a system is one that can.
pub(super) fn times(system: &System, place: &Place<'_>) -> Result<Option<Times>> {
    let (from, to) = (FROM_US * 1000, TO_US * 1000);
    let path = |(_, own, jaeger): &(&str, &str, &str)| match system.name {
        "fanlight" => Some(format!(
            "/api/traces?service={SERVICE}&from={from}&to={to}&limit=50{own}"
        )),
        "jaeger" => Some(format!(
            "/api/traces?service={SERVICE}&start={FROM_US}&end={TO_US}&limit=50{jaeger}"
        )),
        _ => None,
    };
    let mut api = Vec::new();
    for path in SEARCHES.iter().filter_map(path) {
        let rounds = (0..ROUNDS).map(|_| {
            timed(|| {
                let answer = http::get(system.api, &path)?;
                ensure!(answer.status == 200, "{path} is answered {}", answer.status);
                ensure!(answer.text().contains("raceI"), "{path} finds nothing");
                Ok(())
            })
        });
        api.push(median(rounds.collect::<Result<_>>()?));
    }
    let page = match system.name {
        "fanlight" => Some(in_browser(system, place, from, to)?),
        _ => None,
    };
    Ok((!api.is_empty()).then_some(Times { api, page }))
}

/// Searches on the hub's page, which is open already.
fn in_browser(system: &System, place: &Place<'_>, from: u64, to: u64) -> Result<Vec<f64>> {
    let log = |name: &str| place.steps.log(name);
    let node = Node::install(&log("npm ci"))?;
    let chromium = clients::chromium(&log("apt-get install chromium"))?;
    let mut browser = node.script("browser/search.js");
    browser
        .arg(chromium)
        .arg(format!("http://127.0.0.1:{}", system.api))
        .arg(ROUNDS.to_string());
    for (_, own, _) in SEARCHES {
        browser.arg(format!("service={SERVICE}&from={from}&to={to}{own}"));
    }
    let output = run(&mut browser, &place.directory.join("browser.log"))?;
    let last = output.lines().last().context("the browser says nothing")?;
    serde_json::from_str(last).with_context(|| format!("no times: {last}"))
}

/// Prints the table of all systems that search.
pub(super) fn print(all: &[(&str, Times)], spans: u64) {
    let own = all.iter().find_map(|(_, times)| times.page.as_ref());
    println!(
        "\nsearches among {spans} spans, ms; in parentheses how many times as long an answer takes as the hub's page"
    );
    print!("{:<24}", "");
    for (what, _, _) in SEARCHES {
        print!("{what:>24}");
    }
    println!();
    for (name, times) in all {
        let rows = [("API", Some(&times.api)), ("page", times.page.as_ref())];
        for (what, row) in rows {
            let Some(row) = row else { continue };
            print!("{:<24}", format!("{name}, {what}"));
            for (place, value) in row.iter().enumerate() {
                let ratio = own.and_then(|own| Some(value / own.get(place)?));
                let ratio = ratio.map_or_else(String::new, |ratio| format!(" ({ratio:.1})"));
                print!("{:>24}", format!("{value:.1}{ratio}"));
            }
            println!();
        }
    }
}
