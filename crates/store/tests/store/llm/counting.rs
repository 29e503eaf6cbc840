//! What is summed up, and what it comes to.

use super::*;

/// Calls with and without a price, one that its provider priced, one that failed, and an agent that repeats their usage.
/// Sums are made of the calls alone; what has no price is counted as that.
#[tokio::test]
async fn sums_are_exact_and_say_what_has_no_price() {
    let (_directory, store) = crate::requests::open();
    let agent = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner",
        "gen_ai.usage.input_tokens": 4_000_000, "gen_ai.usage.output_tokens": 9});
    let mut failed = Call::chat(1, 5, "gpt-4o", (0, 0));
    failed.error = Some("rate limited");
    write(
        &store,
        &[
            Call::new(1, 1, agent),
            Call::chat(1, 2, "gpt-4o-mini-2024-07-18", (1_000_000, 100_000)).under(1),
            Call::chat(1, 3, "nobody-knows-it", (500, 5)).under(1),
            Call::chat(1, 4, "gpt-4o", (1000, 0))
                .with("gen_ai.usage.cost", json!(0.5))
                .under(1),
            failed.under(1),
        ],
    )
    .await;
    let totals = totals(&store).await;
    assert_eq!(
        (totals.calls, totals.errors, totals.unpriced_calls),
        (4, 1, 1)
    );
    assert_eq!(
        (totals.input_tokens, totals.output_tokens),
        (1_001_500, 100_005)
    );
    // 0.15 and 0.6 dollars for a million, and what the provider says.
    assert!(is_near(totals.cost, 0.15 + 0.06 + 0.5), "{}", totals.cost);
    let rows = rows(&store, all()).await;
    let source = |number: u8| {
        let row = rows.iter().find(|row| row.span_id.0[0] == number).unwrap();
        (row.cost, row.cost_source)
    };
    assert_eq!(source(3), (None, None));
    assert_eq!(source(4), (Some(0.5), Some("reported")));
    assert_eq!(rows.len(), 4);
    let everything = LlmFilter {
        kinds: LlmKinds::All,
        ..all()
    };
    assert_eq!(super::rows(&store, everything).await.len(), 5);
}

/// Reports of wrong costs, as spans: caches counted twice or not at all, prices of other models, local models.
/// Each comes to what the provider charges.
#[tokio::test]
async fn reported_faults_of_prices_do_not_reach_the_sums() {
    let with = |call: Call, provider: &str, read: u64, written: u64| {
        call.with("gen_ai.provider.name", json!(provider))
            .with("gen_ai.usage.cache_read.input_tokens", json!(read))
            .with("gen_ai.usage.cache_creation.input_tokens", json!(written))
    };
    let cases = [
        (
            with(
                Call::chat(1, 1, "claude-sonnet-4", (12_000, 300)),
                "anthropic",
                9_000,
                2_500,
            ),
            Some(0.018_075),
        ),
        // Input that does not have the cache in it, though the conventions want it.
        (
            with(
                Call::chat(2, 1, "claude-sonnet-4", (500, 300)),
                "anthropic",
                9_000,
                2_500,
            ),
            Some(0.018_075),
        ),
        (
            with(Call::chat(3, 1, "gpt-4o", (1_000, 0)), "openai", 1_000, 0),
            Some(0.001_25),
        ),
        (
            with(Call::chat(4, 1, "llama3.2:1b", (1_000, 10)), "ollama", 0, 0),
            None,
        ),
    ];
    for (call, expected) in cases {
        let (_directory, store) = crate::requests::open();
        let model = call.attributes["gen_ai.request.model"].clone();
        write(&store, &[call]).await;
        let totals = totals(&store).await;
        match expected {
            Some(cost) => assert!(is_near(totals.cost, cost), "{model}: {}", totals.cost),
            None => assert_eq!((totals.cost, totals.unpriced_calls), (0.0, 1), "{model}"),
        }
    }
}

/// A call is sent again, first as it was and then with more in it, and once more as it was at first.
/// There is one row, and the sums have the newest version once.
#[tokio::test]
async fn a_call_that_comes_again_counts_once() {
    let (_directory, store) = crate::requests::open();
    let first = Call::chat(1, 1, "gpt-4o", (100, 10)).with("session.id", json!("a"));
    let mut longer = Call::chat(1, 1, "gpt-4o", (100, 20)).with("session.id", json!("b"));
    longer.takes = 200;
    for call in [&first, &first, &longer, &first] {
        write(&store, std::slice::from_ref(call)).await;
    }
    write(
        &store,
        &[
            Call::chat(1, 2, "gpt-4o", (1, 1)),
            Call::chat(1, 2, "gpt-4o", (1, 1)),
        ],
    )
    .await;
    let totals = totals(&store).await;
    assert_eq!(
        (totals.calls, totals.input_tokens, totals.output_tokens),
        (2, 101, 21)
    );
    for (session, calls) in [("a", 0), ("b", 1)] {
        let filter = LlmFilter {
            session: Some(session.to_owned()),
            ..all()
        };
        assert_eq!(rows(&store, filter).await.len(), calls, "{session}");
    }
}

/// A library records a call, another one below it records the same, in either order of arrival.
/// The inner recording counts, with the session that only the outer one knows; another call below it counts, too.
#[tokio::test]
async fn of_a_call_recorded_twice_the_inner_one_counts() {
    for is_reversed in [false, true] {
        let (_directory, store) = crate::requests::open();
        let mut calls = [
            Call::chat(1, 1, "gpt-4o", (100, 10))
                .with("session.id", json!("s"))
                .with("user.id", json!("u")),
            Call::chat(1, 2, "gpt-4o", (100, 10)).under(1),
            Call::chat(1, 3, "gpt-4o-mini", (7, 7)).under(1),
        ];
        if is_reversed {
            calls.reverse();
        }
        for call in calls {
            write(&store, &[call]).await;
        }
        let totals = totals(&store).await;
        assert_eq!(
            (totals.calls, totals.input_tokens),
            (2, 107),
            "{is_reversed}"
        );
        let found = rows(
            &store,
            LlmFilter {
                session: Some("s".to_owned()),
                user: Some("u".to_owned()),
                ..all()
            },
        )
        .await;
        assert_eq!(span_numbers(&found), [2], "{is_reversed}");
        let outer = LlmFilter {
            kinds: LlmKinds::All,
            ..all()
        };
        let outer = rows(&store, outer).await;
        let outer = outer.iter().find(|row| row.span_id.0[0] == 1).unwrap();
        assert_eq!(outer.counts, fanlight_genai::Counts::Aggregate);
    }
}

/// A library that knows what was used has one below it that does not, as streams often have it.
/// The one that knows counts.
#[tokio::test]
async fn the_recording_that_knows_what_was_used_counts() {
    let (_directory, store) = crate::requests::open();
    let inner = json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"});
    write(
        &store,
        &[
            Call::chat(1, 1, "gpt-4o", (100, 10)),
            Call::new(1, 2, inner).under(1),
        ],
    )
    .await;
    let totals = totals(&store).await;
    assert_eq!(
        (totals.calls, totals.input_tokens, totals.unpriced_calls),
        (1, 100, 0)
    );
}

/// An SDK records a call and sends it through the proxy, which records it as well: in the same trace with the client's span
/// between them, or in one of its own because nobody passed the trace on. Another call has the same id, as mocks give out.
/// The proxy's recordings count, once each.
#[tokio::test]
async fn a_call_through_the_proxy_counts_once() {
    let of_proxy = |trace: u8, id: u8, at: u64| Call {
        scope: "fanlight.proxy",
        service: "llm-proxy",
        takes: 50,
        ..Call::chat(trace, id, "gpt-4o", (100, 10))
            .with("gen_ai.response.id", json!("r1"))
            .at(at)
    };
    let of_sdk = |trace: u8, id: u8, at: u64| {
        let call = Call::chat(trace, id, "openai/gpt-4o", (90, 9)).at(at);
        call.with("gen_ai.response.id", json!("r1"))
            .with("session.id", json!("s"))
    };
    for is_reversed in [false, true] {
        let (_directory, store) = crate::requests::open();
        let mut calls = vec![
            of_sdk(1, 1, 0),
            Call {
                name: "POST",
                ..Call::new(1, 2, json!({"http.request.method": "POST"}))
            }
            .under(1),
            of_proxy(1, 3, 10).under(2),
            of_sdk(2, 1, 1000),
            of_proxy(3, 1, 1010),
            of_proxy(4, 1, 5000),
        ];
        if is_reversed {
            calls.reverse();
        }
        for call in calls {
            write(&store, &[call]).await;
        }
        let totals = totals(&store).await;
        assert_eq!(
            (totals.calls, totals.input_tokens),
            (3, 300),
            "{is_reversed}"
        );
        let found = rows(
            &store,
            LlmFilter {
                session: Some("s".to_owned()),
                ..all()
            },
        )
        .await;
        assert_eq!(span_numbers(&found), [1, 3], "{is_reversed}");
        assert_eq!(found[0].service, "llm-proxy");
    }
}

/// The proxy writes the cost that it computed by the same list.
/// It counts as computed, with its parts; what a provider states beside it counts as reported.
#[tokio::test]
async fn what_the_proxy_computed_is_no_report() {
    let (_directory, store) = crate::requests::open();
    let proxied = |id: u8, cost: f64| Call {
        scope: "fanlight.proxy",
        ..Call::chat(1, id, "gpt-4o", (1000, 100)).with("gen_ai.usage.cost", json!(cost))
    };
    write(&store, &[proxied(1, 0.0035), proxied(2, 0.01)]).await;
    for (id, source, has_parts) in [(1, "list", true), (2, "reported", false)] {
        let (trace, span) = ids(1, id);
        let cost = store
            .llm_call(trace, span)
            .await
            .unwrap()
            .unwrap()
            .cost
            .unwrap();
        assert_eq!((cost.source, cost.input.is_some()), (source, has_parts));
    }
}

/// Command-line tools write what their calls used into log records (A22 to A24 of the acceptance cases), some of them twice.
/// Each call counts once, with its cost, in its session, and its record can be looked at.
#[tokio::test]
async fn calls_of_command_line_tools_count() {
    let (_directory, store) = crate::requests::open();
    let claude = json!({"event.name": "api_request", "model": "claude-sonnet-4-5", "input_tokens": "10", "output_tokens": "5",
        "cache_read_tokens": "100", "cache_creation_tokens": "0", "cost_usd": "0.000906", "duration_ms": "1500",
        "session.id": "c1", "user.email": "ann@example.com", "request_id": "req_1"});
    let codex = json!({"event.name": "codex.sse_event", "event.kind": "response.completed", "input_token_count": "23",
        "output_token_count": "7", "cached_token_count": "5", "reasoning_token_count": "3", "model": "gpt-5-codex",
        "conversation.id": "x1"});
    let gemini = json!({"event.name": "gemini_cli.api_response", "model": "gemini-2.5-pro", "input_token_count": 100,
        "output_token_count": 20, "cached_content_token_count": 0, "thoughts_token_count": 30, "tool_token_count": 0,
        "duration_ms": 700});
    let repeated = json!({"event.name": "gen_ai.client.inference.operation.details", "gen_ai.request.model": "gemini-2.5-pro",
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20});
    let session = json!({"service.name": "gemini-cli", "session.id": "g1"});
    let records = [
        record(
            "com.anthropic.claude_code.events",
            "claude_code.api_request",
            5000,
            &claude,
            &json!({"service.name": "claude-code"}),
        ),
        record(
            "com.anthropic.claude_code.events",
            "claude_code.user_prompt",
            3000,
            &json!({"event.name": "user_prompt", "prompt": "fix it", "session.id": "c1"}),
            &json!({"service.name": "claude-code"}),
        ),
        record(
            "codex_otel",
            "codex.sse_event",
            6000,
            &codex,
            &json!({"service.name": "codex_cli_rs"}),
        ),
        record(
            "codex_otel",
            "codex.sse_event",
            6001,
            &json!({"event.kind": "response.output_text.delta", "model": "gpt-5-codex"}),
            &json!({}),
        ),
        record(
            "gemini-cli",
            "gemini_cli.api_response",
            7000,
            &gemini,
            &session,
        ),
        record("gemini-cli", "", 7000, &repeated, &session),
    ];
    for record in &records {
        store.write(record).await.unwrap();
    }
    // An answer got lost, and all of it comes again.
    for record in &records {
        store.write(record).await.unwrap();
    }
    let rows = rows(&store, all()).await;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                &*row.service,
                row.session_id.as_deref().unwrap(),
                row.input_tokens,
                row.output_tokens,
                row.from_log,
            )
        })
        .collect();
    let expected = [
        ("gemini-cli", "g1", Some(100), Some(50), true),
        ("codex_cli_rs", "x1", Some(23), Some(7), true),
        ("claude-code", "c1", Some(110), Some(5), true),
    ];
    assert_eq!(shown, expected);
    assert_eq!(
        (rows[2].cost, rows[2].cost_source),
        (Some(0.000_906), Some("reported"))
    );
    assert_eq!(rows[2].duration_nano, 1_500_000_000);
    assert_eq!(rows[2].start_nano, BEGIN + 3_500_000_000);
    assert!(rows.iter().all(|row| row.cost.is_some()), "{rows:?}");
    let detail = store
        .llm_call(rows[2].trace_id, rows[2].span_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        detail.detail.request_model.as_deref(),
        Some("claude-sonnet-4-5")
    );
    let session = store.llm_session("c1".to_owned()).await.unwrap().unwrap();
    assert_eq!(session.turns.len(), 1);
    assert_eq!(
        session.turns[0].new_messages,
        [fanlight_genai::Message::text("user", "fix it")]
    );
}
