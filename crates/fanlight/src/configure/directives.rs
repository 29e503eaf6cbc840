//! Which levels of which modules are recorded, as RUST_LOG writes it: `info,my_crate=debug,hyper=off`.

use crate::Level;
use crate::callsite::Filter;

/// What one source says; `None` for a level stands for nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    /// What modules without a rule need.
    pub(crate) minimum: Option<Option<Level>>,
    pub(crate) modules: Vec<(String, Option<Level>)>,
}

/// Reads a list. What can't be read is told, and the rest is kept.
pub(crate) fn parse(text: &str) -> (Directives, Vec<String>) {
    let mut directives = Directives::default();
    let mut problems = Vec::new();
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        if let Err(problem) = add(&mut directives, item) {
            problems.push(format!("`{item}` is left out: {problem}"));
        }
    }
    (directives, problems)
}

fn add(directives: &mut Directives, item: &str) -> Result<(), &'static str> {
    const LEVELS: &str = "after = comes trace, debug, info, notice, warn, error, fatal or off";
    if item.contains(['[', '/']) {
        return Err("rules are for modules, not for spans or texts");
    }
    match item.split_once('=') {
        Some((module, name)) => {
            let minimum = level(name).ok_or(LEVELS)?;
            directives.modules.push((module_path(module), minimum));
        }
        None => match level(item) {
            Some(minimum) => directives.minimum = Some(minimum),
            // A module without a level is a wish for all of it.
            None => directives
                .modules
                .push((module_path(item), Some(Level::Trace))),
        },
    }
    Ok(())
}

/// Crates are written with hyphens, their modules with underscores.
fn module_path(written: &str) -> String {
    written.trim().replace('-', "_")
}

fn level(name: &str) -> Option<Option<Level>> {
    let name = name.trim();
    match name.eq_ignore_ascii_case("off") {
        true => Some(None),
        false => name.parse().ok().map(Some),
    }
}

/// Puts several sources together; the first that says something counts.
pub(crate) fn filter<'d>(sources: impl IntoIterator<Item = &'d Directives>) -> Filter {
    let mut filter = Filter {
        minimum: None,
        modules: Vec::new(),
    };
    let mut minimum = None;
    for source in sources {
        minimum = minimum.or(source.minimum);
        // Of several rules for one module, the last in a text counts.
        for (module, level) in source.modules.iter().rev() {
            if !filter.modules.iter().any(|(known, _)| known == module) {
                filter.modules.push((module.clone(), *level));
            }
        }
    }
    filter.minimum = minimum.unwrap_or(Some(Level::Info));
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter_of(texts: &[&str]) -> Filter {
        let sources: Vec<_> = texts.iter().map(|text| parse(text).0).collect();
        filter(&sources)
    }

    #[test]
    fn rules_are_read_as_in_rust_log() {
        let filter = filter_of(&["warn, my-shop=debug ,hyper = off,h2::codec=error,noisy"]);
        for (module, level, expected) in [
            ("other", Level::Info, false),
            ("other", Level::Warn, true),
            ("my_shop::cart", Level::Debug, true),
            ("my_shop::cart", Level::Trace, false),
            ("hyper", Level::Fatal, false),
            ("h2", Level::Warn, true),
            ("h2::codec", Level::Warn, false),
            ("noisy", Level::Trace, true),
        ] {
            assert_eq!(filter.wants(module, level), expected, "{module} {level}");
        }
    }

    #[test]
    fn what_is_no_rule_is_told_and_the_rest_kept() {
        let (directives, problems) = parse("info,shop=loud,[span]=debug,cart=debug");
        assert_eq!(directives.minimum, Some(Some(Level::Info)));
        assert_eq!(
            directives.modules,
            [("cart".to_owned(), Some(Level::Debug))]
        );
        assert_eq!(
            problems,
            [
                "`shop=loud` is left out: after = comes trace, debug, info, notice, warn, error, fatal or off",
                "`[span]=debug` is left out: rules are for modules, not for spans or texts"
            ]
        );
    }

    #[test]
    fn the_first_source_wins_and_the_others_fill_in() {
        let filter = filter_of(&[
            "shop=debug",
            "error",
            "info,shop=trace,cart=warn,cart=debug",
        ]);
        assert_eq!(filter.minimum, Some(Level::Error));
        assert!(filter.wants("shop", Level::Debug) && !filter.wants("shop", Level::Trace));
        assert!(filter.wants("cart", Level::Debug));
        assert_eq!(filter_of(&[]).minimum, Some(Level::Info));
    }
}
