//! Node's socket.io client with a token.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::LONG;

/// `tests/node/socket.mjs`, running.
pub(crate) struct Client {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Client {
    /// Connects with a token.
    pub(crate) async fn connect(url: &str, token: &str) -> Self {
        let options = json!({"url": url, "auth": {"token": token}, "transports": ["websocket"]});
        let mut child = Command::new("node")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("node"))
            .args(["socket.mjs", &options.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut client = Self { input, output, _child: child };
        client.wait_for("connect").await;
        client
    }

    /// Subscribes to a manifest and waits for the confirmation.
    pub(crate) async fn subscribe(&mut self, manifest: &Value) {
        self.emit("subscribe-manifest", manifest).await;
        let ack = self.wait_for("ack").await;
        assert_eq!(ack["answer"]["event"], "subscribed", "{ack}");
    }

    /// Skips what happens until something of the kind does.
    pub(crate) async fn wait_for(&mut self, on: &str) -> Value {
        loop {
            let happened = self.next().await;
            if happened["on"] == on {
                return happened;
            }
        }
    }

    /// The updates up to the one that ends the job, and whatever comes until the connection has answered once more.
    pub(crate) async fn updates_until_end(&mut self, manifest: &Value) -> Vec<Value> {
        let mut updates: Vec<Value> = Vec::new();
        let mut has_ended = false;
        loop {
            let happened = self.next().await;
            if has_ended && happened["on"] == "ack" {
                return updates;
            }
            let update = &happened["data"];
            if happened["event"] == "job-update" && update["manifestId"] == *manifest {
                updates.push(update.clone());
                if !has_ended && is_end(update["status"].as_str().unwrap()) {
                    has_ended = true;
                    self.emit("unsubscribe-manifest", manifest).await;
                }
            }
        }
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(LONG, self.output.next_line()).await.expect("something happens").unwrap();
        serde_json::from_str(&line.expect("the client runs")).unwrap()
    }

    async fn emit(&mut self, command: &str, manifest: &Value) {
        let line = format!("{}\n", json!({"emit": command, "data": {"manifestId": manifest}}));
        self.input.write_all(line.as_bytes()).await.unwrap();
    }
}

/// Whether a status ends a job.
pub(crate) fn is_end(status: &str) -> bool {
    ["completed", "failed", "canceled"].contains(&status)
}

/// Numbers rise, progress never falls, and the last update alone ends the job.
pub(crate) fn assert_in_order(updates: &[Value]) {
    let numbers: Vec<u64> = updates.iter().map(|update| update["number"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] <= pair[1]), "{numbers:?}");
    let progress: Vec<u64> = updates.iter().map(|update| update["progress"].as_u64().unwrap()).collect();
    assert!(progress.is_sorted(), "{progress:?}");
    assert_eq!(updates.iter().filter(|update| is_end(update["status"].as_str().unwrap())).count(), 1, "{updates:?}");
}
