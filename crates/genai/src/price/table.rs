//! The table, read when it is first asked.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Price, Rates, name};

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
static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// Prices by provider and model, and by model alone.
#[derive(Default)]
struct Table {
    by_provider: HashMap<String, Price>,
    by_model: HashMap<String, Price>,
}

/// The price of a model as [`name::spellings`] spells it.
pub(super) fn find(provider: &str, model: &str) -> Option<&'static Price> {
    let table = &*TABLE;
    let own = table.by_provider.get(&key(provider, model));
    own.or_else(|| {
        AT_LIST_PRICE
            .contains(&provider)
            .then(|| table.by_model.get(model))
            .flatten()
    })
}

fn key(provider: &str, model: &str) -> String {
    format!("{provider} {model}")
}

impl Table {
    fn read(text: &'static str) -> Table {
        let mut table = Table::default();
        for (provider, model, price) in lines(text).filter_map(line) {
            let model = name::normal(model);
            if !HOSTS.contains(&provider) {
                table.by_model.insert(model.clone(), price.clone());
            }
            table.by_provider.insert(key(provider, &model), price);
        }
        table
    }
}

/// The lines that are no comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn line(line: &str) -> Option<(&str, &str, Price)> {
    let mut cells = line.split(',');
    let (provider, model) = (cells.next()?, cells.next()?);
    let base = rates(&mut cells)?;
    let above = match cells.next() {
        Some(threshold) => Some((threshold.parse().ok()?, rates(&mut cells)?)),
        None => None,
    };
    Some((provider, model, Price { base, above }))
}

fn rates<'a>(cells: &mut impl Iterator<Item = &'a str>) -> Option<Rates> {
    let input = cells.next()?.parse().ok()?;
    let mut or = |otherwise: f64| match cells.next()? {
        "" => Some(otherwise),
        rate => rate.parse().ok(),
    };
    Some(Rates {
        input,
        cache_read: or(input)?,
        cache_creation: or(input)?,
        output: or(0.0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_none_hides_another() {
        let expected = lines(TEXT).count();
        assert!(expected > 100);
        for text in lines(TEXT) {
            assert!(line(text).is_some(), "{text}");
        }
        assert_eq!(TABLE.by_provider.len(), expected);
    }

    #[test]
    fn lines_are_in_order() {
        let models: Vec<_> = lines(TEXT).collect();
        assert!(models.is_sorted());
    }

    #[test]
    fn prices_are_of_a_sensible_size() {
        for (model, price) in &TABLE.by_provider {
            let Rates {
                input,
                cache_read,
                cache_creation,
                output,
            } = price.base;
            assert!(input > 0.0 && input <= 200.0, "{model}");
            assert!(cache_read <= input, "{model}");
            assert!(cache_creation >= input, "{model}");
            assert!(output == 0.0 || output >= input, "{model}");
            if let Some((threshold, above)) = price.above {
                assert!(threshold >= 100_000, "{model}");
                assert!(above.input > input && above.output > output, "{model}");
            }
        }
    }
}
