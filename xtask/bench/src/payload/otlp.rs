//! Requests as OTLP protobuf, with placeholders where numbers are written.

use super::{BEGINNING, MARK, Signal, Stamp, UNNUMBERED};

/// An export request of so many items, with one resource and one scope.
pub(super) fn request(signal: Signal, items: usize) -> Vec<u8> {
    let mut resource = Vec::new();
    for (key, value) in [
        ("service.name", "checkout"),
        ("service.version", "1.4.2"),
        ("host.name", "web-17"),
    ] {
        field(&mut resource, 1, &text_attribute(key, value));
    }
    if signal == Signal::Metrics {
        let mut instance = Vec::new();
        let name = [b"checkout-", Stamp::Instance.placeholder().as_slice()].concat();
        field(&mut instance, 1, &name);
        field(
            &mut resource,
            1,
            &attribute("service.instance.id", &instance),
        );
    }
    let mut scope = Vec::new();
    field(&mut scope, 1, b"io.example.http");
    field(&mut scope, 2, b"1.2.3");
    let mut of_scope = Vec::new();
    field(&mut of_scope, 1, &scope);
    match signal {
        Signal::Traces => (0..items).for_each(|index| field(&mut of_scope, 2, &span(index))),
        Signal::Logs => (0..items).for_each(|index| field(&mut of_scope, 2, &log(index))),
        Signal::Metrics => metrics(&mut of_scope, items),
    }
    let mut of_resource = Vec::new();
    field(&mut of_resource, 1, &resource);
    field(&mut of_resource, 2, &of_scope);
    let mut request = Vec::new();
    field(&mut request, 1, &of_resource);
    request
}

fn span(index: usize) -> Vec<u8> {
    let mut span = Vec::new();
    field(&mut span, 1, &trace_id(index));
    field(&mut span, 2, &span_id(index));
    field(&mut span, 5, b"GET /api/orders/{id}");
    number(&mut span, 6, 2);
    let start = BEGINNING + index as u64 * 1_000_003;
    fixed(&mut span, 7, start);
    fixed(&mut span, 8, start + 12_345_678 + index as u64 * 977);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("url.scheme", "https"),
        ("server.address", "shop.example.com"),
        ("http.route", "/api/orders/{id}"),
        ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("network.protocol.version", "1.1"),
    ] {
        field(&mut span, 9, &text_attribute(key, value));
    }
    field(
        &mut span,
        9,
        &text_attribute("url.path", &format!("/api/orders/{}", 100_000 + index * 37)),
    );
    for (key, value) in [
        ("http.response.status_code", 200 + (index as u64 % 5)),
        ("server.port", 443),
        ("http.response.body.size", 1_000 + index as u64 * 13),
    ] {
        field(&mut span, 9, &number_attribute(key, value));
    }
    span
}

fn log(index: usize) -> Vec<u8> {
    let mut log = Vec::new();
    let time = BEGINNING + index as u64 * 1_000_003;
    fixed(&mut log, 1, time);
    number(&mut log, 2, 9);
    field(&mut log, 3, b"INFO");
    let text = format!(
        "order {} of customer {} accepted, 3 items, reserved until noon",
        100_000 + index * 37,
        4_000 + index * 7
    );
    let mut body = Vec::new();
    field(&mut body, 1, text.as_bytes());
    field(&mut log, 5, &body);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/orders"),
        ("thread.name", "worker-3"),
        ("code.function.name", "orders::accept"),
    ] {
        field(&mut log, 6, &text_attribute(key, value));
    }
    for (key, value) in [
        ("order.items", 3),
        ("customer.id", 4_000 + index as u64 * 7),
    ] {
        field(&mut log, 6, &number_attribute(key, value));
    }
    field(&mut log, 9, &trace_id(index));
    field(&mut log, 10, &span_id(index));
    fixed(&mut log, 11, time + 1_000);
    log
}

/// One gauge with the sequence number; of the other points, a fifth histograms, half sums, the rest gauges.
fn metrics(of_scope: &mut Vec<u8>, items: usize) {
    let mut points = Vec::new();
    field(
        &mut points,
        1,
        &value_point(0, Stamp::Value.placeholder(), &[]),
    );
    field(of_scope, 2, &metric("load.request", "", 5, &points));

    let (histograms, sums) = (items / 5, items / 2);
    let mut points = Vec::new();
    for index in 0..histograms {
        field(&mut points, 1, &histogram_point(index));
    }
    number(&mut points, 2, 2);
    field(
        of_scope,
        2,
        &metric("http.server.request.duration", "s", 9, &points),
    );

    let mut points = Vec::new();
    for index in 0..sums {
        let value = (1_000.0 + index as f64).to_le_bytes();
        field(
            &mut points,
            1,
            &value_point(BEGINNING, value, &attributes(index, 7)),
        );
    }
    number(&mut points, 2, 2);
    number(&mut points, 3, 1);
    field(
        of_scope,
        2,
        &metric("http.server.requests", "{request}", 7, &points),
    );

    let mut points = Vec::new();
    for index in 0..items.saturating_sub(histograms + sums + 1) {
        let value = (0.5 + index as f64).to_le_bytes();
        field(
            &mut points,
            1,
            &value_point(0, value, &attributes(index, 7)),
        );
    }
    field(
        of_scope,
        2,
        &metric("process.memory.usage", "By", 5, &points),
    );
}

/// A metric whose data stand in the field of this number.
fn metric(name: &str, unit: &str, data: u64, points: &[u8]) -> Vec<u8> {
    let mut metric = Vec::new();
    field(&mut metric, 1, name.as_bytes());
    field(
        &mut metric,
        2,
        b"What the load generator says that it measures.",
    );
    field(&mut metric, 3, unit.as_bytes());
    field(&mut metric, data, points);
    metric
}

/// A `NumberDataPoint`.
fn value_point(start: u64, value: [u8; 8], attributes: &[u8]) -> Vec<u8> {
    let mut point = Vec::new();
    if start > 0 {
        fixed(&mut point, 2, start);
    }
    eight_bytes(&mut point, 3, Stamp::Time.placeholder());
    eight_bytes(&mut point, 4, value);
    point.extend_from_slice(attributes);
    point
}

/// A `HistogramDataPoint` of ten bounds.
fn histogram_point(index: usize) -> Vec<u8> {
    let mut point = Vec::new();
    fixed(&mut point, 2, BEGINNING);
    eight_bytes(&mut point, 3, Stamp::Time.placeholder());
    fixed(&mut point, 4, 110);
    eight_bytes(&mut point, 5, (12.5 + index as f64).to_le_bytes());
    let counts: Vec<u8> = (5_u64..16).flat_map(u64::to_le_bytes).collect();
    field(&mut point, 6, &counts);
    let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let bounds: Vec<u8> = bounds.into_iter().flat_map(f64::to_le_bytes).collect();
    field(&mut point, 7, &bounds);
    point.extend_from_slice(&attributes(index, 9));
    point
}

/// The attributes of a data point, in the field of this number.
fn attributes(index: usize, number: u64) -> Vec<u8> {
    let mut attributes = Vec::new();
    for (key, value) in [
        ("http.request.method", "GET"),
        ("url.scheme", "https"),
        ("http.route", &format!("/api/orders/{index}")),
    ] {
        field(&mut attributes, number, &text_attribute(key, value));
    }
    let status = number_attribute("http.response.status_code", 200 + (index as u64 % 5));
    field(&mut attributes, number, &status);
    attributes
}

fn trace_id(index: usize) -> Vec<u8> {
    match index {
        0 => [MARK, Stamp::Number.placeholder()].concat(),
        _ => {
            let other = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            [UNNUMBERED, other.to_be_bytes()].concat()
        }
    }
}

fn span_id(index: usize) -> [u8; 8] {
    (index as u64 + 1)
        .wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        .to_be_bytes()
}

fn text_attribute(key: &str, text: &str) -> Vec<u8> {
    let mut value = Vec::new();
    field(&mut value, 1, text.as_bytes());
    attribute(key, &value)
}

fn number_attribute(key: &str, integer: u64) -> Vec<u8> {
    let mut value = Vec::new();
    number(&mut value, 3, integer);
    attribute(key, &value)
}

fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
    let mut attribute = Vec::new();
    field(&mut attribute, 1, key.as_bytes());
    field(&mut attribute, 2, value);
    attribute
}

fn field(into: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(into, number << 3 | 2);
    varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn number(into: &mut Vec<u8>, number: u64, value: u64) {
    varint(into, number << 3);
    varint(into, value);
}

fn fixed(into: &mut Vec<u8>, number: u64, value: u64) {
    eight_bytes(into, number, value.to_le_bytes());
}

fn eight_bytes(into: &mut Vec<u8>, number: u64, bytes: [u8; 8]) {
    varint(into, number << 3 | 1);
    into.extend_from_slice(&bytes);
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
