//! Passwords, as argon2id hashes.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

use crate::error::{Error, Result};

/// Hashes and checks passwords, on threads where that may take its time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passwords;

/// A hash that no password has, for names that nobody has: telling them apart by time must not work.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2x1aWNlIG5vYm9keSEh$Zm9ydHktdHdvIGJ5dGVzIG9mIG5vdGhpbmcgYXQgYWw";

impl Passwords {
    /// Hashes a password with a fresh salt.
    ///
    /// # Errors
    /// When the machine gives no random bytes.
    pub async fn hash(self, password: &str) -> Result<String> {
        let password = password.to_owned();
        tokio::task::spawn_blocking(move || {
            let hash =
                Argon2::default().hash_password(password.as_bytes()).map_err(|error| Error::Hash(Box::new(error)))?;
            Ok(hash.to_string())
        })
        .await
        .map_err(|error| Error::Hash(Box::new(error)))?
    }

    /// Whether a password has the hash; with no hash, as long as it takes to say no.
    ///
    /// # Errors
    /// When the check can't be run.
    pub async fn verify(self, password: &str, hash: Option<&str>) -> Result<bool> {
        let password = password.to_owned();
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let matches = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
        .map_err(|error| Error::Hash(Box::new(error)))?;
        Ok(known && matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hash = Passwords.hash("Correct-Horse1!").await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(Passwords.verify("Correct-Horse1!", Some(&hash)).await.unwrap());
        assert!(!Passwords.verify("correct-horse1!", Some(&hash)).await.unwrap());
        assert!(!Passwords.verify("anything", Some("not a hash")).await.unwrap());
        assert!(!Passwords.verify("anything", None).await.unwrap());
    }

    #[test]
    fn the_hash_of_nobody_is_one_that_can_be_checked() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
