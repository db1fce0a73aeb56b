//! A running service on servers and a database of its own, and people who ask it.

use std::time::Duration;

use diesel_async::RunQueryDsl;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sluice_access::Passwords;
use sluice_api::{Application, Config};
use sluice_db::Pool;
use sluice_service::{Env, Shutdown};
use sluice_storage::S3Store;
use sluice_test_support::builders::{self, Workspace};
use sluice_test_support::process::our_binary;
use sluice_test_support::{Servers, eventually, s3};

/// How long anything may take before a test gives up.
pub(crate) const LONG: Duration = Duration::from_secs(60);
const PASSWORD: &str = "Correct-Horse1!";

/// The service and what it stands on. It ends with the runtime of its test.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) pool: Pool,
    pub(crate) store: S3Store,
    pub(crate) storage: sluice_storage::Config,
    pub(crate) queue: sluice_queue::Config,
    pub(crate) events: sluice_event_bus::Config,
}

/// Somebody with a token.
pub(crate) struct Person {
    url: String,
    pub(crate) token: String,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with some settings of its own.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let servers = Servers::shared().unwrap();
        let database = servers.database().await.unwrap();
        let (bucket, prefix) = (servers.fresh_name(), servers.fresh_name());
        let sandbox = our_binary("sluice-sandbox").unwrap();
        let pairs = [
            ("SLUICE_API_LISTEN", "127.0.0.1:0"),
            ("SLUICE_RATE_LIMIT_ENABLED", "false"),
            ("SLUICE_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
            ("SLUICE_SECRETS_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
            ("SLUICE_SANDBOX_BINARY", sandbox.to_str().unwrap()),
            ("SLUICE_DB_URL", &database.url),
            ("SLUICE_REDIS_URL", &servers.redis_url),
            ("SLUICE_QUEUE_PREFIX", &prefix),
            ("SLUICE_EVENTS_PREFIX", &prefix),
            ("SLUICE_S3_ENDPOINT", &servers.s3_url),
            ("SLUICE_S3_BUCKET", &bucket),
            ("SLUICE_S3_ACCESS_KEY_ID", s3::ACCESS_KEY),
            ("SLUICE_S3_SECRET_ACCESS_KEY", s3::SECRET_KEY),
        ];
        // Of two with the same name the last one counts.
        let mut env = Env::from_pairs(pairs.into_iter().chain(settings.iter().copied()));
        let config = Config::read(&mut env);
        env.finish().unwrap();
        let (storage, queue, events) = (config.storage.clone(), config.queue.clone(), config.events.clone());
        let store = S3Store::new(&storage);
        eventually(LONG, || store.ensure_bucket(&[])).await.unwrap();
        let application = Application::build(config).await.unwrap();
        let url = format!("http://127.0.0.1:{}/api", application.port());
        tokio::spawn(application.run(Shutdown::new()));
        Self { url, pool: database.pool, store, storage, queue, events }
    }

    /// A user with a project, signed in.
    pub(crate) async fn workspace(&self, name: &str) -> (Workspace, Person) {
        let mut connection = self.pool.get().await.unwrap();
        let workspace = builders::insert_workspace(&mut connection, name, "http://model").await.unwrap();
        (workspace, self.sign_in(name).await)
    }

    /// An admin without projects, signed in.
    pub(crate) async fn admin(&self) -> Person {
        builders::insert_user(&mut self.pool.get().await.unwrap(), "root", "admin").await.unwrap();
        self.sign_in("root").await
    }

    async fn sign_in(&self, name: &str) -> Person {
        let hash = Passwords.hash(PASSWORD).await.unwrap();
        self.sql(&format!("update users set password_hash = '{hash}' where username = '{name}'")).await;
        let login = reqwest::Client::new().post(format!("{}/auth/login", self.url));
        let response = login.json(&json!({"username": name, "password": PASSWORD})).send().await.unwrap();
        let body: Value = response.json().await.unwrap();
        Person { url: self.url.clone(), token: body["token"].as_str().unwrap().to_owned() }
    }

    /// Runs a statement.
    pub(crate) async fn sql(&self, statement: &str) {
        let mut connection = self.pool.get().await.unwrap();
        diesel::sql_query(statement).execute(&mut connection).await.unwrap();
    }

    /// What a query says, in its column `text`.
    pub(crate) async fn text(&self, query: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            text: String,
        }
        let mut connection = self.pool.get().await.unwrap();
        diesel::sql_query(query).get_result::<Row>(&mut connection).await.unwrap().text
    }

    /// What a query of one number answers.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let mut connection = self.pool.get().await.unwrap();
        diesel::sql_query(query).get_result::<Count>(&mut connection).await.unwrap().count
    }

    /// A manifest whose file is not in storage.
    pub(crate) async fn manifest(&self, workspace: &Workspace, number: u32) -> i32 {
        let mut connection = self.pool.get().await.unwrap();
        let (key, sha256) = (format!("manifests/{number}/file"), format!("{number:064}"));
        builders::insert_manifest(&mut connection, workspace.group_id, &key, &sha256).await.unwrap()
    }

    /// The key of a manifest's file.
    pub(crate) async fn storage_key(&self, manifest_id: i32) -> String {
        let mut connection = self.pool.get().await.unwrap();
        sluice_db::models::manifests::find(&mut connection, manifest_id).await.unwrap().unwrap().storage_key
    }

    /// How many objects the bucket has.
    pub(crate) async fn objects(&self) -> usize {
        let s3 = &self.storage;
        let signer = aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::Config::builder()
                .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
                .region(aws_sdk_s3::config::Region::new(s3.region.clone()))
                .endpoint_url(&s3.endpoint)
                .credentials_provider(aws_sdk_s3::config::Credentials::new(
                    s3::ACCESS_KEY,
                    s3::SECRET_KEY,
                    None,
                    None,
                    "t",
                ))
                .force_path_style(true)
                .build(),
        );
        signer.list_objects_v2().bucket(&s3.bucket).send().await.unwrap().contents().len()
    }
}

impl Person {
    /// Somebody, or some program, with a token.
    pub(crate) fn with_token(service: &Service, token: &str) -> Self {
        Self { url: service.url.clone(), token: token.to_owned() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        reqwest::Client::new().request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, body).await
    }

    /// Sends files as browsers do.
    pub(crate) async fn upload(&self, path: &str, files: &[File<'_>]) -> (StatusCode, Value) {
        let request = self.request(Method::POST, path);
        let request = request.header("content-type", "multipart/form-data; boundary=XBOUNDARYX");
        read(request.body(form(files)).send().await.unwrap()).await
    }
}

/// A file in a form.
#[derive(Clone, Copy)]
pub(crate) struct File<'a> {
    pub(crate) field: &'a str,
    pub(crate) disposition: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) bytes: &'a [u8],
}

impl<'a> File<'a> {
    pub(crate) fn pdf(bytes: &'a [u8]) -> Self {
        Self { field: "file", disposition: "filename=\"invoice.pdf\"", content_type: "application/pdf", bytes }
    }
}

fn form(files: &[File<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for File { field, disposition, content_type, bytes } in files {
        let head = format!(
            "--XBOUNDARYX\r\nContent-Disposition: form-data; name=\"{field}\"; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XBOUNDARYX--\r\n");
    body
}

pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// The status and code of an error.
pub(crate) fn code((status, body): (StatusCode, Value)) -> (u16, String) {
    (status.as_u16(), body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// An expected error.
pub(crate) fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
