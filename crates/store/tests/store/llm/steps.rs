//! Agents and their steps.

use fanlight_store::{GraphFilter, TimeRange};

use super::*;

/// A run: the agent asks the model and uses a tool three times, the last time in vain; spans that are no steps lie between.
fn run(trace: u8) -> Vec<Call> {
    let agent = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"});
    let mut calls = vec![Call {
        takes: 10_000,
        name: "invoke_agent planner",
        ..Call::new(trace, 1, agent)
    }];
    for round in 0..3_u8 {
        let at = u64::from(round) * 1000;
        calls.push(
            Call::chat(trace, 10 + round, "gpt-4o", (1000, 0))
                .under(1)
                .at(at + 1),
        );
        let between = Call {
            takes: 300,
            name: "running tools",
            ..Call::new(trace, 20 + round, json!({"x": 1}))
        };
        calls.push(between.under(1).at(at + 200));
        let tool = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"});
        let mut tool = Call {
            name: "execute_tool search",
            ..Call::new(trace, 30 + round, tool)
        };
        tool.error = (round == 2).then_some("no connection");
        calls.push(tool.under(20 + round).at(at + 210));
    }
    calls
}

/// An agent runs twice, once more in another service's trace it is only named by a call.
/// Runs, calls, tools, costs and failures are those of the agent.
#[tokio::test]
async fn agents_come_with_what_their_runs_used() {
    let (_directory, store) = crate::requests::open();
    write(&store, &run(1)).await;
    write(&store, &run(2)).await;
    let named = Call {
        service: "bank",
        ..Call::chat(3, 1, "gpt-4o", (10, 1)).with("gen_ai.agent.name", json!("teller"))
    };
    write(&store, &[named]).await;
    let agents = store.llm_agents(TimeRange::default(), None).await.unwrap();
    let shown: Vec<_> = agents
        .iter()
        .map(|agent| {
            (
                &*agent.name,
                &*agent.service,
                agent.runs,
                agent.errors,
                agent.calls,
                agent.tool_calls,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("planner", "shop", 2, 0, 6, 6),
            ("teller", "bank", 1, 0, 1, 0)
        ]
    );
    assert!(is_near(agents[0].cost.unwrap(), 6.0 * 0.0025));
    assert!(agents[0].p50_nano.abs_diff(10_000_000_000) < 400_000_000);
    assert_eq!(agents[0].example_trace_ids.len(), 2);
    let of_bank = store
        .llm_agents(TimeRange::default(), Some("bank".to_owned()))
        .await
        .unwrap();
    assert_eq!(of_bank.len(), 1);
}

/// The run as a graph, by its trace and by the agent over two runs.
/// Steps follow each other through spans that are none; the loop and the failure stand out.
#[tokio::test]
async fn a_graph_shows_steps_loops_and_failures() {
    let (_directory, store) = crate::requests::open();
    write(&store, &run(1)).await;
    write(&store, &run(2)).await;
    let by_agent = GraphFilter::Agent {
        name: "planner".to_owned(),
        time: TimeRange::default(),
    };
    for (filter, runs) in [(GraphFilter::Trace(ids(1, 1).0), 1), (by_agent, 2)] {
        let graph = store.llm_graph(filter).await.unwrap();
        let nodes: Vec<_> = graph
            .nodes
            .iter()
            .map(|node| (&*node.id, node.count, node.errors))
            .collect();
        let expected = [
            ("agent:planner", runs, 0),
            ("llm:gpt-4o", 3 * runs, 0),
            ("tool:search", 3 * runs, runs),
        ];
        assert_eq!(nodes, expected);
        let edge = |from: &str, to: &str| {
            let edge = graph
                .edges
                .iter()
                .find(|edge| edge.from == from && edge.to == to);
            edge.map(|edge| (edge.count, edge.errors))
        };
        assert_eq!(edge("agent:planner", "llm:gpt-4o"), Some((runs, 0)));
        assert_eq!(edge("llm:gpt-4o", "tool:search"), Some((3 * runs, runs)));
        assert_eq!(edge("tool:search", "llm:gpt-4o"), Some((2 * runs, 0)));
        assert_eq!(graph.edges.len(), 3);
        assert_eq!(graph.loops.len(), 1);
        assert_eq!(
            (graph.loops[0].nodes.join(" "), graph.loops[0].count),
            ("llm:gpt-4o tool:search".to_owned(), 3)
        );
        assert_eq!(graph.failures.len() as u64, runs);
        assert_eq!(
            (&*graph.failures[0].node_id, &*graph.failures[0].message),
            ("tool:search", "no connection")
        );
        assert!(!graph.truncated);
    }
    let nothing = store
        .llm_graph(GraphFilter::Trace(ids(9, 9).0))
        .await
        .unwrap();
    assert_eq!(nothing.nodes, []);
}
