//! Signing in.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::{Body, Fields, Input, User};
use crate::respond::Created;
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
pub(crate) async fn log_in(state: Data<AppState>, Body(sent): Body<Credentials>) -> Result<Created<LoginDto>> {
    let signed_in = state.authenticator.sign_in(&sent.username, &sent.password).await?;
    let user = UserDto { id: signed_in.user.id, username: signed_in.user.username, role: signed_in.user.role };
    Ok(Created(LoginDto { user, access_token: signed_in.token.clone(), token: signed_in.token }))
}

/// GET /auth/profile
pub(crate) async fn show_profile(User(identity): User) -> Json<UserDto> {
    let role = if identity.is_admin { "admin" } else { "user" };
    Json(UserDto { id: identity.user_id.0, username: identity.username, role: role.to_owned() })
}

/// What `is_username` says, for clients.
const USERNAME: &str = "^[a-zA-Z][a-zA-Z0-9_-]*$";

/// A letter, then letters, digits, `_` and `-`.
fn is_username(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
