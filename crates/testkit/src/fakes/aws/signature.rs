//! Signature version 4, computed from the request and compared.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::Fault;
use crate::Recorded;

/// How far the sender's clock may be off, in seconds.
const TOLERANCE: u64 = 5 * 60;

/// Whose requests are taken, and where.
#[derive(Clone, Debug)]
pub struct Account {
    /// The public part of the key.
    pub access_key_id: &'static str,
    /// The secret part.
    pub secret_access_key: &'static str,
    /// Set for temporary credentials.
    pub session_token: Option<&'static str>,
    /// The region of the endpoint.
    pub region: &'static str,
}

impl Account {
    /// Whether a request is signed by this account for a service.
    ///
    /// # Errors
    /// As AWS answers it.
    pub fn check(&self, request: &Recorded, service: &str) -> Result<(), Fault> {
        let missing = || {
            let message = "Missing Authentication Token";
            Fault::new(403, "MissingAuthenticationTokenException", message)
        };
        let incomplete = |part: &str| {
            let message = format!("Authorization header requires '{part}' parameter.");
            Fault::new(403, "IncompleteSignatureException", message)
        };
        let rest = request
            .header("authorization")
            .strip_prefix("AWS4-HMAC-SHA256 ")
            .ok_or_else(missing)?;
        let part = |name: &str| {
            let found = rest
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            found.ok_or_else(|| incomplete(name))
        };
        let (credential, signed, signature) = (
            part("Credential")?,
            part("SignedHeaders")?,
            part("Signature")?,
        );
        let (key, scope) = credential
            .split_once('/')
            .ok_or_else(|| incomplete("Credential"))?;
        let unknown = || {
            let message = "The security token included in the request is invalid.";
            Fault::new(403, "UnrecognizedClientException", message)
        };
        let token = request.headers.get("x-amz-security-token");
        let token = token.and_then(|value| value.to_str().ok());
        if key != self.access_key_id || token != self.session_token {
            return Err(unknown());
        }
        let time = request.header("x-amz-date");
        check_time(time)?;
        let date = time.get(..8).unwrap_or_default();
        let expected = format!("{date}/{}/{service}/aws4_request", self.region);
        if scope != expected {
            let message = format!("Credential should be scoped to {expected}, not {scope}");
            return Err(Fault::new(403, "InvalidSignatureException", message));
        }
        let canonical = canonical_request(request, signed)?;
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
            hex(&sha256(canonical.as_bytes()))
        );
        if hex(&hmac(&self.signing_key(date, service), to_sign.as_bytes())) != signature {
            // What the service really says goes on to repeat the request, with the token.
            let message = format!(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.\n\nThe Canonical String for this request should have been\n'{canonical}'"
            );
            return Err(Fault::new(403, "InvalidSignatureException", message));
        }
        Ok(())
    }

    fn signing_key(&self, date: &str, service: &str) -> [u8; 32] {
        let secret = format!("AWS4{}", self.secret_access_key);
        let of_date = hmac(secret.as_bytes(), date.as_bytes());
        let scope = [self.region, service, "aws4_request"];
        scope
            .iter()
            .fold(of_date, |key, part| hmac(&key, part.as_bytes()))
    }
}

fn canonical_request(request: &Recorded, signed: &str) -> Result<String, Fault> {
    let names: Vec<&str> = signed.split(';').collect();
    let needed = request.headers.keys().filter(|name| {
        let name = name.as_str();
        name == "host" || (name.starts_with("x-amz-") && name != "x-amz-content-sha256")
    });
    for name in needed {
        if !names.contains(&name.as_str()) {
            let message = format!("'{name}' must be a signed header");
            return Err(Fault::new(403, "InvalidSignatureException", message));
        }
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let mut canonical = format!("POST\n{path}\n{query}\n");
    for name in &names {
        // Writing to a String does not fail.
        let _ = writeln!(canonical, "{name}:{}", request.header(name).trim());
    }
    let _ = write!(canonical, "\n{signed}\n{}", hex(&sha256(&request.body)));
    Ok(canonical)
}

/// `20150830T123600Z`, of now.
fn check_time(time: &str) -> Result<(), Fault> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let signed = seconds(time).ok_or_else(|| {
        let message = "Date must be in ISO-8601 'basic format'";
        Fault::new(403, "IncompleteSignatureException", message)
    })?;
    if signed.abs_diff(now) > TOLERANCE {
        let message = format!("Signature expired: {time} is too far from now");
        return Err(Fault::new(403, "InvalidSignatureException", message));
    }
    Ok(())
}

fn seconds(time: &str) -> Option<u64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    // Days since 1970, by the years that begin in March.
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// [RFC 2104](https://datatracker.ietf.org/doc/html/rfc2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    let short = match key.len() > block.len() {
        true => sha256(key).to_vec(),
        false => key.to_vec(),
    };
    block
        .iter_mut()
        .zip(short)
        .for_each(|(to, from)| *to = from);
    let padded = |pad: u8, rest: &[u8]| {
        let mut bytes = block.map(|byte| byte ^ pad).to_vec();
        bytes.extend_from_slice(rest);
        sha256(&bytes)
    };
    padded(0x5c, &padded(0x36, message))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From RFC 4231 and the documentation of signature version 4.
    #[test]
    fn keys_are_derived_as_documented() {
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let account = Account {
            access_key_id: "",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            session_token: None,
            region: "us-east-1",
        };
        let key = account.signing_key("20150830", "iam");
        assert_eq!(
            hex(&key),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("20150830T123600Z"), Some(1_440_938_160));
        assert_eq!(seconds("20240229T000000Z"), Some(1_709_164_800));
        assert_eq!(seconds("yesterday"), None);
    }
}
