//! The tables of otlptranslator's own tests, as far as they are facts of the format.

use super::*;

fn names(strategy: Strategy) -> Names {
    Names::new("", Some(strategy), true)
}

#[test]
fn metric_names_get_units_and_types() {
    let names = names(Strategy::UnderscoreEscapingWithSuffixes);
    for (name, unit, kind, expected) in [
        (
            "http.server.duration",
            "s",
            Type::Histogram,
            "http_server_duration_seconds",
        ),
        (
            "http.server.requests",
            "{request}",
            Type::Counter,
            "http_server_requests_total",
        ),
        (
            "system.memory.usage",
            "By",
            Type::Gauge,
            "system_memory_usage_bytes",
        ),
        (
            "process.cpu.utilization",
            "1",
            Type::Gauge,
            "process_cpu_utilization_ratio",
        ),
        ("orders", "1", Type::Counter, "orders_total"),
        ("orders.total", "1", Type::Counter, "orders_total"),
        ("total.orders", "", Type::Counter, "orders_total"),
        ("disk.io", "By/s", Type::Gauge, "disk_io_bytes_per_second"),
        ("speed", "km/h", Type::Gauge, "speed_km_per_hour"),
        ("disk.io.bytes", "By", Type::UpDownCounter, "disk_io_bytes"),
        ("broken", "{x}/s", Type::Gauge, "broken_per_second"),
        ("a..b--c", "", Type::Gauge, "a_b_c"),
        ("99th", "", Type::Gauge, "_99th"),
        ("ns:metric", "", Type::Gauge, "ns:metric"),
        ("größe", "Cel", Type::Gauge, "gr_e_celsius"),
        ("x", "°C", Type::Gauge, "x_C"),
    ] {
        assert_eq!(
            names.metric(name, unit, kind).as_deref(),
            Some(expected),
            "{name} {unit}"
        );
    }
    for nothing in ["", "温度", "...", "_"] {
        assert_eq!(names.metric(nothing, "s", Type::Counter), None, "{nothing}");
    }
}

#[test]
fn strategies_differ_in_suffixes_and_escaping() {
    for (strategy, expected) in [
        (
            Strategy::UnderscoreEscapingWithSuffixes,
            "disk_io_bytes_per_second_total",
        ),
        (Strategy::UnderscoreEscapingWithoutSuffixes, "disk_io"),
        (
            Strategy::NoUTF8EscapingWithSuffixes,
            "disk.io_bytes_per_second_total",
        ),
        (Strategy::NoTranslation, "disk.io"),
    ] {
        let made = names(strategy).metric("disk.io", "By/s", Type::Counter);
        assert_eq!(made.as_deref(), Some(expected), "{strategy:?}");
    }
    assert_eq!(
        names(Strategy::NoUTF8EscapingWithSuffixes)
            .metric("温度_total", "Cel", Type::Counter)
            .as_deref(),
        Some("温度_celsius_total")
    );
    let old = Names::new("my.app", None, false);
    assert_eq!(
        old.metric("disk.io", "By", Type::Counter).as_deref(),
        Some("my_app_disk_io")
    );
}

#[test]
fn label_names_are_sanitised_and_never_empty() {
    let names = names(Strategy::UnderscoreEscapingWithSuffixes);
    for (key, expected) in [
        ("http.route", "http_route"),
        ("plain_1", "plain_1"),
        ("a__b", "a_b"),
        ("1st", "key_1st"),
        ("_private", "_private"),
        ("__reserved__", "__reserved__"),
        ("ключ", "key_"),
        ("", "key"),
        ("größe", "gr_e"),
    ] {
        assert_eq!(names.label(key), expected, "{key}");
    }
    assert_eq!(
        super::Names::new("", Some(Strategy::NoTranslation), true).label("http.route"),
        "http.route"
    );
}

#[test]
fn units_are_spelt_out() {
    let names = names(Strategy::UnderscoreEscapingWithSuffixes);
    for (unit, expected) in [
        ("s", "seconds"),
        ("By/s", "bytes_per_second"),
        ("1", ""),
        ("{x}", ""),
        ("%", "percent"),
    ] {
        assert_eq!(names.unit(unit), expected);
    }
}
