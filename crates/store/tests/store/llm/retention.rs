//! Calls go with the rest of their partition.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use fanlight_store::{Clock, CostBy, SessionFilter, SqlQuery, StoreOptions, TimeRange};

use super::*;

const DAY: u64 = 86_400;

/// A store that keeps two days, of a clock that is set.
fn open(directory: &tempfile::TempDir, now: &Arc<AtomicU64>) -> Store {
    let clock = Clock::new({
        let now = Arc::clone(now);
        move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::Relaxed))
    });
    let options = StoreOptions {
        max_age: Duration::from_secs(2 * DAY),
        clock,
        ..StoreOptions::new(directory.path().join("fanlight.db"))
    };
    Store::open(&options).unwrap()
}

/// A call of a day: its model, session, user, agent and tag are known on that day only.
fn of_day(day: u8) -> Call {
    Call::chat(day, 1, &format!("model-{day}"), (1000, 10))
        .at(u64::from(day) * DAY * 1000)
        .with("session.id", json!(format!("session {day}")))
        .with("user.id", json!(format!("user {day}")))
        .with("gen_ai.agent.name", json!(format!("agent {day}")))
        .with("langfuse.trace.tags", json!([format!("tag {day}")]))
}

async fn models(store: &Store) -> Vec<String> {
    let cost = store.llm_cost(CostFilter::default()).await.unwrap();
    let mut models: Vec<String> = (cost.groups.into_iter())
        .filter_map(|group| group.value)
        .collect();
    models.sort();
    models
}

/// Calls of three days, of spans and of log records, are stored by a store that keeps two.
/// On the third day nothing answers with the first day's any more, whatever is asked by; the others' are all there.
#[tokio::test]
async fn calls_that_are_older_than_the_age_go_from_everywhere() {
    let now = Arc::new(AtomicU64::new(100 * DAY));
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory, &now);
    for day in 1..=3_u8 {
        write(&store, &[of_day(day)]).await;
        let logged = record(
            "com.anthropic.claude_code.events",
            "claude_code.api_request",
            u64::from(day) * DAY * 1000 + 500,
            &json!({"model": "claude-sonnet-4-5", "input_tokens": 10, "output_tokens": 5, "session.id": format!("logged {day}")}),
            &json!({"service.name": "claude-code"}),
        );
        store.write(&logged).await.unwrap();
        if day == 1 {
            assert_eq!(models(&store).await, ["claude-sonnet-4-5", "model-1"]);
        }
        now.fetch_add(DAY, Ordering::Relaxed);
    }
    while totals(&store).await.calls > 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all_rows = rows(&store, all()).await;
    let days: Vec<u8> = all_rows
        .iter()
        .filter(|row| !row.from_log)
        .map(|row| row.trace_id.0[0])
        .collect();
    assert_eq!(days, [3, 2]);
    assert_eq!(all_rows.len(), 4);
    let (trace, span) = ids(1, 1);
    assert!(store.llm_call(trace, span).await.unwrap().is_none());
    for (day, calls) in [(1, 0), (2, 1), (3, 1)] {
        for filter in [
            LlmFilter {
                session: Some(format!("session {day}")),
                ..all()
            },
            LlmFilter {
                session: Some(format!("logged {day}")),
                ..all()
            },
            LlmFilter {
                user: Some(format!("user {day}")),
                ..all()
            },
            LlmFilter {
                tag: Some(format!("tag {day}")),
                ..all()
            },
            LlmFilter {
                agent: Some(format!("agent {day}")),
                ..all()
            },
            LlmFilter {
                model: Some(format!("model-{day}")),
                ..all()
            },
        ] {
            assert_eq!(
                rows(&store, filter.clone()).await.len(),
                calls,
                "{filter:?}"
            );
        }
        let session = store.llm_session(format!("session {day}")).await.unwrap();
        assert_eq!(session.is_some(), calls == 1, "{day}");
    }
    assert_eq!(
        models(&store).await,
        ["claude-sonnet-4-5", "model-2", "model-3"]
    );
    let by_user = CostFilter {
        by: CostBy::User,
        ..CostFilter::default()
    };
    assert_eq!(
        store.llm_cost(by_user).await.unwrap().totals.input_tokens,
        2020
    );
    let facets = store.llm_facets(all()).await.unwrap();
    assert_eq!(
        (facets.users.len(), facets.tags.len(), facets.sessions.len()),
        (2, 2, 4)
    );
    let sessions = store.llm_sessions(SessionFilter::default()).await.unwrap();
    assert_eq!(sessions.items.len(), 4);
    let agents = store.llm_agents(TimeRange::default(), None).await.unwrap();
    assert_eq!(agents.len(), 2);
    let sql = SqlQuery {
        sql: "SELECT count(*), sum(input_tokens) FROM llm_calls".to_owned(),
        limit: 0,
    };
    assert_eq!(
        store.sql(sql).await.unwrap().rows,
        [[json!(4), json!(2020)]]
    );
    assert!(!directory.path().join("fanlight.db.000001").exists());
}

/// A call's span comes again, with more in it, when the partition that has the first version was deleted.
/// It is one call, with what came last; what other partitions have of other calls stays.
#[tokio::test]
async fn a_call_whose_partition_went_may_come_again() {
    let now = Arc::new(AtomicU64::new(100 * DAY));
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory, &now);
    write(&store, &[of_day(1)]).await;
    now.fetch_add(DAY, Ordering::Relaxed);
    write(&store, &[of_day(2)]).await;
    now.fetch_add(2 * DAY, Ordering::Relaxed);
    while totals(&store).await.calls > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut longer = of_day(1);
    longer.takes = 500;
    write(&store, &[longer]).await;
    let found = rows(&store, all()).await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].duration_nano, 500_000_000);
}
