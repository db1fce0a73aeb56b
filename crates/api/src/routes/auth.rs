//! Signing in.

use actix_web::web::{Data, Json};
use serde::Serialize;
use sluice_core::UserId;
use sluice_db::models::{sign_ins, users};
use utoipa::ToSchema;

use crate::audit::{self, Action};
use crate::error::{ApiError, Result};
use crate::extract::{Admin, Body, Caller, Fields, Input, Path, SentFrom, User};
use crate::respond::{Created, NoContent};
use crate::state::AppState;

/// Somebody who may sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserDto {
    id: i32,
    username: String,
    role: String,
}

/// Who has signed in, and the token that says so.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoginDto {
    user: UserDto,
    token: String,
    /// The same once more, for clients of either name.
    access_token: String,
}

/// A name and a password.
pub(crate) struct Credentials {
    username: String,
    password: String,
}

impl Input for Credentials {
    fn read(fields: &mut Fields) -> Self {
        let username = fields.string("username").min_length(3).max_length(50).matches(USERNAME, is_username).required();
        Self { username, password: fields.string("password").required() }
    }
}

/// POST /auth/login
pub(crate) async fn log_in(
    state: Data<AppState>,
    SentFrom(origin): SentFrom,
    Body(sent): Body<Credentials>,
) -> Result<Created<LoginDto>> {
    let signed_in = state.authenticator.sign_in(&sent.username, &sent.password, &origin).await?;
    let user = UserDto { id: signed_in.user.id, username: signed_in.user.username, role: signed_in.user.role };
    Ok(Created(LoginDto { user, access_token: signed_in.token.clone(), token: signed_in.token }))
}

/// GET /auth/profile
pub(crate) async fn show_profile(User(identity): User) -> Json<UserDto> {
    let role = if identity.is_admin { "admin" } else { "user" };
    Json(UserDto { id: identity.user_id.0, username: identity.username, role: role.to_owned() })
}

/// The present password and another one.
pub(crate) struct PasswordChange {
    current: String,
    new: String,
}

impl Input for PasswordChange {
    fn read(fields: &mut Fields) -> Self {
        Self {
            current: fields.string("currentPassword").min_length(1).max_length(128).required(),
            new: fields
                .string("newPassword")
                .min_length(8)
                .max_length(128)
                .matches(PASSWORD, is_strong_password)
                .required(),
        }
    }
}

/// POST /auth/change-password: ends all tokens of the caller, also the one that asks.
pub(crate) async fn change_password(
    state: Data<AppState>,
    User(identity): User,
    SentFrom(origin): SentFrom,
    Body(sent): Body<PasswordChange>,
) -> Result<NoContent> {
    state.authenticator.change_password(identity.user_id, (&sent.current, &sent.new), &origin).await?;
    Ok(NoContent)
}

/// POST /auth/sign-out-everywhere: ends all tokens of the caller, also the one that asks.
pub(crate) async fn sign_out_everywhere(
    state: Data<AppState>,
    User(identity): User,
    Caller(caller): Caller,
) -> Result<NoContent> {
    state.authenticator.sign_out_everywhere(&caller, identity.user_id).await?;
    Ok(NoContent)
}

/// POST /auth/users/:id/unlock
pub(crate) async fn unlock_user(
    state: Data<AppState>,
    _admin: Admin,
    Caller(caller): Caller,
    Path(id): Path<UserId>,
) -> Result<Created<UserDto>> {
    let entry = caller.did(Action::Unlocked).to("user", id);
    let unlocked = state.pool.transaction(move |connection| {
        Box::pin(async move {
            let user = users::unlock(connection, id.0).await?;
            if let Some(user) = &user {
                sign_ins::forget_failures(connection, &user.username, None).await?;
                audit::record(connection, &entry).await?;
            }
            Ok(user)
        })
    });
    let user = unlocked.await?.ok_or_else(|| ApiError::not_found("User not found"))?;
    Ok(Created(UserDto { id: user.id, username: user.username, role: user.role }))
}

/// What `is_strong_password` says, for clients.
const PASSWORD: &str = "^(?=.*[a-z])(?=.*[A-Z])(?=.*\\d)(?=.*[@$!%*?&])";

/// At least one small and one capital letter, one digit and one of some signs.
fn is_strong_password(text: &str) -> bool {
    let has = |is_one: fn(char) -> bool| text.chars().any(is_one);
    has(|c| c.is_ascii_lowercase())
        && has(|c| c.is_ascii_uppercase())
        && has(|c| c.is_ascii_digit())
        && has(|c| "@$!%*?&".contains(c))
}

/// What `is_username` says, for clients.
const USERNAME: &str = "^[a-zA-Z][a-zA-Z0-9_-]*$";

/// A letter, then letters, digits, `_` and `-`.
fn is_username(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
