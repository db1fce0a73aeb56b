//! Signing in and checking tokens.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;
use sluice_core::ports::Clock;
use sluice_core::{ApiKeyId, UserId};
use sluice_db::models::users::{self, User};
use sluice_db::models::{api_keys, sign_ins};
use sluice_db::{AsyncPgConnection, Pool};

use crate::audit::{self, Action, Actor, Origin};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keys::{self, ApiKeyScope};
use crate::lockout::{self, Attempt, Verdict};
use crate::password::Passwords;
use crate::token::Tokens;

/// How often at most the use of an API key is noted.
const NOTED_EVERY: chrono::Duration = chrono::Duration::seconds(60);

/// Signs people in and checks their tokens. Clones share all.
#[derive(Clone)]
pub struct Authenticator {
    pool: Pool,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    lockout_enabled: bool,
    spread_limit: i32,
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
    /// What has to stay as it is for the token to stay good.
    pub standing: Standing,
    /// What they are narrowed to when a program's key asks and not a person.
    pub api_key: Option<ApiKeyScope>,
}

impl Identity {
    /// Whether a project is within reach at all; whose it is decides somebody else.
    #[must_use]
    pub fn reaches(&self, project: i32) -> bool {
        self.api_key.as_ref().is_none_or(|key| key.project_id.0 == project)
    }

    /// The one project that is within reach; `None` when there is no such limit.
    #[must_use]
    pub fn only_project(&self) -> Option<i32> {
        self.api_key.as_ref().map(|key| key.project_id.0)
    }
}

/// What a token stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// A user, and the version of their tokens.
    Token(UserId, i32),
    /// An API key.
    Key(ApiKeyId),
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
        Self {
            pool,
            tokens: Tokens::new(config),
            clock,
            lockout_enabled: config.lockout_enabled,
            spread_limit: config.spread_limit,
        }
    }

    /// Checks a token or an API key and reads its user.
    ///
    /// # Errors
    /// `InvalidToken` when it is none of ours, has expired, was ended or revoked, or its user is gone.
    pub async fn authenticate(&self, token: &str, ip: Option<IpAddr>) -> Result<Identity> {
        if keys::is_key(token) {
            return self.authenticate_key(token, ip).await;
        }
        let claims = self.tokens.check(token, self.clock.now())?;
        let mut connection = self.pool.get().await?;
        let user = users::find(&mut connection, claims.user_id).await?.ok_or(Error::InvalidToken)?;
        if claims.token_version != user.token_version {
            return Err(Error::InvalidToken);
        }
        Ok(Identity {
            user_id: user.id.into(),
            is_admin: user.role == "admin",
            username: user.username,
            expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(DateTime::<Utc>::MAX_UTC),
            standing: Standing::Token(user.id.into(), user.token_version),
            api_key: None,
        })
    }

    async fn authenticate_key(&self, token: &str, ip: Option<IpAddr>) -> Result<Identity> {
        let now = self.clock.now();
        let prefix = keys::prefix_of(token).ok_or(Error::InvalidToken)?;
        let mut connection = self.pool.get().await?;
        let found = api_keys::find_by_prefix(&mut connection, prefix).await?.ok_or(Error::InvalidToken)?;
        let key = found.key;
        let is_ended = key.revoked_at.is_some() || key.expires_at.is_some_and(|end| end <= now);
        if !keys::has_hash(token, &found.secret_hash) || is_ended || found.owner_id != key.user_id {
            return Err(Error::InvalidToken);
        }
        let noted_since = now - NOTED_EVERY;
        if key.last_used_at.is_none_or(|last| last < noted_since) {
            let ip = ip.map(|ip| ip.to_canonical().to_string());
            api_keys::note_use(&mut connection, key.id, (now, noted_since), ip.as_deref()).await?;
        }
        let id = ApiKeyId(key.id);
        let scopes = key.scopes.iter().filter_map(|word| word.parse().ok()).collect();
        Ok(Identity {
            user_id: key.user_id.into(),
            username: found.username,
            // Whatever its user is, a key is none.
            is_admin: false,
            expires_at: key.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC),
            standing: Standing::Key(id),
            api_key: Some(ApiKeyScope { id, prefix: key.prefix, project_id: key.project_id.into(), scopes }),
        })
    }

    /// Of what tokens stand on, what stands no more: users who are gone or whose tokens were ended, keys that were revoked.
    ///
    /// # Errors
    /// When the database does not answer; nothing is said then.
    pub async fn list_fallen(&self, standings: &HashSet<Standing>) -> Result<HashSet<Standing>> {
        let (mut user_ids, mut key_ids) = (Vec::new(), Vec::new());
        for standing in standings {
            match standing {
                Standing::Token(user, _) => user_ids.push(user.0),
                Standing::Key(key) => key_ids.push(key.0),
            }
        }
        let mut good = HashSet::new();
        let mut connection = self.pool.get().await?;
        if !user_ids.is_empty() {
            let versions = users::list_token_versions(&mut connection, &user_ids).await?;
            good.extend(versions.into_iter().map(|(user, version)| Standing::Token(user.into(), version)));
        }
        if !key_ids.is_empty() {
            let keys = api_keys::list_good(&mut connection, &key_ids, self.clock.now()).await?;
            good.extend(keys.into_iter().map(|key| Standing::Key(key.into())));
        }
        Ok(standings.difference(&good).copied().collect())
    }

    /// Signs somebody in by name and password.
    ///
    /// # Errors
    /// `InvalidCredentials`, `Locked` or `LockedForGood`.
    pub async fn sign_in(&self, username: &str, password: &str, origin: &Origin) -> Result<SignedIn> {
        let guess = Guess::new(username, origin);
        self.check_lock(&guess).await?;
        let found = users::find_by_name(&mut *self.pool.get().await?, username).await?;
        let matches = Passwords.verify(password, found.as_ref().map(|user| user.password_hash.as_str())).await?;
        let guess = guess.about(found.as_ref());
        let Some(user) = found.filter(|_| matches) else {
            self.count_failure(guess).await?;
            return Err(Error::InvalidCredentials);
        };
        let fresh_hash =
            if Passwords::is_outdated(&user.password_hash) { Some(Passwords.hash(password).await?) } else { None };
        self.finish_sign_in(guess, &user, fresh_hash).await?;
        let token = self.tokens.issue(&user, self.clock.now())?;
        Ok(SignedIn { user, token })
    }

    /// Sets another password for somebody who knows the present one, and ends all their tokens. Wrong ones are counted as
    /// they are at signing in: a stolen token must not be good for guessing.
    ///
    /// # Errors
    /// `WrongPassword`, `Locked`, `LockedForGood`, or `InvalidToken` when the user is gone.
    pub async fn change_password(&self, user: UserId, (current, new): (&str, &str), origin: &Origin) -> Result<()> {
        let found = users::find(&mut *self.pool.get().await?, user.0).await?.ok_or(Error::InvalidToken)?;
        let guess = Guess::new(&found.username, origin).about(Some(&found));
        self.check_lock(&guess).await?;
        if !Passwords.verify(current, Some(&found.password_hash)).await? {
            self.count_failure(guess).await?;
            return Err(Error::WrongPassword);
        }
        let hash = Passwords.hash(new).await?;
        let entry = guess.actor.did(Action::PasswordChanged).to("user", found.id);
        let changed = self.pool.transaction(move |connection| {
            Box::pin(async move {
                let changed = users::change_password(connection, found.id, (&found.password_hash, &hash)).await?;
                if changed {
                    audit::record(connection, &entry).await?;
                }
                Ok(changed)
            })
        });
        // Somebody else was faster: what was told is the present password no more.
        if changed.await? { Ok(()) } else { Err(Error::WrongPassword) }
    }

    /// Ends all tokens of a user.
    ///
    /// # Errors
    /// `InvalidToken` when the user is gone.
    pub async fn sign_out_everywhere(&self, actor: &Actor, user: UserId) -> Result<()> {
        let entry = actor.did(Action::SignedOutEverywhere).to("user", user);
        let ended = self.pool.transaction(move |connection| {
            Box::pin(async move {
                audit::record(connection, &entry).await?;
                users::end_tokens(connection, user.0).await
            })
        });
        if ended.await? { Ok(()) } else { Err(Error::InvalidToken) }
    }

    /// Refuses who has guessed too often. Names that nobody has are asked for alike and take as long.
    async fn check_lock(&self, guess: &Guess) -> Result<()> {
        let now = self.clock.now();
        let mut connection = self.pool.get().await?;
        self.judge(&mut connection, guess, now).await?.into_result()
    }

    async fn judge(
        &self,
        connection: &mut AsyncPgConnection,
        guess: &Guess,
        now: DateTime<Utc>,
    ) -> sluice_db::Result<Verdict> {
        if !self.lockout_enabled {
            return Ok(Verdict::Open);
        }
        let (name, network) = (guess.actor.username.as_str(), guess.network.as_str());
        let failures = sign_ins::list_failures(connection, name, now - lockout::FORGIVEN_AFTER).await?;
        let is_known = sign_ins::is_known_network(connection, name, network, now - lockout::KNOWN_FOR).await?;
        Ok(lockout::judge(&failures, Attempt { network, is_known, now }, self.spread_limit))
    }

    /// Counts a wrong password.
    async fn count_failure(&self, guess: Guess) -> Result<()> {
        let now = self.clock.now();
        let counted = self.pool.transaction(move |connection| {
            Box::pin(async move {
                let name = guess.actor.username.as_str();
                sign_ins::take_turn(connection, name).await?;
                let before = sign_ins::list_failures(connection, name, now - lockout::FORGIVEN_AFTER).await?;
                // Whether the network is known decides nothing about the count.
                let attempt = Attempt { network: &guess.network, is_known: false, now };
                let row = lockout::count(&before, name, attempt);
                sign_ins::store_failures(connection, &row).await?;
                users::record_failure(connection, name, row.failures, now, row.locked_until).await?;
                let failed = guess.actor.did(Action::SignInFailed).with(json!({"failures": row.failures}));
                audit::record(connection, &failed).await?;
                if lockout::begins_lock(row.failures) {
                    let until = row.locked_until.map(|until| until.to_rfc3339());
                    let locked = guess.actor.did(Action::Locked);
                    let details = json!({"network": guess.network, "until": until});
                    audit::record(connection, &locked.with(details)).await?;
                }
                Ok(())
            })
        });
        Ok(counted.await?)
    }

    /// Notes a sign-in, unless others have guessed so often meanwhile that the password counts no more: else a thousand
    /// guesses at the same moment would all be judged by what was before the first.
    async fn finish_sign_in(&self, guess: Guess, user: &User, fresh_hash: Option<String>) -> Result<()> {
        let now = self.clock.now();
        let (shared, user) = (self.clone(), user.clone());
        let finished = self.pool.transaction(move |connection| {
            Box::pin(async move {
                sign_ins::take_turn(connection, &user.username).await?;
                let verdict = shared.judge(connection, &guess, now).await?;
                if verdict != Verdict::Open {
                    return Ok(verdict);
                }
                sign_ins::forget_failures(connection, &user.username, Some(&guess.network)).await?;
                sign_ins::note_network(connection, user.id, &guess.network, now).await?;
                users::record_sign_in(connection, user.id, now).await?;
                if let Some(hash) = fresh_hash {
                    users::replace_hash(connection, user.id, (&user.password_hash, &hash)).await?;
                }
                audit::record(connection, &guess.actor.did(Action::SignIn)).await?;
                Ok(verdict)
            })
        });
        match finished.await {
            Ok(verdict) => verdict.into_result(),
            // Deleted a moment ago.
            Err(sluice_db::Error::Reference { .. }) => Err(Error::InvalidCredentials),
            Err(error) => Err(error.into()),
        }
    }
}

/// A password that is tried for a name.
struct Guess {
    actor: Actor,
    network: String,
}

impl Guess {
    fn new(username: &str, origin: &Origin) -> Self {
        let actor =
            Actor { user_id: None, username: username.to_owned(), api_key_prefix: None, origin: origin.clone() };
        Self { actor, network: lockout::network_of(origin.ip) }
    }

    /// Says whose name it is.
    fn about(mut self, user: Option<&User>) -> Self {
        self.actor.user_id = user.map(|user| user.id);
        self
    }
}

impl Verdict {
    fn into_result(self) -> Result<()> {
        match self {
            Self::Open => Ok(()),
            Self::Until(until) => Err(Error::Locked { until }),
            Self::ForGood => Err(Error::LockedForGood),
        }
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("lockout_enabled", &self.lockout_enabled).finish_non_exhaustive()
    }
}
