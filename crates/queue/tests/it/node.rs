//! The makers' own Node client on the same keys.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::ExposeSecret;
use sluice_queue::{Config, Consumer, Outcome, Producer};
use sluice_test_support::eventually;

use crate::{LONG, config, message};

/// Runs `tests/node/queue.mjs` and answers what it prints.
async fn node(config: &Config, arguments: &[&str]) -> serde_json::Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/node");
    let mut command = Command::new("node");
    command.current_dir(folder).arg("queue.mjs").arg(config.url.expose_secret()).arg(&config.prefix).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("node is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn node_reads_and_works_what_we_add() {
    let config = config();
    let producer = Producer::connect(&config).await.unwrap();
    producer.add(&message(7)).await.unwrap();
    let seen = node(&config, &["work"]).await;
    assert_eq!(seen["waiting"], 1);
    assert_eq!(seen["job"]["id"], "job-7");
    assert_eq!(seen["job"]["name"], "process-manifest");
    assert_eq!(seen["job"]["data"], serde_json::to_value(message(7)).unwrap());
    let counts = producer.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.completed), (0, 1), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn we_work_what_node_adds() {
    let config = config();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let consumer = Consumer::start(&config, 1, move |delivery| {
        noted.lock().unwrap().push(delivery.message);
        async { Outcome::Done }
    })
    .await
    .unwrap();
    node(&config, &["add", "job-9", &serde_json::to_string(&message(9)).unwrap()]).await;
    eventually(LONG, || async { if seen.lock().unwrap().len() == 1 { Ok(()) } else { Err("nothing") } }).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [message(9)]);
    consumer.close(Duration::from_secs(5)).await;
}
