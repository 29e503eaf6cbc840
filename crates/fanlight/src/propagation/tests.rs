use super::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn from(headers: &[(&str, &str)]) -> Option<Context> {
    Context::from_headers(|name| {
        let found = headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    })
}

fn injected(context: Context) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    context.inject(|name, value| headers.push((name, value.to_owned())));
    headers
}

#[test]
fn what_is_read_is_written_again() {
    let context = from(&[("traceparent", PARENT)]).unwrap();
    assert_eq!(
        context.trace_id.to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(context.span_id.to_string(), "b7ad6b7169203331");
    assert!(context.is_sampled);
    assert_eq!(injected(context), [("traceparent", PARENT.to_owned())]);
}

#[test]
fn only_the_first_flag_says_that_the_trace_is_recorded() {
    for (flags, is_sampled) in [
        ("00", false),
        ("01", true),
        ("02", false),
        ("03", true),
        ("ff", true),
    ] {
        let parent = PARENT.replace("-01", &format!("-{flags}"));
        assert_eq!(
            from(&[("traceparent", &parent)]).unwrap().is_sampled,
            is_sampled
        );
    }
}

#[test]
fn later_versions_may_say_more() {
    let later = PARENT.replacen("00", "cc", 1);
    assert!(from(&[("traceparent", &later)]).is_some());
    assert!(from(&[("traceparent", &format!("{later}-more-of-it"))]).is_some());
    assert!(from(&[("traceparent", &format!("{later}.more"))]).is_none());
}

#[test]
fn invalid_parents_are_ignored() {
    let zero_trace = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
    let zero_span = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
    let invalid = [
        "",
        "00",
        "garbage",
        zero_trace,
        zero_span,
        &PARENT.to_uppercase(),
        &PARENT.replacen("00", "ff", 1),
        &PARENT.replacen("00", "0", 1),
        &format!("{PARENT}-00"),
        &format!("{PARENT}0"),
        &PARENT.replace('-', "_"),
        &PARENT.replace("b7ad", "b7ag"),
        &PARENT.replace("b7ad", "+7ad"),
        &format!("{PARENT},{PARENT}"),
    ];
    for parent in invalid {
        assert_eq!(from(&[("traceparent", parent)]), None, "{parent}");
    }
}

#[test]
fn trace_state_goes_with_the_children() {
    let state = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,tenant@system=x";
    let remote = from(&[("traceparent", PARENT), ("tracestate", state)]).unwrap();
    let child = crate::context::Local::with(|local| local.child_of(Some(remote))).unwrap();
    assert_eq!(child.trace_id, remote.trace_id);
    assert_eq!(injected(child)[1], ("tracestate", state.to_owned()));
}

#[test]
fn invalid_trace_state_is_left_out_and_the_parent_counts() {
    let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
    let invalid = [
        "a",
        "A=1",
        "a=1,=2",
        "a= =",
        "a@=1",
        "a@B=1",
        "@b=1",
        "a=\u{e9}",
        "",
        ",",
        &many.join(","),
    ];
    for state in invalid {
        let context = from(&[("traceparent", PARENT), ("tracestate", state)]).unwrap();
        assert_eq!(injected(context).len(), 1, "{state}");
    }
}

#[test]
fn baggage_goes_along_and_can_be_changed() {
    let remote = from(&[
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        (
            "baggage",
            "user=J%C3%BCrgen;ttl=5 , broken, plan = pro,a\"b=c,d=e f",
        ),
    ])
    .unwrap();
    let mut baggage = remote.baggage();
    let entries: Vec<_> = baggage.iter().collect();
    assert_eq!(entries, [("user", "Jürgen"), ("plan", "pro")]);
    baggage.set("plan", "a,b %").set("new name", "x");
    let changed = remote.with_baggage(&baggage);
    let expected = "user=J%C3%BCrgen;ttl=5,plan=a%2Cb%20%25,new_name=x";
    assert_eq!(injected(changed)[1], ("tracestate", "a=1".to_owned()));
    assert_eq!(injected(changed)[2], ("baggage", expected.to_owned()));
    assert_eq!(changed.baggage(), baggage);
}

#[test]
fn baggage_too_long_for_a_header_is_left_out() {
    let mut baggage = Baggage::new();
    for number in 0..100 {
        baggage.set(&format!("k{number}"), "x".repeat(200));
    }
    let header = baggage.to_string();
    assert!(header.len() <= 8192);
    assert_eq!(Baggage::parse(&header).get("k0").map(str::len), Some(200));
    assert_eq!(Baggage::parse(&"a=b,".repeat(5000)), Baggage::new());
}
