//! What the SDK tells the user when it starts: one line on where everything goes, and what is wrong. None of it holds a secret.

use std::sync::Once;

use fanlight_otlp::Signal;

use super::settings::Settings;
use crate::destination::settings::Settings as Destination;
use crate::form::LogForm;
use crate::notice::{NoticeKind, Notices};

/// Tells what is wrong, and where everything goes.
pub(crate) fn start(settings: &Settings, notices: &Notices) {
    for warning in &settings.warnings {
        notices.tell(NoticeKind::Configuration, "", || warning.clone());
    }
    if settings.is_quiet || settings.is_disabled {
        return;
    }
    if !settings.is_named && !settings.destinations.is_empty() {
        notices.tell(NoticeKind::Configuration, "", || UNNAMED.to_owned());
    }
    if !settings.destinations.is_empty() {
        notices.tell(NoticeKind::Started, "", || line(settings));
    } else if settings.looks_for_hub {
        // The second time it would be no news.
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            notices.tell(NoticeKind::Started, "", || NOBODY.to_owned());
        });
    }
}

const UNNAMED: &str = "\
the program has no service name, so Jaeger and other backends list it among the unknown; \
call service_name(\"...\") or set OTEL_SERVICE_NAME";

const NOBODY: &str = "\
nothing is sent, since no destination is configured and no hub was found at 127.0.0.1:4318. To see this program, \
start a hub with `fanlight` (cargo install fanlight-hub) and run it again; or set OTEL_EXPORTER_OTLP_ENDPOINT or LOGFIRE_TOKEN";

/// `sending to Jaeger at http://localhost:4318 (traces, logs as spans) and ...`.
fn line(settings: &Settings) -> String {
    let destinations: Vec<_> = settings.destinations.iter().map(place).collect();
    let mut line = format!("sending to {}", destinations.join(" and to "));
    if let Some(url) = &settings.project_url {
        line.push_str("; see ");
        line.push_str(url);
    }
    line
}

fn place(destination: &Destination) -> String {
    let mut text = destination.name.clone();
    if let Some(first) = destination.targets.first() {
        let url = first.shown_url();
        // Scheme, nothing, host: the rest is the signal's path.
        let host: Vec<_> = url.split('/').take(3).collect();
        text = format!("{text} at {}", host.join("/"));
    }
    let takes = |signal| {
        destination
            .targets
            .iter()
            .any(|target| target.signal == signal)
    };
    let mut signals = Vec::new();
    for signal in super::otlp::SIGNALS {
        if takes(signal) {
            signals.push(signal.name());
        } else if signal == Signal::Logs && destination.form.logs == LogForm::Spans {
            signals.push("logs as spans");
        }
    }
    format!("{text} ({})", signals.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::settings::Asked;
    use super::*;
    use crate::Backend;
    use crate::configure::machine::Machine;

    #[test]
    fn the_line_lists_every_destination_without_secrets() {
        let asked = Asked {
            backends: vec![
                Backend::jaeger(),
                Backend::otlp("https://otlp.example.com/base?key=s3cret").header("key", "s3cret"),
            ],
            ..Asked::default()
        };
        let settings = Settings::resolve(asked, &Machine::default()).unwrap();
        assert_eq!(
            line(&settings),
            "sending to Jaeger at http://localhost:4318 (traces, logs as spans) and to OTLP at https://otlp.example.com (traces, metrics, logs)"
        );
    }
}
