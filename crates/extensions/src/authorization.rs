//! The `authorization` header: making it, taking it apart, comparing what is in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanlight_config::Secret;
use fanlight_pipeline::Unauthenticated;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use subtle::ConstantTimeEq as _;

/// A name and a password.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: Secret,
}

impl Credentials {
    /// The header that carries them. [Source](https://www.rfc-editor.org/rfc/rfc7617).
    pub(crate) fn header(&self) -> Result<(HeaderName, HeaderValue), Unauthenticated> {
        if self.username.contains(':') {
            return Err(refusal(
                "a username for basic authentication can't have a colon in it",
                None,
            ));
        }
        let both = STANDARD.encode(format!("{}:{}", self.username, self.password.expose()));
        Ok((AUTHORIZATION, value(&format!("Basic {both}"))?))
    }

    /// Reads them from a request.
    pub(crate) fn of_request(headers: &HeaderMap) -> Option<Credentials> {
        let encoded = after_scheme(headers.get(AUTHORIZATION)?.to_str().ok()?, "Basic")?;
        let both = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (username, password) = both.split_once(':')?;
        Some(Credentials {
            username: username.to_owned(),
            password: Secret::new(password),
        })
    }
}

/// What follows a scheme in a header's value; schemes are written in any case. An empty scheme stands for none.
pub(crate) fn after_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    if scheme.is_empty() {
        return Some(value);
    }
    let (found, rest) = value.split_once(' ')?;
    found
        .eq_ignore_ascii_case(scheme)
        .then(|| rest.trim_start_matches(' '))
}

/// Whether two secrets are equal, in a time that tells no more than their lengths.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// A header value that is not to be shown.
pub(crate) fn value(text: &str) -> Result<HeaderValue, Unauthenticated> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        refusal(
            "the credentials have a character that a header can't carry",
            None,
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

pub(crate) fn refusal(message: &str, challenge: Option<&'static str>) -> Unauthenticated {
    Unauthenticated {
        message: message.to_owned(),
        challenge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> Option<(String, String)> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
        let read = Credentials::of_request(&headers)?;
        Some((read.username, read.password.expose().to_owned()))
    }

    #[test]
    fn basic_credentials_round_trip() {
        let credentials = Credentials {
            username: "Aladdin".into(),
            password: Secret::new("open:sesame"),
        };
        let (name, value) = credentials.header().unwrap();
        assert!(value.is_sensitive());
        let read = Credentials::of_request(&HeaderMap::from_iter([(name, value)])).unwrap();
        assert_eq!(
            (read.username.as_str(), read.password.expose()),
            ("Aladdin", "open:sesame")
        );
    }

    #[test]
    fn basic_credentials_are_read_as_the_rfc_says() {
        let aladdin = Some(("Aladdin".to_owned(), "open sesame".to_owned()));
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
        assert_eq!(read("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
        for wrong in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "Basic QWxhZGRpbg==",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn username_with_a_colon_is_refused() {
        let credentials = Credentials {
            username: "a:b".into(),
            password: Secret::new("secret"),
        };
        assert!(!credentials.header().unwrap_err().message.contains("secret"));
    }
}
