//! Passwords, as argon2id hashes; hashes of bcrypt, which the users of an earlier system bring along, are checked too.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Checks that run at a time at most, in all of the process: each takes 19 MiB and a core, so a burst of sign-ins shall
/// neither fill the memory nor take more than half of the cores from everybody else.
static CHECKS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, MAX_CHECKS))));
const MAX_CHECKS: usize = 4;
/// The address space that a check reserves. What is larger than 32 MiB the allocator of glibc takes from the system and
/// gives back at once; smaller blocks it keeps, for each thread that ever had one. Only what is used takes memory.
const RESERVED_BLOCKS: usize = 33 * 1024;
const MAX_BCRYPT_COST: u32 = 15;

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

    /// Whether a hash is one that we would not make any more.
    #[must_use]
    pub fn is_outdated(hash: &str) -> bool {
        is_bcrypt(hash)
    }

    /// Whether a password has the hash; with no hash, as long as it takes to say no.
    ///
    /// # Errors
    /// When the check can't be run.
    pub async fn verify(self, password: &str, hash: Option<&str>) -> Result<bool> {
        let turn = CHECKS.acquire().await.map_err(|error| Error::Hash(Box::new(error)))?;
        let password = password.to_owned();
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let check = move || {
            // Given up when the check has ended, also when nobody waits for it any more.
            let _turn = turn;
            has_hash(&password, &hash).unwrap_or(false)
        };
        let matches = tokio::task::spawn_blocking(check).await.map_err(|error| Error::Hash(Box::new(error)))?;
        Ok(known && matches)
    }
}

fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|begin| hash.starts_with(begin))
}

/// Whether a password has a hash of bcrypt. Like the system that made it, it looks at the first 72 bytes.
fn has_bcrypt_hash(password: &str, hash: &str) -> Option<bool> {
    // Each more doubles the time: a hash from a strange source must not stop the service.
    let cost: u32 = hash.split('$').nth(2)?.parse().ok()?;
    if cost > MAX_BCRYPT_COST { None } else { bcrypt::verify(password, hash).ok() }
}

/// Whether a password has a hash; `None` when the hash is none that we know.
fn has_hash(password: &str, hash: &str) -> Option<bool> {
    if is_bcrypt(hash) {
        return has_bcrypt_hash(password, hash);
    }
    let hash = PasswordHash::new(hash).ok()?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = Version::try_from(hash.version?).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let (salt, expected) = (hash.salt?, hash.hash?);
    let mut blocks = Vec::with_capacity(params.block_count().max(RESERVED_BLOCKS));
    blocks.resize(params.block_count(), Block::new());
    let mut bytes = [0; Output::MAX_LENGTH];
    let out = bytes.get_mut(..expected.len())?;
    Argon2::new(algorithm, version, params)
        .hash_password_into_with_memory(password.as_bytes(), &salt, out, &mut blocks)
        .ok()?;
    // Compares in constant time.
    Some(Output::new(out).ok()? == expected)
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

    #[tokio::test]
    async fn hashes_of_bcrypt_are_known_and_outdated() {
        // Of the cost 4, made with another implementation.
        const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuUHlL6c7X.LiopPFLJk13494ptuUCrI2";
        assert!(Passwords.verify("Correct-Horse1!", Some(HASH)).await.unwrap());
        assert!(!Passwords.verify("correct-horse1!", Some(HASH)).await.unwrap());
        assert!(!Passwords.verify("Correct-Horse1!", Some(&HASH.replace("$04$", "$31$"))).await.unwrap());
        assert!(Passwords::is_outdated(HASH));
        assert!(!Passwords::is_outdated(NOBODY));
    }

    #[test]
    fn the_hash_of_nobody_is_one_that_can_be_checked() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
