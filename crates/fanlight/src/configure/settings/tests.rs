//! The acceptance cases that are settled before anything is sent, on maps of variables.

use fanlight_config::Environment;
use fanlight_otlp::view::Value;

use super::*;
use crate::configure::{Configuration, configure};
use crate::destination::settings::{Compression, Encoding};
use crate::{Level, LogForm};

/// What holds in a program that is no test.
fn settings_of(configuration: Configuration, variables: &[(&str, &str)]) -> Settings {
    let machine = Machine {
        environment: variables.iter().copied().collect::<Environment>(),
        executable: Some("/opt/shop".into()),
        ..Machine::default()
    };
    Settings::resolve(configuration.asked, &machine).unwrap()
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    settings_of(configure().service_name("shop"), variables)
}

/// Each destination's URLs.
fn urls(settings: &Settings) -> Vec<&str> {
    let targets = settings.destinations.iter().flat_map(|one| &one.targets);
    targets.map(|target| target.url.as_str()).collect()
}

fn headers(settings: &Settings) -> Vec<Vec<(&str, &str)>> {
    let targets = settings.destinations.iter().map(|one| &one.targets[0]);
    targets
        .map(|target| {
            target
                .headers
                .iter()
                .map(|(name, value)| (name, value.expose()))
                .collect()
        })
        .collect()
}

const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const TOKEN: &str = "LOGFIRE_TOKEN";

fn all(base: &str) -> Vec<String> {
    ["/v1/traces", "/v1/metrics", "/v1/logs"]
        .map(|path| format!("{base}{path}"))
        .to_vec()
}

#[test]
fn a1_base_endpoint_gets_signal_paths() {
    for base in ["http://h:4318", "http://h:4318/"] {
        assert_eq!(
            urls(&settings(&[(BASE, base)])),
            all("http://h:4318"),
            "{base}"
        );
    }
}

#[test]
fn a2_signal_paths_follow_a_base_path() {
    for base in ["https://h/some/base", "https://h/otlp/"] {
        let expected = all(base.trim_end_matches('/'));
        assert_eq!(urls(&settings(&[(BASE, base)])), expected, "{base}");
    }
}

#[test]
fn a3_a_signal_endpoint_is_used_as_it_is() {
    let own = settings(&[(TRACES, "http://h:4318/custom/")]);
    assert_eq!(urls(&own), ["http://h:4318/custom/"]);
    let both = settings(&[(BASE, "http://h:4318"), (TRACES, "http://t:1/custom?key=a")]);
    assert_eq!(
        urls(&both),
        [
            "http://t:1/custom?key=a",
            "http://h:4318/v1/metrics",
            "http://h:4318/v1/logs"
        ]
    );
    assert!(!format!("{both:?}").contains("key=a"), "{both:?}");
}

#[test]
fn a4_without_an_endpoint_and_with_send_never_nothing_is_opened() {
    let never = settings(&[("LOGFIRE_SEND_TO_LOGFIRE", "false")]);
    assert!(never.destinations.is_empty() && !never.looks_for_hub);
    let never = settings_of(configure().send_to_logfire(false), &[]);
    assert!(never.destinations.is_empty() && !never.looks_for_hub);
    assert!(settings(&[]).looks_for_hub);
}

#[test]
fn a5_an_empty_variable_is_unset() {
    let variables = super::super::variables::TABLE
        .iter()
        .map(|variable| variable.name);
    let otlp = super::super::variables::OTLP_TABLE
        .iter()
        .flat_map(|variable| {
            let own = variable.signals.iter().map(|(_, name)| *name);
            own.chain([variable.general])
        });
    for blank in ["", "  ", "\"\""] {
        let blanks: Vec<_> = variables
            .clone()
            .chain(otlp.clone())
            .map(|name| (name, blank))
            .collect();
        let settings = settings(&blanks);
        assert_eq!(settings.warnings, [""; 0], "{blank:?}");
        assert!(settings.destinations.is_empty() && !settings.is_disabled);
        assert_eq!(settings.filter, directives::filter([]));
        assert_eq!(settings.sample_rate, 1.0);
    }
}

#[test]
fn a6_other_exporters_keep_a_signal_back() {
    for (variable, kept) in [
        (
            "OTEL_TRACES_EXPORTER",
            ["http://h/v1/metrics", "http://h/v1/logs"],
        ),
        (
            "OTEL_METRICS_EXPORTER",
            ["http://h/v1/traces", "http://h/v1/logs"],
        ),
        (
            "OTEL_LOGS_EXPORTER",
            ["http://h/v1/traces", "http://h/v1/metrics"],
        ),
    ] {
        for exporter in ["none", "None", "console", "zipkin", "nonsense"] {
            let settings = settings(&[(BASE, "http://h"), (variable, exporter)]);
            assert_eq!(urls(&settings), kept, "{variable}={exporter}");
            let is_told = !exporter.eq_ignore_ascii_case("none");
            assert_eq!(settings.warnings.len(), usize::from(is_told), "{exporter}");
        }
        for exporter in ["otlp", "OTLP", "", "otlp,console"] {
            let settings = settings(&[(BASE, "http://h"), (variable, exporter)]);
            assert_eq!(urls(&settings), all("http://h"), "{variable}={exporter}");
        }
    }
}

#[test]
fn a6_logs_that_nobody_wants_do_not_come_as_spans() {
    let settings = settings(&[(BASE, "http://h"), ("OTEL_LOGS_EXPORTER", "none")]);
    assert_eq!(settings.destinations[0].form.logs, LogForm::Nothing);
}

#[test]
fn a7_an_invalid_address_is_named_and_not_replaced() {
    for (address, words) in [
        ("localhost:4318", "write http://localhost:4318"),
        ("ftp://h", "no scheme of an endpoint"),
        ("http://", "the host is missing"),
        ("https://me:s3cret@h", "holds no credentials"),
        ("http://h:99999", "the port is not a number"),
    ] {
        let settings = settings(&[(BASE, address)]);
        assert!(settings.destinations.is_empty(), "{address}");
        let [warning] = settings.warnings.as_slice() else {
            panic!("{:?}", settings.warnings)
        };
        assert!(
            warning.starts_with(BASE) && warning.contains(words),
            "{warning}"
        );
        assert!(!warning.contains("s3cret"), "{warning}");
    }
    // One bad address leaves the others alone.
    let others = settings(&[(BASE, "http://h"), (TRACES, "nonsense")]);
    assert_eq!(urls(&others), ["http://h/v1/metrics", "http://h/v1/logs"]);
}

#[test]
fn a8_protocols_and_ports_of_grpc_draw_a_hint() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
    ] {
        let settings = settings(&[(BASE, "http://h:4318"), (name, value)]);
        assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
        assert!(settings.warnings[0].starts_with(name) && settings.warnings[0].contains("4318"));
        assert_eq!(settings.destinations.len(), 1);
    }
    let json = settings(&[
        (BASE, "http://h"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
    ]);
    let targets = json.destinations[0].targets.iter();
    let encodings: Vec<_> = targets.map(|target| target.encoding).collect();
    assert_eq!(
        encodings,
        [Encoding::Protobuf, Encoding::Protobuf, Encoding::Json]
    );
    let grpc_port = settings(&[(BASE, "http://h:4317")]);
    assert!(grpc_port.warnings[0].contains("4317") && grpc_port.warnings[0].contains("4318"));
    let usual = settings(&[
        (BASE, "http://h"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ]);
    assert_eq!(usual.warnings, [""; 0]);
}

#[test]
fn b2_traces_alone_get_logs_as_spans() {
    let settings = settings(&[(TRACES, "http://h:4318/v1/traces")]);
    let [jaeger] = settings.destinations.as_slice() else {
        panic!("{settings:?}")
    };
    assert!(jaeger.form.spans && jaeger.form.logs == LogForm::Spans && !jaeger.form.starts);
    assert_eq!(urls(&settings), ["http://h:4318/v1/traces"]);
}

#[test]
fn b4_generic_destinations_get_no_pending_spans() {
    let settings = settings(&[(BASE, "http://h"), (TOKEN, "pylf_v1_us_1")]);
    let starts: Vec<_> = settings
        .destinations
        .iter()
        .map(|one| (one.name.as_str(), one.form.starts))
        .collect();
    assert_eq!(starts, [("Logfire", true), ("OTLP", false)]);
}

#[test]
fn b6_a_program_without_a_name_is_told_so() {
    let unnamed = settings_of(configure(), &[]);
    let name = unnamed.resource.get("service.name");
    assert_eq!(name, Some(Value::Str("unknown_service:shop")));
    assert!(!unnamed.is_named);
    for named in [
        ("OTEL_SERVICE_NAME", "a"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a"),
    ] {
        let settings = settings_of(configure(), &[named]);
        assert_eq!(settings.resource.get("service.name"), Some(Value::Str("a")));
        assert!(settings.is_named);
    }
}

#[test]
fn c1_langfuse_by_variables_gets_its_credentials_whole() {
    for (base, value) in [
        (
            "https://cloud.langfuse.com/api/public/otel",
            "Authorization=Basic cGs6c2s=",
        ),
        (
            "http://localhost:3000/api/public/otel",
            "Authorization=Basic%20cGs6c2s%3D",
        ),
        (
            "http://localhost:3000/api/public/otel/",
            "\"Authorization=Basic cGs6c2s=\"",
        ),
    ] {
        let settings = settings(&[(BASE, base), (HEADERS, value)]);
        let traces = format!("{}/v1/traces", base.trim_end_matches('/'));
        assert_eq!(
            urls(&settings),
            [traces],
            "C2, C3: neither metrics nor logs"
        );
        assert_eq!(
            headers(&settings),
            [[
                ("Authorization", "Basic cGs6c2s="),
                ("x-langfuse-ingestion-version", "4")
            ]]
        );
        assert_eq!(settings.destinations[0].form.logs, LogForm::Spans, "C3");
        assert_eq!(settings.destinations[0].name, "Langfuse");
    }
}

#[test]
fn e1_every_way_to_write_grafanas_header_is_the_same() {
    for value in [
        "Authorization=Basic MTp0b2tlbg==",
        "Authorization=Basic%20MTp0b2tlbg%3D%3D",
        "Authorization=Basic%20MTp0b2tlbg==",
        "\"Authorization=Basic MTp0b2tlbg==\"",
        "'Authorization=Basic MTp0b2tlbg=='",
    ] {
        let base = "https://otlp-gateway-prod-eu-west-0.grafana.net/otlp";
        let settings = settings(&[(BASE, base), (HEADERS, value)]);
        assert_eq!(
            headers(&settings),
            [[("Authorization", "Basic MTp0b2tlbg==")]],
            "{value}"
        );
        assert_eq!(urls(&settings), all(base));
    }
}

#[test]
fn f2_logfire_and_an_endpoint_both_get_everything() {
    let settings = settings(&[(TOKEN, "pylf_v1_eu_1"), (BASE, "http://h")]);
    let expected: Vec<_> = [all("https://logfire-eu.pydantic.dev"), all("http://h")].concat();
    assert_eq!(urls(&settings), expected);
    assert_eq!(settings.destinations.len(), 2);
}

#[test]
fn f3_every_token_is_a_destination() {
    let several = settings(&[(TOKEN, "pylf_v1_eu_1, pylf_v1_us_2,")]);
    assert_eq!(
        headers(&several),
        [
            [("Authorization", "pylf_v1_eu_1")],
            [("Authorization", "pylf_v1_us_2")]
        ]
    );
    let names: Vec<_> = several
        .destinations
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["Logfire", "Logfire 2"]);
}

#[test]
fn f4_no_credential_goes_to_anybody_else() {
    let configuration = configure()
        .service_name("shop")
        .destination(crate::Backend::jaeger());
    let settings = settings_of(
        configuration,
        &[
            (TOKEN, "pylf_v1_us_s3cret"),
            (BASE, "http://h"),
            (HEADERS, "Authorization=Bearer other"),
        ],
    );
    assert_eq!(
        headers(&settings),
        [
            vec![("Authorization", "pylf_v1_us_s3cret")],
            vec![],
            vec![("Authorization", "Bearer other")]
        ]
    );
    assert!(
        !format!("{settings:?}").contains("s3cret") && !format!("{settings:?}").contains("other")
    );
}

#[test]
fn g1_without_logfire_the_endpoint_still_gets_everything() {
    let variables = [(TOKEN, "pylf_v1_us_1"), (BASE, "http://h")];
    let by_code = settings_of(configure().send_to_logfire(false), &variables);
    assert_eq!(urls(&by_code), all("http://h"));
    let by_variable = settings(&[
        variables[0],
        variables[1],
        ("LOGFIRE_SEND_TO_LOGFIRE", "NO"),
    ]);
    assert_eq!(urls(&by_variable), all("http://h"));
}

#[test]
fn g2_without_a_token_if_token_present_is_silent_and_always_warns_once() {
    let silent = settings(&[
        ("LOGFIRE_SEND_TO_LOGFIRE", "if_token_present"),
        (BASE, "http://h"),
    ]);
    assert_eq!(silent.warnings, [""; 0]);
    assert_eq!(urls(&silent), all("http://h"));
    let asked = settings(&[("LOGFIRE_SEND_TO_LOGFIRE", "true"), (BASE, "http://h")]);
    assert_eq!(asked.warnings.len(), 1);
    assert!(
        asked.warnings[0].contains("LOGFIRE_TOKEN"),
        "{:?}",
        asked.warnings
    );
    assert_eq!(urls(&asked), all("http://h"));
}

#[test]
fn g3_an_unknown_spelling_is_told_with_those_that_are_known() {
    let settings = settings(&[
        ("LOGFIRE_SEND_TO_LOGFIRE", "perhaps"),
        (TOKEN, "pylf_v1_us_1"),
    ]);
    let words = "true, 1, t, yes, always, false, 0, f, no, never or if-token-present";
    assert!(
        settings.warnings[0].contains(words),
        "{:?}",
        settings.warnings
    );
    assert_eq!(settings.destinations.len(), 1);
    let error = Settings::resolve(
        configure().send_to_logfire("perhaps").asked,
        &Machine::default(),
    );
    assert!(error.unwrap_err().to_string().contains(words));
    let asked = configure().send_to_logfire("No").asked;
    assert_eq!(asked.logfire.send, Some(super::super::SendToLogfire::Never));
}

#[test]
fn g4_tests_send_nothing_unless_asked() {
    let machine = |variables: &[(&str, &str)]| Machine {
        environment: variables.iter().copied().collect(),
        is_test: true,
        ..Machine::default()
    };
    let in_code = || configure().token("pylf_v1_us_1").asked;
    let quiet = Settings::resolve(in_code(), &machine(&[(TOKEN, "pylf_v1_us_1")])).unwrap();
    assert!(quiet.destinations.is_empty() && !quiet.looks_for_hub && quiet.disk.is_none());
    assert_eq!(quiet.warnings, [""; 0]);
    assert!(quiet.is_quiet);
    let asked =
        Settings::resolve(in_code(), &machine(&[("LOGFIRE_SEND_TO_LOGFIRE", "true")])).unwrap();
    assert_eq!(asked.destinations.len(), 1);
    let endpoint = Settings::resolve(in_code(), &machine(&[(BASE, "http://h")])).unwrap();
    assert_eq!(urls(&endpoint), all("http://h"));
}

#[test]
fn h2_a_signal_endpoint_without_a_path_draws_a_hint() {
    let bare = settings(&[(TRACES, "http://h:4318")]);
    assert!(
        bare.warnings[0].contains("http://h:4318/v1/traces"),
        "{:?}",
        bare.warnings
    );
    assert_eq!(urls(&bare), ["http://h:4318/"]);
    let base = settings(&[(BASE, "http://h:4318/v1/traces")]);
    assert!(
        base.warnings[0].contains("leave the signal's path out"),
        "{:?}",
        base.warnings
    );
}

#[test]
fn h4_headers_are_read_as_people_write_them() {
    for (text, expected) in [
        (
            "Authorization = Bearer x",
            vec![("Authorization", "Bearer x")],
        ),
        (
            "Authorization=Bearer x",
            vec![("Authorization", "Bearer x")],
        ),
        ("a=1,b=2,", vec![("a", "1"), ("b", "2")]),
        ("a=x%20y%2Cz", vec![("a", "x y,z")]),
        ("a=b=c==", vec![("a", "b=c==")]),
        ("a=1,A=2", vec![("A", "2")]),
    ] {
        let settings = settings(&[(BASE, "http://h"), (HEADERS, text)]);
        assert_eq!(headers(&settings), [expected], "{text}");
        assert_eq!(settings.warnings, [""; 0]);
    }
    let bad = settings(&[
        (BASE, "http://h"),
        (HEADERS, "good=1,key with blanks=s3cret,s3cret"),
    ]);
    assert_eq!(headers(&bad), [[("good", "1")]]);
    assert_eq!(bad.warnings.len(), 2, "{:?}", bad.warnings);
    assert!(
        bad.warnings
            .iter()
            .all(|text| text.starts_with(HEADERS) && !text.contains("s3cret"))
    );
}

#[test]
fn h4_the_headers_of_a_signal_replace_the_general_ones() {
    let settings = settings(&[
        (BASE, "http://h"),
        (HEADERS, "a=1"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "b=2"),
    ]);
    let targets = &settings.destinations[0].targets;
    let header = |index: usize, name| targets[index].headers.get(name).is_some();
    assert!(header(0, "a") && header(1, "b") && !header(1, "a") && header(2, "a"));
    assert_eq!(targets[1].credentials, "OTEL_EXPORTER_OTLP_METRICS_HEADERS");
}

#[test]
fn h6_timeouts_count_milliseconds() {
    let timeout = |text| {
        let settings = settings(&[(BASE, "http://h"), ("OTEL_EXPORTER_OTLP_TIMEOUT", text)]);
        (
            settings.destinations[0].targets[0].timeout.as_millis(),
            settings.warnings,
        )
    };
    assert_eq!(timeout("10000"), (10_000, vec![]));
    let (seconds, warnings) = timeout("10");
    assert_eq!(seconds, 10);
    assert!(
        warnings[0].contains("write 10000 for 10 seconds"),
        "{warnings:?}"
    );
    for bad in ["0", "-1", "1.5", "10s"] {
        let (usual, warnings) = timeout(bad);
        assert_eq!((usual, warnings.len()), (10_000, 1), "{bad}: {warnings:?}");
    }
}

#[test]
fn h7_compression_is_gzip_or_none() {
    let compression = |text, base| {
        let settings = settings(&[(BASE, base), ("OTEL_EXPORTER_OTLP_COMPRESSION", text)]);
        (
            settings.destinations[0].targets[0].compression,
            settings.warnings.len(),
        )
    };
    assert_eq!(
        compression("gzip", "http://localhost"),
        (Compression::Gzip, 0)
    );
    assert_eq!(compression("none", "http://h"), (Compression::None, 0));
    assert_eq!(compression("", "http://h"), (Compression::default(), 0));
    assert_eq!(
        compression("", "http://127.0.0.1:4318"),
        (Compression::None, 0)
    );
    for unknown in ["deflate", "zstd", "nonsense"] {
        assert_eq!(
            compression(unknown, "http://h"),
            (Compression::None, 1),
            "{unknown}"
        );
    }
}

#[test]
fn a_disabled_sdk_does_nothing_and_says_nothing() {
    let settings = settings(&[
        ("OTEL_SDK_DISABLED", "true"),
        (BASE, "nonsense"),
        (TOKEN, "t"),
    ]);
    assert!(settings.is_disabled && settings.destinations.is_empty() && !settings.looks_for_hub);
}

#[test]
fn the_code_wins_over_variables() {
    let configuration = configure()
        .service_name("code")
        .environment("staging")
        .resource_attribute("team", 7)
        .min_level(Level::Error)
        .sample_rate(0.5)
        .token("pylf_v1_us_code")
        .without_spool();
    let settings = settings_of(
        configuration,
        &[
            ("OTEL_SERVICE_NAME", "variable"),
            ("LOGFIRE_ENVIRONMENT", "variable"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=a,region=b"),
            ("FANLIGHT_LOG", "trace,shop=debug"),
            ("LOGFIRE_TRACE_SAMPLE_RATE", "0.1"),
            (TOKEN, "pylf_v1_us_variable"),
            ("FANLIGHT_SPOOL_DIR", "/variable"),
        ],
    );
    let get = |key| settings.resource.get(key);
    assert_eq!(get("service.name"), Some(Value::Str("code")));
    assert_eq!(
        get("deployment.environment.name"),
        Some(Value::Str("staging"))
    );
    assert_eq!(get("team"), Some(Value::Int(7)));
    assert_eq!(get("region"), Some(Value::Str("b")));
    assert_eq!(settings.filter.minimum, Some(Level::Error));
    assert!(settings.filter.wants("shop", Level::Debug));
    assert_eq!(settings.sample_rate, 0.5);
    assert_eq!(headers(&settings), [[("Authorization", "pylf_v1_us_code")]]);
    assert_eq!(settings.disk, None);
}

#[test]
fn logfires_variables_win_over_opentelemetrys() {
    let settings = settings_of(
        configure(),
        &[
            ("OTEL_SERVICE_NAME", "otel"),
            ("LOGFIRE_SERVICE_NAME", "logfire"),
            ("OTEL_SERVICE_VERSION", "1"),
            ("LOGFIRE_TRACE_SAMPLE_RATE", "0.5"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("RUST_LOG", "warn"),
            ("LOGFIRE_MIN_LEVEL", "notice"),
        ],
    );
    assert_eq!(
        settings.resource.get("service.name"),
        Some(Value::Str("logfire"))
    );
    assert_eq!(
        settings.resource.get("service.version"),
        Some(Value::Str("1"))
    );
    assert_eq!(settings.sample_rate, 0.5);
    assert_eq!(settings.filter.minimum, Some(Level::Notice));
}

#[test]
fn samplers_are_those_of_the_specification() {
    for (variables, rate, warnings) in [
        (vec![("OTEL_TRACES_SAMPLER", "always_off")], 0.0, 0),
        (
            vec![
                ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
            ],
            1.0,
            0,
        ),
        (
            vec![
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
            ],
            0.1,
            0,
        ),
        (vec![("OTEL_TRACES_SAMPLER_ARG", "0.1")], 0.1, 0),
        (vec![("OTEL_TRACES_SAMPLER", "jaeger_remote")], 1.0, 1),
        (vec![("OTEL_TRACES_SAMPLER_ARG", "2")], 1.0, 1),
        (vec![("LOGFIRE_TRACE_SAMPLE_RATE", "NaN")], 1.0, 1),
    ] {
        let settings = settings(&variables);
        assert_eq!(
            (settings.sample_rate, settings.warnings.len()),
            (rate, warnings),
            "{variables:?}"
        );
    }
    let error = Settings::resolve(configure().sample_rate(2.0).asked, &Machine::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "the sample rate is 2, but it must be from 0 to 1"
    );
}

#[test]
fn the_console_is_as_the_variables_say_until_the_code_does() {
    let variables = [
        ("LOGFIRE_CONSOLE", "true"),
        ("LOGFIRE_CONSOLE_MIN_LOG_LEVEL", "debug"),
        ("LOGFIRE_CONSOLE_SPAN_STYLE", "json"),
        ("LOGFIRE_CONSOLE_INCLUDE_TIMESTAMP", "false"),
        ("LOGFIRE_CONSOLE_INCLUDE_TAGS", "false"),
        ("NO_COLOR", "1"),
    ];
    let expected = Console {
        minimum: Level::Debug,
        style: crate::ConsoleStyle::Json,
        timestamps: false,
        tags: false,
        ..Console::default()
    };
    assert!(settings(&variables).is_colorless && !settings(&[]).is_colorless);
    assert_eq!(settings(&variables).console, Some(expected));
    assert_eq!(settings(&[]).console, None);
    assert_eq!(
        settings_of(configure().without_console(), &variables).console,
        None
    );
    let bad = settings(&[("LOGFIRE_CONSOLE_COLORS", "pink")]);
    assert_eq!(
        bad.warnings,
        ["LOGFIRE_CONSOLE_COLORS is not used: it must be auto, always or never"]
    );
}

#[test]
fn metrics_can_be_left_out() {
    let without = settings_of(configure().metrics(false), &[(BASE, "http://h")]);
    assert_eq!(urls(&without), ["http://h/v1/traces", "http://h/v1/logs"]);
    let slow = settings(&[("OTEL_METRIC_EXPORT_INTERVAL", "5000")]);
    assert_eq!(slow.metric_interval, Some(Duration::from_secs(5)));
    let delta = settings(&[
        (BASE, "http://h"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
    ]);
    assert_eq!(delta.destinations[0].temporality, crate::Temporality::Delta);
    let exemplars = |text| settings(&[("OTEL_METRICS_EXEMPLAR_FILTER", text)]).exemplars;
    assert_eq!(
        [exemplars("trace_based"), exemplars("Always_Off")],
        [true, false]
    );
    let alone = [("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://h/v1/metrics")];
    let nothing = settings_of(configure().metrics(false), &alone);
    assert!(nothing.destinations.is_empty());
}

#[test]
fn the_spool_is_in_the_users_directory_for_state_unless_said_otherwise() {
    let place = |variables: &[(&str, &str)]| settings(variables).disk.map(|disk| disk.directory);
    assert_eq!(place(&[]), None);
    assert_eq!(
        place(&[("HOME", "/me")]),
        Some("/me/.local/state/fanlight/spool".into())
    );
    assert_eq!(
        place(&[("HOME", "/me"), ("XDG_STATE_HOME", "/s")]),
        Some("/s/fanlight/spool".into())
    );
    assert_eq!(
        place(&[("HOME", "/me"), ("FANLIGHT_SPOOL_DIR", "/own")]),
        Some("/own".into())
    );
    assert_eq!(
        place(&[("HOME", "/me"), ("FANLIGHT_SPOOL_DIR", "off")]),
        None
    );
}

#[test]
fn every_destination_has_its_own_name() {
    let configuration = configure()
        .destination(crate::Backend::jaeger())
        .destination(crate::Backend::jaeger().host("http://other:4318"));
    let settings = settings_of(configuration, &[]);
    let names: Vec<_> = settings
        .destinations
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["Jaeger", "Jaeger 2"]);
}
