//! Apache Kafka from Maven Central, one broker that is its own controller (KRaft).

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::PATIENCE;
use crate::interop::Setting;
use crate::process::{Background, eventually, free_port, run};
use crate::{download, workspace};

/// The broker and a logger that it finds.
const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>invalid.fanlight</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>3.9.1</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"#;

/// A cluster's id: any sixteen bytes in base64.
const CLUSTER: &str = "ZmFubGlnaHQtaW50ZXJvcA";

/// A running broker, which creates topics as they are asked for.
#[derive(Debug)]
pub(in crate::interop) struct Kafka {
    _process: Background,
    /// The broker's port.
    pub(in crate::interop) port: u16,
}

fn install(log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("interop/kafka");
    let libraries = directory.join("libraries");
    download::once(&directory, POM, || {
        std::fs::write(directory.join("pom.xml"), POM)?;
        let mut maven = Command::new("mvn");
        maven
            .args(["-q", "-B", "dependency:copy-dependencies"])
            .arg(format!("-DoutputDirectory={}", libraries.display()))
            .current_dir(&directory);
        run(&mut maven, log).context("Maven with Java 17 is needed: apt-get install maven")?;
        Ok(())
    })?;
    Ok(libraries)
}

impl Kafka {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be had or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Kafka> {
        let libraries = setting.program("Kafka", install)?;
        let (port, controller) = (free_port()?, free_port()?);
        let (file, log) = (
            directory.join("kafka.properties"),
            directory.join("kafka.log"),
        );
        std::fs::create_dir_all(directory)?;
        std::fs::write(
            &file,
            format!(
                "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={}
num.partitions=3
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
",
                directory.join("kafka").display()
            ),
        )?;
        let java = |class: &str| {
            let mut java = Command::new("java");
            java.args([
                "-Xmx384m",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
            ])
            .arg(libraries.join("*"))
            .arg(class);
            java
        };
        let mut format = java("kafka.tools.StorageTool");
        format.args(["format", "-t", CLUSTER, "-c"]).arg(&file);
        run(&mut format, &directory.join("kafka-format.log"))?;
        let mut process = Background::spawn(java("kafka.Kafka").arg(&file), &log)?;
        eventually(PATIENCE, || {
            process.still_running()?;
            Ok(TcpStream::connect(("127.0.0.1", port))?)
        })?;
        Ok(Kafka {
            _process: process,
            port,
        })
    }
}
