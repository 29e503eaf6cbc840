//! Who may use the dashboard's port.

use crate::hub::{FREE, Hub, fanlight, get, request, run, span, text};

const TOKEN: &str = "a-token-of-the-tests";

/// Scenario: a dashboard would be reachable from other machines, and nobody set a token; or one that is too short.
/// Guarantee: the hub refuses to start with exit code 2 and says how to set one.
#[test]
fn a_dashboard_for_other_machines_needs_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().display().to_string();
    let start = |arguments: &[&str]| {
        let mut command = fanlight(&["serve", "--data-dir", &data, "--dashboard", "0.0.0.0:0"]);
        run(command.args(arguments))
    };
    let refused = start(&[]);
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{error}");
    assert!(
        error.contains("0.0.0.0:0 can be reached from other machines") && error.contains("--token"),
        "{error}"
    );
    let short = start(&["--token", "hunter2"]);
    let error = text(&short.stderr);
    assert_eq!(short.status.code(), Some(2), "{error}");
    assert!(
        error.contains("at least 16 characters") && !error.contains("hunter2"),
        "{error}"
    );
}

/// Scenario: a hub with a token gets requests and telemetry on the dashboard's port, with the token, without it, and
/// under the name of a rebound page.
/// Guarantee: only the token opens it, for OTLP as for the API; a command finds it in FANLIGHT_TOKEN; the summary's link
/// signs in; the token is in no output.
#[test]
fn the_token_opens_the_port_for_telemetry_browsers_and_commands() {
    let hub = Hub::start_in(
        tempfile::tempdir().unwrap(),
        &FREE,
        &[("FANLIGHT_TOKEN", TOKEN)],
    );
    let port = hub.address("Dashboard");
    let otlp = |headers: &str| {
        let head = format!("POST /v1/traces HTTP/1.1\r\nContent-Type: application/json{headers}");
        request(port, &head, span(1, "guarded").as_bytes())
    };
    let (status, head, body) = otlp("");
    assert_eq!(status, 401, "{body}");
    assert!(
        head.contains("www-authenticate: bearer") && body.contains("Authorization: Bearer"),
        "{head} {body}"
    );
    assert_eq!(
        otlp("\r\nAuthorization: Bearer wrong-token-of-tests").0,
        401
    );
    assert_eq!(otlp(&format!("\r\nAuthorization: Bearer {TOKEN}")).0, 200);
    assert_eq!(get(port, "/api/traces").0, 401);
    let link = hub
        .summary
        .lines()
        .find_map(|line| line.split_once("/login"))
        .unwrap()
        .1;
    let link = format!("/login{}", link.split_whitespace().next().unwrap());
    let (status, head, _) = request(port, &format!("GET {link} HTTP/1.1"), b"");
    assert_eq!(status, 303, "{head}");
    assert!(
        head.contains("httponly") && head.contains("samesite=strict"),
        "{head}"
    );
    assert_eq!(get(port, &link).0, 401);
    let arguments = [
        "trace",
        &format!("{:032x}", 2),
        "--data-dir",
        &hub.data_dir(),
    ];
    assert!(text(&run(&mut fanlight(&arguments)).stderr).contains("FANLIGHT_TOKEN"));
    let allowed = run(fanlight(&arguments).env("FANLIGHT_TOKEN", TOKEN));
    assert!(
        text(&allowed.stdout).contains("guarded"),
        "{}",
        text(&allowed.stderr)
    );
    assert!(!hub.summary.contains(TOKEN) && !hub.log().contains(TOKEN));
}

/// Scenario: a page whose name was rebound to this machine sends telemetry to the dashboard's port.
/// Guarantee: it is refused with 403 in OTLP's form, and nothing is stored.
#[test]
fn a_rebound_page_can_not_send_telemetry() {
    let hub = Hub::start(&[]);
    let port = hub.address("Dashboard");
    let body = span(1, "rebound");
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (status, answer) = crate::hub::raw(port, &(head + &body));
    assert_eq!(status, 403, "{answer}");
    assert!(answer.contains("not served as evil.example"), "{answer}");
    assert_eq!(hub.api("/api/traces")["traces"], serde_json::json!([]));
}

/// Scenario: a destination is dead, and the user presses "send test" for it, and for the store.
/// Guarantee: the answers say what happened, for each signal.
#[test]
fn destinations_can_be_tried_while_the_hub_runs() {
    let hub = Hub::with_config(
        "exporters: {otlphttp/dead: {endpoint: 'http://127.0.0.1:1'}}\n\
         receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\ndashboard: {endpoint: '127.0.0.1:0'}\n",
    );
    let try_out = |id: &str| {
        let head =
            format!("POST /api/destinations/{id}/test HTTP/1.1\r\nContent-Type: application/json");
        let (status, _, body) = request(hub.address("Dashboard"), &head, b"{}");
        (status, body)
    };
    let (status, dead) = try_out("otlphttp%2Fdead");
    assert_eq!(status, 200, "{dead}");
    assert!(
        dead.contains("\"outcome\":\"retry\"")
            && dead.contains("traces: ")
            && dead.contains("127.0.0.1:1"),
        "{dead}"
    );
    let (_, store) = try_out("store");
    assert!(store.contains("traces: took it"), "{store}");
    assert_eq!(try_out("nothing").0, 404);
}
