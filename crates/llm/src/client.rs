//! Asks endpoints.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::middleware::ReqwestService;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sluice_extraction::fingerprint;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::Config;
use crate::deltas::{Answer, Chunks, Deltas, Partial};
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result, is_loading};
use crate::once::{Once, RetryAfter};
use crate::probe;
use crate::question::{Question, measured};

/// How long to wait before a model that is being loaded is asked again.
const LOADING_PAUSE: Duration = Duration::from_secs(1);

/// How long an endpoint may take to say a word.
const PING_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks models. Clones share connections and what was learnt of endpoints.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    config: Config,
    /// How endpoints that refused something want to be asked, by URL and model.
    dialects: Arc<Mutex<HashMap<(String, String), Dialect>>>,
}

impl Client {
    /// A client that has asked nobody yet.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(config: Config) -> Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A redirect could lead a document and a key to where nobody meant them to go.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::Client)?;
        Ok(Self { http, config, dialects: Arc::default() })
    }

    /// What an answer is kept under: the same question to the same model.
    #[must_use]
    pub fn fingerprint(endpoint: &Endpoint, question: &Question) -> String {
        let body = question.body(endpoint, Dialect::default());
        fingerprint::of_json(&json!({"baseUrl": endpoint.base_url, "body": body}))
    }

    /// Asks, and tells how many bytes have arrived.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn ask(
        &self,
        endpoint: &Endpoint,
        question: &Question,
        received: &watch::Sender<usize>,
    ) -> Result<Answer> {
        let mut deltas = self.stream(endpoint, question).await?;
        while deltas.next().await?.is_some() {
            received.send_replace(deltas.content().len());
        }
        deltas.finish()
    }

    /// Asks, and hands over the answer as it arrives.
    ///
    /// # Errors
    /// When the endpoint does not begin an answer.
    pub async fn stream(&self, endpoint: &Endpoint, question: &Question) -> Result<Deltas> {
        let key = key_of(endpoint);
        let begun = Dialect::first(question, endpoint).and(self.learnt(&key));
        let mut dialect = begun;
        loop {
            match self.open(endpoint, question.body(endpoint, dialect)).await {
                // Endpoints that don't know what is asked of them answer 400: ask in another way, and remember.
                Err(error) if error.may_be_form() => match dialect.after(&error.to_string()) {
                    Some(other) => {
                        tracing::info!(?dialect, ?other, %error, "the endpoint refuses the way it is asked");
                        dialect = other;
                    }
                    None => return Err(error),
                },
                Err(error) => return Err(error),
                Ok(deltas) => {
                    if dialect != begun {
                        let learnt = self.learnt(&key).and(dialect.learnt(begun));
                        self.dialects().insert(key, learnt);
                    }
                    return Ok(deltas);
                }
            }
        }
    }

    /// Asks for a word; answers the name by which the model calls itself.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ping(&self, endpoint: &Endpoint) -> Result<Option<String>> {
        let answer = self.once(endpoint, probe::ping(endpoint, self.learnt(&key_of(endpoint)))).await?;
        Ok(answer.get("model").and_then(Value::as_str).map(str::to_owned))
    }

    /// Asks for a whole answer and hands it over as it came.
    pub(crate) async fn once(&self, endpoint: &Endpoint, body: Value) -> Result<Value> {
        let retry_after = RetryAfter::default();
        let client = self.client(endpoint, &retry_after);
        let chat = client.chat();
        let asked = tokio::time::timeout(PING_TIMEOUT, chat.create_byot::<Value, Value>(body));
        let answer = asked.await.map_err(|_elapsed| Error::TimedOut)?;
        let answer = answer.map_err(|error| Error::read(error, retry_after.read()))?;
        if answer.get("choices").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            return Err(Error::NoChoices);
        }
        Ok(answer)
    }

    /// What is remembered of an endpoint.
    pub(crate) fn learnt(&self, key: &(String, String)) -> Dialect {
        self.dialects().get(key).copied().unwrap_or_default()
    }

    pub(crate) fn learn(&self, endpoint: &Endpoint, dialect: Dialect) {
        let key = key_of(endpoint);
        let learnt = self.learnt(&key).and(dialect);
        self.dialects().insert(key, learnt);
    }

    /// Forgets what an endpoint refused, so that what it has learnt since is noticed.
    pub(crate) fn forget(&self, endpoint: &Endpoint) {
        self.dialects().remove(&key_of(endpoint));
    }

    pub(crate) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    fn dialects(&self) -> MutexGuard<'_, HashMap<(String, String), Dialect>> {
        self.dialects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, endpoint: &Endpoint, retry_after: &RetryAfter) -> async_openai::Client<OpenAIConfig> {
        let config = OpenAIConfig::new()
            .with_api_base(endpoint.base_url.trim_end_matches('/'))
            .with_api_key(endpoint.api_key.expose_secret());
        let service = Once { service: ReqwestService::new(self.http.clone()), retry_after: retry_after.clone() };
        async_openai::Client::with_config(config).with_http_service(service)
    }

    async fn open(&self, endpoint: &Endpoint, body: Value) -> Result<Deltas> {
        let deadline = Instant::now() + self.config.call_timeout;
        let retry_after = RetryAfter::default();
        let client = self.client(endpoint, &retry_after);
        let sent = measured(body.clone());
        let begin = async {
            loop {
                match client.chat().create_stream_byot::<Value, Value>(body.clone()).await {
                    Ok(chunks) => return Ok(chunks),
                    // A local server answers so until its weights are in memory: that is no failure.
                    Err(error) if is_loading(&error) => tokio::time::sleep(LOADING_PAUSE).await,
                    Err(error) => return Err(Error::read(error, retry_after.read())),
                }
            }
        };
        let chunks: Chunks = tokio::time::timeout_at(deadline, begin).await.map_err(|_elapsed| Error::TimedOut)??;
        Ok(Deltas {
            chunks,
            partial: Partial::default(),
            sent,
            retry_after: retry_after.clone(),
            deadline,
            idle_timeout: self.config.idle_timeout,
            arrived: Instant::now(),
        })
    }
}

pub(crate) fn key_of(endpoint: &Endpoint) -> (String, String) {
    (endpoint.base_url.clone(), endpoint.model.clone())
}
