//! A gateway with users who own manifests.

use std::collections::BTreeMap;

use diesel::sql_types::{Integer, Text};
use diesel_async::RunQueryDsl;
use sluice_access::{Authenticator, Origin, Passwords};
use sluice_core::ManifestId;
use sluice_core::ports::{EventSink, Published, SystemClock};
use sluice_db::models::users;
use sluice_event_bus::Publisher;
use sluice_service::{Env, Shutdown};
use sluice_test_support::postgres::Database;
use sluice_test_support::{Servers, builders};
use sluice_ws_gateway::{Application, Config};

/// A gateway that runs in the test's own process.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) publisher: Publisher,
    /// The owner's.
    pub(crate) manifest: ManifestId,
    /// The owner's, too.
    pub(crate) other: ManifestId,
    pub(crate) owner: String,
    pub(crate) stranger: String,
    pub(crate) admin: String,
    pub(crate) database: Database,
    settings: BTreeMap<String, String>,
    shutdown: Shutdown,
}

/// The environment of a gateway, with changes.
pub(crate) fn environment(changes: &[(&str, &str)], database: &Database) -> BTreeMap<String, String> {
    let servers = Servers::shared().unwrap();
    let settings = [
        ("SLUICE_WS_LISTEN", "127.0.0.1:0"),
        ("SLUICE_DB_URL", &database.url),
        ("SLUICE_DB_POOL_SIZE", "4"),
        ("SLUICE_REDIS_URL", &servers.redis_url),
        ("SLUICE_EVENTS_PREFIX", &servers.fresh_name()),
        ("SLUICE_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let pairs = settings.iter().chain(changes).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pairs.collect()
}

impl World {
    pub(crate) async fn start(changes: &[(&str, &str)]) -> Self {
        Self::start_on(changes, Servers::shared().unwrap().database().await.unwrap()).await
    }

    /// With a database that the test itself can reach although the gateway can't.
    pub(crate) async fn start_on(changes: &[(&str, &str)], database: Database) -> Self {
        let settings = environment(changes, &database);
        let shutdown = Shutdown::new();
        let url = start_gateway(&settings, &shutdown).await;
        let mut world = Self::around(url, &settings, database).await;
        world.shutdown = shutdown;
        world
    }

    /// Users and manifests of a gateway at a URL. The publisher's way to Redis is never cut.
    pub(crate) async fn around(url: String, settings: &BTreeMap<String, String>, database: Database) -> Self {
        let mut settings = settings.clone();
        settings.insert("SLUICE_REDIS_URL".to_owned(), Servers::shared().unwrap().redis_url);
        let mut env = Env::from_pairs(settings.clone());
        let config = Config::read(&mut env);
        let mut connection = database.pool.get().await.unwrap();
        let workspace = builders::insert_workspace(&mut connection, "ada", "http://model").await.unwrap();
        let hash = Passwords.hash("right").await.unwrap();
        diesel::sql_query("update users set password_hash = $1 where id = $2")
            .bind::<Text, _>(&hash)
            .bind::<Integer, _>(workspace.user_id)
            .execute(&mut connection)
            .await
            .unwrap();
        users::insert(&mut connection, "bob", &hash, "user").await.unwrap();
        users::insert(&mut connection, "root", &hash, "admin").await.unwrap();
        let mut manifests = Vec::new();
        for digit in ["1", "2"] {
            let sha256 = digit.repeat(64);
            let id = builders::insert_manifest(&mut connection, workspace.group_id, digit, &sha256).await.unwrap();
            manifests.push(ManifestId(id));
        }
        drop(connection);
        let clock = std::sync::Arc::new(SystemClock);
        let authenticator = Authenticator::new(&config.access, database.pool.clone(), clock);
        let token = async |name| authenticator.sign_in(name, "right", &Origin::default()).await.unwrap().token;
        Self {
            url,
            publisher: Publisher::connect(&config.events).await.unwrap(),
            manifest: manifests[0],
            other: manifests[1],
            owner: token("ada").await,
            stranger: token("bob").await,
            admin: token("root").await,
            database,
            settings,
            shutdown: Shutdown::new(),
        }
    }

    /// Starts another gateway beside the first and answers its URL.
    pub(crate) async fn start_replica(&self) -> String {
        start_gateway(&self.settings, &self.shutdown).await
    }

    pub(crate) async fn publish(&self, fact: sluice_core::JobFact) -> Published {
        self.publisher.publish(&fact).await.unwrap()
    }
}

async fn start_gateway(settings: &BTreeMap<String, String>, shutdown: &Shutdown) -> String {
    let mut env = Env::from_pairs(settings.clone());
    let config = Config::read(&mut env);
    env.finish().unwrap();
    let application = Application::build(config).await.unwrap();
    let url = format!("http://127.0.0.1:{}", application.port());
    tokio::spawn(application.run(shutdown.clone()));
    url
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}
