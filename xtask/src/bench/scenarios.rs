//! The requests that are measured.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Connection, Request, Response};

/// The length of an uploaded file.
const FILE_BYTES: usize = 1_300;

/// A kind of request and how it is sent.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// How many are under way at a time.
    pub(crate) connections: u32,
    /// The expected answer.
    pub(crate) status: u16,
    /// Sends one and answers its status.
    pub(crate) call: fn(&mut Client, &Target, u32) -> Result<u16>,
}

/// All that is measured, in the order of the table.
pub(crate) const SCENARIOS: [Scenario; 7] = [
    Scenario { name: "list: 50 of 10,000 manifests", connections: 16, status: 200, call: list },
    Scenario { name: "one manifest", connections: 16, status: 200, call: one },
    Scenario { name: "profile", connections: 16, status: 200, call: profile },
    Scenario { name: "login", connections: 4, status: 201, call: login },
    Scenario { name: "upload: multipart, 1.3 kB", connections: 4, status: 201, call: upload },
    Scenario { name: "upload: signed, 3 calls, 1.3 kB", connections: 4, status: 201, call: signed_upload },
    Scenario { name: "CSV of 5,000 manifests", connections: 1, status: 200, call: csv },
];

/// The service, and what was put into its database.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) api: String,
    pub(crate) s3: String,
    pub(crate) username: String,
    pub(crate) password: String,
    /// `Bearer` and the token.
    pub(crate) authorization: String,
    pub(crate) listed_group: String,
    pub(crate) exported_group: String,
    pub(crate) uploaded_group: String,
    pub(crate) manifest: String,
}

/// The connections of one client.
#[derive(Debug)]
pub(crate) struct Client {
    api: Connection,
    s3: Connection,
}

impl Client {
    pub(crate) fn new(target: &Target) -> Self {
        Self { api: Connection::new(&target.api), s3: Connection::new(&target.s3) }
    }

    /// Asks with a token, and from another address each time: the limit of requests stays on and refuses none.
    fn ask(&mut self, target: &Target, number: u32, request: Request<'_>) -> Result<Response> {
        let address = address(number);
        let request = request.header("authorization", &target.authorization).header("x-forwarded-for", &address);
        self.api.send(&request)
    }

    fn get(&mut self, target: &Target, number: u32, path: &str) -> Result<u16> {
        Ok(self.ask(target, number, Request::new("GET", path))?.status)
    }
}

pub(crate) fn address(number: u32) -> String {
    std::net::Ipv4Addr::from_bits(0x0a00_0000 | (number & 0x00ff_ffff)).to_string()
}

fn list(client: &mut Client, target: &Target, number: u32) -> Result<u16> {
    client.get(target, number, &format!("/api/groups/{}/manifests?page=1&pageSize=50", target.listed_group))
}

fn one(client: &mut Client, target: &Target, number: u32) -> Result<u16> {
    client.get(target, number, &format!("/api/manifests/{}", target.manifest))
}

fn profile(client: &mut Client, target: &Target, number: u32) -> Result<u16> {
    client.get(target, number, "/api/auth/profile")
}

fn csv(client: &mut Client, target: &Target, number: u32) -> Result<u16> {
    client.get(target, number, &format!("/api/manifests/export/csv?groupId={}", target.exported_group))
}

fn login(client: &mut Client, target: &Target, number: u32) -> Result<u16> {
    Ok(log_in(&mut client.api, (&target.username, &target.password), number)?.status)
}

/// Signs in with a name and a password.
pub(crate) fn log_in(api: &mut Connection, (username, password): (&str, &str), number: u32) -> Result<Response> {
    let body = json!({"username": username, "password": password}).to_string();
    let address = address(number);
    let request = Request::new("POST", "/api/auth/login").header("x-forwarded-for", &address);
    api.send(&request.body("application/json", body.as_bytes()))
}

fn upload(client: &mut Client, target: &Target, number: u32) -> Result<u16> {
    let mut body = b"--XBOUNDARYX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"invoice.pdf\"\r\n\
        Content-Type: application/pdf\r\n\r\n"
        .to_vec();
    body.extend_from_slice(&pdf(number));
    body.extend_from_slice(b"\r\n--XBOUNDARYX--\r\n");
    let path = format!("/api/groups/{}/manifests", target.uploaded_group);
    let request = Request::new("POST", &path).body("multipart/form-data; boundary=XBOUNDARYX", &body);
    Ok(client.ask(target, number, request)?.status)
}

fn signed_upload(client: &mut Client, target: &Target, number: u32) -> Result<u16> {
    let file = pdf(number);
    let announced = json!({
        "filename": "invoice.pdf", "size": file.len(), "sha256": sha256(&file), "contentType": "application/pdf",
    });
    let path = format!("/api/groups/{}/uploads", target.uploaded_group);
    let announced = announced.to_string();
    let request = Request::new("POST", &path).body("application/json", announced.as_bytes());
    let response = client.ask(target, number, request)?;
    if response.status != 201 {
        return Ok(response.status);
    }
    let signed = response.json()?;
    let text = |name: &str| signed.get(name).and_then(Value::as_str).with_context(|| format!("no {name}: {signed}"));
    let url = text("url")?;
    let s3 = url.strip_prefix("http://").and_then(|rest| rest.strip_prefix(target.s3.as_str()));
    let mut put = Request::new("PUT", s3.with_context(|| format!("an unexpected URL: {url}"))?);
    put = put.body("application/pdf", &file);
    for (name, value) in signed.get("headers").and_then(Value::as_object).into_iter().flatten() {
        // Those two are sent in any case.
        if !["content-type", "content-length", "host"].contains(&name.to_ascii_lowercase().as_str()) {
            put = put.header(name, value.as_str().context("a header without text")?);
        }
    }
    let response = client.s3.send(&put)?;
    ensure!(response.status == 200, "storage: {}: {}", response.status, String::from_utf8_lossy(&response.body));
    let path = format!("{path}/{}/complete", text("uploadId")?);
    Ok(client.ask(target, number, Request::new("POST", &path))?.status)
}

/// A small PDF; another number gives another file.
fn pdf(number: u32) -> Vec<u8> {
    let mut text = format!("%PDF-1.4\n% {number}\n");
    text.push_str("1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n");
    text.push_str("3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n");
    let end = "\ntrailer<</Root 1 0 R/Size 4>>\n%%EOF\n";
    let padding = FILE_BYTES.saturating_sub(text.len() + end.len() + 1);
    text.push_str(&format!("%{}{end}", "-".repeat(padding)));
    text.into_bytes()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_one_length_and_differ() {
        assert_eq!(pdf(1).len(), FILE_BYTES);
        assert_eq!(pdf(12_345).len(), FILE_BYTES);
        assert_ne!(pdf(1), pdf(2));
    }

    #[test]
    fn addresses_stay_in_the_network_of_the_proxy() {
        assert_eq!(address(0), "10.0.0.0");
        assert_eq!(address(u32::MAX), "10.255.255.255");
    }
}
