//! Elasticsearch out of its libraries on Maven Central: the server and its HTTP transport, without the licensed modules.
//!
//! So there are data streams, `passthrough` and `flattened` fields, but no field of type `histogram` and no templates of its
//! own: the part brings those that it needs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::ready;
use crate::interop::Setting;
use crate::process::{Background, free_port, run};
use crate::{download, workspace};

/// The release.
const VERSION: &str = "8.18.0";
/// What starts it; `java` compiles a single file by itself.
const MAIN: &str = include_str!("elasticsearch.java");
/// The libraries that belong to the HTTP transport and not to the server.
const TRANSPORT: [&str; 3] = ["netty-", "transport-netty4", "elasticsearch-ssl-config"];

/// A running node.
#[derive(Debug)]
pub(in crate::interop) struct Elasticsearch {
    _process: Background,
    /// The port of its API.
    pub(in crate::interop) http: u16,
}

impl Elasticsearch {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be had or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Elasticsearch> {
        let installed = setting.program("Elasticsearch", install)?;
        let (http, transport) = (free_port()?, free_port()?);
        let home = directory.join("elasticsearch");
        std::fs::create_dir_all(home.join("config"))?;
        let mut command = Command::new("java");
        command
            .args(["-Xmx512m", "-cp"])
            .arg(installed.join("libraries/*"))
            .arg(installed.join("Elasticsearch.java"))
            .arg(&home)
            .arg(installed.join("modules"))
            .args([http.to_string(), transport.to_string()]);
        let process = ready(
            command,
            directory,
            "elasticsearch",
            http,
            "/_cluster/health",
        )?;
        Ok(Elasticsearch {
            _process: process,
            http,
        })
    }
}

fn install(log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("interop/elasticsearch");
    let wanted = format!("{}{MAIN}", pom());
    download::once(&directory, &wanted, || {
        std::fs::write(directory.join("pom.xml"), pom())?;
        std::fs::write(directory.join("Elasticsearch.java"), MAIN)?;
        let mut maven = Command::new("mvn");
        maven
            .args([
                "-q",
                "-B",
                "dependency:copy-dependencies",
                "-DoutputDirectory=libraries",
            ])
            .current_dir(&directory);
        run(&mut maven, log).context("Maven with Java 17 is needed: apt-get install maven")?;
        let module = directory.join("modules/transport-netty4");
        std::fs::create_dir_all(&module)?;
        std::fs::write(module.join("plugin-descriptor.properties"), descriptor())?;
        for library in std::fs::read_dir(directory.join("libraries"))? {
            let library = library?;
            let name = library.file_name().to_string_lossy().into_owned();
            if TRANSPORT.iter().any(|front| name.starts_with(front)) {
                std::fs::rename(library.path(), module.join(name))?;
            }
        }
        Ok(())
    })?;
    Ok(directory)
}

fn pom() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        )
    };
    let dependencies = [
        dependency("org.elasticsearch", "elasticsearch", VERSION),
        dependency("org.elasticsearch.plugin", "transport-netty4", VERSION),
        dependency("org.apache.logging.log4j", "log4j-core", "2.19.0"),
    ];
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>invalid.fanlight</groupId><artifactId>elasticsearch</artifactId><version>1</version>\
         <dependencies>{}</dependencies></project>\n",
        dependencies.concat()
    )
}

fn descriptor() -> String {
    format!(
        "description=HTTP\nversion={VERSION}\nname=transport-netty4\n\
         classname=org.elasticsearch.transport.netty4.Netty4Plugin\njava.version=17\n\
         elasticsearch.version={VERSION}\nextended.plugins=\nhas.native.controller=false\nmodulename=\n"
    )
}
