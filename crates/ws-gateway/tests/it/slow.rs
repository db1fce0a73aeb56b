//! A client that does not read for a while. Spoken by hand: Node's client always reads.

use std::collections::VecDeque;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::World;
use crate::{advanced, completed, fact};

/// Polls when it is told to, and not before.
pub(crate) struct Poller {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    packets: VecDeque<String>,
}

impl Poller {
    pub(crate) async fn connect(world: &World) -> Self {
        let http = reqwest::Client::new();
        let url = format!("{}/api/socket.io/?EIO=4&transport=polling", world.url);
        let open = http.get(&url).send().await.unwrap().text().await.unwrap();
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        let url = format!("{url}&sid={}", open["sid"].as_str().unwrap());
        let mut poller = Self { http, url, packets: VecDeque::new() };
        poller.post(format!("40/manifests,{}", json!({"token": world.owner}))).await;
        assert!(poller.next().await.starts_with("40/manifests,"));
        poller
    }

    pub(crate) async fn post(&self, packet: String) {
        assert_eq!(self.http.post(&self.url).body(packet).send().await.unwrap().status(), StatusCode::OK);
    }

    async fn next(&mut self) -> String {
        while self.packets.is_empty() {
            let payload = self.http.get(&self.url).send().await.unwrap().text().await.unwrap();
            for packet in payload.split('\u{1e}') {
                match packet {
                    "2" => self.post("3".to_owned()).await,
                    packet => self.packets.push_back(packet.to_owned()),
                }
            }
        }
        self.packets.pop_front().unwrap()
    }

    pub(crate) async fn next_event(&mut self) -> (String, Value) {
        let packet = self.next().await;
        serde_json::from_str(packet.strip_prefix("42/manifests,").expect(&packet)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_did_not_read_gets_all_that_is_kept_and_then_the_state() {
    for (history, all) in [("1000", true), ("10", false)] {
        let world = World::start(&[("SLUICE_WS_BUFFER", "16"), ("SLUICE_EVENTS_HISTORY", history)]).await;
        let mut poller = Poller::connect(&world).await;
        poller.post(format!("42/manifests,{}", json!(["subscribe-manifest", {"manifestId": world.manifest}]))).await;
        assert_eq!(poller.next_event().await.0, "subscribed");
        for _ in 0..399 {
            world.publish(fact(1, world.manifest, advanced(50.0))).await;
        }
        world.publish(fact(1, world.manifest, completed())).await;

        let mut seen = Vec::new();
        while seen.last() != Some(&("manifest-update".to_owned(), 400)) {
            let (event, data) = poller.next_event().await;
            seen.push((event, data["number"].as_u64().unwrap()));
        }
        assert!(seen.is_sorted_by_key(|(_, number)| *number), "{seen:?}");
        let unique: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!(unique.len(), seen.len(), "{seen:?}");
        assert_eq!(seen.len() == 800, all, "{} events", seen.len());
    }
}
