//! Lists, facets and groups.

use fanlight_store::{CostBy, LiveUpdate, QueryError};

use super::*;

/// Whether the call of this number is wanted.
type IsWanted = fn(u8) -> bool;

async fn shop() -> (tempfile::TempDir, Store) {
    let (directory, store) = crate::requests::open();
    let mut calls = Vec::new();
    for number in 1..=20_u8 {
        let model = if number % 2 == 0 {
            "gpt-4o"
        } else {
            "gpt-4o-mini"
        };
        let mut call = Call::chat(number, 1, model, (u64::from(number) * 1000, 10))
            .at(u64::from(number) * 1000)
            .with("user.id", json!(format!("u{}", number % 3)))
            .with(
                "langfuse.trace.tags",
                json!([if number > 10 { "late" } else { "early" }, "all"]),
            )
            .with(
                "gen_ai.input.messages",
                json!(format!(
                    "[{{\"role\":\"user\",\"content\":\"Question {}\"}}]",
                    number % 4
                )),
            );
        call.takes = 100 + u64::from(20 - number);
        call.service = if number % 5 == 0 { "bank" } else { "shop" };
        call.error = (number == 7).then_some("no");
        calls.push(call);
    }
    write(&store, &calls[..10]).await;
    write(&store, &calls[10..]).await;
    (directory, store)
}

/// Twenty calls, asked for by everything that they have in common.
/// Each filter finds exactly those that it describes.
#[tokio::test]
async fn filters_find_exactly_the_calls_that_they_describe() {
    let (_directory, store) = shop().await;
    let some = |text: &str| Some(text.to_owned());
    let cases: [(LlmFilter, IsWanted); 10] = [
        (all(), |_| true),
        (
            LlmFilter {
                model: some("gpt-4o"),
                ..all()
            },
            |n| n % 2 == 0,
        ),
        (
            LlmFilter {
                service: some("bank"),
                ..all()
            },
            |n| n % 5 == 0,
        ),
        (
            LlmFilter {
                user: some("u1"),
                ..all()
            },
            |n| n % 3 == 1,
        ),
        (
            LlmFilter {
                tag: some("late"),
                ..all()
            },
            |n| n > 10,
        ),
        (
            LlmFilter {
                tag: some("lat"),
                ..all()
            },
            |_| false,
        ),
        (
            LlmFilter {
                errors_only: true,
                ..all()
            },
            |n| n == 7,
        ),
        (
            LlmFilter {
                text: some("QUESTION 2"),
                ..all()
            },
            |n| n % 4 == 2,
        ),
        (
            LlmFilter {
                min_duration_nano: 115_000_000,
                ..all()
            },
            |n| n <= 5,
        ),
        (
            LlmFilter {
                user: some("u0"),
                tag: some("late"),
                model: some("gpt-4o"),
                ..all()
            },
            |n| n % 6 == 0 && n > 10,
        ),
    ];
    for (filter, is_wanted) in cases {
        let expected: Vec<u8> = (1..=20).rev().filter(|n| is_wanted(*n)).collect();
        let found = rows(&store, filter.clone()).await;
        let found: Vec<u8> = found.iter().map(|row| row.trace_id.0[0]).collect();
        assert_eq!(found, expected, "{filter:?}");
        let cost = CostFilter {
            filter: filter.clone(),
            ..CostFilter::default()
        };
        let totals = store.llm_cost(cost).await.unwrap().totals;
        assert_eq!(totals.calls, expected.len() as u64, "{filter:?}");
    }
}

/// Calls are read in pages of three, in every order, while newer ones arrive.
/// Each is seen once, in that order.
#[tokio::test]
async fn pages_of_calls_neither_repeat_nor_skip() {
    for sort in [
        LlmSort::Newest,
        LlmSort::Cost,
        LlmSort::Duration,
        LlmSort::Tokens,
    ] {
        let (_directory, store) = shop().await;
        let mut wanted = LlmPage {
            sort,
            limit: 3,
            ..LlmPage::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = store.llm_calls(wanted.clone()).await.unwrap();
            seen.extend(page.items.iter().map(|row| row.trace_id.0[0]));
            let mut late =
                Call::chat(100 + seen.len() as u8, 1, "gpt-4o", (9_000_000, 1)).at(90_000);
            late.takes = 1000;
            write(&store, &[late]).await;
            wanted.cursor = page.next_cursor;
            if wanted.cursor.is_none() {
                break;
            }
        }
        let expected: Vec<u8> = match sort {
            LlmSort::Newest | LlmSort::Tokens => (1..=20).rev().collect(),
            LlmSort::Duration => (1..=20).collect(),
            LlmSort::Cost => {
                let by_price = |model: u8| (1..=20).rev().filter(move |n| n % 2 == model);
                let mut all: Vec<u8> = by_price(0).chain(by_price(1)).collect();
                all.sort_by_key(|n| {
                    std::cmp::Reverse(
                        u64::from(*n) * if n % 2 == 0 { 25000 } else { 1500 }
                            + if n % 2 == 0 { 1000 } else { 60 },
                    )
                });
                all
            }
        };
        assert_eq!(seen, expected, "{sort:?}");
    }
    let (_directory, store) = shop().await;
    let wanted = LlmPage {
        cursor: Some("x".to_owned()),
        ..LlmPage::default()
    };
    assert!(matches!(
        store.llm_calls(wanted).await,
        Err(QueryError::Cursor(_))
    ));
}

/// Costs of the twenty calls by model, by tag and by user, over time.
/// Groups and bins come to the totals, and what was asked most dearly stands first.
#[tokio::test]
async fn groups_and_bins_come_to_the_totals() {
    let (_directory, store) = shop().await;
    for (by, values) in [
        (CostBy::Model, vec!["gpt-4o", "gpt-4o-mini"]),
        (CostBy::Service, vec!["shop", "bank"]),
        (CostBy::Tag, vec!["all", "late", "early"]),
        (CostBy::User, vec!["u0", "u2", "u1"]),
        (CostBy::Provider, vec!["openai"]),
    ] {
        let wanted = CostFilter {
            by,
            bins: 5,
            ..CostFilter::default()
        };
        let cost = store.llm_cost(wanted).await.unwrap();
        let mut found: Vec<&str> = cost
            .groups
            .iter()
            .map(|group| group.value.as_deref().unwrap())
            .collect();
        let mut values = values;
        found.sort_unstable();
        values.sort_unstable();
        assert_eq!(found, values, "{by:?}");
        assert_eq!(
            (
                cost.totals.calls,
                cost.totals.errors,
                cost.totals.unpriced_calls
            ),
            (20, 1, 0)
        );
        assert_eq!(cost.totals.input_tokens, 210_000);
        let sum: f64 = cost.groups.iter().map(|group| group.totals.cost).sum();
        let often = if by == CostBy::Tag { 2.0 } else { 1.0 };
        assert!(
            (sum - often * cost.totals.cost).abs() < 1e-9,
            "{by:?}: {sum}"
        );
        for group in &cost.groups {
            assert!(group.costs.len() <= 5 && group.costs.len() == group.tokens.len());
            assert!((group.costs.iter().sum::<f64>() - group.totals.cost).abs() < 1e-9);
        }
        assert!(cost.totals.p50_nano >= 100_000_000 && cost.totals.p95_nano < 130_000_000);
        let dearest = &cost.top_prompts[0];
        assert_eq!((&*dearest.prompt, dearest.count), ("Question 0", 5));
        assert_eq!(dearest.example_trace_id.0[0], 20);
    }
    let missing = CostFilter {
        by: CostBy::Session,
        ..CostFilter::default()
    };
    let cost = store.llm_cost(missing).await.unwrap();
    assert_eq!(
        (cost.groups.len(), cost.groups[0].value.as_deref()),
        (1, None)
    );
}

/// The calls' facets, with and without a filter.
/// Values come with how often, the most frequent first.
#[tokio::test]
async fn facets_count_values() {
    let (_directory, store) = shop().await;
    let facets = store.llm_facets(all()).await.unwrap();
    let pairs = |values: &[fanlight_store::FacetValue]| -> Vec<(String, u64)> {
        values
            .iter()
            .map(|value| (value.value.clone(), value.count))
            .collect()
    };
    assert_eq!(
        pairs(&facets.services),
        [("shop".to_owned(), 16), ("bank".to_owned(), 4)]
    );
    assert_eq!(pairs(&facets.tags)[0], ("all".to_owned(), 20));
    assert_eq!(
        (
            facets.models.len(),
            facets.users.len(),
            facets.sessions.len()
        ),
        (2, 3, 0)
    );
    assert!(!facets.sampled);
    let filter = LlmFilter {
        service: Some("bank".to_owned()),
        ..all()
    };
    let facets = store.llm_facets(filter).await.unwrap();
    assert_eq!(pairs(&facets.services), [("bank".to_owned(), 4)]);
}

/// A page listens while a call, and an ordinary span, arrive.
/// It is told of the call as lists show it.
#[tokio::test]
async fn listeners_are_told_of_calls() {
    let (_directory, store) = crate::requests::open();
    let mut live = store.live();
    write(
        &store,
        &[
            Call::chat(1, 1, "gpt-4o", (10, 1)),
            Call::new(1, 2, json!({"a": 1})),
        ],
    )
    .await;
    assert!(matches!(
        live.next().await.unwrap(),
        Some(LiveUpdate::Traces(_))
    ));
    let Some(LiveUpdate::LlmCalls(calls)) = live.next().await.unwrap() else {
        panic!("no calls");
    };
    assert_eq!(calls, rows(&store, all()).await);
}
