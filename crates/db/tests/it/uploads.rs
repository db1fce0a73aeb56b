use chrono::{DateTime, TimeDelta};
use sluice_db::models::uploads::{self, NewUpload};
use sluice_test_support::{Servers, builders};

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_never_completed_is_abandoned() {
    let pool = Servers::shared().unwrap().database().await.unwrap().pool;
    let mut connection = pool.get().await.unwrap();
    let workspace = builders::insert_workspace(&mut connection, "ada", "http://model").await.unwrap();
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let mut ids = Vec::new();
    for (key, age_minutes) in [("old", 60), ("completed", 60), ("young", 0)] {
        let upload = NewUpload {
            id: sluice_core::id::fresh_uuid(),
            group_id: workspace.group_id,
            user_id: workspace.user_id,
            storage_key: key.to_owned(),
            original_filename: "a.pdf".to_owned(),
            file_size_bytes: 1,
            content_type: "application/pdf".to_owned(),
            content_sha256: "0".repeat(64),
            expires_at: now - TimeDelta::minutes(age_minutes),
        };
        ids.push(uploads::insert(&mut connection, &upload).await.unwrap().id);
    }
    let sha256 = "0".repeat(64);
    let manifest = builders::insert_manifest(&mut connection, workspace.group_id, "completed", &sha256).await.unwrap();
    uploads::complete(&mut connection, ids[1], manifest).await.unwrap();
    let before = now - TimeDelta::minutes(30);
    assert_eq!(uploads::take_abandoned(&mut connection, before, 10).await.unwrap(), ["old"]);
    assert_eq!(uploads::take_abandoned(&mut connection, before, 10).await.unwrap(), Vec::<String>::new());
    assert_eq!(uploads::find(&mut connection, ids[1]).await.unwrap().unwrap().manifest_id, Some(manifest));
}
