//! Secrets at rest: AES-256-GCM under a key from the environment.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::env::Env;

/// Encrypts and decrypts short secrets such as API keys.
///
/// A sealed secret reads `sealed:v1:<base64 of nonce and ciphertext with tag>`; anything else is taken as plain, so that
/// a database from before the key was set still works.
pub struct SecretBox(RandomizedNonceKey);

const PREFIX: &str = "sealed:v1:";
const KEY_BYTES: usize = 32;

/// Takes random bytes that nobody can guess from the system.
///
/// # Errors
/// When it gives none.
pub fn random_bytes<const COUNT: usize>() -> Result<[u8; COUNT], Error> {
    let mut bytes = [0; COUNT];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_source| Error::Seal)?;
    Ok(bytes)
}

/// A secret that can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is not 32 bytes in base64.
    #[error("the key is not 32 bytes in base64")]
    Key,
    /// The cipher refused.
    #[error("a secret could not be sealed")]
    Seal,
    /// The secret was changed, or sealed under another key.
    #[error("a secret could not be opened: it was sealed under another key or has been changed")]
    Open,
}

impl SecretBox {
    /// Reads the key from `SLUICE_SECRETS_KEY`: 32 bytes in base64.
    pub fn read(env: &mut Env) -> Self {
        const NAME: &str = "SLUICE_SECRETS_KEY";
        let key = env.secret(NAME);
        Self::from_base64(&key).unwrap_or_else(|error| {
            if !key.expose_secret().is_empty() {
                env.problem(NAME, &format!("can't be used: {error}"));
            }
            Self::from_bytes(&[0; KEY_BYTES]).unwrap_or_else(|_| std::process::abort())
        })
    }

    /// Takes the key as base64.
    ///
    /// # Errors
    /// When it is not 32 bytes long.
    pub fn from_base64(key: &SecretString) -> Result<Self, Error> {
        let bytes = STANDARD.decode(key.expose_secret().trim()).map_err(|_source| Error::Key)?;
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).map(Self).map_err(|_source| Error::Key)
    }

    /// Makes a fresh key, as base64.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate_key() -> Result<SecretString, Error> {
        Ok(STANDARD.encode(random_bytes::<KEY_BYTES>()?).into())
    }

    /// Seals a secret.
    ///
    /// # Errors
    /// When the cipher refuses, which it does for no input of ours.
    pub fn seal(&self, plain: &str) -> Result<String, Error> {
        let mut buffer = plain.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut buffer).map_err(|_source| Error::Seal)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut buffer);
        Ok(format!("{PREFIX}{}", STANDARD.encode(sealed)))
    }

    /// Opens a sealed secret; a plain one is answered as it is.
    ///
    /// # Errors
    /// When it was sealed under another key or has been changed.
    pub fn open(&self, stored: &str) -> Result<SecretString, Error> {
        let Some(encoded) = stored.strip_prefix(PREFIX) else {
            return Ok(stored.into());
        };
        let mut bytes = STANDARD.decode(encoded).map_err(|_source| Error::Open)?;
        if bytes.len() < NONCE_LEN {
            return Err(Error::Open);
        }
        let mut ciphertext = bytes.split_off(NONCE_LEN);
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(&bytes).map_err(|_source| Error::Open)?;
        let plain = self.0.open_in_place(nonce, Aad::empty(), &mut ciphertext).map_err(|_source| Error::Open)?;
        String::from_utf8(plain.to_vec()).map(Into::into).map_err(|_source| Error::Open)
    }
}

impl std::fmt::Debug for SecretBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretBox(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> SecretBox {
        SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_again_and_does_not_show() {
        let secrets = fresh();
        let sealed = secrets.seal("sk-very-secret").unwrap();
        assert!(sealed.starts_with(PREFIX) && !sealed.contains("secret"));
        assert_ne!(sealed, secrets.seal("sk-very-secret").unwrap(), "each sealing has its own nonce");
        assert_eq!(secrets.open(&sealed).unwrap().expose_secret(), "sk-very-secret");
    }

    #[test]
    fn a_plain_secret_is_answered_as_it_is() {
        assert_eq!(fresh().open("plain").unwrap().expose_secret(), "plain");
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = fresh().seal("x").unwrap();
        assert!(matches!(fresh().open(&sealed), Err(Error::Open)));
        assert!(matches!(fresh().open("sealed:v1:AAAA"), Err(Error::Open)));
    }

    #[test]
    fn the_key_must_be_set_and_long_enough() {
        let mut env = Env::from_pairs([("SLUICE_SECRETS_KEY", "c2hvcnQ=")]);
        SecretBox::read(&mut env);
        assert_eq!(env.finish().unwrap_err().0.len(), 1);
        let mut env = Env::from_pairs::<&str, &str>([]);
        SecretBox::read(&mut env);
        assert_eq!(env.finish().unwrap_err().0.len(), 1);
    }
}
