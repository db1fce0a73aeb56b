use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sluice_core::ports::ObjectStore;
use sluice_test_support::documents::{invoice_pdf, tiny_png};
use sluice_test_support::einvoices;

use crate::fixture::{File, Person, Service, code, refusal};

fn announce(bytes: &[u8]) -> Value {
    let sha256 = hex::encode(Sha256::digest(bytes));
    json!({"filename": "Rechnung Größe.pdf", "size": bytes.len(), "sha256": sha256, "contentType": "application/pdf"})
}

/// Puts bytes where the answer says and returns the status.
async fn put(answer: &Value, bytes: Vec<u8>) -> u16 {
    let mut request = reqwest::Client::new().put(answer["url"].as_str().unwrap());
    for (name, value) in answer["headers"].as_object().unwrap() {
        // The client sets it from the body.
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    request.body(bytes).send().await.unwrap().status().as_u16()
}

async fn complete(person: &Person, group: i32, answer: &Value) -> (reqwest::StatusCode, Value) {
    let id = answer["uploadId"].as_str().unwrap();
    person.post(&format!("/groups/{group}/uploads/{id}/complete"), json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_becomes_a_manifest_and_the_same_file_again_its_duplicate() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let path = format!("/groups/{}/manifests", workspace.group_id);
    let pdf = invoice_pdf("1");
    let (status, manifest) = ada.upload(&path, &[File::pdf(&pdf)]).await;
    assert_eq!(status, 201, "{manifest}");
    let id = i32::try_from(manifest["id"].as_i64().unwrap()).unwrap();
    let stored = service.store.get(&service.storage_key(id).await, 1 << 20).await.unwrap();
    assert_eq!(stored, pdf);
    insta::assert_json_snapshot!(manifest, {
        ".filename" => insta::dynamic_redaction(|value, _| {
            assert!(value.as_str().unwrap().ends_with("-invoice.pdf"));
            "<uuid>-invoice.pdf"
        }),
        ".storagePath" => "<key>",
        ".createdAt" => "<time>",
        ".updatedAt" => "<time>",
    });

    let again = File { disposition: "filename=\"other.pdf\"", ..File::pdf(&pdf) };
    let (status, duplicate) = ada.upload(&format!("{path}/upload"), &[again]).await;
    assert_eq!((status.as_u16(), &duplicate["id"], &duplicate["isDuplicate"]), (201, &manifest["id"], &json!(true)));
    assert_eq!(duplicate["originalFilename"], "invoice.pdf");
    assert_eq!(service.objects().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_sent_twice_at_once_is_one_manifest_with_one_object() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let path = format!("/groups/{}/manifests", workspace.group_id);
    let pdf = invoice_pdf("1");
    let file = [File::pdf(&pdf)];
    let ((_, one), (_, other)) = tokio::join!(ada.upload(&path, &file), ada.upload(&path, &file));
    assert_eq!(one["id"], other["id"], "{one} {other}");
    assert_ne!(one["isDuplicate"], other["isDuplicate"]);
    assert_eq!(service.objects().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_nothing_behind() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let path = format!("/groups/{}/manifests", workspace.group_id);
    let (pdf, png) = (invoice_pdf("1"), tiny_png());
    let mut large = b"%PDF-1.7\n".to_vec();
    large.resize(50 * 1024 * 1024 + 1, b' ');
    let file = File::pdf(&pdf);
    let bad = |status, word| refusal(status, word);
    for (file, expected) in [
        (File { bytes: &png, ..file }, bad(400, "INVALID_FILE_TYPE")),
        (File { bytes: b"MZ not a document", ..file }, bad(400, "INVALID_FILE_TYPE")),
        (File { content_type: "text/html", ..file }, bad(400, "INVALID_FILE_TYPE")),
        (File { bytes: b"", ..file }, bad(400, "BadRequestException")),
        (File { field: "document", ..file }, bad(400, "BadRequestException")),
        (File { bytes: &large, ..file }, bad(413, "PayloadTooLargeException")),
    ] {
        let (status, body) = ada.upload(&path, &[file]).await;
        assert_eq!(code((status, body.clone())), expected, "{body}");
    }
    let (_, body) = ada.upload(&path, &[File { field: "document", ..file }]).await;
    assert_eq!(body["error"]["message"], "Unexpected field - document");
    let (_, body) = ada.upload(&path, &[File { bytes: &large, ..file }]).await;
    assert_eq!(body["error"]["message"], "File too large");

    assert_eq!(code(ada.upload(&path, &[]).await), bad(404, "FILE_NOT_FOUND"));
    assert_eq!(code(ada.post(&path, json!({})).await), bad(404, "FILE_NOT_FOUND"));
    assert_eq!(code(ada.upload(&path, &[file, file]).await), bad(400, "BadRequestException"));
    assert_eq!(code(eve.upload(&path, &[file]).await), bad(403, "PROJECT_FORBIDDEN"));
    assert_eq!(code(ada.upload("/groups/999/manifests", &[file]).await), bad(404, "GroupNotFoundException"));
    assert_eq!(service.objects().await, 0);
    let (_, page) = ada.get(&path).await;
    assert_eq!(page["meta"]["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    use tokio::io::AsyncWriteExt;

    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let host = service.url.strip_prefix("http://").unwrap().strip_suffix("/api").unwrap();
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /api/groups/{}/manifests HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 40000000\r\n\r\n\
         --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n%PDF-1.7\n",
        workspace.group_id, ada.token
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![b' '; 12 * 1024 * 1024]).await.unwrap();
    drop(socket);
    // The next one is a proof that the service goes on.
    let pdf = invoice_pdf("1");
    let path = format!("/groups/{}/manifests", workspace.group_id);
    let (status, _) = ada.upload(&path, &[File::pdf(&pdf)]).await;
    assert_eq!(status, 201);
    assert_eq!(service.objects().await, 1);
    let (_, page) = ada.get(&path).await;
    assert_eq!(page["meta"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_script_arrive_as_they_were_given() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let path = format!("/groups/{}/manifests", workspace.group_id);
    for (number, (disposition, expected)) in [
        ("filename=\"Größe 发票.pdf\"", "Größe 发票.pdf"),
        ("filename=\"x.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf", "Größe.pdf"),
        ("filename=\"a%22b.pdf\"", "a\"b.pdf"),
        ("filename=\"../../etc/passwd\"", "passwd"),
    ]
    .into_iter()
    .enumerate()
    {
        let pdf = invoice_pdf(&number.to_string());
        let (status, manifest) = ada.upload(&path, &[File { disposition, ..File::pdf(&pdf) }]).await;
        assert_eq!((status.as_u16(), manifest["originalFilename"].as_str()), (201, Some(expected)), "{manifest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let path = format!("/groups/{}/manifests/batch", workspace.group_id);
    let (one, other) = (invoice_pdf("1"), invoice_pdf("2"));
    let file = |bytes| File { field: "files", ..File::pdf(bytes) };
    let refused = ada.upload(&path, &[file(&one), file(b"no document")]).await;
    assert_eq!(code(refused), refusal(400, "INVALID_FILE_TYPE"));
    assert_eq!(service.objects().await, 0);
    let too_many: Vec<_> = (0..21).map(|_| file(&one)).collect();
    assert_eq!(code(ada.upload(&path, &too_many).await), refusal(400, "BadRequestException"));
    assert_eq!(service.objects().await, 0);

    let (status, taken) = ada.upload(&path, &[file(&other), file(&one), file(&other)]).await;
    assert_eq!(status, 201, "{taken}");
    let duplicates: Vec<_> = taken.as_array().unwrap().iter().map(|taken| &taken["isDuplicate"]).collect();
    assert_eq!(duplicates, [&json!(false), &json!(false), &json!(true)]);
    assert_eq!(taken[0]["id"], taken[2]["id"]);
    assert_eq!(service.objects().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_upload_becomes_a_manifest_once() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let (_, eve) = service.workspace("eve").await;
    let group = workspace.group_id;
    let path = format!("/groups/{group}/uploads");
    let pdf = invoice_pdf("1");
    assert_eq!(code(eve.post(&path, announce(&pdf)).await), refusal(403, "PROJECT_FORBIDDEN"));
    let (status, answer) = ada.post(&path, announce(&pdf)).await;
    assert_eq!((status.as_u16(), answer["method"].as_str()), (201, Some("PUT")), "{answer}");
    let early = complete(&ada, group, &answer).await;
    assert_eq!(early.1["error"]["message"], "The file has not been uploaded yet");
    assert_eq!(code(early), refusal(409, "ConflictException"));

    assert_eq!(put(&answer, pdf.clone()).await, 200);
    assert_eq!(code(complete(&eve, group, &answer).await), refusal(403, "PROJECT_FORBIDDEN"));
    let (one, other) = tokio::join!(complete(&ada, group, &answer), complete(&ada, group, &answer));
    assert_eq!(one.0, 201, "{}", one.1);
    assert_eq!((&one, one.1["isDuplicate"].as_bool()), (&other, Some(false)));
    assert_eq!(complete(&ada, group, &answer).await, one);
    assert_eq!(one.1["originalFilename"], "Rechnung Größe.pdf");

    let (status, duplicate) = ada.post(&path, announce(&pdf)).await;
    assert_eq!((status.as_u16(), &duplicate["isDuplicate"]), (201, &json!(true)));
    assert_eq!(duplicate["manifest"]["id"], one.1["id"]);
    assert_eq!(service.objects().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_upload_with_other_content_is_refused_and_removed() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let group = workspace.group_id;
    let path = format!("/groups/{group}/uploads");
    let (pdf, other) = (invoice_pdf("1"), invoice_pdf("2"));
    let (_, answer) = ada.post(&path, announce(&pdf)).await;
    assert_eq!(put(&answer, b"of another length".to_vec()).await, 403);
    assert_eq!(put(&answer, other).await, 200);
    assert_eq!(code(complete(&ada, group, &answer).await), refusal(400, "BadRequestException"));
    assert_eq!(service.objects().await, 0);

    // It may be put again.
    assert_eq!(put(&answer, pdf).await, 200);
    assert_eq!(complete(&ada, group, &answer).await.0, 201);

    let html = b"<html>%PDF".to_vec();
    let (_, answer) = ada.post(&path, announce(&html)).await;
    assert_eq!(put(&answer, html).await, 200);
    assert_eq!(code(complete(&ada, group, &answer).await), refusal(400, "INVALID_FILE_TYPE"));
    assert_eq!(service.objects().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_never_completed_is_swept_by_a_later_one() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let path = format!("/groups/{}/uploads", workspace.group_id);
    let pdf = invoice_pdf("1");
    let (_, answer) = ada.post(&path, announce(&pdf)).await;
    assert_eq!(put(&answer, pdf).await, 200);
    service.sql("update uploads set expires_at = now() - interval '2 hours'").await;
    ada.post(&path, announce(&invoice_pdf("2"))).await;
    assert_eq!(service.objects().await, 0);
    let gone = complete(&ada, workspace.group_id, &answer).await;
    assert_eq!(code(gone), refusal(404, "NotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_is_checked() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let path = format!("/groups/{}/uploads", workspace.group_id);
    let broken = json!({"filename": "", "size": 0, "sha256": "x", "contentType": 1, "more": 1});
    let (status, body) = ada.post(&path, broken).await;
    assert_eq!(code((status, body.clone())), refusal(400, "VALIDATION_FAILED"));
    let paths: Vec<_> = body["error"]["details"].as_array().unwrap().iter().map(|detail| &detail["path"]).collect();
    assert_eq!(paths, ["filename", "size", "sha256", "contentType", "more"]);
    let mut large = announce(b"x");
    large["size"] = json!(50 * 1024 * 1024 + 1);
    assert_eq!(code(ada.post(&path, large).await), refusal(413, "PayloadTooLargeException"));
    let mut html = announce(b"x");
    html["contentType"] = json!("text/html");
    assert_eq!(code(ada.post(&path, html).await), refusal(400, "INVALID_FILE_TYPE"));
    let missing = format!("{path}/00000000-0000-0000-0000-000000000000/complete");
    assert_eq!(code(ada.post(&missing, json!({})).await), refusal(404, "NotFoundException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_had_whole_in_part_and_by_signed_url() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let pdf = invoice_pdf("1");
    let file = File { disposition: "filename=\"发票.pdf\"", ..File::pdf(&pdf) };
    let (_, manifest) = ada.upload(&format!("/groups/{}/manifests", workspace.group_id), &[file]).await;
    let path = format!("/manifests/{}/pdf-file", manifest["id"]);

    let whole = ada.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(whole.headers()["content-type"], "application/pdf");
    assert_eq!(whole.headers()["cache-control"], "private, no-store");
    let disposition = "inline; filename=\"__.pdf\"; filename*=UTF-8''%E5%8F%91%E7%A5%A8.pdf";
    assert_eq!(whole.headers()["content-disposition"], disposition);
    assert_eq!(whole.bytes().await.unwrap(), pdf);

    let part = ada.request(Method::GET, &path).header("range", "bytes=1-3").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], format!("bytes 1-3/{}", pdf.len()));
    assert_eq!(part.bytes().await.unwrap(), "PDF");
    let beyond = ada.request(Method::GET, &path).header("range", "bytes=999999-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);

    let (_, signed) = ada.get(&format!("/manifests/{}/file-url", manifest["id"])).await;
    let direct = reqwest::get(signed["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(direct.headers()["content-disposition"], disposition);
    assert_eq!(direct.bytes().await.unwrap(), pdf);

    let (status, deleted) = ada.send(Method::DELETE, &format!("/manifests/{}", manifest["id"]), json!({})).await;
    assert_eq!((status.as_u16(), &deleted["id"]), (200, &manifest["id"]));
    assert_eq!(service.objects().await, 0);
    assert_eq!(code(ada.get(&path).await), refusal(404, "MANIFEST_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_einvoice_in_xml_is_taken_in_and_given_out_as_a_download() {
    let service = Service::start().await;
    let (workspace, ada) = service.workspace("ada").await;
    let group = workspace.group_id;
    let path = format!("/groups/{group}/manifests");
    let xml = einvoices::cii("4711", "105.00").into_bytes();
    for content_type in ["application/xml", "text/xml"] {
        let file = File { field: "file", disposition: "filename=\"invoice.xml\"", content_type, bytes: &xml };
        let (status, manifest) = ada.upload(&path, &[file]).await;
        assert_eq!((status.as_u16(), &manifest["fileType"]), (201, &json!("xml")), "{manifest}");
    }
    let other = File { field: "file", disposition: "filename=\"a.xml\"", content_type: "text/xml", bytes: b"<order/>" };
    let (status, body) = ada.upload(&path, &[other]).await;
    assert_eq!(status.as_u16(), 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("CII or UBL"), "{body}");

    let ubl = einvoices::ubl("4712", "7.10").into_bytes();
    let sha256 = hex::encode(Sha256::digest(&ubl));
    let announced =
        json!({"filename": "ubl.xml", "size": ubl.len(), "sha256": sha256, "contentType": "application/xml"});
    let (_, answer) = ada.post(&format!("/groups/{group}/uploads"), announced).await;
    assert_eq!(put(&answer, ubl).await, 200);
    let (status, manifest) = complete(&ada, group, &answer).await;
    assert_eq!((status.as_u16(), &manifest["fileType"]), (201, &json!("xml")), "{manifest}");
    // Browsers run what stands in XML; so they don't get to show it.
    let (_, url) = ada.get(&format!("/manifests/{}/file-url", manifest["id"])).await;
    let response = reqwest::get(url["url"].as_str().unwrap()).await.unwrap();
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; "));
}
