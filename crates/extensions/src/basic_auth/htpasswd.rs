//! Password files: a line for each user, `name:hash`.
//! [Source](https://httpd.apache.org/docs/2.4/misc/password_encryptions.html).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use fanlight_pipeline::BuildError;
use sha2::{Digest as _, Sha256};

use super::password::PasswordHash;
use crate::authorization::{Credentials, same};

/// Users and what their passwords hash to.
pub(super) struct Htpasswd {
    users: BTreeMap<String, PasswordHash>,
    /// Lines, from 1, that are no user.
    wrong_lines: Vec<usize>,
    /// Digests of passwords that were found right, of users whose hash is slow to compute.
    known: Mutex<BTreeMap<String, [u8; 32]>>,
}

impl Htpasswd {
    /// Reads lines. Empty ones and comments say nothing; of two with the same name, the later one counts.
    pub(super) fn parse(text: &str) -> Htpasswd {
        let mut read = Htpasswd {
            users: BTreeMap::new(),
            wrong_lines: Vec::new(),
            known: Mutex::default(),
        };
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let user = line.split_once(':');
            match user.and_then(|(name, hash)| Some((name, PasswordHash::parse(hash)?))) {
                Some((name, hash)) => drop(read.users.insert(name.to_owned(), hash)),
                None => read.wrong_lines.push(number),
            }
        }
        read
    }

    /// Whether every line could be used. Never says what is in a line.
    pub(super) fn check(&self, key: &str) -> Result<(), BuildError> {
        let Some(line) = self.wrong_lines.first() else {
            return Ok(());
        };
        Err(BuildError::new(format!("{key}: line {line} is not a user with a password hash that is known here")).hint(
            "write name:hash with a hash of bcrypt, apr1, MD5-crypt, SHA-crypt or SHA-1, such as `htpasswd -nB name` prints",
        ))
    }

    /// Whether the password is the user's; `None` when there is no such user.
    pub(super) fn verify(&self, credentials: &Credentials) -> Option<bool> {
        let hash = self.users.get(&credentials.username)?;
        let password = credentials.password.expose().as_bytes();
        if !hash.is_slow() {
            return Some(hash.matches(password));
        }
        let digest: [u8; 32] = Sha256::digest(password).into();
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&credentials.username)
            .copied();
        if known.is_some_and(|known| same(&known, &digest)) {
            return Some(true);
        }
        let right = aside(|| hash.matches(password));
        if right {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(credentials.username.clone(), digest);
        }
        Some(right)
    }
}

impl std::fmt::Debug for Htpasswd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} users", self.users.len())
    }
}

/// Computes something slow, letting the runtime move its other tasks to another thread where it has several.
fn aside<T>(slow: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(slow),
        _ => slow(),
    }
}
