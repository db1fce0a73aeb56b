//! Groups over HTTP.

use bytes::Bytes;
use reqwest::Method;
use serde_json::json;
use sluice_core::ports::ObjectStore;

use crate::fixture::{Service, code, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_made_listed_with_counts_renamed_and_deleted_with_their_files() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let project = workspace.project_id;
    let path = format!("/projects/{project}/groups");
    let (status, mut made) = person.post(&path, json!({"name": "March", "projectId": project.to_string()})).await;
    assert_eq!(status, 201);
    let id = made["id"].as_i64().unwrap();
    insta::assert_json_snapshot!(made, {".id" => 0, ".projectId" => 0, ".createdAt" => "time", ".updatedAt" => "time"}, @r#"
    {
      "id": 0,
      "name": "March",
      "projectId": 0,
      "createdAt": "time",
      "updatedAt": "time"
    }
    "#);

    for number in 0..4 {
        service.manifest(&workspace, number).await;
    }
    service
        .sql("update manifests set status = 'completed', human_verified = true where content_sha256 like '%0'")
        .await;
    service.sql("update manifests set status = 'failed' where content_sha256 like '%1'").await;
    service.sql("update manifests set status = 'processing' where content_sha256 like '%2'").await;
    let (_, list) = person.get(&path).await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[0]["_count"], json!({"manifests": 4}));
    assert_eq!(list[0]["statusCounts"], json!({"pending": 1, "failed": 1, "completed": 1, "verified": 1}));
    made["_count"] = json!({"manifests": 0});
    made["statusCounts"] = json!({"pending": 0, "failed": 0, "completed": 0, "verified": 0});
    assert_eq!(list[1], made);

    let (status, renamed) = person.send(Method::PATCH, &format!("/groups/{id}"), json!({"name": "April"})).await;
    assert_eq!((status.as_u16(), &renamed["name"]), (200, &json!("April")));
    let (_, shown) = person.get(&format!("/groups/{id}")).await;
    assert_eq!(shown, renamed);

    let key = "manifests/0/file";
    service.store.put(key, "application/pdf", Bytes::from_static(b"%PDF-")).await.unwrap();
    let group = workspace.group_id;
    let (status, deleted) = person.send(Method::DELETE, &format!("/groups/{group}"), json!({})).await;
    assert_eq!((status.as_u16(), &deleted["id"]), (200, &json!(group)));
    assert_eq!(service.store.head(key).await.unwrap(), None, "its file is gone");
    let gone = person.get(&format!("/groups/{group}")).await;
    assert_eq!(gone.1["error"]["message"], format!("Group {group} not found"));
    assert_eq!(code(gone), refusal(404, "GroupNotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_others_and_wrong_input_are_refused() {
    let service = Service::start().await;
    let (workspace, person) = service.workspace("ada").await;
    let (_, other) = service.workspace("bob").await;
    let admin = service.admin().await;
    let (project, group) = (workspace.project_id, workspace.group_id);
    let list = format!("/projects/{project}/groups");
    for stranger in [&other, &admin] {
        let forbidden = refusal(403, "PROJECT_FORBIDDEN");
        assert_eq!(code(stranger.get(&list).await), forbidden);
        assert_eq!(code(stranger.post(&list, json!({"name": "x", "projectId": project})).await), forbidden);
        let path = format!("/groups/{group}");
        assert_eq!(code(stranger.get(&path).await), forbidden);
        assert_eq!(code(stranger.send(Method::PATCH, &path, json!({"name": "x"})).await), forbidden);
        assert_eq!(code(stranger.send(Method::DELETE, &path, json!({})).await), forbidden);
    }
    let mismatch = person.post(&list, json!({"name": "x", "projectId": project + 1})).await;
    assert_eq!(mismatch.1["error"]["message"], "projectId mismatch");
    assert_eq!(code(mismatch), refusal(400, "BadRequestException"));
    let (_, body) = person.post(&list, json!({"name": "", "projectId": "x"})).await;
    let expected = json!([{"path": "name", "rule": "minLength"}, {"path": "projectId", "rule": "isInt"}]);
    assert_eq!(body["error"]["details"], expected);
    let (_, body) = person.send(Method::PATCH, &format!("/groups/{group}"), json!({"id": 1})).await;
    assert_eq!(body["error"]["details"], json!([{"path": "id", "rule": "whitelistValidation"}]));
}
