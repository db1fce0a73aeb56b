//! Signing in and checking tokens.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sluice_core::UserId;
use sluice_core::ports::Clock;
use sluice_db::Pool;
use sluice_db::models::users::{self, User};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::password::Passwords;
use crate::token::Tokens;

/// Wrong passwords in a row and what they cost; the highest one reached counts. `None` locks for good.
const LOCKOUTS: [(i32, Option<Duration>); 3] =
    [(5, Some(Duration::from_secs(900))), (10, Some(Duration::from_secs(3_600))), (15, None)];
/// A day without a wrong password forgives them all, also the lock for good: it must not be a lever against others.
const FORGIVEN_AFTER: Duration = Duration::from_secs(86_400);

/// Signs people in and checks their tokens. Clones share all.
#[derive(Clone)]
pub struct Authenticator {
    pool: Pool,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    lockout_enabled: bool,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Their key.
    pub user_id: UserId,
    /// Their name.
    pub username: String,
    /// Whether they are an admin.
    pub is_admin: bool,
    /// When their token ends.
    pub expires_at: DateTime<Utc>,
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Their row.
    pub user: User,
    /// Their token.
    pub token: String,
}

impl Authenticator {
    /// Takes its settings.
    #[must_use]
    pub fn new(config: &Config, pool: Pool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, tokens: Tokens::new(config), clock, lockout_enabled: config.lockout_enabled }
    }

    /// Checks a token and reads its user.
    ///
    /// # Errors
    /// `InvalidToken` when the token is none of ours, has expired, or its user is gone.
    pub async fn authenticate(&self, token: &str) -> Result<Identity> {
        let claims = self.tokens.check(token, self.clock.now())?;
        let mut connection = self.pool.get().await?;
        let user = users::find(&mut connection, claims.user_id).await?.ok_or(Error::InvalidToken)?;
        Ok(Identity {
            user_id: user.id.into(),
            is_admin: user.role == "admin",
            username: user.username,
            expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(DateTime::<Utc>::MAX_UTC),
        })
    }

    /// Signs somebody in by name and password.
    ///
    /// # Errors
    /// `InvalidCredentials`, `Locked` or `LockedForGood`.
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<SignedIn> {
        let now = self.clock.now();
        let found = users::find_by_name(&mut *self.pool.get().await?, username).await?;
        let Some(user) = found else {
            Passwords.verify(password, None).await?;
            return Err(Error::InvalidCredentials);
        };
        let failures = if is_forgiven(&user, now) { 0 } else { user.failed_login_attempts };
        if failures > 0 && self.lockout_enabled {
            check_lock(&user, failures, now)?;
        }
        let matches = Passwords.verify(password, Some(&user.password_hash)).await?;
        let mut connection = self.pool.get().await?;
        if matches {
            users::record_sign_in(&mut connection, user.id, now).await?;
            let token = self.tokens.issue(user.id, &user.role, now)?;
            return Ok(SignedIn { user, token });
        }
        let failures = failures.saturating_add(1);
        let lock = LOCKOUTS.iter().rev().find(|(least, _)| failures >= *least).and_then(|(_, lock)| *lock);
        users::record_failure(&mut connection, user.id, failures, now, lock.map(|lock| now + lock)).await?;
        Err(Error::InvalidCredentials)
    }

    /// Sets another password for somebody who knows the present one. Their tokens stay good.
    ///
    /// # Errors
    /// `WrongPassword`, or `InvalidToken` when the user is gone.
    pub async fn change_password(&self, user: UserId, current: &str, new: &str) -> Result<()> {
        let found = users::find(&mut *self.pool.get().await?, user.0).await?.ok_or(Error::InvalidToken)?;
        if !Passwords.verify(current, Some(&found.password_hash)).await? {
            return Err(Error::WrongPassword);
        }
        let hash = Passwords.hash(new).await?;
        Ok(users::set_password_hash(&mut *self.pool.get().await?, user.0, &hash).await?)
    }
}

fn is_forgiven(user: &User, now: DateTime<Utc>) -> bool {
    user.last_failed_login_at
        .is_none_or(|last| now - last > chrono::Duration::from_std(FORGIVEN_AFTER).unwrap_or_default())
}

fn check_lock(user: &User, failures: i32, now: DateTime<Utc>) -> Result<()> {
    match user.locked_until {
        Some(until) if until > now => Err(Error::Locked { until }),
        None if LOCKOUTS.iter().any(|(least, lock)| lock.is_none() && failures >= *least) => Err(Error::LockedForGood),
        Some(_) | None => Ok(()),
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("lockout_enabled", &self.lockout_enabled).finish_non_exhaustive()
    }
}
