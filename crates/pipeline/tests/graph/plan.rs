//! What a plan refuses, in the words that the user reads.

use fanlight_config::{ComponentId, ConfigError, Document, Environment, Node};
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::*;

use crate::support::Scripted;

#[derive(Debug)]
struct Anything(SignalSet);

impl ReceiverConfig for Anything {
    fn signals(&self) -> SignalSet {
        self.0
    }

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        Err(BuildError::new("only for plans"))
    }
}

impl ConnectorConfig for Anything {
    fn connects(&self, from: Signal, to: Signal) -> bool {
        from == to
    }

    fn build(
        &self,
        _: Signal,
        _: Signal,
        _: &BuildContext<'_>,
    ) -> Result<Option<Box<dyn Processor>>, BuildError> {
        Ok(None)
    }
}

fn receiver(_: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    Ok(Box::new(Anything(SignalSet::ALL)))
}

fn logs_only(_: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    Ok(Box::new(Anything(SignalSet::of(&[Signal::Logs]))))
}

fn connector(_: &Node) -> Result<Box<dyn ConnectorConfig>, ConfigError> {
    Ok(Box::new(Anything(SignalSet::ALL)))
}

fn exporter(_: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    Ok(Box::new(Scripted::new()))
}

static OTLP: ReceiverKind = ReceiverKind {
    name: "otlp",
    aliases: &[],
    about: "",
    sample: "",
    decode: receiver,
};
static FILE_LOG: ReceiverKind = ReceiverKind {
    name: "file_log",
    aliases: &["filelog"],
    about: "",
    sample: "",
    decode: logs_only,
};
static FORWARD: ConnectorKind = ConnectorKind {
    name: "forward",
    aliases: &[],
    about: "",
    sample: "",
    decode: connector,
};
static OTLP_HTTP: ExporterKind = ExporterKind {
    name: "otlp_http",
    aliases: &["otlphttp"],
    about: "",
    sample: "",
    decode: exporter,
};
const TABLES: Tables = Tables {
    receivers: &[&OTLP, &FILE_LOG],
    processors: &[],
    exporters: &[&OTLP_HTTP],
    connectors: &[&FORWARD],
    extensions: &[],
    later: &[("exporter", &[("kafka", "it comes with a later release")])],
};

fn plan(yaml: &str) -> Result<Plan, Vec<String>> {
    let document = Document::parse("hub.yaml", yaml, &Environment::default()).unwrap();
    Plan::new(&document, &TABLES, Additions::default()).map_err(|errors| {
        let line = |error: &ConfigError| {
            let line = error.location.as_ref().map_or(0, |location| location.line);
            format!(
                "{line}: {}; {}",
                error.message,
                error.hint.as_deref().unwrap_or("-")
            )
        };
        errors.iter().map(line).collect()
    })
}

fn refusal(yaml: &str) -> String {
    plan(yaml)
        .map(|plan| format!("accepted: {:?}", plan.pipelines()))
        .unwrap_or_else(|errors| errors.join("\n"))
}

#[test]
fn without_pipelines_everything_flows_everywhere() {
    let plan =
        plan("receivers: {otlp: , filelog: }\nexporters: {otlphttp/a: , otlp_http/b: }\n").unwrap();
    let text: Vec<String> = plan
        .pipelines()
        .iter()
        .map(|pipeline| {
            format!(
                "{}: {} -> {}",
                pipeline.id(),
                join(&pipeline.receivers),
                join(&pipeline.exporters)
            )
        })
        .collect();
    assert_eq!(
        text,
        [
            "traces: otlp -> otlphttp/a+otlp_http/b",
            "metrics: otlp -> otlphttp/a+otlp_http/b",
            "logs: otlp+filelog -> otlphttp/a+otlp_http/b",
            "profiles: otlp -> otlphttp/a+otlp_http/b",
        ]
    );
}

fn join(ids: &[ComponentId]) -> String {
    ids.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("+")
}

#[test]
fn either_spelling_of_a_type_names_the_component() {
    let yaml = "receivers: {otlp: }\nexporters: {otlphttp/a: }\nservice:\n  pipelines:\n    logs/audit: {receivers: [otlp], exporters: [otlp_http/a]}\n";
    let plan = plan(yaml).unwrap();
    assert_eq!(plan.pipelines()[0].id(), "logs/audit");
    assert_eq!(join(&plan.pipelines()[0].exporters), "otlphttp/a");
}

#[test]
fn unknown_types_and_ids_are_named_with_the_nearest() {
    let cases = [
        (
            "receivers: {otpl: }\n",
            "1: unknown receiver type `otpl`; did you mean `otlp`?",
        ),
        (
            "exporters: {kafka/x: }\n",
            "1: exporter type `kafka` is not in this release; it comes with a later release",
        ),
        (
            "receivers: {otlp: }\nexporters: {otlphttp/jaeger: }\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [otlphttp/jager]\n",
            "7: exporter `otlphttp/jager` is not defined; did you mean `otlphttp/jaeger`?",
        ),
        (
            "receivers: {otlp: }\nexporters: {otlphttp: }\nservice:\n  pipelines:\n    spans: {receivers: [otlp], exporters: [otlphttp]}\n",
            "5: unknown signal in pipeline id `spans`; known here: `traces`, `metrics`, `logs`, `profiles`",
        ),
    ];
    for (yaml, expected) in cases {
        assert_eq!(refusal(yaml), expected, "{yaml}");
    }
}

#[test]
fn pipelines_need_both_ends_and_components_that_take_their_signal() {
    let base = "receivers: {otlp: , filelog: }\nexporters: {otlphttp: }\nservice:\n  pipelines:\n";
    let empty = refusal(&format!("{base}    traces: {{receivers: [otlp]}}\n"));
    assert_eq!(
        empty,
        "5: pipeline traces has no exporter; list at least one under service.pipelines.traces.exporters"
    );
    let wrong = refusal(&format!(
        "{base}    traces: {{receivers: [filelog], exporters: [otlphttp]}}\n"
    ));
    assert_eq!(
        wrong,
        "5: receiver filelog does not take traces; it takes logs; take it out of pipeline traces"
    );
}

#[test]
fn connectors_join_pipelines_and_circles_are_refused() {
    let base = "receivers: {otlp: }\nexporters: {otlphttp: }\nconnectors: {forward: , forward/back: }\nservice:\n  pipelines:\n";
    let joined = format!(
        "{base}    logs: {{receivers: [otlp], exporters: [forward]}}\n    logs/out: {{receivers: [forward], exporters: [otlphttp]}}\n"
    );
    plan(&joined).unwrap();
    let nowhere = refusal(&format!(
        "{base}    logs: {{receivers: [otlp], exporters: [forward]}}\n"
    ));
    assert!(
        nowhere.contains("connector forward leads logs nowhere"),
        "{nowhere}"
    );
    let circle = refusal(&format!(
        "{base}    logs: {{receivers: [otlp, forward/back], exporters: [forward]}}\n    logs/out: {{receivers: [forward], exporters: [forward/back, otlphttp]}}\n"
    ));
    assert!(
        circle.contains("pipelines go in a circle: logs -> logs/out -> logs"),
        "{circle}"
    );
}

#[test]
fn an_empty_configuration_is_refused() {
    assert!(
        refusal("{}\n").contains("there is nothing to do"),
        "{}",
        refusal("{}\n")
    );
}
