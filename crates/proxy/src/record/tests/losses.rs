//! What is lost when there is no room, and how that is told.

use super::*;

/// Scenario: more calls are under way than the buffer has room for.
/// Guarantee: those that find none are not recorded and counted; the others are whole.
#[tokio::test]
async fn calls_without_room_are_counted() {
    let settings = Settings {
        buffer_bytes: 10 << 10,
        ..settings()
    };
    let handed = recorded(settings, |recorder| {
        let open: Vec<_> = (0..8)
            .map(|_| recorder.begin(Told::default().head()))
            .collect();
        for Recording {
            request,
            mut response,
        } in open
        {
            request.end();
            response.head(StatusCode::OK, &HeaderMap::new());
            response.end(End::Complete);
        }
    })
    .await;
    let recorded = handed.spans(|_, _| ()).len() as u64;
    assert!(recorded > 0);
    assert_eq!(
        recorded + handed.refused(Signal::Traces, "proxy_buffer_full"),
        8
    );
}

/// Scenario: a call grows beyond what the buffer holds.
/// Guarantee: its span is there with what was read until then and says so; its exchange is counted as refused.
#[tokio::test]
async fn a_call_that_grows_too_large_loses_its_bodies() {
    let settings = Settings {
        buffer_bytes: 100 << 10,
        ..settings()
    };
    let handed = recorded(settings, |recorder| {
        let told = Told {
            answer: vec![Bytes::from(vec![b' '; 200 << 10])],
            ..Told::default()
        };
        told.tell(recorder);
    })
    .await;
    handed.span(|span, call| {
        assert!(call.unwrap().truncated);
        assert_eq!(
            attribute(&span.attributes, "http.response.body.size"),
            json!(200 << 10)
        );
    });
    assert!(handed.exchanges().is_empty());
    assert_eq!(handed.refused(Signal::Logs, "proxy_buffer_full"), 1);
}

/// Scenario: 512 streams at once, each of them long.
/// Guarantee: together they never take more than the buffer, and everything is given back. (Memory is flat.)
#[tokio::test]
async fn many_streams_stay_within_the_buffer() {
    let most = 4 << 20;
    let settings = Settings {
        buffer_bytes: most,
        ..settings()
    };
    let keeper = fanlight_testkit::Recorder::new(|_| Outcome::Delivered);
    let (hub, inlet) = Hub::with_door(&keeper).await;
    let recorder = Recorder::new(settings, inlet);
    let mut open: Vec<_> = (0..512)
        .map(|_| recorder.begin(Told::default().head()))
        .collect();
    let event = Bytes::from_static(
        b"data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"word \"}}]}\n\n",
    );
    for Recording { response, .. } in &mut open {
        response.head(
            StatusCode::OK,
            &headers(&[("content-type", "text/event-stream".to_owned())]),
        );
    }
    for _ in 0..400 {
        for Recording { response, .. } in &mut open {
            response.chunk(&event);
        }
        assert!(recorder.0.budget.used() <= most);
    }
    for Recording { response, .. } in open {
        response.end(End::Complete);
    }
    recorder.finish().await;
    assert_eq!(recorder.0.budget.used(), 0);
    hub.running.stop(Duration::from_secs(10)).await;
    let handed = Handed {
        batches: keeper.taken(),
        status: hub.status.clone(),
    };
    assert_eq!(handed.spans(|_, _| ()).len(), 512);
}
