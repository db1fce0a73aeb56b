//! `sluice user`, against services that run.

use std::collections::BTreeMap;

use serde_json::json;
use sluice_test_support::process::our_binary;

use crate::services::{Person, Services, add_user};

async fn run(settings: &BTreeMap<String, String>, arguments: &[&str]) -> (bool, String) {
    let mut command = tokio::process::Command::new(our_binary("sluice").unwrap());
    let output = command.env_clear().envs(settings).arg("user").args(arguments).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_managed_on_the_command_line() {
    let services = Services::start().await;
    let settings = &services.settings;
    let ada = services.person().await;
    let password = add_user(settings, "bob").await;
    let url = services.api_url();
    let bob = Person::sign_in(&url, "bob", &password).await;
    let (done, listed) = run(settings, &["list"]).await;
    assert!(done && listed.contains("\tada\tadmin\t") && listed.contains("\tbob\tadmin\t"), "{listed}");

    let (done, said) = run(settings, &["set-password", "bob"]).await;
    let fresh = said.lines().find_map(|line| line.strip_prefix("password: ")).unwrap_or_default().to_owned();
    assert!(done && !fresh.is_empty(), "{said}");
    assert_eq!(bob.request(reqwest::Method::GET, "/auth/profile").send().await.unwrap().status(), 401);
    for _ in 0..5 {
        let login = json!({"username": "bob", "password": "wrong"});
        reqwest::Client::new().post(format!("{url}/auth/login")).json(&login).send().await.unwrap();
    }
    let (done, said) = run(settings, &["unlock", "bob"]).await;
    assert!(done, "{said}");
    Person::sign_in(&url, "bob", &fresh).await;

    let (done, said) = run(settings, &["delete", "ada"]).await;
    assert!(!done && said.contains("delete them first"), "{said}");
    let (done, said) = run(settings, &["delete", "bob"]).await;
    assert!(done, "{said}");
    let (done, said) = run(settings, &["delete", "bob"]).await;
    assert!(!done && said.contains("no user bob"), "{said}");
    let log = ada.request(reqwest::Method::GET, "/audit-log?user=command%20line").send().await.unwrap();
    let log: serde_json::Value = log.json().await.unwrap();
    let actions: Vec<_> = log["data"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["user_deleted", "unlocked", "password_changed", "user_created", "user_created"]);
}
