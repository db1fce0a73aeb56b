//! Tokens: JWT, HS256, with the claims that clients of the original know.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sluice_db::models::users::User;

use crate::config::Config;
use crate::error::{Error, Result};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claims {
    /// The user.
    pub(crate) user_id: i32,
    /// The role at the time; what counts is the row's.
    pub(crate) role: String,
    /// When it was issued, in seconds since 1970.
    pub(crate) iat: i64,
    /// When it ends, in seconds since 1970.
    pub(crate) exp: i64,
    /// The version of the user's tokens at the time; tokens from before there were versions say none.
    #[serde(default)]
    pub(crate) token_version: i32,
}

/// Signs and checks tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    lifetime: chrono::Duration,
}

impl Tokens {
    pub(crate) fn new(config: &Config) -> Self {
        let secret = config.jwt_secret.expose_secret().as_bytes();
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            lifetime: chrono::Duration::from_std(config.jwt_lifetime).unwrap_or(chrono::Duration::MAX),
        }
    }

    pub(crate) fn issue(&self, user: &User, now: DateTime<Utc>) -> Result<String> {
        let end = now.checked_add_signed(self.lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let claims = Claims {
            user_id: user.id,
            role: user.role.clone(),
            iat: now.timestamp(),
            exp: end.timestamp(),
            token_version: user.token_version,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(Error::Sign)
    }

    pub(crate) fn check(&self, token: &str, now: DateTime<Utc>) -> Result<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        // Checked below, by the clock that tests can move.
        validation.validate_exp = false;
        let claims =
            decode::<Claims>(token, &self.decoding, &validation).map_err(|_source| Error::InvalidToken)?.claims;
        if claims.exp <= now.timestamp() { Err(Error::InvalidToken) } else { Ok(claims) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn tokens(secret: &str) -> Tokens {
        Tokens::new(&Config {
            jwt_secret: secret.into(),
            jwt_lifetime: Duration::from_secs(60),
            lockout_enabled: true,
            spread_limit: 50,
        })
    }

    fn user(role: &str, token_version: i32) -> User {
        User {
            id: 7,
            username: "ada".to_owned(),
            password_hash: "none".to_owned(),
            role: role.to_owned(),
            failed_login_attempts: 0,
            last_failed_login_at: None,
            locked_until: None,
            last_login_at: None,
            created_at: time(0),
            updated_at: time(0),
            token_version,
        }
    }

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let tokens = tokens("0123456789abcdef0123456789abcdef");
        let token = tokens.issue(&user("user", 3), time(1_000)).unwrap();
        let claims = tokens.check(&token, time(1_059)).unwrap();
        let expected = Claims { user_id: 7, role: "user".to_owned(), iat: 1_000, exp: 1_060, token_version: 3 };
        assert_eq!(claims, expected);
        assert!(matches!(tokens.check(&token, time(1_060)), Err(Error::InvalidToken)));
    }

    #[test]
    fn a_token_from_before_there_were_versions_is_of_the_first() {
        let tokens = tokens("0123456789abcdef0123456789abcdef");
        let claims = serde_json::json!({"userId": 7, "role": "user", "iat": 1_000, "exp": 1_060});
        let old = encode(&Header::new(Algorithm::HS256), &claims, &tokens.encoding).unwrap();
        assert_eq!(tokens.check(&old, time(1_001)).unwrap().token_version, 0);
    }

    #[test]
    fn tokens_of_others_are_refused() {
        let ours = tokens("0123456789abcdef0123456789abcdef");
        let theirs = tokens("another secret of thirty-two byte").issue(&user("admin", 0), time(1_000)).unwrap();
        assert!(ours.check(&theirs, time(1_001)).is_err());
        // {"alg":"none"}.{"userId":7,"role":"admin","iat":1000,"exp":9999999999}.
        let unsigned =
            "eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOjcsInJvbGUiOiJhZG1pbiIsImlhdCI6MTAwMCwiZXhwIjo5OTk5OTk5OTk5fQ.";
        assert!(ours.check(unsigned, time(1_001)).is_err());
        assert!(ours.check("", time(1_001)).is_err());
    }
}
