//! A gateway's half of the bus.

use std::time::Duration;

use fred::clients::SubscriberClient;
use fred::prelude::*;
use fred::types::Expiration;
use serde::{Deserialize, Serialize};
use sluice_core::ManifestId;
use sluice_service::Tasks;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

use crate::config::Config;
use crate::error::{Error, Result, unavailable};
use crate::keys;

/// Messages that may wait for the gateway.
const CAPACITY: usize = 16_384;
/// How often a check says what it wants to hear.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// The events of one fact as they travel, with the number they share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NumberedEvents {
    /// The manifest whose room receives them.
    pub manifest_id: ManifestId,
    /// Their number; numbers of a manifest rise by one.
    pub number: u64,
    /// The events.
    pub events: Vec<Payload>,
}

/// One event, as sockets receive it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// Its name.
    pub event: String,
    /// What it carries; passed on as it is.
    pub data: serde_json::Value,
}

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq)]
pub enum BusMessage {
    /// Events.
    Events(NumberedEvents),
    /// Events may have been missed: the connection was lost, or this process was too slow. States tell what is true now.
    Gap,
}

/// Hears all events and reads states and histories.
#[derive(Debug)]
pub struct Subscriber {
    client: Client,
    subscriber: SubscriberClient,
    config: Config,
    check_channel: String,
}

impl Subscriber {
    /// Connects and begins to hear; messages come out of the receiver for as long as `tasks` run.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn connect(config: &Config, tasks: &Tasks) -> Result<(Self, mpsc::Receiver<BusMessage>)> {
        let builder = config.builder()?;
        let client = builder.build().map_err(|error| unavailable("connecting", error))?;
        let subscriber = builder.build_subscriber_client().map_err(|error| unavailable("connecting", error))?;
        config.start(&client).await?;
        config.start(&subscriber).await?;
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let channel = keys::channel(&config.prefix);
        let check_channel = keys::check_channel(&config.prefix, &sluice_core::id::fresh_uuid().to_string());
        tasks.spawn(forward(subscriber.message_rx(), subscriber.reconnect_rx(), channel.clone(), sender));
        // The client's own task that subscribes again after a reconnect; it ends with the client.
        drop(subscriber.manage_subscriptions());
        let subscribing = subscriber.subscribe(vec![channel, check_channel.clone()]);
        match tokio::time::timeout(config.timeout, subscribing).await {
            Ok(result) => result.map_err(|error| unavailable("subscribing", error))?,
            Err(elapsed) => return Err(unavailable("subscribing", elapsed)),
        }
        let this = Self { client, subscriber, config: config.clone(), check_channel };
        // The library answers before Redis has subscribed: what is published right after this would be missed.
        this.check().await?;
        Ok((this, receiver))
    }

    /// Tells publishers that somebody watches these manifests, for a while.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn watch(&self, manifests: &[ManifestId], time: Duration) -> Result<()> {
        let told = async {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).max(1);
            let pipeline = self.client.pipeline();
            for manifest in manifests {
                let key = keys::watched(&self.config.prefix, *manifest);
                pipeline.set::<(), _, _>(key, 1, Some(Expiration::EX(seconds)), None, false).await?;
            }
            if manifests.is_empty() { Ok(()) } else { pipeline.all::<()>().await }
        };
        told.await.map_err(|error: fred::error::Error| unavailable("telling who is watched", error))
    }

    /// The last events of each of a manifest's jobs, in the order of their numbers.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn state(&self, manifest: ManifestId) -> Result<Vec<NumberedEvents>> {
        let fields: Vec<String> = self
            .client
            .hvals(keys::state(&self.config.prefix, manifest))
            .await
            .map_err(|error| unavailable("reading a state", error))?;
        let mut events = Vec::with_capacity(fields.len());
        for field in fields {
            // The first character says whether the job has ended.
            let message = field.get(1..).unwrap_or_default();
            events.push(serde_json::from_str::<NumberedEvents>(message)?);
        }
        events.sort_by_key(|events| events.number);
        Ok(events)
    }

    /// The events of a manifest after a number, as far as they are kept, and the state where they are not.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn since(&self, manifest: ManifestId, number: u64) -> Result<Vec<NumberedEvents>> {
        let entries: Vec<(String, Vec<(String, String)>)> = self
            .client
            .xrange_values::<String, String, String, _, _, _>(
                keys::history(&self.config.prefix, manifest),
                format!("{}-0", number.saturating_add(1)),
                "+",
                None,
            )
            .await
            .map_err(|error| unavailable("reading a history", error))?
            .into_iter()
            .map(|(id, fields)| (id, fields.into_iter().collect()))
            .collect();
        let missed = entries
            .iter()
            .flat_map(|(_, fields)| fields)
            .map(|(_, message)| serde_json::from_str::<NumberedEvents>(message).map_err(Error::from))
            .collect::<Result<Vec<_>>>()?;
        if missed.first().is_some_and(|first| first.number == number + 1) || missed.is_empty() && number > 0 {
            return Ok(missed);
        }
        self.state(manifest).await
    }

    /// Sends itself a message and waits for it: the whole way that events take.
    ///
    /// # Errors
    /// When it does not arrive in time.
    pub async fn check(&self) -> Result<()> {
        let mut messages = self.subscriber.message_rx();
        let nonce = sluice_core::id::fresh_uuid().to_string();
        let mut ticks = tokio::time::interval(CHECK_INTERVAL);
        let round_trip = async {
            loop {
                tokio::select! {
                    // Said again and again: what is published by one connection may overtake what another subscribes to.
                    _ = ticks.tick() => self.publish_check(&nonce).await?,
                    message = messages.recv() => match message {
                        Ok(message) if message.value.as_str().as_deref() == Some(nonce.as_str()) => return Ok(()),
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                        Err(error @ RecvError::Closed) => return Err(unavailable("hearing", error)),
                    },
                }
            }
        };
        match tokio::time::timeout(self.config.timeout.min(Duration::from_secs(3)), round_trip).await {
            Ok(result) => result,
            Err(elapsed) => Err(unavailable("hearing itself", elapsed)),
        }
    }

    async fn publish_check(&self, nonce: &str) -> Result<()> {
        let published = self.client.publish::<i64, _, _>(self.check_channel.as_str(), nonce).await;
        published.map(drop).map_err(|error| unavailable("publishing", error))
    }

    /// Closes both connections; the receiver ends.
    pub async fn close(&self) {
        for closed in [self.client.quit().await, self.subscriber.quit().await] {
            if let Err(error) = closed {
                tracing::debug!(%error, "a connection was gone before it was closed");
            }
        }
    }
}

async fn forward(
    mut messages: broadcast::Receiver<fred::types::Message>,
    mut reconnects: broadcast::Receiver<Server>,
    channel: String,
    sender: mpsc::Sender<BusMessage>,
) {
    loop {
        let message = tokio::select! {
            message = messages.recv() => match message {
                Ok(message) if message.channel == channel => match read(&message) {
                    Ok(events) => BusMessage::Events(events),
                    Err(error) => {
                        tracing::error!(%error, "an event could not be read");
                        continue;
                    }
                },
                Ok(_) => continue,
                Err(RecvError::Lagged(dropped)) => {
                    tracing::warn!(dropped, "events were dropped because this process was too slow");
                    BusMessage::Gap
                }
                Err(RecvError::Closed) => return,
            },
            reconnect = reconnects.recv() => match reconnect {
                Ok(_) | Err(RecvError::Lagged(_)) => BusMessage::Gap,
                Err(RecvError::Closed) => return,
            },
            () = sender.closed() => return,
        };
        if sender.send(message).await.is_err() {
            return;
        }
    }
}

fn read(message: &fred::types::Message) -> Result<NumberedEvents> {
    let text = message.value.as_str().unwrap_or_default();
    Ok(serde_json::from_str(&text)?)
}
