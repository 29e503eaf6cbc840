//! Configuration, conversion, and what answers mean for a part of a request.

use std::io::Read as _;

use fanlight_formats::pprof::Profile;
use fanlight_testkit::{exporter_config, golden, node};

use super::*;

#[test]
fn the_configuration_is_small_and_wrong_ones_say_what_to_write() {
    let config = exporter_config(&KIND, "endpoint: http://pyroscope:4040/");
    assert_eq!(
        config.destination().text,
        "http://pyroscope:4040/push.v1.PusherService/Push (Pyroscope)"
    );
    assert_eq!(config.settings().timeout, TIMEOUT);
    assert_eq!(
        config.signals(),
        [Signal::Profiles].into_iter().collect::<SignalSet>()
    );
    let otlp = exporter_config(&KIND, "{endpoint: 'https://p/base', protocol: otlp}");
    assert_eq!(
        otlp.destination().text,
        "https://p/base/v1development/profiles (Pyroscope)"
    );
    for (yaml, words) in [
        ("{}", "no endpoint to send to"),
        ("{endpoint: 'http://p', protocol: ingest}", "ingest"),
        ("{endpoint: 'http://p', tenant: a}", "tenant_id"),
        (
            "{endpoint: 'http://p', tenant_id: \"a\\nb\"}",
            "a tenant has",
        ),
    ] {
        let Err(error) = decode(&node(yaml)) else {
            panic!("{yaml} is refused")
        };
        assert!(format!("{error:?}").contains(words), "{error:?}");
    }
}

/// A series' profile.
fn profile(series: &series::Series) -> Profile {
    let mut bytes = Vec::new();
    let raw = &series.message.samples[0].raw_profile;
    flate2::read::GzDecoder::new(&raw[..])
        .read_to_end(&mut bytes)
        .unwrap();
    Profile::decode(&bytes[..]).unwrap()
}

fn label<'s>(series: &'s series::Series, name: &str) -> &'s str {
    let mut labels = series.message.labels.iter();
    let found = labels.find(|label| label.name == name);
    found.map_or("", |label| label.value.as_str())
}

#[expect(clippy::too_many_lines, reason = "one golden batch, record by record")]
#[test]
fn stacks_and_values_are_those_of_the_profile() {
    let (series, left_out) = series::series(&golden(Signal::Profiles), 7).unwrap();
    assert_eq!(left_out.items, 0, "{}", left_out.why);
    let names: Vec<_> = series
        .iter()
        .map(|series| {
            (
                label(series, "__name__"),
                label(series, "service_name"),
                series.samples,
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("process_cpu", "checkout", 3),
            ("space", "checkout", 1),
            ("process_cpu", "stock", 1)
        ]
    );
    let cpu = profile(&series[0]);
    let text = |index: i64| cpu.string_table[usize::try_from(index).unwrap()].as_str();
    let function = |id: u64| {
        let function = cpu.function.iter().find(|function| function.id == id);
        text(function.unwrap().name)
    };
    let frames = |index: usize| -> Vec<&str> {
        let ids = cpu.sample[index].location_id.iter();
        let locations = ids.map(|id| cpu.location.iter().find(|location| location.id == *id));
        locations
            .flat_map(|location| {
                location
                    .unwrap()
                    .line
                    .iter()
                    .map(|line| function(line.function_id))
            })
            .collect()
    };
    assert_eq!(
        frames(0),
        ["pay::charge", "main", "main"],
        "an inlined call"
    );
    assert_eq!(frames(1), ["Grüße 世界", "main"]);
    assert!(frames(2).is_empty(), "an address alone");
    let values: Vec<i64> = cpu.sample.iter().map(|sample| sample.value[0]).collect();
    assert_eq!(values, [30_000_000, 10_000_000, 0]);
    let labels: Vec<_> = cpu.sample[0]
        .label
        .iter()
        .map(|label| (text(label.key), text(label.str)))
        .collect();
    assert_eq!(
        labels,
        [
            ("thread.name", "worker"),
            ("span_id", "eee19b7ec3c1b174"),
            ("trace_id", "5b8efff798038103d269b633813fc60c"),
        ]
    );
    assert_eq!(cpu.mapping.len(), 1, "shared by its locations");
    assert_eq!(text(cpu.mapping[0].filename), "/usr/bin/checkout");
    assert_eq!(
        series[0].message.samples[0].id,
        "01020304-0506-0708-090a-0b0c0d0e0f10"
    );
    assert_eq!(
        label(&series[0], "profile_kind"),
        "7",
        "an attribute of the profile"
    );
    assert_eq!(label(&series[0], "deployment_environment_name"), "prüfung");

    let seen = profile(&series[2]);
    assert_eq!(seen.sample[0].value, [2], "each timestamp stands for one");
}

#[test]
fn the_otlp_endpoint_is_spared_what_it_can_not_convert() {
    let prepared = convertible(golden(Signal::Profiles));
    assert_eq!((prepared.batch.items(), prepared.dropped), (3, 2));
    assert!(prepared.why.contains("protocol: push"), "{}", prepared.why);
    let parts = parts(&prepared.batch).unwrap();
    assert_eq!(
        parts,
        [Part {
            profile: 0,
            samples: 3
        }]
    );
}

#[test]
fn the_numbers_of_failed_series_are_read() {
    let words = "3 errors: push series with index 2 and id a failed: x; push series with index 10 and id b failed: y; index 5";
    assert_eq!(failed_series(words), [2, 10].into_iter().collect());
    assert!(failed_series("nothing of the kind").is_empty());
}

#[test]
fn some_profiles_keep_the_dictionary() {
    let batch = golden(Signal::Profiles);
    let rest = only(&batch, |number| number == 1);
    assert_eq!(rest.items(), 1);
    let (series, left_out) = series::series(&rest, 7).unwrap();
    assert_eq!((series.len(), left_out.items), (1, 0));
    assert_eq!(label(&series[0], "__name__"), "space");
}
