//! Signing in.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Serialize;
use sluice_core::UserId;

use crate::error::Result;
use crate::extract::{Body, User};
use crate::state::AppState;

#[derive(Debug, Serialize)]
struct UserDto {
    id: UserId,
    username: String,
    role: String,
}

#[derive(Debug, Serialize)]
struct LoginDto {
    user: UserDto,
    token: String,
    /// The same once more, for clients of either name.
    access_token: String,
}

/// POST /auth/login
pub(crate) async fn log_in(state: Data<AppState>, Body(mut fields): Body) -> Result<HttpResponse> {
    let username =
        fields.string("username").min_length(3).max_length(50).rule("matches", |name| is_username(name)).required();
    let password = fields.string("password").required();
    fields.finish()?;
    let signed_in = state.authenticator.sign_in(&username, &password).await?;
    let user = UserDto { id: UserId(signed_in.user.id), username: signed_in.user.username, role: signed_in.user.role };
    let body = LoginDto { user, access_token: signed_in.token.clone(), token: signed_in.token };
    Ok(HttpResponse::Created().json(body))
}

/// GET /auth/profile
pub(crate) async fn show_profile(User(identity): User) -> Json<impl Serialize> {
    let role = if identity.is_admin { "admin" } else { "user" };
    Json(UserDto { id: identity.user_id, username: identity.username, role: role.to_owned() })
}

/// A letter, then letters, digits, `_` and `-`.
fn is_username(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
