//! Password hashes, as password files write them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha_crypt::{PasswordHashRef, PasswordVerifier as _, ShaCrypt};
use sha1::Sha1;

use fanlight_config::Secret;

use crate::authorization::same;

/// A password that was made hard to read, in one of the known ways.
pub(super) enum PasswordHash {
    /// `$2a$`, `$2b$`, `$2x$`, `$2y$`: bcrypt.
    Bcrypt(String),
    /// `$5$`, `$6$`: SHA-crypt.
    ShaCrypt(String),
    /// `$apr1$`, `$1$`: MD5-crypt, Apache's and the original.
    Md5Crypt {
        magic: &'static str,
        salt: String,
        hash: String,
    },
    /// `{SHA}` and `{SSHA}`: SHA-1, the latter with a salt.
    Sha1 { digest: [u8; 20], salt: Vec<u8> },
    /// The password itself.
    Plain(Secret),
}

impl PasswordHash {
    /// Reads a hash; `None` when it is of a kind that is not known, or broken.
    pub(super) fn parse(text: &str) -> Option<PasswordHash> {
        if text.starts_with("$2") {
            // A wrong password is answered, a broken hash is not.
            let sound = text.parse::<bcrypt::HashParts>().is_ok();
            return sound.then(|| PasswordHash::Bcrypt(text.to_owned()));
        }
        if text.starts_with("$5$") || text.starts_with("$6$") {
            return PasswordHashRef::new(text)
                .is_ok()
                .then(|| PasswordHash::ShaCrypt(text.to_owned()));
        }
        for magic in ["$apr1$", "$1$"] {
            if let Some((salt, hash)) = text
                .strip_prefix(magic)
                .and_then(|rest| rest.split_once('$'))
            {
                let sound = hash.len() == 22 && salt.len() <= 8;
                return sound.then(|| PasswordHash::Md5Crypt {
                    magic,
                    salt: salt.into(),
                    hash: hash.into(),
                });
            }
        }
        if let Some(encoded) = text
            .strip_prefix("{SHA}")
            .or_else(|| text.strip_prefix("{SSHA}"))
        {
            let bytes = STANDARD.decode(encoded).ok()?;
            let (digest, salt) = bytes.split_first_chunk()?;
            let sound = salt.is_empty() == text.starts_with("{SHA}");
            return sound.then(|| PasswordHash::Sha1 {
                digest: *digest,
                salt: salt.to_vec(),
            });
        }
        // Of no known kind, but not a password that somebody would choose either.
        let foreign = text.is_empty() || text.starts_with('$') || text.starts_with('{');
        (!foreign).then(|| PasswordHash::Plain(Secret::new(text)))
    }

    /// Whether comparing takes so long that it must not be done for every request.
    pub(super) fn is_slow(&self) -> bool {
        !matches!(self, PasswordHash::Sha1 { .. } | PasswordHash::Plain(_))
    }

    /// Whether this is the password.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match self {
            PasswordHash::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            PasswordHash::ShaCrypt(hash) => ShaCrypt::default()
                .verify_password(password, hash.as_str())
                .is_ok(),
            PasswordHash::Md5Crypt { magic, salt, hash } => {
                same(md5_crypt(magic, salt, password).as_bytes(), hash.as_bytes())
            }
            PasswordHash::Sha1 { digest, salt } => same(
                &Sha1::new()
                    .chain_update(password)
                    .chain_update(salt)
                    .finalize(),
                digest,
            ),
            PasswordHash::Plain(expected) => same(password, expected.expose().as_bytes()),
        }
    }
}

/// Poul-Henning Kamp's MD5-crypt; Apache's differs in the magic word alone.
/// [Source](https://svn.apache.org/repos/asf/apr/apr/trunk/crypto/apr_md5.c).
fn md5_crypt(magic: &str, salt: &str, password: &[u8]) -> String {
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut outer = Md5::new()
        .chain_update(password)
        .chain_update(magic)
        .chain_update(salt);
    for chunk in password.chunks(16) {
        outer.update(inner.get(..chunk.len()).unwrap_or_default());
    }
    let mut length = password.len();
    while length > 0 {
        // The original meant something else; everybody has done this ever since.
        outer.update(if length & 1 == 1 {
            &[0]
        } else {
            password.get(..1).unwrap_or_default()
        });
        length >>= 1;
    }
    let mut digest: [u8; 16] = outer.finalize().into();
    for round in 0..1000 {
        let (first, last): (&[u8], &[u8]) = if round % 2 == 1 {
            (password, &digest)
        } else {
            (&digest, password)
        };
        let mut next = Md5::new().chain_update(first);
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        digest = next.chain_update(last).finalize().into();
    }
    printed(digest)
}

/// Six bits a letter, three bytes of the digest at a time, in the order that MD5-crypt chose.
fn printed(digest: [u8; 16]) -> String {
    const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let [
        d0,
        d1,
        d2,
        d3,
        d4,
        d5,
        d6,
        d7,
        d8,
        d9,
        d10,
        d11,
        d12,
        d13,
        d14,
        d15,
    ] = digest;
    let groups = [
        [d0, d6, d12],
        [d1, d7, d13],
        [d2, d8, d14],
        [d3, d9, d15],
        [d4, d10, d5],
        [0, 0, d11],
    ];
    let mut text = String::new();
    for [high, middle, low] in groups {
        let mut bits = u32::from_be_bytes([0, high, middle, low]);
        for _ in 0..4 {
            text.extend(
                LETTERS
                    .get(bits as usize & 63)
                    .map(|letter| char::from(*letter)),
            );
            bits >>= 6;
        }
    }
    text.truncate(22);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl passwd`, and for bcrypt and SHA-1 taken from the documents of Openwall and Apache.
    const KNOWN: [(&str, &str); 10] = [
        ("$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/", "correct horse"),
        (
            "$apr1$x$/Z0.8nXLxg96VuTKv/Lj0.",
            "a rather long password of more than thirty-two bytes",
        ),
        ("$1$12345678$pi.G6emtL4uL66v2z.IvR1", "correct horse"),
        (
            "$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/",
            "correct horse",
        ),
        (
            "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0",
            "correct horse",
        ),
        (
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "U*U",
        ),
        (
            "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "U*U",
        ),
        ("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", "myPassword"),
        ("{SSHA}kL3+/tIbZ86DOhMac+F4u8lG275zYWx0", "myPassword"),
        ("just text", "just text"),
    ];

    #[test]
    fn every_kind_of_hash_knows_its_password() {
        for (hash, password) in KNOWN {
            let parsed = PasswordHash::parse(hash).unwrap_or_else(|| panic!("{hash}"));
            assert!(parsed.matches(password.as_bytes()), "{hash}");
            assert!(!parsed.matches(b""), "{hash}");
            assert!(!parsed.matches(format!("{password} ").as_bytes()), "{hash}");
        }
    }

    #[test]
    fn what_is_no_hash_is_not_taken_for_a_password() {
        for wrong in [
            "",
            "$7$unknown",
            "$2y$05$short",
            "{SHA}short",
            "{CRYPT}x",
            "$apr1$saltsalt$short",
            "$5$",
            "$",
        ] {
            assert!(PasswordHash::parse(wrong).is_none(), "{wrong}");
        }
    }
}
