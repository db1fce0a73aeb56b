//! Signing in.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Service, code, read, refusal};

async fn log_in(service: &Service, body: Value) -> (StatusCode, Value) {
    let request = reqwest::Client::new().post(format!("{}/auth/login", service.url)).json(&body);
    read(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_answers_user_and_token_and_the_profile_knows_them() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (status, body) = log_in(&service, json!({"username": "ada", "password": "Correct-Horse1!"})).await;
    assert_eq!(status, 201);
    assert_eq!(body["user"], json!({"id": workspace.user_id, "username": "ada", "role": "user"}));
    assert_eq!(body["token"], body["access_token"]);
    let (status, profile) = person.get("/auth/profile").await;
    assert_eq!((status, profile), (StatusCode::OK, body["user"].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_logins_are_refused_alike_and_lock_in_the_end() {
    let service = Service::start().await;
    service.workspace("ada").await;
    let wrong = json!({"username": "ada", "password": "wrong"});
    let unknown = log_in(&service, json!({"username": "nobody", "password": "wrong"})).await;
    for _ in 0..5 {
        let refused = log_in(&service, wrong.clone()).await;
        assert_eq!(refused.0, 401);
        assert_eq!(refused.1["error"]["code"], "UnauthorizedException");
        assert_eq!(refused.1["error"]["message"], unknown.1["error"]["message"]);
    }
    let (status, locked) = log_in(&service, json!({"username": "ada", "password": "Correct-Horse1!"})).await;
    assert_eq!((status.as_u16(), &locked["error"]["code"]), (401, &json!("UnauthorizedException")));
    let message = locked["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Account locked until 20") && message.ends_with('Z'), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_can_not_be_one_names_its_fields() {
    let service = Service::start().await;
    let (status, body) = log_in(&service, json!({"username": "1", "extra": true})).await;
    assert_eq!(status, 400);
    let expected = json!([
        {"path": "username", "rule": "minLength"},
        {"path": "username", "rule": "matches"},
        {"path": "password", "rule": "isString"},
        {"path": "extra", "rule": "whitelistValidation"},
    ]);
    assert_eq!(body["error"]["details"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_good_tokens_of_living_users_open_anything() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let ask = |authorization: Option<&str>| {
        let mut request = reqwest::Client::new().get(format!("{}/projects", service.url));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request
    };
    for (authorization, expected) in [
        (None, "AUTH_MISSING_TOKEN"),
        (Some("Basic YTpi"), "AUTH_MISSING_TOKEN"),
        (Some("Bearer "), "AUTH_MISSING_TOKEN"),
        (Some("Bearer nonsense"), "AUTH_INVALID_TOKEN"),
    ] {
        let response = read(ask(authorization).send().await.unwrap()).await;
        assert_eq!(code(response), refusal(401, expected), "{authorization:?}");
    }
    // A token is checked before a body is looked at.
    let response = reqwest::Client::new().post(format!("{}/projects", service.url)).body("{").send().await.unwrap();
    assert_eq!(code(read(response).await), refusal(401, "AUTH_MISSING_TOKEN"));
    service.sql("delete from users").await;
    let gone = read(person.request(Method::GET, "/projects").send().await.unwrap()).await;
    assert_eq!(code(gone), refusal(401, "AUTH_INVALID_TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_who_knows_it() {
    let service = Service::start().await;
    let (_, person) = service.workspace("ada").await;
    let change = |current: &str, new: &str| {
        person.post("/auth/change-password", json!({"currentPassword": current, "newPassword": new}))
    };
    for weak in ["Sh0rt!", "no-capital1!", "NO-SMALL1!", "No-digit!", "NoSign123"] {
        let (status, body) = change("Correct-Horse1!", weak).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (400, &json!("VALIDATION_FAILED")), "{weak}");
    }
    let (status, body) = change("wrong", "Battery-Staple2!").await;
    assert_eq!(status, 401);
    assert_eq!(body["error"]["code"], "UnauthorizedException", "a client must not take it for a bad token");
    assert_eq!(body["error"]["message"], "Invalid current password");
    let (status, body) = change("Correct-Horse1!", "Battery-Staple2!").await;
    assert_eq!((status.as_u16(), body), (204, Value::Null));
    assert_eq!(code(person.get("/auth/profile").await), refusal(401, "AUTH_INVALID_TOKEN"), "all tokens have ended");
    let with = |password: &str| log_in(&service, json!({"username": "ada", "password": password}));
    assert_eq!(with("Correct-Horse1!").await.0, 401);
    assert_eq!(with("Battery-Staple2!").await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_unlocks_who_has_mistyped_too_often() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let admin = service.admin().await;
    let right = json!({"username": "ada", "password": "Correct-Horse1!"});
    for _ in 0..5 {
        log_in(&service, json!({"username": "ada", "password": "wrong"})).await;
    }
    assert_eq!(log_in(&service, right.clone()).await.0, 401);
    let path = format!("/auth/users/{}/unlock", workspace.user_id);
    assert_eq!(code(person.post(&path, json!({})).await), refusal(403, "ForbiddenException"));
    assert_eq!(code(admin.post("/auth/users/999999/unlock", json!({})).await), refusal(404, "NotFoundException"));
    let (status, body) = admin.post(&path, json!({})).await;
    assert_eq!(status, 201);
    assert_eq!(body, json!({"id": workspace.user_id, "username": "ada", "role": "user"}));
    assert_eq!(log_in(&service, right).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_the_own_tokens_and_nobody_elses() {
    let service = Service::start().await;
    let (_, ada) = service.workspace("ada").await;
    let (_, bob) = service.workspace("bob").await;
    let (status, body) = ada.post("/auth/sign-out-everywhere", json!({})).await;
    assert_eq!((status.as_u16(), body), (204, Value::Null));
    assert_eq!(code(ada.get("/projects").await), refusal(401, "AUTH_INVALID_TOKEN"));
    assert_eq!(bob.get("/projects").await.0, 200);
    let right = json!({"username": "ada", "password": "Correct-Horse1!"});
    assert_eq!(log_in(&service, right).await.0, 201);
}
