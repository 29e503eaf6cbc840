//! The table, read when it is first asked, and tables of people's own.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Price, Rates, name};
use crate::Dollars;

const TEXT: &str = include_str!("models.csv");

/// Providers whose own lines count alone: what they serve is others' models, at prices of theirs.
const HOSTS: [&str; 1] = ["groq"];
/// Providers that pass calls on at the vendor's price, or whose interface others speak too.
const AT_LIST_PRICE: [&str; 9] = [
    "aws.bedrock",
    "azure.ai.inference",
    "azure.ai.openai",
    "gcp.gemini",
    "litellm",
    "openai",
    "openrouter",
    "vercel",
    "anthropic",
];

/// The table as it is asked.
static BUNDLED: LazyLock<Table> =
    LazyLock::new(|| Table::of_lines(lines(TEXT).filter_map(|(_, text)| line(text))));

/// Prices by provider and model, and by model alone.
#[derive(Clone, Debug, Default)]
struct Table {
    by_provider: HashMap<String, Price>,
    by_model: HashMap<String, Price>,
}

/// Prices of one's own before those of the program.
///
/// ```
/// use fanlight_genai::{Usage, price::Prices};
///
/// let prices = Prices::with_own("# contract of 2026\nopenai,gpt-4o,2,1,,,8\n").unwrap();
/// let price = prices.of("openai", "gpt-4o-2024-08-06").unwrap();
/// assert_eq!(price.cost(&Usage::new(1_000_000, 0)), 2.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Prices {
    own: Table,
}

/// A line of a table of prices cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotPrices {
    /// Which, counted from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl std::fmt::Display for NotPrices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let NotPrices { line, text } = self;
        write!(
            f,
            "line {line} of the prices is none: `{text}`; write provider,model,input,cached,written,hour,output in US dollars for a million tokens"
        )
    }
}

impl std::error::Error for NotPrices {}

impl Prices {
    /// Reads prices of one's own, which count before the program's. Their format is that of the program's: a line for each
    /// model, `provider,model,input,cached,written,hour,output[,above,input,cached,written,hour,output]` in US dollars for a
    /// million tokens, cells empty where they cost as much as what they are part of; comments begin with `#`.
    ///
    /// # Errors
    /// When a line is no price.
    pub fn with_own(text: &str) -> Result<Prices, NotPrices> {
        let read = lines(text).map(|(number, text)| {
            line(text).ok_or_else(|| NotPrices {
                line: number,
                text: text.to_owned(),
            })
        });
        let own = read.collect::<Result<Vec<_>, _>>()?;
        Ok(Prices {
            own: Table::of_lines(own.into_iter()),
        })
    }

    /// The price of a model, as [`price::of`](super::of) finds it.
    pub fn of(&self, provider: &str, model: &str) -> Option<&Price> {
        self.of_own(provider, model)
            .or_else(|| bundled(provider, model))
    }

    /// The price that is one's own.
    pub(super) fn of_own(&self, provider: &str, model: &str) -> Option<&Price> {
        let provider = name::provider(provider);
        let own = &self.own.by_provider;
        name::spellings(model).find_map(|model| own.get(&key(provider, &model)))
    }
}

/// The price in the program's table.
pub(super) fn bundled(provider: &str, model: &str) -> Option<&'static Price> {
    let provider = name::provider(provider);
    name::spellings(model).find_map(|model| {
        let table = &*BUNDLED;
        let own = table.by_provider.get(&key(provider, &model));
        let passes_on = AT_LIST_PRICE.contains(&provider);
        own.or_else(|| table.by_model.get(&model).filter(|_| passes_on))
    })
}

/// Whether a provider has a line of its own for a model.
#[cfg(feature = "call")]
pub(super) fn is_vendors(provider: &str, model: &str) -> bool {
    name::spellings(model).any(|model| BUNDLED.by_provider.contains_key(&key(provider, &model)))
}

fn key(provider: &str, model: &str) -> String {
    format!("{provider} {model}")
}

impl Table {
    fn of_lines<'a>(lines: impl Iterator<Item = (&'a str, &'a str, Price)>) -> Table {
        let mut table = Table::default();
        for (provider, model, price) in lines {
            let (provider, model) = (name::provider(provider), name::normal(model));
            if !HOSTS.contains(&provider) {
                table.by_model.insert(model.clone(), price.clone());
            }
            table.by_provider.insert(key(provider, &model), price);
        }
        table
    }
}

/// The lines that are no comments, and which they are.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .zip(1..)
        .map(|(line, number)| (number, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn line(line: &str) -> Option<(&str, &str, Price)> {
    let mut cells = line.split(',').map(str::trim);
    let (provider, model) = (cells.next()?, cells.next()?);
    let base = rates(&mut cells)?;
    let above = match cells.next() {
        Some(threshold) => Some((threshold.parse().ok()?, rates(&mut cells)?)),
        None => None,
    };
    let is_whole = cells.next().is_none() && !provider.is_empty() && !model.is_empty();
    is_whole.then_some((provider, model, Price { base, above }))
}

fn rates<'a>(cells: &mut impl Iterator<Item = &'a str>) -> Option<Rates> {
    let mut rate = || match cells.next()? {
        "" => Some(None),
        // Dollars for a million tokens are millionth parts of dollars for one.
        text => {
            let dollars: Dollars = text.parse().ok()?;
            Some(Some(dollars.picodollars() / 1_000_000))
        }
    };
    Some(Rates {
        input: rate()??,
        cache_read: rate()?,
        cache_creation: rate()?,
        cache_creation_1h: rate()?,
        output: rate()?.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_none_hides_another() {
        let expected = lines(TEXT).count();
        assert!(expected > 100);
        for (_, text) in lines(TEXT) {
            assert!(line(text).is_some(), "{text}");
        }
        assert_eq!(BUNDLED.by_provider.len(), expected);
    }

    #[test]
    fn lines_are_in_order() {
        let models: Vec<_> = lines(TEXT).map(|(_, text)| text).collect();
        assert!(models.is_sorted());
    }

    #[test]
    fn prices_are_of_a_sensible_size() {
        const DOLLAR: u64 = 1_000_000;
        for (model, price) in &BUNDLED.by_provider {
            let rates = price.base;
            assert!(rates.input > 0 && rates.input <= 200 * DOLLAR, "{model}");
            assert!(
                rates.cache_read.is_none_or(|rate| rate <= rates.input),
                "{model}"
            );
            assert!(
                rates.cache_creation.is_none_or(|rate| rate >= rates.input),
                "{model}"
            );
            assert!(
                rates
                    .cache_creation_1h
                    .is_none_or(|rate| Some(rate) >= rates.cache_creation),
                "{model}"
            );
            assert!(rates.output == 0 || rates.output >= rates.input, "{model}");
            if let Some((threshold, above)) = price.above {
                assert!(threshold >= 99_999, "{model}");
                assert!(
                    above.input > rates.input && above.output > rates.output,
                    "{model}"
                );
            }
        }
    }

    #[test]
    fn the_version_is_that_of_the_table() {
        let (source, date) = super::super::TABLE_VERSION.split_once(", ").unwrap();
        let version = source.rsplit(' ').next().unwrap();
        assert!(TEXT.contains(&format!("as of {date}.")) && TEXT.contains(version));
    }

    #[test]
    fn a_line_that_is_no_price_is_named() {
        for text in [
            "openai",
            "openai,gpt-4o,cheap,,,,1",
            "openai,gpt-4o,1,,,,1,x",
            "openai,m,-1,,,,1",
            ",m,1,,,,1",
            "a,b,1,,,,1,200000,2,,,,3,4",
        ] {
            let error = Prices::with_own(&format!("# mine\n{text}")).unwrap_err();
            assert_eq!((error.line, error.text.as_str()), (2, text));
        }
    }
}
