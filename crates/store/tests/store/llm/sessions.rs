//! Sessions across traces and partitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use fanlight_genai::Message;
use fanlight_store::{Clock, SessionFilter, SessionKind, StoreOptions};

use super::*;

async fn sessions(store: &Store, filter: SessionFilter) -> Vec<String> {
    let page = store.llm_sessions(filter).await.unwrap();
    page.items.into_iter().map(|session| session.id).collect()
}

/// A session is stated by each attribute that programs have for it, on spans of three traces or on their resource (A21 of
/// the acceptance cases).
/// Each time there is one session with three calls in three traces.
#[tokio::test]
async fn every_attribute_of_a_session_makes_one() {
    let (_directory, store) = crate::requests::open();
    let attributes = [
        "session.id",
        "langsmith.trace.session_id",
        "traceloop.association.properties.session_id",
        "ai.telemetry.metadata.sessionId",
        "langfuse.session.id",
        "gen_ai.conversation.id",
    ];
    let mut trace = 0;
    for (number, key) in attributes.iter().enumerate() {
        let id = format!("session {number}");
        for _ in 0..3 {
            trace += 1;
            write(
                &store,
                &[Call::chat(trace, 1, "gpt-4o", (10, 1)).with(key, json!(id))],
            )
            .await;
        }
    }
    for _ in 0..3 {
        trace += 1;
        let call = Call {
            resource: json!({"session.id": "of the resource"}),
            ..Call::chat(trace, 1, "gpt-4o", (10, 1))
        };
        write(&store, &[call]).await;
    }
    let page = store.llm_sessions(SessionFilter::default()).await.unwrap();
    assert_eq!(page.items.len(), attributes.len() + 1);
    for session in page.items {
        assert_eq!(
            (session.calls, session.traces, session.input_tokens),
            (3, 3, 30),
            "{}",
            session.id
        );
        let kind = match &*session.id {
            "session 5" => SessionKind::Conversation,
            _ => SessionKind::Session,
        };
        assert_eq!(session.kind, kind, "{}", session.id);
        assert!(
            is_near(session.cost.unwrap(), 3.0 * 35e-6),
            "{}",
            session.id
        );
    }
}

/// An agent sends the whole conversation with every turn; the partition changes on the way.
/// The session is one, and each turn shows what it added.
#[tokio::test]
async fn a_session_goes_on_turn_by_turn_across_partitions() {
    let directory = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(BEGIN / 1_000_000_000));
    let clock = Arc::clone(&now);
    let options = StoreOptions {
        max_age: Duration::from_secs(14 * 3600),
        clock: Clock::new(move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed))),
        ..StoreOptions::new(directory.path().join("fanlight.db"))
    };
    let store = Store::open(&options).unwrap();
    let say = |role: &str, text: &str| json!({"role": role, "content": text});
    let history = [
        say("user", "one"),
        say("assistant", "1"),
        say("user", "yes"),
        say("assistant", "2"),
        say("user", "yes"),
    ];
    for turn in 0..3_usize {
        let input = Json::from(history[..=turn * 2].to_vec());
        let output = Json::from(vec![say("assistant", &(turn + 1).to_string())]);
        let call = Call::chat(turn as u8 + 1, 1, "gpt-4o", (10, 1))
            .at(turn as u64 * 1000)
            .with("session.id", json!("s"))
            .with("user.id", json!(format!("u{turn}")))
            .with("gen_ai.input.messages", json!(input.to_string()))
            .with("gen_ai.output.messages", json!(output.to_string()));
        write(&store, &[call]).await;
        now.fetch_add(2 * 3600, Ordering::Relaxed);
    }
    assert!(std::fs::read_dir(directory.path()).unwrap().count() > 4);
    let found = store.llm_session("s".to_owned()).await.unwrap().unwrap();
    assert_eq!((found.session.calls, found.session.traces), (3, 3));
    assert_eq!(found.session.users, ["u0", "u1", "u2"]);
    assert_eq!(found.session.preview, "one");
    let new: Vec<_> = found
        .turns
        .iter()
        .map(|turn| turn.new_messages.clone())
        .collect();
    let user = |text: &str| vec![Message::text("user", text)];
    assert_eq!(new, [user("one"), user("yes"), user("yes")]);
    assert_eq!(
        found.turns[2].output_messages,
        [Message::text("assistant", "3")]
    );
    assert_eq!(
        store.llm_session("t".to_owned()).await.unwrap().map(|_| ()),
        None
    );
}

/// Many sessions, read in pages, by user, service, text and time.
/// Those with the newest calls come first, each once.
#[tokio::test]
async fn sessions_are_listed_by_their_newest_calls() {
    let (_directory, store) = crate::requests::open();
    for round in 0..3_u64 {
        for number in 0..10_u64 {
            let mut call = Call::chat((round * 10 + number + 1) as u8, 1, "gpt-4o", (10, 1))
                .at(round * 100_000 + (number + round) % 10 * 1000)
                .with("session.id", json!(format!("s{number}")))
                .with("user.id", json!(format!("u{}", number % 2)))
                .with(
                    "gen_ai.input.messages",
                    json!(format!(
                        "[{{\"role\":\"user\",\"content\":\"Hello {number}\"}}]"
                    )),
                );
            call.service = if number == 4 { "bank" } else { "shop" };
            write(&store, &[call]).await;
        }
    }
    // In the last round, the call of number 7 is the latest.
    let expected = ["s7", "s6", "s5", "s4", "s3", "s2", "s1", "s0", "s9", "s8"];
    assert_eq!(sessions(&store, SessionFilter::default()).await, expected);
    let mut filter = SessionFilter {
        limit: 3,
        ..SessionFilter::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.llm_sessions(filter.clone()).await.unwrap();
        seen.extend(page.items.into_iter().map(|session| session.id));
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
    let some = |text: &str| Some(text.to_owned());
    let by_user = SessionFilter {
        user: some("u1"),
        ..SessionFilter::default()
    };
    assert_eq!(
        sessions(&store, by_user).await,
        ["s7", "s5", "s3", "s1", "s9"]
    );
    let by_service = SessionFilter {
        service: some("bank"),
        ..SessionFilter::default()
    };
    assert_eq!(sessions(&store, by_service).await, ["s4"]);
    for text in ["hello 3", "S3"] {
        let by_text = SessionFilter {
            text: some(text),
            ..SessionFilter::default()
        };
        assert_eq!(sessions(&store, by_text).await, ["s3"], "{text}");
    }
}
