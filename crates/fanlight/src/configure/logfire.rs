//! Where Logfire is, and with which token: the facts are those of
//! [Logfire's own SDKs](https://logfire.pydantic.dev/docs/reference/configuration/).
//!
//! A token goes to Logfire alone, and to no address that something else than a Logfire setting named.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fanlight_config::{Endpoint, Secret};

use super::backend::Backend;
use super::otlp;
use super::variables as var;

/// Whether to send to Logfire.
///
/// Wherever one is asked for, `true`, `false` and `"if-token-present"` do as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendToLogfire {
    /// Yes; without a token a warning says that there is none, and other destinations go on.
    Always,
    /// No. Other destinations go on.
    Never,
    /// Where a token is given, in the code, in LOGFIRE_TOKEN or in `.logfire/logfire_credentials.json`; not in tests.
    #[default]
    IfTokenPresent,
}

/// The text is no way to say whether to send to Logfire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be true, 1, t, yes, always, false, 0, f, no, never or if-token-present")]
pub struct InvalidSendToLogfire;

impl FromStr for SendToLogfire {
    type Err = InvalidSendToLogfire;

    fn from_str(text: &str) -> Result<SendToLogfire, InvalidSendToLogfire> {
        match text.trim().to_ascii_lowercase().replace('_', "-").as_str() {
            "true" | "1" | "t" | "yes" | "y" | "on" | "always" => Ok(SendToLogfire::Always),
            "false" | "0" | "f" | "no" | "n" | "off" | "never" => Ok(SendToLogfire::Never),
            "if-token-present" => Ok(SendToLogfire::IfTokenPresent),
            _ => Err(InvalidSendToLogfire),
        }
    }
}

impl TryFrom<&str> for SendToLogfire {
    type Error = InvalidSendToLogfire;

    fn try_from(text: &str) -> Result<SendToLogfire, InvalidSendToLogfire> {
        text.parse()
    }
}

impl From<bool> for SendToLogfire {
    fn from(sends: bool) -> SendToLogfire {
        match sends {
            true => SendToLogfire::Always,
            false => SendToLogfire::Never,
        }
    }
}

/// What the code or the environment says of Logfire.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogfireWishes {
    pub(crate) send: Option<SendToLogfire>,
    pub(crate) tokens: Vec<Secret>,
    pub(crate) base_url: Option<Endpoint>,
    pub(crate) credentials_directory: Option<PathBuf>,
    pub(crate) shows_project: Option<bool>,
}

/// What is sent to Logfire.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    pub(crate) backends: Vec<Backend>,
    /// The page of the project, where the credentials file names it.
    pub(crate) project_url: Option<String>,
    /// Nobody wants anything to be sent anywhere by itself.
    pub(crate) is_never: bool,
    pub(crate) warnings: Vec<String>,
}

impl LogfireWishes {
    /// These wishes, with those of another where these say nothing.
    pub(crate) fn or(self, other: LogfireWishes) -> LogfireWishes {
        LogfireWishes {
            send: self.send.or(other.send),
            tokens: match self.tokens.is_empty() {
                true => other.tokens,
                false => self.tokens,
            },
            base_url: self.base_url.or(other.base_url),
            credentials_directory: self.credentials_directory.or(other.credentials_directory),
            shows_project: self.shows_project.or(other.shows_project),
        }
    }

    /// One destination for each token. In tests, only where sending was asked for.
    pub(crate) fn resolve(self, is_test: bool) -> Resolved {
        let usual = match is_test {
            true => SendToLogfire::Never,
            false => SendToLogfire::default(),
        };
        let mut resolved = Resolved::default();
        let send = self.send.unwrap_or(usual);
        if send == SendToLogfire::Never {
            resolved.is_never = true;
            return resolved;
        }
        let mut tokens = self.tokens;
        let mut base_url = self.base_url;
        if tokens.is_empty() {
            let directory = self
                .credentials_directory
                .unwrap_or_else(|| ".logfire".into());
            match Credentials::read(&directory.join("logfire_credentials.json")) {
                Ok(Some(file)) => {
                    tokens.push(file.token);
                    // The file's address is for the file's token only.
                    base_url = base_url.or(file.base_url);
                    let shows = self.shows_project.unwrap_or(true);
                    resolved.project_url = file.project_url.filter(|_| shows);
                }
                Ok(None) => {}
                Err(problem) => resolved.warnings.push(problem.to_string()),
            }
        }
        if tokens.is_empty() && send == SendToLogfire::Always {
            resolved.warnings.push(format!(
                "nothing is sent to Logfire, since there is no token; set {} to a write token of a project, or send_to_logfire to false",
                var::LOGFIRE_TOKEN.name
            ));
        }
        for (index, token) in tokens.iter().enumerate() {
            resolved.warnings.extend(unknown_region(token));
            let mut backend = Backend::logfire(token.expose());
            if let Some(base_url) = &base_url {
                backend = backend.at(base_url.clone());
            }
            if index > 0 {
                backend = backend.name(format!("Logfire {}", index + 1));
            }
            resolved.backends.push(backend);
        }
        resolved
    }
}

/// The regions, by how tokens name them; the first is that of tokens that name none.
pub(crate) const REGIONS: &[(&str, &str)] = &[
    ("us", "https://logfire-us.pydantic.dev"),
    ("eu", "https://logfire-eu.pydantic.dev"),
    ("stagingus", "https://logfire-us.pydantic.info"),
    ("stagingeu", "https://logfire-eu.pydantic.info"),
];

/// The region of a token such as `pylf_v1_us_0123`; tokens from before there were regions have none.
fn region(token: &str) -> Option<&str> {
    let mut parts = token.strip_prefix("pylf_v")?.split('_');
    let (version, region) = (parts.next()?, parts.next()?);
    parts.next()?;
    let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    let is_region = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_version && is_region).then_some(region)
}

/// Where the project of a token is.
pub(crate) fn base_url(token: &str) -> &'static str {
    let found = REGIONS
        .iter()
        .find(|(name, _)| region(token) == Some(*name));
    found.or(REGIONS.first()).map_or("", |(_, url)| url)
}

fn unknown_region(token: &Secret) -> Option<String> {
    let region = region(token.expose())?;
    let is_known = REGIONS.iter().any(|(name, _)| *name == region);
    (!is_known).then(|| {
        format!(
            "the token of Logfire is of region `{region}`, which is unknown here; it is sent to the region us, unless {} says where",
            var::LOGFIRE_BASE_URL.name
        )
    })
}

/// What Logfire's command line writes for a project.
struct Credentials {
    token: Secret,
    base_url: Option<Endpoint>,
    project_url: Option<String>,
}

/// A credentials file that can't be used. It never repeats what the file holds.
#[derive(Debug)]
struct CredentialsProblem {
    path: PathBuf,
    problem: String,
}

impl fmt::Display for CredentialsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not used: {}", self.path.display(), self.problem)
    }
}

impl Credentials {
    /// Nothing where there is no file.
    fn read(path: &Path) -> Result<Option<Credentials>, CredentialsProblem> {
        let unusable = |problem: String| CredentialsProblem {
            path: path.to_owned(),
            problem,
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(error.to_string())),
        };
        let file: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| unusable(format!("line {} is no JSON", error.line())))?;
        let field = |name| file.get(name).and_then(serde_json::Value::as_str);
        let token = field("token").filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| unusable("it holds no `token`".to_owned()))?;
        let base_url = match field("logfire_api_url") {
            Some(text) => Some(
                otlp::check_endpoint(text)
                    .map_err(|problem| unusable(format!("logfire_api_url: {problem}")))?,
            ),
            None => None,
        };
        Ok(Some(Credentials {
            token: Secret::new(token),
            base_url,
            project_url: field("project_url").map(str::to_owned),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_say_where_they_belong() {
        for (token, url) in [
            ("pylf_v1_us_0123", "https://logfire-us.pydantic.dev"),
            ("pylf_v1_eu_0123", "https://logfire-eu.pydantic.dev"),
            ("pylf_v2_stagingeu_0123", "https://logfire-eu.pydantic.info"),
            ("pylf_v1_mars_0123", "https://logfire-us.pydantic.dev"),
            ("0123456789", "https://logfire-us.pydantic.dev"),
            ("pylf_v_eu_0123", "https://logfire-us.pydantic.dev"),
            ("pylf_v1_EU_0123", "https://logfire-us.pydantic.dev"),
            ("pylf_v1_eu", "https://logfire-us.pydantic.dev"),
        ] {
            assert_eq!(base_url(token), url, "{token}");
        }
        let warning = unknown_region(&Secret::new("pylf_v1_mars_0123")).unwrap();
        assert!(
            warning.contains("`mars`") && !warning.contains("0123"),
            "{warning}"
        );
        assert_eq!(unknown_region(&Secret::new("0123")), None);
    }

    #[test]
    fn every_spelling_is_understood() {
        for (text, expected) in [
            ("true TRUE t 1 yes always on", SendToLogfire::Always),
            ("false False f 0 no never off", SendToLogfire::Never),
            (
                "if-token-present if_token_present IF-TOKEN-PRESENT",
                SendToLogfire::IfTokenPresent,
            ),
        ] {
            for word in text.split(' ') {
                assert_eq!(word.parse(), Ok(expected), "{word}");
            }
        }
        assert_eq!(
            "perhaps".parse::<SendToLogfire>(),
            Err(InvalidSendToLogfire)
        );
    }

    #[test]
    fn credentials_come_from_the_file_when_nothing_else_gives_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logfire_credentials.json");
        let resolve = |tokens: &[&str]| {
            let wishes = LogfireWishes {
                tokens: tokens.iter().copied().map(Secret::new).collect(),
                credentials_directory: Some(directory.path().to_owned()),
                ..LogfireWishes::default()
            };
            wishes.resolve(false)
        };
        assert!(resolve(&[]).backends.is_empty() && resolve(&[]).warnings.is_empty());

        fs::write(
            &path,
            r#"{"token": "pylf_v1_us_s3cret", "logfire_api_url": "https://logfire.example.com", "project_url": "https://l/me"}"#,
        )
        .unwrap();
        let resolved = resolve(&[]);
        assert_eq!(resolved.project_url.as_deref(), Some("https://l/me"));
        let shown = format!("{:?}", resolved.backends);
        assert!(
            shown.contains("logfire.example.com") && !shown.contains("s3cret"),
            "{shown}"
        );
        let shown = format!("{:?}", resolve(&["pylf_v1_eu_1"]).backends);
        assert!(
            shown.contains("logfire-eu") && !shown.contains("example.com"),
            "{shown}"
        );

        fs::write(&path, r#"{"token": "pylf_v1_us_s3cret","#).unwrap();
        let warnings = resolve(&[]).warnings.join("\n");
        assert!(
            warnings.contains("line 1 is no JSON") && !warnings.contains("s3cret"),
            "{warnings}"
        );
    }
}
