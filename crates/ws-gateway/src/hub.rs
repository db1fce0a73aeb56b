//! Between the bus and the rooms.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use sluice_core::ManifestId;
use sluice_event_bus::{BusMessage, NumberedEvents, Payload, Subscriber};
use sluice_service::{ErrorChain, Shutdown};
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::rooms::{Missed, Rooms, Sink};
use crate::sockets::Sockets;

/// How often those who are behind are looked after.
const TICK: Duration = Duration::from_millis(100);
/// States that are read at the same time.
const READS: usize = 16;
/// How often workers are told which manifests are watched, and for how long that holds: a gateway that dies tells no end.
const WATCH_INTERVAL: Duration = Duration::from_secs(10);
const WATCH_TIME: Duration = Duration::from_secs(30);
/// Manifests that are told at once.
const WATCH_BATCH: usize = 1_000;
/// How often a member may find that it missed more; then it waits for the next tick.
const ROUNDS: usize = 20;

/// Hears the bus and tells the sockets.
#[derive(Debug)]
pub(crate) struct Hub {
    rooms: Mutex<Rooms<Sid, Member>>,
    subscriber: Subscriber,
    sockets: Arc<Sockets>,
    /// How long a client may be too slow.
    slow_limit: Duration,
}

#[derive(Debug)]
struct Member(SocketRef);

impl Sink for Member {
    fn send(&self, payload: &Payload) -> bool {
        self.0.emit(&payload.event, &payload.data).is_ok()
    }
}

impl Hub {
    pub(crate) fn new(subscriber: Subscriber, sockets: Arc<Sockets>, slow_limit: Duration) -> Self {
        Self { rooms: Mutex::new(Rooms::new()), subscriber, sockets, slow_limit }
    }

    pub(crate) fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// Hands on what the bus says, until the end; that comes early when the bus has nothing more to say.
    pub(crate) async fn hear(&self, mut messages: mpsc::Receiver<BusMessage>, end: Shutdown) {
        loop {
            let message = tokio::select! {
                message = messages.recv() => message,
                () = end.triggered() => return,
            };
            match message {
                Some(BusMessage::Events(events)) => self.rooms().deliver(&events),
                Some(BusMessage::Gap) => {
                    tracing::info!("events may have been missed, sockets will be told the state");
                    self.rooms().miss();
                }
                None => {
                    end.trigger();
                    return;
                }
            }
        }
    }

    /// Looks after those who are behind, until the end.
    pub(crate) async fn look_after(&self, end: Shutdown) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch_ticks = tokio::time::interval(WATCH_INTERVAL);
        watch_ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut slow = HashMap::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = watch_ticks.tick() => {
                    let watched = self.rooms().watched();
                    self.watch(&watched).await;
                    continue;
                }
                () = end.triggered() => return,
            }
            let behind = self.rooms().behind();
            futures_util::stream::iter(behind)
                .for_each_concurrent(READS, |(manifest, socket)| self.catch_up(manifest, socket))
                .await;
            self.drop_slow(&mut slow, Instant::now());
        }
    }

    /// Drops the sockets that have had no room for what they missed for too long; `since` knows since when.
    fn drop_slow(&self, since: &mut HashMap<Sid, Instant>, now: Instant) {
        let full: HashSet<Sid> = self.rooms().full();
        since.retain(|socket, _| full.contains(socket));
        for socket in full {
            let began = *since.entry(socket).or_insert(now);
            if now.saturating_duration_since(began) >= self.slow_limit {
                self.sockets.drop_socket(socket);
            }
        }
    }

    /// Lets a socket hear a manifest; it gets nothing before it has caught up.
    pub(crate) fn join(&self, manifest: ManifestId, socket: SocketRef, last: u64) {
        self.rooms().join(manifest, socket.id, Member(socket), last);
    }

    /// Tells workers that somebody watches manifests. It is a hint: without it they send no texts.
    pub(crate) async fn watch(&self, manifests: &[ManifestId]) {
        for some in manifests.chunks(WATCH_BATCH) {
            if let Err(error) = self.subscriber.watch(some, WATCH_TIME).await {
                tracing::warn!("workers can't be told what is watched: {}", ErrorChain(&error));
                return;
            }
        }
    }

    /// Lets it hear the manifest no more.
    pub(crate) fn leave(&self, manifest: ManifestId, socket: Sid) {
        self.rooms().leave(manifest, socket);
    }

    /// Tells a socket what it missed.
    pub(crate) async fn catch_up(&self, manifest: ManifestId, socket: Sid) {
        for _ in 0..ROUNDS {
            let Some(begun) = self.rooms().begin(manifest, socket) else {
                return;
            };
            match self.read_missed(manifest, begun.last).await {
                Ok(missed) => {
                    if !self.rooms().finish(manifest, socket, begun, missed) {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(manifest.id = manifest.0, "a state can't be read: {}", ErrorChain(&error));
                    self.rooms().give_up(manifest, socket, begun);
                    return;
                }
            }
        }
    }

    /// Reads what came after `last`: the events themselves as far as they are kept, else the state.
    async fn read_missed(&self, manifest: ManifestId, last: u64) -> sluice_event_bus::Result<Missed> {
        let followed = self.read_since(manifest, last).await?;
        if !followed.is_empty() {
            return Ok(Missed::new(followed));
        }
        let state = Missed::new(self.subscriber.state(manifest).await?);
        match state.last.cmp(&last) {
            Ordering::Equal => Ok(Missed { events: Vec::new(), last }),
            // The numbers began anew, and all is news to the socket.
            Ordering::Less => Ok(state),
            Ordering::Greater => {
                // Nothing had followed yet a moment ago; the state alone would leave out what came before it.
                let followed = self.read_since(manifest, last).await?;
                Ok(if followed.is_empty() { state } else { Missed::new(followed) })
            }
        }
    }

    async fn read_since(&self, manifest: ManifestId, last: u64) -> sluice_event_bus::Result<Vec<NumberedEvents>> {
        if last == 0 {
            return Ok(Vec::new());
        }
        let mut events = self.subscriber.since(manifest, last).await?;
        events.retain(|events| events.number > last);
        Ok(events)
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms<Sid, Member>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
