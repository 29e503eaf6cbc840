//! moto out of its Python package: the AWS services in memory, with identities whose signatures are checked by AWS's own
//! Python library.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::clients::virtual_environment;
use crate::http::{self, Answer};
use crate::interop::Setting;
use crate::interop::server::ready;
use crate::process::{Background, free_port};
use crate::workspace;

/// Version 5.2.5 and all that it stands on.
const REQUIREMENTS: &str = include_str!("moto.txt");
/// The region that everything is in.
pub(in crate::interop) const REGION: &str = "eu-central-1";
/// Who may send telemetry, and what.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["xray:*","logs:*","sts:*"],"Resource":"*"}]}"#;
/// Who may take the role on: everybody in the account.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// A running moto.
#[derive(Debug)]
pub(in crate::interop) struct Moto {
    _process: Background,
    /// The one port of all services.
    pub(in crate::interop) http: u16,
}

/// A user of it.
#[derive(Debug)]
pub(in crate::interop) struct User {
    /// `AWS_ACCESS_KEY_ID`
    pub(in crate::interop) access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`
    pub(in crate::interop) secret_access_key: String,
    /// A role that the user may take on.
    pub(in crate::interop) role_arn: String,
}

impl Moto {
    /// Starts one, which checks no signature yet.
    ///
    /// # Errors
    /// When it can't be installed or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Moto> {
        let http = free_port()?;
        let mut command = Command::new(setting.program("moto", install)?);
        command
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
            .arg(http.to_string());
        let process = ready(command, directory, "moto", http, "/moto-api/data.json")?;
        Ok(Moto {
            _process: process,
            http,
        })
    }

    /// Makes a user with a key and a role, who may send traces and logs.
    ///
    /// # Errors
    /// When moto refuses to.
    pub(in crate::interop) fn user(&self) -> Result<User> {
        self.iam("CreateUser", &[("UserName", "hub")])?;
        let key = self.iam("CreateAccessKey", &[("UserName", "hub")])?;
        let policy = [("PolicyName", "send"), ("PolicyDocument", POLICY)];
        self.iam(
            "PutUserPolicy",
            &[&[("UserName", "hub")], &policy[..]].concat(),
        )?;
        let role = [
            ("RoleName", "telemetry"),
            ("AssumeRolePolicyDocument", TRUST),
        ];
        let role = self.iam("CreateRole", &role)?;
        self.iam(
            "PutRolePolicy",
            &[&[("RoleName", "telemetry")], &policy[..]].concat(),
        )?;
        Ok(User {
            access_key_id: element(&key, "AccessKeyId")?,
            secret_access_key: element(&key, "SecretAccessKey")?,
            role_arn: element(&role, "Arn")?,
        })
    }

    /// From now on, or no longer, signatures and policies are checked.
    ///
    /// # Errors
    /// When moto does not answer.
    pub(in crate::interop) fn check_signatures(&self, check: bool) -> Result<()> {
        let unchecked = if check { "0" } else { "1000000" };
        http::request(
            self.http,
            "POST",
            "/moto-api/reset-auth",
            &[],
            unchecked.as_bytes(),
        )?
        .json()
        .map(drop)
    }

    /// Calls an operation of X-Ray.
    ///
    /// # Errors
    /// When it is refused.
    pub(in crate::interop) fn xray(&self, operation: &str, body: &Value) -> Result<Value> {
        self.call(
            "xray",
            &format!("/{operation}"),
            &[],
            body.to_string().as_bytes(),
        )?
        .json()
    }

    /// Calls an operation of CloudWatch Logs.
    ///
    /// # Errors
    /// When it is refused.
    pub(in crate::interop) fn logs(&self, operation: &str, body: &Value) -> Result<Value> {
        let target = format!("Logs_20140328.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", &target),
        ];
        self.call("logs", "/", &headers, body.to_string().as_bytes())?
            .json()
    }

    fn iam(&self, operation: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let mut form = format!("Version=2010-05-08&Action={operation}");
        for (key, value) in parameters {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            form.push_str(&format!("&{key}={escaped}"));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.call("iam", "/", &headers, form.as_bytes())?;
        ensure!(answer.status == 200, "{operation}: {}", answer.text());
        Ok(answer.text())
    }

    /// A request to a service. Which one it is stands in the signature, which is not a valid one.
    fn call(
        &self,
        service: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=none/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=none"
        );
        let headers = [headers, &[("authorization", signature.as_str())]].concat();
        http::request(self.http, "POST", path, &headers, body)
    }
}

/// The text of an XML element.
fn element(xml: &str, name: &str) -> Result<String> {
    let found = xml
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once('<'));
    let (text, _) = found.with_context(|| format!("no {name} in {xml}"))?;
    Ok(text.to_owned())
}

/// Installs it in an environment of its own, and returns that one's interpreter.
fn install(log: &Path) -> Result<PathBuf> {
    let requirements = workspace::cache("interop")?.join("moto.txt");
    std::fs::write(&requirements, REQUIREMENTS)?;
    virtual_environment(
        &workspace::target().join("interop/moto"),
        &requirements,
        log,
    )
}
