//! The three services as processes, and a person who uses them.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sluice_service::Env;
use sluice_storage::S3Store;
use sluice_test_support::builders::{good_answer, invoice_schema};
use sluice_test_support::postgres::Database;
use sluice_test_support::process::{our_binary, tools_folder};
use sluice_test_support::{Process, Reply, ScriptedLlm, Servers, eventually, ports, s3};
use tempfile::TempDir;

use crate::LONG;

/// API, gateway and worker on servers of their own.
pub(crate) struct Services {
    pub(crate) api: Process,
    pub(crate) gateway: Process,
    pub(crate) worker: Process,
    pub(crate) llm: ScriptedLlm,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) socket_url: String,
    folder: TempDir,
    _database: Database,
}

impl Services {
    pub(crate) async fn start() -> Self {
        let servers = Servers::shared().unwrap();
        let database = servers.database().await.unwrap();
        let llm = ScriptedLlm::start(Reply::content(good_answer())).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let port = || ports::free_port().unwrap();
        let (api, socket, worker) = (port(), port(), port());
        let pdfium = tools_folder().join("lib/libpdfium.so").canonicalize().unwrap();
        let name = servers.fresh_name();
        let settings: BTreeMap<String, String> = [
            ("SLUICE_API_LISTEN", format!("127.0.0.1:{api}").as_str()),
            ("SLUICE_WS_LISTEN", &format!("127.0.0.1:{socket}")),
            ("SLUICE_WORKER_PORT", &worker.to_string()),
            ("SLUICE_RATE_LIMIT_ENABLED", "false"),
            ("SLUICE_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
            ("SLUICE_SECRETS_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
            ("SLUICE_DB_URL", &database.url),
            ("SLUICE_DB_POOL_SIZE", "4"),
            ("SLUICE_REDIS_URL", &servers.redis_url),
            ("SLUICE_QUEUE_PREFIX", &name),
            ("SLUICE_QUEUE_LOCK_DURATION", "2s"),
            ("SLUICE_QUEUE_STALLED_INTERVAL", "1s"),
            ("SLUICE_EVENTS_PREFIX", &name),
            ("SLUICE_S3_ENDPOINT", &servers.s3_url),
            ("SLUICE_S3_BUCKET", &name),
            ("SLUICE_S3_ACCESS_KEY_ID", s3::ACCESS_KEY),
            ("SLUICE_S3_SECRET_ACCESS_KEY", s3::SECRET_KEY),
            ("SLUICE_SANDBOX_BINARY", &our_binary("sluice-sandbox").unwrap().to_string_lossy()),
            ("SLUICE_SANDBOX_PDFIUM", &pdfium.to_string_lossy()),
            ("SLUICE_WORKER_RETRY_DELAY", "100ms"),
            ("SLUICE_WORKER_SWEEP_INTERVAL", "500ms"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let storage = S3Store::new(&sluice_storage::Config::read(&mut Env::from_pairs(settings.clone())));
        eventually(LONG, || storage.ensure_bucket(&[])).await.unwrap();
        let run = |binary: &str| Process::spawn_ours(binary, &settings, &folder.path().join(binary)).unwrap();
        let (api, gateway, worker) = (run("sluice-api"), run("sluice-ws-gateway"), run("sluice-worker"));
        let socket_url = format!("http://127.0.0.1:{socket}");
        let mut services = Self { api, gateway, worker, llm, settings, socket_url, folder, _database: database };
        services.wait_until_ready().await;
        services
    }

    fn run(&self, binary: &str) -> Process {
        Process::spawn_ours(binary, &self.settings, &self.folder.path().join(binary)).unwrap()
    }

    pub(crate) fn api_url(&self) -> String {
        format!("http://{}/api", self.settings["SLUICE_API_LISTEN"])
    }

    pub(crate) async fn wait_until_ready(&mut self) {
        let worker = format!("http://127.0.0.1:{}/health/ready", self.settings["SLUICE_WORKER_PORT"]);
        self.api.wait_until_ready(&format!("{}/health/ready", self.api_url()), LONG).await.unwrap();
        self.gateway.wait_until_ready(&format!("{}/health/ready", self.socket_url), LONG).await.unwrap();
        self.worker.wait_until_ready(&worker, LONG).await.unwrap();
    }

    /// Ends each service in its orderly way and starts it again.
    pub(crate) async fn restart(&mut self, which: &[&str]) {
        for binary in which {
            let slot = match *binary {
                "sluice-api" => &mut self.api,
                "sluice-ws-gateway" => &mut self.gateway,
                _ => &mut self.worker,
            };
            let ended = tokio::task::block_in_place(|| slot.terminate(LONG)).unwrap();
            assert!(ended.success(), "{binary}: {ended}");
            let fresh = self.run(binary);
            match *binary {
                "sluice-api" => self.api = fresh,
                "sluice-ws-gateway" => self.gateway = fresh,
                _ => self.worker = fresh,
            }
        }
        self.wait_until_ready().await;
    }

    /// Kills the worker at once and starts another.
    pub(crate) async fn replace_killed_worker(&mut self) {
        self.worker.kill().unwrap();
        self.worker = self.run("sluice-worker");
        self.wait_until_ready().await;
    }

    /// An admin with a project and a group, signed in.
    pub(crate) async fn person(&self) -> Person {
        Person::prepare(&self.api_url(), &self.settings, &self.llm.base_url()).await
    }
}

/// Runs `sluice user add` and answers the password that it made.
pub(crate) async fn add_user(settings: &BTreeMap<String, String>, name: &str) -> String {
    let mut command = tokio::process::Command::new(our_binary("sluice").unwrap());
    let output = command.env_clear().envs(settings).args(["user", "add", name, "--admin"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().find_map(|line| line.strip_prefix("password: ")).expect("a password").to_owned()
}

/// Somebody with a token and a group.
pub(crate) struct Person {
    url: String,
    pub(crate) password: String,
    pub(crate) token: String,
    pub(crate) group: Value,
}

impl Person {
    /// Adds an admin, signs in, and makes a project with the wizard and a group in it.
    pub(crate) async fn prepare(url: &str, settings: &BTreeMap<String, String>, llm: &str) -> Self {
        let password = add_user(settings, "ada").await;
        let mut ada = Self::sign_in(url, "ada", &password).await;
        let parameters =
            json!({"baseUrl": llm, "apiKey": "none", "modelName": "scripted", "supportsStructuredOutput": true});
        let pricing = json!({"llm": {"inputPrice": 1, "outputPrice": 2, "currency": "USD"}});
        let model = json!({"name": "Scripted", "adapterType": "openai", "parameters": parameters});
        let model = ada.post("/models", model).await;
        let path = format!("/models/{}/pricing", model["id"].as_str().unwrap());
        let (status, told) = answer(ada.request(Method::PATCH, &path).json(&json!({"pricing": pricing}))).await;
        assert_eq!(status, 200, "{told}");
        let reader = json!({"name": "Reader", "extractorType": "local", "config": {}});
        let reader = ada.post("/extractors", reader).await;
        let project = json!({"name": "Invoices", "textExtractorId": reader["id"], "llmModelId": model["id"]});
        let made = ada.post("/projects/wizard", json!({"project": project, "jsonSchema": invoice_schema()})).await;
        let id = &made["project"]["id"];
        let group = json!({"name": "March", "projectId": id});
        ada.group = ada.post(&format!("/projects/{id}/groups"), group).await["id"].clone();
        ada
    }

    pub(crate) async fn sign_in(url: &str, name: &str, password: &str) -> Self {
        let login = json!({"username": name, "password": password});
        let mut person =
            Self { url: url.to_owned(), password: password.to_owned(), token: String::new(), group: Value::Null };
        let answer = person.post("/auth/login", login).await;
        person.token = answer["token"].as_str().unwrap().to_owned();
        person
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// Posts what must be accepted.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = answer(self.request(Method::POST, path).json(&body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Gets what must be there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = answer(self.request(Method::GET, path)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Sends a file as browsers do.
    pub(crate) async fn upload(&self, content_type: &str, bytes: &[u8]) -> (u16, Value) {
        let head = format!(
            "--XBOUNDARYX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"invoice\"\r\nContent-Type: {content_type}\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, b"\r\n--XBOUNDARYX--\r\n"].concat();
        let request = self.request(Method::POST, &format!("/groups/{}/manifests", self.group));
        answer(request.header("content-type", "multipart/form-data; boundary=XBOUNDARYX").body(body)).await
    }

    /// Sends a file straight into storage.
    pub(crate) async fn upload_by_signed_url(&self, content_type: &str, bytes: &[u8]) -> Value {
        let path = format!("/groups/{}/uploads", self.group);
        let sha256 = hex::encode(Sha256::digest(bytes));
        let file =
            json!({"filename": "direct.pdf", "size": bytes.len(), "sha256": sha256, "contentType": content_type});
        let upload = self.post(&path, file).await;
        let mut put = reqwest::Client::new().put(upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap().iter().filter(|(name, _)| *name != "content-length")
        {
            put = put.header(name, value.as_str().unwrap());
        }
        assert_eq!(put.body(bytes.to_vec()).send().await.unwrap().status(), 200);
        self.post(&format!("{path}/{}/complete", upload["uploadId"].as_str().unwrap()), json!({})).await
    }

    /// Asks for an extraction.
    pub(crate) async fn extract(&self, manifest: &Value) -> Value {
        self.post(&format!("/manifests/{manifest}/extract"), json!({})).await
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
}
