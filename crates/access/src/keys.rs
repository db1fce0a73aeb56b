//! API keys: `slk_<prefix>_<secret>`. The prefix is shown and finds the row; of the whole only a hash is stored.
//!
//! SHA-256 is enough: the secret is 256 random bits, so there is no list of likely ones that a slow hash would make dear,
//! and a key is checked with every request.

use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sluice_core::{ApiKeyId, ProjectId};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};

const BEGIN: &str = "slk_";
const PREFIX_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// What a key may do in its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyScope {
    /// Look at everything in it.
    Read,
    /// Upload, change and delete manifests and groups.
    Write,
    /// Start, repeat and cancel runs, which costs money.
    Extract,
}

impl KeyScope {
    /// The words that a key is made with.
    pub const WORDS: [&'static str; 3] = ["read", "write", "extract"];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Extract => "extract",
        }
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyScope {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "extract" => Ok(Self::Extract),
            _ => Err(Error::InvalidToken),
        }
    }
}

/// What an API key narrows its user to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyScope {
    /// The key.
    pub id: ApiKeyId,
    /// The part of it that is shown.
    pub prefix: String,
    /// The one project that it opens.
    pub project_id: ProjectId,
    /// What it may do there.
    pub scopes: Vec<KeyScope>,
}

impl ApiKeyScope {
    /// Whether the key may do what needs a scope.
    #[must_use]
    pub fn allows(&self, scope: KeyScope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// A key that was just made; the only moment at which it is known whole.
#[derive(Debug)]
pub struct MintedKey {
    /// The part that is shown.
    pub prefix: String,
    /// The whole.
    pub key: SecretString,
    /// What is stored of it.
    pub hash: Vec<u8>,
}

impl MintedKey {
    /// Makes a key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn mint() -> Result<Self> {
        let prefix = hex::encode(sluice_service::random_bytes::<PREFIX_BYTES>().map_err(Error::Random)?);
        let secret = hex::encode(sluice_service::random_bytes::<SECRET_BYTES>().map_err(Error::Random)?);
        let key = format!("{BEGIN}{prefix}_{secret}");
        Ok(Self { hash: hash(&key), prefix, key: key.into() })
    }
}

/// The prefix of what looks like a key; `None` for other tokens.
pub(crate) fn prefix_of(token: &str) -> Option<&str> {
    let (prefix, secret) = token.strip_prefix(BEGIN)?.split_once('_')?;
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let fits = prefix.len() == 2 * PREFIX_BYTES && secret.len() == 2 * SECRET_BYTES;
    (fits && is_hex(prefix) && is_hex(secret)).then_some(prefix)
}

/// Whether a token is an API key, good or not.
pub(crate) fn is_key(token: &str) -> bool {
    token.starts_with(BEGIN)
}

/// Whether a key has a hash, in the same time whatever it is.
pub(crate) fn has_hash(key: &str, stored: &[u8]) -> bool {
    hash(key).ct_eq(stored).into()
}

fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_key_is_found_by_its_prefix_and_known_by_its_hash() {
        let minted = MintedKey::mint().unwrap();
        let key = minted.key.expose_secret();
        assert_eq!(key.len(), 81);
        assert_eq!(prefix_of(key), Some(minted.prefix.as_str()));
        assert!(has_hash(key, &minted.hash));
        let other = MintedKey::mint().unwrap();
        assert!(!has_hash(other.key.expose_secret(), &minted.hash));
        assert!(!has_hash(key, &[]));
        assert!(!format!("{minted:?}").contains(key), "a key does not get into a log by accident");
    }

    #[test]
    fn what_is_no_key_is_looked_up_nowhere() {
        let key = format!("slk_{}_{}", "a".repeat(12), "0".repeat(64));
        assert!(prefix_of(&key).is_some());
        for token in
            ["", "slk_", "slk_a_b", "eyJ.a.b", &key.replace("slk", "SLK"), &key.replace('a', "A"), &format!("{key}0")]
        {
            assert_eq!(prefix_of(token), None, "{token}");
        }
    }
}
