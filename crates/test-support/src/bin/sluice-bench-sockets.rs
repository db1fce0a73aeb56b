//! Listens to manifests with many sockets, for `cargo xtask bench fanout`: `sluice-bench-sockets URL TOKEN COUNT MANIFEST`.
//!
//! Prints `READY` when all have subscribed, and then, for each status of each job that all of them have heard, when the first
//! and the last of them heard it: `HEARD <job> <status> <first> <last>`, in microseconds since 1970. It speaks as much of
//! engine.io 4 and socket.io 5 as that takes. Ends when its standard input does.

use std::collections::HashMap;
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use sluice_service::Tasks;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const NAMESPACE: &str = "/manifests";
/// Sockets that connect at a time.
const CONNECTING: usize = 50;
const PATIENCE: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One status of a job, as one socket heard it.
struct Heard {
    job: String,
    status: String,
    at_us: u128,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, token, count, manifest] = arguments.as_slice() else {
        bail!("four arguments are needed: URL TOKEN COUNT MANIFEST");
    };
    let (count, manifest): (usize, i32) = (count.parse()?, manifest.parse()?);
    let sockets: Vec<_> = stream::iter(0..count)
        .map(|_| async { tokio::time::timeout(PATIENCE, subscribe(url, token, manifest)).await? })
        .buffer_unordered(CONNECTING)
        .try_collect()
        .await?;
    say("READY".to_owned());
    let (sender, heard) = mpsc::unbounded_channel();
    let tasks = Tasks::new();
    for (sink, stream) in sockets {
        tasks.spawn(listen(sink, stream, sender.clone()));
    }
    drop(sender);
    tasks.spawn(count_up(heard, count));
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    std::process::exit(0)
}

/// Connects a socket and subscribes it.
async fn subscribe(url: &str, token: &str, manifest: i32) -> Result<(SplitSink<Socket, Message>, SplitStream<Socket>)> {
    let (socket, _) = connect_async(format!("{url}/api/socket.io/?EIO=4&transport=websocket")).await?;
    let (mut sink, mut stream) = socket.split();
    expect(&mut stream, "0").await?;
    sink.send(Message::text(format!("40{NAMESPACE},{}", json!({"token": token})))).await?;
    expect(&mut stream, "40").await?;
    let command = json!(["subscribe-manifest", {"manifestId": manifest}]);
    sink.send(Message::text(format!("42{NAMESPACE},1{command}"))).await?;
    expect(&mut stream, "43").await?;
    Ok((sink, stream))
}

/// Waits for a packet that begins so.
async fn expect(stream: &mut SplitStream<Socket>, start: &str) -> Result<()> {
    loop {
        let message = stream.next().await.context("the server closed a socket")??;
        let text = message.to_text()?;
        ensure!(!text.starts_with("44"), "a socket was refused: {text}");
        if text.starts_with(start) {
            return Ok(());
        }
    }
}

async fn listen(
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    sender: mpsc::UnboundedSender<Heard>,
) -> Result<()> {
    while let Some(message) = stream.next().await {
        let message = message?;
        let text = message.to_text()?;
        if text == "2" {
            sink.send(Message::text("3")).await?;
        } else if let Some(event) = text.strip_prefix("42/manifests,[\"job-update\",") {
            let at_us = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
            let data: Value = serde_json::from_str(event.strip_suffix(']').unwrap_or_default())?;
            let word = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            sender.send(Heard { job: word("jobId"), status: word("status"), at_us }).context("nobody counts")?;
        }
    }
    bail!("the server closed a socket")
}

/// Counts who heard what. It is exact for a status that a job has once, as the first and the last.
async fn count_up(mut heard: mpsc::UnboundedReceiver<Heard>, count: usize) {
    let mut times: HashMap<(String, String), (usize, u128)> = HashMap::new();
    while let Some(Heard { job, status, at_us }) = heard.recv().await {
        let entry = times.entry((job.clone(), status.clone())).or_insert((0, at_us));
        entry.0 += 1;
        if entry.0 == count {
            say(format!("HEARD {job} {status} {} {at_us}", entry.1));
        }
    }
}

#[expect(clippy::print_stdout, reason = "its answers to who started it")]
fn say(line: String) {
    println!("{line}");
}
