//! The one component that makes events of facts.

use async_trait::async_trait;
use fred::prelude::*;
use fred::types::scripts::Script;
use serde_json::{Value, json};
use sluice_core::ports::{EventSink, Published};
use sluice_core::{Fact, JobFact, ManifestId, PortError};

use crate::config::Config;
use crate::error::{Result, unavailable};
use crate::keys;

/// The field of an event that is published and not kept.
const TEXT_FIELD: &str = "textMarkdownSoFar";

/// Publishes facts as numbered events. Clones share the connection.
#[derive(Clone)]
pub struct Publisher {
    client: Client,
    script: Script,
    config: Config,
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn connect(config: &Config) -> Result<Self> {
        let client = config.builder()?.build().map_err(|error| unavailable("connecting", error))?;
        config.start(&client).await?;
        Ok(Self { client, script: Script::from_lua(include_str!("publish.lua")), config: config.clone() })
    }

    /// Asks Redis for a sign of life.
    ///
    /// # Errors
    /// When there is none.
    pub async fn check(&self) -> Result<()> {
        self.client
            .ping::<String>(None)
            .await
            .map(drop)
            .map_err(|error| unavailable("asking for a sign of life", error))
    }

    async fn publish_fact(&self, fact: &JobFact) -> Result<Published> {
        // Marks that no text of a user can hold, for what only the script knows.
        let mark = sluice_core::id::fresh_uuid().simple().to_string();
        let message = Message::of(fact, &mark)?;
        let prefix = &self.config.prefix;
        let redis_keys = vec![
            keys::job(prefix, &fact.job_id),
            keys::number(prefix, fact.manifest_id),
            keys::state(prefix, fact.manifest_id),
            keys::history(prefix, fact.manifest_id),
        ];
        let arguments: Vec<String> = vec![
            keys::channel(prefix),
            fact.job_id.to_string(),
            phase(&fact.fact).to_owned(),
            message.progress,
            fact.number_floor.to_string(),
            message.progress_mark,
            message.number_mark,
            message.text,
            self.config.retention.as_secs().max(1).to_string(),
            self.config.history.to_string(),
            message.live,
        ];
        let number: u64 = self
            .script
            .evalsha_with_reload(&self.client, redis_keys, arguments)
            .await
            .map_err(|error| unavailable("publishing", error))?;
        Ok(if number == 0 { Published::Outdated } else { Published::Numbered(number) })
    }
}

/// What the script needs of a fact: the message with marks in place of what the script fills in.
struct Message {
    text: String,
    /// The message with the text of a document in it. It is for those who listen now: kept, it would fill Redis with copies.
    live: String,
    progress: String,
    progress_mark: String,
    number_mark: String,
}

impl Message {
    fn of(fact: &JobFact, mark: &str) -> Result<Self> {
        let progress_mark = format!("\"p{mark}\"");
        let number_mark = format!("\"n{mark}\"");
        let mut progress = Value::from(0);
        let mut events = serde_json::to_value(fact.events())?;
        for event in events.as_array_mut().into_iter().flatten() {
            if let Some(data) = event.get_mut("data").and_then(Value::as_object_mut) {
                if let Some(value) = data.get_mut("progress") {
                    progress = std::mem::replace(value, Value::from(format!("p{mark}")));
                }
                data.insert("number".to_owned(), Value::from(format!("n{mark}")));
            }
        }
        let message = |events: &Value| {
            json!({"manifestId": fact.manifest_id, "number": format!("n{mark}"), "events": events}).to_string()
        };
        let with_text = message(&events);
        let mut has_text = false;
        for event in events.as_array_mut().into_iter().flatten() {
            let data = event.get_mut("data").and_then(Value::as_object_mut);
            has_text |= data.is_some_and(|data| data.remove(TEXT_FIELD).is_some());
        }
        let live = if has_text { with_text } else { String::new() };
        Ok(Self { text: message(&events), live, progress: progress.to_string(), progress_mark, number_mark })
    }
}

const fn phase(fact: &Fact) -> &'static str {
    match fact {
        Fact::Queued => "waiting",
        Fact::Started | Fact::Advanced { .. } | Fact::Delayed { .. } => "running",
        Fact::Completed { .. } | Fact::Failed { .. } | Fact::Canceled { .. } => "ended",
    }
}

#[async_trait]
impl EventSink for Publisher {
    async fn publish(&self, fact: &JobFact) -> std::result::Result<Published, PortError> {
        self.publish_fact(fact).await.map_err(PortError::from_error)
    }

    async fn is_watched(&self, manifest: ManifestId) -> std::result::Result<bool, PortError> {
        let exists = self.client.exists::<u8, _>(keys::watched(&self.config.prefix, manifest)).await;
        let exists = exists.map_err(|error| unavailable("asking who watches", error));
        exists.map(|count| count > 0).map_err(PortError::from_error)
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("prefix", &self.config.prefix).finish_non_exhaustive()
    }
}
