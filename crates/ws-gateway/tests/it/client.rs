//! Node's socket.io client, driven line by line.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use sluice_core::ManifestId;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::LONG;

/// `tests/node/socket.mjs`, running.
pub(crate) struct Client {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// The transports it used so far.
    transports: Vec<String>,
    _child: Child,
}

impl Client {
    /// Starts a client with options of `io()`.
    pub(crate) fn start(url: &str, options: Value) -> Self {
        let mut options = options;
        options["url"] = json!(url);
        let mut child = Command::new("node")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/node"))
            .arg("socket.mjs")
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { input, output, transports: Vec::new(), _child: child }
    }

    /// Starts a client with a token and waits until it is connected.
    pub(crate) async fn connect(url: &str, token: &str) -> Self {
        let mut client = Self::start(url, json!({"auth": {"token": token}, "transports": ["websocket"]}));
        assert_eq!(client.next().await, json!({"on": "connect"}));
        client
    }

    pub(crate) async fn emit(&mut self, event: &str, data: Value) {
        let line = format!("{}\n", json!({"emit": event, "data": data}));
        self.input.write_all(line.as_bytes()).await.unwrap();
    }

    /// What happens next, apart from changes of transport.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let happened = self.next_line().await;
            if happened["on"] != "transport" {
                return happened;
            }
        }
    }

    /// Waits until it has used these transports; nothing else may happen meanwhile but that it connects.
    pub(crate) async fn wait_for_transports(&mut self, expected: &Value) {
        let mut connected = false;
        while !connected || json!(self.transports) != *expected {
            let happened = self.next_line().await;
            assert!(["transport", "connect"].contains(&happened["on"].as_str().unwrap()), "{happened}");
            connected |= happened["on"] == "connect";
        }
    }

    async fn next_line(&mut self) -> Value {
        let line = tokio::time::timeout(LONG, self.output.next_line()).await.expect("something happens").unwrap();
        let happened: Value = serde_json::from_str(&line.expect("the client runs")).unwrap();
        self.transports.extend(happened["name"].as_str().filter(|_| happened["on"] == "transport").map(str::to_owned));
        happened
    }

    /// Skips what happens until something of the kind does.
    pub(crate) async fn next_on(&mut self, on: &str) -> Value {
        loop {
            let happened = self.next().await;
            if happened["on"] == on {
                return happened;
            }
        }
    }

    /// The next event: its name and its data.
    pub(crate) async fn next_event(&mut self) -> (String, Value) {
        let happened = self.next().await;
        assert_eq!(happened["on"], "event", "{happened}");
        (happened["event"].as_str().unwrap().to_owned(), happened["data"].clone())
    }

    /// The next event of a kind.
    pub(crate) async fn next_update(&mut self, event: &str) -> Value {
        loop {
            let happened = self.next_on("event").await;
            if happened["event"] == event {
                return happened["data"].clone();
            }
        }
    }

    /// Subscribes and checks both answers.
    pub(crate) async fn subscribe(&mut self, manifest: ManifestId, last_number: Option<u64>) {
        let mut data = json!({"manifestId": manifest});
        if let Some(number) = last_number {
            data["lastNumber"] = json!(number);
        }
        self.emit("subscribe-manifest", data).await;
        let data = json!({"manifestId": manifest});
        self.expect_answer("subscribe-manifest", "subscribed", &data).await;
    }

    /// Checks that a command is confirmed both ways.
    pub(crate) async fn expect_answer(&mut self, command: &str, event: &str, data: &Value) {
        assert_eq!(self.next_event().await, (event.to_owned(), data.clone()));
        let answer = json!({"event": event, "data": data});
        assert_eq!(self.next().await, json!({"on": "ack", "to": command, "answer": answer}));
    }

    /// Checks that a command is refused both ways, and answers the exception.
    pub(crate) async fn expect_refusal(&mut self, code: &str) -> Value {
        let (event, data) = self.next_event().await;
        assert_eq!((event.as_str(), &data["status"], &data["code"]), ("exception", &json!("error"), &json!(code)));
        let answer = json!({"event": "error", "error": {"code": code, "message": data["message"]}});
        assert_eq!(self.next().await["answer"], answer);
        data
    }
}
