//! Which Collectors are built, and how: one with the core's components, one with those that speak other formats.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::interop::go::go;
use crate::process;
use crate::{download, workspace};

const CORE: &str = "go.opentelemetry.io/collector";
const CONTRIB: &str = "github.com/open-telemetry/opentelemetry-collector-contrib";

/// A Collector of some components, all of one release.
pub(super) struct Distribution {
    /// Its directory, and its binary's name.
    name: &'static str,
    version: &'static str,
    /// Section of the Builder's manifest, repository, path within.
    components: &'static [(&'static str, &'static str, &'static str)],
}

/// What tests and benchmarks need. Newer releases need a module that not every proxy serves.
pub(super) const SMALL: Distribution = Distribution {
    name: "collector",
    version: "v0.162.0",
    components: &[
        ("receivers", CORE, "receiver/otlpreceiver"),
        ("processors", CORE, "processor/batchprocessor"),
        ("processors", CORE, "processor/memorylimiterprocessor"),
        ("exporters", CORE, "exporter/otlpexporter"),
        ("exporters", CORE, "exporter/otlphttpexporter"),
        ("exporters", CORE, "exporter/debugexporter"),
        ("exporters", CONTRIB, "exporter/fileexporter"),
    ],
};

/// What speaks to the hub's other receivers and exporters.
///
/// v0.111.0 is the newest release of which the proxy and the checksum database have all of these. They have no release of
/// the `splunk_hec`, `signalfx`, `sapm` and `loki` exporters, nor of the `prometheusremotewrite` receiver.
pub(super) const OTHER_FORMATS: Distribution = Distribution {
    name: "collector-contrib",
    version: "v0.111.0",
    components: &[
        ("receivers", CORE, "receiver/otlpreceiver"),
        ("receivers", CONTRIB, "receiver/datadogreceiver"),
        ("receivers", CONTRIB, "receiver/jaegerreceiver"),
        ("receivers", CONTRIB, "receiver/kafkareceiver"),
        ("receivers", CONTRIB, "receiver/lokireceiver"),
        ("receivers", CONTRIB, "receiver/prometheusreceiver"),
        ("receivers", CONTRIB, "receiver/sapmreceiver"),
        ("receivers", CONTRIB, "receiver/signalfxreceiver"),
        ("receivers", CONTRIB, "receiver/splunkhecreceiver"),
        ("receivers", CONTRIB, "receiver/zipkinreceiver"),
        ("processors", CORE, "processor/batchprocessor"),
        ("exporters", CORE, "exporter/debugexporter"),
        ("exporters", CORE, "exporter/otlpexporter"),
        ("exporters", CORE, "exporter/otlphttpexporter"),
        ("exporters", CONTRIB, "exporter/fileexporter"),
        ("exporters", CONTRIB, "exporter/kafkaexporter"),
        ("exporters", CONTRIB, "exporter/prometheusexporter"),
        (
            "exporters",
            CONTRIB,
            "exporter/prometheusremotewriteexporter",
        ),
        ("exporters", CONTRIB, "exporter/zipkinexporter"),
    ],
};

impl Distribution {
    /// Builds it with the Collector Builder, and returns its path.
    ///
    /// The Builder writes the sources; `go get` and `go build` do the rest, because the Builder's own `go mod tidy` also
    /// wants modules that only the components' tests use.
    pub(super) fn build(&self, log: &Path) -> Result<PathBuf> {
        let directory = workspace::target().join("interop").join(self.name);
        let manifest = self.manifest();
        let binary = directory.join("bin/otelcol");
        download::once(&directory, &manifest, || {
            println!(
                "   building {} {}, which takes some minutes",
                self.name, self.version
            );
            std::fs::write(directory.join("builder.yaml"), &manifest)?;
            let builder = format!("{CORE}/cmd/builder@{}", self.version);
            go(&directory, &["install", &builder], log)?;
            let mut builder = Command::new(directory.join("bin/builder"));
            builder.args(["--config", "builder.yaml"]);
            builder.args(["--skip-get-modules", "--skip-compilation"]);
            process::run(builder.current_dir(&directory), log)?;
            let sources = directory.join("sources");
            // Older Builders leave one.
            if !sources.join("go.mod").exists() {
                let module = format!("fanlight.invalid/interop/{}", self.name);
                go(&sources, &["mod", "init", &module], log)?;
            }
            let mut modules = vec![format!("{CORE}/otelcol@{}", self.version)];
            modules.extend(self.modules().map(|module| module.replace(' ', "@")));
            let mut get = vec!["get"];
            get.extend(modules.iter().map(String::as_str));
            get.push(".");
            go(&sources, &get, log)?;
            let output = binary.display().to_string();
            let build = [
                "build",
                "-trimpath",
                "-ldflags",
                "-s -w",
                "-o",
                &output,
                ".",
            ];
            go(&sources, &build, log)
        })?;
        Ok(binary)
    }

    /// Its components' modules with their version.
    fn modules(&self) -> impl Iterator<Item = String> {
        let components = self.components.iter();
        components.map(|(_, repository, path)| format!("{repository}/{path} {}", self.version))
    }

    fn manifest(&self) -> String {
        let version = self.version.trim_start_matches('v');
        let mut text =
            format!("dist:\n  name: otelcol\n  output_path: ./sources\n  version: {version}\n");
        for section in ["receivers", "processors", "exporters"] {
            text.push_str(&format!("{section}:\n"));
            for ((of, ..), module) in self.components.iter().zip(self.modules()) {
                if *of == section {
                    text.push_str(&format!("  - gomod: {module}\n"));
                }
            }
        }
        text
    }
}
