//! Finding calls by text.

use super::*;

fn asked(trace: u8, question: &str) -> Call {
    let messages = json!([{"role": "system", "content": "You are a helpful otter."}, {"role": "user", "content": question}]);
    Call::chat(trace, 1, "gpt-4o", (10, 1))
        .at(u64::from(trace) * 1000)
        .with("session.id", json!(format!("s{}", trace % 2)))
        .with("gen_ai.input.messages", json!(messages.to_string()))
}

async fn found(store: &Store, filter: LlmFilter) -> Vec<u8> {
    let found = rows(store, filter.clone()).await;
    let cost = CostFilter {
        filter,
        ..CostFilter::default()
    };
    let calls = store.llm_cost(cost).await.unwrap().totals.calls;
    assert_eq!(
        calls,
        found.len() as u64,
        "a sum is made of what a list shows"
    );
    found.iter().map(|row| row.trace_id.0[0]).collect()
}

/// Calls with long questions, some so long that they are kept apart, with answers that call tools, and one of a log record.
/// A text is found wherever in a call it is, in either case, quotes and all, and nowhere else.
#[tokio::test]
async fn text_is_found_anywhere_in_a_call() {
    let (_directory, store) = crate::requests::open();
    let filler = "word after word ".repeat(40);
    let apart = "more words than a block should hold ".repeat(1000);
    let answer = json!([{"role": "assistant", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": "{\"city\":\"Quito\"}"}}]}]);
    write(
        &store,
        &[
            asked(1, &format!("{filler} about marmalade")),
            asked(2, &format!("{apart} about marzipan")),
            asked(3, "He said \"no way\" to her"),
            asked(4, "first line\nsecond line"),
            asked(5, "short").with("gen_ai.output.messages", json!(answer.to_string())),
        ],
    )
    .await;
    write(
        &store,
        &[
            asked(6, "Grüße aus Köln"),
            Call::new(7, 1, json!({"note": "marmalade, but no call"})),
        ],
    )
    .await;
    let logged = record(
        "com.anthropic.claude_code.events",
        "claude_code.user_prompt",
        9000,
        &json!({"event.name": "user_prompt", "prompt": "spread the marmalade", "session.id": "c1"}),
        &json!({"service.name": "claude-code"}),
    );
    store.write(&logged).await.unwrap();
    let cases: [(&str, &[u8]); 12] = [
        ("Marmalade", &[1]),
        ("about mar", &[2, 1]),
        ("marzipan", &[2]),
        ("helpful OTTER", &[6, 5, 4, 3, 2, 1]),
        ("said \"no way\"", &[3]),
        ("line second", &[4]),
        ("quito", &[5]),
        ("\"city\":\"Quito", &[5]),
        ("Köln", &[6]),
        ("marble", &[]),
        ("zi", &[2]),
        ("", &[6, 5, 4, 3, 2, 1]),
    ];
    for (text, expected) in cases {
        let filter = LlmFilter {
            text: Some(text.to_owned()),
            ..all()
        };
        assert_eq!(found(&store, filter).await, expected, "{text}");
    }
    let of_session = LlmFilter {
        text: Some("about mar".to_owned()),
        session: Some("s1".to_owned()),
        ..all()
    };
    assert_eq!(found(&store, of_session).await, [1]);
    let everything = LlmFilter {
        text: Some("marmalade".to_owned()),
        kinds: LlmKinds::All,
        ..all()
    };
    let everything = rows(&store, everything).await;
    assert_eq!(everything.len(), 2);
    assert!(everything[0].from_log);
}

/// A call's span comes again with another question, and many small batches are joined into one block.
/// Only the newest question is found, and every call still by its own.
#[tokio::test]
async fn text_of_what_was_replaced_is_not_found() {
    let (_directory, store) = crate::requests::open();
    let filler = "word after word ".repeat(40);
    for trace in 1..=90 {
        write(
            &store,
            &[asked(
                trace,
                &format!("{filler} begonia{}x", char::from(b'a' + trace % 26)),
            )],
        )
        .await;
    }
    let mut changed = asked(2, &format!("{filler} hyacinth"));
    changed.takes = 300;
    write(&store, &[changed]).await;
    for (text, expected) in [
        ("begoniacx", vec![80, 54, 28]),
        ("hyacinth", vec![2]),
        ("begoniadx", vec![81, 55, 29, 3]),
    ] {
        let filter = LlmFilter {
            text: Some(text.to_owned()),
            ..all()
        };
        assert_eq!(found(&store, filter).await, expected, "{text}");
    }
}
