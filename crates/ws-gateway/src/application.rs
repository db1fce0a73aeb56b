//! The service, put together.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use sluice_access::Authenticator;
use sluice_core::ports::SystemClock;
use sluice_db::Pool;
use sluice_event_bus::{BusMessage, Subscriber};
use sluice_service::{Shutdown, Tasks};
use socketioxide::SocketIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::config::Config;
use crate::connection::{self, Gateway};
use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::lines::{self, Line, LineListener, Lines};
use crate::sockets::{Limits, Sockets};
use crate::{health, recheck};

const PATH: &str = "/api/socket.io";
/// A command has a hundred bytes, the start with its token a few hundred.
const MAX_MESSAGE: usize = 16 * 1024;
/// How long a client may take to show its token; without one it costs no more than its connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long browsers may remember that an origin is allowed.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3_600);

/// The realtime service, bound to its port.
#[derive(Debug)]
pub struct Application {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    io: SocketIo,
    gateway: Arc<Gateway>,
    messages: mpsc::Receiver<BusMessage>,
    tasks: Tasks,
    drain: Duration,
    recheck: Duration,
}

impl Application {
    /// Connects to the bus and binds the port.
    ///
    /// # Errors
    /// When Redis does not answer or the port is taken.
    pub async fn build(config: Config) -> Result<Self> {
        let tasks = Tasks::new();
        let pool = Pool::new(&config.db)?;
        let clock = Arc::new(SystemClock);
        let authenticator = Authenticator::new(&config.access, pool.clone(), clock.clone());
        let (subscriber, messages) = Subscriber::connect(&config.events, &tasks).await?;
        let sockets = Sockets::new(Limits { sockets: config.sockets_per_user, rooms: config.rooms_per_user });
        let hub = Hub::new(subscriber, sockets.clone(), config.slow_limit);
        let lines = Arc::new(Lines::default());
        let command_limit = config.commands;
        let gateway =
            Arc::new(Gateway { hub, pool, authenticator, clock, sockets, lines: lines.clone(), command_limit });
        let (layer, io) = SocketIo::builder()
            .req_path(PATH)
            .max_buffer_size(config.buffer)
            .ws_max_message_size(MAX_MESSAGE)
            .ws_max_frame_size(MAX_MESSAGE)
            .connect_timeout(CONNECT_TIMEOUT)
            .build_layer();
        connection::register(&io, &gateway);
        let router = health::routes(gateway.clone())
            .layer(layer)
            .layer(from_fn_with_state(lines, lines::watch))
            .layer(cors(&config.cors_origins));
        let listen = |source| Error::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self {
            listener,
            address,
            router,
            io,
            gateway,
            messages,
            tasks,
            drain: config.drain,
            recheck: config.recheck,
        })
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Serves until the signal; then closes all sockets, which clients answer by connecting to another replica.
    ///
    /// # Errors
    /// When the server fails, or no more events can come.
    pub async fn run(self, shutdown: Shutdown) -> Result<()> {
        let Self { listener, address, router, io, gateway, messages, tasks, drain, recheck } = self;
        tracing::info!(%address, "listening");
        let end = shutdown.child();
        let (hub, hub_end) = (gateway.clone(), end.clone());
        tasks.spawn(async move { hub.hub.hear(messages, hub_end).await });
        let (hub, hub_end) = (gateway.clone(), end.clone());
        tasks.spawn(async move { hub.hub.look_after(hub_end).await });

        tasks.spawn(recheck::run(gateway.clone(), recheck, end.clone()));

        let stop = end.clone();
        let server = axum::serve(LineListener(listener), router.into_make_service_with_connect_info::<Line>())
            .with_graceful_shutdown(async move { stop.triggered().await })
            .into_future();
        tokio::pin!(server);
        let served = tokio::select! {
            served = &mut server => served,
            () = end.triggered() => {
                let closing = async {
                    io.close().await;
                    server.await
                };
                tokio::time::timeout(drain, closing).await.unwrap_or_else(|_elapsed| {
                    tracing::warn!("some sockets did not close in time");
                    Ok(())
                })
            }
        };
        let asked_to_end = shutdown.is_triggered();
        end.trigger();
        gateway.hub.subscriber().close().await;
        if !tasks.finish(drain).await {
            tracing::warn!("some tasks did not end in time");
        }
        served.map_err(Error::Serve)?;
        if asked_to_end { Ok(()) } else { Err(Error::Silent) }
    }
}

fn cors(origins: &[String]) -> CorsLayer {
    // Every request of a socket carries its token itself, so an origin decides about nothing that a cookie would.
    let allowed = match origins {
        [] => AllowOrigin::mirror_request(),
        origins => AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(true)
        .max_age(PREFLIGHT_AGE)
}
